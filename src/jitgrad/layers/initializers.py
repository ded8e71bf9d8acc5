"""First values of weights: functions of a shape and a generator of random numbers.

Fans are counted as Keras does: of a matrix its rows and columns, of more axes the last two times the product of the others.
Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010; He, Zhang, Ren and Sun,
"Delving deep into rectifiers", 2015; LeCun, Bottou, Orr and Müller, "Efficient backprop", 1998; Saxe, McClelland and Ganguli,
"Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2014. ``fan_in_uniform``, from -1/√n to
1/√n with n inputs, is how PyTorch's linear layers begin.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.arguments import by_name
from jitgrad.errors import ShapeError
from jitgrad.ops import Shape

Initializer = Callable[[Shape, np.random.Generator], Any]


def zeros(shape: Shape, draw: np.random.Generator) -> np.ndarray:
    """All 0."""
    return np.zeros(shape)


def ones(shape: Shape, draw: np.random.Generator) -> np.ndarray:
    """All 1."""
    return np.ones(shape)


def uniform(shape: Shape, draw: np.random.Generator, limit: float = 0.05) -> np.ndarray:
    """Uniform from -limit to limit."""
    return draw.uniform(-limit, limit, shape)


def normal(shape: Shape, draw: np.random.Generator, std: float = 0.05) -> np.ndarray:
    """Normal with standard deviation ``std``."""
    return draw.normal(0, std, shape)


def orthogonal(shape: Shape, draw: np.random.Generator, gain: float = 1.0) -> np.ndarray:
    """A random matrix with orthonormal rows or columns, whichever are fewer, times ``gain``; axes but the last as one."""
    if len(shape) < 2:
        raise ShapeError(f"orthogonal: shape {shape} is no matrix. Use another initializer.")
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(draw.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return gain * (q if rows >= columns else q.T).reshape(shape)


def variance_scaling(shape: Shape, draw: np.random.Generator, scale: float, mode: str, kind: str) -> np.ndarray:
    """Variance scale/n, with n the inputs ("in"), or the mean of inputs and outputs ("mean"); "uniform" or "normal"."""
    inputs, outputs = _fans(shape)
    n = max(1.0, inputs if mode == "in" else (inputs + outputs) / 2)
    if kind == "uniform":
        limit = math.sqrt(3 * scale / n)
        return draw.uniform(-limit, limit, shape)
    # A normal distribution cut at two standard deviations has 0.8796 of them.
    return _cut_normal(shape, draw) * (math.sqrt(scale / n) / 0.87962566103423978)


def _cut_normal(shape: Shape, draw: np.random.Generator) -> np.ndarray:
    values = draw.normal(size=shape)
    while (far := np.abs(values) > 2).any():
        values = np.where(far, draw.normal(size=shape), values)
    return values


def _fans(shape: Shape) -> tuple[float, float]:
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    around = math.prod(shape[:-2])
    return around * shape[-2], around * shape[-1]


INITIALIZERS: dict[str, Initializer] = {
    "zeros": zeros,
    "ones": ones,
    "uniform": uniform,
    "normal": normal,
    "orthogonal": orthogonal,
    **{
        f"{name}_{kind}": functools.partial(variance_scaling, scale=scale, mode=mode, kind=kind)
        for name, scale, mode in (("glorot", 1.0, "mean"), ("he", 2.0, "in"), ("lecun", 1.0, "in"))
        for kind in ("uniform", "normal")
    },
    "fan_in_uniform": functools.partial(variance_scaling, scale=1 / 3, mode="in", kind="uniform"),
}


def get(initializer: str | Initializer) -> Initializer:
    """An initializer by name, or a function itself. Raises ArgumentError for an unknown name."""
    if callable(initializer):
        return initializer
    return by_name("initializer", initializer, INITIALIZERS, also=", or a function of shape and generator")
