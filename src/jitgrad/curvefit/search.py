"""Fitting from a start, and from many."""

from __future__ import annotations

import numpy as np

from jitgrad.curvefit.dimensions import dimensions, oscillates
from jitgrad.curvefit.estimates import UNDETERMINED
from jitgrad.curvefit.least_squares import MOST_ROWS, Data, Solution
from jitgrad.curvefit.minimise import OwnLoss, minimise
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.result import OWN, CurveFit
from jitgrad.curvefit.starts import SAME_COST, distinct, scales_of, starting_values
from jitgrad.errors import FitError
from jitgrad.vm.least_squares.codes import NO_DERIVATIVE, NOT_FINITE, STUCK, TOO_MANY

FIRST_EVALUATIONS, SEARCH_EVALUATIONS = 14, 200
"""At most, of each start, and of each that is kept."""
KEPT, NEAREST, NEAR = 16, 3, 1.5
"""How many of the starts are kept; how many of those are fitted on all rows, of costs up to so much of the lowest."""


def fit_from(problem: Problem, start: np.ndarray) -> CurveFit:
    """The fit from one start, (n,). Raises FitError where the model or a derivative is not finite there."""
    solution = problem.solve(start[None])
    if solution.status[0] in (NOT_FINITE, NO_DERIVATIVE):
        raise FitError(
            f"{problem.not_finite(start)}. Choose others, or bounds that keep to where it is; or leave such rows out."
        )
    return problem.result(solution)


def fit_by_gradients(problem: Problem, start: np.ndarray, method: str, own: OwnLoss | None) -> CurveFit:
    """The fit by gradients from one start, ended by least squares unless the loss is the user's own."""
    found = minimise(problem, start, method, own)
    if own is None:
        return fit_from(problem, found.parameters[0])
    problem.absolute_sigma, problem.settings = True, problem.settings._replace(loss=OWN)
    return problem.result(found)


def search(problem: Problem, guess: np.ndarray | None = None) -> CurveFit:
    """The best fit from many starts, or from a guess if that converges.

    All starts get some steps, the best more, and the best of those a fit, as does the first, of ones.

    Args:
        problem: its ``held`` has starting values of some parameters, and nan.
        guess: starting values of all.

    Raises FitError where no start leads to a finite cost.
    """
    known = ~np.isnan(problem.held)
    if guess is not None:
        guess = np.where(known, problem.held, guess if problem.bounds is None else np.clip(guess, *problem.bounds))
        solution = problem.solve(guess[None, problem.free])
        if solution.status[0] not in (NOT_FINITE, NO_DERIVATIVE, TOO_MANY, STUCK):
            return problem.result(solution)
    starts = _starts(problem, known, guess)
    few, rounding = _some_rows(problem), problem.rounding()
    solution = problem.solve(starts, few, FIRST_EVALUATIONS, linear=True)
    solution = problem.solve(solution.parameters[distinct(solution.costs, rounding)[:KEPT]], few, SEARCH_EVALUATIONS)
    ended = _is_minimum(solution)
    minima = max(1, len(distinct(np.where(ended, solution.costs, np.inf), rounding)))
    best = distinct(solution.costs, rounding)
    regular = distinct(np.where(solution.rcond > UNDETERMINED, solution.costs, np.inf), rounding)
    near = np.unique(np.concatenate([best[:NEAREST], regular[:1]]))
    near = near[solution.costs[near] <= NEAR * solution.costs[best[:1]]]
    from_first = problem.solve(starts[:1], few)  # of ones: no search is worse than none
    solution = problem.solve(np.concatenate([solution.parameters[near], from_first.parameters]))
    best = distinct(solution.costs, rounding)
    if not len(best):
        raise FitError(
            f"The model is not finite at any of {len(starts)} starts. {problem.not_finite(starts[0])}. "
            f"Give {{argument}}, or bounds that keep to where it is finite; or leave such rows out.",
            argument="p0",
        )
    alike = np.flatnonzero(solution.costs <= (1 + SAME_COST) * max(solution.costs[best[0]], rounding))
    best = alike[np.argsort(~_is_minimum(solution)[alike], kind="stable")]
    result = problem.result(solution, int(best[0]))
    result.minima, result.starts = minima, len(starts)
    return result


def _is_minimum(solution: Solution) -> np.ndarray:
    """Which fits ended in a minimum, (F,): not where the model is flat, and so its Jacobian singular."""
    return (solution.status != TOO_MANY) & (solution.status != STUCK) & (solution.rcond > UNDETERMINED)


def _starts(problem: Problem, known: np.ndarray, guess: np.ndarray | None) -> np.ndarray:
    """Many starting values, (F, n), with those that are known."""
    data, free = problem.data, problem.free
    traced = problem.traced(data)
    scales = scales_of(data.columns, data.y, oscillates(traced.recorded))
    measured = dimensions(traced.recorded)[free]
    starts = starting_values(traced.linear, measured, problem.limits(), scales)
    if guess is not None:
        starts[0] = guess[free]
    given = known[free]
    starts[:, given] = problem.held[free][given]
    return starts


def _some_rows(problem: Problem) -> Data:
    """As many rows as a block has, where there are more and the model goes by rows: one of each part, as even ones would
    confuse frequencies."""
    data, rows = problem.data, len(problem.data.y)
    if rows <= MOST_ROWS or not problem.traced(data).by_rows:
        return data
    places = np.arange(MOST_ROWS) + np.random.default_rng(0).random(MOST_ROWS)
    chosen = (places * rows / MOST_ROWS).astype(np.int64)
    weights = None if data.weights is None else data.weights[chosen]
    return Data([c[chosen] for c in data.columns], data.y[chosen], weights)
