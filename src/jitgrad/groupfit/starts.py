"""Groups without starting values: the minima of some groups are tried on all groups.

A search takes hundreds of fits, so only a few representative groups are searched. Their minima are tried on each group for a
few evaluations, and each group is fitted from the best of them. It then tries the minima of its neighbors while this
helps. Groups that still fit worse than others, or did not converge, are searched individually.

A last fit starts at each rounded estimate, so the result of a group depends neither on the path that led there nor on the
other groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.given import DEFAULTS
from jitgrad.curvefit.least_squares import Limits, Solution, SolverOptions
from jitgrad.curvefit.many import StoppedError
from jitgrad.curvefit.starts import SAME_COST
from jitgrad.curvefit.status import converged
from jitgrad.groupfit.full_search import Guess, best_from, search_fully
from jitgrad.groupfit.neighbours import neighbours_of
from jitgrad.groupfit.rounded import fit_from_rounded
from jitgrad.groupfit.trials import Trials, improve, is_minimum, spanned
from jitgrad.vm.least_squares.problem import OUTCOME

REPRESENTATIVES = 24
"""The number of groups that are searched first."""
STAGES = ((2, 6), (8, 2))
"""For each stage, the number of evaluations per candidate, and the number of candidates that are kept."""
ASKED = 8
"""The number of evaluations from the minimum of a neighbor."""
PASSES = 8
"""The largest number of passes over the neighbors."""
SEARCHED, FAILED, WORST = 64, 0.1, 0.02
"""The largest number of groups searched at once (a count or, if larger, a fraction), for failed and for bad fits."""
OUTLYING = 3.5
"""The distance of a cost from the median, in standard deviations, above which a group is searched."""
SPREAD = 0.05
"""A constant added to the standard deviation of the log costs."""
WORTHWHILE = 0.25
"""The fraction of the worst groups that must improve for the next groups to be searched."""


def search_groups(
    curve: Curve,
    free: Sequence[int],
    groups: Groups,
    starts: np.ndarray,
    limits: Limits | None = None,
    options: SolverOptions = DEFAULTS,
    *,
    guess: Guess | None = None,
    shape: Sequence[int] | None = None,
    places: np.ndarray | None = None,
    threads: int | None = None,
    done: Callable[[int], None] | None = None,
) -> Solution:
    """Fit groups for which not all starting values are known.

    Parameters
    ----------
    curve, free, groups, limits, options, threads
        As for ``solve_many``.
    starts : ndarray, shape (G, p)
        Values of all parameters, in float64, nan for unknown ones. All fits of a group start at the known ones.
    guess : callable, optional
        A function that returns the starting values of a named model from a column and the response.
    shape : tuple of int, optional
        The shape of the image, if the groups are pixels. By default, they form a row.
    places : ndarray of int, shape (G,), optional
        The flat position of each group.
    done : callable, optional
        Called regularly with the number of groups done.

    Returns
    -------
    Solution
        G fits of the free parameters.

    Raises
    ------
    StoppedError
        On Ctrl-C, as ``solve_many``.
    """
    count = len(starts)
    places = np.arange(count) if places is None else places
    shape = (int(places.max(initial=0)) + 1,) if shape is None else shape
    is_known = ~np.isnan(starts[:, list(free)]).any(axis=1)
    solution = _empty(count, len(free))
    known, unknown = np.flatnonzero(is_known), np.flatnonzero(~is_known)
    for part in (known, unknown):
        if not len(part):
            continue
        own = limits if limits is None or limits.low.ndim == 1 else Limits(limits.low[part], limits.high[part])
        some = spanned(groups._replace(parts=groups.parts[part]))
        trials = Trials(curve, list(free), some, starts[part], own, options, threads)
        try:
            if part is known:
                found = trials.fit(np.arange(len(part)), starts[part][:, list(free)], done=done)
            else:
                found = _search(trials, guess, neighbours_of(shape, places[part]), _progress(done, len(known), len(part)))
        except StoppedError as stopped:
            _put(solution, part, stopped.solution)
            raise StoppedError(solution) from None
        _put(solution, part, found)
    return solution


def _put(solution: Solution, which: np.ndarray | slice, found: Solution) -> None:
    for to, array in zip(solution, found, strict=True):
        to[which] = array


def _empty(count: int, n: int) -> Solution:
    return Solution(np.zeros((count, n)), np.zeros(count, OUTCOME), np.zeros((count, n, n)))


def _progress(done: Callable[[int], None] | None, before: int, count: int) -> Callable[[float], None]:
    """Return a function that reports a fraction of ``count`` groups, in addition to those ``before``."""
    return lambda part: None if done is None else done(before + int(part * count))


def _search(trials: Trials, guess: Guess | None, neighbours: np.ndarray, show: Callable[[float], None]) -> Solution:
    """Fit all groups; see the module's docstring."""
    count, everyone = len(trials), np.arange(len(trials))
    if all(trials.traced.linear):  # starting values are irrelevant
        ones = np.ones((count, len(trials.free)))
        return trials.fit(everyone, trials.begun(everyone, ones), linear=True, done=lambda k: show(k / count))
    try:
        best = _best(replace(trials, options=_precise(trials.options)), guess, neighbours, lambda part: show(0.5 * part))
    except StoppedError:
        raise StoppedError(_empty(count, len(trials.free))) from None
    fit_from_rounded(trials, best, lambda k: show(0.5 + 0.5 * k / count))
    return best


