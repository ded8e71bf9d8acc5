"""Ridge regression of a generalised linear model: the likelihood with a penalty of squared coefficients, by scoring.

Hoerl and Kennard, "Ridge regression: biased estimation for nonorthogonal problems", 1970; le Cessie and van Houwelingen, "Ridge
estimators in logistic regression", 1992. There is always one maximum, also where there are more features than rows.
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
    """What came of ``ridge``.

    Attributes:
        coefficients: float64 (1 + features,), in units of the features, the intercept first; 0 where there is none.
        n_iter: how many steps were made.
        converged: whether the last one was nothing.
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
    """Minimise ``deviance / (2 · sum of weights) + alpha / 2 · Σ coefficients²``; the intercept is not penalised.

    Parameters
    ----------
    x : ndarray of shape (rows, features)
        The features.
    y : ndarray of shape (rows,)
        The target.
    family, link, intercept, offset, weights, theta, tol, max_iter
        See ``glm.fit``; weights are above 0, and theta of a negative binomial is given.
    alpha : float
        The strength of the penalty, above 0.

    Returns
    -------
    Ridge
        The coefficients.

    Raises
    ------
    DataError
        For a target that the family cannot have.
    ArgumentError
        For an unknown family or link, or another argument out of range.

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
            "Family 'negative_binomial' with a penalty needs theta. Give theta, for example that of a fit without a penalty."
        )
    inputs, coordinates = _coordinates(x, rows, intercept)
    penalty = positive("alpha", alpha) * float(rows.total.sum()) * np.sum(coordinates.back[1:] ** 2, axis=0)
    problem = _Penalised(of, by, inputs, rows, intercept, penalty)
    with unlimited():
        made = maximise(problem, problem.start(), tol, max_iter)
    return Ridge(coordinates.coefficients(made.coefficients[:, None])[:, 0], made.n_iter, made.converged)


class _Penalised(OneMean):
    """The likelihood with the penalty, ``Σ penalty · coefficients²`` beside the deviance."""

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
        """Never: the penalty grows faster."""
        return ""


def _coordinates(x: np.ndarray, rows: Rows, intercept: bool) -> tuple[np.ndarray, Coordinates]:
    """Features about their means, in units of their deviations: a sum of squared coefficients has no mixed terms then."""
    center = np.average(x, axis=0, weights=rows.total) if intercept else np.zeros(x.shape[1])
    inputs = x - center
    size = np.sqrt(np.mean(inputs**2, axis=0))
    size[size == 0] = 1
    inputs /= size
    if intercept:
        inputs = np.column_stack([np.ones(len(x)), inputs])
    return inputs, standard(center, size, intercept)
