"""Canonicalization: local rewriting to canonical forms.

It folds literals, moves broadcasts past elementwise ops, and turns signs and powers of two into literal factors. No rule
changes the rounding of a result unless intermediate values overflow.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitgrad.ops import OPS
from jitgrad.program.expression import Builder, Expression, Rule, Step, literal_value, rewrite


def canonicalise(expression: Expression) -> Expression:
    return rewrite(expression, lambda op: _canonical if op in _RULES or _is_elementwise(op) else None)


def _is_elementwise(op: str) -> bool:
    return op in OPS and OPS[op].value is not None


def _canonical(builder: Builder, step: Step) -> int | None:
    """Return the canonical replacement of a step, or None if it is canonical."""
    literals = broadcasts = 0
    for i in step.args:
        op = builder.steps[i].op
        literals += op == "literal"
        broadcasts += op == "broadcast_to"
    if literals == len(step.args) and _is_elementwise(step.op):
        return _folded(builder, step)
    if broadcasts and _is_elementwise(step.op):
        return _before_broadcast(builder, step)
    rule = _RULES.get(step.op)
    replaced = rule(builder, step) if rule else None
    if replaced is not None and builder.steps[replaced].shape != step.shape:
        return builder.op("broadcast_to", replaced, shape=step.shape)
    return replaced


def _make(builder: Builder, name: str, *args: int, **attrs: Any) -> int:
    """Add an op in its canonical form."""
    step = builder.step(name, *args, **attrs)
    replaced = _canonical(builder, step)
    return builder.add(step) if replaced is None else replaced


def _folded(builder: Builder, step: Step) -> int:
    """Fold an elementwise op of literals."""
    values = [np.float64(literal_value(builder.steps[i])) for i in step.args]
    with np.errstate(all="ignore"):
        return builder.literal(float(OPS[step.op].numpy(*values)))


def _before_broadcast(builder: Builder, step: Step) -> int:
    """Apply an elementwise op to the operands of broadcasts, and broadcast its result if necessary."""
    args = [builder.steps[i].args[0] if builder.steps[i].op == "broadcast_to" else i for i in step.args]
    small = _make(builder, step.op, *args)
    if builder.steps[small].shape == step.shape:
        return small
    return _make(builder, "broadcast_to", small, shape=step.shape)


def _multiply(builder: Builder, step: Step) -> int | None:
    (a, b), steps = step.args, builder.steps
    if steps[b].op == "literal":
        a, b = b, a
    if steps[a].op != "literal":
        return None
    factor, other = literal_value(steps[a]), steps[b]
    if factor == 1:
        return b
    if factor == -1:
        return _make(builder, "negative", b)
    if other.op == "negative":
        return _make(builder, "multiply", builder.literal(-factor), other.args[0])
    if other.op == "multiply":
        inner = builder.literal_at(other.args[0])
        if inner is not None and (_power_of_two(factor) or _power_of_two(inner)):
            return _make(builder, "multiply", builder.literal(factor * inner), other.args[1])
    return builder.add(step._replace(args=(a, b)))


def _power_of_two(value: float) -> bool:
    return abs(math.frexp(value)[0]) == 0.5 and 2.0**-20 < abs(value) < 2.0**20


def _negative(builder: Builder, step: Step) -> int | None:
    inner = builder.steps[step.args[0]]
    if inner.op == "negative":
        return inner.args[0]
    if inner.op == "multiply":
        factor = builder.literal_at(inner.args[0])
        if factor is not None:
            return _make(builder, "multiply", builder.literal(-factor), inner.args[1])
    return None


def _add(builder: Builder, step: Step) -> int | None:
    a, b = step.args
    if builder.steps[b].op == "negative":
        return _make(builder, "subtract", a, builder.steps[b].args[0])
    if builder.steps[a].op == "negative":
        return _make(builder, "subtract", b, builder.steps[a].args[0])
    return None


def _subtract(builder: Builder, step: Step) -> int | None:
    a, b = step.args
    if builder.steps[b].op == "negative":
        return _make(builder, "add", a, builder.steps[b].args[0])
    return None


def _divide(builder: Builder, step: Step) -> int | None:
    a, b = step.args
    divisor = builder.literal_at(b)
    if divisor is not None and (divisor == 1 or _power_of_two(divisor)):
        return _multiply(builder, step._replace(op="multiply", args=(builder.literal(1 / divisor), a)))
    if builder.steps[a].op == "negative":
        return _make(builder, "negative", _make(builder, "divide", builder.steps[a].args[0], b))
    return None


def _power(builder: Builder, step: Step) -> int | None:
    exponent = builder.literal_at(step.args[1])
    if exponent == 1:
        return step.args[0]
    if exponent == 2:
        return _make(builder, "square", step.args[0])
    if exponent == 0:
        return builder.literal(1.0)
    return None


def _where(builder: Builder, step: Step) -> int | None:
    condition = builder.literal_at(step.args[0])
    return None if condition is None else step.args[1 if condition != 0 else 2]


def _reshape(builder: Builder, step: Step) -> int | None:
    source = builder.steps[step.args[0]]
    if source.shape == step.shape:
        return step.args[0]
    if source.op == "reshape":
        return _make(builder, "reshape", source.args[0], shape=step.shape)
    origin = source.args[0] if source.op == "broadcast_to" else step.args[0]
    return None if builder.literal_at(origin) is None else origin


def _transpose(builder: Builder, step: Step) -> int | None:
    i = step.args[0]
    axes = dict(step.attrs)["axes"]
    source = builder.steps[i]
    if source.op == "transpose":
        first = dict(source.attrs)["axes"]
        i, axes = source.args[0], tuple(first[axis] for axis in axes)
    shape = builder.steps[i].shape
    long = [axis for axis in axes if shape[axis] != 1]
    if long == sorted(long):
        return _same_elements(builder, i, step)
    return builder.op("transpose", i, axes=axes) if i != step.args[0] else None


def _sum(builder: Builder, step: Step) -> int | None:
    shape = builder.steps[step.args[0]].shape
    if all(shape[axis] == 1 for axis in dict(step.attrs)["axes"]):
        return _same_elements(builder, step.args[0], step)
    return None


def _same_elements(builder: Builder, i: int, step: Step) -> int:
    return i if builder.steps[i].shape == step.shape else _make(builder, "reshape", i, shape=step.shape)


def _get(builder: Builder, step: Step) -> int | None:
    source = builder.steps[step.args[0]]
    return source.args[step.attr("index")] if source.op == "with_gradient" else None


def _broadcast_to(builder: Builder, step: Step) -> int | None:
    source = builder.steps[step.args[0]]
    if source.shape == step.shape:
        return step.args[0]
    if source.op == "broadcast_to":
        return _make(builder, "broadcast_to", source.args[0], shape=step.shape)
    return None


def _concatenate(builder: Builder, step: Step) -> int | None:
    return step.args[0] if len(step.args) == 1 else None


_RULES: dict[str, Rule] = {
    "concatenate": _concatenate,
    "multiply": _multiply,
    "negative": _negative,
    "add": _add,
    "subtract": _subtract,
    "divide": _divide,
    "power": _power,
    "where": _where,
    "reshape": _reshape,
    "transpose": _transpose,
    "sum": _sum,
    "broadcast_to": _broadcast_to,
    "stop_gradient": lambda builder, step: step.args[0],
    "with_gradient": lambda builder, step: step.args[0] if step.attr("results") == 1 else None,
    "get": _get,
    "greater": lambda builder, step: _make(builder, "less", *step.args[::-1]),
    "greater_equal": lambda builder, step: _make(builder, "less_equal", *step.args[::-1]),
}
