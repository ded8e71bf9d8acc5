"""Carries that a trip computes in place, without a copy at its end."""

from __future__ import annotations

from jitgrad.ops import OPS
from jitgrad.program.expression import Expression
from jitgrad.program.loop import inputs_of
from jitgrad.program.lowering_rules.table import lowered
from jitgrad.program.memory import owners


def in_place(body: Expression, n_carries: int) -> dict[int, int]:
    """Return the steps of a body that can write a next carry to the place of the current one, with the number of the carry.

    No later step reads the current carry, and the step itself reads it only if it computes a single number. A next carry that
    is an input, a part of another value, or also a stacked value, is copied instead.
    """
    owner, inputs, outputs = owners(body), inputs_of(body), body.outputs
    last = [-1] * len(body.steps)
    for i, step in enumerate(body.steps):
        for j in step.args:
            last[owner[j]] = i
    for i in (*outputs[n_carries:], *(j for update in body.updates for j in update.args)):
        last[owner[i]] = len(body.steps)
    found: dict[int, int] = {}
    kept = [owner[i] for i in outputs]
    for k, i in enumerate(kept[:n_carries]):
        row, read = lowered(body.steps[i].op), last[inputs[k]]
        whole = body.steps[i].size == body.steps[outputs[k]].size and kept.count(i) == 1
        free = read < i or (read == i and _is_scalar(body, i))
        if whole and free and not row.leaf and not row.by_address:
            found[i] = k
    return found


def _is_scalar(body: Expression, i: int) -> bool:
    """Return whether a step is elementwise, of single numbers."""
    step, op = body.steps[i], OPS.get(body.steps[i].op)
    return op is not None and op.value is not None and step.size == 1 and all(body.steps[j].size == 1 for j in step.args)
