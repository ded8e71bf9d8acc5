"""The maximum of a likelihood by scoring: Newton's method with the expected second derivative, and steps that are halved.

Of a family with its canonical link this is Newton's method itself, of normal errors the normal equations, solved in one step
(McCullagh and Nelder, "Generalized linear models", 1989). Of other links it is accelerated. It ends where a step is nothing
beside the standard errors, or beyond the rounding of η.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np

from jitgrad.glm.acceleration import Acceleration

SINGULAR = 1e-13
"""A pivot of the second derivative that is smaller than this beside another is lost in rounding."""
SLACK = 1e-12
"""By which a step may raise the deviance, beside the deviance: rounding."""
HALVINGS = 40
ROUNDING = (8 * np.finfo(np.float64).eps) ** 2
"""The square of a step, beside that of η, that is lost in the rounding of η."""
SMALL = 1e-16
"""The square of a step in standard errors, by rows, beside which the covariance does not change to eight digits."""
FIRST_LOOK = 8
"""Steps before separation is looked for: a fit that converges has mostly done so soon after."""


NEARLY = "some rows can be separated"
"""What is separated if all that is known is that the information matrix is singular."""


@dataclass(frozen=True)
class Point:
    """What is known of the likelihood at some coefficients.

    Attributes:
        coefficients: (p,).
        deviance: infinite where a mean is impossible.
        score: (p,), half of minus the derivative of the deviance.
        information: (p, p), the expected derivative of minus the score.
        size: the sum of η² by its weights: a step beyond the rounding of η is beyond it.
        pearson: the sum of squared Pearson residuals.
    """

    coefficients: np.ndarray
    deviance: float
    score: np.ndarray
    information: np.ndarray
    size: float
    pearson: float

    @classmethod
    def impossible(cls, coefficients: np.ndarray) -> Point:
        """Where a mean is impossible."""
        size = len(coefficients)
        return cls(coefficients, np.inf, np.zeros(size), np.full((size, size), np.nan), np.nan, np.nan)


class Problem(Protocol):
    """A likelihood to maximise.

    Attributes:
        nearly: in words what is told apart where the information vanishes; empty if that has other reasons.
        is_canonical: whether the expected second derivative is the second derivative, so that the search is Newton's method.
        is_foretold: whether the last step may be foretold: of Newton's method, on rows so many that a step takes long.
        n: how many rows there are.
    """

    nearly: str
    is_canonical: bool
    is_foretold: bool
    n: float

    def at(self, coefficients: np.ndarray) -> Point:
        """What is known there."""

    def dispersion(self, deviance: float) -> float:
        """By which variances are larger than the inverse of the information."""

    def unbounded(self, coefficients: np.ndarray) -> str:
        """In words what is told without error, if the deviance falls without end along these coefficients; empty if not."""


@dataclass(frozen=True)
class Maximum:
    """Where a search ended.

    Attributes:
        coefficients: (p,).
        last: what was known where the last step began.
        covariance: (p, p), the inverse of the information there; nan where there is no maximum.
        n_iter: how many steps were made.
        converged: whether the last step was nothing.
        separated: in words why there is no maximum; empty where there is one.
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
    """The maximum of the likelihood.

    Args:
        problem: the likelihood.
        start: where to begin; its deviance is finite.
        tol: how large a step is nothing, in standard errors.
        max_iter: the most steps.
        report: is told of each step and its deviance.
    """
    point, n_iter, before, acceleration = start, 0, np.inf, Acceleration()
    unknown = np.full(start.information.shape, np.nan)
    while not is_singular(point.information):
        move = np.linalg.solve(point.information, point.score)
        square, unit = float(move @ point.score), problem.dispersion(point.deviance)
        # Newton's steps shrink by the square of what the last one shrank by, and the covariance is that before the step
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
        following = _downhill(problem, point, move, further)
        if following is None:
            return Maximum(point.coefficients, point, np.linalg.inv(point.information), n_iter, False)
        point, n_iter, before = following, n_iter + 1, square
        if report is not None:
            report(n_iter, point.deviance)
    told = problem.unbounded(point.coefficients) or problem.nearly
    return Maximum(point.coefficients, point, unknown, n_iter, False, _SEPARATED.format(told) if told else "")


_SEPARATED = "Perfect separation: {} by a linear combination of the features, so the maximum-likelihood estimates are infinite"


def is_singular(information: np.ndarray) -> bool:
    """Whether a symmetric matrix of uncorrelated inputs is not positive, up to rounding."""
    if not np.isfinite(information).all():
        return True
    try:
        pivots = np.diag(np.linalg.cholesky(information)) ** 2
    except np.linalg.LinAlgError:
        return True
    return bool(len(pivots)) and bool(pivots.min() < SINGULAR * pivots.max())


def _downhill(problem: Problem, point: Point, move: np.ndarray, further: np.ndarray | None) -> Point | None:
    """Some proposed coefficients, or the end of the longest of 1, ½, ¼, … of a step: the first that do not raise the deviance,
    beyond rounding; None if all do.
    """
    ends = (point.coefficients + move / 2**halving for halving in range(HALVINGS))
    for coefficients in ends if further is None else chain([further], ends):
        following = problem.at(coefficients)
        if following.deviance <= point.deviance + SLACK * abs(point.deviance):
            return following
    return None
