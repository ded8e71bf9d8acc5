"""Passes on loops: merge equal loops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from jitgrad.program.expression import Expression, Step
from jitgrad.program.loop import loop_of, loop_step


def unite_stacks(expression: Expression) -> Expression:
    """Give loops that differ only in their stacks the same stacks, which makes them common subexpressions.

    A loop all of whose results are used as one value, as an output, is unchanged.
    """
    wanted: dict[Any, dict[int, None]] = defaultdict(dict)
    whole = {*expression.outputs, *(j for step in expression.steps if step.op != "get" for j in step.args)}
    loops = {i: step for i, step in _loops_of(expression).items() if i not in whole}
    for step in loops.values():
        wanted[_but_for_stacks(step)] |= dict.fromkeys(loop_of(step).stacked)
    return _with_stacks(expression, {i: tuple(wanted[_but_for_stacks(step)]) for i, step in loops.items()})


def _but_for_stacks(step: Step) -> Any:
    loop = loop_of(step)
    return step.args, loop.stacking(())


def _with_stacks(expression: Expression, stacks: Mapping[int, tuple[int, ...]]) -> Expression:
    """Return the expression with new stacked outputs of loops, by position. A loop with a tail is unchanged."""
    before, steps = expression.steps, list(expression.steps)
    for i, outputs in stacks.items():
        loop = loop_of(before[i])
        if loop.tail is None and outputs != loop.stacked:
            steps[i] = loop_step(before[i].args, loop.stacking(outputs))
    if all(new is old for new, old in zip(steps, before, strict=True)):
        return expression
    for i, step in enumerate(before):
        if step.op == "get" and steps[step.args[0]] is not before[step.args[0]]:
            old, new, index = loop_of(before[step.args[0]]), loop_of(steps[step.args[0]]), step.attr("index")
            if index >= old.n_carries:
                index = new.n_carries + new.stacked.index(old.body.outputs[index])
                steps[i] = step._replace(attrs=(("index", index),))
    return expression._replace(steps=tuple(steps))


def _loops_of(expression: Expression) -> dict[int, Step]:
    """Return the positions of loops."""
    return {i: step for i, step in enumerate(expression.steps) if step.op == "loop"}
