"""Medians, quantiles and percentiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.axes import Axis, axes_of
from jitgrad.functions.logic import any, isnan, logical_not
from jitgrad.functions.reductions import sum
from jitgrad.functions.selection import sort, take_along_axis
from jitgrad.functions.shapes import broadcast_to, moveaxis, reshape
from jitgrad.ops.elementwise import ceil, floor, maximum, rint, where
from jitgrad.tape import dtypes
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor, cast
from jitgrad.typing import ArrayLike


@public(np.median)
def median(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Median over one or more axes.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int, optional
        Axis or axes to reduce. The default is all axes.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.

    Returns
    -------
    Tensor
        The middle element in sorted order, or the mean of the two middle elements if their number is even. It is nan if any
        element is nan, or if there are no elements.

    See Also
    --------
    nanmedian, quantile, mean

    Examples
    --------
    >>> jg.median([3.0, 1.0, 2.0, 10.0])
    <Tensor shape=() dtype=float64 2.5>
    """
    x = as_tensor(x)
    axes = axes_of("median", axis, x.ndim)
    kept = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    n = math.prod(x.shape[i] for i in axes)
    last = sort(reshape(moveaxis(x, axes, range(x.ndim - len(axes), x.ndim)), (*kept, n)))
    if n:
        made = (last[..., (n - 1) // 2] + last[..., n // 2]) / 2
        made = where(isnan(last[..., -1]), math.nan, made)  # nan sorts last
    else:
        made = sum(last, -1) + math.nan
    return reshape(made, tuple(1 if i in axes else m for i, m in enumerate(x.shape))) if keepdims else made


_METHODS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "linear": lambda at: (floor(at), at - floor(at)),
    "lower": lambda at: (floor(at), 0.0),
    "higher": lambda at: (ceil(at), 0.0),
    "nearest": lambda at: (rint(at), 0.0),
    "midpoint": lambda at: (floor(at), (ceil(at) - floor(at)) * 0.5),
}
"""Map a position between two sorted elements to the lower one and the weight of the upper one."""


@public(np.quantile)
def quantile(x: ArrayLike, q: ArrayLike, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """Quantiles over one or more axes.

    Parameters
    ----------
    x : array_like
        Input array.
    q : array_like
        Probabilities from 0 to 1.
    axis : int or sequence of int, optional
        Axis or axes to reduce. The default is all axes.
    method : {"linear", "lower", "higher", "midpoint", "nearest"}, default "linear"
        The value between two neighboring elements: linear interpolation, the lower one, the higher one, their mean, or the
        nearer one.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.

    Returns
    -------
    Tensor
        The quantiles, with the axes of ``q`` first; nan if any element is nan.

    Raises
    ------
    ArgumentError
        If a probability is outside of [0, 1], or the method is unknown.
    ShapeError
        If there are no elements to reduce.

    See Also
    --------
    percentile, nanquantile, median

    Examples
    --------
    >>> jg.quantile([1.0, 2.0, 3.0, 4.0], [0.25, 0.5])
    <Tensor shape=(2,) dtype=float64 [1.75 2.5 ]>
    """
    return _quantile(x, _parts(q, 1), axis, method, keepdims)


@public(np.percentile)
def percentile(x: ArrayLike, q: ArrayLike, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """Percentiles over one or more axes.

    Parameters
    ----------
    x : array_like
        Input array.
    q : array_like
        Percentages from 0 to 100.
    axis : int or sequence of int, optional
        Axis or axes to reduce. The default is all axes.
    method : {"linear", "lower", "higher", "midpoint", "nearest"}, default "linear"
        The value between two neighboring elements, see `quantile`.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.

    Returns
    -------
    Tensor
        The percentiles, with the axes of ``q`` first; nan if any element is nan.

    Raises
    ------
    ArgumentError
        If a percentage is outside of [0, 100], or the method is unknown.
    ShapeError
        If there are no elements to reduce.

    See Also
    --------
    quantile, nanpercentile

    Examples
    --------
    >>> jg.percentile([1.0, 2.0, 3.0, 4.0], 90)
    <Tensor shape=() dtype=float64 3.7>
    """
    return _quantile(x, _parts(q, 100), axis, method, keepdims)


@public(np.nanquantile)
def nanquantile(x: ArrayLike, q: ArrayLike, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """Quantiles over one or more axes, ignoring nan.

    Parameters
    ----------
    x : array_like
        Input array.
    q : array_like
        Probabilities from 0 to 1.
    axis : int or sequence of int, optional
        Axis or axes to reduce. The default is all axes.
    method : {"linear", "lower", "higher", "midpoint", "nearest"}, default "linear"
        The value between two neighboring elements, see `quantile`.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.

    Returns
    -------
    Tensor
        The quantiles of the elements that are not nan; nan if there are none. The axes of ``q`` come first.

    See Also
    --------
    quantile, nanpercentile, nanmedian

    Examples
    --------
    >>> jg.nanquantile([1.0, np.nan, 3.0], 0.5)
    <Tensor shape=() dtype=float64 2.>
    """
    return _nanquantile(x, _parts(q, 1), axis, method, keepdims)


@public(np.nanpercentile)
def nanpercentile(x: ArrayLike, q: ArrayLike, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """Percentiles over one or more axes, ignoring nan.

    Parameters
    ----------
    x : array_like
        Input array.
    q : array_like
        Percentages from 0 to 100.
    axis : int or sequence of int, optional
        Axis or axes to reduce. The default is all axes.
    method : {"linear", "lower", "higher", "midpoint", "nearest"}, default "linear"
        The value between two neighboring elements, see `quantile`.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.

    Returns
    -------
    Tensor
        The percentiles of the elements that are not nan; nan if there are none. The axes of ``q`` come first.

    See Also
    --------
    percentile, nanquantile

    Examples
    --------
    >>> jg.nanpercentile([1.0, np.nan, 3.0], 50)
    <Tensor shape=() dtype=float64 2.>
    """
    return _nanquantile(x, _parts(q, 100), axis, method, keepdims)


@public(np.nanmedian)
def nanmedian(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Median over one or more axes, ignoring nan.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int, optional
        Axis or axes to reduce. The default is all axes.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.

    Returns
    -------
    Tensor
        The median of the elements that are not nan; nan if there are none.

    See Also
    --------
    median, nanquantile, nanmean

    Examples
    --------
    >>> jg.nanmedian([1.0, np.nan, 3.0, 10.0])
    <Tensor shape=() dtype=float64 3.>
    """
    return _nanquantile(x, _parts(0.5, 1), axis, "median", keepdims)


def _parts(q: Any, whole: int) -> Tensor:
    """Convert ``q`` to probabilities from 0 to 1 and check their range if they are known."""
    q = as_tensor(q)
    if q.value is not None and not np.all((np.asarray(q.value) >= 0) & (np.asarray(q.value) <= whole)):
        raise ArgumentError(f"quantile: q is {q.value}. Pass numbers from 0 to {whole}.")
    return q / float(whole)


def _quantile(x: Any, q: Tensor, axis: Axis, method: str, keepdims: bool) -> Tensor:
    rows, n = _in_rows("quantile", x, axis)
    made = _interpolated(sort(rows), q, as_tensor(float(n)), method)
    return _shaped(where(any(isnan(rows), -1), math.nan, made), x, axis, q, keepdims)


def _nanquantile(x: Any, q: Tensor, axis: Axis, method: str, keepdims: bool) -> Tensor:
    rows, _ = _in_rows("nanquantile", x, axis)
    counts, ordered = sum(logical_not(isnan(rows)), -1), sort(rows)
    made = _interpolated(where(isnan(ordered), 0.0, ordered), q, maximum(counts, 1) * 1.0, method)
    return _shaped(where(counts > 0, made, math.nan), x, axis, q, keepdims)


def _in_rows(name: str, x: Any, axis: Axis) -> tuple[Tensor, int]:
    """Move the reduced axes into one last axis, and return its size."""
    x = as_tensor(x) * 1.0
    axes = axes_of(name, axis, x.ndim)
    n = math.prod(x.shape[i] for i in axes)
    if n == 0:
        raise ShapeError(f"{name}: no elements over axis {axis} of shape {x.shape}. Pass at least one.")
    kept = tuple(size for i, size in enumerate(x.shape) if i not in axes)
    return reshape(moveaxis(x, axes, range(x.ndim - len(axes), x.ndim)), (*kept, n)), n


def _interpolated(ordered: Tensor, q: Tensor, counts: Tensor, method: str) -> Tensor:
    """Interpolate in sorted rows whose first ``counts`` elements are valid; the result has the shape (*q.shape, *rows)."""
    if method not in _METHODS and method != "median":
        raise ArgumentError(f"quantile: method is {method!r}. Use one of {', '.join(_METHODS)}.")
    kept, n = ordered.shape[:-1], ordered.shape[-1]
    parts = reshape(q, (q.size,) + (1,) * len(kept))
    before, part = _METHODS["midpoint" if method == "median" else method](parts * (counts - 1.0))
    places = moveaxis(broadcast_to(before, (q.size, *kept)), 0, -1)
    first = take_along_axis(ordered, cast(places, dtypes.INTEGER))
    second = take_along_axis(ordered, cast(where(places < n - 1, places + 1, places), dtypes.INTEGER))
    first, second = moveaxis(first, -1, 0), moveaxis(second, -1, 0)
    between = (first + second) / 2 if method == "median" else first + (second - first) * part  # even for infinite elements
    return reshape(where(part == 0, first, between), (*q.shape, *kept))


def _shaped(made: Tensor, x: Any, axis: Axis, q: Tensor, keepdims: bool) -> Tensor:
    if not keepdims:
        return made
    sizes = as_tensor(x).shape
    axes = axes_of("quantile", axis, len(sizes))
    return reshape(made, (*q.shape, *(1 if i in axes else n for i, n in enumerate(sizes))))
