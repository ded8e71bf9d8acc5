"""Large instructions in parts that threads can do at once.

How many parts there are depends on the work alone, not on the number of threads: so neither do the results.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from jitgrad.vm.instructions import Instruction

MOST_PARTS = 8

Fields = dict[str, int]


class Parts(NamedTuple):
    """An instruction in parts.

    Attributes:
        number: of parts that are equally large.
        first: the fields of the first of them.
        moves: what is added to fields from part to part.
        rest: the fields of one more part, if these are not all.
    """

    number: int
    first: Fields
    moves: Fields
    rest: Fields | None


def split(kind: Instruction, fields: Fields) -> Parts | None:
    """The parts of an instruction; None where the work is small or cannot be cut."""
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
    """A number of parts, at most so many: a power of two, that each of two or four threads does as many."""
    return 2 ** int(math.log2(max(1, min(MOST_PARTS, most))))
