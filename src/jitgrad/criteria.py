"""Information criteria, with the same convention for all models.

It is the convention of R's ``logLik`` and ``AIC``: the log-likelihood includes its constants, and an estimated standard
deviation or dispersion counts as a parameter. A curve with p parameters has k = p + 1, or k = p with absolute sigma.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Criteria(NamedTuple):
    """Information criteria, as numbers or arrays. Among models of the same data, the one with the lowest value is preferred.

    Attributes
    ----------
    aic : float or ndarray
        Akaike's information criterion, 2 k - 2 log L.
    aicc : float or ndarray
        AIC corrected for small samples, AIC + 2 k (k + 1) / (n - k - 1); nan if n <= k + 1.
    bic : float or ndarray
        The Bayesian information criterion, k log n - 2 log L.
    """

    aic: Any
    aicc: Any
    bic: Any


def information_criteria(log_likelihood: Any, k: Any, n: Any) -> Criteria:
    """Return the information criteria of one fit, or of many.

    Parameters
    ----------
    log_likelihood : float or ndarray
        The maximum log-likelihood, with its constants.
    k : int or ndarray
        The number of estimated parameters, including a standard deviation or dispersion.
    n : int or ndarray
        The number of rows.

    Returns
    -------
    Criteria
        Numbers, or arrays if an argument is an array.

    Notes
    -----
    Akaike, "A new look at the statistical model identification", 1974; Hurvich and Tsai, "Regression and time series model
    selection in small samples", 1989; Schwarz, "Estimating the dimension of a model", 1978.

    Examples
    --------
    >>> from jitgrad.criteria import information_criteria
    >>> information_criteria(-10.0, 2, 12)
    Criteria(aic=24.0, aicc=25.333333333333332, bic=24.969813299576)
    """
    rest = np.asarray(n, np.float64) - k - 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        aic = 2.0 * np.asarray(k, np.float64) - 2.0 * np.asarray(log_likelihood)
        aicc = aic + np.where(rest > 0, 2.0 * k * (k + 1.0) / np.where(rest > 0, rest, 1.0), np.nan)
        bic = np.log(n) * k - 2.0 * np.asarray(log_likelihood)
    return Criteria(*[each.item() if each.ndim == 0 else each for each in map(np.asarray, (aic, aicc, bic))])
