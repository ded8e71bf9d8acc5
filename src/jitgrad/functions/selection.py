"""Selecting elements by index or by value, and sorting."""

from __future__ import annotations

from typing import Any, Literal, overload

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
from jitgrad.typing import ArrayLike


@public()
def gather(x: ArrayLike, indices: ArrayLike) -> Tensor:
    """Select rows of an array by an array of indices.

    Parameters
    ----------
    x : array_like
        Input array.
    indices : array_like of int
        Row numbers along the first axis. Negative numbers count from the end.

    Returns
    -------
    Tensor
        The rows, of shape ``indices.shape + x.shape[1:]``.

    Raises
    ------
    IndexingError
        If an index is out of range and its value is known.

    Notes
    -----
    An index that is only computed when the recorded program runs cannot raise an error. If it is out of range, its row is nan.
    The gradient of a row that is selected several times is the sum over its occurrences.

    See Also
    --------
    take, take_along_axis

    Examples
    --------
    >>> jg.gather([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [2, 0])
    <Tensor shape=(2, 2) dtype=float64
    [[5. 6.]
     [1. 2.]]>
    """
    return take_rows(as_tensor(x), indices, 0)


@public(np.take)
def take(x: ArrayLike, indices: ArrayLike, axis: int | None = None) -> Tensor:
    """Select elements along an axis by an array of indices.

    Parameters
    ----------
    x : array_like
        Input array.
    indices : array_like of int
        Positions along ``axis``. Negative numbers count from the end.
    axis : int, optional
        Axis to select along. By default, ``x`` is flattened.

    Returns
    -------
    Tensor
        The elements, with ``indices.shape`` in place of ``axis``.

    Raises
    ------
    IndexingError
        If an index is out of range and its value is known.

    Notes
    -----
    An index that is only computed when the recorded program runs cannot raise an error. If it is out of range, the result is
    nan.

    See Also
    --------
    gather, take_along_axis

    Examples
    --------
    >>> jg.take([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [0, 2], axis=1)
    <Tensor shape=(2, 2) dtype=float64
    [[1. 3.]
     [4. 6.]]>
    """
    x = as_tensor(x)
    return (
        take_rows(reshape(x, (x.size,)), indices, 0) if axis is None else take_rows(x, indices, axis_of("take", axis, x.ndim))
    )


@public(np.take_along_axis)
def take_along_axis(x: ArrayLike, indices: ArrayLike, axis: int | None = -1) -> Tensor:
    """Select elements along an axis with separate indices for each row.

    Parameters
    ----------
    x : array_like
        Input array.
    indices : array_like of int
        Positions along ``axis``. They have as many axes as ``x``, and all axes except ``axis`` broadcast.
    axis : int or None, default -1
        Axis to select along. With None, ``x`` is flattened.

    Returns
    -------
    Tensor
        The elements, in the shape of ``indices``.

    Raises
    ------
    ShapeError
        If ``x`` and ``indices`` differ in the number of axes.
    IndexingError
        If an index is not an integer, or is out of range and its value is known.

    See Also
    --------
    take, argsort

    Examples
    --------
    >>> x = np.array([[3.0, 1.0], [2.0, 4.0]])
    >>> jg.take_along_axis(x, jg.argsort(x, axis=1), axis=1)
    <Tensor shape=(2, 2) dtype=float64
    [[1. 3.]
     [2. 4.]]>
    """
    x, indices = as_tensor(x), as_tensor(indices)
    if axis is None:
        x, axis = reshape(x, (x.size,)), 0
    at = axis_of("take_along_axis", axis, x.ndim)
    if x.ndim != indices.ndim:
        raise ShapeError(
            f"take_along_axis: shapes {x.shape} and {indices.shape} differ in the number of axes. "
            "Give the indices as many axes as x."
        )
    if indices.level != dtypes.INTEGER and indices.size:
        raise IndexingError(f"take_along_axis: indices have dtype {indices.dtype}. Pass integers.")
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
def argsort(x: ArrayLike, axis: int | None = -1) -> Tensor:
    """Indices that sort an array along an axis.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or None, default -1
        Axis to sort along. With None, ``x`` is flattened.

    Returns
    -------
    Tensor
        Indices as int64, in ascending order of the elements. The sort is stable, and nan comes last.

    See Also
    --------
    sort, top_k, take_along_axis

    Examples
    --------
    >>> jg.argsort([3.0, 1.0, 2.0])
    <Tensor shape=(3,) dtype=int64 [1 2 0]>
    """
    x, at = running("argsort", x, axis)
    return moveaxis(order.argsort(moveaxis(x, at, -1)), -1, at)


