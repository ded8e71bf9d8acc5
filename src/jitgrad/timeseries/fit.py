"""Fit a model of innovations and describe the result."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np

from jitgrad.errors import FitError, FitWarning
from jitgrad.tape.function import function
from jitgrad.timeseries import innovations
from jitgrad.timeseries.innovations import Innovations
from jitgrad.timeseries.likelihood import Cost, Estimate, Likelihood, Parameters
from jitgrad.timeseries.result import Forecast, TimeSeriesFit

ZERO = 1e-12
"""The largest residual, relative to the series, that is lost in rounding."""


@functools.lru_cache(64)
def likelihood_of(model: Any, cost: Cost) -> Likelihood:
    """Return the traced likelihood of a hashable model, where ``cost`` takes the model first."""
    return Likelihood(functools.partial(cost, model))


@functools.lru_cache(64)
def predictor_of(model: Any) -> Any:
    """Return the traced one-step predictions of a hashable model."""
    return function(model.predictions)


def fit_innovations(model: Innovations, title: str, y: np.ndarray, parameters: Parameters, starts: np.ndarray) -> TimeSeriesFit:
    """Fit a model by maximum likelihood.

    Parameters
    ----------
    model : Innovations
        The model, which is hashable.
    title : str
        Its name.
    y : ndarray, shape (n,)
        The series.
    parameters : Parameters
        The parameters with their bounds.
    starts : ndarray, shape (s, p)
        Starting points.
    """
    likelihood = likelihood_of(model, innovations.cost)
    estimate = likelihood.maximum([y], starts, parameters, model.searches, model.is_valid)
    return described(model, title, y, parameters.names, estimate)


def described(model: Innovations, title: str, y: np.ndarray, names: tuple[str, ...], estimate: Estimate) -> TimeSeriesFit:
    """Return the result of a fit, and warn if it did not converge."""
    means, scales = predictor_of(model)(estimate.values, y)
    fitted = np.concatenate([np.full(model.skipped, np.nan), np.array(means)])
    errors = (y - fitted)[model.skipped :]
    if np.abs(errors).max() <= ZERO * np.abs(y).max():
        raise FitError("The residuals are zero, so the likelihood is unbounded. Leave out parameters, or give more rows.")
    variance = float(np.mean((errors if scales is None else errors / np.array(scales)) ** 2))

    def forecast(steps: int, level: float, seed: int) -> Forecast:
        state = innovations.final_state(model, estimate.values, y)
        made = innovations.forecasts(model, estimate.values, state, float(np.sqrt(variance)), steps, level, seed)
        return Forecast(*made, level)

    if not estimate.converged:
        warnings.warn("The fit did not converge. Try another model, or a longer series.", FitWarning, stacklevel=4)
    return TimeSeriesFit(
        title=title, names=names, values=estimate.values, free=estimate.free, covariance=estimate.covariance(),
        log_likelihood=estimate.log_likelihood, n_parameters=int(estimate.free.sum()) + 1, n_rows=len(errors),
        y=y, fitted=fitted, variance=variance, converged=estimate.converged, forecaster=forecast,
    )  # fmt: skip
