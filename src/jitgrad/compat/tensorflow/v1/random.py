"""``tf.random`` of TensorFlow 1: each run draws new numbers, from the library's global generator or the graph's seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad import random as library
from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.arguments import sizes
from jitgrad.compat.tensorflow.dtypes import as_dtype
from jitgrad.compat.tensorflow.random import normal as _normal
from jitgrad.compat.tensorflow.random import uniform as _uniform
from jitgrad.compat.tensorflow.tensor import convert, made
from jitgrad.compat.tensorflow.v1.ops import set_random_seed
from jitgrad.compat.tensorflow.v1.staging import staged
from jitgrad.errors import ArgumentError
from jitgrad.functions.extremes import argmax
from jitgrad.functions.selection import argsort, take
from jitgrad.ops import elementwise as ew
from jitgrad.tape import dtypes as levels
from jitgrad.tape.tensor import cast


def random_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: Any = None, name: str | None = None
) -> Any:
    """Draw from a normal distribution."""
    return staged("random_normal", _normal, draws=True)(shape, mean, stddev, dtype, name=name)


def random_uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, seed: Any = None, name: str | None = None
) -> Any:
    """Draw from the uniform distribution on [minval, maxval)."""
    kind = as_dtype(dtype)
    if not kind.is_integer:
        return staged("random_uniform", _uniform, draws=True)(shape, minval, maxval, kind, name=name)
    if maxval is None:
        raise ArgumentError(f"Must specify maxval for integer dtype {kind!r}. Give it, above minval.")

    def draw(shape: Any, low: Any, high: Any) -> Any:
        low, high = convert(low, kind)._read(), convert(high, kind)._read()
        unit = library.uniform(sizes(shape), dtype=np.float64)
        return made(cast(ew.floor(low + (high - low) * unit), levels.INTEGER), kind.dtype)

    return staged("random_uniform", draw, draws=True)(shape, minval, maxval, name=name)


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: Any = None, name: str | None = None
) -> Any:
    """Draw from a normal distribution truncated at two standard deviations."""
    kind = as_dtype(dtype)

    def draw(shape: Any, mean: Any, stddev: Any) -> Any:
        m, s = convert(mean, kind)._read(), convert(stddev, kind)._read()
        return made(m + s * _cut(sizes(shape), kind.dtype))

    return staged("truncated_normal", draw, draws=True)(shape, mean, stddev, name=name)


_DRAWS = 8


def _cut(shape: tuple[int, ...], dtype: Any) -> Any:
    """Redraw normal numbers beyond ±2. The fraction left after eight redraws, 2·10⁻¹¹, is clipped to ±2."""
    values = library.normal(shape, dtype=dtype)
    for _ in range(_DRAWS - 1):
        values = ew.where(ew.abs(values) <= 2.0, values, library.normal(shape, dtype=dtype))
    return ew.minimum(ew.maximum(values, -2.0), 2.0)


def random_shuffle(value: Any, seed: Any = None, name: str | None = None) -> Any:
    """Shuffle the rows of a tensor."""

    def shuffled(x: Any) -> Any:
        order = argsort(library.uniform(x.shape[:1], dtype=np.float64))
        return made(take(x._read(), order, axis=0), x._integer)

    return staged("RandomShuffle", shuffled, draws=True)(value, name=name)


def multinomial(
    logits: Any, num_samples: int, seed: Any = None, name: str | None = None, output_dtype: Any = dtypes.int64
) -> Any:
    """Draw classes for each row of logits; the result has shape (rows, num_samples)."""

    def draw(logits: Any) -> Any:
        scores = logits._read()
        unit = library.uniform((scores.shape[0], num_samples, scores.shape[1]), dtype=scores.dtype)
        return made(argmax(scores[:, None, :] - ew.log(-ew.log(1.0 - unit)), axis=-1), as_dtype(output_dtype or "int64").dtype)

    return staged("Multinomial", draw, draws=True)(logits, name=name)


normal, uniform, shuffle, categorical = random_normal, random_uniform, random_shuffle, multinomial

__all__ = [
    "categorical", "multinomial", "normal", "random_normal", "random_shuffle", "random_uniform", "set_random_seed", "shuffle",
    "truncated_normal", "uniform",
]  # fmt: skip
__getattr__ = missing("tensorflow.v1.random", __all__)
