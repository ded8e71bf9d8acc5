"""Ridge regression of generalized linear models by Fisher scoring.

Hoerl and Kennard, "Ridge regression: biased estimation for nonorthogonal problems", 1970; le Cessie and van Houwelingen, "Ridge
estimators in logistic regression", 1992. There is always a unique maximum, even with more features than rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jitgrad.arguments import positive
from jitgrad.errors import ArgumentError
from jitgrad.glm.coordinates import Coordinates, standard
from jitgrad.glm.families import Family, NegativeBinomial, family_of
from jitgrad.glm.fit import MAX_ITER, TOL, check_target
from jitgrad.glm.links import Link, link_of
from jitgrad.glm.means import OneMean, unlimited
from jitgrad.glm.newton import Point, maximise
from jitgrad.glm.rows import Rows, as_rows


@dataclass(frozen=True)
class Ridge:
    """The result of ``ridge``.

    Attributes
    ----------
    coefficients : ndarray, shape (1 + features,)
        The coefficients in the units of the features, the intercept first (0 if there is none).
    n_iter : int
        The number of iterations.
    converged : bool
        Whether the last step was negligible.
    """

    coefficients: np.ndarray
    n_iter: int
    converged: bool


def ridge(
    x: np.ndarray,
    y: np.ndarray,
    family: str = "gaussian",
    link: str | None = None,
    *,
    alpha: float,
    intercept: bool = True,
    offset: Any = None,
    weights: Any = None,
    theta: float | None = None,
    tol: float = TOL,
    max_iter: int = MAX_ITER,
) -> Ridge:
    """Minimize ``deviance / (2 · sum of weights) + alpha / 2 · Σ coefficients²``, without a penalty on the intercept.

    Parameters
    ----------
    x : ndarray, shape (rows, features)
        The features.
    y : ndarray, shape (rows,)
        The target.
    family, link, intercept, offset, weights, theta, tol, max_iter
        See ``glm.fit``. Weights must be positive, and theta of a negative binomial must be given.
    alpha : float
        The positive strength of the penalty.

    Returns
    -------
    Ridge
        The coefficients.

    Raises
    ------
    DataError
        If the family does not allow a value of the target.
    ArgumentError
        If the family or link is unknown, or another argument is invalid.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad.glm.ridge_by_scoring import ridge
    >>> ridge(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]), alpha=1.0).coefficients.round(6)
    array([2.2, 0.8])
    """
    of, rows = family_of(family, theta), as_rows(y, offset, weights)
    by = link_of(link or of.link)
    check_target(of, rows.y)
    if isinstance(of, NegativeBinomial) and of.estimated:
        raise ArgumentError(
            "Family 'negative_binomial' with a penalty needs theta. Give theta, for example from a fit without a penalty."
        )
    inputs, coordinates = _coordinates(x, rows, intercept)
    penalty = positive("alpha", alpha) * float(rows.total.sum()) * np.sum(coordinates.back[1:] ** 2, axis=0)
    problem = _Penalised(of, by, inputs, rows, intercept, penalty)
    with unlimited():
        made = maximise(problem, problem.start(), tol, max_iter)
    return Ridge(coordinates.coefficients(made.coefficients[:, None])[:, 0], made.n_iter, made.converged)


class _Penalised(OneMean):
    """The likelihood with the penalty ``Σ penalty · coefficients²`` added to the deviance."""

    def __init__(
        self, family: Family, link: Link, inputs: np.ndarray, rows: Rows, intercept: bool, penalty: np.ndarray
    ) -> None:
        super().__init__(family, link, inputs, rows, intercept)
        self.penalty, self.nearly = penalty, ""

    def at(self, coefficients: np.ndarray) -> Point:
        point = super().at(coefficients)
        return replace(
            point,
            deviance=point.deviance + float(self.penalty @ coefficients**2),
            score=point.score - self.penalty * coefficients,
            information=point.information + np.diag(self.penalty),
        )

    def unbounded(self, coefficients: np.ndarray) -> str:
        """Return an empty string, because the penalty keeps the estimates finite."""
        return ""


def _coordinates(x: np.ndarray, rows: Rows, intercept: bool) -> tuple[np.ndarray, Coordinates]:
    """Center and scale the features, so that a sum of squared coefficients has no mixed terms."""
    center = np.average(x, axis=0, weights=rows.total) if intercept else np.zeros(x.shape[1])
    inputs = x - center
    size = np.sqrt(np.mean(inputs**2, axis=0))
    size[size == 0] = 1
    inputs /= size
    if intercept:
        inputs = np.column_stack([np.ones(len(x)), inputs])
    return inputs, standard(center, size, intercept)
