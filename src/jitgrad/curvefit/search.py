"""Fits from one start, and from many."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.dimensions import dimensions, oscillates
from jitgrad.curvefit.estimates import UNDETERMINED
from jitgrad.curvefit.least_squares import MOST_ROWS, Data, Solution
from jitgrad.curvefit.minimise import OwnLoss, minimise
from jitgrad.curvefit.ode import ROUGH
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.result import OWN_LOSS, CurveFit
from jitgrad.curvefit.starts import SAME_COST, distinct, exchanges, scales_of, signs_and_scales, starting_values
from jitgrad.curvefit.status import NOT_BEGUN, Status, converged
from jitgrad.errors import FitError
from jitgrad.training.progress import late_bar

FIRST_EVALUATIONS, SEARCH_EVALUATIONS = 14, 200
"""The largest numbers of evaluations of each start, and of each start that is kept."""
ROUND, CONFIRMED, BUDGET = 16, 3, 8000
"""For differential equations, which take longer than formulas: the number of starts per parameter in a round, the number of
starts that must lead to the lowest cost, and the number of evaluations after which no further round begins."""
ALIKE = 1e-4
"""The relative difference of costs in a search that count as the same minimum of differential equations."""
EQUIVALENT = 1e-5
"""The relative difference of equivalent solutions of differential equations, and of their costs. They are not exact."""
KEPT, NEAREST, NEAR = 16, 3, 1.5
"""The number of starts kept, the number fitted to all rows, and the largest ratio of their costs to the lowest."""


def fit_from(problem: Problem, start: np.ndarray) -> CurveFit:
    """Return the fit from one start, (n,). Raises FitError if the model or a derivative is not finite there."""
    solution = problem.solve(start[None])
    if int(solution.status[0]) in NOT_BEGUN:
        raise FitError(
            f"{problem.not_finite(start)}. "
            "Choose other starting values, set bounds within which it is finite, or leave out such rows."
        )
    return CurveFit(problem, solution)


def fit_by_gradients(problem: Problem, start: np.ndarray, method: str, own: OwnLoss | None) -> CurveFit:
    """Return the fit by gradients from one start, finished by least squares unless the loss is custom."""
    found = minimise(problem, start, method, own)
    if own is None:
        return fit_from(problem, found.parameters[0])
    return CurveFit(replace(problem, absolute_sigma=True, options=problem.options._replace(loss=OWN_LOSS)), found)


def search(problem: Problem, guess: np.ndarray | None = None) -> CurveFit:
    """Return the best fit from many starts, or from a guess if that leads to a successful fit.

    Parameters
    ----------
    problem : Problem
        The problem. Its ``held`` contains the known starting values, and nan for unknown ones.
    guess : ndarray, optional
        Starting values of all parameters.

    Raises
    ------
    FitError
        If no start leads to a finite cost.
    """
    known = ~np.isnan(problem.held)
    if problem.curve.log:
        first = search(_with_relative_errors(problem), guess)
        found = mended(problem, first.values[list(problem.free)], None)
        found.n_starts, found.n_minima = first.n_starts, first.n_minima
        return found
    if guess is not None:
        guess = np.where(known, problem.held, guess if problem.bounds is None else np.clip(guess, *problem.bounds))
        solution = problem.solve(guess[None, problem.free])
        if (guessed := CurveFit(problem, solution)).success:
            return guessed
    found = _best_fit(problem, _starts(problem, known, guess))
    return _with_fast_formation(problem, found) if problem.lowered.solves_equations else found


def _with_fast_formation(problem: Problem, found: CurveFit) -> CurveFit:
    """Return the equivalent fit of differential equations in which formation is faster than loss.

    Rates of absorption and elimination, for example, may be exchanged if the volume is adapted ("flip-flop"). The slower the
    formation, the larger the factor of the model that makes up for it.
    """
    values, free, columns = found.values, list(problem.free), problem.data.columns
    if not found.success:
        return found

    def said(changed: np.ndarray, k: int | None = None) -> np.ndarray:
        """Return the model with other free parameters, one of them doubled."""
        every = values.copy()
        every[free] = changed
        if k is not None:
            every[free[k]] *= 2.0
        return problem.curve.responses(problem.curve.values(every, (), columns, len(problem.data.y)))

    own = said(values[free])
    size = np.abs(own).max()
    for start, scale in exchanges(values[free]):
        if not np.abs(said(start) - own).max() <= EQUIVALENT * size:
            continue
        if scale is not None:
            grows = np.abs(said(values[free], scale)).sum() > np.abs(own).sum()
            if (abs(start[scale]) < abs(values[free][scale])) != grows:
                continue
        limits = problem.limits()
        solution = problem.solve(start[None] if limits is None else np.clip(start[None], limits.low, limits.high))
        if _is_minimum(solution)[0] and solution.costs[0] <= (1 + EQUIVALENT) * max(found.cost, problem.rounding()):
            return CurveFit(problem, solution, n_starts=found.n_starts, n_minima=found.n_minima)
    return found


def _with_relative_errors(problem: Problem) -> Problem:
    """Return a problem with log-normal errors as one with normal errors proportional to y.

    Its minima are nearly the same, and the model may be linear in parameters in which its logarithm is not.
    """
    y, data = problem.observed.response, problem.data
    weights = (1.0 if data.weights is None else data.weights) / y
    observed = problem.observed._replace(y=y, remarks=[])
    return replace(
        problem, curve=problem.curve.of(log=False), observed=observed, data=Data(data.columns, y, weights), whitening=None
    )


def mended(problem: Problem, start: np.ndarray, most: int | None) -> CurveFit:
    """Return the fit from a start, (n,), if it succeeds, else the best successful fit from other starts with no higher cost.

    The other starts are the start with other signs and scales, and the starts of a search. The notes list them. Raises
    FitError if the model or a derivative is not finite at the start, and no other start leads to a successful fit.
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
    """Return whether a fit failed and other starts may succeed, within the requested number of evaluations."""
    may_be = bool(fit.free) and fit.dof > 0 and (most is None or fit.status is not Status.TOO_MANY)
    return may_be and bool(fit.warnings) and not fit.success


