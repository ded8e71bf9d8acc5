"""Matrix products: ``matmul_nn`` of plain operands, ``_tn`` and ``_nt`` with a transposed left or right operand.

A third operand is added to the product: either one row, which is broadcast, or a full matrix.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

from jitgrad.ops import OPS, Shape
from jitgrad.program.assembler import Assembler
from jitgrad.program.expression import Builder, Step, Update
from jitgrad.program.lowering_rules.table import UPDATES, Lowered, OperandShapes, Placed, Rows, Updating, declare, keeps_rows
from jitgrad.program.split import parts
from jitgrad.vm.instructions import LEAST_PRODUCTS

# Fusion rules.


def _fuse(builder: Builder, step: Step) -> int:
    """Read a transposed operand in place. The product of a row and a column becomes a dot product."""
    if step.shape == (1, 1):
        return _dot_of_vectors(builder, step)
    (a, a_flipped), (b, b_flipped) = (_unflipped(builder, i) for i in step.args)
    if a_flipped and b_flipped:
        b, b_flipped = step.args[1], False
    kind = "matmul_tn" if a_flipped else "matmul_nt" if b_flipped else "matmul_nn"
    return builder.add(Step(kind, (a, b), (), step.shape))


def _dot_of_vectors(builder: Builder, step: Step) -> int:
    k = builder.steps[step.args[0]].shape[-1]
    row, column = (builder.op("reshape", i, shape=(k,)) for i in step.args)
    return builder.op("reshape", builder.add(Step("dot", (row, column), (), ())), shape=(1, 1))


def _unflipped(builder: Builder, i: int) -> tuple[int, bool]:
    """Return the operand of a transpose of the last two axes, and whether there is one."""
    step = builder.steps[i]
    return (step.args[0], True) if _flips(step) else (i, False)


def _flips(step: Step) -> bool:
    """Return whether a step transposes the last two axes."""
    n = len(step.shape)
    return step.op == "transpose" and step.attrs[0][1] == (*range(n - 2), n - 1, n - 2)


def fuse_added(builder: Builder, step: Step) -> int | None:
    """Fuse an addition into a product that has no other use."""
    for at, other in (step.args, step.args[::-1]):
        product, added = builder.steps[at], builder.steps[other].shape
        is_product = product.op in _FORMS and len(product.args) == 2 and product.shape == step.shape
        if is_product and builder.uses[at] == 1 and added in (step.shape, step.shape[-1:], (1, *step.shape[-1:])):
            return builder.add(product._replace(args=(*product.args, other)))
    return None


def fuse_transposed(builder: Builder, step: Step) -> int | None:
    """Replace a transposed product that has no other use by a product: (XᵀD)ᵀ = DᵀX, (XWᵀ)ᵀ = WXᵀ."""
    (inner,) = step.args
    product = builder.steps[inner]
    is_product = product.op in ("matmul_tn", "matmul_nt") and len(product.args) == 2
    if not is_product or not _flips(step) or builder.uses[inner] != 1:
        return None
    return builder.add(Step(product.op, product.args[::-1], (), step.shape))


def fuse_descent(builder: Builder, update: Update) -> Update | None:
    """Replace W ← W - lr·XᵀD by W + Xᵀ·(-lr·D), so that no gradient is stored."""
    gradient = builder.steps[update.args[0]]
    is_product = gradient.op == "matmul_tn" and len(gradient.args) == len(gradient.shape) == 2
    if not is_product or builder.uses[update.args[0]] != 1:
        return None
    x, d = gradient.args
    lr = builder.op("slice", update.args[1], starts=(0,), steps=(1,), shape=(1,))
    scaled = builder.op("multiply", d, builder.op("negative", lr))
    return Update("add_product", update.targets, (x, scaled))


# Rules of lowered products.


def _shape(op: str, shapes: OperandShapes) -> Shape:
    a, b, *added = shapes
    flip = {"matmul_tn": 0, "matmul_nt": 1}.get(op)
    operands = tuple((*s[:-2], s[-1], s[-2]) if k == flip else s for k, s in enumerate((a, b)))
    shape = OPS["matmul"].shape(OPS["matmul"], operands, {})
    if added and added not in ([shape], [shape[-1:]], [(1, *shape[-1:])]):
        raise ValueError(f"{added[0]} is added to a product of shape {shape}")
    return shape


def _legalise(builder: Builder, step: Step) -> int:
    """Materialize operands that broadcast along some batch axes. An operand that broadcasts along all of them is reread."""
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
    """Split a large product of few rows into a sum of products over ranges of columns of the left operand.

    Threads then read the same rows of the right operand, the weights, that they updated.
    """
    a, b, *added = step.args
    (m, k), n = builder.steps[a].shape, step.shape[-1]
    count = parts(m * k * n // LEAST_PRODUCTS)
    if m >= k or count == 1 or k % count:
        return builder.add(step)
    partial = builder.add(Step("matmul_by_depth", (a, b), (("count", count),), (count, m, n)))
    return builder.op("add", builder.op("sum", partial, axes=(0,)), *added) if added else builder.op("sum", partial, axes=(0,))


def _by_rows(step: Step, shapes: OperandShapes, has_rows: Sequence[bool], rows: int) -> Rows | None:
    if len(step.shape) != 2:
        return None
    if step.op == "matmul_tn":
        return Rows.SUM if list(has_rows) == [True, True] else None
    if not has_rows[0] or has_rows[1]:
        return None
    return Rows.EACH if len(shapes) == 2 or keeps_rows(shapes[2], step.shape, has_rows[2]) else None


def _apart(builder: Builder, step: Step) -> int | None:
    """Split C + Xᵀ·D into a product, which can become a sum over blocks, and an addition."""
    if len(step.args) == 2:
        return None
    return builder.op("add", builder.add(step._replace(args=step.args[:2])), step.args[2])


def _emit(code: Assembler, at: Placed) -> None:
    left, right, *added = at.shapes
    m, n = at.shape[-2:]
    ta, tb = int(at.op == "matmul_tn"), int(at.op == "matmul_nt")
    k = left[-2 if ta else -1]
    batch = math.prod(at.shape[:-2])
    sa, sb = (per if math.prod(shape[:-2]) == batch else 0 for shape, per in ((left, m * k), (right, k * n)))
    a, b, c = (*at.places, at.d)[:3]  # if there is no addend, c is d
    rc = n if added == [at.shape] else 0
    code.emit("matmul", d=at.d, a=a, b=b, c=c, ra=m if ta else k, rc=rc, m=m, k=k, n=n, batch=batch, sa=sa, sb=sb, ta=ta, tb=tb)


def _emit_by_depth(code: Assembler, at: Placed, count: int) -> None:
    (a, b), (_, m, n), depth = at.places, at.shape, at.shapes[0][-1]
    k = depth // count
    code.emit("matmul", d=at.d, a=a, b=b, c=at.d, ra=depth, rc=0, m=m, k=k, n=n, batch=count, sa=k, sb=k * n, ta=0, tb=0)


_FORMS = ("matmul_nn", "matmul_nt", "matmul_tn")

declare(Lowered("matmul", fuse=(_fuse,)))
for _form in _FORMS:
    declare(
        Lowered(
            _form, _emit, functools.partial(_shape, _form), legalise=_legalise, by_rows=_by_rows,
            apart=_apart if _form == "matmul_tn" else None,
        )
    )  # fmt: skip
declare(Lowered("matmul_by_depth", _emit_by_depth, lambda shapes, count: (count, shapes[0][0], shapes[1][1])))

# The update that adds a product to its target.


def _assigned(builder: Builder, update: Update) -> Update:
    """Compute the sum of target and product in a separate step, so that the product can become a sum over blocks."""
    (target,) = update.targets
    product = builder.add(Step("matmul_tn", update.args, (), builder.steps[target].shape))
    return Update("assign", (target,), (builder.op("add", target, product),))


def _emit_update(code: Assembler, at: Placed) -> None:
    (d, a, b), ((m, n), (k, _), _) = at.places, at.shapes
    code.emit("matmul", d=d, a=a, b=b, c=d, ra=m, rc=n, m=m, k=k, n=n, batch=1, sa=0, sb=0, ta=1, tb=0)


def _fits(target: Shape, a: Shape, b: Shape) -> bool:
    return a[:1] == b[:1] and target == (*a[1:], *b[1:])


UPDATES["add_product"] = Updating("add_product", 1, 2, _emit_update, _fits, apart=_assigned)
