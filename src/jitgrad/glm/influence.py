"""Residuals, leverage and influence of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.glm.covariance import ALONE
from jitgrad.glm.multinomial import Multinomial
from jitgrad.glm.result import Fit
from jitgrad.typing import ArrayLike


@dataclass(frozen=True)
class Influence:
    """Residuals and influence of each row, as returned by `jitgrad.glm.influence`.

    Arrays have shape (n,). The names in parentheses are the corresponding R functions. A row with frequency f represents f
    rows, and its values apply to each of them. Values are nan for rows with weight 0. Leave-one-out quantities are also nan if
    a row alone determines a coefficient.

    Parameters
    ----------
    leverage : ndarray, shape (n,)
        The hat values (``hatvalues``).
    response : ndarray, shape (n,)
        Target minus mean.
    pearson : ndarray, shape (n,)
        Pearson residuals: response residuals divided by the standard deviation without the dispersion
        (``residuals(type="pearson")``).
    deviance : ndarray, shape (n,)
        Deviance residuals: signed square roots of the contributions to the deviance (``residuals(type="deviance")``).
    working : ndarray, shape (n,)
        Working residuals, on the scale of the linear predictor (``residuals(type="working")``).
    standardised : ndarray, shape (n,)
        Deviance residuals scaled to variance 1, also called internally studentized (``rstandard``).
    standardised_pearson : ndarray, shape (n,)
        Pearson residuals scaled to variance 1.
    studentised : ndarray, shape (n,)
        Externally studentized residuals, which are approximately t-distributed (``rstudent``). For families with known
        dispersion, Williams' likelihood residuals.
    cooks_distance : ndarray, shape (n,)
        Cook's distance: the change of the coefficients if the row is left out (``cooks.distance``).
    dffits : ndarray, shape (n,)
        The change of the row's linear predictor, in standard errors, if the row is left out (``dffits``).

    Examples
    --------
    >>> from jitgrad import glm
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]), np.array([0.0, 2.0, 3.0, 7.0, 8.0])
    >>> found = glm.influence(glm.fit(x, y), x, y)
    >>> found.leverage.round(2)
    array([0.6, 0.3, 0.2, 0.3, 0.6])
    >>> found.studentised.round(2)
    array([ 0.33,  0.12, -1.96,  1.77, -0.33])
    """

    leverage: np.ndarray
    response: np.ndarray
    pearson: np.ndarray
    deviance: np.ndarray
    working: np.ndarray
    standardised: np.ndarray
    standardised_pearson: np.ndarray
    studentised: np.ndarray
    cooks_distance: np.ndarray
    dffits: np.ndarray


def influence(fit: Fit, x: ArrayLike, y: ArrayLike, **rows: ArrayLike | None) -> Influence:
    """Return residuals and influence of the rows of a fit.

    The results are exact for least squares. For other families, leave-one-out quantities come from one iteration of the fit
    without the row, as in R.

    Parameters
    ----------
    fit : Fit
        The fit, of any family except "multinomial".
    x : array_like, shape (n, p)
        The features to which the model was fitted.
    y : array_like, shape (n,)
        The target to which the model was fitted.
    **rows : array_like, shape (n,)
        The arguments ``offset``, ``weights``, ``freq_weights`` and ``trials`` that were passed to `fit`.

    Returns
    -------
    Influence
        Residuals, leverage, Cook's distances and dffits.

    Raises
    ------
    ArgumentError
        If the family is "multinomial", for which residuals are undefined.

    Notes
    -----
    Leverage and Cook's distance are described by Cook [1]_, dffits and studentized residuals by Belsley, Kuh and Welsch [2]_,
    and their extension to generalized linear models by Williams [3]_.

    References
    ----------
    .. [1] R. D. Cook, "Detection of influential observation in linear regression", *Technometrics* 19, 1977.
    .. [2] D. A. Belsley, E. Kuh and R. E. Welsch, *Regression Diagnostics*, Wiley, 1980.
    .. [3] D. A. Williams, "Generalized linear model diagnostics using the deviance and single case deletions",
       *Applied Statistics* 36, 1987.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]), np.array([0.0, 2.0, 3.0, 7.0, 8.0])
    >>> glm.influence(glm.fit(x, y), x, y).cooks_distance.round(3)
    array([0.118, 0.005, 0.247, 0.392, 0.118])
    """
    if isinstance(fit.family, Multinomial):
        raise ArgumentError("Residuals are undefined for class targets. Use the predicted probabilities instead.")
    of = fit.working(x, y, **rows)
    counted = of.rows.total > 0
    frequency, prior = np.where(counted, of.rows.frequency, 0), of.rows.prior
    with np.errstate(divide="ignore", invalid="ignore"):
        hat = np.where(counted, fit.hat_values(x, of), np.nan)
        response = fit.family.residual(of.rows.y, of.mean)
        pearson = np.where(counted, of.pearson(fit.family), np.nan)
        squares = np.where(counted, prior * np.maximum(fit.family.unit_deviance(of.rows.y, of.mean), 0), np.nan)
        deviance = np.sign(response) * np.sqrt(squares)
        rest = np.where(hat < 1 - ALONE, 1 - hat, np.nan)
        p = len(fit.covariance)
        left, free = np.sum(np.where(counted, frequency * squares, 0)), fit.n - p - 1
        sigma = np.sqrt(np.maximum(left - squares / rest, 0) / free) if free > 0 else np.full(len(hat), np.nan)
        unit = np.sqrt(fit.dispersion * rest)
        likelihood = np.sign(response) * np.sqrt(squares + hat * pearson**2 / rest)
        return Influence(
            leverage=hat,
            response=response,
            pearson=pearson,
            deviance=deviance,
            working=np.where(counted, of.residual, np.nan),
            standardised=deviance / unit,
            standardised_pearson=pearson / unit,
            studentised=likelihood / sigma if fit.dispersion_estimated else likelihood,
            cooks_distance=(pearson / rest) ** 2 * hat / (fit.dispersion * p),
            dffits=deviance * np.sqrt(hat) / (sigma * rest),
        )
