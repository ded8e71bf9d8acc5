"""What the rows of each group amount to, in one pass over them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.bundles import Groups

ROWS = 1 << 15
"""Rows at once: what is made of them fits into the second cache."""
CONSTANT = 4 * np.finfo(float).eps
"""Of a number, what rounding makes of it."""
SMALLEST, LARGEST = 1e-300, 1e300
"""Of sums of squares of a response over sigma that are floats."""


class Measures(NamedTuple):
    """What the rows of each group amount to, (G,) each.

    Attributes:
        squares: the sum of squares of y over sigma.
        spread: that of y minus the constant that is nearest to it.
        constant: whether y is one number, to rounding.
        wrong: whether some number is not finite, or its square is beyond float64.
        bad_sigma: whether some sigma is not a positive number.
    """

    squares: np.ndarray
    spread: np.ndarray
    constant: np.ndarray
    wrong: np.ndarray
    bad_sigma: np.ndarray


def blocks(counts: np.ndarray, rows: int) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Some groups at a time, of about so many rows: the groups, their rows, and the first row of each within these.

    Groups without rows are among them; their first row is that of the next.
    """
    stops = np.cumsum(counts)
    at = before = 0
    while at < len(counts):
        stop = max(at + 1, int(np.searchsorted(stops, before + rows, side="right")))
        first = np.concatenate([[0], stops[at : stop - 1] - before])
        yield slice(at, stop), slice(before, int(stops[stop - 1])), first
        at, before = stop, int(stops[stop - 1])


def sums_by(values: np.ndarray, first: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The sums of numbers from each of these places to the next, 0 where there are none."""
    if counts.all():
        return np.add.reduceat(values, first)
    total, some = np.zeros(len(first)), counts > 0
    if some.any():
        total[some] = np.add.reduceat(values, first[some])
    return total


def measures_of(groups: Groups) -> Measures:
    """What the rows of groups amount to, whose rows stand one group after the other."""
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
