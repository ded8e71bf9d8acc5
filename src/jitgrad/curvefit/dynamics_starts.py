"""Starting values of the named models that are differential equations.

Epidemics are simulated on a grid of parameters by the method of Runge and Kutta, and fitted from the best points of the grid.
The parameters of predators and prey follow from a regression on the integrated equations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitgrad.curvefit import guesses
from jitgrad.curvefit.guesses import Start

STEPS = 80
"""The number of steps of a simulation."""
EVALUATIONS = 10
"""The number of evaluations of a fit from a point of the grid."""
DIFFERENCE = 1e-5
"""The step of finite differences, in logarithms of parameters."""
FAR = 1e3
"""The largest residual, relative to the population."""
LONGEST = 1e100
"""The largest range of times; others are treated like a range of 1."""

Rates = Callable[[Any], Sequence[np.ndarray]]
"""Returns the derivatives of the states, (points,) each."""


def simulated(rates: Rates, initial: Sequence[Any], observed: int, x: np.ndarray) -> np.ndarray:
    """Return a state at the times x, (points, n), from initial values at time 0 of shape (points,)."""
    y = np.array(initial, np.float64)
    step = (x.max() if 1 / LONGEST < x.max() < LONGEST else 1.0) / STEPS

    def slope(y: np.ndarray) -> np.ndarray:
        return np.array(rates(y))

    path = [y[observed]]
    for _ in range(STEPS):
        first = slope(y)
        second = slope(y + step / 2 * first)
        third = slope(y + step / 2 * second)
        fourth = slope(y + step * third)
        y = y + step / 6 * (first + 2 * second + 2 * third + fourth)
        path.append(y[observed])
    along = np.stack(path, axis=1)
    place = np.clip(x / step, 0, STEPS)
    before = np.minimum(place.astype(int), STEPS - 1)
    return np.asarray(along[:, before] + (place - before) * (along[:, before + 1] - along[:, before]))


def best_of(curve: Callable[..., np.ndarray], grids: Sequence[np.ndarray], y: np.ndarray) -> np.ndarray:
    """Return the parameters at which the curve is closest to y, found from the lowest minima of a grid.

    The curve takes arrays of positive parameters, (points,) each, and returns (points, n).
    """
    from scipy.optimize import least_squares

    def residuals(logs: np.ndarray) -> np.ndarray:
        return np.asarray(np.clip(np.nan_to_num(curve(*np.exp(logs)) - y, nan=FAR), -FAR, FAR))

    def jacobian(logs: np.ndarray) -> np.ndarray:
        moved = logs[:, None] + DIFFERENCE * np.eye(len(logs), len(logs) + 1)
        found = residuals(moved)
        return np.asarray((found[:-1] - found[-1]).T / DIFFERENCE)

    points = np.stack(np.meshgrid(*map(np.log, grids), indexing="ij"), axis=-1).reshape(-1, len(grids))
    squares = np.sum(residuals(points.T) ** 2, axis=1).reshape([len(grid) for grid in grids])
    starts = points[guesses.minima(squares)]
    ends = [least_squares(lambda u: residuals(u[:, None])[0], start, jacobian, max_nfev=EVALUATIONS) for start in starts]
    return np.asarray(np.exp(min(ends, key=lambda end: end.cost).x))


def _epidemic(x: np.ndarray, size: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return the condensed data as fractions of the population, and grids of rates, reproduction numbers and beginnings."""
    x, y = guesses.condensed(x, y / size)
    longest = x.max() if 1 / LONGEST < x.max() < LONGEST else 1.0
    rates = np.geomspace(1.0, 60.0, 9) / longest
    numbers = np.array([1.2, 1.6, 2.5, 4.0, 7.0, 12.0, 20.0])
    begun = np.geomspace(1e-6, 1e-1, 11)
    return x, y, rates, [numbers, begun]


