"""The one source of randomness: seed it, and everything that draws from it repeats itself."""

from __future__ import annotations

import numpy as np

from jitgrad.arguments import MAX_SEED, count

_generator = np.random.default_rng()


def seed(n: int) -> None:
    """Seed everything that jitgrad draws: shuffling of rows, initial weights. Raises ArgumentError for a negative seed."""
    global _generator
    _generator = np.random.default_rng(count("seed", n, 0, MAX_SEED))


def generator(n: int | None = None) -> np.random.Generator:
    """NumPy's generator to draw from: one seeded by ``n``, or the common one."""
    return _generator if n is None else np.random.default_rng(n)