def _succeeding(problem: Problem, start: np.ndarray, cost: float) -> CurveFit | None:
    """Return the best fit from other starts if it succeeds and its cost is not higher, else None."""
    try:
        found = fit_near(problem, start)
    except FitError:
        return None
    return found if found.success and found.cost <= max((1 + SAME_COST) * cost, problem.rounding()) else None


def fit_near(problem: Problem, start: np.ndarray) -> CurveFit:
    """Return the best fit from a start, (n,), other signs and scales of it, and the starts of a search."""
    return _best_fit(problem, _starts_near(problem, start))


def _starts_near(problem: Problem, start: np.ndarray) -> np.ndarray:
    unknown = np.zeros(len(problem.held), bool)
    return np.concatenate([start[None], signs_and_scales(start, problem.limits()), _starts(problem, unknown, None)])


def _best_fit(problem: Problem, starts: np.ndarray) -> CurveFit:
    """Return the best fit from starts, (F, n).

    The starts are explored, and the best ends and the first start get a full fit. Starts of differential equations are explored
    until that leads to a minimum. Raises FitError if no start leads to a finite cost.
    """
    few, integrates = _with_some_rows(problem), problem.lowered.solves_equations
    errors = 0.5 * ROUGH**2 * float(np.sum(few.weighted(few.y) ** 2)) if integrates else 0.0
    rounding = max(few.rounding(), errors)
    most, size = (SEARCH_EVALUATIONS, ROUND * starts.shape[1]) if integrates else (None, len(starts))
    from_first = few.solve(starts[:1], most).parameters  # all ones, so that a search is never worse than no search
    with late_bar(len(starts), "starting values") as done:
        for found in _explored(few, starts, size, rounding, done):
            if not (found.is_last or found.is_confirmed(rounding)):
                continue
            promising = found.ends.parameters[_promising(found.ends, rounding, integrates)]
            solution = problem.solve(np.concatenate([promising, from_first]), most)
            at = _lowest(problem, solution)
            if at is not None and solution.status[at] == Status.TOO_MANY and integrates:
                solution, at = problem.solve(solution.parameters[at : at + 1]), 0
            if at is not None and _is_minimum(solution)[at]:
                break
    if at is None:
        raise _without_finite(problem, starts)
    if integrates and not found.is_confirmed(rounding):
        problem.observed.remarks.append(
            f"fewer than {CONFIRMED} of {found.tried} starting values led to the lowest minimum, and the search ended after "
            f"{found.evaluations} evaluations, so there may be a better fit; give starting values p0 if the curve is far from "
            f"the data"
        )
    n_minima = max(1, len(distinct(_at_minima(found.ends), rounding)))
    return CurveFit(problem, solution, at, n_starts=found.tried, n_minima=n_minima)


def _promising(ends: Solution, rounding: float, integrates: bool) -> np.ndarray:
    """Return the indices of the ends that get a full fit."""
    best = distinct(ends.costs, rounding)
    if integrates:
        best = np.array([_most_positive(ends, k) for k in best], np.intp)
    regular = distinct(np.where(ends.rcond > UNDETERMINED, ends.costs, np.inf), rounding)
    near = np.unique(np.concatenate([best[:NEAREST], regular[:1]]))
    return near[ends.costs[near] <= NEAR * ends.costs[best[:1]]]


def _lowest(problem: Problem, solution: Solution) -> int | None:
    """Return the index of the lowest fit, a minimum if there is one with the same cost; None if no fit has a finite cost."""
    best = distinct(solution.costs, problem.rounding())
    if not len(best):
        return None
    alike = np.flatnonzero(solution.costs <= (1 + SAME_COST) * max(solution.costs[best[0]], problem.rounding()))
    return int(alike[np.argsort(~_is_minimum(solution)[alike], kind="stable")][0])


