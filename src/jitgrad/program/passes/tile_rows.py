"""Tiling over rows: all operations of a step process a block of rows while it is in cache.

Values with one row for each row of the data are computed one block at a time, in memory that the next block reuses. Sums
over rows are computed for each block and then added. Several lanes of blocks are independent, so threads can share them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

from jitgrad.ops import Shapes
from jitgrad.program.expression import Builder, Expression, Rule, Step, Update, input_step, renamed, rewrite
from jitgrad.program.loop import LANES, Loop, loop_step
from jitgrad.program.lowering_rules.table import UPDATES, Rows, lowered
from jitgrad.program.passes.tile_stages import tile_stages

LEAST_ELEMENTS = 2**19
"""Minimum number of elements of all values with rows. Smaller data stays in cache without tiling."""
BLOCK_ELEMENTS = 2**16
"""Number of elements of a block of all values with rows: 256 KiB in float32, which fits the L2 cache."""
MOST_SUMS = 2**22
"""Maximum number of elements of the sums of all blocks."""


def tile_rows(expression: Expression) -> Expression:
    """Return the expression with one loop for all values with rows, or unchanged if tiling is impossible or not worthwhile."""
    rows = _rows_of(expression)
    if rows is None:
        return expression
    spelt = _products_spelt_out(expression, rows)
    if any(step.op == "linear_recurrence" for step in spelt.steps):
        return tile_stages(spelt, rows, BLOCK_ELEMENTS)
    kinds = _kinds(spelt, rows)
    return expression if kinds is None else _gathered(spelt, rows, kinds) or expression


def _rows_of(expression: Expression) -> int | None:
    """Return the first size of the largest input if there is enough work."""
    state = expression.state
    leaves = [s.shape for i, s in enumerate(expression.steps) if s.op == "input" and i not in state]
    inputs = [shape for shape in leaves if shape and type(shape) is not Shapes]
    rows = max(inputs, key=math.prod, default=(0,))[0]
    total = sum(s.size for s in expression.steps if s.shape[:1] == (rows,))
    return rows if rows > 1 and total >= LEAST_ELEMENTS else None


def _products_spelt_out(expression: Expression, rows: int) -> Expression:
    """Split C + Xᵀ·D over the rows into a product and an addition, so that the product can become a sum over blocks."""

    def applies(builder: Builder, args: tuple[int, ...]) -> bool:
        return builder.steps[args[0]].shape[:1] == (rows,)

    def apart(op: str) -> Rule | None:
        rule = lowered(op).apart
        return rule and (lambda builder, step: rule(builder, step) if applies(builder, step.args) else None)

    def update_apart(builder: Builder, update: Update) -> Update | None:
        rule = UPDATES[update.op].apart
        return rule(builder, update) if rule is not None and applies(builder, update.args) else None

    return rewrite(expression, apart, update_apart)


def _kinds(expression: Expression, rows: int) -> list[Rows] | None:
    """Classify each step; return None if a row is an output or is needed after a sum."""
    state = expression.state
    kinds: list[Rows] = []
    for i, step in enumerate(expression.steps):
        operands = {kinds[j] for j in step.args}
        row, shapes = lowered(step.op), expression.shapes(step.args)
        has_rows = [kinds[j] is Rows.EACH for j in step.args]
        kind: Rows | None = Rows.FIXED
        if row.leaf:
            kind = Rows.EACH if step.op == "input" and i not in state and step.shape[:1] == (rows,) else Rows.FIXED
        elif Rows.EACH in operands:
            kind = None if operands & {Rows.SUM, Rows.LATE} else row.by_rows(step, shapes, has_rows, rows)
        elif operands & {Rows.SUM, Rows.LATE}:
            kind = Rows.LATE
        elif row.repeats and operands == {Rows.FIXED} and row.by_rows(step, shapes, has_rows, rows):
            kind = Rows.EACH
        if kind is None:
            return None
        kinds.append(kind)
    results = [*expression.outputs, *(i for update in expression.updates for i in update.args)]
    return None if any(kinds[i] is Rows.EACH for i in results) else kinds


def _gathered(expression: Expression, rows: int, kinds: list[Rows]) -> Expression | None:
    """Move steps with rows and their sums into a loop over blocks; each sum becomes the sum of the blocks' sums."""
    steps = expression.steps
    inside = [i for i, kind in enumerate(kinds) if kind is Rows.SUM or (kind is Rows.EACH and steps[i].op != "input")]
    sums = [i for i in inside if kinds[i] is Rows.SUM]
    operands = sorted({j for i in inside for j in steps[i].args} - set(inside), key=lambda j: (kinds[j] is not Rows.EACH, j))
    across = sum(math.prod(steps[i].shape[1:]) for i in {*inside, *operands} if kinds[i] is Rows.EACH)
    if not sums or across == 0:
        return None
    block = max(64, min(BLOCK_ELEMENTS // across, rows // (2 * LANES)) // 64 * 64)
    trips, left = divmod(rows, block)
    if trips + bool(left) < 2 * LANES or (trips + 1) * sum(steps[i].size for i in sums) > MOST_SUMS:
        return None
    body = functools.partial(_body, expression, kinds, inside, operands)
    moving = sum(kinds[j] is Rows.EACH for j in operands)
    loop = Loop(body(block), trips, n_moving=moving, parallel=True, tail=body(left) if left else None)
    builder, place = Builder([]), [-1] * len(steps)
    first = [i for i in range(len(steps)) if kinds[i] is Rows.FIXED or (kinds[i] is Rows.EACH and steps[i].op == "input")]
    for i in first:
        place[i] = builder.add(steps[i].at(place))
    made = builder.add(loop_step(tuple(place[j] for j in operands), loop))
    for number, i in enumerate(sums):
        place[i] = builder.op("sum", builder.op("get", made, index=number), axes=(0,))
    for i, step in enumerate(steps):
        if kinds[i] is Rows.LATE:
            place[i] = builder.add(step.at(place))
    return renamed(expression, builder.steps, place)


def _body(
    expression: Expression, kinds: Sequence[Rows], inside: Sequence[int], operands: Sequence[int], count: int
) -> Expression:
    """Return the body for a block of ``count`` rows, whose outputs are the sums."""
    place: dict[int, int] = {}
    made: list[Step] = []
    for i in [*operands, *inside]:
        step = expression.steps[i]
        shape = (count, *step.shape[1:]) if kinds[i] is Rows.EACH else step.shape
        if i in operands:
            made.append(input_step(len(made), shape))
        else:
            attrs = tuple((name, shape if name == "shape" else value) for name, value in step.attrs)
            made.append(Step(step.op, tuple(place[j] for j in step.args), attrs, shape))
        place[i] = len(made) - 1
    sums = tuple(place[i] for i in inside if kinds[i] is Rows.SUM)
    return Expression(tuple(made), (("value", sums),))
