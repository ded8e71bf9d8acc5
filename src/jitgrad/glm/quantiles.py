"""Distribution functions of the families, and quantile residuals."""

from __future__ import annotations

import numpy as np

from jitgrad import random
from jitgrad.glm.result import Fit

_SMALLEST, _LARGEST = 1e-300, 1 - 2.0**-53
DISCRETE = ("binomial", "poisson", "negative_binomial")


def has_distribution(fit: Fit) -> bool:
    """Return whether the family is a distribution of numbers, unlike quasi-likelihoods and "multinomial"."""
    return fit.family.name in (*DISCRETE, "gaussian", "gamma", "inverse_gaussian")


def at_most(
    fit: Fit, y: np.ndarray, mean: np.ndarray, weights: np.ndarray | None = None, trials: np.ndarray | None = None
) -> np.ndarray:
    """Return the probability that the target of each row is at most ``y``.

    Parameters
    ----------
    fit : Fit
        A fit of a family that ``has_distribution``; its dispersion and theta are taken as known.
    y, mean : ndarray, shape (n,)
        Values (proportions for a binomial family), and the predicted means.
    weights, trials : ndarray, shape (n,), optional
        As passed to ``glm.fit``.

    Returns
    -------
    ndarray, shape (n,)
        The probabilities.
    """
    from scipy import special

    weight = 1.0 if weights is None else weights
    name = fit.family.name
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if name == "gaussian":
            return special.ndtr((y - mean) / np.sqrt(fit.dispersion / weight))
        if name == "gamma":
            shape = weight / fit.dispersion
            return special.gammainc(shape, np.maximum(y, 0) / mean * shape)
        if name == "inverse_gaussian":
            shape = weight / fit.dispersion
            root = np.sqrt(shape / y)
            return special.ndtr(root * (y / mean - 1)) + np.exp(2 * shape / mean + special.log_ndtr(-root * (y / mean + 1)))
        tries = np.ones(len(y)) if trials is None else trials
        count = np.floor(y * tries + 1e-7) if name == "binomial" else np.floor(y)
        known = np.maximum(count, 0)
        if name == "binomial":
            made = np.where(known >= tries, 1.0, special.betaincc(known + 1, np.maximum(tries - known, 0.5), mean))
        elif name == "poisson":
            made = special.gammaincc(known + 1, mean)
        else:
            made = special.betainc(fit.theta, known + 1, fit.theta / (fit.theta + mean))
        return np.where(count < 0, 0.0, made)


def quantile_residuals(
    fit: Fit, x: np.ndarray, y: np.ndarray, *, offset: np.ndarray | None = None, weights: np.ndarray | None = None,
    trials: np.ndarray | None = None, seed: int = 0,
) -> np.ndarray:  # fmt: skip
    """Return randomized quantile residuals, which are standard normal if the model is correct.

    They are the normal quantiles of the distribution function at ``y``. For discrete families, the probability is drawn
    uniformly between the probabilities of less than ``y`` and of at most ``y``. Dunn and Smyth, "Randomized quantile
    residuals", 1996.

    Parameters
    ----------
    fit : Fit
        A fit of a family that ``has_distribution``.
    x : ndarray, shape (n, p)
        The features.
    y : ndarray, shape (n,)
        The target.
    offset, weights, trials : ndarray, shape (n,), optional
        As passed to ``glm.fit``.
    seed : int, default 0
        Random seed.

    Returns
    -------
    ndarray, shape (n,)
        The residuals.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad import glm
    >>> from jitgrad.glm.quantiles import quantile_residuals
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([1.0, 3.0, 2.0, 4.0])
    >>> quantile_residuals(glm.fit(x, y), x, y).round(4)
    array([-0.3162,  0.9487, -0.9487,  0.3162])
    """
    from scipy.special import ndtri

    mean = fit.predict(x, offset)
    high = at_most(fit, y, mean, weights, trials)
    if fit.family.name in DISCRETE:
        step = 1.0 if fit.family.name != "binomial" or trials is None else 1.0 / np.maximum(trials, 1)
        low = at_most(fit, y - step, mean, weights, trials)
        high = low + random.generator(seed).random(len(y)) * (high - low)
    return ndtri(np.clip(high, _SMALLEST, _LARGEST))
