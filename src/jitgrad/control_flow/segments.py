"""Loops over segments of trips: unrolled trips, and checkpoints.

In reverse mode, a loop stores the carries of all trips. A loop over segments stores only the carries at their beginnings, since
the pullback of its body runs the segment again: the schedule of Chen et al. (2016), "Training deep nets with sublinear memory
cost", which needs memory for about 2√n carries, and one more forward pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from jitgrad.arguments import count
from jitgrad.functions.joining import concatenate, stack
from jitgrad.ops.linear import reshape
from jitgrad.tape.loop import Body, loop
from jitgrad.tape.region import carries_of
from jitgrad.tape.tensor import Tensor, as_tensor

Tensors = list[Tensor]
Loop = Callable[[int, Sequence[Any], Sequence[Any]], tuple[Tensors, Tensors]]
"""Runs trips with carries and moving inputs, and returns the carries and the stacked values."""


def looped(
    body: Body,
    trips: int,
    carries: Sequence[Any],
    data: Sequence[Any],
    *,
    what: str,
    names: Sequence[str],
    reverse: bool = False,
    unroll: int = 1,
    checkpoint: bool | int = False,
) -> tuple[Tensors, Tensors]:
    """Run a loop, in segments if required; see ``tape.loop`` and ``scan``."""
    first = [as_tensor(x) for x in carries]
    again = partial(loop, reverse=reverse, what=what, kinds=carries_of(names, first))
    plain, unrolled = partial(again, body), partial(again, body)
    if count("unroll", unroll) > 1:
        unrolled = partial(_in_segments, again, _unrolled(body, reverse), plain, unroll, reverse)
    if checkpoint is False or trips < 2:
        return unrolled(trips, first, data)
    size = math.isqrt(trips - 1) + 1 if checkpoint is True else count("checkpoint", checkpoint)
    return _in_segments(again, unrolled, unrolled, size, reverse, trips, first, data)


def _in_segments(
    again: Callable[..., tuple[Tensors, Tensors]],
    inner: Loop,
    rest: Loop,
    size: int,
    reverse: bool,
    trips: int,
    carries: Sequence[Tensor],
    data: Sequence[Any],
) -> tuple[Tensors, Tensors]:
    """Run segments of ``size`` trips with ``inner`` in a loop, and the remaining trips, the last slices, with ``rest``."""
    number, left = divmod(trips, size)
    if number == 0:
        return rest(trips, carries, data)
    whole, arrays = trips - left, [as_tensor(x) for x in data]

    def segments(carries: Sequence[Tensor]) -> tuple[Tensors, Tensors]:
        main = [reshape(x[:whole], shape=(number, size, *x.shape[1:])) for x in arrays]
        made, stacked = again(lambda c, s: inner(size, c, s), number, carries, main)
        return made, [reshape(y, shape=(whole, *y.shape[2:])) for y in stacked]

    def remaining(carries: Sequence[Tensor]) -> tuple[Tensors, Tensors]:
        return rest(left, carries, [x[whole:] for x in arrays])

    parts = ([remaining, segments] if reverse else [segments, remaining]) if left else [segments]
    found: list[Tensors] = []
    for part in parts:
        carries, stacked = part(carries)
        found.append(stacked)
    return list(carries), [concatenate(list(ys)) for ys in zip(*found[:: -1 if reverse else 1], strict=True)]


def _unrolled(body: Body, reverse: bool) -> Loop:
    """Return a function that records each trip."""

    def run(trips: int, carries: Sequence[Any], data: Sequence[Any]) -> tuple[Tensors, Tensors]:
        rows = []
        for k in range(trips)[:: -1 if reverse else 1]:
            carries, row = body(list(carries), [x[k] for x in data])
            rows.append(row)
        return [as_tensor(c) for c in carries], [stack(list(ys)) for ys in zip(*rows[:: -1 if reverse else 1], strict=True)]

    return run
