"""Loops as an op: the body is recorded once for any number of trips, and differentiated as a loop.

Forward mode runs the body on the carries and their tangents. Reverse mode processes the trips from the last to the first,
with the carries of each trip, which the forward loop stores.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitgrad.arguments import count
from jitgrad.errors import ShapeError
from jitgrad.ops import Shape
from jitgrad.ops.linear import sum as sum_
from jitgrad.ops.table import Op, declare, vanishes
from jitgrad.program.loop import Loop, inputs_of
from jitgrad.tape.batching import batched
from jitgrad.tape.forward_mode import push_forward
from jitgrad.tape.region import (
    Carry,
    Region,
    Tensors,
    all_rows,
    carries_of,
    depends,
    in_numpy,
    inlined,
    input_like,
    settled,
    slice_of,
    swap_first,
)  # fmt: skip
from jitgrad.tape.reverse_mode import constant, differentiate
from jitgrad.tape.tensor import Tensor, as_tensor, identity, placeholder, retyped

Body = Callable[[Tensors, Tensors], tuple[Sequence[Any], Sequence[Any]]]
"""A function from the carries and the slices of a trip to the carries of the next trip and the values to stack."""


def loop(
    body: Body,
    trips: int,
    carries: Sequence[Any] = (),
    moving: Sequence[Any] = (),
    *,
    reverse: bool = False,
    parallel: bool = False,
    what: str = "loop",
    kinds: Sequence[Carry] = (),
) -> tuple[Tensors, Tensors]:
    """Run ``body`` repeatedly, as one op.

    Parameters
    ----------
    body : callable
        ``body(carries, slices)`` returns the carries for the next trip, of the same shapes, and the values to stack. It is
        called with Tensors whose values are unknown, once, or again if a Python number as a carry becomes a float. Other
        values that it reads are the same in all trips.
    trips : int
        The number of trips.
    carries : sequence of array_like
        The carries of the first trip.
    moving : sequence of array_like
        Arrays of shape ``(trips, ...)``: each trip receives one slice of each.
    reverse : bool, default False
        Whether to process the slices, and stack the results, from the last to the first.
    parallel : bool, default False
        Whether threads may share the trips. This requires a loop without carries.
    what : str
        The name of the loop in errors.
    kinds : sequence of Carry, optional
        The name of each carry in errors, and whether its dtype may change after the first trip.

    Returns
    -------
    carries : list of Tensor
        The carries after the last trip.
    stacked : list of Tensor
        The stacked values, of shape ``(trips, ...)``.

    Raises
    ------
    ShapeError
        If a carry changes shape, or a moving input does not have one slice per trip.
    DTypeError
        If a carry changes its dtype.
    TracingError
        If the body requests a value, for example to branch on it.
    UnsupportedError
        If the body draws random numbers, or contains a ``custom_gradient``.
    """
    count("trips", trips, low=0, high=2**53)
    first, data = [as_tensor(x) for x in carries], [as_tensor(x) for x in moving]
    for number, x in enumerate(data):
        if x.shape[:1] != (trips,):
            raise ShapeError(f"loop: moving input {number} has shape {x.shape} for {trips} trips. Give it one slice per trip.")
    if parallel and first:
        raise ShapeError(
            "loop: parallel trips cannot have carries, since each trip would need the previous one. Leave out the carries."
        )

    def run(first: Tensors) -> tuple[Region, Tensors, Tensors, tuple[Tensors, Tensors]]:
        with Region(what) as region:
            inside, slices = [input_like(x) for x in first], [slice_of(x) for x in data]
            following, stacked = ([as_tensor(t) for t in part] for part in body(inside, slices))
        return region, inside, following, (slices, stacked)

    kinds = kinds or carries_of([f"carry {k}" for k in range(len(first))], first)
    region, first, inside, following, (slices, stacked) = settled(what, kinds, first, run)
    pairs = list(zip(inside, first, strict=True)), list(zip(slices, data, strict=True))
    results = _looped(region, trips, *pairs, following, stacked, reverse, parallel)
    return results[: len(first)], results[len(first) :]


Pairs = Sequence[tuple[Tensor, Tensor]]
"""Inputs of a body, each with the operand of the loop that it stands for."""


def _looped(
    region: Region,
    trips: int,
    carries: Pairs,
    moving: Pairs,
    following: Tensors,
    stacked: Tensors,
    reverse: bool,
    parallel: bool,
) -> Tensors:
    """Record the loop. Return the last carries and the stacked values. Other values that the body reads are constant."""
    given, outputs = (*carries, *moving), [*following, *stacked]
    body, fixed = region.expression([inside for inside, _ in given], outputs, hoisted=math.inf)
    loop = Loop(body, trips, len(carries), len(moving), reverse, parallel)
    made = loop_op(*(x for _, x in given), *fixed, loop=loop)
    return [retyped(result, output.level) for result, output in zip(made, outputs, strict=True)]


# Derivatives.


def _split(loop: Loop, parts: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Split the operands, or one item per operand, into the parts for carries, moving inputs and constants."""
    n, m = loop.n_carries, loop.n_moving
    return list(parts[:n]), list(parts[n : n + m]), list(parts[n + m :])


