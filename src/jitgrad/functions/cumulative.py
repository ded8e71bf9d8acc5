"""Running sums and products, and differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.functions.axes import axis_of
from jitgrad.functions.joining import concatenate
from jitgrad.functions.shapes import broadcast_to, moveaxis, reshape
from jitgrad.ops import linear
from jitgrad.tape.protocol import namesakes, public
from jitgrad.tape.tensor import Tensor, as_tensor, retyped


def running(name: str, x: Any, axis: int | None) -> tuple[Tensor, int]:
    """A Tensor and its axis from 0 on: a row of all elements for None, and for a number, which has the axes 0 and -1."""
    x = as_tensor(x)
    if axis is not None:
        axis = axis_of(name, axis, x.ndim or 1)
    return (reshape(x, (x.size,)), 0) if axis is None or not x.ndim else (x, axis)


@public(np.cumsum)
def cumsum(x: Any, axis: int | None = None) -> Tensor:
    """The sum of the elements along ``axis`` up to each; of all elements in a row for None."""
    x, at = running("cumsum", x, axis)
    return linear.cumsum(x, axis=at, reverse=False)


@public(np.cumprod)
def cumprod(x: Any, axis: int | None = None) -> Tensor:
    """The product of the elements along ``axis`` up to each; by doubling, so that its derivatives are right at zeros, too.

    Hillis and Steele, "Data parallel algorithms", 1986.
    """
    x, at = running("cumprod", x, axis)
    y = moveaxis(x, at, -1) * 1  # booleans are counted
    n, step = y.shape[-1], 1
    while step < n:
        y = concatenate([y[..., :step], y[..., step:] * y[..., : n - step]], axis=-1)
        step *= 2
    return moveaxis(y, -1, at)


@public(*namesakes("cumulative_sum"))
def cumulative_sum(x: Any, axis: int | None = None, include_initial: bool = False) -> Tensor:
    """As ``cumsum``; of several axes one must be named. With ``include_initial`` it begins with the sum of none, 0."""
    return _with_initial("cumulative_sum", cumsum, x, axis, 0.0 if include_initial else None)


@public(*namesakes("cumulative_prod"))
def cumulative_prod(x: Any, axis: int | None = None, include_initial: bool = False) -> Tensor:
    """As ``cumprod``; of several axes one must be named. With ``include_initial`` it begins with the product of none, 1."""
    return _with_initial("cumulative_prod", cumprod, x, axis, 1.0 if include_initial else None)


def _with_initial(name: str, f: Any, x: Any, axis: int | None, initial: float | None) -> Tensor:
    x = as_tensor(x)
    if axis is None and x.ndim != 1:
        raise ArgumentError(f"{name}: shape {x.shape} has not one axis. Name the axis.")
    at = axis_of(name, axis or 0, x.ndim)
    made: Tensor = f(x, at)
    if initial is None:
        return made
    first = retyped(linear.broadcast_to(initial, shape=(*x.shape[:at], 1, *x.shape[at + 1 :])), made.level)
    return concatenate([first, made], at)


@public(np.diff)
def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """The differences of neighbours along ``axis``, ``n`` times; ``prepend`` and ``append`` are put before and after first.

    They are as ``x`` but for their length along ``axis``, or numbers.
    """
    x = as_tensor(x)
    at = axis_of("diff", axis, x.ndim)
    if n == 0:
        return x
    before = (slice(None),) * at
    ends = [None if end is None else as_tensor(end) for end in (prepend, append)]
    one = tuple(1 if i == at else size for i, size in enumerate(x.shape))
    first, last = [end if end is None or end.ndim else broadcast_to(end, one) for end in ends]
    parts = [part for part in (first, x, last) if part is not None]
    x = x if len(parts) == 1 else concatenate(parts, axis=at)
    for _ in range(n):
        x = x[(*before, slice(1, None))] - x[(*before, slice(None, -1))]
    return x
