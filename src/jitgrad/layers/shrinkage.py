"""Activations that shrink their input toward 0."""

from __future__ import annotations

from jitgrad.ops.elementwise import abs, where
from jitgrad.ops.elementwise import tanh as tanh_op
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public()
def tanh_shrink(x: ArrayLike) -> Tensor:
    """Compute ``x - tanh(x)``.

    Parameters
    ----------
    x : array_like
        Input.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Examples
    --------
    >>> np.round(jg.layers.activations.tanh_shrink([1.0, -2.0]), 3)
    <Tensor shape=(2,) dtype=float64 [ 0.238 -1.036]>
    """
    x = as_tensor(x)
    return x - tanh_op(x)


@public()
def soft_shrink(x: ArrayLike, threshold: float = 0.5) -> Tensor:
    """Shrink the input toward 0 by a threshold; inputs within the threshold become 0.

    Parameters
    ----------
    x : array_like
        Input.
    threshold : float, default 0.5
        The threshold.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Examples
    --------
    >>> jg.layers.activations.soft_shrink([1.0, 0.2, -2.0])
    <Tensor shape=(3,) dtype=float64 [ 0.5  0.  -1.5]>
    """
    x = as_tensor(x)
    return where(x > threshold, x - threshold, where(x < -threshold, x + threshold, 0.0))


@public()
def hard_shrink(x: ArrayLike, threshold: float = 0.5) -> Tensor:
    """Set inputs whose absolute value is at most a threshold to 0.

    Parameters
    ----------
    x : array_like
        Input.
    threshold : float, default 0.5
        The threshold.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Examples
    --------
    >>> jg.layers.activations.hard_shrink([1.0, 0.2, -2.0])
    <Tensor shape=(3,) dtype=float64 [ 1.  0. -2.]>
    """
    x = as_tensor(x)
    return where(abs(x) > threshold, x, 0.0)
