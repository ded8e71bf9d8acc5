"""GARCH(1,1): a variance that depends on the last error and the last variance."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jitgrad.arguments import by_name
from jitgrad.control_flow.scan import scan
from jitgrad.errors import ArgumentError, FitWarning
from jitgrad.functions.reductions import mean as mean_
from jitgrad.functions.reductions import sum as sum_
from jitgrad.ops.elementwise import log, square
from jitgrad.tape.function import function
from jitgrad.timeseries.fit import likelihood_of
from jitgrad.timeseries.likelihood import Estimate, Parameters, series_of
from jitgrad.timeseries.result import Forecast, TimeSeriesFit
from jitgrad.transforms.jacobians import jacfwd
from jitgrad.typing import ArrayLike

MEANS = {"constant": True, "zero": False}
INITIAL = {"backcast": False, "sample": True}
COVARIANCES = {
    "robust": "Standard errors are robust to errors that are not normal (Bollerslev and Wooldridge).",
    "classic": "Standard errors are from the Hessian of the log-likelihood.",
}
INTEGRATED = "alpha + beta ended at its limit 1 (IGARCH): the variance has no finite mean, and its forecasts grow."
DECAY, ROWS = 0.94, 75
"""The weights of the first squared errors in the initial variance, and their number, as in the package arch."""


def garch(
    y: ArrayLike,
    *,
    mean: str = "constant",
    initial: str = "backcast",
    cov_type: str = "robust",
    fixed: Mapping[str, float] | None = None,
) -> TimeSeriesFit:
    """Fit a GARCH(1,1) model to a series by maximum likelihood.

    Parameters
    ----------
    y : array_like, shape (n,)
        The series, such as daily returns in percent.
    mean : {"constant", "zero"}, default "constant"
        Whether the mean is estimated or 0.
    initial : {"backcast", "sample"}, default "backcast"
        The variance and the squared error before the first row: ``"backcast"`` is a weighted mean of the first 75 squared
        deviations from the mean, with weights that decay by 0.94 per row; ``"sample"`` is the mean of all squared errors.
    cov_type : {"robust", "classic"}, default "robust"
        ``"robust"`` is the covariance of Bollerslev and Wooldridge, which is valid for errors that are not normal;
        ``"classic"`` is the inverse of the Hessian.
    fixed : mapping of str to float, optional
        Parameters that are not fitted.

    Returns
    -------
    TimeSeriesFit
        Estimates of ``mu``, ``omega``, ``alpha`` and ``beta``. The conditional variances are its ``variance``.

    Raises
    ------
    ArgumentError
        If an option is invalid, or `fixed` has an unknown name or ``alpha + beta`` above 1.
    DataError
        If the series is too short, constant, or not finite.

    Warns
    -----
    FitWarning
        If the fit did not converge.

    Notes
    -----
    The variance of the error e is [1]_

    .. math:: h_t = \\omega + \\alpha e_{t-1}^2 + \\beta h_{t-1}.

    ``alpha`` and ``beta`` are from 0 to 1, and so is their sum, as in the packages arch and rugarch. If the likelihood is
    higher outside, the result is the maximum with ``alpha + beta = 1`` (IGARCH), whose variance has no finite mean, and its
    ``note`` says so. Standard errors are then those of the restricted model. The defaults are those of arch. With
    ``initial="sample"``, the likelihood is the one of the benchmark of Fiorentini, Calzolari and Panattoni [2]_.

    References
    ----------
    .. [1] Bollerslev, T., "Generalized autoregressive conditional heteroskedasticity", Journal of Econometrics 31, 1986;
       Bollerslev, T. and Wooldridge, J. M., "Quasi-maximum likelihood estimation and inference in dynamic models with
       time-varying covariances", Econometric Reviews 11, 1992.
    .. [2] Fiorentini, G., Calzolari, G. and Panattoni, L., "Analytic derivatives and the computation of GARCH estimates",
       Journal of Applied Econometrics 11, 1996.

    Examples
    --------
    >>> draw = np.random.default_rng(1)
    >>> h, returns = 1.0, []
    >>> for _ in range(2000):
    ...     returns.append(np.sqrt(h) * draw.normal())
    ...     h = 0.1 + 0.1 * returns[-1] ** 2 + 0.8 * h
    >>> fit = jg.timeseries.garch(returns, mean="zero")
    >>> {name: round(value, 2) for name, value in fit.parameters.items()}
    {'omega': 0.11, 'alpha': 0.12, 'beta': 0.77}
    """
    by_name("mean", mean, MEANS)
    by_name("initial", initial, INITIAL)
    by_name("cov_type", cov_type, COVARIANCES)
    model = Garch(MEANS[mean], INITIAL[initial])
    series = series_of(y, 10)
    before = np.array(_backcast(series - series.mean() if model.constant else series))
    starts, parameters = model.starts(series), model.parameters.held(fixed)
    if parameters.low[-2:].sum() > 1:
        raise ArgumentError(f"fixed: alpha + beta is {parameters.low[-2:].sum():g}. Choose values whose sum is at most 1.")
    estimate = likelihood_of(model, Garch.cost).maximum([series, before], starts, parameters)
    if estimate.values[-2:].sum() > 1:
        model = replace(model, integrated=True)
        inside = model.parameters.held(_of_integrated(fixed or {}))
        estimate = likelihood_of(model, Garch.cost).maximum([series, before], starts[:, :-1], inside)
    if not estimate.converged:
        warnings.warn("The fit did not converge. Give a longer series, or fix a parameter.", FitWarning, stacklevel=2)
    return _described(model, parameters.names, series, before, estimate, cov_type)


def _of_integrated(fixed: Mapping[str, float]) -> dict[str, float]:
    """Return fixed parameters for beta = 1 - alpha."""
    others = {name: value for name, value in fixed.items() if name != "beta"}
    return others | ({"alpha": 1.0 - fixed["beta"]} if "beta" in fixed else {})


@dataclass(frozen=True)
class Garch:
    """The recurrence of the conditional variance."""

    constant: bool
    of_sample: bool
    integrated: bool = False  # beta is 1 - alpha, and not a parameter

    @property
    def parameters(self) -> Parameters:
        """The parameters with their bounds."""
        names: tuple[str, ...] = "mu", "omega", "alpha", "beta"
        low, high = [-np.inf, 0.0, 0.0, 0.0], [np.inf, np.inf, 1.0, 1.0]
        chosen = slice(0 if self.constant else 1, -1 if self.integrated else None)
        return Parameters(names[chosen], np.array(low[chosen]), np.array(high[chosen]))

    def variances(self, theta: Any, y: Any, before: Any) -> tuple[Any, Any]:
        """Return the squared errors and the conditional variances, (n,) each."""
        omega, alpha = theta[int(self.constant)], theta[1 + self.constant]
        beta = 1.0 - alpha if self.integrated else theta[2 + self.constant]
        squares = square(y - theta[0]) if self.constant else square(y)
        begun = mean_(squares) if self.of_sample else before

        def row(variance: Any, squared: Any) -> tuple[Any, Any]:
            return omega + alpha * squared + beta * variance, variance

        return squares, scan(row, omega + (alpha + beta) * begun, squares)[1]

    def whole(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the values of all parameters with beta, and their Jacobian with respect to the given ones."""
        unit = np.eye(len(values))
        return (np.append(values, 1.0 - values[-1]), np.vstack([unit, -unit[-1]])) if self.integrated else (values, unit)

    def rows(self, theta: Any, y: Any, before: Any) -> Any:
        """Return the log-likelihood of each row, (n,)."""
        squares, variances = self.variances(theta, y, before)
        return -0.5 * (math.log(2 * math.pi) + log(variances) + squares / variances)

    def cost(self, theta: Any, y: Any, before: Any) -> Any:
        """Return minus the log-likelihood."""
        return -sum_(self.rows(theta, y, before))

    def starts(self, y: np.ndarray) -> np.ndarray:
        """Return starting points with the variance of the series, (s, p)."""
        mu = [y.mean()] if self.constant else []
        variance = y.var() if self.constant else np.mean(y**2)
        return np.array([
            [*mu, variance * (1 - total), alpha, total - alpha] for alpha in (0.02, 0.1, 0.3) for total in (0.4, 0.8, 0.97)
        ])  # fmt: skip