def _precise(options: SolverOptions) -> SolverOptions:
    """Return options for fits that end as close to a minimum as possible, so that all paths to it are rounded alike."""
    tighter = {name: min(getattr(options, name), getattr(DEFAULTS, name)) for name in ("ftol", "xtol", "gtol")}
    return options._replace(**tighter)


def _best(trials: Trials, guess: Guess | None, neighbours: np.ndarray, show: Callable[[float], None]) -> Solution:
    """Return the lowest minima found."""
    chosen = _representatives(len(trials))
    searched = search_fully(trials, chosen, guess)
    if len(chosen) == len(trials):
        return searched
    best = _from_candidates(trials, _candidates(searched), show)
    improve(best, chosen, searched, trials.rounding)
    _ask_neighbours(trials, best, neighbours, np.arange(len(trials)))
    _search_others(trials, best, neighbours, chosen, guess)
    return best


def _representatives(count: int) -> np.ndarray:
    """Return representative groups: evenly spread, and out of step with the rows of an image."""
    golden = (np.sqrt(5) - 1) / 2
    return (
        np.unique((np.arange(1, REPRESENTATIVES + 1) * golden % 1 * count).astype(np.int64))
        if count > REPRESENTATIVES
        else np.arange(count)
    )


def _candidates(searched: Solution) -> np.ndarray:
    """Return the end points of the searched groups, (C, n). If there are minima, only these are returned."""
    usable = is_minimum(searched)
    if not usable.any():
        usable = np.isfinite(searched.costs)
    return searched.parameters[usable] if usable.any() else searched.parameters


def _from_candidates(trials: Trials, candidates: np.ndarray, show: Callable[[float], None]) -> Solution:
    """Fit each group from the most promising of the candidates, (C, n)."""
    best = _empty(len(trials), len(trials.free))
    for block in trials.blocks(len(trials), len(candidates)):
        _put(best, block, _from(trials, np.arange(block.start, block.stop), candidates))
        show(block.stop / len(trials))
    return best


def _from(trials: Trials, which: np.ndarray, candidates: np.ndarray) -> Solution:
    return best_from(trials, which, np.broadcast_to(candidates, (len(which), *candidates.shape)), STAGES)


