"""Legalization: expand steps that no single instruction computes. Afterwards each step can be emitted by its row."""

from __future__ import annotations

from jitgrad.program.expression import Expression, Step, rewrite
from jitgrad.program.lowering_rules.table import lowered
from jitgrad.program.lowering_rules.views import as_view


def legalise(expression: Expression) -> Expression:
    """Apply the legalization rule of its row to each step, after its operands, and order reads of state before its changes.

    Slices of adjacent elements become views.
    """
    views = rewrite(expression, lambda op: as_view if op == "slice" else None)
    return rewrite(_protect_state(views), lambda op: lowered(op).legalise)


def _protect_state(expression: Expression) -> Expression:
    """Copy state that is also an output or an argument of an update before updates change it."""
    changed = expression.state
    if not changed:
        return expression
    steps = list(expression.steps)

    def root(i: int) -> int:
        while lowered(steps[i].op).view is not None:
            i = steps[i].args[0]
        return i

    def protected(i: int) -> int:
        if root(i) not in changed:
            return i
        steps.append(Step("copy", (i,), (), steps[i].shape))
        return len(steps) - 1

    entries = tuple((name, tuple(map(protected, outputs))) for name, outputs in expression.entries)
    updates = tuple(u._replace(args=tuple(map(protected, u.args))) for u in expression.updates)
    return Expression(tuple(steps), entries, updates)
