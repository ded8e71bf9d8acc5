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
from jitgrad.glm.coordinates import Coordinates
from jitgrad.glm.families import Family, NegativeBinomial, Rows, as_rows, family_of
from jitgrad.glm.fit import MAX_ITER, TOL, check_target
from jitgrad.glm.links import Link, link_of
from jitgrad.glm.means import OneMean
from jitgrad.glm.newton import Point, maximise


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
    >>> from jitgrad.glm.ridge import ridge
    >>> ridge(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]), alpha=1.0).coefficients.round(6)
    array([2.2, 0.8])
    """
    of, rows = family_of(family, theta), as_rows(y, offset, weights)
    by = link_of(link or of.link)
    check_target(of, rows.y)
    if isinstance(of, NegativeBinomial) and of.estimated:
        raise ArgumentError("Family 'negative_binomial' with a penalty needs theta. Give it, from a fit without a penalty.")
    problem = _Penalised(of, by, _coordinates(x, rows, intercept), rows, positive("alpha", alpha) * float(rows.total.sum()))
    made = maximise(problem, problem.start(), tol, max_iter)
    return Ridge(problem.coordinates.coefficients(made.coefficients[:, None])[:, 0], made.n_iter, made.converged)


class _Penalised(OneMean):
    """The likelihood with the penalty, ``strength · Σ coefficients²`` beside the deviance."""

    def __init__(self, family: Family, link: Link, coordinates: Coordinates, rows: Rows, strength: float) -> None:
        super().__init__(family, link, coordinates, rows)
        self.coordinates, self.nearly = coordinates, ""
        self.penalty = strength * np.sum(coordinates.back[1:] ** 2, axis=0)

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


def _coordinates(x: np.ndarray, rows: Rows, intercept: bool) -> Coordinates:
    """Features about their means, in units of their deviations: a sum of squared coefficients has no mixed terms then."""
    features = x.shape[1]
    center = np.average(x, axis=0, weights=rows.total) if intercept else np.zeros(features)
    inputs = x - center
    size = np.sqrt(np.mean(inputs**2, axis=0))
    size[size == 0] = 1
    back = np.zeros((1 + features, features))
    back[1:] = np.diag(1 / size)
    inputs = inputs / size
    if intercept:
        back[0] = -center / size
        back = np.column_stack([np.eye(1 + features, 1), back])
        inputs = np.column_stack([np.ones(len(x)), inputs])
    return Coordinates(inputs, back, np.r_[intercept, np.ones(features, bool)])
