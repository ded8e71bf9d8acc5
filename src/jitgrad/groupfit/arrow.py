"""The arrow-shaped Jacobian of groups with shared parameters, and its reduction to the shared ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.estimates import UNDETERMINED
from jitgrad.groupfit.linearised import Linearised


class Reduced(NamedTuple):
    """A model linearized in the m shared parameters alone.

    Attributes
    ----------
    factor : ndarray, shape (m, m)
        The triangular factor of their Jacobian after elimination of each group's own parameters.
    right : ndarray, shape (m,)
        The coordinates of the residual along its columns.
    follow : ndarray, shape (G, n_own, m)
        The derivatives of each group's own parameters with respect to the shared ones.
    """

    factor: np.ndarray
    right: np.ndarray
    follow: np.ndarray


def reduce(linearised: Linearised, values: np.ndarray, held: np.ndarray) -> Reduced:
    """Eliminate each group's own parameters, except the ``held`` ones. Arguments are as for ``Linearised.triangles``."""
    n_own, n = linearised.n_own, linearised.n
    follow = np.empty((len(values), n_own, n - n_own))
    total = np.zeros((0, n - n_own + 1))
    for part, triangles in linearised.triangles(values, held):
        follow[part] = -np.linalg.solve(triangles[:, :n_own, :n_own], triangles[:, :n_own, n_own:n])
        left = triangles[:, n_own:n, n_own:].reshape(-1, n - n_own + 1)
        total = np.asarray(np.linalg.qr(np.concatenate([total, left]), mode="r"))
    total = np.concatenate([total, np.zeros((n - n_own, n - n_own + 1))])  # if few rows are left
    return Reduced(total[: n - n_own, :-1], total[: n - n_own, -1], follow)


def joint_factors(linearised: Linearised, values: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the factor of each group's part of the inverse of the joint JᵀJ, (G, n, n), and its reciprocal condition, (G,).

    Parameters
    ----------
    linearised : Linearised
        The model.
    values : ndarray, shape (G, p)
        All parameters.
    order : ndarray of int, shape (n,)
        The index of each parameter of the factors among those of `linearised`, own ones first.
    """
    n_own, n = linearised.n_own, linearised.n
    none = np.zeros((len(values), n_own), bool)
    factors = np.zeros((len(values), n, n))
    factors[:, n_own:, n_own:] = reduce(linearised, values, none).factor
    for part, triangles in linearised.triangles(values, none):
        factors[part, :n_own] = triangles[:, :n_own, :n]
    norms = np.linalg.norm(factors, axis=1)
    pivots = np.abs(np.diagonal(factors, axis1=1, axis2=2)) / np.where(norms > 0, norms, 1.0)
    condition = pivots.min(axis=1) / pivots.max(axis=1)
    if not np.array_equal(order, np.arange(n)):
        factors = np.asarray(np.linalg.qr(factors[:, :, order], mode="r"))
    return factors, condition


def bounded_step(reduced: Reduced, scales: np.ndarray, radius: float, free: np.ndarray) -> np.ndarray:
    """Return the step of the shared parameters, (m,), that minimizes the linearized cost within the trust region.

    Parameters
    ----------
    reduced : Reduced
        The linearized model.
    scales : ndarray, shape (m,)
        The scales of the parameters in the length of a step.
    radius : float
        The radius of the trust region.
    free : ndarray of bool, shape (m,)
        Which parameters may move.
    """
    step = np.zeros(len(scales))
    left, singular, right = np.linalg.svd(reduced.factor[:, free] / scales[free], full_matrices=False)
    along = left.T @ reduced.right
    known = singular > UNDETERMINED * singular[:1].max(initial=0.0)
    singular, along, right = singular[known], along[known], right[known]

    def damped(damping: float) -> np.ndarray:
        return -along * singular / (singular**2 + damping)

    low, high = 0.0, float(np.linalg.norm(singular * along)) / radius
    if np.linalg.norm(damped(0.0)) > radius:
        for _ in range(60):  # the length decreases with damping
            middle = 0.5 * (low + high)
            low, high = (middle, high) if np.linalg.norm(damped(middle)) > radius else (low, middle)
    else:
        high = 0.0
    step[free] = right.T @ damped(high) / scales[free]
    return step
