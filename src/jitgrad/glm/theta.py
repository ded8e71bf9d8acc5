"""Maximum-likelihood estimate of theta of the negative binomial for given means."""

from __future__ import annotations

import numpy as np

from jitgrad.errors import FitError
from jitgrad.glm.rows import Rows

LARGEST = 1e10
"""Upper limit for theta."""


def theta_of(rows: Rows, mean: np.ndarray) -> tuple[float, float]:
    """Return theta and its standard error from the observed information, like ``theta.ml`` in R's MASS.

    Raises FitError if the counts are not overdispersed, so that the likelihood increases with theta.
    """
    from scipy.optimize import brentq
    from scipy.special import digamma, polygamma

    y, total = rows.y, rows.total

    def slope(logarithm: float) -> float:
        """Return the derivative of the log-likelihood with respect to log(theta)."""
        theta = np.exp(logarithm)
        parts = digamma(theta + y) - digamma(theta) - np.log1p(mean / theta) - (y - mean) / (mean + theta)
        return float(theta * np.sum(total * parts))

    if np.sum(total * ((y - mean) ** 2 - y)) > 0:
        first = float(np.log(total.sum() / np.sum(total * (y / mean - 1) ** 2)))
        low, high = first - 1, first + 1
        while slope(low) <= 0 and low > first - 50:
            low -= 2
        while slope(high) >= 0 and high < first + 25:
            high += 1
        if slope(low) > 0 > slope(high):
            theta = float(np.exp(brentq(slope, low, high, xtol=1e-14, rtol=1e-14)))
            of = (
                polygamma(1, theta)
                - polygamma(1, theta + y)
                - 1 / theta
                + 2 / (mean + theta)
                - (y + theta) / (mean + theta) ** 2
            )
            return theta, float(1 / np.sqrt(np.sum(total * of)))
    raise FitError(
        "The counts are not overdispersed relative to a Poisson distribution, so theta cannot be estimated. "
        "Choose family 'poisson'."
    )
