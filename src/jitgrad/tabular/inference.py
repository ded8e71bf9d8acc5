"""Standard errors, tests, intervals and fit statistics of a generalized linear model of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from jitgrad import glm
from jitgrad.glm.result import Fit
from jitgrad.tabular.settings import Settings

ESTIMATES = ("estimate", "standard_error", "statistic", "p_value", "low", "high")


@dataclass(frozen=True)
class Inference:
    """Estimates of a generalized linear model with standard errors, tests and intervals, in the units of the table.

    A classification has one column of estimates for each class except the first, the reference: log-odds against the reference.
    Aliased features have no estimate, as in R's ``lm`` and ``glm``.

    Parameters
    ----------
    names : tuple of str
        "intercept", if the model has one, followed by the features.
    outputs : tuple of str
        The target, or the classes except the first.
    estimate, standard_error, statistic, p_value : ndarray, shape (names, outputs)
        The estimates, their standard errors, Wald statistics and two-sided p-values; nan for aliased features.
    low, high : ndarray, shape (names, outputs)
        The limits of the confidence intervals.
    distribution : {"t", "z"}
        The distribution of the statistic.
    ratio : str
        The meaning of the exponential of an estimate, such as "odds ratio"; empty if it has none.
    level : float
        The level of the confidence intervals.
    cov_type : {"model", "HC0", "HC1", "HC2", "HC3", "cluster"}
        The covariance estimator.
    covariance : ndarray, shape (q, q)
        The covariance of the estimates that are not aliased, output by output.
    dispersion : float
        The dispersion parameter.
    rows : int
        The number of rows.
    degrees_of_freedom : int
        The residual degrees of freedom.
    figures : dict of str to float or None
        Fit statistics; None if undefined. All models have "log_likelihood", "aic", "aicc" and "bic" by R's conventions: the
        full likelihood, in which an estimated dispersion counts as a parameter. Least squares has "residual_standard_error",
        "r2", "adjusted_r2", "f", "f_numerator" (its degrees of freedom) and "f_p_value". Other models have
        "null_log_likelihood", "deviance", "null_deviance", "pseudo_r2" [1]_, "likelihood_ratio" and "likelihood_ratio_p_value",
        and "dispersion" or "theta" if estimated.

    References
    ----------
    .. [1] D. McFadden, "Conditional logit analysis of qualitative choice behavior", in *Frontiers in Econometrics*, 1974.

    Examples
    --------
    >>> cars = {"speed": [4, 7, 8, 9, 10, 11, 12], "dist": [2, 4, 16, 10, 18, 17, 24]}
    >>> inference = jg.fit_table(cars, "dist").model.inference
    >>> inference.names, inference.standard_error.round(3).ravel()
    (('intercept', 'speed'), array([5.225, 0.576]))
    >>> inference.degrees_of_freedom, round(inference.figures["r2"], 3)
    (5, 0.811)
    """

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    estimate: np.ndarray
    standard_error: np.ndarray
    statistic: np.ndarray
    p_value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    distribution: Literal["t", "z"]
    ratio: str
    level: float
    cov_type: str
    covariance: np.ndarray
    dispersion: float
    rows: int
    degrees_of_freedom: int
    figures: dict[str, float | None]

    @property
    def aliased(self) -> list[str]:
        """The features without an estimate."""
        return [name for name, missing in zip(self.names, np.isnan(self.estimate[:, 0]), strict=True) if missing]

    def ratios(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the exponentials of the estimates and of the limits of their intervals.

        Returns
        -------
        ratio, low, high : ndarray, shape (names, outputs)
            The ratios and their limits; see ``ratio`` for their interpretation.
        """
        with np.errstate(over="ignore"):
            return np.exp(self.estimate), np.exp(self.low), np.exp(self.high)

    def frame(self) -> pl.DataFrame:
        """Return the estimates as a frame.

        Returns
        -------
        polars.DataFrame
            One row per estimate, with the columns output, name, estimate, standard_error, t or z, p_value, low and high.
        """
        columns = {"estimate": self.estimate, "standard_error": self.standard_error, self.distribution: self.statistic}
        columns |= {"p_value": self.p_value, "low": self.low, "high": self.high}
        names = {
            "output": [output for output in self.outputs for _ in self.names],
            "name": list(self.names) * len(self.outputs),
        }
        return pl.DataFrame(names | {name: values.T.ravel() for name, values in columns.items()}).fill_nan(None)

    def half_width(self, x: np.ndarray, more: float, level: float) -> np.ndarray:
        """Return half the width of intervals of the linear predictor, for models with one output.

        Parameters
        ----------
        x : ndarray, shape (n, features)
            The features, encoded.
        more : float
            The variance of a new observation about its mean for prediction intervals, or 0.
        level : float
            The level of the intervals.

        Returns
        -------
        ndarray, shape (n,)
            Half the width of each interval.
        """
        from scipy import special

        known = ~np.isnan(self.estimate[:, 0])
        inputs = np.column_stack([np.ones(len(x)), x]) if "intercept" in self.names[:1] else x
        variance = np.einsum("ij,jk,ik->i", inputs[:, known], self.covariance, inputs[:, known], optimize=True)
        free = max(self.degrees_of_freedom, 1)
        wide = special.stdtrit(free, (1 + level) / 2) if self.distribution == "t" else special.ndtri((1 + level) / 2)
        return wide * np.sqrt(np.maximum(variance, 0) + more)


