"""The search that ``curve_fit`` makes without starting values, for many groups at once. See ``curvefit.search``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from jitgrad.curvefit.dimensions import dimensions, oscillates
from jitgrad.curvefit.least_squares import Solution
from jitgrad.curvefit.search import FIRST_EVALUATIONS, KEPT, NEAREST, SEARCH_EVALUATIONS
from jitgrad.curvefit.starts import scales_of, starting_values
from jitgrad.groupfit.trials import Trials, best_of, is_minimum, lowest

Guess = Callable[[np.ndarray, np.ndarray], dict[str, float]]
"""Starting values by name, of x and y; see ``curvefit.gallery``."""

FULL = ((FIRST_EVALUATIONS, KEPT), (SEARCH_EVALUATIONS, NEAREST))


def search_fully(trials: Trials, which: np.ndarray, guess: Guess | None = None) -> Solution:
    """The best fit of each of the groups ``which`` from many starts; or, with a guess, from that where it converges."""
    if guess is not None:
        found = trials.fit(which, trials.begun(which, _guesses(trials, which, guess)))
        failed = np.flatnonzero(~is_minimum(found))
        if len(failed):
            for to, array in zip(found, search_fully(trials, which[failed]), strict=True):
                to[failed] = array
        return found
    measured = dimensions(trials.traced.recorded)[list(trials.free)]
    count = len(_starts(trials, int(which[0]), measured))
    parts = []
    for block in trials.blocks(len(which), count):
        starts = np.stack([_starts(trials, group, measured) for group in which[block].tolist()])
        parts.append(best_from(trials, which[block], starts, FULL, first=True))
    return Solution(*[np.concatenate(arrays) for arrays in zip(*parts, strict=True)])


def _guesses(trials: Trials, which: np.ndarray, guess: Guess) -> np.ndarray:
    """Starting values of the free parameters, (F, n)."""
    guesses = []
    for group in which.tolist():
        columns, y = trials.rows_of(group)
        guesses.append(guess(columns[0], y))
    return np.array([[known[trials.curve.names[k]] for k in trials.free] for known in guesses])


def _starts(trials: Trials, group: int, measured: np.ndarray) -> np.ndarray:
    """Starting values of the free parameters of one group, (F, n), F the same for all."""
    columns, y = trials.rows_of(group)
    traced = trials.traced
    scales = scales_of(columns, y, oscillates(traced.recorded))
    return starting_values(traced.linear, measured, trials.limits_of(group), scales)


def best_from(
    trials: Trials, which: np.ndarray, starts: np.ndarray, stages: Sequence[tuple[int, int]], first: bool = False
) -> Solution:
    """The best fits from many starts: all starts get some steps, the best more, and the best of those a fit.

    Args:
        trials: the groups.
        which: the numbers of those to be fitted, (F,).
        starts: starting values of the free parameters of each, (F, count, n).
        stages: how many evaluations each start gets, and how many starts are kept then, one stage after the other.
        first: whether the first start gets a fit, too.
    """
    n, rounding = len(trials.free), trials.rounding[which]
    points: np.ndarray = trials.begun(np.repeat(which, starts.shape[1]), starts.reshape(-1, n)).reshape(starts.shape)
    begun = points[:, :1]
    for stage, (most, kept) in enumerate(stages):
        count = points.shape[1]
        solution = trials.fit(np.repeat(which, count), points.reshape(-1, n), most, linear=stage == 0)
        places = lowest(solution.costs.reshape(-1, count), rounding, min(kept, count))
        points = np.take_along_axis(solution.parameters.reshape(-1, count, n), places[..., None], axis=1)
    if first:
        points = np.concatenate([points, begun], axis=1)
    count = points.shape[1]
    return best_of(trials.fit(np.repeat(which, count), points.reshape(-1, n)), rounding, count)
