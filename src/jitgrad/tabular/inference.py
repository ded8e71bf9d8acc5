"""How certain the coefficients of a generalised linear model are, and how well it explains its rows."""

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
    """The estimates of a fitted generalised linear model, in the units of the table.

    Of classes there is a column of estimates for each but the first, the reference: the logarithm of how much more likely it
    is than the reference. An aliased feature, a combination of those before it, has no estimate, as in R's ``lm`` and ``glm``.

    Attributes:
        names: "intercept", where there is one, and the features.
        outputs: the target's name, or the classes but the first.
        estimate, standard_error, statistic, p_value, low, high: float64 (names, outputs); low and high are the ends of the
            confidence interval. nan where there is none.
        distribution: of the statistic, estimate / standard error: "t" or "z".
        ratio: what the exponential of an estimate is, as "odds ratio"; empty where it is nothing.
        level: of the intervals.
        cov_type: of the standard errors: "model", "HC0" to "HC3" or "cluster".
        covariance: of the estimates that there are, output by output.
        dispersion: by which the variance of the family is multiplied.
        rows: how many were fitted.
        degrees_of_freedom: rows without the number of estimates.
        figures: by name, None where not defined. Of all models "log_likelihood", "aic", "aicc" and "bic", by R's conventions:
            the full likelihood, and a dispersion that is estimated counts as a parameter. Of least squares
            "residual_standard_error", "r2", "adjusted_r2", "f", "f_numerator" (its degrees of freedom) and "f_p_value". Of the
            others "null_log_likelihood" (of an intercept alone), "deviance", "null_deviance", "pseudo_r2" (McFadden,
            "Conditional logit analysis of qualitative choice behavior", 1974), "likelihood_ratio" and
            "likelihood_ratio_p_value"; "dispersion" where it is estimated, and "theta" of negative binomial models.
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
        """The exponentials of the estimates and of the ends of their intervals, see ``ratio``."""
        with np.errstate(over="ignore"):
            return np.exp(self.estimate), np.exp(self.low), np.exp(self.high)

    def frame(self) -> pl.DataFrame:
        """A row for each estimate, with null where there is none: output, name, estimate, standard_error, t or z, …"""
        columns = {"estimate": self.estimate, "standard_error": self.standard_error, self.distribution: self.statistic}
        columns |= {"p_value": self.p_value, "low": self.low, "high": self.high}
        names = {
            "output": [output for output in self.outputs for _ in self.names],
            "name": list(self.names) * len(self.outputs),
        }
        return pl.DataFrame(names | {name: values.T.ravel() for name, values in columns.items()}).fill_nan(None)

    def half_width(self, x: np.ndarray, more: float, level: float) -> np.ndarray:
        """Half the width of the intervals of the linear predictor, (rows,), of features (rows, features); of one output.

        Args:
            more: the variance of a new row about its mean, for intervals of new rows.
            level: of the intervals.
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
    """The inference of a fit.

    Args:
        fit: the maximum of the likelihood.
        names: of the features.
        outputs: the target's name, or the classes but the first.
        settings: the kind of the standard errors, and the level of the intervals.
        covariance: of the coefficients.
        varied: whether there is anything to explain: targets, without their offsets, that are not all the same.
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
    """The figures of least squares."""
    from scipy import special

    features, free = fit.df_model, fit.df_resid
    left, total = fit.deviance, fit.null_deviance if varied else 0.0  # of equal numbers it is rounding
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
