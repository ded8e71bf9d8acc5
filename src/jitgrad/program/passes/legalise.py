"""Make each step one that instructions exist for: broadcasts spelt out where a loop does not broadcast by itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from jitgrad.ops import OPS, Shape
from jitgrad.program.expression import Builder, Expression, Step, rewrite
from jitgrad.program.split import LEAST_PRODUCTS, parts
from jitgrad.vm.instructions import patterns


class Layout(NamedTuple):
    """An elementwise step as rows × columns: for each operand ``v`` or ``s`` along the columns, and its stride by rows."""

    rows: int
    cols: int
    pattern: str
    strides: tuple[int, ...]


def layout_of(shape: Shape, operands: tuple[Shape, ...]) -> Layout | None:
    """How a loop over two axes covers a broadcast, or None where two axes do not suffice."""
    groups: list[tuple[int, tuple[bool, ...]]] = []
    lead = [len(shape) - len(operand) for operand in operands]
    for axis, n in enumerate(shape):
        if n == 1:
            continue
        stays = tuple(axis < k or operand[axis - k] == 1 for operand, k in zip(operands, lead, strict=True))
        if groups and groups[-1][1] == stays:
            groups[-1] = (groups[-1][0] * n, stays)
        else:
            groups.append((n, stays))
    if len(groups) > 2:
        return None
    none = (False,) * len(operands)
    cols, cols_stay = groups[-1] if groups else (1, none)
    rows, rows_stay = groups[0] if len(groups) == 2 else (1, (True,) * len(operands))
    strides = tuple(0 if r else 1 if c else cols for r, c in zip(rows_stay, cols_stay, strict=True))
    return Layout(rows, cols, "".join("s" if c else "v" for c in cols_stay), strides)


def legalise(expression: Expression) -> Expression:
    return rewrite(_protect_state(expression), _executable)


def _executable(builder: Builder, step: Step) -> int | None:
    row = OPS.get(step.op)
    if row is not None and row.value is not None and len(step.args) > 1:
        return _elementwise(builder, step)
    if step.op in ("sum", "max", "min"):
        return _reduction(builder, step)
    if step.op.startswith("matmul"):
        return _matmul(builder, step)
    if step.op in _ROOM:
        size = _ROOM[step.op](step, builder)
        return builder.add(step._replace(args=(*step.args, builder.add(Step("room", (), (), (size,))))))
    return None


def _factored(step: Step, builder: Builder) -> int:
    """Room for a matrix and its pivots."""
    n = builder.steps[step.args[0]].shape[-1]
    return n * n + n


# Elements of the arena that a kernel works in, an operand more of its step.
_ROOM: dict[str, Callable[[Step, Builder], int]] = {
    "argsort": lambda step, builder: step.shape[-1],
    "determinant": _factored,
    "cholesky": lambda step, builder: 0,
    "solve": lambda step, builder: _factored(step, builder) + math.prod(step.shape[-2:]),
}


def _elementwise(builder: Builder, step: Step) -> int:
    allowed = patterns(OPS[step.op])
    args = list(step.args)
    while True:
        layout = layout_of(step.shape, tuple(builder.steps[i].shape for i in args))
        if layout is not None:
            if layout.pattern in allowed:
                return builder.add(step._replace(args=tuple(args)))
            if layout.pattern[::-1] in allowed and OPS[step.op].commutative:
                return builder.add(step._replace(args=tuple(args[::-1])))
        small = next(k for k, i in enumerate(args) if builder.steps[i].shape != step.shape)
        args[small] = builder.op("broadcast_to", args[small], shape=step.shape)


def _reduction(builder: Builder, step: Step) -> int | None:
    """Axes that lie apart are reduced one run after the other, the last first."""
    source, axes = step.args[0], sorted(dict(step.attrs)["axes"])
    runs: list[list[int]] = []
    for axis in axes:
        if runs and runs[-1][-1] == axis - 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    if len(runs) == 1:
        return None
    for run in reversed(runs):
        source = builder.op(step.op, source, axes=tuple(run))
    return source


def _matmul(builder: Builder, step: Step) -> int:
    """Operands that repeat along some axes of the batch are spelt out; one that repeats along all is read again."""
    batch, args = step.shape[:-2], []
    for i in step.args[:2]:
        shape = builder.steps[i].shape
        if math.prod(shape[:-2]) not in (1, math.prod(batch)):
            i = builder.op("broadcast_to", i, shape=batch + shape[-2:])
        args.append(i)
    if step.op == "matmul_nn" and batch == ():
        return _by_depth(builder, step)
    return builder.add(step._replace(args=(*args, *step.args[2:])))


def _by_depth(builder: Builder, step: Step) -> int:
    """A large product of few rows is a sum of products, each of a part of the columns of the left operand.

    Threads that share it then read the rows of the right operand, the weights, that they updated.
    """
    a, b, *added = step.args
    (m, k), n = builder.steps[a].shape, step.shape[-1]
    count = parts(m * k * n // LEAST_PRODUCTS)
    if m >= k or count == 1 or k % count:
        return builder.add(step)
    partial = builder.add(Step("matmul_by_depth", (a, b), (), (count, m, n)))
    return builder.op("add", builder.op("sum", partial, axes=(0,)), *added) if added else builder.op("sum", partial, axes=(0,))


def _protect_state(expression: Expression) -> Expression:
    """Copy state that is also an output, or goes into an update, before the updates change it."""
    changed = {i for update in expression.updates for i in update.targets}
    if not changed:
        return expression
    steps = list(expression.steps)

    def root(i: int) -> int:
        while steps[i].op == "reshape":
            i = steps[i].args[0]
        return i

    def protected(i: int) -> int:
        if root(i) not in changed:
            return i
        steps.append(Step("copy", (i,), (), steps[i].shape))
        return len(steps) - 1

    outputs = tuple(protected(i) for i in expression.outputs)
    updates = tuple(u._replace(args=tuple(protected(i) for i in u.args)) for u in expression.updates)
    return expression._replace(steps=tuple(steps), outputs=outputs, updates=updates)
