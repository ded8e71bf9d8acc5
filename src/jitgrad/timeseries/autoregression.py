"""Autoregressive and moving-average models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitgrad.arguments import by_name, count
from jitgrad.errors import ArgumentError
from jitgrad.timeseries.fit import fit_innovations
from jitgrad.timeseries.innovations import Innovations, State
from jitgrad.timeseries.likelihood import Parameters, series_of
from jitgrad.timeseries.result import TimeSeriesFit
from jitgrad.typing import ArrayLike

TRENDS = {"c": True, "n": False}
METHODS = {"ml": "", "css": "conditional sum of squares"}
LARGEST = 100
"""The largest lag."""
LARGEST_ORDER = 12


def ar(
    y: ArrayLike, lags: int | Sequence[int] = 1, *, trend: str = "c", fixed: Mapping[str, float] | None = None
) -> TimeSeriesFit:
    """Fit an autoregression to a series by least squares.

    Parameters
    ----------
    y : array_like, shape (n,)
        The series, evenly spaced in time.
    lags : int or sequence of int, default 1
        The largest lag, or the lags themselves, such as ``[1, 12]``.
    trend : {"c", "n"}, default "c"
        Whether the regression has a constant.
    fixed : mapping of str to float, optional
        Parameters that are not fitted.

    Returns
    -------
    TimeSeriesFit
        Estimates of ``const``, ``lag1``, ``lag2``, …, one-step predictions and forecasts.

    Raises
    ------
    ArgumentError
        If an option is invalid, or `fixed` has an unknown name.
    DataError
        If the series is too short, constant, or not finite.
    FitError
        If the residuals are zero.

    See Also
    --------
    arma : The same model by exact maximum likelihood: ``arma(y, (p, 0))``.

    Notes
    -----
    The likelihood is conditional on the first rows, as in statsmodels' ``AutoReg`` and R's ``ar.ols``: a regression of y on its
    lags. Standard errors are those of the maximum-likelihood estimates, with the variance of the errors estimated by the mean
    of their squares.

    Examples
    --------
    The level of Lake Huron at the end of 1875 to 1884, in feet:

    >>> level = [580.38, 581.86, 580.97, 580.80, 579.79, 580.39, 580.42, 580.82, 581.40, 581.32]
    >>> fit = jg.timeseries.ar(level, lags=1)
    >>> {name: round(value, 2) for name, value in fit.parameters.items()}
    {'const': 456.33, 'lag1': 0.21}
    """
    by_name("trend", trend, TRENDS)
    chosen = tuple(range(1, 1 + count("lags", lags, high=LARGEST))) if np.ndim(lags) == 0 else tuple(lags)  # type: ignore[arg-type]
    if list(chosen) != sorted({count("lags", lag, high=LARGEST) for lag in chosen}) or not chosen:
        raise ArgumentError(f"lags is {lags!r}. Give different lags in ascending order, such as [1, 12].")
    model = Autoregression(chosen, TRENDS[trend])
    series = series_of(y, 2 * len(model.parameters.names) + model.skipped + 1)
    order = f"of order {chosen[-1]}" if chosen == tuple(range(1, 1 + len(chosen))) else f"at lags {', '.join(map(str, chosen))}"
    start = np.linalg.lstsq(model.design(series), series[model.skipped :], rcond=None)[0]
    return fit_innovations(model, f"Autoregression {order}", series, model.parameters.held(fixed), start[None])


@dataclass(frozen=True)
class Autoregression(Innovations):
    """A regression on lags. The state is the latest rows, the last one first."""

    lags: tuple[int, ...]
    constant: bool

    @property
    def skipped(self) -> int:  # type: ignore[override]
        """The number of rows at the beginning that are not predicted."""
        return self.lags[-1]

    @property
    def parameters(self) -> Parameters:
        """The parameters, without bounds."""
        return unbounded([*["const"] * self.constant, *(f"lag{lag}" for lag in self.lags)])

    def design(self, y: Any) -> Any:
        """Return the matrix of the regression."""
        rows = y.shape[0] - self.skipped
        columns = [y[self.skipped - lag :][:rows] for lag in self.lags]
        return np.stack([*[np.ones(rows)] * self.constant, *columns], axis=1)

    def predictions(self, theta: Any, y: Any) -> tuple[Any, Any]:
        """Return the predictions of all rows at once, since none depends on the error of another."""
        return self.design(y) @ theta, None

    def initial(self, theta: Any, first: Any) -> State:
        """Return the first rows in reverse order."""
        return (first[::-1],)

    def predict(self, theta: Any, state: State) -> tuple[Any, Any]:
        """Return the prediction of the next row."""
        mean = theta[0] if self.constant else 0.0
        for k, lag in enumerate(self.lags):
            mean = mean + theta[k + self.constant] * state[0][lag - 1]
        return mean, None

    def update(self, theta: Any, state: State, error: Any) -> State:
        """Return the latest rows after a row with this error."""
        return (np.concatenate([(self.predict(theta, state)[0] + error)[None], state[0][:-1]]),)


def arma(
    y: ArrayLike,
    order: tuple[int, int] = (1, 1),
    *,
    trend: str = "c",
    method: str = "ml",
    fixed: Mapping[str, float] | None = None,
) -> TimeSeriesFit:
    """Fit an autoregressive moving-average model to a series.

    Parameters
    ----------
    y : array_like, shape (n,)
        The series, evenly spaced in time and stationary.
    order : tuple of int, default (1, 1)
        The numbers p and q of autoregressive and moving-average parameters, from 0 to 12.
    trend : {"c", "n"}, default "c"
        Whether the mean is estimated or 0.
    method : {"ml", "css"}, default "ml"
        ``"ml"`` maximizes the exact likelihood of a stationary series; ``"css"`` minimizes the conditional sum of squares, in
        which the errors of the first p rows, and before them, are 0.
    fixed : mapping of str to float, optional
        Parameters that are not fitted.

    Returns
    -------
    TimeSeriesFit
        Estimates of ``mean``, ``ar1``, …, ``ma1``, …, one-step predictions and forecasts.

    Raises
    ------
    ArgumentError
        If an option is invalid, or `fixed` has an unknown name.
    DataError
        If the series is too short, constant, or not finite.
    FitError
        If the residuals are zero.

    Warns
    -----
    FitWarning
        If the fit did not converge.

    See Also
    --------
    ar : Autoregression by least squares.

    Notes
    -----
    With z = y - mean and errors e, the model is

    .. math:: z_t = \\sum_{i=1}^p \\mathrm{ar}_i z_{t-i} + e_t + \\sum_{j=1}^q \\mathrm{ma}_j e_{t-j}.

    The exact likelihood is computed by the Kalman filter [1]_. Standard errors follow from the exact Hessian of the
    log-likelihood, as in R's ``arima``; statsmodels' ``ARIMA`` uses products of scores by default.

    References
    ----------
    .. [1] Harvey, A. C. and Phillips, G. D. A., "Maximum likelihood estimation of regression models with autoregressive-moving
       average disturbances", Biometrika 66, 1979.

    Examples
    --------
    >>> draw = np.random.default_rng(0)
    >>> e = draw.normal(size=401)
    >>> y = 5 + e[1:] + 0.6 * e[:-1]
    >>> fit = jg.timeseries.arma(y, (0, 1))
    >>> {name: round(value, 2) for name, value in fit.parameters.items()}
    {'mean': 4.94, 'ma1': 0.59}
    """
    by_name("trend", trend, TRENDS)
    by_name("method", method, METHODS)
    if not (isinstance(order, (tuple, list)) and len(order) == 2):
        raise ArgumentError(f"order is {order!r}. Give (p, q), such as (1, 1).")
    p, q = (count("order", part, low=0, high=LARGEST_ORDER) for part in order)
    model: Arma | ConditionalArma = (Arma if method == "ml" else ConditionalArma)(p, q, TRENDS[trend])
    if not model.parameters.names:
        raise ArgumentError('order is (0, 0) and trend is "n", so there are no parameters. Give an order, or trend="c".')
    series = series_of(y, 2 * len(model.parameters.names) + p + q + 3)
    parts = [f"ARMA({p}, {q})", METHODS[method]]
    title = " by ".join(part for part in parts if part)
    return fit_innovations(model, title, series, model.parameters.held(fixed), model.starts(series))


@dataclass(frozen=True)
class _OfOrders(Innovations):
    """What both forms of an ARMA model share."""

    p: int
    q: int
    constant: bool
    searches = 2

    @property
    def parameters(self) -> Parameters:
        """The parameters. Those of order 1 have bounds."""
        names = [*["mean"] * self.constant, *(f"ar{k + 1}" for k in range(self.p)), *(f"ma{k + 1}" for k in range(self.q))]
        made = unbounded(names)
        for name, order in (("ar1", self.p), ("ma1", self.q)):
            if order == 1:
                made.low[names.index(name)], made.high[names.index(name)] = -1.0, 1.0
        return made

    def is_valid(self, theta: np.ndarray) -> bool:
        """Return whether the moving average is invertible and, for the exact likelihood, the autoregression stationary."""
        _, ar, ma = self.split(theta)
        return _is_stable(-np.array(ma)) and (self.skipped > 0 or _is_stable(np.array(ar)))

    def split(self, theta: Any) -> tuple[Any, list[Any], list[Any]]:
        """Return the mean and the two lists of coefficients."""
        mean, start = theta[0] if self.constant else 0.0, int(self.constant)
        coefficients = [theta[start + k] for k in range(self.p + self.q)]
        return mean, coefficients[: self.p], coefficients[self.p :]

    def starts(self, y: np.ndarray) -> np.ndarray:
        """Return the estimates of Hannan and Rissanen (Biometrika 69, 1982), shrunk in several degrees, (s, p)."""
        z = y - y.mean() if self.constant else y
        longest = min(max(self.p, self.q) + 8, len(y) // 4)
        errors = np.concatenate([np.zeros(longest), z[longest:]])
        if longest:
            lagged = np.stack([z[longest - k : len(z) - k] for k in range(1, longest + 1)], axis=1)
            errors[longest:] -= lagged @ np.linalg.lstsq(lagged, z[longest:], rcond=None)[0]
        first = max(self.p, self.q) + longest
        columns = [z[first - k : len(z) - k] for k in range(1, self.p + 1)]
        columns += [errors[first - k : len(z) - k] for k in range(1, self.q + 1)]
        found = np.linalg.lstsq(np.stack(columns, axis=1), z[first:], rcond=None)[0] if columns else np.zeros(0)
        mean = [y.mean()] if self.constant else []
        shrunk = [np.concatenate([mean, factor * found]) for factor in (1.0, 0.7, 0.3, 0.0)]
        return np.stack(shrunk)


class ConditionalArma(_OfOrders):
    """The recurrence conditional on the first p rows. The state is the latest rows minus the mean, and the latest errors."""

    @property
    def skipped(self) -> int:  # type: ignore[override]
        """The number of rows at the beginning that are not predicted."""
        return self.p

    def initial(self, theta: Any, first: Any) -> State:
        """Return the first rows minus the mean, and errors of 0."""
        rows = (first[::-1] - self.split(theta)[0],) if self.p else ()
        return (*rows, np.zeros(self.q)) if self.q else rows

    def predict(self, theta: Any, state: State) -> tuple[Any, Any]:
        """Return the prediction of the next row."""
        mean, ar, ma = self.split(theta)
        for k, coefficient in enumerate(ar):
            mean = mean + coefficient * state[0][k]
        for k, coefficient in enumerate(ma):
            mean = mean + coefficient * state[-1][k]
        return mean, None

    def update(self, theta: Any, state: State, error: Any) -> State:
        """Return the latest rows and errors after a row with this error."""
        row = self.predict(theta, state)[0] + error - self.split(theta)[0]
        rows = (np.concatenate([row[None], state[0][:-1]]),) if self.p else ()
        return (*rows, np.concatenate([error[None], state[-1][:-1]])) if self.q else rows


class Arma(_OfOrders):
    """The Kalman filter of a stationary series, started from its stationary distribution.

    The state is the predicted state vector in Harvey's form, and its covariance relative to the variance of the errors.
    """

    @property
    def size(self) -> int:
        """The length of the state vector."""
        return max(self.p, self.q + 1)

    def _shift(self, ar: list[Any], x: Any) -> Any:
        """Return the transition matrix times a vector or matrix, along the first axis."""
        rows = []
        for k in range(self.size):
            row = x[k + 1] if k + 1 < self.size else 0.0 * x[0]
            rows.append(ar[k] * x[0] + row if k < self.p else row)
        return np.stack(rows)

    def _noise(self, ma: list[Any]) -> Any:
        """Return the loadings of an error on the state vector."""
        one = ma[0] * 0.0 + 1.0 if ma else np.ones(())
        return np.stack([one, *ma, *[0.0 * one] * (self.size - 1 - len(ma))])

    def initial(self, theta: Any, first: Any) -> State:
        """Return 0 and the stationary covariance P, which solves P = T P Tᵀ + R Rᵀ."""
        _, ar, ma = self.split(theta)
        n = self.size
        loads = self._noise(ma)
        outer = loads[:, None] * loads[None, :]
        transition = self._shift(ar, np.eye(n))
        kron = (transition[:, None, :, None] * transition[None, :, None, :]).reshape(n * n, n * n)
        covariance = np.linalg.solve(np.eye(n * n) - kron, outer.reshape(n * n, 1)).reshape(n, n)
        return np.zeros(n), covariance

    def predict(self, theta: Any, state: State) -> tuple[Any, Any]:
        """Return the prediction of the next row, and its relative standard deviation."""
        return self.split(theta)[0] + state[0][0], state[1][0, 0] ** 0.5

    def update(self, theta: Any, state: State, error: Any) -> State:
        """Return the predicted state vector and its covariance after a row with this error."""
        _, ar, ma = self.split(theta)
        vector, covariance = state
        variance, loads = covariance[0, 0], self._noise(ma)
        gain = self._shift(ar, covariance[:, 0]) / variance
        moved = self._shift(ar, np.swapaxes(self._shift(ar, covariance), 0, 1))
        outer = loads[:, None] * loads[None, :]
        spread = np.ndim(moved) - 2  # an axis of paths
        moved = moved + outer.reshape(*outer.shape, *[1] * spread) - gain[:, None] * gain[None, :] * variance
        return self._shift(ar, vector) + gain * error, moved


def _is_stable(coefficients: np.ndarray) -> bool:
    """Return whether the roots of z^k - c1 z^(k - 1) - ... - ck are in the closed unit disk."""
    return bool(np.abs(np.roots([1.0, *-coefficients])).max(initial=0.0) <= 1.0)


def unbounded(names: Sequence[str]) -> Parameters:
    """Return parameters without bounds."""
    return Parameters(tuple(names), np.full(len(names), -np.inf), np.full(len(names), np.inf))
