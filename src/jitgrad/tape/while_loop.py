"""A loop that runs while a condition holds, as an op. It has derivatives in forward mode.

Reverse mode would need the carries of all trips, and their number is not known before the Program runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from jitgrad.errors import ShapeError, TapeError
from jitgrad.ops import Shape
from jitgrad.ops.elementwise import not_equal, where
from jitgrad.ops.linear import broadcast_to, reshape
from jitgrad.ops.linear import sum as sum_
from jitgrad.ops.table import Op, declare
from jitgrad.program.branches import While
from jitgrad.tape import dtypes
from jitgrad.tape.batching import batched
from jitgrad.tape.forward_mode import push_forward
from jitgrad.tape.region import Carry, Region, Tensors, in_numpy, inlined, input_like, settled
from jitgrad.tape.reverse_mode import constant
from jitgrad.tape.tensor import Tensor, as_tensor, placeholder, retyped


def while_loop(
    test: Callable[[Tensors], Any],
    body: Callable[[Tensors], Sequence[Any]],
    carries: Sequence[Tensor],
    what: str,
    kinds: Sequence[Carry],
) -> Tensors:
    """Run ``body`` while ``test`` of the carries is not 0, as one op, and return the carries after the last trip.

    Parameters
    ----------
    test, body : callable
        Functions of the carries. They are called with Tensors whose values are unknown, as in ``tape.loop``.
    carries : sequence of Tensor
        The carries of the first trip.
    what : str
        The name of the loop in errors.
    kinds : sequence of Carry
        The name of each carry in errors, and whether its dtype may change after the first trip.
    """

    def run(first: Tensors) -> tuple[Region, Tensors, Tensors, Tensor]:
        with Region(what) as region:
            inside = [input_like(x) for x in first]
            tested = as_tensor(test(inside))
            following = [as_tensor(t) for t in body(inside)]
        return region, inside, following, tested

    region, first, inside, following, tested = settled(what, kinds, list(carries), run)
    if tested.shape != ():
        raise ShapeError(f"{what}: the condition has shape {tested.shape}. Return a single boolean, for example by jg.any.")
    return _looped(region, inside, first, tested, following)


def _looped(region: Region, inside: Tensors, first: Sequence[Tensor], tested: Tensor, following: Tensors) -> Tensors:
    """Record the loop."""
    (test, body), fixed = region.bodies(inside, [tested], following, hoisted=math.inf)
    made = while_op(*first, *fixed, region=While(test, body, len(inside)))
    return [retyped(result, x.level) for result, x in zip(made, following, strict=True)]


def _jvp(tangents: Sequence[Tensor | None], y: Sequence[Tensor], *operands: Tensor, region: While) -> Tensors:
    """Return the tangents of the results, by a loop on the carries and their tangents."""
    n = region.n_carries
    first, fixed = operands[:n], operands[n:]
    along = [constant(0.0, x) if t is None else t for x, t in zip(first, tangents, strict=False)]
    with Region("while_loop") as recorded:
        carries, directions = [input_like(x) for x in first], [input_like(t) for t in along]
        inside = [*carries, *fixed]
        (tested,), following = inlined(region.test, inside), inlined(region.body, inside)
        given = zip(inside, [*directions, *tangents[n:]], strict=True)
        found = push_forward(following, {id(x): t for x, t in given if t is not None}, recorded.has)
        pushed = [constant(0.0, x) if t is None else t for x, t in zip(following, found, strict=True)]
    return _looped(recorded, [*carries, *directions], [*first, *along], tested, [*following, *pushed])[n:]


def _pullback(
    wanted: Sequence[int], g: Sequence[Tensor], y: Sequence[Tensor], *operands: Tensor, region: While
) -> list[Exception]:
    error = TapeError(
        "while_loop has no derivative in reverse mode, because the number of trips is not known before it runs. "
        "Use jg.scan or jg.fori_loop with a known number of trips, or forward mode (jvp, jacfwd)."
    )
    return [error] * len(operands)


def _batch(n: int, rows: Sequence[Tensor | None], *operands: Tensor, region: While) -> Tensors:
    """Return the results for n rows. If the condition depends on the row, rows that are done keep their carries."""
    k = region.n_carries
    first = [broadcast_to(x, shape=(n, *x.shape)) if row is None else row for x, row in zip(operands[:k], rows, strict=False)]
    fixed = list(zip(operands[k:], rows[k:], strict=True))

    def of_rows(body: Any, carries: Sequence[Tensor]) -> Tensors:
        """Return the outputs of a body for all rows."""
        leaves = [placeholder(x.shape[1:], x.level) for x in carries]
        own = [x if row is None else input_like(x) for x, row in fixed]
        pairs = [
            *zip(leaves, carries, strict=True),
            *((x, row) for x, (_, row) in zip(own, fixed, strict=True) if row is not None),
        ]
        return batched(inlined(body, [*leaves, *own]), *zip(*pairs, strict=True))

    going = not_equal(of_rows(region.test, first)[0], 0)
    with Region("while_loop") as recorded:
        inside, mask = [input_like(x) for x in first], placeholder((n,), dtypes.BOOL)
        following = [
            where(reshape(mask, shape=(n, *(1,) * (x.ndim - 1))), new, x)
            for x, new in zip(inside, of_rows(region.body, inside), strict=True)
        ]
        left = mask * not_equal(of_rows(region.test, following)[0], 0)
        tested = sum_(mask, axes=(0,))
    return _looped(recorded, [*inside, mask], [*first, going], tested, [*following, left])[:k]


def _in_numpy(*operands: Any, region: While) -> tuple[Any, ...]:
    carries, fixed = list(operands[: region.n_carries]), operands[region.n_carries :]
    while in_numpy(region.test, [*carries, *fixed])[region.test.outputs[0]]:
        made = in_numpy(region.body, [*carries, *fixed])
        carries = [made[i] for i in region.body.outputs]
    return tuple(carries)


def _shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    region: While = attrs["region"]
    region.check(shapes)
    return region.results


while_op: Op = declare(
    Op(
        "while", None, _shape, (), _in_numpy, pullback=_pullback, jvp=_jvp, batch=_batch, result="float",
        doc="A body that runs while a condition holds, see ``tape.while_loop``.",
    )
)  # fmt: skip
