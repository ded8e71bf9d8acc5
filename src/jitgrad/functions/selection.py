"""Selecting elements by index or by value, and sorting."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, IndexingError, ShapeError
from jitgrad.functions.axes import axis_of
from jitgrad.functions.cumulative import running
from jitgrad.functions.shapes import moveaxis, reshape
from jitgrad.ops import linear, order
from jitgrad.ops.elementwise import where
from jitgrad.tape import dtypes
from jitgrad.tape.indexing import take_rows
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.values import peek


@public()
def gather(x: Any, indices: Any) -> Tensor:
    """Rows of ``x`` (its first axis) by an array of integers: shape ``indices.shape + x.shape[1:]``.

    Raises IndexingError for an index that is known to be outside; one computed later gives a row of nan.
    """
    return take_rows(as_tensor(x), indices, 0)


@public(np.take)
def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """Rows along ``axis`` by an array of integers; elements of ``x`` as one row for None. Errors are ``gather``'s."""
    x = as_tensor(x)
    return (
        take_rows(reshape(x, (x.size,)), indices, 0) if axis is None else take_rows(x, indices, axis_of("take", axis, x.ndim))
    )


@public(np.take_along_axis)
def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Tensor:
    """For each place of ``indices`` the element along ``axis`` that it names; the other axes go together and broadcast.

    Raises ShapeError where ``x`` and ``indices`` differ in axes, IndexingError for an index that is known to be outside.
    """
    x, indices = as_tensor(x), as_tensor(indices)
    if axis is None:
        x, axis = reshape(x, (x.size,)), 0
    at = axis_of("take_along_axis", axis, x.ndim)
    if x.ndim != indices.ndim:
        raise ShapeError(f"take_along_axis: shapes {x.shape} and {indices.shape} differ in axes. Give indices as many axes.")
    if indices.level != dtypes.INTEGER and indices.size:
        raise IndexingError(f"take_along_axis: indices of dtype {indices.dtype}. Give integers.")
    n, others = x.shape[at], x.shape[:at] + x.shape[at + 1 :]
    if (
        0 not in others
        and indices.value is not None
        and indices.size
        and not (-n <= indices.value.min() and indices.value.max() < n)
    ):
        raise IndexingError(f"take_along_axis: an index is out of range for axis {at} of shape {x.shape}. Use {-n} to {n - 1}.")
    first = np.take(np.arange(x.size).reshape(x.shape), [0] if n else [], at)
    step = int(np.prod(x.shape[at + 1 :]))
    inside = (indices >= -n) * (indices < n)
    flat = where(inside, first + where(indices < 0, indices + n, indices) * step, x.size)
    return linear.gather(reshape(x, (x.size,)), flat, axis=0)


@public(np.argsort)
def argsort(x: Any, axis: int | None = -1) -> Tensor:
    """The order in which the elements along ``axis`` ascend, as int64: stable, nan last; of all elements for None."""
    x, at = running("argsort", x, axis)
    return moveaxis(order.argsort(moveaxis(x, at, -1)), -1, at)


@public(np.sort)
def sort(x: Any, axis: int | None = -1) -> Tensor:
    """The elements along ``axis`` in ascending order, nan last; all of them in a row for None."""
    x = as_tensor(x)
    if axis is None:
        x, axis = reshape(x, (x.size,)), 0
    return take_along_axis(x, argsort(x, axis), axis)


@public()
def top_k(x: Any, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` largest elements along the last axis, descending, and where they stand; the first of equal ones first."""
    x = as_tensor(x)
    n = x.shape[-1] if x.ndim else 0
    if not 0 <= k <= n:
        raise ArgumentError(f"top_k: k is {k} for shape {x.shape}. Give 0 to {n}.")
    places = argsort(-x)[..., :k]
    return take_along_axis(x, places), places


# What depends on values. They must be known: while a function is traced, these raise TracingError.
@public()
def nonzero(x: Any) -> tuple[Tensor, ...]:
    """Where the elements are that are not 0: for each axis their places along it, as int64."""
    return tuple(as_tensor(places) for places in np.nonzero(np.asarray(peek(as_tensor(x)))))


@public()
def argwhere(x: Any) -> Tensor:
    """Where the elements are that are not 0: a row of places for each, as int64."""
    return as_tensor(np.argwhere(np.asarray(peek(as_tensor(x)))))


@public()
def flatnonzero(x: Any) -> Tensor:
    """Where the elements are that are not 0, all in one row, as int64."""
    return as_tensor(np.flatnonzero(np.asarray(peek(as_tensor(x)))))


@public()
def unique(
    x: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, axis: int | None = None
) -> Any:
    """The different elements, ascending, or the different rows along an axis.

    Parameters
    ----------
    x : array_like
        Any shape.
    return_index, return_inverse, return_counts : bool, default False
        Whether there come, in this order, the place of the first of each, the place of each element's value in the result, and
        how often each is there.
    axis : int, optional
        Along which rows are compared; all elements in one row by default.

    Returns
    -------
    Tensor or tuple
        A gradient passes to the first of equal ones.
    """
    x = as_tensor(x)
    _, first, inverse, counts = np.unique(np.asarray(peek(x)), True, True, True, axis)
    values = (
        take_rows(reshape(x, (x.size,)), first, 0) if axis is None else take_rows(x, first, axis_of("unique", axis, x.ndim))
    )
    asked = ((return_index, first), (return_inverse, inverse), (return_counts, counts))
    more = [as_tensor(places) for wanted, places in asked if wanted]
    return (values, *more) if more else values
