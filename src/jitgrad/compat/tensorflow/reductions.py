"""Reductions over axes (``tf.reduce_sum`` and similar), cumulative sums, and positions of elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.arguments import axes, integer, named
from jitgrad.compat.tensorflow.constants import cast
from jitgrad.compat.tensorflow.dtypes import as_dtype
from jitgrad.compat.tensorflow.errors import InvalidArgumentError
from jitgrad.compat.tensorflow.operands import ANY, BOOLEANS, FLOATS, NUMBERS, check_kind, settled, translated, wrapped_around
from jitgrad.compat.tensorflow.tensor import Tensor, convert, made
from jitgrad.errors import IndexingError, ShapeError
from jitgrad.functions import cumulative, extremes, logic, softmax
from jitgrad.functions import reductions as library
from jitgrad.functions.joining import concatenate
from jitgrad.functions.rearranging import flip
from jitgrad.ops import elementwise as ew
from jitgrad.tape import dtypes as levels
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import cast as recorded_cast

Reduction = Callable[..., Tensor]


def _reduction(op: str, f: Callable[..., Any], kinds: str = NUMBERS) -> Reduction:
    def function(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
        if type(input_tensor) is Tensor and input_tensor._tensor.level > levels.INTEGER and kinds != BOOLEANS:
            tensor = input_tensor
        else:
            tensor = convert(input_tensor)
            check_kind(op, tensor.dtype, kinds)
        try:
            result = f(settled(tensor._read()), axis=axes(axis), keepdims=bool(keepdims))
        except (ShapeError, IndexingError) as error:
            raise translated(op, error) from None
        integer = tensor._integer
        return made(wrapped_around(result, integer) if result.level == levels.INTEGER else result, integer)

    function.__doc__ = f"``{f.__name__}`` over axes, all of them by default."
    return public()(function)


def mean(x: Any, axis: Any, keepdims: bool) -> Any:
    """Return the mean; for integers it is truncated."""
    found = library.mean(x, axis=axis, keepdims=keepdims)
    return recorded_cast(ew.trunc(found), levels.INTEGER) if x.level == levels.INTEGER else found


def _var(x: Any, axis: Any, keepdims: bool) -> Any:
    return library.var(x, axis=axis, keepdims=keepdims)


def _std(x: Any, axis: Any, keepdims: bool) -> Any:
    return library.std(x, axis=axis, keepdims=keepdims)


def _euclidean_norm(x: Any, axis: Any, keepdims: bool) -> Any:
    return ew.sqrt(library.sum(ew.square(x), axis=axis, keepdims=keepdims))


reduce_sum = _reduction("Sum", library.sum)
reduce_mean = _reduction("Mean", mean)
reduce_max = _reduction("Max", extremes.max)
reduce_min = _reduction("Min", extremes.min)
reduce_prod = _reduction("Prod", library.prod)
reduce_any = _reduction("Any", logic.any, BOOLEANS)
reduce_all = _reduction("All", logic.all, BOOLEANS)
reduce_variance = _reduction("Variance", _var, FLOATS)
reduce_std = _reduction("Std", _std, FLOATS)
reduce_logsumexp = _reduction("LogSumExp", softmax.logsumexp, FLOATS)
reduce_euclidean_norm = _reduction("EuclideanNorm", _euclidean_norm, FLOATS)


@named("CountNonZero")
def count_nonzero(
    input: Any, axis: Any = None, keepdims: bool = False, dtype: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """Return the number of elements that are nonzero."""
    found = made(logic.count_nonzero(convert(input)._read(), axis=axes(axis), keepdims=bool(keepdims)), np.dtype(np.int64))
    return cast(found, dtype)


def _with_axes(op: str, tensor: Tensor) -> Tensor:
    if not tensor.ndim:
        raise InvalidArgumentError(f"Expected an axis within [0, 0), and the tensor has none [Op:{op}]. Reshape it first.")
    return tensor


def _place(op: str, f: Callable[..., Any]) -> Callable[..., Tensor]:
    @named(op)
    def function(input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None) -> Tensor:
        tensor = _with_axes(op, convert(input))
        check_kind(op, tensor.dtype, ANY)
        at = 0 if axis is None else integer(axis)
        return made(f(tensor._read(), axis=at), as_dtype(output_type).dtype)

    function.__doc__ = (
        f"Where the {'largest' if op == 'ArgMax' else 'smallest'} element stands along an axis, by default the first."
    )
    return function


argmax = _place("ArgMax", extremes.argmax)
argmin = _place("ArgMin", extremes.argmin)


def _running(op: str, f: Callable[..., Any], start: int) -> Callable[..., Tensor]:
    @named(op)
    def function(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
        tensor = _with_axes(op, convert(x))
        check_kind(op, tensor.dtype, NUMBERS)
        at, plain = integer(axis), settled(tensor._read())
        found = f(flip(plain, at) if reverse else plain, axis=at)
        if exclusive:
            before = [slice(None)] * (at % plain.ndim)
            first = found[(*before, slice(0, 1))]
            found = concatenate([first * 0 + start, found[(*before, slice(None, -1))]], at)
        found = flip(found, at) if reverse else found
        return made(wrapped_around(found, tensor._integer), tensor._integer)

    function.__doc__ = f"The {'sum' if start == 0 else 'product'} of the elements up to each along an axis."
    return function


cumsum = _running("Cumsum", cumulative.cumsum, 0)
cumprod = _running("Cumprod", cumulative.cumprod, 1)


@named("CumulativeLogsumexp")
def cumulative_logsumexp(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """Return the logarithms of cumulative sums of exponentials along an axis."""
    tensor = convert(x)
    check_kind("CumulativeLogsumexp", tensor.dtype, FLOATS)
    top = extremes.max(tensor._read(), axis=integer(axis), keepdims=True)
    shifted = made(ew.exp(tensor._read() - top))
    return made(ew.log(cumsum(shifted, axis, exclusive, reverse)._read()) + top)


__all__ = [
    "argmax", "argmin", "count_nonzero", "cumprod", "cumsum", "cumulative_logsumexp", "reduce_all", "reduce_any",
    "reduce_euclidean_norm", "reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_std",
    "reduce_sum", "reduce_variance",
]  # fmt: skip
