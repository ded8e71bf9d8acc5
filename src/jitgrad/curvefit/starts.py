"""Starting values for a search: many, spread evenly over the scales that the data suggest."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.guesses import frequencies, polynomial, span
from jitgrad.curvefit.least_squares import Limits

STARTS_EACH = 128
"""The number of starts per nonlinear parameter."""
MOST_STARTS = 1024
TRIED = 128
"""The number of other signs and scales of a start that are tried."""
SAME_COST = 1e-6
"""The relative difference between the costs of two fits below which they count as the same minimum."""
STANDS_OUT = 0.1
"""The smallest height of a peak of the spectrum, relative to the highest."""
WHOLE = 0.01
"""The tolerance for exponents."""


class Scales(NamedTuple):
    """The scales of the data.

    Attributes
    ----------
    columns : list of ndarray
        The flattened columns, at least one.
    spans : ndarray
        Their ranges.
    y : float
        The largest absolute response.
    frequencies : ndarray
        The prominent frequencies of the response along the first column; empty if they are not needed.
    """

    columns: list[np.ndarray]
    spans: np.ndarray
    y: float
    frequencies: np.ndarray


def scales_of(columns: list[np.ndarray], y: np.ndarray, oscillates: bool) -> Scales:
    """Return the scales of columns and response, by default 1; with frequencies if the model ``oscillates``."""
    flat = [column.ravel() for column in columns] or [np.ones(1)]
    found = _frequencies(flat[0], y) if oscillates and len(flat[0]) == len(y) else np.empty(0)
    return Scales(flat, np.array([span(x) for x in flat]), float(np.abs(y).max()) or 1.0, found)


def _frequencies(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the frequencies of the detrended response, with a window that suppresses side lobes."""
    with np.errstate(all="ignore"):
        u = (x - x.min()) / span(x)
        trend = sum(c * u**k for k, c in enumerate(polynomial(u, y, 2)))
        found, amplitudes = frequencies(x, (y - trend) * np.sin(np.pi * u) ** 2)
    return found[amplitudes > STANDS_OUT * amplitudes.max(initial=0.0)]


def starting_values(
    linear: tuple[bool, ...], measured: np.ndarray, limits: Limits | None, scales: Scales, positive: bool = False
) -> np.ndarray:
    """Return starting values, (F, n).

    The first start is all ones. Linear parameters are 1 in all starts, since they are solved for. Two thirds of the values of a
    nonlinear parameter have the size that its dimension suggests, over three decades and both signs; if it has the dimension
    of a column, they are positions in it and widths. The rest are, in equal parts, positions, widths, rates, numbers of order
    one and numbers of the size of y, because constants in a model may have dimensions. The points follow Roberts's additive
    sequence ("The unreasonable effectiveness of quasirandom sequences", 2018). If there are frequencies, every second start
    has them, or periods. With two bounds, every second value is spread evenly between them.

    Parameters
    ----------
    linear : tuple of bool, length n
        Whether each parameter is linear.
    measured : ndarray, shape (n, columns + 1)
        Their dimensions (see ``dimensions.py``); nan if unknown.
    limits : Limits or None
        The bounds.
    scales : Scales
        The scales of the data.
    positive : bool, default False
        Whether every second start consists of positive values, as most parameters of differential equations are.
    """
    n, curved = len(linear), [k for k, flat in enumerate(linear) if not flat]
    count = min(STARTS_EACH * len(curved), MOST_STARTS)
    starts = np.ones((1 + count, n))
    form = _sequence(count, 1 + len(curved), 0)
    for column, k in enumerate(curved):
        t = _sequence(count, 1 + len(curved), 1 + column)
        starts[1:, k] = _oscillating(_spread(t, measured[k], scales), t, form, measured[k], scales.frequencies)
    if positive:
        starts[::2] = np.abs(starts[::2])
    if limits is not None:
        for k in range(n):
            starts[:, k] = _within(starts[:, k], limits.low[k], limits.high[k])
    return starts


def signs_and_scales(start: np.ndarray, limits: Limits | None) -> np.ndarray:
    """Return a start, (n,), with other signs and four decades of scales, (TRIED, n), within the bounds; 1 in place of 0."""
    n = len(start)
    spread = np.stack([_sequence(TRIED, 2 * n, k) for k in range(2 * n)], axis=1)
    tried = np.where(start == 0, 1.0, start) * np.where(spread[:, :n] < 0.5, -1.0, 1.0) * 10.0 ** (4 * spread[:, n:] - 2)
    if limits is not None:
        for k in range(n):
            tried[:, k] = _within(tried[:, k], limits.low[k], limits.high[k])
    return tried


