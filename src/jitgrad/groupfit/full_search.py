"""The search of ``curve_fit`` without starting values, for many groups at once; see ``curvefit.search``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from jitgrad.curvefit.dimensions import dimensions, oscillates
from jitgrad.curvefit.least_squares import Solution
from jitgrad.curvefit.search import FIRST_EVALUATIONS, KEPT, NEAREST, SEARCH_EVALUATIONS
from jitgrad.curvefit.starts import scales_of, starting_values
from jitgrad.groupfit.trials import Trials, best_of, is_minimum, lowest

Guess = Callable[..., dict[str, float]]
"""Returns starting values by name from the columns and y; see ``curvefit.named_model``."""

STARTS_EACH = 32
"""The number of starts per parameter of differential equations, which take longer than formulas."""
FULL = ((FIRST_EVALUATIONS, KEPT), (SEARCH_EVALUATIONS, NEAREST))


def search_fully(trials: Trials, which: np.ndarray, guess: Guess | None = None) -> Solution:
    """Return the best fit of each of the groups ``which`` from many starts, or from a guess if that fit converges."""
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
    """Return guessed starting values of the free parameters, (F, n)."""
    guesses = []
    for group in which.tolist():
        columns, y = trials.rows_of(group)
        guesses.append(guess(*columns, np.exp(y) if trials.curve.log else y))
    return np.array([[known[trials.curve.names[k]] for k in trials.free] for known in guesses])


def _starts(trials: Trials, group: int, measured: np.ndarray) -> np.ndarray:
    """Return starting values of the free parameters of one group, (F, n), with the same F for all groups."""
    columns, y = trials.rows_of(group)
    traced = trials.traced
    scales = scales_of(columns, y, oscillates(traced.recorded))
    integrates = traced.solves_equations
    starts = starting_values(traced.linear, measured, trials.limits_of(group), scales, integrates)
    return starts[: STARTS_EACH * len(trials.free) + 1] if integrates else starts


def best_from(
    trials: Trials, which: np.ndarray, starts: np.ndarray, stages: Sequence[tuple[int, int]], first: bool = False
) -> Solution:
    """Return the best fits from many starts: all starts get a few steps, the best more, and the best of those a full fit.

    Parameters
    ----------
    trials : Trials
        The groups.
    which : ndarray of int, shape (F,)
        The indices of the groups to fit.
    starts : ndarray, shape (F, count, n)
        Starting values of the free parameters.
    stages : sequence of (int, int)
        For each stage, the number of evaluations per start, and of starts that are kept.
    first : bool, default False
        Whether the first start also gets a full fit.
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
