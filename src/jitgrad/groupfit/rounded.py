"""The last fit of a search, from a rounded estimate, so that all paths to a minimum give bit-identical results."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jitgrad.curvefit.least_squares import Solution
from jitgrad.curvefit.many import StoppedError
from jitgrad.curvefit.starts import SAME_COST
from jitgrad.curvefit.status import converged
from jitgrad.groupfit.statistics import scales_of, standard_errors
from jitgrad.groupfit.symmetries import symmetries_of
from jitgrad.groupfit.trials import Trials

FINEST, COARSEST = 2.0**-20, 2.0**-3
"""The relative spacing of the finest and the coarsest grid to which estimates are rounded."""
OF_ERROR = 0.25
"""The spacing of the grid, as a fraction of the standard error."""


def fit_from_rounded(trials: Trials, best: Solution, done: Callable[[int], None]) -> None:
    """Fit all groups again from their rounded estimates, in place.

    If a fit ends in another minimum, the previous fit is kept. Of equivalent estimates (see ``symmetries``), the preferred
    ones are used, unless they violate bounds or given values. Raises StoppedError on Ctrl-C; groups that were not fitted then
    have the status 0.
    """
    everyone = np.arange(len(trials))
    starts = trials.within(everyone, rounded(*_chosen(trials, best)))
    try:
        found, is_stopped = trials.fit(everyone, starts, done=done), False
    except StoppedError as stopped:
        found, is_stopped = stopped.solution, True
    costs, before = np.maximum(found.costs, trials.rounding), np.maximum(best.costs, trials.rounding)
    alike = 1 + max(SAME_COST, trials.curve.tolerances(trials.options).ftol)
    taken = (costs <= alike * before) & (converged(found.status) | ~converged(best.status))
    taken |= found.status == 0
    for to, array in zip(best, found, strict=True):
        to[taken] = array[taken]
    if is_stopped:
        raise StoppedError(best)


def _chosen(trials: Trials, best: Solution) -> tuple[np.ndarray, np.ndarray]:
    """Return the preferred estimates among equivalent ones, (G, n), and their standard errors."""
    rows = trials.groups.parts[:, 1].astype(np.int64)
    values, errors = best.parameters, standard_errors(best.factors, scales_of(best, rows, absolute=False))
    usable = np.flatnonzero(converged(best.status))
    if not len(usable):
        return values, errors
    chosen, their_errors = symmetries_of(trials, values[usable]).chosen(values, errors)
    everyone, given = np.arange(len(trials)), trials.given[:, list(trials.free)]
    with np.errstate(invalid="ignore"):
        stays = (trials.within(everyone, chosen) != chosen).any(axis=1)
    stays |= ((chosen != values) & ~np.isnan(given)).any(axis=1)
    return np.where(stays[:, None], values, chosen), np.where(stays[:, None], errors, their_errors)


def rounded(values: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Return estimates rounded to grids that are finer than their standard errors but coarser than the tolerance of a fit."""
    size = np.abs(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        grid = np.clip(np.where(np.isfinite(errors), OF_ERROR * errors, size), FINEST * size, COARSEST * size)
        grid = 2.0 ** np.floor(np.log2(grid))
        return np.where(grid > 0, grid * np.round(values / grid), values)
