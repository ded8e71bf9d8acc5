"""Problems of Moré, Garbow and Hillstrom, "Testing unconstrained optimization software", ACM TOMS 7, 1981, as models.

A residual is a function of the parameters alone; the response is y = 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import jitgrad as jg


class Problem(NamedTuple):
    """A residual with its standard start, and the sums of squares at its minima from the paper."""

    name: str
    residual: Callable[..., Any]
    start: tuple[float, ...]
    minima: tuple[float, ...]

    def model(self, x: Any, *parameters: Any) -> Any:
        """What ``curve_fit`` takes."""
        return self.residual(*parameters)

    @property
    def rows(self) -> int:
        """Of the residual."""
        return int(np.size(self.residual(*(jg.tensor(value) for value in self.start))))

    def solved(self, cost: float) -> bool:
        """Whether half a sum of squares is that of one of the minima, to the six digits of the paper."""
        return any(abs(2 * cost - minimum) <= 1e-5 * max(minimum, 1e-5) for minimum in self.minima)


def rosenbrock(a: Any, b: Any) -> Any:
    return jg.stack([10 * (b - a**2), 1 - a])


def freudenstein_roth(a: Any, b: Any) -> Any:
    return jg.stack([-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b])


def beale(a: Any, b: Any) -> Any:
    return jg.stack([y - a * (1 - b**k) for k, y in enumerate((1.5, 2.25, 2.625), 1)])


def helical_valley(a: Any, b: Any, c: Any) -> Any:
    return jg.stack([10 * (c - 10 * jg.arctan2(b, a) / (2 * math.pi)), 10 * (jg.sqrt(a**2 + b**2) - 1), c])


def bard(a: Any, b: Any, c: Any) -> Any:
    y = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])
    u = np.arange(1.0, 16)
    return y - (a + u / ((16 - u) * b + np.minimum(u, 16 - u) * c))


def box(a: Any, b: Any, c: Any) -> Any:
    t = np.arange(1, 11) / 10
    return jg.exp(-t * a) - jg.exp(-t * b) - c * (np.exp(-t) - np.exp(-10 * t))


def powell_singular(a: Any, b: Any, c: Any, d: Any) -> Any:
    return jg.stack([a + 10 * b, 5**0.5 * (c - d), (b - 2 * c) ** 2, 10**0.5 * (a - d) ** 2])


def wood(a: Any, b: Any, c: Any, d: Any) -> Any:
    last = [10**0.5 * (b + d - 2), (b - d) / 10**0.5]
    return jg.stack([10 * (b - a**2), 1 - a, 90**0.5 * (d - c**2), 1 - c, *last])


def brown_dennis(a: Any, b: Any, c: Any, d: Any) -> Any:
    t = np.arange(1, 21) / 5
    return (a + t * b - np.exp(t)) ** 2 + (c + d * np.sin(t) - np.cos(t)) ** 2


def jennrich_sampson(a: Any, b: Any) -> Any:
    i = np.arange(1.0, 11)
    return 2 + 2 * i - (jg.exp(i * a) + jg.exp(i * b))


def biggs_exp6(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
    t = np.arange(1, 14) / 10
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    return c * jg.exp(-t * a) - d * jg.exp(-t * b) + f * jg.exp(-t * e) - y


def watson(*b: Any) -> Any:
    t = np.arange(1, 30) / 29
    slope = sum(j * b[j] * t ** (j - 1) for j in range(1, len(b)))
    value = sum(b[j] * t**j for j in range(len(b)))
    return jg.concatenate([slope - value**2 - 1, jg.stack([b[0], b[1] - b[0] ** 2 - 1])])


def osborne_2(*b: Any) -> Any:
    t = np.arange(65) / 10
    peaks = sum(b[k] * jg.exp(-((t - b[k + 7]) ** 2) * b[k + 4]) for k in (1, 2, 3))
    return OSBORNE - (b[0] * jg.exp(-t * b[4]) + peaks)


OSBORNE = np.array([
    1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608, 0.655, 0.616, 0.606, 0.602,
    0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661, 0.612, 0.558, 0.533, 0.495, 0.500, 0.423, 0.395, 0.375,
    0.372, 0.391, 0.396, 0.405, 0.428, 0.429, 0.523, 0.562, 0.607, 0.653, 0.672, 0.708, 0.633, 0.668, 0.645, 0.632, 0.591,
    0.559, 0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581, 0.428, 0.292, 0.162, 0.098, 0.054,
])  # fmt: skip

PROBLEMS = [
    Problem("rosenbrock", rosenbrock, (-1.2, 1), (0,)),
    Problem("freudenstein_roth", freudenstein_roth, (0.5, -2), (0, 48.9842)),
    Problem("beale", beale, (1, 1), (0,)),
    Problem("helical_valley", helical_valley, (-1, 0, 0), (0,)),
    Problem("bard", bard, (1, 1, 1), (8.21487e-3, 17.4286)),
    Problem("box", box, (0, 10, 20), (0,)),
    Problem("powell_singular", powell_singular, (3, -1, 0, 1), (0,)),
    Problem("wood", wood, (-3, -1, -3, -1), (0,)),
    Problem("brown_dennis", brown_dennis, (25, 5, -5, -1), (85822.2,)),
    Problem("jennrich_sampson", jennrich_sampson, (0.3, 0.4), (124.362,)),
    Problem("biggs_exp6", biggs_exp6, (1, 2, 1, 1, 1, 1), (0, 5.65565e-3)),
    Problem("watson_6", watson, (0,) * 6, (2.28767e-3,)),
    Problem("watson_9", watson, (0,) * 9, (1.39976e-6,)),
    Problem("osborne_2", osborne_2, (1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5), (4.01377e-2,)),
]

BEYOND = {
    ("bard", 10), ("bard", 100), ("beale", 10), ("beale", 100), ("box", 10), ("box", 100),
    ("jennrich_sampson", 10), ("jennrich_sampson", 100),
    ("biggs_exp6", 100), ("osborne_2", 10), ("osborne_2", 100),
}  # fmt: skip
"""Starts from which the cost falls towards a minimum at infinity."""


class Run(NamedTuple):
    """A problem from a multiple of its standard start."""

    problem: Problem
    factor: int

    def __str__(self) -> str:
        return f"{self.problem.name}-{self.factor}"

    @property
    def start(self) -> np.ndarray:
        """(n,)."""
        return self.factor * np.array(self.problem.start, np.float64)


RUNS = [Run(problem, factor) for problem in PROBLEMS for factor in (1, 10, 100) if factor == 1 or any(problem.start)]
