"""Blocks of rows: where a step goes through many rows, a block of them goes through all of the step while it is in cache.

What has a row for each row of the data is then computed for a block at a time, in memory of its own that is used again by the
next block; what is summed over the rows is summed in each block, and the sums of the blocks are added. Several lanes of
blocks are independent of one another, so that threads may share them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from jitgrad.ops import OPS, Shape
from jitgrad.program.expression import Builder, Expression, Step, Update, input_step, renamed, rewrite
from jitgrad.program.memory import assign_memory

LANES = 8
LEAST_ELEMENTS = 2**19
"""Of all that has rows: below, it stays in cache by itself."""
BLOCK_ELEMENTS = 2**16
"""Of all that has rows, in a block: 256 KiB in float32, which the second cache holds."""
MOST_SUMS = 2**22
"""Elements of the sums of all blocks."""

_PRODUCTS = ("matmul_nn", "matmul_nt")


class Body(NamedTuple):
    """What is done with a block.

    Attributes:
        expression: its inputs are the operands, see ``Blocks``, for a block of rows.
        offsets: the place of each step, from the start of the room of a lane.
        sums: the steps that are summed over the rows.
    """

    expression: Expression
    offsets: tuple[int, ...]
    sums: tuple[int, ...]


class Blocks(NamedTuple):
    """All blocks of a step.

    Attributes:
        rows: of the data.
        block: the rows of a block; the last one may have fewer.
        body, tail: what is done with a block, and with the last one.
        widths: for each operand the elements of a row, 0 for one without rows.
        room: elements that a lane works in.
    """

    rows: int
    block: int
    body: Body
    tail: Body | None
    widths: tuple[int, ...]
    room: int

    @property
    def number(self) -> int:
        """The number of blocks."""
        return -(-self.rows // self.block)


def tile_rows(expression: Expression) -> Expression:
    """The expression with one step for all that has rows, or as it is where that does not fit or would not pay."""
    rows = _rows_of(expression)
    if rows is None:
        return expression
    spelt = _products_spelt_out(expression, rows)
    kinds = _kinds(spelt, rows)
    return expression if kinds is None else _gathered(spelt, rows, kinds) or expression


def _rows_of(expression: Expression) -> int | None:
    """The first size of the largest input, if there is enough to do."""
    state = {i for update in expression.updates for i in update.targets}
    inputs = [s.shape for i, s in enumerate(expression.steps) if s.op == "input" and s.shape and i not in state]
    rows = max(inputs, key=math.prod, default=(0,))[0]
    total = sum(math.prod(s.shape) for s in expression.steps if s.shape[:1] == (rows,))
    return rows if rows > 1 and total >= LEAST_ELEMENTS else None


def _products_spelt_out(expression: Expression, rows: int) -> Expression:
    """C + Xᵀ·D over the rows as a product and an addition, so that the product can be a sum of those of blocks."""

    def apart(builder: Builder, step: Step) -> int | None:
        if step.op != "matmul_tn" or len(step.args) == 2 or builder.steps[step.args[0]].shape[0] != rows:
            return None
        return builder.op("add", builder.add(step._replace(args=step.args[:2])), step.args[2])

    expression = rewrite(expression, apart)
    builder, updates = Builder(list(expression.steps)), []
    for update in expression.updates:
        if update.op == "add_product" and builder.steps[update.args[0]].shape[0] == rows:
            (target,), shape = update.targets, builder.steps[update.targets[0]].shape
            product = builder.add(Step("matmul_tn", update.args, (), shape))
            update = Update("assign", (target,), (builder.op("add", target, product),))
        updates.append(update)
    return expression._replace(steps=tuple(builder.steps), updates=tuple(updates))


# What a step is: without rows, with a row for each of the data's, or a sum over them; and what is computed from sums.
_FIXED, _ROWS, _SUM, _LATE = range(4)


def _kinds(expression: Expression, rows: int) -> list[int] | None:
    """The kind of each step; None where a row is wanted as a result, or after a sum."""
    state = {i for update in expression.updates for i in update.targets}
    kinds: list[int] = []
    for i, step in enumerate(expression.steps):
        operands = {kinds[j] for j in step.args}
        if step.op == "input" and i not in state and step.shape[:1] == (rows,):
            kind: int | None = _ROWS
        elif step.op == "broadcast_to" and operands == {_FIXED} and _repeats(expression, step, rows):
            kind = _ROWS
        elif _ROWS not in operands:
            kind = _LATE if operands & {_SUM, _LATE} else _FIXED
        elif operands & {_SUM, _LATE}:
            kind = None
        else:
            kind = _kind_of(expression, step, kinds, rows)
        if kind is None:
            return None
        kinds.append(kind)
    results = [*expression.outputs, *(i for update in expression.updates for i in update.args)]
    return None if any(kinds[i] == _ROWS for i in results) else kinds


def _kind_of(expression: Expression, step: Step, kinds: Sequence[int], rows: int) -> int | None:
    """The kind of a step of which an operand has rows; None where it is not known to go row by row."""
    shapes = [expression.steps[i].shape for i in step.args]
    has_rows = [kinds[i] == _ROWS for i in step.args]
    row = OPS.get(step.op)
    goes_by_rows = step.shape[:1] == (rows,)
    if row is not None and row.value is not None:
        aligned = all(_aligned(shape, step.shape, has) for shape, has in zip(shapes, has_rows, strict=True))
        return _ROWS if goes_by_rows and aligned else None
    if step.op == "reshape":
        return _ROWS if goes_by_rows else None
    if step.op == "broadcast_to":
        return _ROWS if goes_by_rows and _aligned(shapes[0], step.shape, True) else None
    if step.op in ("sum", "max", "min"):
        if 0 not in dict(step.attrs)["axes"]:
            return _ROWS
        return _SUM if step.op == "sum" else None
    if step.op in _PRODUCTS and len(step.shape) == 2 and has_rows[0] and not has_rows[1]:
        return _ROWS if len(shapes) == 2 or _aligned(shapes[2], step.shape, has_rows[2]) else None
    if step.op in ("dot", "matmul_tn") and has_rows == [True, True] and len(step.shape) in (0, 2):
        return _SUM
    return None


def _repeats(expression: Expression, step: Step, rows: int) -> bool:
    """Whether a broadcast makes rows that are all alike."""
    return step.shape[:1] == (rows,) and _aligned(expression.steps[step.args[0]].shape, step.shape, False)


def _aligned(shape: Shape, result: Shape, has_rows: bool) -> bool:
    """Whether an operand has its rows where the result has them, or repeats along them."""
    return len(shape) == len(result) if has_rows else len(shape) < len(result) or shape[0] == 1


def _gathered(expression: Expression, rows: int, kinds: list[int]) -> Expression | None:
    """Steps with rows, and their sums, become one; each sum is then that of the blocks' sums."""
    steps = expression.steps
    inside = [i for i, kind in enumerate(kinds) if kind == _SUM or (kind == _ROWS and steps[i].op != "input")]
    sums = [i for i in inside if kinds[i] == _SUM]
    operands = sorted({j for i in inside for j in steps[i].args} - set(inside))
    across = sum(math.prod(steps[i].shape[1:]) for i in {*inside, *operands} if kinds[i] == _ROWS)
    if not sums or across == 0:
        return None
    block = max(64, min(BLOCK_ELEMENTS // across, rows // (2 * LANES)) // 64 * 64)
    sizes = [math.prod(steps[i].shape) for i in sums]
    blocks = _described(expression, rows, block, kinds, inside, operands)
    if blocks.number < 2 * LANES or blocks.number * sum(sizes) > MOST_SUMS:
        return None
    builder, place = Builder([]), [-1] * len(steps)
    first = [i for i in range(len(steps)) if kinds[i] == _FIXED or (kinds[i] == _ROWS and steps[i].op == "input")]
    for i in first:
        place[i] = builder.add(steps[i]._replace(args=tuple(place[j] for j in steps[i].args)))
    room = builder.add(Step("room", (), (), (LANES * blocks.room,)))
    args = (*(place[j] for j in operands), room)
    made = builder.add(Step("blocks", args, (("blocks", blocks),), (blocks.number * sum(sizes),)))
    start = 0
    for i, size in zip(sums, sizes, strict=True):
        part = builder.op("slice", made, starts=(start,), steps=(1,), shape=(blocks.number * size,))
        part = builder.op("reshape", part, shape=(blocks.number, *steps[i].shape))
        place[i] = builder.op("sum", part, axes=(0,))
        start += blocks.number * size
    for i, step in enumerate(steps):
        if kinds[i] == _LATE:
            place[i] = builder.add(step._replace(args=tuple(place[j] for j in step.args)))
    return renamed(expression, builder.steps, place)


def _described(
    expression: Expression, rows: int, block: int, kinds: Sequence[int], inside: Sequence[int], operands: Sequence[int]
) -> Blocks:
    steps = expression.steps
    body, room = _body(expression, block, kinds, inside, operands)
    tail = _body(expression, rows % block, kinds, inside, operands)[0] if rows % block else None
    if tail is not None:
        tail = tail._replace(offsets=body.offsets)
    widths = tuple(math.prod(steps[j].shape[1:]) if kinds[j] == _ROWS else 0 for j in operands)
    return Blocks(rows, block, body, tail, widths, room)


def _body(
    expression: Expression, count: int, kinds: Sequence[int], inside: Sequence[int], operands: Sequence[int]
) -> tuple[Body, int]:
    """The steps for ``count`` rows, and the elements of their room."""
    place: dict[int, int] = {}
    made: list[Step] = []
    for i in [*operands, *inside]:
        step = expression.steps[i]
        shape = (count, *step.shape[1:]) if kinds[i] == _ROWS else step.shape
        if i in operands:
            made.append(input_step(len(made), shape))
        else:
            attrs = (("shape", shape),) if step.op in ("broadcast_to", "reshape") else step.attrs
            made.append(Step(step.op, tuple(place[j] for j in step.args), attrs, shape))
        place[i] = len(made) - 1
    sums = tuple(place[i] for i in inside if kinds[i] == _SUM)
    elsewhere = [s._replace(shape=(0,)) if k < len(operands) or k in sums else s for k, s in enumerate(made)]
    offsets, room = assign_memory(Expression(tuple(elsewhere), ()))
    return Body(Expression(tuple(made), ()), tuple(offsets), sums), room + -room % 16
