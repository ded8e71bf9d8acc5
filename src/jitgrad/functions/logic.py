"""Logical functions, comparisons with a tolerance, and tests of elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitgrad.functions.axes import Axis
from jitgrad.functions.reductions import sum
from jitgrad.ops.elementwise import (
    abs,
    equal,
    greater,
    less,
    less_equal,
    not_equal,
    where,
)
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor


@public(np.any)
def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether an element over ``axis`` is not 0."""
    return greater(sum(not_equal(x, 0), axis, keepdims), 0)


@public(np.all)
def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether no element over ``axis`` is 0."""
    return equal(sum(equal(x, 0), axis, keepdims), 0)


@public()
def allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether all numbers are close, see ``isclose``."""
    return all(isclose(a, b, rtol, atol, equal_nan))


@public(np.count_nonzero)
def count_nonzero(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The number of elements over ``axis`` that are not 0."""
    return sum(not_equal(x, 0), axis, keepdims)


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


@public()
def isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether two numbers are equal, or no further apart than ``atol`` and ``rtol`` times the size of ``b``."""
    a, b = as_tensor(a), as_tensor(b)
    near = less_equal(abs(a - b), atol + rtol * abs(b)) * isfinite(b)
    close = logical_or(near, equal(a, b))
    return logical_or(close, isnan(a) * isnan(b)) if equal_nan else close


@public(np.signbit)
def signbit(x: Any) -> Tensor:
    """Whether a number is below 0, or is -0.0; False for nan."""
    x = as_tensor(x)
    return less(where(equal(x, 0), 1.0 / x, x), 0)