def sir(x: np.ndarray, size: np.ndarray, y: np.ndarray) -> Start:
    """Return beta, gamma and I0."""
    x, y, rates, others = _epidemic(x, size, y)

    def infectious(gamma: np.ndarray, number: np.ndarray, begun: np.ndarray) -> np.ndarray:
        def slopes(state: Any) -> Sequence[np.ndarray]:
            new = number * gamma * state[0] * state[1]
            return -new, new - gamma * state[1]

        return simulated(slopes, [1 - begun, begun], 1, x)

    gamma, number, begun = best_of(infectious, [rates, *others], y)
    return number * gamma, gamma, begun * size[0]


def seir(x: np.ndarray, size: np.ndarray, y: np.ndarray) -> Start:
    """Return beta, sigma, gamma and I0."""
    x, y, rates, (numbers, begun) = _epidemic(x, size, y)

    def infectious(gamma: np.ndarray, ratio: np.ndarray, number: np.ndarray, begun: np.ndarray) -> np.ndarray:
        sigma = ratio * gamma

        def slopes(state: Any) -> Sequence[np.ndarray]:
            new, ill = number * gamma * state[0] * state[2], sigma * state[1]
            return -new, new - ill, ill - gamma * state[2]

        return simulated(slopes, [1 - begun, 0.0 * begun, begun], 2, x)

    ratios = np.array([0.3, 0.7, 1.5, 3.0, 8.0])
    gamma, ratio, number, start = best_of(infectious, [rates[:-1], ratios, numbers, begun], y)
    return number * gamma, ratio * gamma, gamma, start * size[0]


def lotka_volterra(x: np.ndarray, species: np.ndarray, y: np.ndarray) -> Start:
    """Return alpha, beta, gamma, delta, prey0 and predator0.

    The logarithms of the populations change by alpha Δx - beta ∫ predator dx and delta ∫ prey dx - gamma Δx.
    """
    times, kinds = np.unique(x), np.unique(species)
    if len(kinds) != 2:
        return 1.0, 1.0, 1.0, 1.0, 1.0, 1.0
    series = []
    for kind in kinds:
        rows = species == kind
        at, inverse = np.unique(x[rows], return_inverse=True)
        means = np.bincount(inverse, y[rows]) / np.bincount(inverse)
        series.append(np.maximum(np.interp(times, at, means), 1e-3 * (np.abs(y[rows]).max() or 1.0)))
    prey, predator = series
    steps = np.diff(times)
    if len(steps) < 2:
        return 1.0, 1.0, 1.0, 1.0, prey[0], predator[0]
    of_prey, of_predator = (steps * np.sqrt(s[1:] * s[:-1]) for s in (prey, predator))
    alpha, beta = guesses.linear([steps, -of_predator], np.diff(np.log(prey)))
    gamma, delta = guesses.linear([-steps, of_prey], np.diff(np.log(predator)))
    cycle = 2 * np.pi / times[-1]
    alpha, gamma = (rate if rate > 0 else cycle for rate in (alpha, gamma))
    beta = beta if beta > 0 else alpha / predator.mean()
    delta = delta if delta > 0 else gamma / prey.mean()
    return alpha, beta, gamma, delta, prey[0], predator[0]


def progress(x: np.ndarray, y: np.ndarray) -> Start:
    """Return vmax, km and s0, from the solution by Lambert's W function (Schnell and Mendoza, J. Theor. Biol. 187, 1997)."""
    from scipy.special import wrightomega

    x, y = guesses.condensed(x, y)
    rates = guesses.evenly_in_log(0.05, 200.0, 40) / (x.max() or 1.0)
    constants = np.geomspace(0.003, 300.0, 16)
    rate, constant, amount = guesses.separable(
        lambda x, rate, constant: [1 - constant * wrightomega((1 - rate * x) / constant - np.log(constant)).real],
        [rates, constants], x, y,
    )  # fmt: skip
    return rate * amount, constant * amount, amount
