"""The log-sum-exp function, softmax and its logarithm."""

from __future__ import annotations

import math
from typing import Any

from jitgrad.errors import ShapeError
from jitgrad.functions.axes import Axis
from jitgrad.functions.extremes import max
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import reshape
from jitgrad.ops import linear
from jitgrad.ops.elementwise import abs, divide, exp, log, stop_gradient, where
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor, op_of


@public()
def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over ``axis``, without overflow."""
    x = as_tensor(x)
    if x.size == 0:
        raise ShapeError(f"logsumexp: shape {x.shape} has no elements. Give at least one along the axis.")
    top = _top(x, axis)
    total = log(sum(exp(x - top), axis, keepdims=True)) + top
    return total if keepdims else reshape(total, sum(x, axis).shape)


@public()
def softmax(x: Any, axis: Axis = -1) -> Tensor:
    """exp(x) / sum(exp(x)) over ``axis``, without overflow."""
    x = as_tensor(x)
    shifted = exp(x - _top(x, axis)) if x.size else exp(x)
    return shifted / sum(shifted, axis, keepdims=True)


@public()
def log_softmax(x: Any, axis: Axis = -1) -> Tensor:
    """log(softmax(x)) over ``axis``, without overflow."""
    x = as_tensor(x)
    shifted = x - _top(x, axis) if x.size else x
    return shifted - log(sum(exp(shifted), axis, keepdims=True))


def log_of_softmax(p: Tensor) -> Tensor | None:
    """log(p) where ``p`` was just recorded as a softmax, from what it was made of, so that nothing vanishes; None elsewhere.

    This cannot wait for lowering, which comes after differentiating: 1 / p would have overflowed by then.
    """
    if op_of(p) is not divide or op_of(p.inputs[0]) is not exp:
        return None
    shifted, total = p.inputs
    inner = total.inputs[0] if total.op is linear.reshape else total
    if inner.op is not linear.sum or inner.inputs[0] is not shifted or total.ndim != p.ndim:
        return None
    return shifted.inputs[0] - log(total)


def _top(x: Tensor, axis: Axis) -> Tensor:
    """The largest element over ``axis`` as a constant, 0 where it is infinite."""
    top = stop_gradient(max(x, axis, keepdims=True))
    return where(abs(top) < math.inf, top, 0.0)
