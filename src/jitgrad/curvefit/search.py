"""Fitting from a start, and from many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jitgrad.curvefit.dimensions import dimensions, oscillates
from jitgrad.curvefit.estimates import UNDETERMINED
from jitgrad.curvefit.least_squares import MOST_ROWS, Data, Solution
from jitgrad.curvefit.minimise import OwnLoss, minimise
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.result import OWN_LOSS, CurveFit
from jitgrad.curvefit.starts import SAME_COST, distinct, scales_of, signs_and_scales, starting_values
from jitgrad.curvefit.status import NOT_BEGUN, Status, converged
from jitgrad.errors import FitError

FIRST_EVALUATIONS, SEARCH_EVALUATIONS = 14, 200
"""At most, of each start, and of each that is kept."""
KEPT, NEAREST, NEAR = 16, 3, 1.5
"""How many of the starts are kept; how many of those are fitted on all rows, of costs up to so much of the lowest."""


def fit_from(problem: Problem, start: np.ndarray) -> CurveFit:
    """The fit from one start, (n,). Raises FitError where the model or a derivative is not finite there."""
    solution = problem.solve(start[None])
    if int(solution.status[0]) in NOT_BEGUN:
        raise FitError(
            f"{problem.not_finite(start)}. "
            "Choose other starting values, set bounds within which it is finite, or leave out such rows."
        )
    return CurveFit(problem, solution)


def fit_by_gradients(problem: Problem, start: np.ndarray, method: str, own: OwnLoss | None) -> CurveFit:
    """The fit by gradients from one start, ended by least squares unless the loss is the user's own."""
    found = minimise(problem, start, method, own)
    if own is None:
        return fit_from(problem, found.parameters[0])
    return CurveFit(replace(problem, absolute_sigma=True, options=problem.options._replace(loss=OWN_LOSS)), found)


def search(problem: Problem, guess: np.ndarray | None = None) -> CurveFit:
    """The best fit from many starts, or from a guess if that leads to one that says something about the data.

    Args:
        problem: its ``held`` has starting values of some parameters, and nan.
        guess: starting values of all.

    Raises FitError where no start leads to a finite cost.
    """
    known = ~np.isnan(problem.held)
    if guess is not None:
        guess = np.where(known, problem.held, guess if problem.bounds is None else np.clip(guess, *problem.bounds))
        solution = problem.solve(guess[None, problem.free])
        if (guessed := CurveFit(problem, solution)).success:
            return guessed
    return _best_fit(problem, _starts(problem, known, guess))


def mended(problem: Problem, start: np.ndarray, most: int | None) -> CurveFit:
    """The fit from a start, (n,), where that says something about the data; else the best from other signs and scales of it and
    from the starts of a search, if that does, and meets the data no worse. Its notes say what was tried.

    Raises FitError where the model or a derivative is not finite at the start, and no other start leads to such a fit.
    """
    try:
        failed = fit_from(problem, start)
        if not _may_be_mended(failed, most):
            return failed
        reason, cost = failed.warnings[0].removeprefix("Not converged: ").partition(";")[0], failed.cost
    except FitError:
        found = _succeeding(problem, start, np.inf)
        if found is None:
            raise
        problem.observed.remarks.append(
            "the model is not finite at the starting values, so this is the best fit from other starting values"
        )
        return found
    found = _succeeding(problem, start, cost)
    if found is not None:
        problem.observed.remarks.append(
            f"the fit from the starting values failed ({reason}), so this is the best fit from other starting values"
        )
        return found
    tried = len(_starts_near(problem, start))
    problem.observed.remarks.append(f"{tried} starts, with other signs and scales of the starting values, led to no better fit")
    return failed


def _may_be_mended(fit: CurveFit, most: int | None) -> bool:
    """Whether a fit failed and other starts may mend it, within as many evaluations as were asked for."""
    may_be = bool(fit.free) and fit.dof > 0 and (most is None or fit.status is not Status.TOO_MANY)
    return may_be and bool(fit.warnings) and not fit.success


