"""Newton's method for linear models: the maximum of the likelihood, to the last digits.

Of a family with its canonical link this is iteratively reweighted least squares (McCullagh and Nelder, 1989), and of normal
errors the normal equations, solved in one step. The derivatives are written out, Xᵀ(t − μ) and XᵀWX, a block of two outputs at
a time, because differentiation would keep rows × coefficients numbers at once; a test holds them to jitgrad's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jitgrad.tabular.families import Family

STEPS = 50
CONVERGED = 1e-20
"""The square of the last step, in standard errors of the estimates; the step after it would be beyond rounding."""
SINGULAR = 1e-13
"""A pivot of the second derivative that is smaller than this beside another is lost in rounding."""
MOST_PRODUCTS = 2e11
"""Products that a step may take: some seconds."""


@dataclass(frozen=True)
class Maximum:
    """Where the likelihood is largest.

    Attributes:
        weights: float64 (inputs, outputs).
        covariance: of each output's weights, float64 (outputs, inputs, inputs): the inverse of minus the second derivative of
            the likelihood there.
    """

    weights: np.ndarray
    covariance: np.ndarray


def is_feasible(rows: int, coefficients: int) -> bool:
    """Whether Newton's method takes seconds rather than hours, and memory that there is."""
    return max(rows, coefficients) * coefficients**2 <= MOST_PRODUCTS


def maximise(family: Family, x: np.ndarray, target: np.ndarray) -> Maximum | str:
    """The maximum of the likelihood, or in words why there is none.

    Args:
        family: of the target.
        x: (rows, inputs), uncorrelated, with a column of ones.
        target: (rows, outputs), without the family's reference.
    """
    weights = np.zeros((x.shape[1], target.shape[1]))
    for _ in range(STEPS):
        result = x @ weights
        mean = family.mean(result)
        curvature = information(family, x, mean)
        if _is_singular(curvature):
            break
        gradient = x.T @ (target - mean)
        move = np.linalg.solve(curvature, gradient.T.ravel()).reshape(gradient.T.shape).T
        if np.sum(move * gradient) <= CONVERGED:
            return Maximum(weights + move, _blocks(np.linalg.inv(curvature), target.shape[1]))
        told = family.unbounded(target, x @ move) or family.unbounded(target, result)
        if told:
            return f"A combination of the features tells {told} apart, so the likelihood grows without end"
        weights = weights + _uphill(family, target, result, x @ move) * move
    return "A combination of the features tells some rows apart, or nearly so, so the likelihood grows without end"


def information(family: Family, x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Minus the second derivative of the likelihood, (outputs · inputs)², output by output."""
    outputs = range(mean.shape[1])
    return np.block([[x.T @ (x * family.curvature(mean, a, b)[:, None]) for b in outputs] for a in outputs])


def _is_singular(curvature: np.ndarray) -> bool:
    """Whether a symmetric matrix of uncorrelated inputs is not positive, up to rounding."""
    try:
        pivots = np.diag(np.linalg.cholesky(curvature)) ** 2
    except np.linalg.LinAlgError:
        return True
    return bool(pivots.min() < SINGULAR * pivots.max())


def _uphill(family: Family, target: np.ndarray, result: np.ndarray, change: np.ndarray) -> float:
    """The largest of 1, ½, ¼, … of a change that does not make the likelihood smaller, beyond rounding."""
    before = family.likelihood(target, result)
    part = 1.0
    while family.likelihood(target, result + part * change) < before - 1e-12 * abs(before):
        part /= 2
    return part


def _blocks(inverse: np.ndarray, outputs: int) -> np.ndarray:
    """The covariance of each output's weights with each other."""
    size = len(inverse) // outputs
    return np.stack([inverse[k * size : (k + 1) * size, k * size : (k + 1) * size] for k in range(outputs)])
