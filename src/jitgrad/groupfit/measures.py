"""Sums over the rows of each group, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.bundles import Groups

ROWS = 1 << 15
"""The number of rows per block, for which all arrays fit into the L2 cache."""
CONSTANT = 4 * np.finfo(float).eps
"""The relative size of rounding errors."""
SMALLEST, LARGEST = 1e-300, 1e300
"""The range of sums of squares that neither underflow nor overflow."""


class Measures(NamedTuple):
    """Measures of the rows of each group, shape (G,) each.

    Attributes
    ----------
    squares : ndarray
        The sum of the squares of y over sigma.
    spread : ndarray
        The sum of the squares of (y minus the best constant) over sigma.
    constant : ndarray of bool
        Whether y is constant up to rounding errors.
    wrong : ndarray of bool
        Whether some value is not finite, or its square overflows.
    bad_sigma : ndarray of bool
        Whether some sigma is not a positive number.
    """

    squares: np.ndarray
    spread: np.ndarray
    constant: np.ndarray
    wrong: np.ndarray
    bad_sigma: np.ndarray


def blocks(counts: np.ndarray, rows: int) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Yield blocks of groups with about this many rows: the groups, their rows, and the index of the first row of each group.

    Groups without rows are included; their first row is the first row of the next group.
    """
    stops = np.cumsum(counts)
    at = before = 0
    while at < len(counts):
        stop = max(at + 1, int(np.searchsorted(stops, before + rows, side="right")))
        first = np.concatenate([[0], stops[at : stop - 1] - before])
        yield slice(at, stop), slice(before, int(stops[stop - 1])), first
        at, before = stop, int(stops[stop - 1])


def sums_by(values: np.ndarray, first: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the sums of values from each position to the next, 0 for empty ranges."""
    if counts.all():
        return np.add.reduceat(values, first)
    total, some = np.zeros(len(first)), counts > 0
    if some.any():
        total[some] = np.add.reduceat(values, first[some])
    return total


def measures_of(groups: Groups) -> Measures:
    """Return the measures of groups whose rows are consecutive."""
    counts = groups.parts[:, 1].astype(np.int64)
    found = Measures(np.empty(len(counts)), np.empty(len(counts)), *[np.zeros(len(counts), bool) for _ in range(3)])
    columns = [] if groups.shared else groups.columns
    shared = not all(np.isfinite(column).all() for column in groups.columns) if groups.shared else False
    with np.errstate(all="ignore"):
        for part, rows, first in blocks(counts, ROWS):
            own, y = counts[part], groups.y[rows]
            weights = None if groups.weights is None else groups.weights[rows]
            ones = own if weights is None else sums_by(weights * weights, first, own)
            mean = sums_by(y if weights is None else y * weights * weights, first, own) / ones
            deviations = y - np.repeat(mean, own)
            deviations = deviations if weights is None else deviations * weights
            found.spread[part] = sums_by(deviations * deviations, first, own)
            found.constant[part] = found.spread[part] <= ones * (CONSTANT * mean) ** 2
            if weights is not None:
                found.bad_sigma[part] = np.isnan(sums_by(weights, first, own))
            found.squares[part] = squares = sums_by(y * y if weights is None else (y * weights) ** 2, first, own)
            wrong = ~(squares <= LARGEST)
            small = squares < SMALLEST
            if small.any():
                wrong |= small & (sums_by(np.abs(y), first, own) > 0)
            for column in columns:
                wrong |= ~np.isfinite(sums_by(column[rows], first, own))
            found.wrong[part] = (wrong | shared) & ~found.bad_sigma[part]
    return found
