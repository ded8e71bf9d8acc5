"""A test for overdispersion of counts and proportions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jitgrad.glm.means import Working
from jitgrad.glm.result import Fit
from jitgrad.typing import ArrayLike

RATIO, P_VALUE = 1.2, 0.01
"""Thresholds for a note: standard errors that are a tenth too small, and a small probability that chance is the reason."""
CHOICES = {"poisson": "'quasi_poisson' or 'negative_binomial'", "binomial": "'quasi_binomial'"}


@dataclass(frozen=True)
class Overdispersion:
    """A test for overdispersion, as returned by `jitgrad.glm.overdispersion`.

    Parameters
    ----------
    ratio : float
        Pearson's χ² divided by its degrees of freedom, which is about 1 if the model is correct.
    statistic : float
        Pearson's χ².
    df : float
        The degrees of freedom of the statistic.
    p_value : float
        The probability of a statistic at least as large if the model is correct.
    note : str
        A recommendation if the counts or proportions are overdispersed, otherwise empty.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x, y = np.zeros((6, 0)), np.array([0, 12, 3, 25, 1, 40])
    >>> found = glm.overdispersion(glm.fit(x, y, family="poisson"), x, y)
    >>> found.df, found.p_value < 1e-6
    (5.0, True)
    """

    ratio: float
    statistic: float
    df: float
    p_value: float
    note: str


def overdispersion(fit: Fit, x: ArrayLike, y: ArrayLike, **rows: ArrayLike | None) -> Overdispersion | None:
    """Test for overdispersion of counts, or of proportions of several trials.

    Parameters
    ----------
    fit : Fit
        A fit of family "poisson" or "binomial".
    x : array_like, shape (n, p)
        The features to which the model was fitted.
    y : array_like, shape (n,)
        The target to which the model was fitted.
    **rows : array_like, shape (n,)
        The arguments ``offset``, ``weights``, ``freq_weights`` and ``trials`` that were passed to `fit`.

    Returns
    -------
    Overdispersion or None
        The test; None for other families, single trials, separated classes, and without residual degrees of freedom.

    Notes
    -----
    The test uses Pearson's χ² statistic. Its null distribution is approximated by a scaled χ² distribution with the conditional
    mean and variance of the statistic given the estimates [1]_. For large means this is the usual χ² distribution.

    References
    ----------
    .. [1] P. McCullagh, "On the asymptotic distribution of Pearson's statistic in linear exponential-family models",
       *Int. Statist. Rev.* 53, 1985.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x, y = np.zeros((6, 0)), np.array([0, 12, 3, 25, 1, 40])
    >>> round(glm.overdispersion(glm.fit(x, y, family="poisson"), x, y).ratio, 3)
    19.044
    """
    from scipy.special import chdtrc

    if fit.family.name not in CHOICES or fit.separated or fit.df_resid <= 0:
        return None
    of = fit.working(x, y, **rows)
    if fit.family.name == "binomial" and (of.rows.trials <= 1).all():
        return None
    variance = _variance(fit, x, of) * fit.df_resid / fit.n
    factor = variance / (2 * fit.df_resid)
    ratio = fit.pearson_chi2 / fit.df_resid
    p_value = float(chdtrc(fit.df_resid / factor, fit.pearson_chi2 / factor))
    note = ""
    if ratio > RATIO and p_value < P_VALUE:
        what, what_of = ("counts", "Poisson") if fit.family.name == "poisson" else ("proportions", "binomial")
        note = (
            f"Overdispersion: the variance of the {what} is {ratio:.3g} times that of the {what_of} distribution, so the "
            f"standard "
            f"errors are too small. Consider {CHOICES[fit.family.name]}."
        )
    return Overdispersion(ratio, fit.pearson_chi2, fit.df_resid, p_value, note)


def _variance(fit: Fit, x: ArrayLike, of: Working) -> float:
    """Return the variance of Pearson's statistic, given the estimates."""
    assert fit.link is not None
    counted = of.rows.total > 0
    frequency, prior = of.rows.frequency[counted], of.rows.prior[counted]
    mean, rest = of.mean.value[counted], of.mean.rest[counted]
    if fit.family.name == "poisson":
        variance, by_mean, cumulant = mean, np.ones_like(mean), 1 / (prior * mean)
    else:
        variance, by_mean = mean * rest, rest - mean
        cumulant = (1 - 6 * variance) / (prior * variance)
    moved = fit.design(x)[counted].T @ (frequency * by_mean * fit.link.derivative(of.eta[counted]) / variance)
    return float(np.sum(frequency * (2 + cumulant)) - moved @ fit.covariance @ moved)