def infer(
    fit: Fit, names: Sequence[str], outputs: Sequence[str], settings: Settings, covariance: Any, varied: bool
) -> Inference:
    """Return the inference of a fit.

    Parameters
    ----------
    fit : Fit
        The fit.
    names : sequence of str
        The features.
    outputs : sequence of str
        The target, or the classes except the first.
    settings : Settings
        The covariance estimator and the confidence level.
    covariance : ndarray
        The covariance of the coefficients.
    varied : bool
        Whether the target, without its offset, varies.
    """
    first = 0 if fit.intercept else 1
    made = glm.estimates(fit, covariance, settings.level)
    columns = {name: getattr(made, name)[first:] for name in ESTIMATES}
    ratio = glm.ratios(fit, made)
    return Inference(
        (*(["intercept"] if fit.intercept else []), *names),
        tuple(outputs),
        **columns,
        distribution=made.distribution,
        ratio="" if ratio is None else ratio.name,
        level=settings.level,
        cov_type=settings.cov_type,
        covariance=covariance,
        dispersion=float(fit.dispersion),
        rows=round(fit.n),
        degrees_of_freedom=round(fit.df_resid),
        figures={
            name: None if value is None or not math.isfinite(value) else value for name, value in _figures(fit, varied).items()
        },
    )


def _figures(fit: Fit, varied: bool) -> dict[str, float | None]:
    from scipy import special

    of_all = {"log_likelihood": fit.log_likelihood, "aic": fit.aic, "aicc": fit.aicc, "bic": fit.bic}
    if fit.family.name == "gaussian" and fit.link is not None and fit.link.name == "identity":
        return _of_squares(fit, varied) | of_all
    more = fit.df_model
    ratio = 2 * (fit.log_likelihood - fit.null_log_likelihood)
    made = {
        "log_likelihood": fit.log_likelihood,
        "null_log_likelihood": fit.null_log_likelihood,
        "deviance": fit.deviance,
        "null_deviance": fit.null_deviance,
        "pseudo_r2": 1 - fit.log_likelihood / fit.null_log_likelihood if fit.null_log_likelihood else None,
        "likelihood_ratio": ratio,
        "likelihood_ratio_p_value": float(special.chdtrc(more, ratio)) if more else None,
    }
    if fit.dispersion_estimated:
        made |= {"dispersion": fit.dispersion}
    if fit.family.name == "negative_binomial":
        made |= {"theta": fit.theta}
    return made | of_all


def _of_squares(fit: Fit, varied: bool) -> dict[str, float | None]:
    """Return the fit statistics of least squares."""
    from scipy import special

    features, free = fit.df_model, fit.df_resid
    left, total = fit.deviance, fit.null_deviance if varied else 0.0  # rounding errors for a constant target
    variance = left / free if free > 0 else None
    f = (total - left) / features / variance if features and variance and total else None
    return {
        "residual_standard_error": None if variance is None else variance**0.5,
        "r2": 1 - left / total if total else None,
        "adjusted_r2": 1 - variance / (total / (free + features)) if total and variance is not None else None,
        "f": f,
        "f_numerator": features,
        "f_p_value": None if f is None else float(special.fdtrc(features, free, f)),
    }
