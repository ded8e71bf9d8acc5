"""Hoisting of literal factors out of sums.

Only literals of moderate size are hoisted. A factor that is known only at run time may prevent the overflow of a sum.
"""

from __future__ import annotations

from jitgrad.program.expression import Builder, Expression, Step, rewrite

_LEAST = 2.0**-20


def hoist_scale(expression: Expression) -> Expression:
    return rewrite(expression, lambda op: _out_of_sum if op == "sum" else None)


def _out_of_sum(builder: Builder, step: Step) -> int | None:
    """Rewrite Σ (2·a)·b as 2 · Σ a·b, which saves one multiplication per element and the memory of 2·a."""
    summand = builder.steps[step.args[0]]
    if summand.op == "multiply" and all(builder.steps[i].shape == summand.shape for i in summand.args):
        (a, factors), (b, others) = (_parted(builder, i) for i in summand.args)
        factors += others
        product = builder.op("multiply", a, b) if factors else step.args[0]
    else:
        product, factors = _parted(builder, step.args[0])
    if not factors:
        return None
    total = builder.add(step._replace(args=(product,)))
    for s in factors:
        total = builder.op("negative", total) if s is None else builder.op("multiply", s, total)
    return total


def _parted(builder: Builder, i: int) -> tuple[int, list[int | None]]:
    """Return a step without its literal factors, and these factors; None stands for -1."""
    factors: list[int | None] = []
    while True:
        step = builder.steps[i]
        if step.op == "negative":
            factors.append(None)
            i = step.args[0]
            continue
        factor = builder.literal_at(step.args[0]) if step.op == "multiply" and step.shape else None  # the literal comes first
        if factor is None or not _LEAST <= abs(factor) <= 1 / _LEAST:
            return i, factors
        factors.append(step.args[0])
        i = step.args[1]
