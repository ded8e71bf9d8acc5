"""Initializers in ``tf`` itself, such as ``tf.random_normal_initializer``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.compat.tensorflow import dtypes, random
from jitgrad.compat.tensorflow.constants import constant, ones, zeros
from jitgrad.compat.tensorflow.tensor import Tensor

Initializer = Callable[..., Tensor]


def zeros_initializer() -> Initializer:
    """Returns zeros."""
    return lambda shape, dtype=dtypes.float32, **kwargs: zeros(shape, dtype)


def ones_initializer() -> Initializer:
    """Returns ones."""
    return lambda shape, dtype=dtypes.float32, **kwargs: ones(shape, dtype)


def constant_initializer(value: Any = 0, support_partition: bool = False) -> Initializer:
    """Returns tensors filled with a value."""
    return lambda shape, dtype=None, **kwargs: constant(value, dtype, shape)


def random_normal_initializer(mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> Initializer:
    """Draws from a normal distribution."""
    return lambda shape, dtype=dtypes.float32, **kwargs: random.normal(shape, mean, stddev, dtype, seed)


def random_uniform_initializer(minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> Initializer:
    """Draws from a uniform distribution."""
    return lambda shape, dtype=dtypes.float32, **kwargs: random.uniform(shape, minval, maxval, dtype, seed)


__all__ = [
    "constant_initializer", "ones_initializer", "random_normal_initializer", "random_uniform_initializer", "zeros_initializer",
]  # fmt: skip
