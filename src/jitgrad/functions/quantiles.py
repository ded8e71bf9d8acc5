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


@public(np.median)
def median(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The middle element over ``axis``: one axis, several, or all (None); the mean of two where their number is even.

    It is nan where there is no element, or one is nan.
    """
    x = as_tensor(x)
    axes = axes_of("median", axis, x.ndim)
    kept = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    n = math.prod(x.shape[i] for i in axes)
    last = sort(reshape(moveaxis(x, axes, range(x.ndim - len(axes), x.ndim)), (*kept, n)))
    if n:
        made = (last[..., (n - 1) // 2] + last[..., n // 2]) / 2
        made = where(isnan(last[..., -1]), math.nan, made)  # nan is last
    else:
        made = sum(last, -1) + math.nan
    return reshape(made, tuple(1 if i in axes else m for i, m in enumerate(x.shape))) if keepdims else made


# Quantiles.
_METHODS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "linear": lambda at: (floor(at), at - floor(at)),
    "lower": lambda at: (floor(at), 0.0),
    "higher": lambda at: (ceil(at), 0.0),
    "nearest": lambda at: (rint(at), 0.0),
    "midpoint": lambda at: (floor(at), (ceil(at) - floor(at)) * 0.5),
}
"""From a place between two elements in order to the one before it and the part of the way to the next one."""


@public(np.quantile)
def quantile(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """The ``q``-quantiles over ``axis``: what a part ``q`` of the elements lies below; nan where one is nan.

    Parameters
    ----------
    x : array_like
        Any shape.
    q : array_like
        Parts from 0 to 1. Its axes come first in the result.
    axis : int, sequence of int or None, default None
        One axis, several, or all.
    method : str, default "linear"
        What lies between two elements: "linear", "lower", "higher", "midpoint" or "nearest".
    keepdims : bool, default False
        Whether reduced axes stay, with size 1.
    """
    return _quantile(x, _parts(q, 1), axis, method, keepdims)


@public(np.percentile)
def percentile(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """As ``quantile``, with ``q`` from 0 to 100."""
    return _quantile(x, _parts(q, 100), axis, method, keepdims)


@public(np.nanquantile)
def nanquantile(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """As ``quantile``, of the elements that are not nan."""
    return _nanquantile(x, _parts(q, 1), axis, method, keepdims)


@public(np.nanpercentile)
def nanpercentile(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """As ``percentile``, of the elements that are not nan."""
    return _nanquantile(x, _parts(q, 100), axis, method, keepdims)


@public(np.nanmedian)
def nanmedian(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The median over ``axis`` of the elements that are not nan; nan where there is none."""
    return _nanquantile(x, _parts(0.5, 1), axis, "median", keepdims)


def _parts(q: Any, whole: int) -> Tensor:
    """``q`` as parts from 0 to 1. Raises ArgumentError where one is known to be outside."""
    q = as_tensor(q)
    if q.value is not None and not np.all((np.asarray(q.value) >= 0) & (np.asarray(q.value) <= whole)):
        raise ArgumentError(f"A quantile of {q.value} is asked for. Give numbers from 0 to {whole}.")
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
    """With what is reduced along a last axis, and its length."""
    x = as_tensor(x) * 1.0
    axes = axes_of(name, axis, x.ndim)
    n = math.prod(x.shape[i] for i in axes)
    if n == 0:
        raise ShapeError(f"{name}: no element over axis {axis} of shape {x.shape}. Give at least one.")
    kept = tuple(size for i, size in enumerate(x.shape) if i not in axes)
    return reshape(moveaxis(x, axes, range(x.ndim - len(axes), x.ndim)), (*kept, n)), n


def _interpolated(ordered: Tensor, q: Tensor, counts: Tensor, method: str) -> Tensor:
    """Of rows in order, of which the first ``counts`` elements count: shape (*q.shape, *rows)."""
    if method not in _METHODS and method != "median":
        raise ArgumentError(f"quantile: method is {method!r}. Use one of {', '.join(_METHODS)}.")
    kept, n = ordered.shape[:-1], ordered.shape[-1]
    parts = reshape(q, (q.size,) + (1,) * len(kept))
    before, part = _METHODS["midpoint" if method == "median" else method](parts * (counts - 1.0))
    places = moveaxis(broadcast_to(before, (q.size, *kept)), 0, -1)
    first = take_along_axis(ordered, cast(places, dtypes.INTEGER))
    second = take_along_axis(ordered, cast(where(places < n - 1, places + 1, places), dtypes.INTEGER))
    first, second = moveaxis(first, -1, 0), moveaxis(second, -1, 0)
    between = (first + second) / 2 if method == "median" else first + (second - first) * part  # of infinite ones, too
    return reshape(where(part == 0, first, between), (*q.shape, *kept))


def _shaped(made: Tensor, x: Any, axis: Axis, q: Tensor, keepdims: bool) -> Tensor:
    if not keepdims:
        return made
    sizes = as_tensor(x).shape
    axes = axes_of("quantile", axis, len(sizes))
    return reshape(made, (*q.shape, *(1 if i in axes else n for i, n in enumerate(sizes))))
