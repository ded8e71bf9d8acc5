"""Elementwise functions composed of ops."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from jitgrad.functions.logic import isnan, signbit
from jitgrad.ops.elementwise import (
    abs,
    equal,
    greater,
    less,
    logaddexp,
    maximum,
    minimum,
    power,
    rint,
    sin,
    square,
    where,
)
from jitgrad.tape import dtypes
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor, retyped
from jitgrad.typing import ArrayLike


@public(np.clip)
def clip(x: ArrayLike, low: ArrayLike | None = None, high: ArrayLike | None = None) -> Tensor:
    """Limit the elements of an array to an interval.

    Parameters
    ----------
    x : array_like
        Input array.
    low, high : array_like, optional
        Ends of the interval; they broadcast. None leaves the side unbounded.

    Returns
    -------
    Tensor
        ``minimum(maximum(x, low), high)``.

    Notes
    -----
    The derivative with respect to ``x`` is 1 inside the interval and 0 outside. An element that equals an end shares its
    gradient with the end, as in `maximum` and `minimum`.

    See Also
    --------
    maximum, minimum

    Examples
    --------
    >>> jg.clip([-1.0, 0.5, 2.0], 0.0, 1.0)
    <Tensor shape=(3,) dtype=float64 [0.  0.5 1. ]>
    """
    x = as_tensor(x)
    x = x if low is None else maximum(x, low)
    return x if high is None else minimum(x, high)


@public(np.round, np.around)
def round(x: ArrayLike, decimals: int = 0) -> Tensor:
    """Round to a number of decimals.

    Parameters
    ----------
    x : array_like
        Input array.
    decimals : int, default 0
        Number of decimals. Negative numbers round to the left of the decimal point.

    Returns
    -------
    Tensor
        The rounded values. Numbers halfway between two values round to the even one. The derivative is 0.

    See Also
    --------
    rint, floor, ceil, trunc

    Examples
    --------
    >>> jg.round([0.5, 1.5, 2.675], 1)
    <Tensor shape=(3,) dtype=float64 [0.5 1.5 2.7]>
    """
    x = as_tensor(x)
    if decimals == 0 or (x.level <= dtypes.INTEGER and decimals > 0):
        return rint(x)
    if decimals > 0:
        return rint(x * 10.0**decimals) / 10.0**decimals
    made = rint(x / 10.0**-decimals) * 10**-decimals
    return retyped(made, builtins.max(x.level, dtypes.INTEGER))


@public(np.reciprocal)
def reciprocal(x: ArrayLike) -> Tensor:
    """Reciprocal of each element.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        ``1 / x`` as floats, even for integers.

    See Also
    --------
    divide, power

    Examples
    --------
    >>> jg.reciprocal([1.0, 2.0, 4.0])
    <Tensor shape=(3,) dtype=float64 [1.   0.5  0.25]>
    """
    return 1.0 / as_tensor(x)


@public(np.nan_to_num)
def nan_to_num(x: ArrayLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """Replace nan and infinities with finite numbers.

    Parameters
    ----------
    x : array_like
        Input array.
    nan : float, default 0.0
        Replacement for nan.
    posinf, neginf : float, optional
        Replacements for the infinities. By default, the largest and smallest finite numbers of the dtype.

    Returns
    -------
    Tensor
        The array with replaced elements. The gradient of replaced elements is 0.

    See Also
    --------
    isnan, isinf, nansum

    Examples
    --------
    >>> jg.nan_to_num([1.0, np.nan, np.inf], posinf=10.0)
    <Tensor shape=(3,) dtype=float64 [ 1.  0. 10.]>
    """
    x = as_tensor(x)
    largest = float(np.finfo(x.dtype).max) if x.level > dtypes.INTEGER else math.inf
    x = where(isnan(x), nan, x)
    x = where(equal(x, math.inf), largest if posinf is None else posinf, x)
    return where(equal(x, -math.inf), -largest if neginf is None else neginf, x)


@public(np.heaviside)
def heaviside(x: ArrayLike, value: ArrayLike) -> Tensor:
    """Heaviside step function.

    Parameters
    ----------
    x : array_like
        Input array.
    value : array_like
        The value at 0; it broadcasts.

    Returns
    -------
    Tensor
        0 for negative elements, 1 for positive elements, ``value`` at 0, and nan for nan.

    Notes
    -----
    The derivative with respect to ``x`` is 0 everywhere. Gradients flow to ``value`` where ``x`` is 0.

    See Also
    --------
    sign, where

    Examples
    --------
    >>> jg.heaviside([-1.0, 0.0, 2.0], 0.5)
    <Tensor shape=(3,) dtype=float64 [0.  0.5 1. ]>
    """
    x = as_tensor(x)
    return where(isnan(x), math.nan, where(equal(x, 0), value, greater(x, 0) * 1.0))


@public(np.fmax)
def fmax(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Elementwise maximum of two arrays, ignoring nan.

    Parameters
    ----------
    a, b : array_like
        Operands; they broadcast.

    Returns
    -------
    Tensor
        The larger element, or the other one if one of them is nan.

    See Also
    --------
    fmin, maximum, nanmax

    Examples
    --------
    >>> jg.fmax([1.0, np.nan], [2.0, 3.0])
    <Tensor shape=(2,) dtype=float64 [2. 3.]>
    """
    a, b = as_tensor(a), as_tensor(b)
    return where(isnan(a), b, where(isnan(b), a, maximum(a, b)))


