"""Reductions that ignore nan."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitgrad.functions.axes import Axis
from jitgrad.functions.extremes import max, min
from jitgrad.functions.logic import isnan, logical_not
from jitgrad.functions.reductions import prod, sum
from jitgrad.ops.elementwise import sqrt, square, where
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor


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
