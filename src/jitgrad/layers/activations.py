"""Activations: functions of a Tensor, element by element but softmax, with Keras's names."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from jitgrad.arguments import by_name
from jitgrad.functions.reductions import log_softmax, softmax
from jitgrad.ops.elementwise import erf, exp, expm1, greater_equal, relu, where
from jitgrad.ops.elementwise import sigmoid as sigmoid_op
from jitgrad.ops.elementwise import softplus as softplus_op
from jitgrad.ops.elementwise import tanh as tanh_op
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor

Activation = Callable[[Any], Any]


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
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


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


ACTIVATIONS: dict[str, Activation] = {
    "linear": linear, "step": step, "sigmoid": sigmoid, "tanh": tanh, "softplus": softplus_op, "relu": relu,
    "leaky_relu": leaky_relu, "elu": elu, "selu": selu, "gelu": gelu, "silu": silu, "swish": silu, "mish": mish,
    "softmax": softmax, "log_softmax": log_softmax, "exponential": exp,
}  # fmt: skip


def get(activation: str | Activation | None) -> Activation:
    """An activation by name, or a function itself; None is linear. Raises ArgumentError for an unknown name."""
    if activation is None:
        return linear
    if callable(activation):
        return activation
    return by_name("activation", activation, ACTIVATIONS, also=", or a function")
