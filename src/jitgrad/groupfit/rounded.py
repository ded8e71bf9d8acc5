"""The last fit of a search, from an estimate that is rounded: so all ways to one minimum end in the same bits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jitgrad.curvefit.least_squares import Solution
from jitgrad.curvefit.starts import SAME_COST
from jitgrad.curvefit.status import converged
from jitgrad.groupfit.statistics import scales_of, standard_errors
from jitgrad.groupfit.trials import Trials

FINEST, COARSEST = 2.0**-20, 2.0**-3
"""Of a grid on which estimates are rounded, beside their size."""
OF_ERROR = 0.25
"""Of a standard error, how fine the grid is."""


def rounded(solution: Solution, rows: np.ndarray) -> np.ndarray:
    """The estimates on grids that are finer than their standard errors and far coarser than what is left of a fit's steps."""
    values = solution.parameters
    errors = standard_errors(solution.factors, scales_of(solution, rows, absolute=False))
    size = np.abs(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        grid = np.clip(np.where(np.isfinite(errors), OF_ERROR * errors, size), FINEST * size, COARSEST * size)
        grid = 2.0 ** np.floor(np.log2(grid))
        return np.where(grid > 0, grid * np.round(values / grid), values)


def fit_from_rounded(trials: Trials, best: Solution, done: Callable[[int], None] | None = None) -> None:
    """Fit all groups anew from their rounded estimates. Where that ends elsewhere, the best fit stays."""
    everyone = np.arange(len(trials))
    starts = trials.within(everyone, rounded(best, trials.groups.parts[:, 1].astype(np.int64)))
    found = trials.fit(everyone, starts, done=done)
    costs, before = np.maximum(found.costs, trials.rounding), np.maximum(best.costs, trials.rounding)
    taken = (costs <= (1 + SAME_COST) * before) & (converged(found.status) | ~converged(best.status))
    for to, array in zip(best, found, strict=True):
        to[taken] = array[taken]
