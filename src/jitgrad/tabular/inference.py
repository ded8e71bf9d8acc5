"""How certain the coefficients of a linear model are, and how well it explains its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from jitgrad.tabular.families import Family, Gaussian, log_softmax
from jitgrad.tabular.newton import Maximum
from jitgrad.tabular.scale import Scale
from jitgrad.tabular.scores import squares_around_mean

LEVEL = 0.95


@dataclass(frozen=True)
class Inference:
    """The estimates of a fitted linear model, in the units of the table.

    Of classes there is a column of estimates for each but the first, the reference: the logarithm of how much more likely it
    is than the reference. An aliased feature, a combination of those before it, has no estimate, as in R's ``lm`` and ``glm``.

    Attributes:
        names: "intercept" and the features.
        outputs: the target's name, or the classes but the first.
        estimate, standard_error, statistic, p_value, low, high: float64 (names, outputs); low and high are the ends of the
            95 % interval. nan where there is none.
        distribution: of the statistic, estimate / standard error: "t" or "z".
        rows: how many were fitted.
        degrees_of_freedom: rows without the number of estimates.
        figures: by name, None where not defined. Of least squares "residual_standard_error", "r2", "adjusted_r2", "f",
            "f_numerator" (its degrees of freedom) and "f_p_value". Of the others "log_likelihood", "null_log_likelihood" (of an
            intercept alone), "deviance", "null_deviance", "aic", "bic", "pseudo_r2" (McFadden, "Conditional logit analysis of
            qualitative choice behavior", 1974), "likelihood_ratio" and "likelihood_ratio_p_value".
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
    rows: int
    degrees_of_freedom: int
    figures: dict[str, float | None]

    @property
    def aliased(self) -> list[str]:
        """The features without an estimate."""
        return [name for name, missing in zip(self.names, np.isnan(self.estimate[:, 0]), strict=True) if missing]

    def frame(self) -> pl.DataFrame:
        """A row for each estimate, with null where there is none: output, name, estimate, standard_error, t or z, …"""
        columns = {"estimate": self.estimate, "standard_error": self.standard_error, self.distribution: self.statistic}
        columns |= {"p_value": self.p_value, "low": self.low, "high": self.high}
        names = {
            "output": [output for output in self.outputs for _ in self.names],
            "name": list(self.names) * len(self.outputs),
        }
        return pl.DataFrame(names | {name: values.T.ravel() for name, values in columns.items()}).fill_nan(None)


def infer(
    family: Family, scale: Scale, names: Sequence[str], outputs: Sequence[str], y: np.ndarray, eta: np.ndarray, maximum: Maximum
) -> Inference:
    """The inference of a maximum of the likelihood.

    Args:
        family: of the target.
        scale: of the fit.
        names: of the features.
        outputs: the target's name, or the classes but the first.
        y: the target of the rows that were fitted (rows,).
        eta: η of them (rows, all outputs).
        maximum: in the units of the fit.
    """
    unscaled, estimates = scale.unscaled(), maximum.weights.size
    estimate = scale.coefficients(maximum.weights)
    variance = np.einsum("ij,kjl,il->ik", unscaled, maximum.covariance, unscaled, optimize=True)
    free = len(y) - estimates
    distribution: Literal["t", "z"]
    if isinstance(family, Gaussian):
        figures, distribution = _of_squares(y, eta[:, 0], estimates - 1, free), "t"
        error = figures["residual_standard_error"]
        unit = np.nan if error is None else error
    else:
        figures, distribution = _of_likelihood(y, eta, maximum.weights.shape), "z"
        unit = float(np.exp(-scale.center / 2))  # counts were divided by exp(center)
    standard_error = np.sqrt(variance) * unit
    estimate[1:][scale.aliased] = np.nan
    standard_error[1:][scale.aliased] = np.nan
    tested = _tested(estimate, standard_error, free if distribution == "t" else None)
    return Inference(
        ("intercept", *names),
        tuple(outputs),
        estimate,
        standard_error,
        **tested,
        distribution=distribution,
        rows=len(y),
        degrees_of_freedom=free,
        figures=figures,
    )


def _tested(estimate: np.ndarray, standard_error: np.ndarray, free: int | None) -> dict[str, np.ndarray]:
    """The statistic, its p-value, and the ends of the interval: Student's with degrees of freedom, or normal."""
    from scipy import special

    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / standard_error
    if free is None:
        below, width = special.ndtr(-np.abs(statistic)), special.ndtri((1 + LEVEL) / 2)
    else:
        below, width = special.stdtr(max(free, 1), -np.abs(statistic)), special.stdtrit(max(free, 1), (1 + LEVEL) / 2)
    half = width * standard_error
    return {"statistic": statistic, "p_value": 2 * below, "low": estimate - half, "high": estimate + half}


def _of_squares(y: np.ndarray, predicted: np.ndarray, features: int, free: int) -> dict[str, float | None]:
    """The figures of least squares."""
    from scipy import special

    left, total = float(np.sum((y - predicted) ** 2)), squares_around_mean(y)
    explained = float(np.sum((predicted - y.mean()) ** 2))
    variance = left / free if free > 0 else None
    f = explained / features / variance if features and variance else None
    return {
        "residual_standard_error": None if variance is None else variance**0.5,
        "r2": 1 - left / total if total else None,
        "adjusted_r2": 1 - variance / (total / (len(y) - 1)) if total and variance is not None else None,
        "f": f,
        "f_numerator": features,
        "f_p_value": None if f is None else float(special.fdtrc(features, free, f)),
    }


def _of_likelihood(y: np.ndarray, eta: np.ndarray, shape: tuple[int, ...]) -> dict[str, float | None]:
    """The figures of counts, and of classes, which have an output each."""
    from scipy import special

    own, null, deviance, null_deviance = (_of_classes if eta.shape[1] > 1 else _of_counts)(y, eta)
    inputs, outputs = shape
    more = (inputs - 1) * outputs
    return {
        "log_likelihood": own,
        "null_log_likelihood": null,
        "deviance": deviance,
        "null_deviance": null_deviance,
        "aic": 2 * inputs * outputs - 2 * own,
        "bic": float(np.log(len(y))) * inputs * outputs - 2 * own,
        "pseudo_r2": 1 - own / null if null else None,
        "likelihood_ratio": 2 * (own - null),
        "likelihood_ratio_p_value": float(special.chdtrc(more, 2 * (own - null))) if more else None,
    }


def _of_classes(y: np.ndarray, eta: np.ndarray) -> tuple[float, float, float, float]:
    """The logarithms of the likelihood and of an intercept's alone, and the deviances."""
    rows = y.astype(np.int64)
    own = float(log_softmax(eta)[np.arange(len(y)), rows].sum())
    counts = np.bincount(rows)
    null = float(np.sum(counts * np.log(counts / len(y))))
    return own, null, -2 * own, -2 * null


def _of_counts(y: np.ndarray, eta: np.ndarray) -> tuple[float, float, float, float]:
    from scipy.special import gammaln, xlogy

    def of(mean: np.ndarray) -> tuple[float, float]:
        likelihood = np.sum(xlogy(y, mean) - mean - gammaln(y + 1))
        return float(likelihood), 2 * float(np.sum(xlogy(y, y / mean) - (y - mean)))

    own, deviance = of(np.exp(eta[:, 0]))
    null, null_deviance = of(np.full(len(y), y.mean()))
    return own, null, deviance, null_deviance
