"""Splitting large instructions into parts that threads can execute concurrently.

The number of parts depends only on the amount of work, so results do not depend on the number of threads.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from jitgrad.vm.instructions import Instruction

MOST_PARTS = 8

Fields = dict[str, int]


class Parts(NamedTuple):
    """An instruction split into parts.

    Attributes
    ----------
    number : int
        Number of parts of equal size.
    first : dict
        Fields of the first part.
    moves : dict
        Increments of fields from part to part.
    rest : dict or None
        Fields of the remaining part, if the size is not a multiple of the part size.
    """

    number: int
    first: Fields
    moves: Fields
    rest: Fields | None


def split(kind: Instruction, fields: Fields) -> Parts | None:
    """Split an instruction; return None if the work is small or cannot be split."""
    if kind.splits is None:
        return None
    cut = kind.splits(fields)
    n = fields[cut.axis]
    wanted = parts(min(cut.work // cut.least, n // cut.grain))
    if wanted == 1:
        return None
    size = -(-n // (wanted * cut.grain)) * cut.grain
    count, left = divmod(n, size)
    moves = {place: size * step for place, step in cut.moves.items() if step}
    last = {place: fields[place] + count * step for place, step in moves.items()}
    return Parts(count, fields | {cut.axis: size}, moves, fields | last | {cut.axis: left} if left else None)


def parts(most: int) -> int:
    """Return a power of two, at most ``most``, so that two or four threads get equal shares."""
    return 2 ** int(math.log2(max(1, min(MOST_PARTS, most))))
