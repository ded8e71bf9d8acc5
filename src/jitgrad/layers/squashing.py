"""Bounded activations, such as the sigmoid."""

from __future__ import annotations

from jitgrad.ops.elementwise import abs, where
from jitgrad.ops.elementwise import sigmoid as sigmoid_op
from jitgrad.ops.elementwise import softplus as softplus_op
from jitgrad.ops.elementwise import tanh as tanh_op
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public()
def sigmoid(x: ArrayLike, alpha: float = 1.0) -> Tensor:
    """Compute the logistic sigmoid ``1 / (1 + exp(-alpha·x))``.

    Parameters
    ----------
    x : array_like
        Input.
    alpha : float, default 1.0
        Slope factor.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Examples
    --------
    >>> np.round(jg.layers.activations.sigmoid([0.0, 2.0]), 3)
    <Tensor shape=(2,) dtype=float64 [0.5   0.881]>
    """
    return sigmoid_op(x) if alpha == 1 else sigmoid_op(alpha * as_tensor(x))


@public()
def tanh(x: ArrayLike, alpha: float = 1.0) -> Tensor:
    """Compute the hyperbolic tangent ``tanh(alpha·x)``.

    Parameters
    ----------
    x : array_like
        Input.
    alpha : float, default 1.0
        Slope factor.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Examples
    --------
    >>> np.round(jg.layers.activations.tanh([0.0, 2.0]), 3)
    <Tensor shape=(2,) dtype=float64 [0.    0.964]>
    """
    return tanh_op(x) if alpha == 1 else tanh_op(alpha * as_tensor(x))


@public()
def hard_tanh(x: ArrayLike, low: float = -1.0, high: float = 1.0) -> Tensor:
    """Clip the input to [low, high]. The derivative is 0 at both bounds.

    Parameters
    ----------
    x : array_like
        Input.
    low : float, default -1.0
        Lower bound.
    high : float, default 1.0
        Upper bound.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Examples
    --------
    >>> jg.layers.activations.hard_tanh([-2.0, 0.5, 8.0])
    <Tensor shape=(3,) dtype=float64 [-1.   0.5  1. ]>
    """
    x = as_tensor(x)
    return where(x <= low, low, where(x >= high, high, x))


@public()
def hard_sigmoid(x: ArrayLike) -> Tensor:
    """Compute the piecewise linear sigmoid ``x/6 + 1/2``, clipped to [0, 1].

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
    >>> jg.layers.activations.hard_sigmoid([-4.0, 0.0, 1.5])
    <Tensor shape=(3,) dtype=float64 [0.   0.5  0.75]>
    """
    return hard_tanh(as_tensor(x) / 6 + 0.5, 0.0, 1.0)


@public()
def softsign(x: ArrayLike) -> Tensor:
    """Compute ``x / (1 + |x|)``.

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
    >>> jg.layers.activations.softsign([1.0, -3.0])
    <Tensor shape=(2,) dtype=float64 [ 0.5  -0.75]>
    """
    x = as_tensor(x)
    return x / (1 + abs(x))


@public()
def log_sigmoid(x: ArrayLike) -> Tensor:
    """Compute ``log(sigmoid(x))`` without overflow.

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
    >>> np.round(jg.layers.activations.log_sigmoid([0.0, -1000.0]), 3)
    <Tensor shape=(2,) dtype=float64 [-6.93e-01 -1.00e+03]>
    """
    return -softplus_op(-as_tensor(x))


@public()
def sparse_sigmoid(x: ArrayLike) -> Tensor:
    """Compute ``(x + 1)/2``, clipped to [0, 1]: the derivative of `sparse_plus`.

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
    >>> jg.layers.activations.sparse_sigmoid([-2.0, 0.0, 2.0])
    <Tensor shape=(3,) dtype=float64 [0.  0.5 1. ]>
    """
    return hard_tanh(0.5 * (as_tensor(x) + 1), 0.0, 1.0)
