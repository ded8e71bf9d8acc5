"""Order statistics, counts and sample statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.compat.torch import return_types
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.numpy_names import numpy_names
from jitgrad.compat.torch.promotion import read
from jitgrad.compat.torch.reductions import Dim, floating
from jitgrad.compat.torch.tensor import Tensor, of_array, wrap
from jitgrad.functions import cumulative, ignoring_nan, pairs, quantiles, sampled, selection, shapes
from jitgrad.functions import statistics as lib
from jitgrad.functions.cumulative import cumsum
from jitgrad.functions.logic import any as lib_any
from jitgrad.functions.logic import isnan
from jitgrad.ops import elementwise as ew
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import retyped


@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the median (the lower of two middle elements); with ``dim``, a pair of values and indices."""
    x = read("median", input)
    if dim is None:
        n = input.numel()
        if n == 0:
            return of_array(np.array(np.nan), input.dtype)
        middle = selection.sort(shapes.ravel(x))[(n - 1) // 2]
        return wrap(
            ew.where(lib_any(isnan(x)), np.nan, middle) if x.level > dtypes.INTEGER else middle,
            "MedianBackward0",
            input._integer,
        )
    return return_types.median(*_ranked(input, x, (x.shape[dim] + 1) // 2, dim, keepdim, "MedianBackward1"))


@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """Return the k-th smallest element along ``dim`` and its index."""
    x = read("kthvalue", input)
    if not 1 <= k <= x.shape[dim]:
        raise TorchError(f"kthvalue(): selected number k out of range for dimension {dim}. Give 1 to {x.shape[dim]}.")
    return return_types.kthvalue(*_ranked(input, x, k, dim, keepdim, "KthvalueBackward0"))


def _ranked(input: Tensor, x: Any, k: int, dim: int, keepdim: bool, name: str) -> tuple[Tensor, Tensor]:
    values, places = pairs.ranked(x, rank=k - 1, axis=dim, keepdims=keepdim)
    return wrap(values, name, input._integer), wrap(places)


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """Return the most frequent value along ``dim`` (the smallest in case of ties) and its last index."""
    x = read("mode", input)
    values = np.moveaxis(np.asarray(x._read().force()), dim, -1)
    equal = values[..., :, None] == values[..., None, :]
    counts = equal.sum(-1)
    best = np.where(counts == counts.max(-1, keepdims=True), values, np.inf).min(-1, keepdims=True)
    places = values.shape[-1] - 1 - np.argmax((values == best)[..., ::-1], -1)
    indices = np.expand_dims(places, dim)
    taken = selection.take_along_axis(x, indices, dim)
    if not keepdim:
        taken, indices = shapes.squeeze(taken, dim), places
    return return_types.mode(wrap(taken, "ModeBackward0", input._integer), of_array(indices))


def _dims(dim: Dim) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


@numpy_names
def nansum(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Return the sum of the elements that are not nan."""
    return wrap(ignoring_nan.nansum(read("nansum", input), _dims(dim), keepdim), "NansumBackward0")


@numpy_names
def nanmean(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Return the mean of the elements that are not nan."""
    return wrap(ignoring_nan.nanmean(read("nanmean", input), _dims(dim), keepdim), "NanmeanBackward0")


def nanmedian(input: Tensor) -> Tensor:
    """Return the median of the elements that are not nan (the lower of two middle elements)."""
    x = shapes.ravel(read("nanmedian", input))
    return wrap(retyped(quantiles.nanquantile(x, 0.5, method="lower"), x.level), "NanmedianBackward0", input._integer)


def _quantile(name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str) -> Tensor:
    x = read(name, input)
    floating(name, x, input)
    parts = np.asarray(q.tolist() if isinstance(q, Tensor) else q, float)
    if np.any((parts < 0) | (parts > 1)):
        raise TorchError(f"{name}() q values must be in the range [0, 1]. Give fractions between 0 and 1.")
    return wrap(retyped(getattr(quantiles, name)(x, parts, dim, interpolation, keepdim), x.level), "SqueezeBackward4")


@numpy_names
def quantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear") -> Tensor:
    """Return the ``q``-quantile."""
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@numpy_names
def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """Like ``quantile``, ignoring nan."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """Count each nonnegative integer, or add up its weights."""
    return wrap(lib.bincount(read("bincount", input), None if weights is None else weights._tensor, minlength))


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Count the elements in intervals of equal width. If both ends are 0, the range of the elements is used."""
    values = np.asarray(read("histc", input)._read()._value())
    low, high = (values.min(), values.max()) if min == max == 0 else (min, max)
    return of_array(np.histogram(values, bins, (float(low), float(high)))[0], input.dtype)


def cov(input: Tensor, *, correction: int = 1) -> Tensor:
    """Return the covariance matrix of the rows."""
    x = read("cov", input)
    return wrap(retyped(lib.cov(x, ddof=correction), x.level), "SqueezeBackward0")


def corrcoef(input: Tensor) -> Tensor:
    """Return the correlation matrix of the rows."""
    x = read("corrcoef", input)
    return wrap(retyped(lib.corrcoef(x), x.level), "ClampBackward1")


@numpy_names
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = 1.0, dim: int = -1) -> Tensor:
    """Return the integral along ``dim`` by the trapezoidal rule."""
    held = read("trapezoid", y)
    return wrap(sampled.trapezoid(held, None if x is None else x._tensor, dx, dim), "MulBackward1")


trapz = trapezoid


@numpy_names
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = 1.0, dim: int = -1) -> Tensor:
    """Return the cumulative integral along ``dim`` by the trapezoidal rule."""
    rows = shapes.moveaxis(read("cumulative_trapezoid", y), dim, -1)
    step = dx if x is None else cumulative.diff(x._tensor)
    parts = (rows[..., 1:] + rows[..., :-1]) * step / 2.0
    return wrap(shapes.moveaxis(cumsum(parts, -1), -1, dim), "CumsumBackward0")


@numpy_names
def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """Return the gradients along axes by finite differences."""
    given = [s._tensor if isinstance(s, Tensor) else s for s in (spacing if isinstance(spacing, (tuple, list)) else [spacing])]
    made = sampled.gradient(read("gradient", input), *given, axis=_dims(dim), edge_order=edge_order)
    parts = made if isinstance(made, tuple) else (made,)
    return tuple(wrap(retyped(part, input.dtype.level), "CatBackward0") for part in parts)
