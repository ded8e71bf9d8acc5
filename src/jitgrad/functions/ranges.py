"""Evenly spaced numbers, on a linear or logarithmic scale."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Literal, overload

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.functions.axes import axis_of
from jitgrad.functions.create import filled, tensor
from jitgrad.functions.shapes import moveaxis
from jitgrad.ops.elementwise import power, where
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.tree import contains
from jitgrad.typing import ArrayLike, DTypeLike


@public()
def arange(start: ArrayLike, stop: ArrayLike | None = None, step: ArrayLike = 1, dtype: DTypeLike | None = None) -> Tensor:
    """Evenly spaced numbers within a half-open interval.

    Parameters
    ----------
    start : float
        Start of the interval. If ``stop`` is not given, this is the end of an interval that starts at 0.
    stop : float, optional
        End of the interval, which is not included.
    step : float, default 1
        Distance between the numbers.
    dtype : dtype, optional
        Data type. By default, int64 if all arguments are integers, float64 otherwise.

    Returns
    -------
    Tensor
        The numbers.

    See Also
    --------
    linspace

    Examples
    --------
    >>> jg.arange(4)
    <Tensor shape=(4,) dtype=int64 [0 1 2 3]>
    >>> jg.arange(1.0, 2.0, 0.25)
    <Tensor shape=(4,) dtype=float64 [1.   1.25 1.5  1.75]>
    """
    given: Any = (0, start, step) if stop is None else (start, stop, step)
    return filled(np.arange(*[x.item() if isinstance(x, Operators) else x for x in given]), dtype)


@overload
def linspace(
    start: ArrayLike, stop: ArrayLike, num: int = ..., endpoint: bool = ..., retstep: Literal[False] = ...,
    dtype: DTypeLike | None = ..., axis: int = ...,
) -> Tensor: ...  # fmt: skip
@overload
def linspace(
    start: ArrayLike, stop: ArrayLike, num: int = ..., endpoint: bool = ..., *, retstep: Literal[True],
    dtype: DTypeLike | None = ..., axis: int = ...,
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
@overload
def linspace(
    start: ArrayLike, stop: ArrayLike, num: int = ..., endpoint: bool = ..., retstep: bool = ...,
    dtype: DTypeLike | None = ..., axis: int = ...,
) -> Any: ...  # fmt: skip
@public(np.linspace)
def linspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Any:
    """Evenly spaced numbers over a closed interval.

    Parameters
    ----------
    start, stop : array_like
        The first and the last number; they broadcast. Gradients flow to both.
    num : int, default 50
        Number of values.
    endpoint : bool, default True
        Whether ``stop`` is the last value. If False, it is left out.
    retstep : bool, default False
        Whether to return the distance between the numbers as well.
    dtype : dtype, optional
        Data type. Integers are rounded down.
    axis : int, default 0
        Position of the new axis if ``start`` or ``stop`` are arrays.

    Returns
    -------
    values : Tensor
        The numbers.
    step : Tensor
        The distance between them. Only returned if ``retstep`` is True.

    Raises
    ------
    ArgumentError
        If ``num`` is negative.

    See Also
    --------
    arange, logspace

    Examples
    --------
    >>> jg.linspace(0.0, 1.0, 5)
    <Tensor shape=(5,) dtype=float64 [0.   0.25 0.5  0.75 1.  ]>
    """
    count = operator.index(num)
    if count < 0:
        raise ArgumentError(f"linspace: num is {count}. Pass a number of at least 0.")
    if not contains([start, stop], Operators):
        spaced: Callable[..., Any] = np.linspace
        values, step = spaced(start, stop, count, endpoint=endpoint, retstep=True, axis=axis)
        values = np.floor(values) if dtype is not None and np.dtype(dtype).kind in "iu" else values
        made = filled(values, dtype)
        return (made, as_tensor(step)) if retstep else made
    first, last = as_tensor(start) * 1.0, as_tensor(stop) * 1.0
    parts = count - 1 if endpoint else count
    step = (last - first) / float(parts) if parts > 0 else (last - first) * np.nan
    numbers = np.arange(float(count)).reshape((count,) + (1,) * step.ndim)
    values = first + numbers * (step if parts > 0 else 0.0)
    if endpoint and count > 1:
        values = where(numbers == count - 1, last, values)  # exact despite rounding
    values = moveaxis(values, 0, axis_of("linspace", axis, values.ndim))
    values = values if dtype is None else tensor(values, dtype)
    return (values, step) if retstep else values


@public(np.logspace)
def logspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    base: ArrayLike = 10.0,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Tensor:
    """Numbers spaced evenly on a logarithmic scale.

    Parameters
    ----------
    start, stop : array_like
        Exponents of the first and the last number.
    num : int, default 50
        Number of values.
    endpoint : bool, default True
        Whether ``base**stop`` is the last value. If False, it is left out.
    base : array_like, default 10.0
        Base of the powers.
    dtype : dtype, optional
        Data type.
    axis : int, default 0
        Position of the new axis if ``start`` or ``stop`` are arrays.

    Returns
    -------
    Tensor
        ``base**linspace(start, stop, num)``.

    See Also
    --------
    linspace

    Examples
    --------
    >>> jg.logspace(0.0, 3.0, 4)
    <Tensor shape=(4,) dtype=float64 [   1.   10.  100. 1000.]>
    """
    made = power(base, linspace(start, stop, num, endpoint, axis=axis))
    return made if dtype is None else tensor(made, dtype)
