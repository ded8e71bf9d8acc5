"""Exponential smoothing: simple, Holt's and Holt-Winters'."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitgrad.arguments import by_name, count
from jitgrad.errors import ArgumentError, DataError
from jitgrad.timeseries.fit import fit_innovations
from jitgrad.timeseries.innovations import Innovations, State
from jitgrad.timeseries.likelihood import Parameters, series_of
from jitgrad.timeseries.result import TimeSeriesFit
from jitgrad.typing import ArrayLike

TRENDS = {"add": "linear"}
SEASONS = {"add": "additive", "mul": "multiplicative"}
ERRORS = {"add": False, "mul": True}
DAMPING = 0.8, 0.98
"""The bounds of the damping factor, as in R's ``ets``."""
LONGEST = 400
"""The longest season."""


def exponential_smoothing(
    y: ArrayLike,
    trend: str | None = None,
    seasonal: str | None = None,
    seasonal_periods: int | None = None,
    *,
    damped_trend: bool = False,
    error: str = "add",
    fixed: Mapping[str, float] | None = None,
) -> TimeSeriesFit:
    """Fit exponential smoothing to a series by maximum likelihood.

    Without a trend and a season, this is simple exponential smoothing; with a trend, Holt's linear method; with both, the
    method of Holt and Winters.

    Parameters
    ----------
    y : array_like, shape (n,)
        The series, evenly spaced in time.
    trend : {None, "add"}, default None
        Whether there is a linear trend.
    seasonal : {None, "add", "mul"}, default None
        Whether seasons are added to the level or multiply it.
    seasonal_periods : int, optional
        The number of rows of a seasonal cycle, such as 4 or 12. Required with `seasonal`.
    damped_trend : bool, default False
        Whether the trend is damped by a factor ``phi`` per row, from 0.8 to 0.98.
    error : {"add", "mul"}, default "add"
        Whether the standard deviation of an error is constant or proportional to the prediction. With "add", the fit minimizes
        the sum of squared errors.
    fixed : mapping of str to float, optional
        Parameters that are not fitted, such as ``{"alpha": 0.2}``.

    Returns
    -------
    TimeSeriesFit
        Estimates, one-step predictions and forecasts. The parameters are ``alpha``, ``beta``, ``gamma`` and ``phi``, for the
        level, trend, season and damping, and the initial ``level``, ``trend`` and ``season1``, ``season2``, …. The last season
        follows from the others, because seasons add up to 0, or to the number of periods if they multiply.

    Raises
    ------
    ArgumentError
        If an option is invalid, or `fixed` has an unknown name.
    DataError
        If the series is too short, constant, or not finite, or not positive although errors or seasons multiply.
    FitError
        If the residuals are zero.

    Warns
    -----
    FitWarning
        If the fit did not converge.

    See Also
    --------
    arma : Autoregressive moving-average models.

    Notes
    -----
    With level l, trend b, season s, prediction ŷ = l + b + s and error e = y - ŷ, a row changes the state to [1]_

    .. math:: l' = l + b + \\alpha e, \\quad b' = b + \\alpha \\beta e, \\quad s' = s + \\gamma e.

    If seasons multiply, ŷ = (l + b) s, and e is divided by s, s and l + b, respectively. ``beta`` and ``gamma`` are the
    parameters of the textbook's component form and of statsmodels' ``ExponentialSmoothing``. R's ``ets`` and statsmodels'
    ``ETSModel`` report the product of ``alpha`` and ``beta`` instead of ``beta``. All three are between 0 and 1.

    The initial state is estimated with the other parameters. Standard errors follow from the exact Hessian of the
    log-likelihood. They are nan for parameters at a bound.

    References
    ----------
    .. [1] Hyndman, R. J., Koehler, A. B., Ord, J. K. and Snyder, R. D., "Forecasting with Exponential Smoothing: The State
       Space Approach", Springer, 2008.

    Examples
    --------
    Oil production in Saudi Arabia from 1996 to 2007, in millions of tonnes:

    >>> oil = [446.66, 454.47, 455.66, 423.63, 456.27, 440.59, 425.33, 485.15, 506.05, 526.79, 514.27, 494.21]
    >>> fit = jg.timeseries.exponential_smoothing(oil)
    >>> {name: round(value, 3) for name, value in fit.parameters.items()}
    {'alpha': 0.892, 'level': 447.479}
    >>> fit.forecast(2).mean.round(1)
    array([496.5, 496.5])
    """
    for what, choice, known in (("trend", trend, TRENDS), ("seasonal", seasonal, SEASONS)):
        if choice is not None:
            by_name(what, choice, known, " or None")
    by_name("error", error, ERRORS)
    if damped_trend and trend is None:
        raise ArgumentError('damped_trend requires a trend. Add trend="add", or leave damped_trend out.')
    if (seasonal is None) != (seasonal_periods is None):
        raise ArgumentError(
            "seasonal and seasonal_periods require each other. Give both, such as seasonal='add' and seasonal_periods=12."
        )
    periods = 1 if seasonal_periods is None else count("seasonal_periods", seasonal_periods, low=2, high=LONGEST)
    model = Smoothing(trend is not None, damped_trend, seasonal, periods, ERRORS[error])
    series = series_of(y, model.least)
    if (seasonal == "mul" or model.relative) and series.min() <= 0:
        raise DataError(
            f"y[{series.argmin()}] is {series.min():g}, and multiplicative errors and seasons require positive numbers. "
            f'Use "add", or leave out rows.'
        )
    return fit_innovations(model, model.title, series, model.parameters.held(fixed), model.starts(series))


