"""Shared parameters, fitted together with the own parameters of each group.

Each group's own parameters depend on the shared ones: for given shared parameters, each group is fitted separately. As a
function of the shared parameters alone, the cost has the Jacobian that remains when the own parameters are eliminated (variable
projection). With the own columns of all groups first, the whole Jacobian has the shape of an arrow: its triangular factor
consists of one small triangle per group and one for the shared parameters, from the Schur complement. The work of a step
is therefore linear in the number of groups, and few steps are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.given import DEFAULTS
from jitgrad.curvefit.least_squares import Limits, Solution, SolverOptions
from jitgrad.curvefit.many import solve_many
from jitgrad.curvefit.status import NOT_BEGUN, Status
from jitgrad.errors import ArgumentError, FitError
from jitgrad.groupfit.arrow import Reduced, bounded_step, joint_factors, reduce
from jitgrad.groupfit.linearised import Linearised

MOST_STEPS = 200
"""The largest number of steps of the shared parameters."""
SHORTER, SMALL = 0.8, 1e-11
"""The largest ratio of final steps to their predecessors, and the relative step that ends them."""
ACCEPTED, RISE = 1e-4, 1e-12
"""The fraction of the predicted reduction that a step must achieve, and the relative change that counts as rounding error."""
SHRINK = 0.25
"""The radius of the trust region after a step that was too long, as a fraction of the step."""
RIGHT_ANGLE = 1e-5
"""The largest cosine of the residual with the reduced shared columns at a minimum."""


class SharedFit(NamedTuple):
    """The result for groups that share parameters.

    Attributes
    ----------
    solution : Solution
        A fit of each group, in the free parameters; the shared ones are the same for all. (RᵀR)⁻¹ of a factor R is the
        group's part of the inverse of the joint JᵀJ. It has the cost of each group.
    cost : float
        The cost of all groups.
    dof : int
        The rows of all groups minus the parameters.
    """

    solution: Solution
    cost: float
    dof: int


class _Place(NamedTuple):
    """A point of the search.

    Attributes
    ----------
    values : ndarray, shape (G, p)
        All parameters.
    own : Solution
        The fit of each group's own parameters.
    cost : float
        The cost of all groups; inf if the model is not finite for one of them.
    """

    values: np.ndarray
    own: Solution
    cost: float


class _Task(NamedTuple):
    """The problem: the indices of own and shared parameters, their bounds, and the options."""

    curve: Curve
    own: list[int]
    shared: list[int]
    groups: Groups
    own_limits: Limits
    shared_limits: Limits
    options: SolverOptions
    threads: int | None

    @property
    def rounding(self) -> float:
        """A cost that consists of rounding errors only."""
        y, weights = self.groups.y, self.groups.weights
        return float(50 * np.finfo(float).eps ** 2 * np.sum((y if weights is None else y * weights) ** 2))

    def place(self, values: np.ndarray) -> _Place:
        """Fit the own parameters of each group from the ``values`` of all parameters, (G, p)."""
        limits = self.own_limits if np.isfinite(self.own_limits).any() else None
        own = solve_many(self.curve, self.own, self.groups, values, limits, self.options, threads=self.threads)
        values = values.copy()
        values[:, self.own] = own.parameters
        return _Place(values, own, float(own.costs.sum()))

    def some(self, which: np.ndarray) -> _Task:
        """Return the problem for some of the groups."""
        limits = Limits(self.own_limits.low[which], self.own_limits.high[which])
        return self._replace(groups=self.groups._replace(parts=self.groups.parts[which]), own_limits=limits)


def fit_shared(
    curve: Curve,
    free: Sequence[int],
    shared: Sequence[int],
    groups: Groups,
    starts: np.ndarray,
    limits: Limits | None = None,
    options: SolverOptions = DEFAULTS,
    *,
    threads: int | None = None,
    done: Callable[[int], None] | None = None,
) -> SharedFit:
    """Fit groups that share some parameters.

    Parameters
    ----------
    curve, free, groups, options, threads
        As for ``solve_many``.
    shared : sequence of int
        The indices of the shared parameters, some of the free ones.
    starts : ndarray, shape (G, p)
        Values of all parameters, in float64. Shared ones start at the median over the groups.
    limits : Limits or None
        The bounds of the free parameters, (n,) or (G, n). A shared parameter satisfies the bounds of all groups.
    done : callable, optional
        Called with the number of groups at the end.

    Returns
    -------
    SharedFit
        Groups whose model is not finite at the start are left out.

    Raises
    ------
    ArgumentError
        If no parameter or every free one is shared, or for a loss other than least squares.
    FitError
        If the model is not finite at the start of any group.
    """
    own, shared = [k for k in free if k not in shared], [k for k in free if k in shared]
    if options.loss != "linear":
        raise ArgumentError(f"The loss {options.loss!r} cannot be combined with shared parameters. Use 'linear'.")
    if not own or not shared:
        raise ArgumentError("All fitted parameters are shared, or none is. Share some of them, or fit all rows with curve_fit.")
    count, free = len(starts), list(free)
    low, high = _both_limits(limits, count, len(free))
    is_own, is_shared = np.isin(free, own), np.isin(free, shared)
    shared_limits = Limits(low[:, is_shared].max(axis=0), high[:, is_shared].min(axis=0))
    task = _Task(curve, own, shared, groups, Limits(low[:, is_own], high[:, is_own]), shared_limits, options, threads)
    values = np.array(starts, np.float64)
    values[:, shared] = np.clip(np.median(values[:, shared], axis=0), *shared_limits)
    whole = task.place(values)
    begun = np.flatnonzero(~np.isin(whole.own.status, NOT_BEGUN))
    if not len(begun):
        raise FitError("The model is not finite at the start of any group. Give other starting values.")
    task = task.some(begun)
    begin = _Place(whole.values[begun], Solution(*[array[begun] for array in whole.own]), float(whole.own.costs[begun].sum()))
    linearised = Linearised(curve, [*own, *shared], len(own), task.groups)
    place, status = _descended(task, linearised, begin)
    order = np.array([[*own, *shared].index(k) for k in free])
    factors = np.zeros((count, len(free), len(free)))
    whole.values[begun], whole.own.outcomes[begun] = place.values, place.own.outcomes
    factors[begun], whole.own.outcomes["rcond"][begun] = joint_factors(linearised, place.values, order)
    if not status.converged:
        whole.own.outcomes["status"][begun] = status
    if done is not None:
        done(count)
    rows = int(task.groups.parts[:, 1].sum())
    solution = Solution(whole.values[:, free], whole.own.outcomes, factors)
    return SharedFit(solution, place.cost, rows - len(own) * len(begun) - len(shared))


def _both_limits(limits: Limits | None, count: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of each group, (G, n) each."""
    low, high = (-np.inf, np.inf) if limits is None else limits
    return np.broadcast_to(low, (count, n)), np.broadcast_to(high, (count, n))


