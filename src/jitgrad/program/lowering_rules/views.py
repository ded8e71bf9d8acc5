"""Leaves, ops that move elements (strided copies, gathers and scatters), and random numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jitgrad.errors import ProgramError
from jitgrad.ops import Shape
from jitgrad.ops.table import Shapes, each_shape, starts_of
from jitgrad.program.assembler import Assembler
from jitgrad.program.expression import Builder, Step
from jitgrad.program.lowering_rules.products import fuse_transposed
from jitgrad.program.lowering_rules.table import Lowered, OperandShapes, Placed, Rows, declare, keeps_rows


def strides_of(shape: Shape) -> tuple[int, ...]:
    """Return row-major strides in elements."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def around(shape: Shape, axis: int) -> tuple[int, int, int]:
    """Return the number of elements before, along and after an axis."""
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def _sliced(shape: Shape, starts: Shape, steps: Shape) -> tuple[int, tuple[int, ...]]:
    """Return the offset and the strides of a slice of an array of ``shape``."""
    strides = strides_of(shape)
    start = sum(first * s for first, s in zip(starts, strides, strict=True))
    return start, tuple(step * s for step, s in zip(steps, strides, strict=True))


def _first(shapes: OperandShapes) -> Shape:
    return shapes[0]


def _number(shapes: OperandShapes, value: str) -> Shape:
    float(value)
    return ()


def _with_gradient_shape(shapes: OperandShapes, results: int) -> Shape:
    return shapes[0] if results == 1 else Shapes(shapes[:results])


def _with_gradient(code: Assembler, at: Placed, results: int) -> None:
    """Keep the block of all results for the gradient; steps that use one result read the operand."""
    for start, shape, place in zip(starts_of(at.shape), each_shape(at.shape), at.places, strict=False):
        if math.prod(shape):
            code.emit("copy", d=at.d + start, a=place, n=math.prod(shape))


def _copy(code: Assembler, at: Placed) -> None:
    code.emit("copy", d=at.d, a=at.places[0], n=math.prod(at.shape))


def _broadcast_to(code: Assembler, at: Placed, shape: Shape) -> None:
    source = at.shapes[0]
    strides = tuple(0 if n == 1 else s for n, s in zip(source, strides_of(source), strict=True))
    code.view("copy_from", at.d, at.places[0], shape, (0,) * (len(shape) - len(source)) + strides)


def _transpose(code: Assembler, at: Placed, axes: tuple[int, ...]) -> None:
    strides = strides_of(at.shapes[0])
    code.view("copy_from", at.d, at.places[0], at.shape, tuple(strides[axis] for axis in axes))


def _slice(code: Assembler, at: Placed, starts: Shape, steps: Shape, shape: Shape) -> None:
    start, strides = _sliced(at.shapes[0], starts, steps)
    code.view("copy_from", at.d, at.places[0] + start, shape, strides)


CONTIGUOUS = "contiguous_slice"


def _contiguous_shape(shapes: OperandShapes, start: int, shape: Shape) -> Shape:
    if start + math.prod(shape) > math.prod(shapes[0]):
        raise ProgramError(f"A slice of shape {shape} at {start} exceeds an array of shape {shapes[0]}. Correct the pass.")
    return shape


def as_view(builder: Builder, step: Step) -> int | None:
    """Replace a slice by a view if its elements are adjacent in memory."""
    start, strides = _sliced(builder.steps[step.args[0]].shape, step.attr("starts"), step.attr("steps"))
    kept = [(n, stride) for n, stride in zip(step.shape, strides, strict=True) if n != 1]
    if 0 in step.shape or any(stride != math.prod([n for n, _ in kept[k + 1 :]]) for k, (_, stride) in enumerate(kept)):
        return None
    return builder.add(Step(CONTIGUOUS, step.args, (("start", start), ("shape", step.shape)), step.shape))


def _pad(code: Assembler, at: Placed, starts: Shape, steps: Shape, shape: Shape) -> None:
    code.emit("zero", d=at.d, n=math.prod(shape))
    start, strides = _sliced(shape, starts, steps)
    code.view("copy_into", at.d + start, at.places[0], at.shapes[0], strides)


def _concatenate(code: Assembler, at: Placed, axis: int) -> None:
    strides, d = strides_of(at.shape), at.d
    for shape, a in zip(at.shapes, at.places, strict=True):
        code.view("copy_into", d, a, shape, strides)
        d += shape[axis] * strides[axis]


def _gather(code: Assembler, at: Placed, axis: int) -> None:
    _by_numbers("gather", code, at, around(at.shapes[0], axis))


def _scatter(code: Assembler, at: Placed, axis: int, rows: int) -> None:
    _by_numbers("scatter", code, at, around(at.shape, axis))


def _by_numbers(name: str, code: Assembler, at: Placed, sizes: tuple[int, int, int]) -> None:
    outer, rows, width = sizes
    (a, b), count = at.places, math.prod(at.shapes[1])
    code.emit(name, d=at.d, a=a, b=b, outer=outer, count=count, rows=rows, width=width)


def _uniform(code: Assembler, at: Placed, shape: Shape, stream: int) -> None:
    code.emit("uniform", d=at.d, a=at.places[0], stream=stream, n=math.prod(shape))


def _reshape_by_rows(step: Step, shapes: OperandShapes, has_rows: Sequence[bool], rows: int) -> Rows | None:
    return Rows.EACH if step.shape[:1] == (rows,) else None


def _broadcast_by_rows(step: Step, shapes: OperandShapes, has_rows: Sequence[bool], rows: int) -> Rows | None:
    """Classify a broadcast of an operand without rows as equal rows."""
    return Rows.EACH if step.shape[:1] == (rows,) and keeps_rows(shapes[0], step.shape, has_rows[0]) else None


declare(Lowered("input", leaf=True))
declare(Lowered("literal", leaf=True, shape=_number))
declare(Lowered("reshape", view=lambda step, shapes: 0, by_rows=_reshape_by_rows))
declare(Lowered("get", view=lambda step, shapes: starts_of(shapes[0])[step.attr("index")]))
declare(Lowered("with_gradient", _with_gradient, _with_gradient_shape))
declare(Lowered("copy", _copy, _first))
declare(Lowered("broadcast_to", _broadcast_to, by_rows=_broadcast_by_rows, repeats=True))
declare(Lowered("transpose", _transpose, fuse=(fuse_transposed,)))
declare(Lowered("slice", _slice))
declare(Lowered(CONTIGUOUS, shape=_contiguous_shape, view=lambda step, shapes: step.attr("start")))
declare(Lowered("pad", _pad))
declare(Lowered("concatenate", _concatenate))
declare(Lowered("gather", _gather))
declare(Lowered("scatter", _scatter))
declare(Lowered("uniform", _uniform))
