"""Common subexpression elimination and dead code elimination."""

from __future__ import annotations

from collections.abc import Sequence

from jitgrad.program.expression import Expression, Step, needed_by, renamed
from jitgrad.program.passes.loops import unite_stacks
from jitgrad.program.passes.trim import trim


def cse(expression: Expression) -> Expression:
    """Merge equal steps, and loops that differ only in their stacked outputs."""
    once = _shared(expression)
    united = unite_stacks(once)
    return once if united is once else _shared(united)


def _shared(expression: Expression) -> Expression:
    seen: dict[Step, int] = {}
    place: list[int] = []
    for step in expression.steps:
        if len(seen) < len(place):
            step = step.at(place)
        place.append(seen.setdefault(step, len(seen)))
    return expression if len(seen) == len(place) else renamed(expression, seen, place)


def dce(expression: Expression) -> Expression:
    """Remove steps that outputs and updates do not need, and parts of loops and branches that no step uses.

    Inputs stay, because the caller relies on their numbers.
    """
    while True:
        needed = _without_dead_steps(expression)
        expression = trim(needed)
        if expression is needed:
            return expression


def _without_dead_steps(expression: Expression) -> Expression:
    steps = expression.steps
    loops = [i for i, step in enumerate(steps) if step.op == "loop" and step.attr("loop").changes]
    results = [i for u in expression.updates for i in u.targets + u.args]
    needed = needed_by(expression, [*expression.outputs, *results, *loops])
    kept = [i for i, step in enumerate(steps) if needed[i] or step.op == "input"]
    return in_order(expression, kept)


def in_order(expression: Expression, order: Sequence[int]) -> Expression:
    """Return the expression with its steps in this order."""
    if list(order) == list(range(len(expression.steps))):
        return expression
    place = [-1] * len(expression.steps)
    for new, old in enumerate(order):
        place[old] = new
    return renamed(expression, [expression.steps[i].at(place) for i in order], place)