def _descended(task: _Task, linearised: Linearised, place: _Place) -> tuple[_Place, Status]:
    """Step the shared parameters in a trust region; return the last point and the status.

    Where the cost is flat to half of its digits, steps continue while each is shorter than the last.
    """
    radius, last, scales = np.inf, np.inf, np.zeros(len(task.shared))
    reduced = _reduced(task, linearised, place)
    for _ in range(MOST_STEPS):
        shared = place.values[0, task.shared]
        gradient = reduced.factor.T @ reduced.right
        free = ~(((shared <= task.shared_limits.low) & (gradient > 0)) | ((shared >= task.shared_limits.high) & (gradient < 0)))
        if place.cost <= task.rounding:
            return place, Status.EXACT
        scales = np.maximum(scales, np.linalg.norm(reduced.factor, axis=0))
        scales[scales == 0] = 1.0
        step = np.clip(shared + bounded_step(reduced, scales, radius, free), *task.shared_limits) - shared
        length, size = float(np.linalg.norm(scales * step)), float(np.linalg.norm(scales * shared))
        expected = -float(gradient @ step) - 0.5 * float(np.sum((reduced.factor @ step) ** 2))
        is_flat = expected <= task.options.ftol * place.cost
        if is_flat and not length < SHORTER * last:
            return place, _judged(reduced, free, place, Status.BY_COST)
        trial = task.place(_moved(task, place.values, reduced, step))
        fall = place.cost - trial.cost
        if fall >= ACCEPTED * expected or (is_flat and fall >= -RISE * place.cost):
            radius, last = max(radius, 2 * length) if fall >= 0.75 * expected else radius, length if is_flat else np.inf
            trial.own.outcomes["nfev"] += place.own.outcomes["nfev"]
            place, reduced = trial, _reduced(task, linearised, trial)
        elif is_flat:
            return place, _judged(reduced, free, place, Status.BY_COST)
        else:
            radius = SHRINK * length
        if length <= SMALL * size:
            return place, _judged(reduced, free, place, Status.BY_STEP)
    return place, Status.TOO_MANY


def _reduced(task: _Task, linearised: Linearised, place: _Place) -> Reduced:
    """Return the model linearized in the shared parameters; own parameters at a bound stay there."""
    at_bounds = (place.own.parameters <= task.own_limits.low) | (place.own.parameters >= task.own_limits.high)
    return reduce(linearised, place.values, at_bounds)


def _moved(task: _Task, values: np.ndarray, reduced: Reduced, step: np.ndarray) -> np.ndarray:
    """Return all parameters after a step of the shared ones, with the own parameters adjusted."""
    moved = values.copy()
    moved[:, task.shared] += step
    moved[:, task.own] = np.clip(values[:, task.own] + reduced.follow @ step, *task.own_limits)
    return moved


def _judged(reduced: Reduced, free: np.ndarray, place: _Place, status: Status) -> Status:
    """Return the status: converged if the residual is orthogonal to the shared columns, else stuck."""
    left, _, _ = np.linalg.svd(reduced.factor[:, free], full_matrices=False)
    is_right = np.linalg.norm(left.T @ reduced.right) <= RIGHT_ANGLE * np.sqrt(2 * place.cost)
    return status if is_right else Status.STUCK