def _sequence(count: int, dimensions: int, column: int) -> np.ndarray:
    """Return one coordinate of Roberts's sequence, in [0, 1)."""
    golden = 2.0
    for _ in range(50):
        golden = (1 + golden) ** (1 / (dimensions + 1))
    return (0.5 + np.arange(1, count + 1) * golden ** -(column + 1.0)) % 1


def _spread(t: np.ndarray, exponents: np.ndarray, scales: Scales) -> np.ndarray:
    """Return values of a parameter of a given dimension from numbers in [0, 1)."""
    column = int(np.argmax(np.abs(np.nan_to_num(exponents[:-1])))) if len(exponents) > 1 else 0
    kind, u = np.divmod(15 * t, 1)
    sign, v = np.divmod(2 * u, 1)
    number = (1 - 2 * sign) * 10 ** (3 * v - 1.5)
    place, width = np.quantile(scales.columns[column], u), scales.spans[column] * 10 ** (2.3 * u - 2)
    if np.isnan(exponents).any():
        suggested = [place, width, number / scales.spans[column], number, number * scales.y] * 2
    elif _is_power(exponents, column, 1):
        suggested = [place] * 5 + [width] * 5
    else:
        suggested = [number * np.prod(np.append(scales.spans, scales.y)[-len(exponents) :] ** exponents)] * 10
    options = [place, width, number / scales.spans[column], number, number * scales.y, *suggested]
    return np.select([kind == k for k in range(15)], options)


def _is_power(exponents: np.ndarray, column: int, power: float) -> bool:
    """Return whether a dimension is the given power of a single column."""
    return bool(np.abs(exponents - power * np.eye(len(exponents))[column]).max() < WHOLE)


def _oscillating(values: np.ndarray, t: np.ndarray, form: np.ndarray, exponents: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return values with frequencies or periods in three quarters of every second start, if the dimension matches.

    ``form`` selects cycles, half cycles or radians.
    """
    power = next((power for power in (-1.0, 1.0) if _is_power(exponents, 0, power)), None)
    if power is None or not len(found):
        return values
    unit = np.array([2 * np.pi, 1.0, np.pi])[(6 * form).astype(int) % 3]
    rate = found[(4 * t * len(found)).astype(int) % len(found)] * unit
    return np.where((form < 0.5) & (t < 0.75), rate**-power, values)


def _within(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return values moved into the bounds; between two bounds every second one is spread evenly."""
    if np.isfinite(low) and np.isfinite(high):
        even = low + (high - low) * _sequence(len(values), 1, 0)
        outside = (values < low) | (values > high) | (np.arange(len(values)) % 2 == 1)
        return np.where(outside, even, values)
    if np.isfinite(low):
        return np.where(values < low, low + np.abs(values), values)
    return np.where(values > high, high - np.abs(values), values) if np.isfinite(high) else values


def exchanges(values: np.ndarray) -> Iterator[tuple[np.ndarray, int | None]]:
    """Yield values, (n,), in which two are in descending order, and None.

    Then yield values in which two of the same sign are exchanged and a third is scaled by their ratio, and its number.
    """
    for i, j in itertools.combinations(range(len(values)), 2):
        if values[i] < values[j]:
            changed = values.copy()
            changed[[i, j]] = values[[j, i]]
            yield changed, None
    for i, j in itertools.permutations(range(len(values)), 2):
        if values[i] * values[j] > 0:
            for scale in set(range(len(values))) - {i, j}:
                changed = values.copy()
                changed[[i, j]] = values[[j, i]]
                changed[scale] *= values[i] / values[j]
                yield changed, scale


def distinct(costs: np.ndarray, rounding: float) -> np.ndarray:
    """Return the indices of fits that ended in different minima, the lowest first; costs below ``rounding`` are equal."""
    order = np.argsort(costs, kind="stable")
    order = order[np.isfinite(costs[order])]
    if not len(order):
        return order
    sorted_costs = np.maximum(costs[order], rounding)
    return order[np.concatenate([[True], np.diff(sorted_costs) > SAME_COST * sorted_costs[1:]])]
