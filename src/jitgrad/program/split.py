"""Large instructions in parts that threads can do at once.

How many parts there are depends on the work alone, not on the number of threads: so neither do the results.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

from jitgrad.vm.instructions import Instruction

LEAST_ELEMENTS = 32768
"""Of a part of an elementwise instruction or of an update: some microseconds, ten times what sharing costs."""
LEAST_PRODUCTS = 2**20
"""Multiplications and additions of a part of a matrix product: some ten microseconds."""
MOST_PARTS = 8
_GRAIN = 16  # where elements or rows are cut: the kernels' vectors and blocks

Fields = dict[str, int]


class _Cut(NamedTuple):
    """How an instruction may be cut: the field that says how long it is, how far each place moves on along it, the work."""

    axis: str
    moves: Fields
    work: int
    least: int = LEAST_ELEMENTS
    grain: int = _GRAIN


def split(kind: Instruction, fields: Fields) -> list[Fields]:
    """The fields of the parts, or those given where the work is small or cannot be cut."""
    cut = _cut(kind, fields)
    if cut is None:
        return [fields]
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


def _cut(kind: Instruction, f: Fields) -> _Cut | None:
    if kind.name == "matmul":
        work = f["batch"] * f["m"] * f["k"] * f["n"]
        row = f["n"] if f["c"] == f["d"] else f["rc"]  # one place stays one place: there nothing, or what is there, is added
        if f["batch"] != 1:
            moves = {"d": f["m"] * f["n"], "a": f["sa"], "b": f["sb"], "c": f["m"] * row}
            return _Cut("batch", moves, work, LEAST_PRODUCTS, 1)
        return _Cut("m", {"d": f["n"], "a": 1 if f["ta"] else f["ra"], "c": row}, work, LEAST_PRODUCTS)
    if kind.along:
        return _Cut("n", dict.fromkeys(kind.along, 1), f["n"])
    if kind.op is None or "rows" not in f:
        return None
    strides = {field: "r" + field for field in kind.fields if "r" + field in kind.fields}
    if f["rows"] == 1:
        vectors = [place for place, pattern in zip(strides, kind.pattern, strict=True) if pattern == "v"]
        return _Cut("cols", dict.fromkeys(["d", *vectors], 1), f["cols"])
    steps = {place: f[stride] for place, stride in strides.items()}
    return _Cut("rows", {"d": f["cols"]} | steps, f["rows"] * f["cols"], grain=1)
