"""A branch as an op: both bodies are recorded, and one of them runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jitgrad.ops import Shape
from jitgrad.ops.elementwise import not_equal, where
from jitgrad.ops.linear import reshape
from jitgrad.ops.table import Op, declare
from jitgrad.program.branches import Branches
from jitgrad.program.expression import Expression
from jitgrad.tape.batching import batched
from jitgrad.tape.forward_mode import push_forward
from jitgrad.tape.region import Region, Tensors, in_numpy, inlined, input_like
from jitgrad.tape.reverse_mode import constant, differentiate
from jitgrad.tape.tensor import Tensor, cast, identity, retyped


def cond(region: Region, pred: Tensor, true: Sequence[Tensor], false: Sequence[Tensor]) -> Tensors:
    """Record a branch.

    Parameters
    ----------
    region : Region
        The recording of both branches.
    pred : Tensor
        A single number.
    true, false : sequence of Tensor
        The results if the number is not 0 and if it is. Both have the same shapes.

    Returns
    -------
    list of Tensor
        The results.
    """
    levels = [max(x.level, y.level) for x, y in zip(true, false, strict=True)]
    with region:
        branches = [[cast(x, level) for x, level in zip(branch, levels, strict=True)] for branch in (true, false)]
    bodies, operands = region.bodies([], *branches)
    made = cond_op(pred, *operands, region=Branches(*bodies))
    return [retyped(result, level) for result, level in zip(made, levels, strict=True)]


def _jvp(tangents: Sequence[Tensor | None], y: Sequence[Tensor], pred: Tensor, *operands: Tensor, region: Branches) -> Tensors:
    """Return the tangents of the results: each branch computes its own."""
    with Region("cond") as recorded:

        def pushed(body: Expression) -> Tensors:
            inside = [identity(x) for x in operands]
            made = inlined(body, inside)
            given = {id(x): t for x, t in zip(inside, tangents[1:], strict=True) if t is not None}
            found = push_forward(made, given, recorded.has)
            return [constant(0.0, x) if t is None else t for x, t in zip(made, found, strict=True)]

        true, false = pushed(region.true), pushed(region.false)
    return cond(recorded, pred, true, false)


def _pullback(
    wanted: Sequence[int], g: Sequence[Tensor], y: Sequence[Tensor], pred: Tensor, *operands: Tensor, region: Branches
) -> list[Any]:
    """Return the cotangents of the operands: each branch runs again, and computes its own."""
    with Region("cond") as recorded:

        def pulled(body: Expression) -> list[Tensor | None]:
            inside = [identity(x) for x in operands]
            sources = [id(inside[i - 1]) for i in wanted]
            return differentiate(inlined(body, inside), sources, lambda t: id(t) in sources, recorded.has, g)

        true, false = pulled(region.true), pulled(region.false)
        moved = [k for k, both in enumerate(zip(true, false, strict=True)) if any(t is not None for t in both)]
        like = [operands[wanted[k] - 1] for k in moved]
        filled = [
            [constant(0.0, x) if t is None else t for t, x in zip([branch[k] for k in moved], like, strict=True)]
            for branch in (true, false)
        ]
    made = cond(recorded, pred, *filled) if moved else []
    found = {wanted[k]: t for k, t in zip(moved, made, strict=True)}
    return [found.get(i) for i in range(1 + len(operands))]


def _batch(n: int, rows: Sequence[Tensor | None], pred: Tensor, *operands: Tensor, region: Branches) -> Tensors:
    """Return the results for n rows: a selection from both branches if the predicate depends on the row."""
    given = [row for row in rows[1:] if row is not None]
    with Region("cond") as recorded:

        def of_rows(body: Expression) -> Tensors:
            inside = [x if row is None else input_like(x) for x, row in zip(operands, rows[1:], strict=True)]
            leaves = [x for x, row in zip(inside, rows[1:], strict=True) if row is not None]
            return batched(inlined(body, inside), leaves, given) if leaves else inlined(body, inside)

        true, false = of_rows(region.true), of_rows(region.false)
    chosen = rows[0]
    if chosen is None:
        return cond(recorded, pred, true, false)
    picked = not_equal(chosen, 0)
    return [
        where(reshape(picked, shape=(n, *(1,) * len(shape))), x, y)
        for x, y, shape in zip(true, false, region.results, strict=True)
    ]


def _in_numpy(pred: Any, *operands: Any, region: Branches) -> tuple[Any, ...]:
    body = region.true if pred else region.false
    made = in_numpy(body, operands)
    return tuple(made[i] for i in body.outputs)


def _shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    region: Branches = attrs["region"]
    region.check(shapes)
    return region.results


cond_op: Op = declare(
    Op(
        "cond", None, _shape, (), _in_numpy, pullback=_pullback, jvp=_jvp, constants=(0,), batch=_batch, result="float",
        doc="One of two bodies, see ``tape.cond``.",
    )
)  # fmt: skip
