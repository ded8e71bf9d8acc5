"""Models that predict each row of a series from the rows before it, and correct their state by the error.

The form is the innovations state space of Hyndman, Koehler, Ord and Snyder, *Forecasting with Exponential Smoothing*, 2008. The
same code runs on Tensors, in a scan over the rows, and on arrays, for forecasts of many paths at once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitgrad.control_flow.scan import scan
from jitgrad.functions.reductions import sum as sum_
from jitgrad.ops.elementwise import log, square

State = tuple[Any, ...]
PATHS = 20_000
"""The number of simulated paths of a model that is not linear in its errors."""


class Innovations:
    """A model of one series.

    Attributes
    ----------
    skipped : int
        The number of rows at the beginning on which the likelihood is conditional.
    linear : bool
        Whether the state and the prediction are linear in the errors.
    searches : int
        The number of starting points from which the likelihood is maximized.
    """

    skipped: int = 0
    linear: bool = True
    searches: int = 1

    def initial(self, theta: Any, first: Any) -> State:
        """Return the state before the first row that is predicted, from the rows before it."""
        raise NotImplementedError

    def predict(self, theta: Any, state: State) -> tuple[Any, Any]:
        """Return the prediction of the next row, and its standard deviation relative to that of the errors, or None for 1."""
        raise NotImplementedError

    def update(self, theta: Any, state: State, error: Any) -> State:
        """Return the state after a row that differs from its prediction by ``error``."""
        raise NotImplementedError

    def is_valid(self, theta: np.ndarray) -> bool:
        """Return whether parameters within the bounds are allowed."""
        return True

    def predictions(self, theta: Any, y: Any) -> tuple[Any, Any]:
        """Return the predictions of the rows after the skipped ones, and their relative standard deviations, as Tensors."""
        first, rest = y[: self.skipped], y[self.skipped :]

        def row(state: State, value: Any) -> tuple[State, Any]:
            mean, scale = self.predict(theta, state)
            return self.update(theta, state, value - mean), (mean,) if scale is None else (mean, scale)

        means, *scales = scan(row, self.initial(theta, first), rest)[1]
        return means, scales[0] if scales else None


def cost(model: Innovations, theta: Any, y: Any) -> Any:
    """Return minus the log-likelihood for normal errors, whose variance is at its maximum-likelihood estimate."""
    means, scales = model.predictions(theta, y)
    errors, n = y[model.skipped :] - means, int(means.shape[0])
    relative = errors if scales is None else errors / scales
    total = 0.5 * n * (log(2 * math.pi * sum_(square(relative)) / n) + 1.0)
    return total if scales is None else total + sum_(log(scales))


def final_state(model: Innovations, theta: np.ndarray, y: np.ndarray) -> State:
    """Return the state after the last row."""
    state = model.initial(theta, y[: model.skipped])
    for value in y[model.skipped :]:
        state = model.update(theta, state, value - model.predict(theta, state)[0])
    return state


def forecasts(
    model: Innovations, theta: np.ndarray, state: State, sigma: float, steps: int, level: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the point forecasts, their standard errors and the limits of their intervals, each (steps,).

    The point forecasts are the predictions without errors. For a linear model, the variance follows from the response to a unit
    error at each step, and intervals are normal. For other models, both are those of simulated paths.
    """
    mean = _paths(model, theta, state, np.zeros((steps, 1)))[:, 0]
    if model.linear:
        from scipy.special import ndtri

        responses = _paths(model, theta, state, np.eye(steps)) - mean[:, None]
        error = sigma * np.sqrt(np.sum(responses**2, axis=1))
        half = ndtri(0.5 + level / 2) * error
        return mean, error, mean - half, mean + half
    paths = _paths(model, theta, state, sigma * np.random.default_rng(seed).normal(size=(steps, PATHS)))
    low, high = np.quantile(paths, [0.5 - level / 2, 0.5 + level / 2], axis=1)
    return mean, paths.std(axis=1), low, high


def _paths(model: Innovations, theta: np.ndarray, state: State, errors: np.ndarray) -> np.ndarray:
    """Return the future of the series for errors of shape (steps, paths)."""
    state = tuple(np.broadcast_to(np.asarray(s)[..., None], (*np.shape(s), errors.shape[1])) for s in state)
    rows = []
    for given in errors:
        mean, scale = model.predict(theta, state)
        error = given if scale is None else given * scale
        state = model.update(theta, state, error)
        rows.append(mean + error)
    return np.stack(rows)