def _ask_neighbours(trials: Trials, best: Solution, neighbours: np.ndarray, changed: np.ndarray) -> None:
    """Fit groups from the minima of neighbors that ``changed``, and continue from the groups that improved."""
    for _ in range(PASSES):
        is_new = np.zeros(len(trials) + 1, bool)  # the last element is for -1, no neighbor
        is_new[changed] = True
        asking = np.flatnonzero(is_new[neighbours].any(axis=1))
        improved = [_ask(trials, best, neighbours, is_new, asking[b]) for b in trials.blocks(len(asking), neighbours.shape[1])]
        changed = np.concatenate([*improved, np.empty(0, np.int64)])
        if not len(changed):
            return


def _ask(trials: Trials, best: Solution, neighbours: np.ndarray, is_new: np.ndarray, asking: np.ndarray) -> np.ndarray:
    """Fit some groups from the new minima of their neighbors in ``best``; return which improved."""
    row, column = np.nonzero(is_new[neighbours[asking]])
    which = asking[row]
    tried = trials.fit(which, trials.begun(which, best.parameters[neighbours[which, column]]), ASKED, linear=True)
    with np.errstate(invalid="ignore"):
        lower = np.maximum(tried.costs, trials.rounding[which]) < np.maximum(best.costs, trials.rounding)[which] * (
            1 - SAME_COST
        )
    lower |= is_minimum(tried) & ~is_minimum(best)[which]
    order = np.lexsort((tried.costs, which))
    order = order[lower[order]]
    first = order[np.unique(which[order], return_index=True)[1]]
    if not len(first):
        return first
    return improve(best, which[first], trials.fit(which[first], tried.parameters[first]), trials.rounding)


def _search_others(trials: Trials, best: Solution, neighbours: np.ndarray, chosen: np.ndarray, guess: Guess | None) -> None:
    """Search groups that did not converge, then groups whose costs are far above the others', the worst first."""
    left = np.ones(len(trials), bool)
    left[chosen] = False
    failed = np.flatnonzero(left & ~converged(best.status))[: _at_once(trials, FAILED)]
    left[failed] = False
    if len(failed):
        _search_some(trials, best, neighbours, failed, guess)
    while True:
        far = np.where(left, _distances(trials, best), -np.inf)
        outlying = np.argsort(-far, kind="stable")[: np.count_nonzero(far > OUTLYING)]
        if not len(outlying):
            return
        worst, others = np.split(outlying, [_at_once(trials, WORST)])
        left[worst] = False
        improved = _search_some(trials, best, neighbours, np.sort(worst), guess)
        if len(improved) < WORTHWHILE * len(worst):
            return
        candidates = best.parameters[improved[:REPRESENTATIVES]]
        for block in trials.blocks(len(others), len(candidates)):
            improve(best, others[block], _from(trials, others[block], candidates), trials.rounding)


def _at_once(trials: Trials, part: float) -> int:
    return max(SEARCHED, int(part * len(trials)))


def _search_some(trials: Trials, best: Solution, neighbours: np.ndarray, some: np.ndarray, guess: Guess | None) -> np.ndarray:
    """Search some groups and try their minima on their neighbors. Return which improved."""
    improved = improve(best, some, search_fully(trials, some, guess), trials.rounding)
    _ask_neighbours(trials, best, neighbours, improved)
    return improved


def _distances(trials: Trials, best: Solution) -> np.ndarray:
    """Return the distance of each group's cost, (G,), above the costs of other groups, in standard deviations.

    It is the larger of two measures: the cost per row, and the unexplained fraction of the variance of the response.
    """
    costs = np.maximum(best.costs, trials.rounding)
    far = np.full(len(costs), -np.inf)
    for beside in (np.maximum(trials.dof, 1), trials.spread):
        with np.errstate(divide="ignore", invalid="ignore"):
            sizes = np.log(costs / beside)
        known = np.isfinite(sizes)
        if known.any():
            middle = np.median(sizes[known])
            deviation = 1.4826 * np.median(np.abs(sizes[known] - middle)) + SPREAD
            far[known] = np.maximum(far[known], (sizes[known] - middle) / deviation)
    return far
