"""What a model costs beside how well it fits: the information criteria, by one convention for all models.

It is that of R's ``logLik`` and ``AIC``: the likelihood is whole, with its constants, and a standard deviation or dispersion
that was estimated is a parameter. A curve of p parameters whose sigma is unknown has k = p + 1, one with absolute sigma k = p.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Criteria(NamedTuple):
    """Information criteria, each a number or an array of them; of two models of the same data the lower one is better.

    Attributes:
        aic: Akaike's, 2 k - 2 log L.
        aicc: that for few rows, with 2 k (k + 1) / (n - k - 1) more; nan for n <= k + 1, where it is not defined.
        bic: the Bayesian, k log n - 2 log L.
    """

    aic: Any
    aicc: Any
    bic: Any


def information_criteria(log_likelihood: Any, k: Any, n: Any) -> Criteria:
    """The information criteria of a fit, or of many at once.

    Parameters
    ----------
    log_likelihood : float or ndarray
        The logarithm of the likelihood at its maximum, with its constants.
    k : int or ndarray
        The number of estimated parameters, a standard deviation or dispersion among them.
    n : int or ndarray
        The number of rows.

    Returns
    -------
    Criteria
        Numbers, or arrays where an argument is one.

    Notes
    -----
    Akaike, "A new look at the statistical model identification", 1974; Hurvich and Tsai, "Regression and time series model
    selection in small samples", 1989; Schwarz, "Estimating the dimension of a model", 1978.

    Examples
    --------
    >>> information_criteria(-10.0, 2, 12)
    Criteria(aic=24.0, aicc=25.333333333333332, bic=24.969813299576)
    """
    rest = np.asarray(n, np.float64) - k - 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        aic = 2.0 * np.asarray(k, np.float64) - 2.0 * np.asarray(log_likelihood)
        aicc = aic + np.where(rest > 0, 2.0 * k * (k + 1.0) / np.where(rest > 0, rest, 1.0), np.nan)
        bic = np.log(n) * k - 2.0 * np.asarray(log_likelihood)
    return Criteria(*[each.item() if each.ndim == 0 else each for each in map(np.asarray, (aic, aicc, bic))])