def _most_positive(solution: Solution, k: int) -> int:
    """Return the fit with the fewest negative parameters among fits with the same cost as fit ``k``."""
    alike = np.flatnonzero(solution.costs <= (1 + ALIKE) * solution.costs[k])
    return int(alike[np.argmin(np.sum(solution.parameters[alike] < 0, axis=1))])


def _report(done: Callable[[int], None], before: int, count: int) -> None:
    """Report the number of starts that are done."""
    done(before + count)


def _without_finite(problem: Problem, starts: np.ndarray) -> FitError:
    """Return the error for starts of which none leads to a finite cost."""
    one = len(starts) == 1
    said = problem.not_finite(starts[0], "the starting values" if one else f"the first of {len(starts)} starting points")
    return FitError(
        f"{said}{'' if one else ', nor at any of the other starting values'}. "
        f"Give {{argument}}, set bounds within which it is finite, or leave out such rows.",
        argument="p0",
    )


class _Explored(NamedTuple):
    """What a search found.

    Attributes
    ----------
    ends : Solution
        The ends of the best starts, in different minima within a round.
    costs : ndarray, shape (tried,)
        The cost of the minimum that each start led to; infinite if it led to none.
    evaluations : int
        The number of evaluations of the model.
    is_last : bool
        Whether all starts were tried, or the budget of evaluations is spent.
    """

    ends: Solution
    costs: np.ndarray
    evaluations: int
    is_last: bool

    @property
    def tried(self) -> int:
        """The number of starts."""
        return len(self.costs)

    def is_confirmed(self, rounding: float) -> bool:
        """Return whether several starts led to the lowest cost, or it is a rounding error."""
        lowest = self.ends.costs.min(initial=np.inf)
        return lowest <= rounding or int(np.sum(self.costs <= (1 + ALIKE) * lowest)) >= CONFIRMED


def _explored(few: Problem, starts: np.ndarray, size: int, rounding: float, done: Callable[[int], None]) -> Iterator[_Explored]:
    """Explore starts, (F, n), in rounds of a size: all get a few steps, and the best more. Yield the results of all rounds."""
    ends: list[Solution] = []
    costs, evaluations = np.empty(0), 0
    for first in range(0, len(starts), size):
        shown = functools.partial(_report, done, first)
        begun = few.solve(starts[first : first + size], FIRST_EVALUATIONS, linear=True, done=shown)
        kept = distinct(begun.costs, rounding)[:KEPT]
        ends.append(few.solve(begun.parameters[kept], SEARCH_EVALUATIONS))
        reached = _at_minima(begun)
        reached[kept] = _at_minima(ends[-1])
        costs = np.concatenate([costs, reached])
        evaluations += int(begun.outcomes["nfev"].sum() + ends[-1].outcomes["nfev"].sum())
        is_last = first + size >= len(starts) or evaluations >= BUDGET
        yield _Explored(Solution(*map(np.concatenate, zip(*ends, strict=True))), costs, evaluations, is_last)
        if is_last:
            return


def _is_minimum(solution: Solution) -> np.ndarray:
    """Return which fits ended in a minimum with a nonsingular Jacobian, (F,)."""
    return np.asarray(converged(solution.status) & (solution.rcond > UNDETERMINED))


def _at_minima(solution: Solution) -> np.ndarray:
    """Return the costs of minima, (F,), and infinity for other fits."""
    return np.where(_is_minimum(solution), solution.costs, np.inf)


def _starts(problem: Problem, known: np.ndarray, guess: np.ndarray | None) -> np.ndarray:
    """Return many starting values, (F, n), including the known ones."""
    data, free = problem.data, problem.free
    lowered = problem.lowered
    scales = scales_of(data.columns, data.y, oscillates(lowered.recorded))
    measured = dimensions(lowered.recorded)[free]
    starts = starting_values(lowered.linear, measured, problem.limits(), scales, lowered.solves_equations)
    if guess is not None:
        starts[0] = guess[free]
    given = known[free]
    starts[:, given] = problem.held[free][given]
    return starts


def _with_some_rows(problem: Problem) -> Problem:
    """Return the problem with at most as many rows as a block has, if the model computes rows independently.

    One row is drawn at random from each part; evenly spaced rows would cause aliasing. Differential equations are solved with
    a larger tolerance.
    """
    if problem.curve.restricts:
        return replace(problem, curve=problem.curve.rough())
    data, rows = problem.data, len(problem.data.y)
    if rows <= MOST_ROWS or not problem.lowered.by_rows:
        return problem
    places = np.arange(MOST_ROWS) + np.random.default_rng(0).random(MOST_ROWS)
    chosen = (places * rows / MOST_ROWS).astype(np.int64)
    weights = None if data.weights is None else data.weights[chosen]
    return replace(problem, data=Data([c[chosen] for c in data.columns], data.y[chosen], weights))
