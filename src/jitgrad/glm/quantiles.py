"""Distributions of the families, and the residuals that are normal whatever the family is."""

from __future__ import annotations

import numpy as np

from jitgrad import random
from jitgrad.glm.result import Fit

_SMALLEST, _LARGEST = 1e-300, 1 - 2.0**-53
DISCRETE = ("binomial", "poisson", "negative_binomial")


def has_distribution(fit: Fit) -> bool:
    """Whether the family is a distribution of numbers: quasi-likelihoods and classes have none here."""
    return fit.family.name in (*DISCRETE, "gaussian", "gamma", "inverse_gaussian")


def at_most(
    fit: Fit, y: np.ndarray, mean: np.ndarray, weights: np.ndarray | None = None, trials: np.ndarray | None = None
) -> np.ndarray:
    """The probability of each row that its target is ``y`` or less.

    Parameters
    ----------
    fit : Fit
        Of a family that ``has_distribution``; its dispersion and theta are taken as known.
    y, mean : ndarray of shape (n,)
        Values, of a binomial family proportions, and the means that the fit predicts.
    weights, trials : ndarray of shape (n,), optional
        As the fit was given them.

    Returns
    -------
    ndarray of shape (n,)
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
    """Residuals that are a sample of the standard normal distribution where the model is true.

    The normal quantiles of the probabilities that ``y`` is what it is or less. Where the family is discrete, the probability is
    drawn between those of less than ``y`` and of ``y`` or less; the same seed draws the same. Dunn and Smyth, "Randomized
    quantile residuals", 1996.

    Parameters
    ----------
    fit : Fit
        Of a family that ``has_distribution``.
    x, y, offset, weights, trials
        The rows, as ``glm.fit`` takes them.
    seed : int, default 0
        Of what is drawn.

    Returns
    -------
    ndarray of shape (n,)

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
