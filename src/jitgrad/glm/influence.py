"""Residuals of a fit, and how much each row moves it.

Cook, "Detection of influential observation in linear regression", 1977; Belsley, Kuh and Welsch, "Regression diagnostics",
1980; Williams, "Generalized linear model diagnostics using the deviance and single case deletions", 1987.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.glm.covariance import ALONE
from jitgrad.glm.multinomial import Multinomial
from jitgrad.glm.result import Fit


@dataclass(frozen=True)
class Influence:
    """Residuals and influence of rows, each float64 (n,), as R's functions of the names in parentheses have them.

    A row of frequency f stands for f rows, and the figures are those of one of these. nan where a figure is not defined: for a
    row with weight 0, and what takes a row out, where the row alone determines a coefficient.

    Attributes:
        leverage: how much the row's own target is in its mean (``hatvalues``).
        response: target minus mean.
        pearson: the same by the standard deviation, without the dispersion (``residuals(type="pearson")``).
        deviance: signed roots of the parts of the deviance (``residuals(type="deviance")``).
        working: of the linear predictor (``residuals(type="working")``).
        standardised: deviance residuals of variance one (``rstandard``): internally studentised.
        standardised_pearson: Pearson's, likewise.
        studentised: what the row is beside the fit without it, approximately of the t distribution (``rstudent``): externally
            studentised, where the dispersion is estimated; of other families Williams' likelihood residuals.
        cooks_distance: how far the coefficients move without the row (``cooks.distance``).
        dffits: how far its linear predictor does, in standard errors (``dffits``).
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


def influence(fit: Fit, x: np.ndarray, y: np.ndarray, **rows: Any) -> Influence:
    """Residuals and influence of the rows of a fit.

    Of least squares they are exact; of other families those of one step of the fit without the row, as in R.

    Parameters
    ----------
    fit : Fit
        The fit, not of classes.
    x : array of shape (n, features)
        The features that it was fitted to, without a column of ones.
    y : array of shape (n,)
        The target that it was fitted to.
    **rows
        ``offset``, ``weights``, ``freq_weights`` and ``trials`` of the fit, arrays of shape (n,).

    Returns
    -------
    Influence
        What there is to say of each row.

    Raises
    ------
    ArgumentError
        For a fit of classes, whose rows have no residual.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad import glm
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]), np.array([0.0, 2.0, 3.0, 7.0, 8.0])
    >>> glm.influence(glm.fit(x, y), x, y).cooks_distance.round(3)
    array([0.118, 0.005, 0.247, 0.392, 0.118])
    """
    if isinstance(fit.family, Multinomial):
        raise ArgumentError("Residuals are undefined for class targets. Look at the predicted probabilities instead.")
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
