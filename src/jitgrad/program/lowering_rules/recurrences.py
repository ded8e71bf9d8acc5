"""Linear recurrences y[t + 1] = a[t]·y[t] + b[t], which the passes on loops create."""

from __future__ import annotations

import math

from jitgrad.errors import ProgramError
from jitgrad.ops import Shape
from jitgrad.program.assembler import Assembler
from jitgrad.program.lowering_rules.table import Lowered, OperandShapes, Placed, declare

Links = tuple[tuple[int, ...], ...]
"""The values that each value depends on: another one does not affect it, even if it is nan."""


def _shape(shapes: OperandShapes, reverse: bool, links: Links) -> Shape:
    """Infer the shape of all values of k recurrences in one another, from their coefficients, terms and first values."""
    a, b, first = shapes
    k, *shape = first
    if len(links) != k or any(j >= k for row in links for j in row):
        raise ProgramError(f"A linear recurrence of {k} values has links {links}. Give the values that each depends on.")
    if (b[:1], b[2:]) != ((k,), (*shape,)) or a not in ((k, k, *shape), (k, *b)):
        raise ProgramError(
            f"A linear recurrence has coefficients of shape {a}, terms of shape {b} and first values of shape {first}. "
            f"Give k first values, terms of shape (k, trips, ...) and coefficients of shape (k, k, ...) or (k, k, trips, ...)."
        )
    return (k, b[1] + 1, *shape)


def _emit(code: Assembler, at: Placed, reverse: bool, links: Links) -> None:
    (a, b, first), (k, trips, *shape) = at.places, at.shapes[1]
    inner = math.prod(shape)
    apart = 0 if len(at.shapes[0]) == len(at.shapes[1]) else inner
    code.emit(
        "linear_recurrence", d=at.d, a=a, b=b, c=first, k=k, n=trips, inner=inner, apart=apart, reverse=int(reverse),
        t=code.numbers([x for row in links for x in (len(row), *row, *(0,) * (k - len(row)))]) if k > 1 else 0,
    )  # fmt: skip


declare(Lowered("linear_recurrence", _emit, _shape))
