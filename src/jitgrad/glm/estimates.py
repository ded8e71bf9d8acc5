"""Estimates of coefficients with their errors, tests and intervals, and the ratios that they are logarithms of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.glm.result import Fit


@dataclass(frozen=True)
class Estimates:
    """Coefficients and how certain they are, each array float64 (1 + features, outputs), the intercept first.

    nan where there is no estimate: an intercept that was left out, or a feature that is a combination of those before it.

    Attributes:
        estimate, standard_error: of the coefficients.
        statistic, p_value: of the test that a coefficient is 0, on both sides.
        low, high: the ends of the interval.
        distribution: of the statistic: "t" where the dispersion is estimated, else "z".
        df: the degrees of freedom of "t", inf of "z".
        level: of the interval.
    """

    estimate: np.ndarray
    standard_error: np.ndarray
    statistic: np.ndarray
    p_value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    distribution: Literal["t", "z"]
    df: float
    level: float


def estimates(fit: Fit, covariance: np.ndarray | None = None, level: float = 0.95, df: float | None = None) -> Estimates:
    """The coefficients of a fit with standard errors, Wald's tests and intervals.

    Parameters
    ----------
    fit : Fit
        The fit.
    covariance : array of shape (outputs · p, outputs · p), optional
        Of ``glm.covariance``; by default the model's.
    level : float, default 0.95
        Of the intervals.
    df : float, optional
        Degrees of freedom of the t distribution, inf for the normal one. By default those of the residuals where the dispersion
        is estimated, as R's ``coeftest`` has them, and inf elsewhere. For few clusters, their number less one is a cautious
        choice.

    Returns
    -------
    Estimates
        Arrays of shape (1 + features, outputs).

    Raises
    ------
    ArgumentError
        For a level that is not between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad import glm
    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> glm.estimates(glm.fit(x, [1, 3, 4, 8], family="poisson")).p_value.round(3)
    array([[0.673],
           [0.019]])
    """
    from scipy import special

    if not 0 < level < 1:
        raise ArgumentError(f"{{argument}} is {level}. Give a number between 0 and 1, such as 0.95.", argument="level")
    if df is None:
        df = fit.df_resid if fit.dispersion_estimated else np.inf
    variances = np.diag(fit.covariance if covariance is None else covariance)
    known = fit.estimated
    estimate, error = np.full((2, *fit.coefficients.shape), np.nan)
    estimate[known] = fit.coefficients[known]
    error[known] = np.sqrt(variances).reshape(estimate.shape[1], -1).T
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / error
    if np.isinf(df):
        below, width = special.ndtr(-np.abs(statistic)), special.ndtri((1 + level) / 2)
    else:
        below, width = special.stdtr(df, -np.abs(statistic)), special.stdtrit(df, (1 + level) / 2)
    half = width * error
    distribution: Literal["t", "z"] = "z" if np.isinf(df) else "t"
    return Estimates(estimate, error, statistic, 2 * below, estimate - half, estimate + half, distribution, float(df), level)


class Ratios(NamedTuple):
    """Exponentials of coefficients: by what a feature's step of one multiplies.

    Attributes:
        name: what is multiplied: "odds ratio", "rate ratio", "hazard ratio", "risk ratio" or "ratio of means".
        ratio, low, high: float64 (1 + features, outputs).
    """

    name: str
    ratio: np.ndarray
    low: np.ndarray
    high: np.ndarray


def ratios(fit: Fit, of: Estimates) -> Ratios | None:
    """Odds ratios, rate ratios and the like with their intervals; None where the link is not a logarithm.

    Parameters
    ----------
    fit : Fit
        The fit.
    of : Estimates
        Its estimates.

    Returns
    -------
    Ratios or None
        Of a logit, and of classes against the first one, odds ratios; of the complementary log-log hazard ratios; of a
        logarithm rate ratios of counts, risk ratios of proportions, and ratios of means of other numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad import glm
    >>> fit = glm.fit(np.array([[0.0], [0.0], [1.0], [1.0]]), [2, 4, 5, 7], family="poisson")
    >>> made = glm.ratios(fit, glm.estimates(fit))
    >>> made.name, made.ratio[1].round(6)
    ('rate ratio', array([2.]))
    """
    name = _name(fit.family.name, None if fit.link is None else fit.link.name)
    if name is None:
        return None
    with np.errstate(over="ignore"):
        return Ratios(name, np.exp(of.estimate), np.exp(of.low), np.exp(of.high))


def _name(family: str, link: str | None) -> str | None:
    if link in (None, "logit"):
        return "odds ratio"
    if link == "cloglog":
        return "hazard ratio"
    if link != "log":
        return None
    family = family.removeprefix("quasi_")
    return {"poisson": "rate ratio", "negative_binomial": "rate ratio", "binomial": "risk ratio"}.get(family, "ratio of means")
