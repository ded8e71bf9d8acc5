"""Values of x for test cases."""

from __future__ import annotations

import numpy as np


def even(low: float, high: float, n: int) -> np.ndarray:
    return np.linspace(low, high, n)


def logs(low: float, high: float, n: int) -> np.ndarray:
    return np.geomspace(low, high, n)


def drawn(low: float, high: float, n: int) -> np.ndarray:
    return np.random.default_rng(n).uniform(low, high, n)
