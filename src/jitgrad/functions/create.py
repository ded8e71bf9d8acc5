"""Making Tensors: of values, and filled as NumPy's functions of the same names fill arrays.

Where those are given no dtype, what they make is data, as an array is: float64, or float32 beside float32 Variables.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.functions.axes import axis_of, shape_of
from jitgrad.functions.shapes import moveaxis
from jitgrad.ops.elementwise import power, where
from jitgrad.ops.linear import broadcast_to
from jitgrad.tape import dtypes
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor, cast, identity, known, retyped
from jitgrad.tape.tree import contains


@public()
def tensor(value: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """An immutable Tensor of ``value``, copied. Later changes of an array, or assignments to a Variable, do not touch it.

    Tensors, and lists with Tensors in them, are recorded: gradients pass.

    Args:
        value: a number, array-like, Tensor or Variable, or nested lists of them.
        dtype: by default that of ``value``; float64 for Python floats, int64 for integers.
        requires_grad: whether ``backward`` gives it a gradient, in ``.grad``. It is a new leaf then, to which none passes.

    Raises:
        DTypeError: for what is not boolean, integer or floating, and for integers that should have a gradient.
        ConcretizationError: for a new leaf, or an integer, of a Tensor that is differentiated or requires a gradient.
    """
    if contains(value, Operators):
        recorded = as_tensor(value)
        level = recorded.level if dtype is None else dtypes.strong(dtypes.as_data((), dtype)[1])
        if not requires_grad and (level == recorded.level or level > dtypes.INTEGER):
            return cast(identity(recorded), level)
        value = recorded.numpy()
    array, level = dtypes.as_data(value, dtype)
    made = Tensor(None, (), (), array.shape, dtypes.strong(level), array)
    made.requires_grad = requires_grad
    return made


@public()
def convert_to_tensor(value: Any, dtype: Any = None) -> Tensor:
    """As ``tensor``: the value now, which later assignments do not touch."""
    return tensor(value, dtype)


@public(np.full_like)
def full_like(x: Any, value: Any) -> Tensor:
    """``value`` in the shape of ``x``, and in its dtype where that is a float."""
    like = as_tensor(x)
    filled = as_tensor(value)
    made = broadcast_to(filled, shape=like.shape)
    return retyped(made, max(like.level, filled.level))


@public(np.zeros_like)
def zeros_like(x: Any) -> Tensor:
    """Zeros in the shape and dtype of ``x``."""
    return full_like(x, 0)


@public(np.ones_like)
def ones_like(x: Any) -> Tensor:
    """Ones in the shape and dtype of ``x``."""
    return full_like(x, 1)


Size = int | Sequence[int]


@public()
def zeros(shape: Size, dtype: Any = None) -> Tensor:
    """Zeros of a shape; float64 by default."""
    return full(shape, 0.0, dtype)


@public()
def ones(shape: Size, dtype: Any = None) -> Tensor:
    """Ones of a shape; float64 by default."""
    return full(shape, 1.0, dtype)


@public()
def full(shape: Size, fill_value: Any, dtype: Any = None) -> Tensor:
    """``fill_value``, which is broadcast, in a shape; by default in its own dtype. Of a Tensor it has the gradient."""
    sizes = shape_of(shape)
    if contains(fill_value, Operators):
        made: Tensor = broadcast_to(fill_value, shape=sizes)
        return made if dtype is None else tensor(made, dtype)
    value = np.asarray(fill_value)
    return _filled(np.broadcast_to(value, sizes) if value.ndim else np.full(sizes, value), dtype)


@public()
def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """A matrix of ``N`` rows and ``M`` columns, by default as many, with ones on diagonal ``k`` and zeros elsewhere."""
    return _filled(np.eye(N, M, k), dtype)


@public()
def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Tensor:
    """Numbers from ``start``, or from 0 where that is the only one given, up to ``stop`` and without it, ``step`` apart.

    Integers where all three are.
    """
    given = (0, start, step) if stop is None else (start, stop, step)
    return _filled(np.arange(*[x.item() if isinstance(x, Operators) else x for x in given]), dtype)


@public(np.linspace)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    """``num`` numbers at equal distances from ``start`` to ``stop``, which may be arrays; gradients pass to both.

    Parameters
    ----------
    start, stop : array_like
        The first number and, with ``endpoint``, the last.
    num : int, default 50
        How many.
    endpoint : bool, default True
        Whether ``stop`` is one of them.
    retstep : bool, default False
        Whether the distance comes second.
    dtype : dtype, optional
        Of the result; the numbers are rounded down for integers.
    axis : int, default 0
        Where the new axis stands, if ``start`` and ``stop`` are arrays.
    """
    count = operator.index(num)
    if count < 0:
        raise ArgumentError(f"linspace: num is {count}. Give a number from 0 on.")
    if not contains([start, stop], Operators):
        values, step = np.linspace(start, stop, count, endpoint=endpoint, retstep=True, axis=axis)
        values = np.floor(values) if dtype is not None and np.dtype(dtype).kind in "iu" else values
        made = _filled(values, dtype)
        return (made, as_tensor(step)) if retstep else made
    first, last = as_tensor(start) * 1.0, as_tensor(stop) * 1.0
    parts = count - 1 if endpoint else count
    step = (last - first) / float(parts) if parts > 0 else (last - first) * np.nan
    numbers = np.arange(float(count)).reshape((count,) + (1,) * step.ndim)
    values = first + numbers * (step if parts > 0 else 0.0)
    if endpoint and count > 1:
        values = where(numbers == count - 1, last, values)  # what rounding missed
    values = moveaxis(values, 0, axis_of("linspace", axis, values.ndim))
    values = values if dtype is None else tensor(values, dtype)
    return (values, step) if retstep else values


@public(np.logspace)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Tensor:
    """``base`` to the powers of ``linspace(start, stop, num)``."""
    made = power(base, linspace(start, stop, num, endpoint, axis=axis))
    return made if dtype is None else tensor(made, dtype)


def _filled(values: np.ndarray, dtype: Any) -> Tensor:
    """An array as data; with a dtype as an explicit Tensor."""
    array, level = dtypes.as_data(values, dtype)
    return known(array, level if dtype is None else dtypes.strong(level))
