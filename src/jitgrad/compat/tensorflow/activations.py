"""Activations (``tf.nn.relu``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.arguments import axes, named
from jitgrad.compat.tensorflow.dtypes import as_dtype
from jitgrad.compat.tensorflow.elementwise import Unary, unary
from jitgrad.compat.tensorflow.operands import FLOATS, NUMBERS, numbers
from jitgrad.compat.tensorflow.tensor import Tensor, convert, made, wrap_array
from jitgrad.functions import softmax as library
from jitgrad.functions.elementwise import clip
from jitgrad.layers import activations
from jitgrad.ops import elementwise as ew
from jitgrad.tape.protocol import public


def _of_features(f: Unary) -> Unary:
    """Return the function with TensorFlow's argument name."""

    def function(features: Any, name: str | None = None) -> Tensor:
        return f(features)

    function.__doc__ = f.__doc__
    return function


relu = _of_features(unary("Relu", ew.relu, NUMBERS))
relu6 = _of_features(unary("Relu6", lambda x: clip(x, 0.0, 6.0), NUMBERS))
elu = _of_features(unary("Elu", activations.elu))
selu = _of_features(unary("Selu", activations.selu))
softplus = _of_features(unary("Softplus", ew.softplus))
softsign = _of_features(unary("Softsign", lambda x: x / (1.0 + ew.abs(x))))


@public()
def silu(features: Any, beta: float = 1.0) -> Tensor:
    """Return ``x * sigmoid(beta * x)``."""
    x = numbers("Silu", features, FLOATS)
    return made(x._read() * ew.sigmoid(x._read() if beta == 1 else beta * x._read()))


swish = silu


@public()
def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """Return ``x`` times the standard normal distribution function of ``x``, by the tanh approximation if ``approximate``."""
    return made(activations.gelu(numbers("Gelu", features, FLOATS)._read(), approximate))


@public()
def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """Return ``x``, or ``alpha * x`` if it is negative."""
    return made(activations.leaky_relu(numbers("LeakyRelu", features, FLOATS)._read(), alpha))


@public()
def crelu(features: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """Concatenate ``relu`` of ``x`` and of ``-x`` along an axis."""
    from jitgrad.compat.tensorflow.shapes import concat

    x = convert(features)
    return relu(concat([x, -x], axis))


@named("Softmax")
def softmax(logits: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Return the softmax along an axis, by default the last."""
    x = numbers("Softmax", logits, FLOATS)
    return made(library.softmax(x._read(), axis=-1 if axis is None else axes(axis)))


@named("LogSoftmax")
def log_softmax(logits: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Return the logarithm of ``softmax``."""
    x = numbers("LogSoftmax", logits, FLOATS)
    return made(library.log_softmax(x._read(), axis=-1 if axis is None else axes(axis)))


@public()
def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """Return the fraction of elements that are 0."""
    return wrap_array(np.mean(np.asarray(convert(value).numpy()) == 0), as_dtype(dtypes.float32))


__all__ = [
    "crelu", "elu", "gelu", "leaky_relu", "log_softmax", "relu", "relu6", "selu", "silu", "softmax", "softplus", "softsign",
    "swish", "zero_fraction",
]  # fmt: skip