@dataclass(frozen=True)
class Smoothing(Innovations):
    """The recurrence of exponential smoothing. The state is the level, the trend if there is one, and the next seasons."""

    trend: bool
    damped: bool
    seasonal: str | None
    periods: int
    relative: bool
    searches = 3

    @property
    def linear(self) -> bool:  # type: ignore[override]
        """Whether the prediction is linear in the errors."""
        return self.seasonal != "mul" and not self.relative

    @functools.cached_property
    def parameters(self) -> Parameters:
        """The parameters with their bounds."""
        most = np.inf
        table = [
            ("alpha", 0.0, 1.0, True),
            ("beta", 0.0, 1.0, self.trend),
            ("gamma", 0.0, 1.0, self.seasonal),
            ("phi", *DAMPING, self.damped),
            ("level", -most, most, True),
            ("trend", -most, most, self.trend),
            *[(f"season{k}", -most, most, True) for k in range(1, self.periods)],
        ]
        names, low, high, _ = zip(*[row for row in table if row[3]], strict=True)
        return Parameters(names, np.array(low), np.array(high))

    @property
    def least(self) -> int:
        """The smallest number of rows."""
        return max(len(self.parameters.names) + 2, 2 * self.periods)

    @property
    def title(self) -> str:
        """The name of the method."""
        name = "Holt-Winters smoothing" if self.seasonal else "Holt's linear trend" if self.trend else "Exponential smoothing"
        seasons = f"{SEASONS[self.seasonal]} seasons of {self.periods}" if self.seasonal else ""
        trend = "damped trend" if self.damped else "no trend" if self.seasonal and not self.trend else ""
        errors = "multiplicative errors" if self.relative else ""
        return ", ".join(part for part in (name, seasons, trend, errors) if part)

    def _value(self, theta: Any, name: str) -> Any:
        return theta[self.parameters.names.index(name)]

    def initial(self, theta: Any, first: Any) -> State:
        """Return the state before the first row."""
        state = [self._value(theta, "level")]
        if self.trend:
            state.append(self._value(theta, "trend"))
        if self.seasonal:
            others = theta[len(self.parameters.names) - self.periods + 1 :]
            total = self.periods if self.seasonal == "mul" else 0
            state.append(np.concatenate([others, (total - others.sum())[None]]))
        return tuple(state)

    def _trend(self, theta: Any, state: State) -> Any:
        """Return the growth of the level."""
        growth = state[1] if self.trend else 0.0
        return self._value(theta, "phi") * growth if self.damped else growth

    def predict(self, theta: Any, state: State) -> tuple[Any, Any]:
        """Return the prediction of the next row, and itself as its standard deviation if errors multiply."""
        mean = state[0] + self._trend(theta, state)
        if self.seasonal is not None:
            mean = mean * state[-1][0] if self.seasonal == "mul" else mean + state[-1][0]
        return mean, mean if self.relative else None

    def update(self, theta: Any, state: State, error: Any) -> State:
        """Return the state after a row with this error."""
        alpha, growth = self._value(theta, "alpha"), self._trend(theta, state)
        level = state[0] + growth
        of_level = alpha * (error / state[-1][0] if self.seasonal == "mul" else error)
        after = [level + of_level]
        if self.trend:
            after.append(growth + self._value(theta, "beta") * of_level)
        if self.seasonal:
            of_season = error / level if self.seasonal == "mul" else error
            latest = state[-1][0] + self._value(theta, "gamma") * of_season
            after.append(np.concatenate([state[-1][1:], latest[None]]))
        return tuple(after)

    def starts(self, y: np.ndarray) -> np.ndarray:
        """Return a grid of smoothing parameters with an initial state from the first rows, (s, p)."""
        names = self.parameters.names
        choices = {"alpha": (0.05, 0.2, 0.5, 0.9), "beta": (0.01, 0.1, 0.4), "gamma": (0.05, 0.3), "phi": (0.85, 0.95)}
        grids = [values for name, values in choices.items() if name in names]
        state = self._initial_state(y)
        return np.array([[*point, *state] for point in itertools.product(*grids)])

    def _initial_state(self, y: np.ndarray) -> np.ndarray:
        """Return level, trend and seasons from a regression of the first rows on time and season."""
        m = self.periods
        first = y[: max(10, min(3, len(y) // m) * m)] if m > 1 else y[:10]
        values = np.log(first) if self.seasonal == "mul" else first
        time = np.arange(1.0, len(first) + 1)
        dummies = np.eye(m)[np.arange(len(first)) % m]
        columns = [dummies, time[:, None]] if self.trend else [dummies]
        found = np.linalg.lstsq(np.hstack(columns), values, rcond=None)[0]
        seasons, slope = found[:m], found[m:]
        if self.seasonal != "mul":
            return np.concatenate([[seasons.mean()], slope, (seasons - seasons.mean())[:-1]])
        shape = np.exp(seasons - seasons.mean())
        shape *= m / shape.sum()
        line = np.polynomial.Polynomial.fit(time, first / shape[np.arange(len(first)) % m], int(self.trend)).convert()
        return np.concatenate([line.coef[: 1 + self.trend], shape[:-1]])