@public(np.sort)
def sort(x: ArrayLike, axis: int | None = -1) -> Tensor:
    """Sort an array along an axis in ascending order.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or None, default -1
        Axis to sort along. With None, ``x`` is flattened.

    Returns
    -------
    Tensor
        The sorted array; nan comes last.

    Notes
    -----
    The gradient is permuted back to the order of ``x``.

    See Also
    --------
    argsort, top_k, median

    Examples
    --------
    >>> jg.sort([3.0, 1.0, 2.0])
    <Tensor shape=(3,) dtype=float64 [1. 2. 3.]>
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = reshape(x, (x.size,)), 0
    return take_along_axis(x, argsort(x, axis), axis)


@public()
def top_k(x: ArrayLike, k: int) -> tuple[Tensor, Tensor]:
    """The k largest elements along the last axis, and their indices.

    Parameters
    ----------
    x : array_like
        Input array.
    k : int
        Number of elements, at most the size of the last axis.

    Returns
    -------
    values : Tensor
        The largest elements in descending order.
    indices : Tensor
        Their positions along the last axis, as int64. Equal elements keep their original order.

    Raises
    ------
    ArgumentError
        If ``k`` is out of range.

    See Also
    --------
    sort, argmax

    Examples
    --------
    >>> values, indices = jg.top_k([3.0, 1.0, 2.0], 2)
    >>> values
    <Tensor shape=(2,) dtype=float64 [3. 2.]>
    >>> indices
    <Tensor shape=(2,) dtype=int64 [0 2]>
    """
    x = as_tensor(x)
    n = x.shape[-1] if x.ndim else 0
    if not 0 <= k <= n:
        raise ArgumentError(f"top_k: k is {k} for shape {x.shape}. Pass a number from 0 to {n}.")
    places = argsort(-x)[..., :k]
    return take_along_axis(x, places), places


# Functions whose result shapes depend on values, which must be known. They raise TracingError while a function is traced.
@public()
def nonzero(x: ArrayLike) -> tuple[Tensor, ...]:
    """Indices of the nonzero elements.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    tuple of Tensor
        For each axis, the positions of the nonzero elements along it, as int64.

    Raises
    ------
    TracingError
        If a traced function calls it on a value that is not known yet, because the shape of the result depends on values.

    See Also
    --------
    argwhere, flatnonzero, count_nonzero

    Examples
    --------
    >>> jg.nonzero([0.0, 2.0, 3.0])
    (<Tensor shape=(2,) dtype=int64 [1 2]>,)
    """
    return tuple(as_tensor(places) for places in np.nonzero(np.asarray(peek(as_tensor(x)))))


@public()
def argwhere(x: ArrayLike) -> Tensor:
    """Indices of the nonzero elements, with one row per element.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        Indices as int64, of shape (number of nonzero elements, number of axes).

    Raises
    ------
    TracingError
        If a traced function calls it on a value that is not known yet, because the shape of the result depends on values.

    See Also
    --------
    nonzero, flatnonzero

    Examples
    --------
    >>> jg.argwhere([[0.0, 2.0], [3.0, 0.0]])
    <Tensor shape=(2, 2) dtype=int64
    [[0 1]
     [1 0]]>
    """
    return as_tensor(np.argwhere(np.asarray(peek(as_tensor(x)))))


@public()
def flatnonzero(x: ArrayLike) -> Tensor:
    """Indices of the nonzero elements of the flattened array.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        Indices as int64.

    Raises
    ------
    TracingError
        If a traced function calls it on a value that is not known yet, because the shape of the result depends on values.

    See Also
    --------
    nonzero, argwhere

    Examples
    --------
    >>> jg.flatnonzero([[0.0, 2.0], [3.0, 0.0]])
    <Tensor shape=(2,) dtype=int64 [1 2]>
    """
    return as_tensor(np.flatnonzero(np.asarray(peek(as_tensor(x)))))


@overload
def unique(
    x: ArrayLike, return_index: Literal[False] = ..., return_inverse: Literal[False] = ...,
    return_counts: Literal[False] = ..., axis: int | None = ...,
) -> Tensor: ...  # fmt: skip
@overload
def unique(
    x: ArrayLike, return_index: bool = ..., return_inverse: bool = ..., return_counts: bool = ..., axis: int | None = ...
) -> Any: ...
@public()
def unique(
    x: ArrayLike, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, axis: int | None = None
) -> Any:
    """Sorted unique elements of an array, or its unique rows along an axis.

    Parameters
    ----------
    x : array_like
        Input array.
    return_index : bool, default False
        Whether to return the index of the first occurrence of each unique value.
    return_inverse : bool, default False
        Whether to return the indices that reconstruct ``x`` from the unique values.
    return_counts : bool, default False
        Whether to return the number of occurrences of each unique value.
    axis : int, optional
        Axis along which rows are compared. By default, the elements of the flattened array are compared.

    Returns
    -------
    values : Tensor
        The unique values in ascending order.
    index, inverse, counts : Tensor
        Only those requested, as int64.

    Raises
    ------
    TracingError
        If a traced function calls it on a value that is not known yet, because the shape of the result depends on values.

    Notes
    -----
    The gradient of a unique value flows to its first occurrence.

    See Also
    --------
    sort, bincount

    Examples
    --------
    >>> values, counts = jg.unique([3.0, 1.0, 3.0], return_counts=True)
    >>> values
    <Tensor shape=(2,) dtype=float64 [1. 3.]>
    >>> counts
    <Tensor shape=(2,) dtype=int64 [1 2]>
    """
    x = as_tensor(x)
    _, first, inverse, counts = np.unique(np.asarray(peek(x)), True, True, True, axis)
    values = (
        take_rows(reshape(x, (x.size,)), first, 0) if axis is None else take_rows(x, first, axis_of("unique", axis, x.ndim))
    )
    asked = ((return_index, first), (return_inverse, inverse), (return_counts, counts))
    more = [as_tensor(places) for wanted, places in asked if wanted]
    return (values, *more) if more else values
