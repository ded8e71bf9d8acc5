"""Rectifiers: activations that suppress negative inputs."""

from __future__ import annotations

import math

from jitgrad.layers.squashing import hard_sigmoid, hard_tanh
from jitgrad.ops.elementwise import erf, expm1, sqrt, where
from jitgrad.ops.elementwise import sigmoid as sigmoid_op
from jitgrad.ops.elementwise import softplus as softplus_op
from jitgrad.ops.elementwise import tanh as tanh_op
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@public()
def leaky_relu(x: ArrayLike, negative_slope: float = 0.2) -> Tensor:
    """Compute the leaky rectified linear unit: x if it is positive, otherwise ``negative_slope·x``.

    Parameters
    ----------
    x : array_like
        Input.
    negative_slope : float, default 0.2
        Slope for negative inputs.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Notes
    -----
    Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models",
    2013.

    Examples
    --------
    >>> jg.layers.activations.leaky_relu([1.0, -2.0])
    <Tensor shape=(2,) dtype=float64 [ 1.  -0.4]>
    """
    x = as_tensor(x)
    return where(x > 0, x, negative_slope * x)


@public()
def elu(x: ArrayLike, alpha: float = 1.0) -> Tensor:
    """Compute the exponential linear unit: x if it is positive, otherwise ``alpha·(exp(x) - 1)``.

    Parameters
    ----------
    x : array_like
        Input.
    alpha : float, default 1.0
        Negative of the limit for large negative inputs; also the derivative at 0.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Notes
    -----
    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential
    linear units (ELUs)", 2016.

    Examples
    --------
    >>> np.round(jg.layers.activations.elu([1.0, -2.0]), 3)
    <Tensor shape=(2,) dtype=float64 [ 1.    -0.865]>
    """
    x = as_tensor(x)
    negative = where(x > 0, 0, x)  # avoids 0 times infinity in the derivative of the branch that is not selected
    return where(x > 0, x, alpha * expm1(negative))


@public()
def selu(x: ArrayLike) -> Tensor:
    """Compute the scaled exponential linear unit ``1.0507·elu(x, 1.6733)``.

    Parameters
    ----------
    x : array_like
        Input.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Notes
    -----
    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks", 2017.

    Examples
    --------
    >>> np.round(jg.layers.activations.selu([1.0, -2.0]), 3)
    <Tensor shape=(2,) dtype=float64 [ 1.051 -1.52 ]>
    """
    return SELU_SCALE * elu(x, SELU_ALPHA)


@public()
def gelu(x: ArrayLike, approximate: bool = False) -> Tensor:
    """Compute the Gaussian error linear unit ``x·Φ(x)``, with the standard normal distribution function Φ.

    Parameters
    ----------
    x : array_like
        Input.
    approximate : bool, default False
        Whether to use the tanh approximation.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Notes
    -----
    Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016.

    Examples
    --------
    >>> np.round(jg.layers.activations.gelu([1.0, -2.0]), 3)
    <Tensor shape=(2,) dtype=float64 [ 0.841 -0.046]>
    """
    x = as_tensor(x)
    if approximate:
        return 0.5 * x * (1 + tanh_op(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


@public()
def silu(x: ArrayLike) -> Tensor:
    """Compute the sigmoid linear unit ``x·sigmoid(x)``, also called swish.

    Parameters
    ----------
    x : array_like
        Input.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Notes
    -----
    Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function
    approximation", 2018.

    Examples
    --------
    >>> np.round(jg.layers.activations.silu([1.0, -2.0]), 3)
    <Tensor shape=(2,) dtype=float64 [ 0.731 -0.238]>
    """
    x = as_tensor(x)
    return x * sigmoid_op(x)


@public()
def mish(x: ArrayLike) -> Tensor:
    """Compute ``x·tanh(softplus(x))``.

    Parameters
    ----------
    x : array_like
        Input.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Notes
    -----
    Misra, "Mish: a self regularized non-monotonic activation function", 2019.

    Examples
    --------
    >>> np.round(jg.layers.activations.mish([1.0, -2.0]), 3)
    <Tensor shape=(2,) dtype=float64 [ 0.865 -0.253]>
    """
    x = as_tensor(x)
    return x * tanh_op(softplus_op(x))


@public()
def celu(x: ArrayLike, alpha: float = 1.0) -> Tensor:
    """Compute the continuously differentiable ELU: x if it is positive, otherwise ``alpha·(exp(x/alpha) - 1)``.

    Parameters
    ----------
    x : array_like
        Input.
    alpha : float, default 1.0
        Negative of the limit for large negative inputs.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Notes
    -----
    Barron, "Continuously differentiable exponential linear units", 2017.

    Examples
    --------
    >>> np.round(jg.layers.activations.celu([1.0, -2.0], alpha=2.0), 3)
    <Tensor shape=(2,) dtype=float64 [ 1.    -1.264]>
    """
    x = as_tensor(x)
    negative = where(x > 0, 0, x)
    return where(x > 0, x, alpha * expm1(negative / alpha))


@public()
def relu6(x: ArrayLike) -> Tensor:
    """Clip the input to [0, 6].

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
    >>> jg.layers.activations.relu6([-1.0, 2.0, 8.0])
    <Tensor shape=(3,) dtype=float64 [0. 2. 6.]>
    """
    return hard_tanh(x, 0.0, 6.0)


@public()
def hard_silu(x: ArrayLike) -> Tensor:
    """Compute ``x·hard_sigmoid(x)``, also called hard swish.

    Parameters
    ----------
    x : array_like
        Input.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Notes
    -----
    Howard et al., "Searching for MobileNetV3", 2019.

    Examples
    --------
    >>> jg.layers.activations.hard_silu([-4.0, 0.0, 1.5])
    <Tensor shape=(3,) dtype=float64 [-0.     0.     1.125]>
    """
    x = as_tensor(x)
    return x * hard_sigmoid(x)


@public()
def sparse_plus(x: ArrayLike) -> Tensor:
    """Compute 0 for x ≤ -1, x for x ≥ 1, and ``(x + 1)²/4`` in between.

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
    >>> jg.layers.activations.sparse_plus([-2.0, 0.0, 2.0])
    <Tensor shape=(3,) dtype=float64 [0.   0.25 2.  ]>
    """
    x = as_tensor(x)
    return where(x <= -1, 0.0, where(x >= 1, x, 0.25 * (x + 1) ** 2))


@public()
def squareplus(x: ArrayLike, b: float = 4.0) -> Tensor:
    """Compute the smooth rectifier ``(x + √(x² + b)) / 2``.

    Parameters
    ----------
    x : array_like
        Input.
    b : float, default 4.0
        Width of the curved region.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Notes
    -----
    Barron, "Squareplus: a softplus-like algebraic rectifier", 2021.

    Examples
    --------
    >>> np.round(jg.layers.activations.squareplus([0.0, 3.0]), 3)
    <Tensor shape=(2,) dtype=float64 [1.    3.303]>
    """
    x = as_tensor(x)
    return 0.5 * (x + sqrt(x * x + b))
