"""Fusion: where two steps have an instruction together.

``sum(a * b)`` over everything is ``dot``, and a transposed operand of a matrix product is read in place.
"""

from __future__ import annotations

from jitgrad.program.expression import Builder, Expression, Step, rewrite


def fuse(expression: Expression) -> Expression:
    return rewrite(expression, _fused)


def _fused(builder: Builder, step: Step) -> int | None:
    if step.op == "sum":
        return _dot(builder, step)
    if step.op == "matmul":
        return _product(builder, step)
    return None


def _dot(builder: Builder, step: Step) -> int | None:
    source = builder.steps[step.args[0]]
    if step.shape != ():
        return None
    if source.op == "square":
        return builder.add(Step("dot", source.args * 2, (), ()))
    if source.op == "multiply" and all(builder.steps[i].shape == source.shape for i in source.args):
        return builder.add(Step("dot", source.args, (), ()))
    return None


def _product(builder: Builder, step: Step) -> int | None:
    (a, a_flipped), (b, b_flipped) = (_unflipped(builder, i) for i in step.args)
    if a_flipped and b_flipped:
        b, b_flipped = step.args[1], False
    kind = "matmul_tn" if a_flipped else "matmul_nt" if b_flipped else "matmul_nn"
    return builder.add(Step(kind, (a, b), (), step.shape))


def _unflipped(builder: Builder, i: int) -> tuple[int, bool]:
    """The matrix behind a transpose of the last two axes, and whether there is one."""
    step = builder.steps[i]
    if step.op == "transpose":
        rank, axes = len(step.shape), step.attrs[0][1]
        if axes == (*range(rank - 2), rank - 1, rank - 2):
            return step.args[0], True
    return i, False
