"""Fits of selected groups from selected starts, and the selection of the best ones."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.estimates import UNDETERMINED
from jitgrad.curvefit.least_squares import Limits, Solution, SolverOptions
from jitgrad.curvefit.lowered_model import LoweredModel
from jitgrad.curvefit.many import solve_many
from jitgrad.curvefit.starts import SAME_COST
from jitgrad.curvefit.status import converged

MOST_NUMBERS = 1 << 22
"""The largest number of values that one call of the solver takes or returns."""


@dataclass(frozen=True, eq=False)
class Trials:
    """Groups that are fitted repeatedly.

    Attributes
    ----------
    curve : Curve
        The model.
    free : sequence of int
        The indices of the n fitted parameters.
    groups : Groups
        The rows of G groups.
    given : ndarray, shape (G, p)
        Values of fixed parameters, and known starting values of others, in float64; nan if unknown.
    limits : Limits or None
        The bounds of the free parameters, (n,) or (G, n).
    options : SolverOptions
        Tolerances and the loss.
    threads : int or None
        The number of threads.
    """

    curve: Curve
    free: Sequence[int]
    groups: Groups
    given: np.ndarray
    limits: Limits | None
    options: SolverOptions
    threads: int | None

    def __len__(self) -> int:
        return len(self.given)

    def fit(
        self,
        which: np.ndarray,
        starts: np.ndarray,
        most: int | None = None,
        linear: bool = False,
        done: Callable[[int], None] | None = None,
    ) -> Solution:
        """Fit the groups ``which``, (F,), from ``starts``, (F, n), with at most ``most`` evaluations each."""
        options = self.options if most is None else self.options._replace(most=min(most, self.options.most))
        every = self.given[which]
        every[:, list(self.free)] = starts
        groups = self.groups._replace(parts=self.groups.parts[which])
        return solve_many(
            self.curve, self.free, groups, every, self.limits_of(which), options,
            linear=linear, threads=self.threads, done=done,
        )  # fmt: skip

    def begun(self, which: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Return starts, (F, n), within the bounds of the groups ``which``, with the given values."""
        given = self.given[which][:, list(self.free)]
        return np.where(np.isnan(given), self.within(which, starts), given)

    def within(self, which: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return values of the free parameters, (F, n), moved into the bounds of the groups ``which``."""
        limits = self.limits_of(which)
        return values if limits is None else np.clip(values, limits.low, limits.high)

    def limits_of(self, which: np.ndarray | int) -> Limits | None:
        """Return the bounds of one group, or of some."""
        limits = self.limits
        return limits if limits is None or limits.low.ndim == 1 else Limits(limits.low[which], limits.high[which])

    def rows_of(self, group: int) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the columns and the response of a group."""
        first, rows = self.groups.parts[group].astype(np.int64).tolist()
        part = slice(first, first + rows)
        return [c if self.groups.shared else c[part] for c in self.groups.columns], self.groups.y[part]

    def blocks(self, count: int, each: int) -> Iterator[slice]:
        """Yield slices of ``count`` groups with ``each`` fits per group, so that memory is limited."""
        n, p = len(self.free), self.given.shape[1]
        size = max(1, MOST_NUMBERS // (each * (n * n + 2 * n + p + 8)))
        return (slice(first, min(first + size, count)) for first in range(0, count, size))

    @functools.cached_property
    def traced(self) -> LoweredModel:
        """The model for the first group."""
        columns, y = self.rows_of(0)
        return self.curve.traced(columns, self.free, len(y))

    @functools.cached_property
    def dof(self) -> np.ndarray:
        """The number of rows minus the number of parameters, shape (G,)."""
        return self.groups.parts[:, 1].astype(np.int64) - len(self.free)

    @functools.cached_property
    def rounding(self) -> np.ndarray:
        """Costs that consist of rounding errors only, (G,), as ``Problem.rounding``."""
        return 50 * np.finfo(float).eps ** 2 * self._sums(self._weighted**2)

    @functools.cached_property
    def spread(self) -> np.ndarray:
        """The costs of the best constants, (G,)."""
        y = self._weighted
        weights = np.ones(len(y)) if self.groups.weights is None else self.groups.weights
        squares, products = self._sums(weights**2), self._sums(weights * y)
        return 0.5 * np.maximum(self._sums(y**2) - products**2 / squares, 0.0)

    @property
    def _weighted(self) -> np.ndarray:
        y, weights = self.groups.y, self.groups.weights
        return y if weights is None else y * weights

    def _sums(self, rows: np.ndarray) -> np.ndarray:
        """Return sums over the rows of each group, separately, because differences of running sums would lose digits."""
        first, count = self.groups.parts.astype(np.int64).T
        ends = np.stack([first, first + count], axis=1).ravel()
        return np.add.reduceat(np.append(rows, 0.0), ends)[::2]


def spanned(groups: Groups) -> Groups:
    """Return groups with only the rows from the first to the last of them."""
    first = groups.parts[:, 0].min()
    rows = slice(int(first), int(groups.parts.sum(axis=1).max()))
    return Groups(
        groups.columns if groups.shared else [c[rows] for c in groups.columns],
        groups.y[rows],
        None if groups.weights is None else groups.weights[rows],
        groups.parts - np.array([first, 0], np.uint64),
        groups.shared,
    )


def is_minimum(solution: Solution) -> np.ndarray:
    """Return which fits ended in a minimum with a nonsingular Jacobian, (F,)."""
    return np.asarray(converged(solution.status) & (solution.rcond > UNDETERMINED))


def lowest(costs: np.ndarray, rounding: np.ndarray, count: int) -> np.ndarray:
    """Return the indices, (G, count), of the lowest of the costs, (G, F), with different minima first.

    Parameters
    ----------
    costs : ndarray, shape (G, F)
        inf for fits that could not start.
    rounding : ndarray, shape (G,)
        See ``Trials.rounding``.
    count : int
        At most F.
    """
    order = np.argsort(costs, axis=1, kind="stable")
    in_order = np.maximum(np.take_along_axis(costs, order, axis=1), rounding[:, None])
    with np.errstate(invalid="ignore"):  # inf - inf
        differs = np.diff(in_order, axis=1) > SAME_COST * in_order[:, 1:]
    alike = np.concatenate([np.zeros((len(costs), 1), bool), ~(differs & np.isfinite(in_order[:, 1:]))], axis=1)
    return np.take_along_axis(order, np.argsort(alike, axis=1, kind="stable")[:, :count], axis=1)


def best_of(solution: Solution, rounding: np.ndarray, count: int) -> Solution:
    """Return the best of ``count`` consecutive fits of each group. Of fits with equal costs, one in a minimum is preferred."""
    costs = np.maximum(solution.costs.reshape(-1, count), rounding[:, None])
    alike = costs <= (1 + SAME_COST) * costs.min(axis=1, keepdims=True)
    rank = np.where(alike, np.where(is_minimum(solution).reshape(-1, count), 0, 1), 2)
    chosen = np.argmin(rank, axis=1) + count * np.arange(len(costs))
    return Solution(*[array[chosen] for array in solution])


def improve(best: Solution, which: np.ndarray, found: Solution, rounding: np.ndarray) -> np.ndarray:
    """Replace fits in ``best`` with better ones of the groups ``which``, each at most once, and return these groups."""
    rounding = rounding[which]
    costs, before = np.maximum(found.costs, rounding), np.maximum(best.costs[which], rounding)
    before_is_minimum = is_minimum(best)[which]
    with np.errstate(invalid="ignore"):
        lower = costs < before * (1 - SAME_COST)
        alike = costs <= before * (1 + SAME_COST)
    better = lower | (alike & is_minimum(found) & ~before_is_minimum)
    for to, array in zip(best, found, strict=True):
        to[which[better]] = array[better]
    return which[better]
