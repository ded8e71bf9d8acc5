"""Reductions along axes, dot products, cumulative sums, and sorting."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jitgrad.ops import Shape
from jitgrad.program.assembler import Assembler
from jitgrad.program.expression import Builder, Step
from jitgrad.program.lowering_rules.table import Lowered, OperandShapes, Placed, Rows, declare
from jitgrad.program.lowering_rules.views import around


def _fuse_dot(builder: Builder, step: Step) -> int | None:
    """Replace the sum over all elements of a product by a dot product."""
    source = builder.steps[step.args[0]]
    if step.shape != ():
        return None
    if source.op == "square":
        return builder.add(Step("dot", source.args * 2, (), ()))
    if source.op == "multiply" and all(builder.steps[i].shape == source.shape for i in source.args):
        return builder.add(Step("dot", source.args, (), ()))
    return None


def _legalise(builder: Builder, step: Step) -> int | None:
    """Reduce axes that are not adjacent one range at a time, the last range first."""
    source, axes = step.args[0], sorted(step.attr("axes"))
    runs: list[list[int]] = []
    for axis in axes:
        if runs and runs[-1][-1] == axis - 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    if len(runs) == 1:
        return None
    for run in reversed(runs):
        source = builder.op(step.op, source, axes=tuple(run))
    return source


def _by_rows(step: Step, shapes: OperandShapes, has_rows: Sequence[bool], rows: int) -> Rows | None:
    if 0 not in step.attr("axes"):
        return Rows.EACH
    return Rows.SUM if step.op == "sum" else None


def _reduce(code: Assembler, at: Placed, axes: tuple[int, ...]) -> None:
    first, last = min(axes), max(axes)
    outer, reduced, inner = (
        math.prod(at.shapes[0][part]) for part in (slice(first), slice(first, last + 1), slice(last + 1, None))
    )
    code.emit(f"{at.op}_axis", d=at.d, a=at.places[0], outer=outer, reduced=reduced, inner=inner)


def _dot(code: Assembler, at: Placed) -> None:
    a, b = at.places
    code.emit("dot", d=at.d, a=a, b=b, n=math.prod(at.shapes[0]))


def _dot_shape(shapes: OperandShapes) -> Shape:
    a, b = shapes
    if a != b:
        raise ValueError(f"a dot product of shapes {a} and {b}")
    return ()


def _dot_by_rows(step: Step, shapes: OperandShapes, has_rows: Sequence[bool], rows: int) -> Rows | None:
    return Rows.SUM if all(has_rows) else None


def _cumsum(code: Assembler, at: Placed, axis: int, reverse: bool) -> None:
    outer, n, inner = around(at.shape, axis)
    code.emit("cumsum", d=at.d, a=at.places[0], outer=outer, n=n, inner=inner, reverse=int(reverse))


def _argmax(code: Assembler, at: Placed) -> None:
    code.emit("argmax", d=at.d, a=at.places[0], outer=math.prod(at.shape), n=at.shapes[0][-1])


def _argsort(code: Assembler, at: Placed) -> None:
    code.emit("argsort", d=at.d, a=at.places[0], s=at.scratch.offset, outer=math.prod(at.shape[:-1]), n=at.shape[-1])


declare(Lowered("sum", _reduce, fuse=(_fuse_dot,), legalise=_legalise, by_rows=_by_rows))
declare(Lowered("max", _reduce, legalise=_legalise, by_rows=_by_rows))
declare(Lowered("min", _reduce, legalise=_legalise, by_rows=_by_rows))
declare(Lowered("dot", _dot, _dot_shape, by_rows=_dot_by_rows))
declare(Lowered("cumsum", _cumsum))
declare(Lowered("argmax", _argmax))
declare(Lowered("argsort", _argsort, scratch=lambda step, shapes: step.shape[-1]))