@functools.lru_cache(16)
def _traced(model: Garch) -> Any:
    """Return the conditional variances and the scores of each row, as a traced function."""
    return function(
        lambda theta, y, before: (model.variances(theta, y, before)[1], jacfwd(lambda t: model.rows(t, y, before))(theta))
    )


def _backcast(errors: np.ndarray) -> float:
    weights = DECAY ** np.arange(min(ROWS, len(errors)))
    return float(weights @ errors[: len(weights)] ** 2 / weights.sum())


def _described(
    model: Garch, names: tuple[str, ...], y: np.ndarray, before: np.ndarray, estimate: Estimate, cov_type: str
) -> TimeSeriesFit:
    """Return the result of a fit."""
    variances, scores = (np.array(part) for part in _traced(model)(estimate.values, y, before))
    every, slopes = model.whole(estimate.values)
    values = dict(zip(names, every.tolist(), strict=True))
    mu, omega, alpha, beta = values.get("mu", 0.0), values["omega"], values["alpha"], values["beta"]

    def forecast(steps: int, level: float, seed: int) -> Forecast:
        from scipy.special import ndtri

        h = [omega + alpha * (y[-1] - mu) ** 2 + beta * variances[-1]]
        for _ in range(steps - 1):
            h.append(omega + (alpha + beta) * h[-1])
        error = np.sqrt(h)
        half = ndtri(0.5 + level / 2) * error
        return Forecast(np.full(steps, mu), error, mu - half, mu + half, level)

    inner = estimate.covariance(scores.T @ scores if cov_type == "robust" else None)
    moved = slopes[:, estimate.free]
    free = np.asarray(moved.any(axis=1))
    covariance = np.full((len(names), len(names)), np.nan)
    covariance[np.ix_(free, free)] = moved[free] @ inner[np.ix_(estimate.free, estimate.free)] @ moved[free].T
    return TimeSeriesFit(
        title="GARCH(1,1)", names=names, values=every, free=free, covariance=covariance,
        log_likelihood=estimate.log_likelihood, n_parameters=int(estimate.free.sum()), n_rows=len(y), y=y,
        fitted=np.full(len(y), mu), variance=variances, converged=estimate.converged, forecaster=forecast,
        note=" ".join([INTEGRATED] * model.integrated + [COVARIANCES[cov_type]]),
    )  # fmt: skip
