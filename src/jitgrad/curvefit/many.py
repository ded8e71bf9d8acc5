"""One model fitted to many groups of rows, a start each, in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.given import DEFAULTS
from jitgrad.curvefit.least_squares import Data, Limits, Solution, SolverOptions, solve
from jitgrad.vm.least_squares.problem import OUTCOME


class Groups(NamedTuple):
    """The rows of many groups.

    Attributes:
        columns: float64, of shape (rows,), or where they are shared (R,), for each group has the same R rows.
        y: float64 (rows,), that of one group after the other where columns are shared.
        weights: float64 (rows,), by which model - y is multiplied; None for ones.
        parts: uint64 (G, 2), each group's first row and number of rows, at least 1.
        shared: whether all groups have the same columns. Their first rows are then multiples of R.
    """

    columns: list[np.ndarray]
    y: np.ndarray
    weights: np.ndarray | None
    parts: np.ndarray
    shared: bool = False


def solve_many(
    curve: Curve,
    free: Sequence[int],
    groups: Groups,
    starts: np.ndarray,
    limits: Limits | None = None,
    options: SolverOptions = DEFAULTS,
    *,
    linear: bool = False,
    threads: int | None = None,
    done: Callable[[int], None] | None = None,
) -> Solution:
    """Fit each group from its start.

    Args:
        curve: the model.
        free: the numbers of the parameters that are fitted, n of p.
        groups: the rows.
        starts: float64 (G, p), values of all parameters; those that are not free keep them.
        limits: of the free ones, (n,) each for all groups, or (G, n); None for no bounds.
        options: when fits end.
        linear: whether parameters in which the model is linear begin at their best values.
        threads: how many work; as many as there are cores if it is None. The result does not depend on it.
        done: called now and then with how many groups are done.

    Returns:
        A Solution of G fits, of the free parameters.
    """
    n, count = len(free), len(starts)
    solution = Solution(np.empty((count, n)), np.zeros(count, OUTCOME), np.zeros((count, n, n)))
    for g, (first, rows) in enumerate(groups.parts.astype(np.int64).tolist()):
        part = slice(first, first + rows)
        columns = [c if groups.shared else c[part] for c in groups.columns]
        data = Data(columns, groups.y[part], None if groups.weights is None else groups.weights[part])
        own = limits if limits is None or limits.low.ndim == 1 else Limits(limits.low[g], limits.high[g])
        traced = curve.traced(columns, free, rows)
        one = solve(traced, data, starts[g], own, starts[g][None, list(free)], options, linear)
        for to, found in zip(solution, one, strict=True):
            to[g] = found[0]
        if done is not None:
            done(g + 1)
    return solution
