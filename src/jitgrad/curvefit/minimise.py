"""Fits by gradients of the cost alone: from poor starts, with very many parameters, and for custom losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.curvefit.least_squares import Limits, Solution
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.status import Status
from jitgrad.errors import ArgumentError, FitError
from jitgrad.functions.elementwise import reciprocal
from jitgrad.functions.reductions import sum
from jitgrad.ops.elementwise import multiply
from jitgrad.optimizers import Adam
from jitgrad.tape.function import function
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.variable import Variable
from jitgrad.transforms.gradients import value_and_grad
from jitgrad.transforms.jacobians import hessian
from jitgrad.vm.least_squares.problem import OUTCOME

RHO: dict[str, Callable[[Any], Any]] = {
    "linear": lambda z: z,
    "soft_l1": lambda z: 2 * (np.sqrt(1 + z) - 1),
    "huber": lambda z: np.where(z <= 1, z, 2 * np.sqrt(np.where(z <= 1, 1, z)) - 1),
    "cauchy": np.log1p,
    "arctan": np.arctan,
}
"""The losses of squared scaled residuals, for arrays or Tensors."""
ADAM_STEPS = 5000
ADAM_RATE = 0.01
FLAT = 1e-8
"""The largest relative gradient at a minimum of an accurate model, for parameters in units of their size."""

OwnLoss = Callable[[Tensor, Tensor], Any]
"""Takes y and the prediction, and returns costs, which are summed like a negative log-likelihood."""


def minimise(problem: Problem, start: np.ndarray, method: str, own: OwnLoss | None = None) -> Solution:
    """Minimize the cost from ``start``, (n,).

    Parameters
    ----------
    method : {"lbfgs", "adam"}
        SciPy's L-BFGS-B, with bounds; or Adam, without.
    own : callable, optional
        A custom loss; by default, the squares of the residuals or a robust loss.

    Returns
    -------
    Solution
        With a custom loss, the factor is a factor of the Hessian, whose inverse is the covariance. Otherwise it is nan, and a
        least-squares fit follows.

    Raises
    ------
    FitError
        If the cost is not finite at the start, or its second derivatives are not finite at the end.
    """
    cost = _cost(problem, own)
    size = np.where(start != 0, np.abs(start), 1.0)
    scaled = function(lambda u: cost(multiply(u, size)))
    if not np.isfinite(float(scaled(start / size))):
        raise FitError(
            "The cost is not finite at the starting values. Choose other values, or set bounds within which it is finite."
        )
    by = {"lbfgs": _by_lbfgs, "adam": _by_adam}[method]
    u, evaluations, status = by(scaled, start / size, size, problem)
    theta = u * size
    outcome = cost(theta), evaluations, evaluations, status, 0.0
    factor = np.full((len(theta), len(theta)), np.nan) if own is None else _square_root(np.asarray(hessian(cost)(theta)))
    return Solution(theta[None], np.array([outcome], OUTCOME), factor[None])


def _cost(problem: Problem, own: OwnLoss | None) -> Callable[[Any], Tensor]:
    """Return the cost as a function of the free parameters, (n,)."""
    columns, y = [as_tensor(c) for c in problem.columns], problem.y
    scale = problem.options.scale

    def cost(theta: Any) -> Tensor:
        theta = as_tensor(theta)
        held = [as_tensor(value) for value in problem.held]
        for place, k in enumerate(problem.free):
            held[k] = theta[place]
        value = as_tensor(problem.curve(columns, held))
        if own is not None:
            return sum(own(as_tensor(y), value))
        residual = problem.weighted(value - y) * reciprocal(scale)
        return 0.5 * scale**2 * sum(RHO[problem.options.loss](residual**2))

    return cost


def _by_lbfgs(cost: Any, u: np.ndarray, size: np.ndarray, problem: Problem) -> tuple[np.ndarray, int, Status]:
    from scipy.optimize import minimize

    both = value_and_grad(cost.function)
    traced = function(lambda u: both(u))

    def evaluate(u: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = (np.array(part) for part in traced(u))
        if np.isfinite(value) and not np.isfinite(gradient).all():
            raise FitError(
                "A derivative of the cost became infinite or nan during the fit. "
                "Use method 'auto', or leave out rows at singular points."
            )
        return float(value), gradient

    limits = problem.limits() or Limits(np.full(len(u), -np.inf), np.full(len(u), np.inf))
    options = {"maxiter": problem.options.most, "maxfun": problem.options.most, "ftol": 1e-15, "gtol": 1e-10}
    bounds = list(zip(limits.low / size, limits.high / size, strict=True))
    found = minimize(evaluate, u, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    at_bounds = ((found.x <= limits.low / size) & (found.jac > 0)) | ((found.x >= limits.high / size) & (found.jac < 0))
    flat = max(FLAT, problem.accuracy) * abs(found.fun)
    if np.abs(np.where(at_bounds, 0.0, found.jac)).max(initial=0.0) <= flat:
        return found.x, int(found.nfev), Status.BY_GRADIENT
    return found.x, int(found.nfev), {0: Status.BY_COST, 1: Status.TOO_MANY}.get(found.status, Status.STUCK)


def _by_adam(cost: Any, u: np.ndarray, size: np.ndarray, problem: Problem) -> tuple[np.ndarray, int, Status]:
    if problem.bounds is not None:
        raise ArgumentError("Method 'adam' does not support bounds. Use method 'auto' or 'lbfgs'.")
    variable = Variable(u)
    costs = Adam(ADAM_RATE).minimize(lambda: cost.function(variable), [variable], steps=ADAM_STEPS).numpy()
    fallen = costs[-ADAM_STEPS // 10] - costs[-1]
    return np.array(variable.numpy()), ADAM_STEPS, Status.BY_COST if fallen <= 1e-9 * abs(costs[-1]) else Status.TOO_MANY


def _square_root(h: np.ndarray) -> np.ndarray:
    """Return R with RᵀR = h, with negative eigenvalues set to 0."""
    if not np.isfinite(h).all():
        raise FitError(
            "The second derivatives of the loss are not finite where the fit ended. "
            "Choose other starting values, or set bounds."
        )
    values, vectors = np.linalg.eigh(0.5 * (h + h.T))
    return np.asarray(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T)