def _succeeding(problem: Problem, start: np.ndarray, cost: float) -> CurveFit | None:
    """The best fit from starts near one and of a search, where it succeeds and its cost is no higher."""
    try:
        found = fit_near(problem, start)
    except FitError:
        return None
    return found if found.success and found.cost <= max((1 + SAME_COST) * cost, problem.rounding()) else None


def fit_near(problem: Problem, start: np.ndarray) -> CurveFit:
    """The best fit from a start, (n,), other signs and scales of it, and the starts of a search."""
    return _best_fit(problem, _starts_near(problem, start))


def _starts_near(problem: Problem, start: np.ndarray) -> np.ndarray:
    unknown = np.zeros(len(problem.held), bool)
    return np.concatenate([start[None], signs_and_scales(start, problem.limits()), _starts(problem, unknown, None)])


def _best_fit(problem: Problem, starts: np.ndarray) -> CurveFit:
    """The best fit from starts, (F, n): all get some steps, the best more, and the best of those a fit, as does the first.

    Raises FitError where no start leads to a finite cost.
    """
    few, rounding = _with_some_rows(problem), problem.rounding()
    solution = few.solve(starts, FIRST_EVALUATIONS, linear=True)
    solution = few.solve(solution.parameters[distinct(solution.costs, rounding)[:KEPT]], SEARCH_EVALUATIONS)
    n_minima = max(1, len(distinct(np.where(_is_minimum(solution), solution.costs, np.inf), rounding)))
    best = distinct(solution.costs, rounding)
    regular = distinct(np.where(solution.rcond > UNDETERMINED, solution.costs, np.inf), rounding)
    near = np.unique(np.concatenate([best[:NEAREST], regular[:1]]))
    near = near[solution.costs[near] <= NEAR * solution.costs[best[:1]]]
    from_first = few.solve(starts[:1])  # of ones: no search is worse than none
    solution = problem.solve(np.concatenate([solution.parameters[near], from_first.parameters]))
    best = distinct(solution.costs, rounding)
    if not len(best):
        raise FitError(
            f"The model is not finite at any of {len(starts)} starts. {problem.not_finite(starts[0])}. "
            f"Give {{argument}}, set bounds within which it is finite, or leave out such rows.",
            argument="p0",
        )
    alike = np.flatnonzero(solution.costs <= (1 + SAME_COST) * max(solution.costs[best[0]], rounding))
    best = alike[np.argsort(~_is_minimum(solution)[alike], kind="stable")]
    return CurveFit(problem, solution, int(best[0]), n_starts=len(starts), n_minima=n_minima)


def _is_minimum(solution: Solution) -> np.ndarray:
    """Which fits ended in a minimum, (F,): not where the model is flat, and so its Jacobian singular."""
    return np.asarray(converged(solution.status) & (solution.rcond > UNDETERMINED))


def _starts(problem: Problem, known: np.ndarray, guess: np.ndarray | None) -> np.ndarray:
    """Many starting values, (F, n), with those that are known."""
    data, free = problem.data, problem.free
    lowered = problem.lowered
    scales = scales_of(data.columns, data.y, oscillates(lowered.recorded))
    measured = dimensions(lowered.recorded)[free]
    starts = starting_values(lowered.linear, measured, problem.limits(), scales)
    if guess is not None:
        starts[0] = guess[free]
    given = known[free]
    starts[:, given] = problem.held[free][given]
    return starts


def _with_some_rows(problem: Problem) -> Problem:
    """The problem with as many rows as a block has, where there are more and the model goes by rows: one of each part, as even
    ones would confuse frequencies."""
    data, rows = problem.data, len(problem.data.y)
    if rows <= MOST_ROWS or not problem.lowered.by_rows:
        return problem
    places = np.arange(MOST_ROWS) + np.random.default_rng(0).random(MOST_ROWS)
    chosen = (places * rows / MOST_ROWS).astype(np.int64)
    weights = None if data.weights is None else data.weights[chosen]
    return replace(problem, data=Data([c[chosen] for c in data.columns], data.y[chosen], weights))
