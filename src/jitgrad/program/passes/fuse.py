"""Fusion of steps that one instruction can compute, by the rules of their rows."""

from __future__ import annotations

from jitgrad.program.expression import Builder, Expression, Step, Update, rewrite
from jitgrad.program.lowering_rules.table import UPDATES, lowered


def fuse(expression: Expression) -> Expression:
    """Apply the first fusion rule that matches to each step and update, after its operands."""
    return rewrite(expression, lambda op: _fused if lowered(op).fuse else None, _fused_update, count=True)


def _fused(builder: Builder, step: Step) -> int | None:
    for rule in lowered(step.op).fuse:
        found = rule(builder, step)
        if found is not None:
            return found
    return None


def _fused_update(builder: Builder, update: Update) -> Update | None:
    rule = UPDATES[update.op].fuse
    return None if rule is None else rule(builder, update)
