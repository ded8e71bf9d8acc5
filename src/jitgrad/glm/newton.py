"""Maximize a likelihood by Fisher scoring with step halving.

With a canonical link, this is Newton's method, and for normal errors it solves the normal equations in one step (McCullagh and
Nelder, *Generalized Linear Models*, 1989). With other links it is accelerated. It stops when a step is negligible relative to
the standard errors, or below the rounding error of η.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np

from jitgrad.glm.acceleration import Acceleration

SINGULAR = 1e-13
"""A pivot of the information matrix is lost in rounding if it is below this fraction of the largest."""
SLACK = 1e-12
"""Relative increase of the deviance that counts as rounding error."""
LOST = np.finfo(np.float64).eps
"""Increase, relative to the initial deviance, that counts as rounding error, for fits with almost no deviance left."""
HALVINGS = 40
ROUNDING = (8 * np.finfo(np.float64).eps) ** 2
"""Squared step, relative to squared η, that is lost in the rounding of η."""
SMALL = 1e-16
"""Squared step in standard errors, relative to the number of rows, below which the covariance is constant to eight digits."""
FIRST_LOOK = 8
"""Iterations before checking for separation. Most fits converge soon after."""


NEARLY = "some rows can be separated"
"""The description of a separation if only the singular information matrix indicates it."""


@dataclass(frozen=True)
class Point:
    """The likelihood at some coefficients.

    Attributes
    ----------
    coefficients : ndarray, shape (p,)
        The coefficients.
    deviance : float
        The deviance; inf if a mean is invalid.
    score : ndarray, shape (p,)
        Minus half the derivative of the deviance.
    information : ndarray, shape (p, p)
        The expected derivative of minus the score.
    size : float
        The weighted sum of η², for comparing steps with the rounding error of η.
    pearson : float
        The sum of squared Pearson residuals.
    """

    coefficients: np.ndarray
    deviance: float
    score: np.ndarray
    information: np.ndarray
    size: float
    pearson: float

    @classmethod
    def impossible(cls, coefficients: np.ndarray) -> Point:
        """Return a point at which a mean is invalid."""
        size = len(coefficients)
        return cls(coefficients, np.inf, np.zeros(size), np.full((size, size), np.nan), np.nan, np.nan)


class Problem(Protocol):
    """A likelihood to maximize.

    Attributes
    ----------
    nearly : str
        A description of the separation if the information matrix becomes singular; empty if there is another cause.
    is_canonical : bool
        Whether the link is canonical, so that scoring is Newton's method.
    is_foretold : bool
        Whether the last step may be skipped by predicting its size, for Newton's method on many rows.
    n : float
        The number of rows.
    """

    nearly: str
    is_canonical: bool
    is_foretold: bool
    n: float

    def at(self, coefficients: np.ndarray) -> Point:
        """Evaluate the likelihood at some coefficients."""

    def dispersion(self, deviance: float) -> float:
        """Return the estimated dispersion for a deviance."""

    def unbounded(self, coefficients: np.ndarray) -> str:
        """Describe the separation if the deviance decreases without bound along these coefficients; empty if it does not."""


@dataclass(frozen=True)
class Maximum:
    """The end of a search.

    Attributes
    ----------
    coefficients : ndarray, shape (p,)
        The coefficients.
    last : Point
        The likelihood at the start of the last step.
    covariance : ndarray, shape (p, p)
        The inverse of the information there; nan if there is no maximum.
    n_iter : int
        The number of iterations.
    converged : bool
        Whether the last step was negligible.
    separated : str
        Why there is no maximum; empty if there is one.
    """

    coefficients: np.ndarray
    last: Point
    covariance: np.ndarray
    n_iter: int
    converged: bool
    separated: str = ""


def maximise(
    problem: Problem, start: Point, tol: float, max_iter: int, report: Callable[[int, float], None] | None = None
) -> Maximum:
    """Maximize a likelihood.

    Parameters
    ----------
    problem : Problem
        The likelihood.
    start : Point
        The starting point, with finite deviance.
    tol : float
        The size of a negligible step, in standard errors.
    max_iter : int
        Maximum number of iterations.
    report : callable, optional
        Called with each iteration and its deviance.

    Returns
    -------
    Maximum
        The end of the search.
    """
    point, n_iter, before, acceleration = start, 0, np.inf, Acceleration()
    unknown, lost = np.full(start.information.shape, np.nan), LOST * abs(start.deviance)
    while not is_singular(point.information):
        move = np.linalg.solve(point.information, point.score)
        square, unit = float(move @ point.score), problem.dispersion(point.deviance)
        # Newton's method converges quadratically, and the covariance is from before the step
        is_small = problem.is_foretold and square <= SMALL * problem.n * unit
        shrunk = square / before if is_small and 0 < square < before else 1.0
        if square * shrunk**2 <= tol**2 * unit or square <= ROUNDING * point.size:
            covariance = np.linalg.inv(point.information)
            return Maximum(point.coefficients + move, point, covariance, n_iter + 1, True)
        if n_iter >= FIRST_LOOK:
            told = problem.unbounded(move) or problem.unbounded(point.coefficients)
            if told:
                return Maximum(point.coefficients, point, unknown, n_iter, False, _SEPARATED.format(told))
        if n_iter == max_iter:
            return Maximum(point.coefficients, point, np.linalg.inv(point.information), n_iter, False)
        further = None if problem.is_canonical else acceleration.propose(point.coefficients, move, point.information)
        following = _downhill(problem, point, move, further, lost)
        if following is None:
            return Maximum(point.coefficients, point, np.linalg.inv(point.information), n_iter, False)
        point, n_iter, before = following, n_iter + 1, square
        if report is not None:
            report(n_iter, point.deviance)
    told = problem.unbounded(point.coefficients) or problem.nearly
    return Maximum(point.coefficients, point, unknown, n_iter, False, _SEPARATED.format(told) if told else "")


_SEPARATED = "Perfect separation: {} by a linear combination of the features, so the maximum-likelihood estimates are infinite"


def is_singular(information: np.ndarray) -> bool:
    """Return whether a symmetric matrix of orthonormal inputs is not positive definite up to rounding."""
    if not np.isfinite(information).all():
        return True
    try:
        pivots = np.diag(np.linalg.cholesky(information)) ** 2
    except np.linalg.LinAlgError:
        return True
    return bool(len(pivots)) and bool(pivots.min() < SINGULAR * pivots.max())


def _downhill(problem: Problem, point: Point, move: np.ndarray, further: np.ndarray | None, lost: float) -> Point | None:
    """Return the first of the proposed coefficients and the halved steps that does not increase the deviance, or None."""
    most = point.deviance + max(SLACK * abs(point.deviance), lost)
    ends = (point.coefficients + move / 2**halving for halving in range(HALVINGS))
    for coefficients in ends if further is None else chain([further], ends):
        following = problem.at(coefficients)
        if following.deviance <= most:
            return following
    return None