@public(np.fmin)
def fmin(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Elementwise minimum of two arrays, ignoring nan.

    Parameters
    ----------
    a, b : array_like
        Operands; they broadcast.

    Returns
    -------
    Tensor
        The smaller element, or the other one if one of them is nan.

    See Also
    --------
    fmax, minimum, nanmin

    Examples
    --------
    >>> jg.fmin([1.0, np.nan], [2.0, 3.0])
    <Tensor shape=(2,) dtype=float64 [1. 3.]>
    """
    a, b = as_tensor(a), as_tensor(b)
    return where(isnan(a), b, where(isnan(b), a, minimum(a, b)))


@public(np.copysign)
def copysign(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Magnitude of one array with the sign of another.

    Parameters
    ----------
    a : array_like
        Magnitudes.
    b : array_like
        Signs; -0.0 is negative, nan counts as positive.

    Returns
    -------
    Tensor
        ``abs(a)`` with the sign of ``b``, as floats.

    See Also
    --------
    sign, signbit

    Examples
    --------
    >>> jg.copysign([1.0, 2.0], [-3.0, 3.0])
    <Tensor shape=(2,) dtype=float64 [-1.  2.]>
    """
    size = abs(as_tensor(a) * 1.0)
    return where(signbit(b), -size, size)


@public(np.logaddexp2)
def logaddexp2(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Logarithm to base 2 of the sum of powers of 2, computed without overflow.

    Parameters
    ----------
    a, b : array_like
        Operands; they broadcast.

    Returns
    -------
    Tensor
        ``log2(2**a + 2**b)``.

    See Also
    --------
    logaddexp, logsumexp

    Examples
    --------
    >>> jg.logaddexp2(1000.0, 1000.0)
    <Tensor shape=() dtype=float64 1001.>
    """
    return logaddexp(as_tensor(a) * math.log(2), as_tensor(b) * math.log(2)) / math.log(2)


@public(np.float_power)
def float_power(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Elementwise power of two arrays, as floats.

    Parameters
    ----------
    a : array_like
        Bases.
    b : array_like
        Exponents; the operands broadcast.

    Returns
    -------
    Tensor
        ``a**b`` as floats, also for integers. Negative exponents of integers are valid.

    See Also
    --------
    power

    Examples
    --------
    >>> jg.float_power([2, 4], -1)
    <Tensor shape=(2,) dtype=float64 [0.5  0.25]>
    """
    made: Tensor = power(a, b)
    return made


@public(np.deg2rad, np.radians)
def deg2rad(x: ArrayLike) -> Tensor:
    """Convert degrees to radians.

    Parameters
    ----------
    x : array_like
        Angles in degrees.

    Returns
    -------
    Tensor
        Angles in radians.

    See Also
    --------
    rad2deg

    Examples
    --------
    >>> jg.deg2rad([90.0, 180.0])
    <Tensor shape=(2,) dtype=float64 [1.57079633 3.14159265]>
    """
    return as_tensor(x) * (math.pi / 180)


@public(np.rad2deg, np.degrees)
def rad2deg(x: ArrayLike) -> Tensor:
    """Convert radians to degrees.

    Parameters
    ----------
    x : array_like
        Angles in radians.

    Returns
    -------
    Tensor
        Angles in degrees.

    See Also
    --------
    deg2rad

    Examples
    --------
    >>> jg.rad2deg([0.0, np.pi])
    <Tensor shape=(2,) dtype=float64 [  0. 180.]>
    """
    return as_tensor(x) * (180 / math.pi)


radians, degrees = deg2rad, rad2deg


_SINC = [(-1.0) ** k / math.factorial(2 * k + 1) for k in range(11)]


@public(np.sinc)
def sinc(x: ArrayLike) -> Tensor:
    """Normalized sinc function.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        ``sin(pi * x) / (pi * x)``, and 1 at 0.

    Notes
    -----
    For ``abs(pi * x) < 1``, the function is evaluated as a power series, so its derivatives are accurate at and near 0.

    See Also
    --------
    sin

    Examples
    --------
    >>> jg.sinc([0.0, 0.5])
    <Tensor shape=(2,) dtype=float64 [1.         0.63661977]>
    """
    y = math.pi * as_tensor(x)
    near = less(abs(y), 1)
    inner, outer = square(where(near, y, 0.0)), where(near, 1.0, y)
    series: Any = _SINC[-1]
    for coefficient in _SINC[-2::-1]:
        series = series * inner + coefficient
    return where(near, series, sin(outer) / outer)
