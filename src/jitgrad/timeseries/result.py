"""The result of a fit to a series, and its forecasts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jitgrad import html
from jitgrad.arguments import count, in_unit_interval
from jitgrad.criteria import Criteria, information_criteria
from jitgrad.errors import enumerated
from jitgrad.summary import Grid, Summary, interval, number, probability, sentence


@dataclass(frozen=True, eq=False)
class Forecast:
    """Forecasts of the rows after a series.

    Parameters
    ----------
    mean : ndarray, shape (steps,)
        The point forecasts: the predictions if all later errors are 0.
    stderr : ndarray, shape (steps,)
        The standard deviations of the forecast errors, for the estimated parameters.
    low, high : ndarray, shape (steps,)
        The limits of the prediction intervals.
    level : float
        The probability of each interval.

    Examples
    --------
    >>> made = jg.timeseries.ar([1.0, 2.0, 1.5, 2.2, 1.4, 2.1, 1.6], lags=1).forecast(2)
    >>> made.mean.round(2)
    array([1.86, 1.7 ])
    >>> bool(np.all((made.low < made.mean) & (made.mean < made.high)))
    True
    """

    mean: np.ndarray
    stderr: np.ndarray
    low: np.ndarray
    high: np.ndarray
    level: float

    def summary(self) -> Summary:
        """Return the forecasts as a table.

        Returns
        -------
        Summary
            What ``print(forecast)`` shows; notebooks show it as HTML.

        Examples
        --------
        >>> fit = jg.timeseries.ar([1.0, 2.0, 1.5, 2.2, 1.4, 2.1, 1.6], lags=1)
        >>> print(fit.forecast(1).summary())
        Forecasts
        <BLANKLINE>
         step  forecast  std. error     95% interval
         ───────────────────────────────────────────
         1      1.86071      0.1669  1.5336 … 2.1878
        """
        return Summary("Forecasts", [self.grid()])

    def grid(self) -> Grid:
        """Return the table without its title.

        Returns
        -------
        Grid
            A row per step.

        Examples
        --------
        >>> fit = jg.timeseries.ar([1.0, 2.0, 1.5, 2.2, 1.4, 2.1, 1.6], lags=1)
        >>> fit.forecast(1).grid().columns
        ['step', 'forecast', 'std. error', '95% interval']
        """
        rows = [
            [str(k + 1), number(mean), number(error, 4), interval(low, high)]
            for k, (mean, error, low, high) in enumerate(
                zip(self.mean.tolist(), self.stderr.tolist(), self.low.tolist(), self.high.tolist(), strict=True)
            )
        ]
        return Grid(["step", "forecast", "std. error", f"{100 * self.level:g}% interval"], rows)

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


@dataclass(frozen=True, repr=False, eq=False)
class TimeSeriesFit:
    """The result of a fit to a series.

    Parameters
    ----------
    title : str
        The name of the model.
    names : tuple of str, length p
        The parameters, in order.
    values : ndarray, shape (p,)
        The estimates.
    free : ndarray of bool, shape (p,)
        Which parameters were fitted and did not end at a bound.
    covariance : ndarray, shape (p, p)
        The covariance of the estimates; nan for parameters that are not free.
    log_likelihood : float
        The log-likelihood for normal errors, including its constants.
    n_parameters : int
        The number of estimated parameters, including the variance of the errors if there is one.
    n_rows : int
        The number of rows in the likelihood.
    y : ndarray, shape (n,)
        The series.
    fitted : ndarray, shape (n,)
        The prediction of each row from the rows before it; nan for rows on which the likelihood is conditional.
    variance : float or ndarray, shape (n,)
        The variance of the errors, estimated by maximum likelihood; relative to the squared prediction if errors multiply. For
        a GARCH model, the conditional variance of each row.
    converged : bool
        Whether the fit ended in a maximum of the likelihood.
    forecaster : callable
        Returns a Forecast for a number of steps, a level and a seed.
    note : str, default ""
        A remark on the standard errors.

    See Also
    --------
    exponential_smoothing, ar, arma, garch : Functions that return this.

    Examples
    --------
    >>> fit = jg.timeseries.ar([1.0, 2.0, 1.5, 2.2, 1.4, 2.1, 1.6], lags=1)
    >>> {name: round(value, 3) for name, value in fit.parameters.items()}
    {'const': 2.832, 'lag1': -0.607}
    >>> fit.stderr.round(3)
    array([0.277, 0.158])
    """

    title: str
    names: tuple[str, ...]
    values: np.ndarray
    free: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    n_parameters: int
    n_rows: int
    y: np.ndarray
    fitted: np.ndarray
    variance: float | np.ndarray
    converged: bool
    forecaster: Callable[[int, float, int], Forecast]
    note: str = ""

    @property
    def parameters(self) -> dict[str, float]:
        """The estimates by name."""
        return dict(zip(self.names, self.values.tolist(), strict=True))

    @property
    def stderr(self) -> np.ndarray:
        """The standard errors of the estimates, (p,)."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def residuals(self) -> np.ndarray:
        """The series minus its one-step predictions, (n,)."""
        return self.y - self.fitted

    @property
    def _criteria(self) -> Criteria:
        return information_criteria(self.log_likelihood, self.n_parameters, self.n_rows)

    @property
    def aic(self) -> float:
        """Akaike's information criterion. An estimated variance counts as a parameter; see `jitgrad.criteria`."""
        return float(self._criteria.aic)

    @property
    def aicc(self) -> float:
        """Akaike's information criterion corrected for small samples."""
        return float(self._criteria.aicc)

    @property
    def bic(self) -> float:
        """The Bayesian information criterion."""
        return float(self._criteria.bic)

    def confidence_intervals(self, level: float = 0.95) -> np.ndarray:
        """Return Wald intervals of the parameters.

        Parameters
        ----------
        level : float, default 0.95
            The probability of each interval.

        Returns
        -------
        ndarray, shape (p, 2)
            The limits; nan for parameters that are not free.

        Raises
        ------
        ArgumentError
            If `level` is not in (0, 1).

        Examples
        --------
        >>> fit = jg.timeseries.ar([1.0, 2.0, 1.5, 2.2, 1.4, 2.1, 1.6], lags=1)
        >>> fit.confidence_intervals().round(2)
        array([[ 2.29,  3.37],
               [-0.92, -0.3 ]])
        """
        half = _normal_quantile(level) * self.stderr
        return np.stack([self.values - half, self.values + half], axis=1)

    def forecast(self, steps: int = 1, level: float = 0.95, seed: int = 0) -> Forecast:
        """Return forecasts of the rows after the series.

        Parameters
        ----------
        steps : int, default 1
            The number of rows.
        level : float, default 0.95
            The probability of the prediction intervals, which do not include the uncertainty of the estimates.
        seed : int, default 0
            The seed of simulated paths, from which intervals are computed if the model is not linear in its errors.

        Returns
        -------
        Forecast
            The forecasts, standard errors and intervals.

        Raises
        ------
        ArgumentError
            If `steps` is not a positive integer, or `level` is not in (0, 1).

        Examples
        --------
        >>> fit = jg.timeseries.ar([1.0, 2.0, 1.5, 2.2, 1.4, 2.1, 1.6], lags=1)
        >>> fit.forecast(3).mean.round(2)
        array([1.86, 1.7 , 1.8 ])
        """
        count("steps", steps, high=10**6)
        _normal_quantile(level)
        return self.forecaster(steps, level, seed)

    def summary(self, level: float = 0.95) -> Summary:
        """Return the estimates and the measures of fit.

        Parameters
        ----------
        level : float, default 0.95
            The probability of the intervals.

        Returns
        -------
        Summary
            What ``print(fit)`` shows; notebooks show it as HTML.

        Raises
        ------
        ArgumentError
            If `level` is not in (0, 1).

        Examples
        --------
        >>> fit = jg.timeseries.ar([1.0, 2.0, 1.5, 2.2, 1.4, 2.1, 1.6], lags=1)
        >>> print(str(fit.summary()).splitlines()[0])
        Autoregression of order 1, 6 rows
        """
        from scipy.special import ndtr

        rows = []
        for name, x, error, (low, high) in zip(
            self.names, self.values.tolist(), self.stderr.tolist(), self.confidence_intervals(level).tolist(), strict=True
        ):
            z = x / error
            rows.append([
                name, number(x), number(error, 4), number(z, 4), probability(2 * float(ndtr(-abs(z)))), interval(low, high)
            ])  # fmt: skip
        table = Grid(["", "estimate", "std. error", "z", "p", f"{100 * level:g}% CI"], rows)
        figures = [("log-likelihood", self.log_likelihood), ("AIC", self.aic), ("AICc", self.aicc), ("BIC", self.bic)]
        if isinstance(self.variance, float):
            figures.insert(0, ("variance", self.variance))
        parts: list[Grid | str] = [table, sentence([(name, number(value, 6)) for name, value in figures])]
        held = [name for name, free in zip(self.names, self.free.tolist(), strict=True) if not free]
        if held:
            parts.append(f"{enumerated(held)}: fixed, or at a bound, without a standard error.")
        parts += [self.note] if self.note else []
        parts += [] if self.converged else ["The fit did not converge."]
        return Summary(f"{self.title}, {self.n_rows} rows", parts)

    def __str__(self) -> str:
        return str(self.summary())

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value:.6g}" for name, value in self.parameters.items())
        return f"TimeSeriesFit({self.title}; {shown})"

    def _repr_html_(self) -> str:
        return html.fragment(html.heading(self.summary().title), self.summary().as_html())


def _normal_quantile(level: float) -> float:
    """Return the half width of an interval in standard deviations."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + in_unit_interval("level", level) / 2))
