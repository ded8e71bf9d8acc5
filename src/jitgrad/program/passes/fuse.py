"""Fusion: where two steps have an instruction together.

``sum(a * b)`` over everything is ``dot``, and so is a product of a row and a column; a transposed operand of a matrix
product is read in place, and a product takes what is added to it, a row or as many as it has; a product of elements and what
is added to it are one step.
Gradient descent along a product adds it to the parameter at once.
"""

from __future__ import annotations

from collections import Counter

from jitgrad.ops import OPS
from jitgrad.program.expression import Builder, Expression, Step, Update, renamed, rewrite
from jitgrad.program.passes.legalise import layout_of


def fuse(expression: Expression) -> Expression:
    return _descend_along_products(_multiply_and_add(_take_what_is_added(rewrite(expression, _fused))))


def _take_what_is_added(expression: Expression) -> Expression:
    steps, uses = list(expression.steps), _uses(expression)
    for i, step in enumerate(steps):
        if step.op != "add":
            continue
        for at, other in (step.args, step.args[::-1]):
            product, added = steps[at], steps[other].shape
            is_product = product.op.startswith("matmul_") and len(product.args) == 2 and product.shape == step.shape
            if is_product and uses[at] == 1 and added in (step.shape, step.shape[-1:], (1, *step.shape[-1:])):
                steps[i] = product._replace(args=(*product.args, other))
                break
    return expression._replace(steps=tuple(steps))


def _multiply_and_add(expression: Expression) -> Expression:
    builder, uses = Builder([]), _uses(expression)
    place: list[int] = []
    for step in expression.steps:
        moved = step._replace(args=tuple(place[i] for i in step.args))
        made = None
        for product, added in (step.args[::-1], step.args) if step.op in ("add", "subtract") else ():
            if made is None and uses[product] == 1:
                made = _multiplied_and_added(builder, moved, place[product], place[added])
        place.append(builder.add(moved) if made is None else made)
    return renamed(expression, builder.steps, place)


def _multiplied_and_added(builder: Builder, step: Step, product: int, added: int) -> int | None:
    """``step`` as an addition to a product, if there is a loop for it. c - 2·x is c + (-2)·x."""
    multiply = builder.steps[product]
    if multiply.op != "multiply" or multiply.shape != step.shape:
        return None
    a, b = multiply.args
    if step.op == "subtract":
        value = builder.literal_at(a)
        if value is None or product != step.args[1]:
            return None
        a = builder.literal(-value)
    for operands in ((added, a, b), (added, b, a)):
        layout = layout_of(step.shape, tuple(builder.steps[i].shape for i in operands))
        if layout is not None and layout.pattern in OPS["multiply_add"].loops:
            return builder.add(Step("multiply_add", operands, (), step.shape))
    return None


def _descend_along_products(expression: Expression) -> Expression:
    """W ← W − lr·XᵀD is W + Xᵀ·(−lr·D): no gradient is stored."""
    builder, uses = Builder(list(expression.steps)), _uses(expression)
    updates = []
    for update in expression.updates:
        if update.op == "sgd" and uses[update.args[0]] == 1:
            gradient = builder.steps[update.args[0]]
            if gradient.op == "matmul_tn" and len(gradient.args) == len(gradient.shape) == 2:
                x, d = gradient.args
                lr = builder.op("slice", update.args[1], starts=(0,), steps=(1,), shape=(1,))
                scaled = builder.op("multiply", d, builder.op("negative", lr))
                update = Update("add_product", update.targets, (x, scaled))
        updates.append(update)
    return expression._replace(steps=tuple(builder.steps), updates=tuple(updates))


def _uses(expression: Expression) -> Counter[int]:
    """How often each step is asked for."""
    uses = Counter(i for step in expression.steps for i in step.args)
    uses.update(expression.outputs)
    uses.update(i for update in expression.updates for i in update.args)
    return uses


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
    if step.shape == (1, 1):
        return _dot_of_vectors(builder, step)
    (a, a_flipped), (b, b_flipped) = (_unflipped(builder, i) for i in step.args)
    if a_flipped and b_flipped:
        b, b_flipped = step.args[1], False
    kind = "matmul_tn" if a_flipped else "matmul_nt" if b_flipped else "matmul_nn"
    return builder.add(Step(kind, (a, b), (), step.shape))


def _dot_of_vectors(builder: Builder, step: Step) -> int:
    """A product of one row and one column."""
    k = builder.steps[step.args[0]].shape[-1]
    row, column = (builder.op("reshape", i, shape=(k,)) for i in step.args)
    return builder.op("reshape", builder.add(Step("dot", (row, column), (), ())), shape=(1, 1))


def _unflipped(builder: Builder, i: int) -> tuple[int, bool]:
    """The matrix behind a transpose of the last two axes, and whether there is one."""
    step = builder.steps[i]
    if step.op == "transpose":
        ndim, axes = len(step.shape), step.attrs[0][1]
        if axes == (*range(ndim - 2), ndim - 1, ndim - 2):
            return step.args[0], True
    return i, False
