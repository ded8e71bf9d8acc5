"""Tiling over rows around steps that need all rows at once, such as linear recurrences.

Each loop over blocks of rows is a stage. A value with rows is computed in the first stage in which its operands are known.
Steps that need all rows, or the sum over them, run between two stages.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from jitgrad.program.expression import Builder, Expression, Step, input_step, renamed
from jitgrad.program.loop import LANES, Loop, loop_step
from jitgrad.program.lowering_rules.table import Rows, lowered

LEAST_STEPS = 3
"""Number of steps of a stage that is worth a loop."""


class _Stages:
    """The steps that blocks of rows can compute.

    Attributes
    ----------
    kinds : list of Rows
        Whether a step has rows (EACH), is a sum over them (SUM), or neither (FIXED).
    stage : dict of int
        The stage of each step that a block of rows can compute.
    ready : list of int
        The number of stages before a step.
    """

    def __init__(self, expression: Expression, rows: int) -> None:
        self.kinds: list[Rows] = []
        self.stage: dict[int, int] = {}
        self.ready: list[int] = []
        steps, state = expression.steps, expression.state
        for i, step in enumerate(steps):
            row, shapes = lowered(step.op), expression.shapes(step.args)
            has_rows = [self.kinds[j] is Rows.EACH for j in step.args]
            begins = any(has_rows) or (row.repeats and not row.leaf)
            kind = row.by_rows(step, shapes, has_rows, rows) if begins else None
            if kind in (Rows.EACH, Rows.SUM):
                self.stage[i] = max([self._known(j) for j in step.args], default=0)
                self.ready.append(self.stage[i] + 1)
            else:
                self.ready.append(max([self.ready[j] for j in step.args], default=0))
                fits = step.shape[:1] == (rows,) and (any(has_rows) or self.ready[i] > 0 or step.op == "input")
                kind = Rows.EACH if fits and i not in state else Rows.FIXED
            self.kinds.append(kind)

    def _known(self, i: int) -> int:
        """Return the first stage that can read a value."""
        return self.stage[i] if i in self.stage and self.kinds[i] is Rows.EACH else self.ready[i]


def tile_stages(expression: Expression, rows: int, block_elements: int) -> Expression:
    """Return the expression with a loop over blocks of rows for each stage that is worth it."""
    found = _Stages(expression, rows)
    members: dict[int, list[int]] = defaultdict(list)
    for i, stage in found.stage.items():
        members[stage].append(i)
    steps, builder, place = expression.steps, Builder([]), [-1] * len(expression.steps)
    loops = {stage: _loop_of(expression, found.kinds, group, rows, block_elements) for stage, group in members.items()}
    for stage in range(max(found.ready, default=0) + 1):
        for i, step in enumerate(steps):
            if i not in found.stage and found.ready[i] == stage:
                place[i] = builder.add(step.at(place))
        made = loops.get(stage)
        if made is not None:
            _add_loop(builder, place, expression, *made)
        else:
            for i in members.get(stage, ()):
                place[i] = builder.add(steps[i].at(place))
    return renamed(expression, builder.steps, place) if any(loops.values()) else expression


_Made = tuple[Loop, Sequence[int], Sequence[int]]


def _loop_of(
    expression: Expression, kinds: Sequence[Rows], group: Sequence[int], rows: int, block_elements: int
) -> _Made | None:
    """Return the loop of a stage, its operands and its outputs, or None if it is not worth it."""
    steps, inside = expression.steps, set(group)
    read = {j for i in group for j in steps[i].args} - inside
    operands = sorted(read, key=lambda j: (kinds[j] is not Rows.EACH, j))
    across = sum(math.prod(steps[i].shape[1:]) for i in (*group, *operands) if kinds[i] is Rows.EACH)
    if len(group) < LEAST_STEPS or across == 0:
        return None
    block = max(64, min(block_elements // across, rows // (2 * LANES)) // 64 * 64)
    trips, left = divmod(rows, block)
    if trips < 2 * LANES:
        return None
    later = {j for i, step in enumerate(steps) if i not in inside for j in step.args}
    later.update(expression.outputs, *(update.args for update in expression.updates))
    outputs = [i for i in group if i in later]
    bodies = [_body(expression, kinds, operands, group, outputs, count) for count in (block, left) if count]
    moving = sum(kinds[j] is Rows.EACH for j in operands)
    loop = Loop(bodies[0], trips, n_moving=moving, parallel=True, tail=bodies[1] if left else None)
    return loop, operands, outputs


def _body(
    expression: Expression,
    kinds: Sequence[Rows],
    operands: Sequence[int],
    group: Sequence[int],
    outputs: Sequence[int],
    count: int,
) -> Expression:
    """Return the body for a block of ``count`` rows."""
    place: dict[int, int] = {}
    made: list[Step] = []
    for i in (*operands, *group):
        step = expression.steps[i]
        shape = (count, *step.shape[1:]) if kinds[i] is Rows.EACH else step.shape
        attrs = tuple((name, shape if name == "shape" else value) for name, value in step.attrs)
        is_operand = len(made) < len(operands)
        made.append(
            input_step(len(made), shape) if is_operand else Step(step.op, tuple(place[j] for j in step.args), attrs, shape)
        )
        place[i] = len(made) - 1
    return Expression(tuple(made), (("value", tuple(place[i] for i in outputs)),))


def _add_loop(
    builder: Builder, place: list[int], expression: Expression, loop: Loop, operands: Sequence[int], outputs: Sequence[int]
) -> None:
    """Add a loop, the sums of its blocks' sums, and the values that it stores for all rows."""
    made = builder.add(loop_step(tuple(place[j] for j in operands), loop))
    for number, i in enumerate(outputs):
        result, shape = builder.op("get", made, index=number), expression.steps[i].shape
        stacked = builder.steps[result].shape
        if math.prod(stacked) != math.prod(shape):
            place[i] = builder.op("sum", result, axes=(0,))
        else:
            place[i] = result if stacked == shape else builder.op("reshape", result, shape=shape)
