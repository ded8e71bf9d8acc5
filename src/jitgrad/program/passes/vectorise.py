"""Vectorization over the trips of a loop: a step of the body is computed for all trips at once, along a new first axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jitgrad.ops import OPS
from jitgrad.program.expression import Builder, Step


class Value(NamedTuple):
    """A value of a body outside of the loop: its step, and whether it has a first axis with one slice per trip."""

    place: int
    moves: bool


def vectorises(step: Step, moves: Sequence[bool]) -> bool:
    """Return whether a step can be computed for all trips at once, if these operands differ from trip to trip."""
    if step.op == "get" or not any(moves):
        return True
    op = OPS.get(step.op)
    if op is None or op.batching is None:
        return False
    if op.partials or op.dtype_operands is None:
        return True
    if step.op == "gather" and step.attr("axis") == 0 and not any(moves[:1]):
        return True
    return not any(moved for i, moved in enumerate(moves) if i not in op.dtype_operands)


def vectorised(builder: Builder, trips: int, step: Step, operands: Sequence[Value]) -> Value:
    """Add a step of a body for all trips, or once if no operand differs from trip to trip."""
    moves = any(x.moves for x in operands)
    if step.op == "get":
        (source,), index = operands, step.attr("index")
        return Value(builder.add(step._replace(args=(source.place,), shape=builder.steps[source.place].shape[index])), moves)
    if not moves:
        return Value(builder.add(step._replace(args=tuple(x.place for x in operands))), False)
    op, attrs = OPS[step.op], dict(step.attrs)
    if step.op == "gather" and not operands[0].moves:
        return Value(builder.op("gather", *(x.place for x in operands), **attrs), True)
    assert op.batching is not None
    if step.op == "matmul" and _of_rows(builder, operands):
        return _product_of_rows(builder, trips, operands)
    if op.partials or step.op == "matmul":
        return elementwise(builder, step.op, operands)
    if step.op == "broadcast_to":
        places = [aligned(builder, operands[0], len(step.shape))]
    else:
        indices = () if op.dtype_operands is None else set(range(len(operands))) - set(op.dtype_operands)
        places = [x.place if i in indices else repeated(builder, trips, x) for i, x in enumerate(operands)]
    return Value(builder.op(step.op, *places, **op.batching(trips, **attrs)), True)


def elementwise(builder: Builder, op: str, operands: Sequence[Value]) -> Value:
    """Add an op that broadcasts its operands."""
    ndim = max(len(builder.steps[x.place].shape) - x.moves for x in operands)
    made = builder.op(op, *(aligned(builder, x, ndim) for x in operands))
    return Value(made, any(x.moves for x in operands))


def aligned(builder: Builder, x: Value, ndim: int) -> int:
    """Return a value whose trips' slices have ``ndim`` axes, with new axes of size 1."""
    if not x.moves:
        return x.place
    trips, *shape = builder.steps[x.place].shape
    missing = ndim - len(shape)
    return builder.op("reshape", x.place, shape=(trips, *(1,) * missing, *shape)) if missing else x.place


def repeated(builder: Builder, trips: int, x: Value) -> int:
    """Return a value with one slice per trip."""
    return x.place if x.moves else builder.op("broadcast_to", x.place, shape=(trips, *builder.steps[x.place].shape))


def _of_rows(builder: Builder, operands: Sequence[Value]) -> bool:
    """Return whether a product of matrices has the same right operand in all trips."""
    left, right = (builder.steps[x.place].shape for x in operands)
    return operands[0].moves and not operands[1].moves and len(left) == 3 and len(right) == 2


def _product_of_rows(builder: Builder, trips: int, operands: Sequence[Value]) -> Value:
    """Compute the products of all trips as one product, whose rows are the rows of all trips."""
    left, right = (x.place for x in operands)
    _, m, k = builder.steps[left].shape
    product = builder.op("matmul", builder.op("reshape", left, shape=(trips * m, k)), right)
    return Value(builder.op("reshape", product, shape=(trips, m, builder.steps[right].shape[1])), True)
