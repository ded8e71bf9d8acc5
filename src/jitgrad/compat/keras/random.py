"""``keras.random``: random tensors, by the library's numbers."""

from __future__ import annotations

from typing import Any

from jitgrad import random as library
from jitgrad.compat.keras.border import as_plain, dtype_name, wrap
from jitgrad.compat.modules import missing
from jitgrad.errors import ArgumentError


class SeedGenerator:
    """Where layers draw their numbers from: jitgrad's own, which a seed starts anew."""

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        self.seed, self.name = seed, name
        if seed is not None:
            library.seed(seed)


def _seeded(seed: Any) -> None:
    if isinstance(seed, int):
        library.seed(seed)
    elif seed is not None and not isinstance(seed, SeedGenerator):
        raise ArgumentError(f"seed is {seed!r}. Give a number, or a SeedGenerator.")


def normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normal of this mean and standard deviation."""
    _seeded(seed)
    return wrap(as_plain(wrap(library.normal(tuple(shape), mean, stddev)), dtype_name(dtype)))


def uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Uniform from ``minval`` to ``maxval``."""
    _seeded(seed)
    return wrap(as_plain(wrap(library.uniform(tuple(shape), minval, maxval)), dtype_name(dtype)))


__all__ = ["SeedGenerator", "normal", "uniform"]
__getattr__ = missing("keras.random", __all__, dict.fromkeys(["dropout", "shuffle"], "Use the function of tf."))
