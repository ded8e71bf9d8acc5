"""The differential equations that ``perf/ode.py`` solves and fits."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# Lorenz
SPAN, OUTPUTS, TOLERANCE = (0.0, 100.0), np.linspace(0, 100, 1001), 1e-8
BEGIN = np.array([1.0, 0.0, 0.0])

# Lotka-Volterra
TIMES, POPULATIONS = np.linspace(0, 20, 21), np.array([30.0, 4.0])
TRUTH = np.array([0.55, 0.028, 0.8, 0.024])
START = 1.3 * TRUTH
OBSERVED = np.array([
    [
        30.52, 48.33, 69.63, 76.06, 51.01, 19, 10.22, 9.685, 11.43, 15.85, 23.47, 37.25, 53.46, 76.64, 70.94, 32.83,
        13.63, 9.419, 9.514, 12.61, 18.5,
    ],
    [
        3.945, 4.732, 8.264, 19.67, 47.58, 49.1, 30.16, 17.63, 10.1, 6.849, 4.15, 3.913, 5.887, 12.24, 36.9, 54.52,
        38.06, 24.39, 13.72, 7.534, 5.028,
    ],
])  # fmt: skip
"""Both populations at these times with errors of 5 %, rounded."""

# Stiff problems: name, initial state, end, relative and absolute tolerance, and the solution at the end, from the test set of
# Mazzia and Magherini (2008).
STIFF: dict[str, tuple[list[float], float, float, float, list[float]]] = {
    "robertson": ([1.0, 0.0, 0.0], 1e11, 1e-6, 1e-12, [0.2083340149701255e-7, 0.8333360770334713e-13, 0.9999999791665050]),
    "van der pol": ([2.0, 0.0], 2000.0, 1e-6, 1e-9, [1.706167732170483, -0.8928097010247975e-3]),
}
MU = 1000.0
SECONDS = 1.0
"""The time of the repeated calls that a figure is the minimum of."""
SETS = 10_000
"""Number of sets of parameters that are solved together."""

# A network as a right-hand side
UNITS, NETWORK_TIMES, NETWORK_BEGIN = (2, 50, 50, 2), np.linspace(0, 2, 21), np.array([1.0, 0.5])
TARGETS = np.random.default_rng(1).normal(size=(2, 21))
NORM = 23.7394037414675
"""The sum of squares of the gradient, with tolerances of 1e-13."""


def network() -> list[np.ndarray]:
    """Return the weights and biases of each layer."""
    random, made = np.random.default_rng(0), list[np.ndarray]()
    for before, after in itertools.pairwise(UNITS):
        made += [random.normal(size=(after, before)) / np.sqrt(before), random.normal(size=after) / np.sqrt(before)]
    return made


def norm_error(gradient: Sequence[Any]) -> float:
    """Return the relative error of the norm of the gradient."""
    return abs(float(np.sqrt(sum(float((np.asarray(g) ** 2).sum()) for g in gradient) / NORM)) - 1)


def parameter_sets(n: int) -> np.ndarray:
    """Return n sets of parameters, up to 20 % off."""
    return TRUTH * np.random.default_rng(0).uniform(0.8, 1.2, (n, 4))


def timed(function: Callable[[], Any], once: bool = False) -> tuple[float, float, Any]:
    """Return the time of a first call, the minimum of more calls during a second unless ``once``, and the result."""
    times: list[float] = []
    while not times or (not once and (len(times) < 4 or sum(times[1:]) < SECONDS)):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return times[0], min(times[1:], default=times[0]), result


def row(side: str, run: tuple[float, float, Any], **more: Any) -> dict[str, Any]:
    """Return a row of the results."""
    return {"side": side, "first": run[0], "seconds": run[1]} | more


def worst(found: Any, solution: Sequence[float]) -> float:
    """Return the largest relative error."""
    return float(np.max(np.abs(np.asarray(found) / solution - 1)))
