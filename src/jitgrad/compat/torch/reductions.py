"""Reductions over axes, and cumulative functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.compat.torch import return_types
from jitgrad.compat.torch.dtypes import as_dtype
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.numpy_names import numpy_names
from jitgrad.compat.torch.pointwise import maximum, minimum, sub
from jitgrad.compat.torch.promotion import read
from jitgrad.compat.torch.tensor import Tensor, of_array, wrap
from jitgrad.functions import cumulative, extremes, logic, networks, pairs, selection, softmax
from jitgrad.functions import reductions as lib
from jitgrad.functions.linalg import norms
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import cast

Dim = Any
"""Return one axis, several as a tuple, or None for all."""


def _axis(dim: Dim) -> Any:
    if isinstance(dim, (tuple, list)):
        return tuple(dim) or None
    return dim


@numpy_names
def sum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the sum over ``dim``; integers and booleans are summed as int64."""
    x = read("sum", input)
    x = x if dtype is None else cast(x._read(), as_dtype(dtype).level)
    return wrap(lib.sum(x, _axis(dim), keepdim), "SumBackward0" if dim is None else "SumBackward1")


@numpy_names
def mean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the mean over ``dim``; the dtype must be floating-point."""
    x = read("mean", input)
    x = x if dtype is None else cast(x._read(), as_dtype(dtype).level)
    floating("mean", x, input)
    return wrap(lib.mean(x, _axis(dim), keepdim), "MeanBackward0" if dim is None else "MeanBackward1")


def floating(name: str, x: Any, input: Tensor) -> None:
    """Raise TorchError for a dtype that is not floating-point."""
    if x.level <= dtypes.INTEGER:
        raise TorchError(
            f"{name}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {input.dtype.title}. Convert it with float() first."
        )


def _spread(name: str, input: Tensor, given: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any, float, bool]:
    """Parse the arguments of var and std: dim, unbiased or correction, keepdim."""
    x = read(name, input)
    floating(name, x, input)
    names = ("unbiased",) if given and isinstance(given[0], bool) else ("dim", "unbiased", "keepdim")
    known = dict(zip(names, given, strict=False)) | options
    correction = known.get("correction")
    if correction is None:
        correction = 1 if known.get("unbiased", True) else 0
    return x, _axis(known.get("dim")), correction, bool(known.get("keepdim", False))


@numpy_names
def var(input: Tensor, *dim: Any, **options: Any) -> Tensor:
    """Return the variance over ``dim``, by default unbiased (``correction=1``); nan for a single element."""
    x, axis, correction, keepdim = _spread("var", input, dim, options)
    return wrap(lib.var(x, axis, correction, keepdim), "VarBackward0")


@numpy_names
def std(input: Tensor, *dim: Any, **options: Any) -> Tensor:
    """Return the square root of ``var``."""
    x, axis, correction, keepdim = _spread("std", input, dim, options)
    return wrap(networks.spread(x, axis=axis, ddof=correction, keepdims=keepdim), "StdBackward0")


def _named(name: str, *made: Tensor) -> tuple[Tensor, ...]:
    """Return several results of one operation."""
    for x in made:
        x._name = name
    return made


@numpy_names
def var_mean(input: Tensor, *dim: Any, **options: Any) -> tuple[Tensor, ...]:
    """Return the variance and the mean."""
    _, axis, _, keepdim = _spread("var_mean", input, dim, options)
    return _named("VarMeanBackward0", var(input, *dim, **options), mean(input, axis, keepdim))


@numpy_names
def std_mean(input: Tensor, *dim: Any, **options: Any) -> tuple[Tensor, ...]:
    """Return the standard deviation and the mean."""
    _, axis, _, keepdim = _spread("std_mean", input, dim, options)
    return _named("StdMeanBackward0", std(input, *dim, **options), mean(input, axis, keepdim))


@numpy_names
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the product over ``dim``."""
    x = read("prod", input)
    x = x if dtype is None else cast(x._read(), as_dtype(dtype).level)
    return wrap(lib.prod(x, dim, keepdim), "ProdBackward0" if dim is None else "ProdBackward1")


@numpy_names
def amax(input: Tensor, dim: Dim = (), keepdim: bool = False) -> Tensor:
    """Return the maximum over ``dim``; ties share the gradient."""
    return wrap(extremes.max(read("amax", input), _axis(dim), keepdim), "AmaxBackward0", input._integer)