def _jvp(tangents: Sequence[Tensor | None], y: Sequence[Tensor], *operands: Tensor, loop: Loop) -> Tensors:
    """Return the tangents of the results, by a loop on the carries and their tangents."""
    (first, data, fixed), (along, moved, shifted) = _split(loop, operands), _split(loop, tangents)
    along = [constant(0.0, x) if t is None else t for x, t in zip(first, along, strict=True)]
    with Region("loop") as region:
        carries, directions = [input_like(x) for x in first], [input_like(t) for t in along]
        slices, of_slices = [slice_of(x) for x in data], [None if t is None else slice_of(t) for t in moved]
        inside = [*carries, *slices, *fixed]
        outputs = inlined(loop.body, inside)
        given = zip(inside, [*directions, *of_slices, *shifted], strict=True)
        found = push_forward(outputs, {id(x): t for x, t in given if t is not None}, region.has)
        pushed = [constant(0.0, x) if t is None else t for x, t in zip(outputs, found, strict=True)]
    n = loop.n_carries
    pairs = (
        [*zip(carries, first, strict=True), *zip(directions, along, strict=True)],
        [*zip(slices, data, strict=True), *((s, t) for s, t in zip(of_slices, moved, strict=True) if s is not None)],
    )
    made = _looped(region, loop.trips, *pairs, [*outputs[:n], *pushed[:n]], pushed[n:], loop.reverse, loop.parallel)
    return made[n:]


def _pullback(wanted: Sequence[int], g: Sequence[Tensor], y: Sequence[Tensor], *operands: Tensor, loop: Loop) -> list[Any]:
    """Return the cotangents of the operands, by a loop in reverse on the cotangents of the carries.

    The cotangents of constants are accumulated from trip to trip or, if trips are parallel, stacked and summed.
    """
    n = loop.n_carries
    first, data, fixed = _split(loop, operands)
    states = [retyped(x, c.level) for x, c in zip(loop_op(*operands, loop=_storing(loop))[len(y) :], first, strict=True)]
    pulled = [k for k, one in enumerate(g) if k < n or not vanishes(one)]
    with Region("loop") as region:
        weights = [input_like(g[k]) if k < n else slice_of(g[k]) for k in pulled]
        moving = [*map(slice_of, states), *map(slice_of, data)]
        inside = [*moving, *(identity(x) if len(moving) + k in wanted else x for k, x in enumerate(fixed))]
        outputs = inlined(loop.body, inside)
        sources = [id(x) if k < n or k in wanted else -1 for k, x in enumerate(inside)]  # no id
        targets = [outputs[k] for k in pulled]
        found = differentiate(targets, sources, lambda t: id(t) in sources, region.has, weights)
        of_carries, of_slices, of_fixed = _split(loop, found)
        following = [constant(0.0, x) if t is None else t for x, t in zip(first, of_carries, strict=True)]
        summed = [k for k, t in enumerate(of_fixed) if t is not None]
        sums = [] if loop.parallel else [(input_like(fixed[k]), constant(0.0, fixed[k])) for k in summed]
        following += [total + of_fixed[k] for (total, _), k in zip(sums, summed, strict=False)]
        stacked = [t for t in (*of_slices, *(of_fixed if loop.parallel else ())) if t is not None]
    pairs = (
        [*zip(weights[:n], g[:n], strict=True), *sums],
        [*zip(inside, (*states, *data), strict=False), *((w, g[k]) for w, k in zip(weights[n:], pulled[n:], strict=True))],
    )
    made = iter(_looped(region, loop.trips, *pairs, following, stacked, not loop.reverse, loop.parallel))
    begun, totals = [next(made) for _ in first], dict(zip(summed, [next(made) for _ in sums], strict=False))
    moved = [None if t is None else next(made) for t in of_slices]
    if loop.parallel:
        totals = {k: sum_(next(made), axes=(0,)) for k in summed}
    return [*begun, *moved, *(totals.get(k) for k in range(len(fixed)))]


