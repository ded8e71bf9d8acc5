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

from jitgrad.arguments import MAX_SEED, Described, by_name, count, nonnegative, number, positive
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


def truncated_normal(shape: Shape, draw: np.random.Generator, mean: float = 0.0, std: float = 0.05) -> np.ndarray:
    """Normal, with what is more than two ``std`` from the mean drawn again."""
    return mean + std * _cut_normal(shape, draw)


def identity(shape: Shape, draw: np.random.Generator, gain: float = 1.0) -> np.ndarray:
    """A matrix with ``gain`` on its diagonal."""
    if len(shape) != 2:
        raise ShapeError(f"identity: shape {shape} is no matrix. Use another initializer.")
    return gain * np.eye(*shape)


def variance_scaling(shape: Shape, draw: np.random.Generator, scale: float, mode: str, kind: str) -> np.ndarray:
    """Variance scale/n, with n the inputs ("in"), the outputs ("out") or their mean ("mean").

    "uniform", "normal", which is cut at two standard deviations, or "untruncated_normal".
    """
    inputs, outputs = _fans(shape)
    n = max(1.0, {"in": inputs, "out": outputs, "mean": (inputs + outputs) / 2}[mode])
    if kind == "uniform":
        limit = math.sqrt(3 * scale / n)
        return draw.uniform(-limit, limit, shape)
    if kind == "untruncated_normal":
        return draw.normal(0.0, math.sqrt(scale / n), shape)
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


class _Seeded(Described):
    """An initializer with arguments. With a ``seed`` it draws the same numbers each time."""

    def __init__(self, seed: int | None = None) -> None:
        self._seed = None if seed is None else count("seed", seed, 0, MAX_SEED)

    def __call__(self, shape: Shape, draw: np.random.Generator) -> Any:
        """Values of this shape."""
        return self.values(tuple(shape), draw if self._seed is None else np.random.default_rng(self._seed))

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        """The same, drawn from ``draw``."""
        raise NotImplementedError(f"{type(self).__name__} has no values(). Define values(self, shape, draw).")


class Constant(_Seeded):
    """All ``value``, or an array of the weight's shape."""

    def __init__(self, value: Any = 0.0) -> None:
        super().__init__()
        self.value = value

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        given = np.asarray(self.value)
        if given.ndim and given.shape != shape:
            raise ShapeError(f"Constant: the value has shape {given.shape} for a weight of {shape}. Give one of its shape.")
        return np.broadcast_to(given, shape)


class RandomUniform(_Seeded):
    """Uniform from ``minval`` to ``maxval``."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = number("minval", minval), number("maxval", maxval)

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        return draw.uniform(self.minval, self.maxval, shape)


class RandomNormal(_Seeded):
    """Normal with ``mean`` and standard deviation ``stddev``."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = number("mean", mean), nonnegative("stddev", stddev)

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        return draw.normal(self.mean, self.stddev, shape)


class TruncatedNormal(RandomNormal):
    """The same, with what is more than two standard deviations from the mean drawn again."""

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        return truncated_normal(shape, draw, self.mean, self.stddev)


class VarianceScaling(_Seeded):
    """Variance ``scale``/n, see ``variance_scaling``.

    Args:
        scale: positive.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal", "untruncated_normal" or "uniform".
        seed: to draw the same each time.
    """

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self.scale = positive("scale", scale)
        self._mode = by_name("mode", mode, {"fan_in": "in", "fan_out": "out", "fan_avg": "mean"})
        kinds = {"truncated_normal": "normal", "untruncated_normal": "untruncated_normal", "uniform": "uniform"}
        self._kind = by_name("distribution", distribution, kinds)

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        return variance_scaling(shape, draw, self.scale, self._mode, self._kind)


class Orthogonal(_Seeded):
    """A random matrix with orthonormal rows or columns times ``gain``, see ``orthogonal``."""

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = number("gain", gain)

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        return orthogonal(shape, draw, self.gain)


class IdentityMatrix(_Seeded):
    """A matrix with ``gain`` on its diagonal."""

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = number("gain", gain)

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        return identity(shape, draw, self.gain)


INITIALIZERS: dict[str, Initializer] = {
    "zeros": zeros,
    "ones": ones,
    "uniform": uniform,
    "normal": normal,
    "truncated_normal": truncated_normal,
    "orthogonal": orthogonal,
    "identity": identity,
    **{
        f"{name}_{kind}": functools.partial(variance_scaling, scale=scale, mode=mode, kind=kind)
        for name, scale, mode in (("glorot", 1.0, "mean"), ("he", 2.0, "in"), ("lecun", 1.0, "in"))
        for kind in ("uniform", "normal")
    },
    "fan_in_uniform": functools.partial(variance_scaling, scale=1 / 3, mode="in", kind="uniform"),
}


def get(initializer: str | Initializer) -> Initializer:
    """An initializer by name, or a function or object itself. Raises ArgumentError for an unknown name."""
    if callable(initializer):
        return initializer
    return by_name("initializer", initializer, INITIALIZERS, also=", or a function of shape and generator")