@numpy_names
def amin(input: Tensor, dim: Dim = (), keepdim: bool = False) -> Tensor:
    """Return the minimum over ``dim``; ties share the gradient."""
    return wrap(extremes.min(read("amin", input), _axis(dim), keepdim), "AminBackward0", input._integer)


@numpy_names
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the minimum and the maximum."""
    return return_types.aminmax(*_named("AminmaxBackward0", amin(input, dim, keepdim), amax(input, dim, keepdim)))


@numpy_names
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Return the maximum; with ``dim``, a pair of values and indices; for two tensors, ``maximum``."""
    if isinstance(dim, Tensor) or other is not None:
        return maximum(input, dim if other is None else other)
    x = read("max", input)
    if dim is None:
        return wrap(extremes.max(x), "MaxBackward1", input._integer)
    return return_types.max(*_pair(pairs.largest, input, x, dim, keepdim, "MaxBackward0"))


@numpy_names
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Return the minimum; with ``dim``, a pair of values and indices; for two tensors, ``minimum``."""
    if isinstance(dim, Tensor) or other is not None:
        return minimum(input, dim if other is None else other)
    x = read("min", input)
    if dim is None:
        return wrap(extremes.min(x), "MinBackward1", input._integer)
    return return_types.min(*_pair(pairs.smallest, input, x, dim, keepdim, "MinBackward0"))


def _pair(extreme: Any, input: Tensor, x: Any, dim: int, keepdim: bool, name: str) -> tuple[Tensor, Tensor]:
    """Return values and indices."""
    values, places = extreme(x, axis=dim, keepdims=keepdim, differs=x.gradient is not None)
    return wrap(values, name, input._integer), wrap(places)


@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the maximum."""
    return wrap(extremes.argmax(read("argmax", input), dim, keepdim))


@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the minimum."""
    return wrap(extremes.argmin(read("argmin", input), dim, keepdim))


@numpy_names
def all(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Return whether all elements are nonzero."""
    return wrap(logic.all(read("all", input), _axis(dim), keepdim))


@numpy_names
def any(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Return whether any element is nonzero."""
    return wrap(logic.any(read("any", input), _axis(dim), keepdim))


@numpy_names
def count_nonzero(input: Tensor, dim: Dim = None) -> Tensor:
    """Return the number of nonzero elements."""
    return wrap(logic.count_nonzero(read("count_nonzero", input), _axis(dim)))


@numpy_names
def logsumexp(input: Tensor, dim: Dim, keepdim: bool = False) -> Tensor:
    """Compute ``log(sum(exp(input)))`` over ``dim`` without overflow."""
    return wrap(softmax.logsumexp(read("logsumexp", input), _axis(dim), keepdim), "LogsumexpBackward0")


@numpy_names
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the cumulative sum along ``dim``."""
    x = read("cumsum", input)
    made = cumulative.cumsum(x, dim)
    return wrap(made if dtype is None else cast(made, as_dtype(dtype).level), "CumsumBackward0")


@numpy_names
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the cumulative product along ``dim``."""
    made = cumulative.cumprod(read("cumprod", input), dim)
    return wrap(made if dtype is None else cast(made, as_dtype(dtype).level), "CumprodBackward0")


def _running(name: str, ufunc: np.ufunc, pair: Any) -> Any:
    def function(input: Tensor, dim: int) -> Any:
        x = read(name, input)
        values = np.asarray(x._read().force())
        best = ufunc.accumulate(values, dim)
        at = np.expand_dims(np.arange(values.shape[dim]), tuple(range(1, values.ndim - dim % values.ndim)))
        places = np.maximum.accumulate(np.where(values == best, at, 0), dim)
        taken = selection.take_along_axis(x, places, dim)
        return pair(wrap(taken, f"{name.capitalize()}Backward0", input._integer), of_array(places))

    function.__name__ = function.__qualname__ = name
    return function


cummax = _running("cummax", np.maximum, return_types.cummax)
cummin = _running("cummin", np.minimum, return_types.cummin)


def norm(input: Tensor, p: Any = "fro", dim: Dim = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """Return the p-norm of the elements over ``dim``."""
    x = read("norm", input)
    floating("norm", x, input)
    order = 2.0 if p in (None, "fro", 2) else float(p)
    made = (
        networks.length(x, axis=_axis(dim), keepdims=keepdim)
        if order == 2
        else norms.vector_norm(x, _axis(dim), keepdim, order)
    )
    return wrap(made, "LinalgVectorNormBackward0")


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """Return the p-norm of the difference."""
    made = norm(sub(input, other), p)
    made._name = "DistBackward0"
    return made
