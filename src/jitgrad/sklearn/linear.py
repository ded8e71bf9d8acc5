"""Helpers shared by the linear models."""

from __future__ import annotations

import warnings
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from jitgrad.arguments import positive
from jitgrad.glm import Fit, path
from jitgrad.glm.ridge_by_scoring import Ridge
from jitgrad.sklearn.data import Rows

Family: TypeAlias = Literal["gaussian", "binomial", "multinomial"]
"""The families that the estimators fit with a penalty."""


class Linear(NamedTuple):
    """Coefficients of shape (features,) or (classes, features), intercepts, and the number of iterations."""

    coefficients: np.ndarray
    intercept: Any
    n_iter: int


def known(coefficients: np.ndarray) -> np.ndarray:
    """Replace the missing coefficients of aliased features with 0."""
    return np.where(np.isnan(coefficients), 0.0, coefficients)


def warn_of(made: Fit | Ridge) -> None:
    """Issue a ConvergenceWarning if the estimates are infinite or the fit did not converge."""
    separated = made.separated if isinstance(made, Fit) else ""
    if separated:
        said = f"{separated}. The coefficients are from the last iteration. Consider a penalty, such as alpha=0.01."
    elif not made.converged:
        said = f"The fit did not converge in {made.n_iter} iterations. Increase max_iter, or check the scale of the data."
    else:
        return
    warnings.warn(said, ConvergenceWarning, stacklevel=3)


def penalised(estimator: Any, rows: Rows, family: Family) -> Linear:
    """Fit with the penalty of an estimator, without standardization."""
    made = path(
        rows.x,
        rows.y,
        family,
        l1_ratio=estimator.l1_ratio,
        alphas=positive("alpha", estimator.alpha),
        intercept=estimator.fit_intercept,
        standardize=False,
        weights=rows.weights,
        tol=estimator.tol,
        max_iter=estimator.max_iter,
    )
    return Linear(made.coefficients[0].T, made.intercepts[0], max(1, int(made.n_iter[0])))
