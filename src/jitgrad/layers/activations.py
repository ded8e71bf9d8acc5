"""Activations: functions of a Tensor, element by element but softmax, with Keras's names."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from jitgrad.arguments import by_name
from jitgrad.functions.joining import split
from jitgrad.functions.softmax import log_softmax, softmax
from jitgrad.ops.elementwise import abs, erf, exp, expm1, greater_equal, relu, sqrt, where
from jitgrad.ops.elementwise import sigmoid as sigmoid_op
from jitgrad.ops.elementwise import softplus as softplus_op
from jitgrad.ops.elementwise import tanh as tanh_op
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor

Activation = Callable[[Any], Any]
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@public()
def linear(x: Any) -> Tensor:
    """x itself."""
    return as_tensor(x)


@public()
def step(x: Any) -> Tensor:
    """1 from 0 on, else 0. Its derivative is 0."""
    return greater_equal(x, 0) * 1.0


@public()
def sigmoid(x: Any, alpha: float = 1.0) -> Tensor:
    """1 / (1 + exp(-alpha·x))."""
    return sigmoid_op(x) if alpha == 1 else sigmoid_op(alpha * as_tensor(x))


@public()
def tanh(x: Any, alpha: float = 1.0) -> Tensor:
    """tanh(alpha·x)."""
    return tanh_op(x) if alpha == 1 else tanh_op(alpha * as_tensor(x))


@public()
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """x where it is positive, else negative_slope·x. Maas, Hannun and Ng, "Rectifier nonlinearities improve …", 2013."""
    x = as_tensor(x)
    return where(x > 0, x, negative_slope * x)


@public()
def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where it is positive, else alpha·(exp(x) - 1); its derivative at 0 is alpha.

    Clevert, Unterthiner and Hochreiter, "Fast and accurate …", 2016.
    """
    x = as_tensor(x)
    negative = where(x > 0, 0, x)  # so that no infinity of the other branch meets the derivative's 0
    return where(x > 0, x, alpha * expm1(negative))


@public()
def selu(x: Any) -> Tensor:
    """1.0507·elu(x, 1.6733): Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks", 2017."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


@public()
def gelu(x: Any, approximate: bool = False) -> Tensor:
    """x·Φ(x) with the normal distribution Φ, or its approximation by tanh.

    Hendrycks and Gimpel, "Gaussian error linear units", 2016.
    """
    x = as_tensor(x)
    if approximate:
        return 0.5 * x * (1 + tanh_op(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


@public()
def silu(x: Any) -> Tensor:
    """x·sigmoid(x), also called swish."""
    x = as_tensor(x)
    return x * sigmoid_op(x)


@public()
def mish(x: Any) -> Tensor:
    """x·tanh(softplus(x)): Misra, "Mish: a self regularized non-monotonic activation function", 2019."""
    x = as_tensor(x)
    return x * tanh_op(softplus_op(x))


@public()
def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where it is positive, else alpha·(exp(x/alpha) - 1): Barron, "Continuously differentiable …", 2017."""
    x = as_tensor(x)
    negative = where(x > 0, 0, x)
    return where(x > 0, x, alpha * expm1(negative / alpha))


@public()
def relu6(x: Any) -> Tensor:
    """x between 0 and 6."""
    return hard_tanh(x, 0.0, 6.0)


@public()
def hard_tanh(x: Any, low: float = -1.0, high: float = 1.0) -> Tensor:
    """x between ``low`` and ``high``; its derivative is 0 at these."""
    x = as_tensor(x)
    return where(x <= low, low, where(x >= high, high, x))


@public()
def hard_sigmoid(x: Any) -> Tensor:
    """x/6 + ½ between 0 and 1."""
    return hard_tanh(as_tensor(x) / 6 + 0.5, 0.0, 1.0)


@public()
def hard_silu(x: Any) -> Tensor:
    """x·hard_sigmoid(x), also called hard_swish: Howard et al., "Searching for MobileNetV3", 2019."""
    x = as_tensor(x)
    return x * hard_sigmoid(x)


@public()
def softsign(x: Any) -> Tensor:
    """x / (1 + |x|)."""
    x = as_tensor(x)
    return x / (1 + abs(x))


@public()
def log_sigmoid(x: Any) -> Tensor:
    """log(sigmoid(x)), without overflow."""
    return -softplus_op(-as_tensor(x))


@public()
def tanh_shrink(x: Any) -> Tensor:
    """x - tanh(x)."""
    x = as_tensor(x)
    return x - tanh_op(x)


@public()
def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x towards 0 by ``threshold``, 0 within it."""
    x = as_tensor(x)
    return where(x > threshold, x - threshold, where(x < -threshold, x + threshold, 0.0))


@public()
def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x, 0 where its size is at most ``threshold``."""
    x = as_tensor(x)
    return where(abs(x) > threshold, x, 0.0)


@public()
def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, x from 1 on, and (x + 1)²/4 between."""
    x = as_tensor(x)
    return where(x <= -1, 0.0, where(x >= 1, x, 0.25 * (x + 1) ** 2))


@public()
def sparse_sigmoid(x: Any) -> Tensor:
    """(x + 1)/2 between 0 and 1, the derivative of ``sparse_plus``."""
    return hard_tanh(0.5 * (as_tensor(x) + 1), 0.0, 1.0)


@public()
def squareplus(x: Any, b: float = 4.0) -> Tensor:
    """(x + √(x² + b)) / 2: Barron, "Squareplus: a softplus-like algebraic rectifier", 2021."""
    x = as_tensor(x)
    return 0.5 * (x + sqrt(x * x + b))


@public()
def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half along ``axis`` times the sigmoid of the second: Dauphin et al., "Language modeling …", 2017."""
    a, b = split(x, 2, axis)
    return a * sigmoid_op(b)


@public()
def softmin(x: Any, axis: int = -1) -> Tensor:
    """softmax(-x)."""
    return softmax(-as_tensor(x), axis)


ACTIVATIONS: dict[str, Activation] = {
    "linear": linear, "step": step, "sigmoid": sigmoid, "tanh": tanh, "softplus": softplus_op, "relu": relu,
    "leaky_relu": leaky_relu, "elu": elu, "selu": selu, "gelu": gelu, "silu": silu, "swish": silu, "mish": mish,
    "softmax": softmax, "log_softmax": log_softmax, "exponential": exp, "celu": celu, "relu6": relu6, "hard_tanh": hard_tanh,
    "hard_sigmoid": hard_sigmoid, "hard_silu": hard_silu, "hard_swish": hard_silu, "softsign": softsign,
    "log_sigmoid": log_sigmoid, "tanh_shrink": tanh_shrink, "soft_shrink": soft_shrink, "hard_shrink": hard_shrink,
    "sparse_plus": sparse_plus, "sparse_sigmoid": sparse_sigmoid, "squareplus": squareplus, "glu": glu, "softmin": softmin,
}  # fmt: skip


def get(activation: str | Activation | None) -> Activation:
    """An activation by name, or a function itself; None is linear. Raises ArgumentError for an unknown name."""
    if activation is None:
        return linear
    if callable(activation):
        return activation
    return by_name("activation", activation, ACTIVATIONS, also=", or a function")
