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


@public(np.clip)
def clip(x: Any, low: Any = None, high: Any = None) -> Tensor:
    """``x`` held between ``low`` and ``high``; None leaves that side open."""
    x = as_tensor(x)
    x = x if low is None else maximum(x, low)
    return x if high is None else minimum(x, high)


@public(np.round, np.around)
def round(x: Any, decimals: int = 0) -> Tensor:
    """To so many decimals, the even one of two equally near; the derivative is 0."""
    x = as_tensor(x)
    if decimals == 0 or (x.level <= dtypes.INTEGER and decimals > 0):
        return rint(x)
    if decimals > 0:
        return rint(x * 10.0**decimals) / 10.0**decimals
    made = rint(x / 10.0**-decimals) * 10**-decimals
    return retyped(made, builtins.max(x.level, dtypes.INTEGER))


@public(np.reciprocal)
def reciprocal(x: Any) -> Tensor:
    """1 / x."""
    return 1.0 / as_tensor(x)


@public(np.nan_to_num)
def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """``x`` with numbers for nan and the infinities, which are by default the largest of the dtype."""
    x = as_tensor(x)
    largest = float(np.finfo(x.dtype).max) if x.level > dtypes.INTEGER else math.inf
    x = where(isnan(x), nan, x)
    x = where(equal(x, math.inf), largest if posinf is None else posinf, x)
    return where(equal(x, -math.inf), -largest if neginf is None else neginf, x)


@public(np.heaviside)
def heaviside(x: Any, value: Any) -> Tensor:
    """0 below 0, 1 above it, and ``value`` at 0, to which alone a gradient passes."""
    x = as_tensor(x)
    return where(isnan(x), math.nan, where(equal(x, 0), value, greater(x, 0) * 1.0))


@public(np.fmax)
def fmax(a: Any, b: Any) -> Tensor:
    """The larger one of two, or the one that is not nan."""
    a, b = as_tensor(a), as_tensor(b)
    return where(isnan(a), b, where(isnan(b), a, maximum(a, b)))


@public(np.fmin)
def fmin(a: Any, b: Any) -> Tensor:
    """The smaller one of two, or the one that is not nan."""
    a, b = as_tensor(a), as_tensor(b)
    return where(isnan(a), b, where(isnan(b), a, minimum(a, b)))


@public(np.copysign)
def copysign(a: Any, b: Any) -> Tensor:
    """The size of ``a`` with the sign of ``b``."""
    size = abs(as_tensor(a) * 1.0)
    return where(signbit(b), -size, size)


@public(np.logaddexp2)
def logaddexp2(a: Any, b: Any) -> Tensor:
    """log2(2**a + 2**b), without overflow."""
    return logaddexp(as_tensor(a) * math.log(2), as_tensor(b) * math.log(2)) / math.log(2)


@public(np.float_power)
def float_power(a: Any, b: Any) -> Tensor:
    """``a`` to the power ``b``, of integers too as a float."""
    made: Tensor = power(a, b)
    return made


@public(np.deg2rad, np.radians)
def deg2rad(x: Any) -> Tensor:
    """Degrees as radians."""
    return as_tensor(x) * (math.pi / 180)


@public(np.rad2deg, np.degrees)
def rad2deg(x: Any) -> Tensor:
    """Radians as degrees."""
    return as_tensor(x) * (180 / math.pi)


radians, degrees = deg2rad, rad2deg


_SINC = [(-1.0) ** k / math.factorial(2 * k + 1) for k in range(11)]


@public(np.sinc)
def sinc(x: Any) -> Tensor:
    """sin(πx) / (πx), and 1 at 0, where its derivatives are right, too: near 0 it is a power series."""
    y = math.pi * as_tensor(x)
    near = less(abs(y), 1)
    inner, outer = square(where(near, y, 0.0)), where(near, 1.0, y)
    series: Any = _SINC[-1]
    for coefficient in _SINC[-2::-1]:
        series = series * inner + coefficient
    return where(near, series, sin(outer) / outer)
