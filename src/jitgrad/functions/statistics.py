"""Quantiles, covariances and counts, and reductions that leave nan out: NumPy's names."""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, DTypeError, ShapeError
from jitgrad.functions.axes import Axis, axes_of
from jitgrad.functions.elementwise import isnan, logical_not
from jitgrad.functions.products import matmul
from jitgrad.functions.reductions import any, average, max, min, prod, sum
from jitgrad.functions.selection import sort, take_along_axis
from jitgrad.functions.shapes import broadcast_to, concatenate, diagonal, moveaxis, reshape, transpose
from jitgrad.ops.elementwise import abs, ceil, floor, maximum, rint, sqrt, square, where
from jitgrad.ops.linear import scatter
from jitgrad.tape import dtypes
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor, cast
from jitgrad.tape.values import peek

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


# Reductions that leave nan out.


def _without_nan(x: Any, value: float) -> Tensor:
    x = as_tensor(x)
    return where(isnan(x), value, x)


@public(np.nansum)
def nansum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The sum over ``axis`` of the elements that are not nan."""
    return sum(_without_nan(x, 0), axis, keepdims)


@public(np.nanprod)
def nanprod(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The product over ``axis`` of the elements that are not nan."""
    return prod(_without_nan(x, 1), axis, keepdims)


@public(np.nanmean)
def nanmean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean over ``axis`` of the elements that are not nan; nan where there is none."""
    return nansum(x, axis, keepdims) / (_counted(x, axis, keepdims) * 1.0)


@public(np.nanvar)
def nanvar(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
    """The variance over ``axis`` of the elements that are not nan, see ``var``; nan where ``ddof`` leaves none."""
    x = as_tensor(x)
    apart = where(isnan(x), 0.0, x - nanmean(x, axis, keepdims=True))
    free = _counted(x, axis, keepdims) - float(ddof)
    return where(free > 0, sum(square(apart), axis, keepdims) / where(free > 0, free, 1.0), math.nan)


@public(np.nanstd)
def nanstd(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
    """The square root of ``nanvar``; its derivative is infinite or nan where all elements are equal."""
    return sqrt(nanvar(x, axis, ddof, keepdims))


@public(np.nanmax)
def nanmax(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest over ``axis`` of the elements that are not nan; nan where there is none."""
    return where(_counted(x, axis, keepdims) > 0, max(_without_nan(x, -math.inf), axis, keepdims), math.nan)


@public(np.nanmin)
def nanmin(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest over ``axis`` of the elements that are not nan; nan where there is none."""
    return where(_counted(x, axis, keepdims) > 0, min(_without_nan(x, math.inf), axis, keepdims), math.nan)


def _counted(x: Any, axis: Axis, keepdims: bool) -> Tensor:
    return sum(logical_not(isnan(x)), axis, keepdims)


# Covariances and counts.


@public(np.cov)
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: float | None = None,
    fweights: Any = None, aweights: Any = None,
) -> Tensor:  # fmt: skip
    """The covariances of variables, whose observations stand along the last axis.

    Parameters
    ----------
    m : array_like
        A variable, or a matrix of one a row.
    y : array_like, optional
        More of them.
    rowvar : bool, default True
        Whether a row is a variable; else a column is one.
    bias : bool, default False
        Whether products are divided by the number of observations, instead of one less.
    ddof : float, optional
        What the number is reduced by, instead.
    fweights, aweights : array_like, optional
        How often each observation was made, and its weight.
    """
    x = _variables(m, rowvar)
    if y is not None:
        x = concatenate([x, _variables(y, rowvar)])
    n = x.shape[1]
    reduced = (0.0 if bias else 1.0) if ddof is None else float(ddof)
    f = as_tensor(1.0 if fweights is None else fweights)
    w = broadcast_to(f * as_tensor(1.0 if aweights is None else aweights), (n,))
    total = sum(w)
    free = total - reduced
    if aweights is not None:
        free = total - reduced * sum(w * as_tensor(aweights)) / total
    apart = x - reshape(average(x, 1, w), (-1, 1))
    made = matmul(apart * w, transpose(apart)) / free
    return reshape(made, ()) if made.shape == (1, 1) else made


@public(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Tensor:
    """The coefficients of correlation of variables, see ``cov``; nan for a variable that is constant."""
    c = cov(x, y, rowvar)
    if c.ndim == 0:
        return c / c
    size = sqrt(diagonal(c))
    r = c / reshape(size, (-1, 1)) / size
    return where(abs(r) > 1, r / abs(r), r)


def _variables(x: Any, rowvar: bool) -> Tensor:
    x = as_tensor(x) * 1.0
    if x.ndim > 2:
        raise ShapeError(f"cov: shape {x.shape} has more than two axes. Give a matrix of variables and observations.")
    x = reshape(x, (1, x.size)) if x.ndim < 2 else x
    return x if rowvar or x.shape[0] == 1 else transpose(x)


@public(np.bincount)
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each number from 0 on is in ``x``, or the sum of the ``weights`` of its places, to which gradients pass.

    Raises TracingError where a function is traced and ``x`` is not known, and so not how long the result is.
    """
    x = as_tensor(x)
    if x.ndim != 1 or (x.level > dtypes.INTEGER and x.size):
        raise DTypeError(f"bincount: shape {x.shape} of dtype {x.dtype}. Give a vector of integers from 0 on.")
    values = np.asarray(peek(x))
    if values.size and values.min() < 0:
        raise ArgumentError(f"bincount: there is a number {values.min():.0f}. Give numbers from 0 on.")
    rows = builtins.max(operator.index(minlength), int(values.max(initial=-1)) + 1)
    if weights is None:
        return cast(scatter(np.ones(x.size), x, axis=0, rows=rows), dtypes.INTEGER)
    made: Tensor = scatter(as_tensor(weights) * 1.0, x, axis=0, rows=rows)
    return made
