"""Whether counts and proportions vary more than their family says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from jitgrad.glm.means import Working
from jitgrad.glm.result import Fit

RATIO, P_VALUE = 1.2, 0.01
"""From when on it is said: errors are a tenth larger then, and chance is a poor reason."""
CHOICES = {"poisson": "'quasi_poisson' or 'negative_binomial'", "binomial": "'quasi_binomial'"}


@dataclass(frozen=True)
class Overdispersion:
    """How much the target varies, beside its family.

    Attributes:
        ratio: Pearson's χ² by its degrees of freedom, about 1 where the model is true.
        statistic, df: of which it is the ratio.
        p_value: how probable a ratio as large is where the model is true.
        note: what to do, in words; empty where the ratio is near 1, or chance may be the reason.
    """

    ratio: float
    statistic: float
    df: float
    p_value: float
    note: str


def overdispersion(fit: Fit, x: np.ndarray, y: np.ndarray, **rows: Any) -> Overdispersion | None:
    """Pearson's test of the variance of counts and of proportions of several trials.

    Its statistic is taken for a multiple of a χ² variable that has its mean and its variance, given the estimates. Where means
    are large, that is the usual χ²; where they are small and differ, it varies more. McCullagh, "On the asymptotic distribution
    of Pearson's statistic in linear exponential-family models", 1985.

    Parameters
    ----------
    fit : Fit
        The fit.
    x, y, **rows
        What it was fitted to, as ``glm.fit`` takes it.

    Returns
    -------
    Overdispersion or None
        None where nothing can be said: other families, single trials, or no degrees of freedom.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad import glm
    >>> x, y = np.zeros((6, 0)), np.array([0.0, 12.0, 3.0, 25.0, 1.0, 40.0])
    >>> glm.overdispersion(glm.fit(x, y, family="poisson"), x, y).ratio
    19.044444444444444
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


def _variance(fit: Fit, x: np.ndarray, of: Working) -> float:
    """Of Pearson's statistic: of its parts, less what the estimates explain of it."""
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
