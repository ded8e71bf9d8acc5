"""Large instructions in parts that threads can do at once.

How many parts there are depends on the work alone, not on the number of threads: so neither do the results.
"""

from __future__ import annotations

import math
from itertools import pairwise

from jitgrad.vm.instructions import Instruction

MOST_PARTS = 8


def split(kind: Instruction, fields: dict[str, int]) -> list[dict[str, int]]:
    """The fields of the parts, or those given where the work is small or cannot be cut."""
    if kind.splits is None:
        return [fields]
    cut = kind.splits(fields)
    n = fields[cut.axis]
    count = parts(min(cut.work // cut.least, n // cut.grain))
    if count == 1:
        return [fields]
    bounds = [n * i // count // cut.grain * cut.grain for i in range(count)] + [n]
    return [
        fields | {cut.axis: stop - start} | {place: fields[place] + start * step for place, step in cut.moves.items()}
        for start, stop in pairwise(bounds)
    ]


def parts(most: int) -> int:
    """A number of parts, at most so many: a power of two, that each of two or four threads does as many."""
    return 2 ** int(math.log2(max(1, min(MOST_PARTS, most))))
