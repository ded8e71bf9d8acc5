"""Elementwise functions composed of the table's ops."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from jitgrad.ops.elementwise import abs, equal, greater, less, maximum, minimum, not_equal, rint, where
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


@public(np.logical_and)
def logical_and(a: Any, b: Any) -> Tensor:
    """Whether both are not 0."""
    return greater(not_equal(a, 0) * not_equal(b, 0), 0)


@public(np.logical_or)
def logical_or(a: Any, b: Any) -> Tensor:
    """Whether one is not 0."""
    return greater(not_equal(a, 0) + not_equal(b, 0), 0)


@public(np.logical_xor)
def logical_xor(a: Any, b: Any) -> Tensor:
    """Whether one of them alone is not 0."""
    return not_equal(not_equal(a, 0), not_equal(b, 0))


@public(np.logical_not)
def logical_not(x: Any) -> Tensor:
    """Whether it is 0."""
    return equal(x, 0)


@public(np.reciprocal)
def reciprocal(x: Any) -> Tensor:
    """1 / x."""
    return 1.0 / as_tensor(x)


@public(np.isnan)
def isnan(x: Any) -> Tensor:
    """Whether each element is nan."""
    x = as_tensor(x)
    return not_equal(x, x)


@public(np.isfinite)
def isfinite(x: Any) -> Tensor:
    """Whether each element is neither nan nor infinite."""
    return less(abs(x), math.inf)


@public(np.isinf)
def isinf(x: Any) -> Tensor:
    """Whether each element is infinite."""
    return equal(abs(x), math.inf)


@public(np.nan_to_num)
def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """``x`` with numbers for nan and the infinities, which are by default the largest of the dtype."""
    x = as_tensor(x)
    largest = float(np.finfo(x.dtype).max) if x.level > dtypes.INTEGER else math.inf
    x = where(isnan(x), nan, x)
    x = where(equal(x, math.inf), largest if posinf is None else posinf, x)
    return where(equal(x, -math.inf), -largest if neginf is None else neginf, x)
