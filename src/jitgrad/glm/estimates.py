"""Standard errors, tests and confidence intervals of coefficients, and ratios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.glm.result import Fit


@dataclass(frozen=True)
class Estimates:
    """Coefficients with standard errors, tests and confidence intervals, as returned by `jitgrad.glm.estimates`.

    Arrays have shape (1 + p, outputs), the intercept first. They are nan for an intercept that is not in the model and for
    aliased features.

    Parameters
    ----------
    estimate : ndarray, shape (1 + p, outputs)
        The coefficients.
    standard_error : ndarray, shape (1 + p, outputs)
        The standard errors of the coefficients.
    statistic : ndarray, shape (1 + p, outputs)
        The Wald statistic: estimate divided by standard error.
    p_value : ndarray, shape (1 + p, outputs)
        The two-sided p-value of the hypothesis that a coefficient is 0.
    low, high : ndarray, shape (1 + p, outputs)
        The limits of the confidence intervals.
    distribution : {"t", "z"}
        The distribution of the statistic: "t" if the dispersion is estimated, otherwise "z", the standard normal distribution.
    df : float
        The degrees of freedom of the t distribution; inf for "z".
    level : float
        The confidence level.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> made = glm.estimates(glm.fit(x, [1.0, 3.0, 4.0, 8.0]))
    >>> made.estimate[1].round(3), made.standard_error[1].round(3), made.distribution
    (array([2.2]), array([0.424]), 't')
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
    """Return coefficients with standard errors, Wald tests and confidence intervals.

    Parameters
    ----------
    fit : Fit
        The fit.
    covariance : ndarray, shape (outputs * q, outputs * q), optional
        The covariance of the coefficients, as returned by `covariance`. By default, the model-based covariance.
    level : float, default 0.95
        The confidence level, between 0 and 1.
    df : float, optional
        Degrees of freedom of the t distribution, or inf for the normal distribution. By default, the residual degrees of
        freedom if the dispersion is estimated, as in R's ``coeftest``, and inf otherwise. With few clusters, their number minus
        one is a conservative choice.

    Returns
    -------
    Estimates
        Arrays of shape (1 + p, outputs).

    Raises
    ------
    ArgumentError
        If ``level`` is not between 0 and 1.

    See Also
    --------
    covariance : Robust covariances.
    ratios : Odds ratios, rate ratios and hazard ratios.

    Examples
    --------
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
    """Exponentials of coefficients with confidence intervals, as returned by `jitgrad.glm.ratios`.

    A ratio is the factor by which the odds, rate or mean changes if a feature increases by 1.

    Parameters
    ----------
    name : str
        The kind of ratio: "odds ratio", "rate ratio", "hazard ratio", "risk ratio" or "ratio of means".
    ratio : ndarray, shape (1 + p, outputs)
        The exponentials of the coefficients.
    low, high : ndarray, shape (1 + p, outputs)
        The limits of the confidence intervals.

    Examples
    --------
    >>> from jitgrad import glm
    >>> fit = glm.fit(np.array([[0.0], [0.0], [1.0], [1.0]]), [2, 4, 5, 7], family="poisson")
    >>> made = glm.ratios(fit, glm.estimates(fit))
    >>> made.low[1].round(3), made.ratio[1].round(3), made.high[1].round(3)
    (array([0.751]), array([2.]), array([5.329]))
    """

    name: str
    ratio: np.ndarray
    low: np.ndarray
    high: np.ndarray


def ratios(fit: Fit, of: Estimates) -> Ratios | None:
    """Return odds ratios, rate ratios or similar ratios with confidence intervals.

    Parameters
    ----------
    fit : Fit
        The fit.
    of : Estimates
        The estimates of the fit.

    Returns
    -------
    Ratios or None
        Odds ratios for the logit link and for "multinomial", against the first class. Hazard ratios for the complementary
        log-log link. For the log link, rate ratios of counts, risk ratios of proportions, and otherwise ratios of means. None
        for other links.

    See Also
    --------
    estimates : Coefficients on the scale of the link.

    Examples
    --------
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
