"""Fusion: steps that have an instruction together become one, by the rules of their rows."""

from __future__ import annotations

from collections import Counter

from jitgrad.program.expression import Builder, Expression, renamed
from jitgrad.program.lowered.table import UPDATES, lowered


def fuse(expression: Expression) -> Expression:
    """One sweep: each step and each update, its operands before it, is what the first rule that applies makes of it."""
    builder, uses = Builder([]), _uses(expression)
    place: list[int] = []
    for i, step in enumerate(expression.steps):
        if step.args:
            step = step._replace(args=tuple([place[j] for j in step.args]))
        made = (rule(builder, step) for rule in lowered(step.op).fuse)
        fused = next((found for found in made if found is not None), None)
        place.append(builder.add(step) if fused is None else fused)
        builder.uses[place[i]] += uses[i]
    expression = renamed(expression, builder.steps, place)
    updates = []
    for update in expression.updates:
        rule = UPDATES[update.op].fuse
        updates.append((rule and rule(builder, update)) or update)
    return expression._replace(steps=tuple(builder.steps), updates=tuple(updates))


def _uses(expression: Expression) -> Counter[int]:
    """How often each step is asked for."""
    uses = Counter(i for step in expression.steps for i in step.args)
    uses.update(expression.outputs)
    uses.update(i for update in expression.updates for i in update.args)
    return uses
