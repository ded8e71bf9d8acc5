"""Minimize a function of few parameters within bounds, by Newton's method on its exact Hessian.

Negative curvature is replaced by its absolute value, steps are projected onto the bounds, and parameters at a bound that the
gradient pushes outwards are held there (Bertsekas, "Projected Newton methods for optimization problems with simple
constraints", SIAM J. Control Optim. 20, 1982).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

MAX_ITER = 200
HALVINGS = 40
DECREASE = 1e-4
"""The part of the predicted decrease that a step must achieve (Armijo)."""
SMALL = 1e-10
"""The Newton decrement, in units of the function, below which one more step ends the search."""
SOFTEST = 1e-10
"""The smallest curvature, relative to the largest, of parameters in units of their curvature."""


class Minimum(NamedTuple):
    """The end of a search.

    Attributes
    ----------
    x : ndarray, shape (p,)
        The parameters.
    value : float
        The function there.
    converged : bool
        Whether the last step was negligible.
    n_iter : int
        The number of Newton steps.
    """

    x: np.ndarray
    value: float
    converged: bool
    n_iter: int


Derivatives = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]


def minimise(
    value: Callable[[np.ndarray], float],
    derivatives: Derivatives,
    start: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> Minimum:
    """Return a local minimum.

    Parameters
    ----------
    value : callable
        The function. It may be nan or inf away from the start.
    derivatives : callable
        Returns the function, its gradient, (p,), and its Hessian, (p, p).
    start, low, high : ndarray, shape (p,)
        The starting point, within the bounds, and the bounds.
    """
    x = start
    for n_iter in range(MAX_ITER):
        level, gradient, hessian = derivatives(x)
        if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return Minimum(x, level, False, n_iter)
        held = ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))
        move, decrement = _step(gradient, hessian, ~held)
        if decrement <= SMALL:
            last = np.clip(x + move, low, high)
            return Minimum(last, value(last), True, n_iter + 1)
        following = _downhill(value, x, level, gradient, move, low, high)
        if following is None:
            return Minimum(x, level, decrement <= 1e-6 * max(1.0, abs(level)), n_iter)
        x = following
    return Minimum(x, value(x), False, MAX_ITER)


def _step(gradient: np.ndarray, hessian: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the Newton step of the free parameters with positive curvature, and its decrement."""
    move = np.zeros(len(gradient))
    if not free.any():
        return move, 0.0
    h = hessian[np.ix_(free, free)]
    size = np.sqrt(np.abs(np.diag(h)))
    size = np.where(size > 0, size, 1.0)
    curvatures, axes = np.linalg.eigh(h / np.outer(size, size))
    curvatures = np.maximum(np.abs(curvatures), SOFTEST * np.abs(curvatures).max(initial=1e-300))
    along = axes.T @ (gradient[free] / size)
    move[free] = -(axes @ (along / curvatures)) / size
    return move, float(np.sum(along**2 / curvatures))


def _downhill(
    value: Callable[[np.ndarray], float],
    x: np.ndarray,
    level: float,
    gradient: np.ndarray,
    move: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> np.ndarray | None:
    """Return the first of the projected, halved steps that decreases the function enough, or None."""
    for halving in range(HALVINGS):
        following = np.clip(x + move / 2**halving, low, high)
        if value(following) <= level + DECREASE * min(0.0, float(gradient @ (following - x))):  # False for nan
            return None if np.array_equal(following, x) else following
    return None
