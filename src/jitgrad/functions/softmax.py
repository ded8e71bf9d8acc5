"""The log-sum-exp function, softmax and its logarithm."""

from __future__ import annotations

import math

from jitgrad.errors import ShapeError
from jitgrad.functions.axes import Axis
from jitgrad.functions.extremes import max
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import reshape
from jitgrad.ops import linear
from jitgrad.ops.elementwise import abs, divide, exp, log, stop_gradient, where
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor, op_of
from jitgrad.typing import ArrayLike


@public()
def logsumexp(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Logarithm of the sum of exponentials, computed without overflow.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int, optional
        Axis or axes to reduce. The default is all axes.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.

    Returns
    -------
    Tensor
        ``log(sum(exp(x)))`` over the axes.

    Raises
    ------
    ShapeError
        If ``x`` has no elements.

    Notes
    -----
    The largest element is subtracted first and added to the result. The gradient is ``softmax(x)``.

    See Also
    --------
    logaddexp, softmax, log_softmax

    Examples
    --------
    >>> jg.logsumexp([1000.0, 1000.0])
    <Tensor shape=() dtype=float64 1000.69314718>
    """
    x = as_tensor(x)
    if x.size == 0:
        raise ShapeError(f"logsumexp: shape {x.shape} has no elements. Pass at least one along the axis.")
    top = _top(x, axis)
    total = log(sum(exp(x - top), axis, keepdims=True)) + top
    return total if keepdims else reshape(total, sum(x, axis).shape)


@public()
def softmax(x: ArrayLike, axis: Axis = -1) -> Tensor:
    """Softmax function: exponentials normalized to sum to 1.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int, default -1
        Axis or axes over which the result sums to 1. None stands for all axes.

    Returns
    -------
    Tensor
        ``exp(x) / sum(exp(x))``, in the shape of ``x``, computed without overflow.

    See Also
    --------
    log_softmax, logsumexp, sigmoid

    Examples
    --------
    >>> jg.softmax([0.0, 1.0, 2.0])
    <Tensor shape=(3,) dtype=float64 [0.09003057 0.24472847 0.66524096]>
    """
    x = as_tensor(x)
    shifted = exp(x - _top(x, axis)) if x.size else exp(x)
    return shifted / sum(shifted, axis, keepdims=True)


@public()
def log_softmax(x: ArrayLike, axis: Axis = -1) -> Tensor:
    """Logarithm of the softmax function, computed without overflow or underflow.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int, default -1
        Axis or axes over which the probabilities sum to 1. None stands for all axes.

    Returns
    -------
    Tensor
        ``x - log(sum(exp(x)))``, in the shape of ``x``.

    See Also
    --------
    softmax, logsumexp

    Examples
    --------
    >>> jg.log_softmax([0.0, 1.0, 2000.0])
    <Tensor shape=(3,) dtype=float64 [-2000. -1999.     0.]>
    """
    x = as_tensor(x)
    shifted = x - _top(x, axis) if x.size else x
    return shifted - log(sum(exp(shifted), axis, keepdims=True))


def log_of_softmax(p: Tensor) -> Tensor | None:
    """Return log(p) computed from the logits if ``p`` was just recorded as a softmax, else None.

    log(softmax(x)) loses all digits if the softmax underflows. The rewrite happens while recording because a pass over the
    differentiated expression would come too late: its derivative 1 / p has overflowed by then.
    """
    if op_of(p) is not divide or op_of(p.inputs[0]) is not exp:
        return None
    shifted, total = p.inputs
    inner = total.inputs[0] if total.op is linear.reshape else total
    if inner.op is not linear.sum or inner.inputs[0] is not shifted or total.ndim != p.ndim:
        return None
    return shifted.inputs[0] - log(total)


def _top(x: Tensor, axis: Axis) -> Tensor:
    """Return the largest element over ``axis`` as a constant, or 0 if it is infinite."""
    top = stop_gradient(max(x, axis, keepdims=True))
    return where(abs(top) < math.inf, top, 0.0)
