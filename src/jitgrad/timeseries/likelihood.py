"""Maximum-likelihood estimates of a recorded likelihood, with their covariance."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jitgrad.arguments import number
from jitgrad.errors import ArgumentError, DataError, FitError, near_name
from jitgrad.tape.function import function
from jitgrad.timeseries.newton import Minimum, minimise
from jitgrad.transforms.gradients import value_and_grad
from jitgrad.transforms.jacobians import hessian

Cost = Callable[..., Any]
"""``cost(theta, *data)`` returns minus the log-likelihood as a Tensor, for parameters of shape (p,)."""


class Parameters(NamedTuple):
    """The parameters of a model.

    Attributes
    ----------
    names : tuple of str
        Their names.
    low, high : ndarray, shape (p,)
        Their bounds.
    """

    names: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray

    def held(self, fixed: Mapping[str, float] | None) -> Parameters:
        """Return the parameters with fixed ones between equal bounds. Raises ArgumentError for unknown names and bad values."""
        low, high = self.low.copy(), self.high.copy()
        for name, value in (fixed or {}).items():
            if name not in self.names:
                raise ArgumentError(
                    f"fixed: there is no parameter {name!r}.{near_name(name, self.names)} "
                    f"The parameters are {', '.join(self.names)}."
                )
            k, x = self.names.index(name), number(f"fixed {name}", value)
            if not self.low[k] <= x <= self.high[k]:
                raise ArgumentError(f"fixed: {name} is {x:g}. Choose a value from {self.low[k]:g} to {self.high[k]:g}.")
            low[k] = high[k] = x
        return Parameters(self.names, low, high)


class Estimate(NamedTuple):
    """The maximum of a likelihood.

    Attributes
    ----------
    values : ndarray, shape (p,)
        The parameters.
    free : ndarray of bool, shape (p,)
        Which of them are inside their bounds.
    hessian : ndarray, shape (p, p)
        The second derivatives of minus the log-likelihood.
    log_likelihood : float
        The log-likelihood.
    converged : bool
        Whether the search ended in a maximum.
    """

    values: np.ndarray
    free: np.ndarray
    hessian: np.ndarray
    log_likelihood: float
    converged: bool

    def covariance(self, middle: np.ndarray | None = None) -> np.ndarray:
        """Return the inverse of the Hessian, or the sandwich around ``middle``; nan for parameters at bounds."""
        made = np.full(self.hessian.shape, np.nan)
        part = np.ix_(self.free, self.free)
        bread = _inverse(self.hessian[part])
        made[part] = bread if middle is None else bread @ middle[part] @ bread
        return made


def _inverse(h: np.ndarray) -> np.ndarray:
    """Return the inverse of a Hessian, or nan if it is not positive definite."""
    size = np.sqrt(np.abs(np.diag(h)))
    scaled = h / np.outer(size, size) if size.all() else h
    if not np.isfinite(scaled).all() or (len(h) and np.linalg.eigvalsh(scaled)[0] < 1e-13):
        return np.full(h.shape, np.nan)
    return np.linalg.inv(scaled) / np.outer(size, size)


class Likelihood:
    """A likelihood whose value and derivatives are traced once for each shape of the data."""

    def __init__(self, cost: Cost) -> None:
        self._value = function(cost)
        self._derivatives = function(
            lambda theta, *data: (
                *value_and_grad(lambda t: cost(t, *data))(theta),
                hessian(lambda t: cost(t, *data))(theta),
            )
        )

    def maximum(
        self,
        data: Sequence[np.ndarray],
        starts: np.ndarray,
        parameters: Parameters,
        searches: int = 1,
        is_valid: Callable[[np.ndarray], bool] = lambda theta: True,
    ) -> Estimate:
        """Return the best of the maxima that are reached from the most likely starting points.

        Parameters
        ----------
        data : sequence of ndarray
            The arguments of the cost after the parameters.
        starts : ndarray, shape (s, p)
            The starting points.
        parameters : Parameters
            The parameters with their bounds.
        searches : int, default 1
            The number of starting points from which to search.
        is_valid : callable
            Whether parameters within the bounds are allowed. The search does not leave the allowed region.

        Raises
        ------
        FitError
            If the likelihood is not finite at any starting point.
        """
        low, high = parameters.low, parameters.high
        starts = np.unique(np.clip(starts, low, high), axis=0)

        @functools.cache
        def value(raw: bytes) -> float:
            x = np.frombuffer(raw)
            return float(self._value(x, *data)) if is_valid(x) else np.inf

        levels = np.array([value(start.tobytes()) for start in starts])
        order = np.argsort(np.where(np.isfinite(levels), levels, np.inf), kind="stable")[:searches]
        if not np.isfinite(levels[order[0]]):
            raise FitError(
                "The likelihood is not finite at any starting values. Rescale the series, or check it for extreme values."
            )
        ends = [
            minimise(lambda x: value(x.tobytes()), lambda x: self._all(x, data), starts[k], low, high)
            for k in order
            if np.isfinite(levels[k])
        ]
        best = min(ends, key=_rank)
        second = self._all(best.x, data)[2]
        return Estimate(best.x, (best.x > low) & (best.x < high), second, -best.value, best.converged)

    def _all(self, x: np.ndarray, data: Sequence[np.ndarray]) -> tuple[float, np.ndarray, np.ndarray]:
        value, gradient, second = (np.array(part, np.float64) for part in self._derivatives(x, *data))
        return float(value), gradient, 0.5 * (second + second.T)


def _rank(end: Minimum) -> float:
    return end.value if np.isfinite(end.value) else np.inf


def series_of(y: Any, least: int) -> np.ndarray:
    """Return a series as a float64 array of shape (n,). Raises DataError if it is not one, is constant or is too short."""
    try:
        series = np.array(y, np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"y is not numeric: {error}. Give numbers, one per time.") from error
    if series.ndim != 1:
        raise DataError(f"y has shape {series.shape}. Give one series of shape (n,).")
    if len(series) < least:
        raise DataError(f"y has {len(series)} rows, and the model needs at least {least}. Give more rows, or a smaller model.")
    bad = np.flatnonzero(~np.isfinite(series))
    if len(bad):
        raise DataError(f"y[{bad[0]}] is {series[bad[0]]}. Give a finite number for each time.")
    if np.ptp(series) == 0:
        raise DataError(f"y is {series[0]:g} in all rows. Give a series that varies.")
    return series
