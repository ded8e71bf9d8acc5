"""``keras.random``: random tensors, with the library's random numbers."""

from __future__ import annotations

from typing import Any

from jitgrad import random as library
from jitgrad.compat.keras.border import as_plain, dtype_name, wrap
from jitgrad.compat.modules import missing
from jitgrad.errors import ArgumentError


class SeedGenerator:
    """A generator of random numbers with its own seed, or jitgrad's global generator."""

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        self.seed, self.name = seed, name
        self.source = None if seed is None else library.Source(seed)


def _source(seed: Any) -> library.Source | None:
    """Return the generator for a seed. A number creates a new generator in each call."""
    if isinstance(seed, int):
        return library.Source(seed)
    if seed is not None and not isinstance(seed, SeedGenerator):
        raise ArgumentError(f"seed is {seed!r}. Give a number, or a SeedGenerator.")
    return None if seed is None else seed.source


def normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draw from a normal distribution."""
    made = library.normal(tuple(shape), mean, stddev, source=_source(seed))
    return wrap(as_plain(wrap(made), dtype_name(dtype)))


def uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draw from the uniform distribution from ``minval`` to ``maxval``."""
    made = library.uniform(tuple(shape), minval, maxval, source=_source(seed))
    return wrap(as_plain(wrap(made), dtype_name(dtype)))


__all__ = ["SeedGenerator", "normal", "uniform"]
__getattr__ = missing("keras.random", __all__, dict.fromkeys(["dropout", "shuffle"], "Use the function of tf."))