def _batch(n: int, rows: Sequence[Tensor | None], *operands: Tensor, loop: Loop) -> Tensors:
    """Return the results for n rows, by one loop whose carries and slices have all rows along their first axis."""
    k, m = loop.n_carries, loop.n_carries + loop.n_moving
    of_rows, with_rows = _with_rows(loop, [row is not None for row in rows])
    with Region("loop") as region:
        inside = [
            slice_of(x) if k <= number < m else input_like(x) if number < k or has_rows else x
            for number, (x, has_rows) in enumerate(zip(operands, with_rows, strict=True))
        ]
        places: list[Any] = [
            x if not has_rows else rows[number] if number >= m else placeholder((n, *x.shape), x.level)
            for number, (x, has_rows) in enumerate(zip(inside, with_rows, strict=True))
        ]
        changing = [(x, y) for x, y, has_rows in zip(inside, places, with_rows, strict=True) if has_rows]
        found = inlined(loop.body, inside)
        outputs = list(found)
        moved = [number for number, has_rows in enumerate(of_rows) if has_rows]
        for number, y in zip(moved, batched([found[i] for i in moved], *zip(*changing, strict=True)), strict=True):
            outputs[number] = y
    first = [all_rows(x, row, n) if has_rows else x for x, row, has_rows in zip(operands[:k], rows, with_rows, strict=False)]
    data = [x if row is None else swap_first(row) for x, row in zip(operands[k:m], rows[k:m], strict=True)]
    pairs = [*zip(places, first, strict=False)], [*zip(places[k:m], data, strict=True)]
    made = _looped(region, loop.trips, *pairs, outputs[:k], outputs[k:], loop.reverse, loop.parallel)
    return [
        all_rows(y, y if has_rows else None, n) if number < k else swap_first(y) if has_rows else all_rows(y, None, n)
        for number, (y, has_rows) in enumerate(zip(made, of_rows, strict=True))
    ]


def _with_rows(loop: Loop, inputs: list[bool]) -> tuple[list[bool], list[bool]]:
    """Return which outputs and which inputs of a body have rows. A carry has them in all trips or in none."""
    while True:
        outputs = depends(loop.body, inputs)
        found = [y or x for x, y in zip(inputs, outputs[: loop.n_carries], strict=False)] + inputs[loop.n_carries :]
        outputs[: loop.n_carries] = found[: loop.n_carries]
        if found == inputs:
            return outputs, inputs
        inputs = found


def _storing(loop: Loop) -> Loop:
    """Return the loop, extended to also stack the carries at the beginning of each trip."""
    return loop.stacking(loop.stacked + tuple(inputs_of(loop.body)[: loop.n_carries]))


def _in_numpy(*operands: Any, loop: Loop) -> tuple[Any, ...]:
    carries, data, fixed = _split(loop, operands)
    rows = []
    for trip in range(loop.trips)[:: -1 if loop.reverse else 1]:
        made = in_numpy(loop.body, [*carries, *(x[trip] for x in data), *fixed])
        carries, row = [made[i] for i in loop.body.outputs[: loop.n_carries]], [made[i] for i in loop.stacked]
        rows.append(row)
    order = slice(None, None, -1 if loop.reverse else 1)
    shapes = loop.results[loop.n_carries :]
    stacks = [np.reshape([row[k] for row in rows][order], shape) for k, shape in enumerate(shapes)]
    return (*carries, *stacks)


def _loop_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    loop: Loop = attrs["loop"]
    loop.check(shapes)
    return loop.results


loop_op: Op = declare(
    Op(
        "loop", None, _loop_shape, (), _in_numpy, pullback=_pullback, jvp=_jvp, batch=_batch, result="float",
        doc="A body that runs repeatedly, see ``tape.loop``.",
    )
)  # fmt: skip
