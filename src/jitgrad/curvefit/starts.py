"""Starting values where none are given: many, spread evenly over the scales that the data suggest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.least_squares import Limits

STARTS_EACH = 64
"""For each parameter in which the model is not linear."""
MOST_STARTS = 512
MOST_ROWS = 512
"""Rows that starts are tried on."""
SAME_COST = 1e-6
"""Relative difference of the costs of two fits that are taken for the same minimum."""


class Scales(NamedTuple):
    """What the data suggest: the ends of the columns, their largest size, and the size of the response."""

    low: float
    high: float
    x: float
    y: float


def scales_of(columns: list[np.ndarray], y: np.ndarray) -> Scales:
    """The scales of the first column and of the response; 1 where there is none."""
    x = columns[0].ravel() if columns and columns[0].size else np.ones(1)
    size = float(np.abs(x).max())
    return Scales(float(x.min()), float(x.max()), size if size > 0 else 1.0, float(np.abs(y).max()) or 1.0)


def starting_values(
    linear: tuple[bool, ...], limits: Limits | None, scales: Scales, guess: np.ndarray | None = None
) -> np.ndarray:
    """Starting values, (F, n).

    The first is ones, or the guess. A parameter in which the model is linear is 1 in all: it is solved for. Another one is, in
    equal parts, a place in the range of x, a width of it, a rate, a number of size one, or one of the size of y, over three
    decades and both signs; which one, and where, follows Roberts's additive sequence ("The unreasonable effectiveness of
    quasirandom sequences", 2018). Bounds of two sides are filled evenly instead, every second time.
    """
    n, curved = len(linear), [k for k, flat in enumerate(linear) if not flat]
    count = min(STARTS_EACH * len(curved), MOST_STARTS)
    starts = np.ones((1 + count, n))
    if guess is not None:
        starts[0] = guess
    for column, k in enumerate(curved):
        starts[1:, k] = _spread(_sequence(count, len(curved), column), scales)
    if limits is not None:
        for k in range(n):
            starts[:, k] = _within(starts[:, k], limits.low[k], limits.high[k])
    return starts


def _sequence(count: int, dimensions: int, column: int) -> np.ndarray:
    """One coordinate of Roberts's sequence, in [0, 1)."""
    golden = 2.0
    for _ in range(50):
        golden = (1 + golden) ** (1 / (dimensions + 1))
    return (0.5 + np.arange(1, count + 1) * golden ** -(column + 1.0)) % 1


def _spread(t: np.ndarray, scales: Scales) -> np.ndarray:
    """Numbers in [0, 1) to numbers of the sizes that the data suggest."""
    kind, u = np.divmod(5 * t, 1)
    sign, u = np.divmod(2 * u, 1)
    sign = 1 - 2 * sign
    width = (scales.high - scales.low) or scales.x
    place = scales.low + (0.5 * (sign + 1) / 2 + 0.5 * u) * (scales.high - scales.low)
    options = [place, width * 10 ** (2.3 * u - 2), sign * 10 ** (3 * u - 1.5) / width, sign * 10 ** (3 * u - 1.5)]
    return np.select([kind == k for k in range(4)], options, sign * scales.y * 10 ** (2 * u - 1))


def _within(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values, those outside of the bounds brought in; between two bounds every second one is spread evenly."""
    if np.isfinite(low) and np.isfinite(high):
        even = low + (high - low) * _sequence(len(values), 1, 0)
        outside = (values < low) | (values > high) | (np.arange(len(values)) % 2 == 1)
        return np.where(outside, even, values)
    if np.isfinite(low):
        return np.where(values < low, low + np.abs(values), values)
    return np.where(values > high, high - np.abs(values), values) if np.isfinite(high) else values


def distinct(costs: np.ndarray, rounding: float) -> np.ndarray:
    """The numbers of fits that ended in different minima, the lowest first; costs below ``rounding`` are alike."""
    order = np.argsort(costs, kind="stable")
    order = order[np.isfinite(costs[order])]
    if not len(order):
        return order
    sorted_costs = np.maximum(costs[order], rounding)
    return order[np.concatenate([[True], np.diff(sorted_costs) > SAME_COST * sorted_costs[1:]])]
