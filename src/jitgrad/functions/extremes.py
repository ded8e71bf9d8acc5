"""Largest and smallest elements, and their positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.functions.axes import Axis
from jitgrad.functions.cumulative import running
from jitgrad.functions.reductions import _reduce
from jitgrad.functions.shapes import moveaxis, reshape
from jitgrad.ops import order, reduce
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor


@public(np.max, np.amax)
def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest element over ``axis``; elements that tie share the gradient. nan where one is nan."""
    return _reduce(reduce.max, x, axis, keepdims)


@public(np.min, np.amin)
def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest element over ``axis``; elements that tie share the gradient. nan where one is nan."""
    return _reduce(reduce.min, x, axis, keepdims)


@public(np.ptp)
def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest element less the smallest over ``axis``."""
    return max(x, axis, keepdims) - min(x, axis, keepdims)


@public(np.argmax)
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the largest element along ``axis`` stands, the first of equal ones, as int64; of all elements for None."""
    x = as_tensor(x)
    row, at = running("argmax", x, axis)
    found = order.argmax(moveaxis(row, at, -1))
    if not keepdims:
        return found
    reduced = range(x.ndim) if axis is None else (at,)
    return reshape(found, tuple(1 if i in reduced else n for i, n in enumerate(x.shape)))


@public(np.argmin)
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the smallest element along ``axis`` stands, the first of equal ones, as int64; of all elements for None."""
    return argmax(-as_tensor(x), axis, keepdims)
