"""Fitting from a start, and from many."""

from __future__ import annotations

import numpy as np

from jitgrad.curvefit.estimates import UNDETERMINED
from jitgrad.curvefit.least_squares import Data, Solution
from jitgrad.curvefit.minimise import OwnLoss, minimise
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.result import OWN, CurveFit
from jitgrad.curvefit.starts import MOST_ROWS, distinct, scales_of, starting_values
from jitgrad.errors import FitError
from jitgrad.vm.fit_plan import NO_DERIVATIVE, NOT_FINITE, TOO_MANY

SEARCH_EVALUATIONS = 200
"""At most, of each start of many."""
KEPT, NEAR = 3, 1.5
"""Minima of some of the rows that are fitted on all of them: so many, of costs up to so much of the lowest."""


def fit_from(problem: Problem, start: np.ndarray) -> CurveFit:
    """The fit from one start, (n,). Raises FitError where the model or a derivative is not finite there."""
    solution = problem.solve(start[None])
    if solution.ended[0] == NOT_FINITE:
        raise FitError("The model is not finite at the starting values. Choose others, or bounds that keep to where it is.")
    if solution.ended[0] == NO_DERIVATIVE:
        raise FitError("A derivative of the model is not finite at the starting values. Choose others, or bounds.")
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

    Args:
        problem: its ``held`` has starting values of some parameters, and nan.
        guess: starting values of all.

    Raises FitError where no start leads to a finite cost.
    """
    known = ~np.isnan(problem.held)
    if guess is not None:
        guess = np.where(known, problem.held, guess if problem.bounds is None else np.clip(guess, *problem.bounds))
        solution = problem.solve(guess[None, problem.free])
        if solution.ended[0] not in (NOT_FINITE, NO_DERIVATIVE, TOO_MANY):
            return problem.result(solution)
    tried, few = _try_starts(problem, known, guess)
    costs = tried.costs
    rounding = problem.rounding()
    best = distinct(costs, rounding)
    if not len(best):
        raise FitError(
            f"The model is not finite at any of {len(costs)} starts. Give p0, or bounds that keep to where it is finite."
        )
    again = few is not problem.data or tried.ended[best[0]] == TOO_MANY
    near = best[:KEPT][costs[best[:KEPT]] <= NEAR * costs[best[0]]]
    solution = problem.solve(tried.parameters[near]) if again else tried
    result = problem.result(solution, int(distinct(solution.costs, rounding)[0]))
    ended = (tried.ended != TOO_MANY) & (tried.pivots > UNDETERMINED)  # where it is flat is no minimum
    result.minima, result.starts = max(1, len(distinct(np.where(ended, costs, np.inf), rounding))), len(costs)
    return result


def _try_starts(problem: Problem, known: np.ndarray, guess: np.ndarray | None) -> tuple[Solution, Data]:
    """Fits from many starts, on some of the rows if there are many and the model goes by rows."""
    data, rows = problem.data, len(problem.data.y)
    traced = problem.traced(data)
    if traced.by_rows and rows > MOST_ROWS:
        chosen = np.linspace(0, rows - 1, MOST_ROWS).astype(np.int64)
        weights = None if data.weights is None else data.weights[chosen]
        data = Data([c[chosen] for c in data.columns], data.y[chosen], weights)
    free, scales = problem.free, scales_of(data.columns, data.y)
    starts = starting_values(traced.linear, problem.limits(), scales, None if guess is None else guess[free])
    given = known[free]
    starts[:, given] = problem.held[free][given]
    return problem.solve(starts, data, SEARCH_EVALUATIONS, linear=True), data
