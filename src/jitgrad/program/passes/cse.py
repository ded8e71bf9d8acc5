"""Common subexpressions are computed once, and what nothing needs is not computed."""

from __future__ import annotations

from collections.abc import Iterable

from jitgrad.program.expression import Builder, Expression, Step, renamed, rewrite
from jitgrad.program.passes.loops import trim_stacks, unite_stacks


def cse(expression: Expression) -> Expression:
    """Equal steps become one, and loops that differ only in what they stack."""
    once = _shared(expression)
    united = unite_stacks(once)
    return once if united is once else _shared(united)


def _shared(expression: Expression) -> Expression:
    seen: dict[Step, int] = {}

    def shared(builder: Builder, step: Step) -> int:
        place = seen.get(step)
        if place is None:
            place = seen[step] = builder.add(step)
        return place

    return rewrite(expression, shared)


def dce(expression: Expression) -> Expression:
    """Keep what the outputs and updates need, and every input: the caller counts on their numbers."""
    steps = expression.steps
    loops = [i for i, step in enumerate(steps) if step.op == "loop" and step.attr("loop").changes]
    results = [i for u in expression.updates for i in u.targets + u.args]
    needed = needed_by(expression, [*expression.outputs, *results, *loops])
    place = [-1] * len(steps)
    kept: list[Step] = []
    for i, step in enumerate(steps):
        if needed[i] or step.op == "input":
            place[i] = len(kept)
            kept.append(step.at(place))
    return trim_stacks(renamed(expression, kept, place))


def needed_by(expression: Expression, roots: Iterable[int]) -> list[bool]:
    """For each step, whether one of ``roots`` depends on it."""
    needed = [False] * len(expression.steps)
    for i in roots:
        needed[i] = True
    for i in range(len(expression.steps) - 1, -1, -1):
        if needed[i]:
            for j in expression.steps[i].args:
                needed[j] = True
    return needed
