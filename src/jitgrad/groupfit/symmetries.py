"""Transformations of the parameters that leave a model unchanged: sign changes, exchanges of components, shifts by a period.

A fit finds one of several equivalent estimates, depending on its start. Preferred values are chosen so that maps of a parameter
are smooth and a minimum has the same values however it was found: signs are positive, components are in ascending order of the
first nonlinear parameter, angles are from -π to π, and frequencies that evenly spaced rows cannot distinguish are the lowest.
In differential equations, components are in descending order, so that what is formed first is formed fast.
Of two rates that can be exchanged if a scale is adapted, the one of formation is larger than that of loss: absorption is faster
than elimination.

Symmetries are found by evaluating the model with changed parameters at several points.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.dimensions import dimensions, oscillates
from jitgrad.groupfit.predict import predict_groups
from jitgrad.groupfit.trials import Trials

MOST_SIGNS, MOST_SWAPS = 8, 1000
"""The largest number of signs, and of exchanges, that are tried together."""
ROWS, PLACES = 64, 3
"""The numbers of rows and of points at which the model is compared."""
ALIKE = 1e-9
"""The relative difference of two models that counts as rounding error."""
INTEGRATED = 0.01
"""The same for a solution of differential equations, as a fraction of the bound of its error."""
PERIODS = (np.pi, 2 * np.pi, 0.5, 1.0, 180.0, 360.0)
"""The periods of angles in radians, turns and degrees, half turns first."""
EVEN = 1e-9
"""The smallest step, as a fraction of the range of a column, that is not rounding error."""


class Symmetries(NamedTuple):
    """The symmetries of a model. Parameters are numbered among the free ones.

    Attributes
    ----------
    signs : list of (int, ndarray of bool)
        For a parameter that can be made positive, which parameters change sign with it, (n,).
    swaps : list
        Exchanges: the parameter that decides whether one is due, the source of each value, (n,), the factor of each, 1 or -1,
        and a constant that is added, such as a right angle for an exchange of axes. An exchange is due if the parameter is
        negative, for a factor of -1, or else if it is above its source.
    steps : list
        For a parameter that can be made positive, which parameters change sign with it while a height is added to a
        level, as for a step seen from the other side; and the level and the height.
    turns : list
        Angles and frequencies, their periods, and which parameters change sign with half a period, or None.
    rates : list
        Rates of formation and of loss that can be exchanged, the scale that is adapted, and the power, 1 or -1, of the ratio of
        loss to formation by which it is multiplied. An exchange is due if formation is the slower one.
    """

    signs: list[tuple[int, np.ndarray]]
    swaps: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]]
    steps: list[tuple[int, np.ndarray, int, int]]
    turns: list[tuple[int, float, int | None]]
    rates: list[tuple[int, int, int, int]]

    def chosen(self, values: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the preferred values among equivalent ones, (F, n), and their standard errors."""
        values, errors = values.copy(), errors.copy()
        self._wrap(values)
        for k, together in self.signs:
            values[np.ix_(values[:, k] < 0, together)] *= -1
        for k, together, level, height in self.steps:
            due = values[:, k] < 0
            values[due, level] += values[due, height]
            values[np.ix_(due, together)] *= -1
        for k, period, other in self.turns:
            if other is not None:
                negative = values[:, other] < 0
                values[negative, other] *= -1
                values[negative, k] += period / 2
        for _ in range(values.shape[1]):  # as often as components may have to move
            for k, source, factors, added in self.swaps:
                due = values[:, k] < 0 if factors[k] < 0 else values[:, k] > values[:, source[k]]
                values[due], errors[due] = factors * values[due][:, source] + added, errors[due][:, source]
        for formed, lost, scale, power in self.rates:
            due = (values[:, formed] > 0) & (values[:, formed] < values[:, lost])
            ratio = (values[due, lost] / values[due, formed]) ** power
            for array in (values, errors):
                array[due, scale] *= ratio
                array[due, formed], array[due, lost] = array[due, lost], array[due, formed]
        self._wrap(values)
        return values, errors

    def _wrap(self, values: np.ndarray) -> None:
        for k, period, _ in self.turns:
            values[:, k] -= period * np.round(values[:, k] / period)


def symmetries_of(trials: Trials, estimates: np.ndarray) -> Symmetries:
    """Return the symmetries of a model, found near some estimates of its free parameters, (C, n)."""
    compared = _Compared(trials, estimates)
    linear = np.array(trials.traced.linear)
    signs = _signs(compared, linear)
    positive = [k for k, _ in signs]
    units = np.round(dimensions(trials.traced.recorded)[list(trials.free)], 6)
    turns = _turns(compared, units, positive, _rate(trials))
    swaps, steps = _swaps(compared, units, linear, positive, turns), _steps(compared, linear, positive)
    return Symmetries(signs, swaps, steps, turns, _rates(compared, units))


def _rate(trials: Trials) -> float | None:
    """Return the sampling rate of the first column if all rows are at multiples of one step, else None.

    Frequencies that differ by this rate cannot be distinguished. None if the model does not oscillate.
    """
    if not trials.groups.columns or not oscillates(trials.traced.recorded):
        return None
    x = np.unique(trials.groups.columns[0])
    steps = np.diff(x)
    steps = steps[steps > EVEN * np.ptp(x)]  # smaller steps are rounding errors
    if not len(steps):
        return None
    rate = float(np.round(np.ptp(x) / steps.min()) / np.ptp(x))
    return rate if np.abs(x * rate - np.round(x * rate)).max() <= EVEN * len(x) else None


class _Compared:
    """A model and its values at some points."""

    def __init__(self, trials: Trials, estimates: np.ndarray) -> None:
        rng = np.random.default_rng(0)
        chosen = estimates[np.arange(PLACES) % len(estimates)]
        self.values = chosen * rng.uniform(0.9, 1.1, chosen.shape)  # so that no two parameters are equal by chance
        self._trials = trials
        self.is_integrated = trials.curve.restricts
        self._alike = max(ALIKE, INTEGRATED * trials.curve.tolerances(trials.options).accuracy)
        self._said = self._says(self.values[None])[0]

    def _says(self, values: np.ndarray) -> np.ndarray:
        """Return values of the model, (T, PLACES, rows), for some rows and values of the free parameters, (T, PLACES, n)."""
        columns, y = self._trials.rows_of(0)
        rows = np.unique(np.linspace(0, len(y) - 1, min(ROWS, len(y))).astype(np.int64))
        count = values.shape[0] * values.shape[1]
        parts = np.stack([len(rows) * np.arange(count), np.full(count, len(rows))], axis=1).astype(np.uint64)
        every = np.repeat(self._trials.given[:1], count, axis=0)
        every[:, list(self._trials.free)] = values.reshape(count, -1)
        groups = Groups([c[rows] for c in columns], np.empty(0), None, parts, True)
        return predict_groups(self._trials.curve, groups, every).reshape(*values.shape[:2], -1)

    def grows(self, k: int) -> bool:
        """Return whether the model is larger if parameter ``k`` is doubled."""
        changed = np.where(np.arange(self.values.shape[1]) == k, 2.0, 1.0) * self.values
        return bool(np.abs(self._says(changed[None])).sum() > np.abs(self._said).sum())

    def alike(self, changed: np.ndarray) -> np.ndarray:
        """Return which changes of the values, (T, PLACES, n), leave the model unchanged, bool (T,)."""
        if not len(changed):
            return np.zeros(0, bool)
        with np.errstate(invalid="ignore"):
            size = np.abs(self._said).max(axis=1, keepdims=True)
            return np.asarray((np.abs(self._says(changed) - self._said) <= self._alike * size).all(axis=(1, 2)))


def _signs(compared: _Compared, linear: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Return the parameters that can be made positive, nonlinear ones first, each with those that change sign with it."""
    n = len(linear)
    sizes = range(1, n + 1) if n <= MOST_SIGNS else range(1, 2)
    tried = np.array([np.isin(np.arange(n), some) for size in sizes for some in itertools.combinations(range(n), size)])
    found = tried[compared.alike(np.where(tried[:, None], -compared.values, compared.values))]
    signs: list[tuple[int, np.ndarray]] = []
    for k in np.argsort(linear, kind="stable").tolist():  # Gaussian elimination, since sign changes form a group
        having = found[:, k]
        if having.any():
            own = found[np.argmax(having)]
            found = np.where(having[:, None], found ^ own, found)
            signs = [(j, together ^ own if together[k] else together) for j, together in signs]
            signs.append((k, own))
    return signs


def _swaps(
    compared: _Compared,
    units: np.ndarray,
    linear: np.ndarray,
    positive: Sequence[int],
    turns: Sequence[tuple[int, float, int | None]],
) -> list[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Return exchanges of parameters with the same units, possibly with a change of sign or half a turn of another."""
    n = len(linear)
    pairs = [(j, k) for j, k in itertools.combinations(range(n), 2) if linear[j] == linear[k]]
    alike = [(j, k) for j, k in pairs if np.array_equal(units[j], units[k], equal_nan=True)]
    ones, zeros = np.ones(n), np.zeros(n)
    tried = [(source, ones, zeros) for source in itertools.islice(_exchanges(alike, n), MOST_SWAPS)]
    for pair in pairs:
        source, others = next(_exchanges([pair], n)), [k for k in range(n) if k not in pair]
        tried += [(source, np.where(np.arange(n) == k, -1.0, 1.0), zeros) for k in others if k not in positive]
        tried += [(source, ones, np.where(np.arange(n) == k, period / 2, 0.0)) for k, period, _ in turns if k in others]
    if not tried:
        return []
    changed = np.array([factors * compared.values[:, source] + added for source, factors, added in tried])
    swaps = []
    for (source, factors, added), same in zip(tried, compared.alike(changed).tolist(), strict=True):
        if same:
            ordered = source < np.arange(n) if compared.is_integrated else source > np.arange(n)
            telling = np.flatnonzero(factors < 0 if (factors < 0).any() else ordered)
            swaps.append((int(telling[np.argmin(linear[telling])]), source, factors, added))
    return swaps


def _steps(compared: _Compared, linear: np.ndarray, positive: Sequence[int]) -> list[tuple[int, np.ndarray, int, int]]:
    """Return the parameters that can be made positive if a linear height is added to a linear level."""
    n = len(linear)
    tried = [
        (k, np.isin(np.arange(n), (k, height)), level, height)
        for level, height in itertools.permutations(np.flatnonzero(linear).tolist(), 2)
        for k in np.flatnonzero(~linear).tolist()
        if k not in positive
    ]
    if not tried:
        return []
    changed = np.repeat(compared.values[None], len(tried), axis=0)
    for values, (_, together, level, height) in zip(changed, tried, strict=True):
        values[:, level] += values[:, height]
        values[:, together] *= -1
    return [step for step, same in zip(tried, compared.alike(changed).tolist(), strict=True) if same]


def _rates(compared: _Compared, units: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Return exchanges of two rates with the same units while a third parameter is multiplied by their ratio.

    A model of which the product of the scale and a rate is a factor is unchanged if this rate is that of formation.
    """
    n = len(units)
    pairs = [(j, k) for j, k in itertools.permutations(range(n), 2) if np.array_equal(units[j], units[k], equal_nan=True)]
    tried = [(j, k, scale) for j, k in pairs for scale in range(n) if scale not in (j, k)][:MOST_SWAPS]
    if not tried:
        return []
    changed = np.repeat(compared.values[None], len(tried), axis=0)
    for values, (j, k, scale) in zip(changed, tried, strict=True):
        values[:, scale] *= values[:, k] / values[:, j]
        values[:, [j, k]] = values[:, [k, j]]
    same = [one for one, is_alike in zip(tried, compared.alike(changed).tolist(), strict=True) if is_alike]
    return [(k, j, scale, -1) if compared.grows(scale) else (j, k, scale, 1) for j, k, scale in same]


def _exchanges(pairs: Sequence[tuple[int, int]], n: int) -> Iterator[np.ndarray]:
    """Yield all exchanges of disjoint pairs of parameters, beginning with few pairs."""
    for size in range(1, n // 2 + 1):
        for some in itertools.combinations(pairs, size):
            if len({*itertools.chain(*some)}) == 2 * size:
                source = np.arange(n)
                for j, k in some:
                    source[[j, k]] = k, j
                yield source


def _turns(
    compared: _Compared, units: np.ndarray, positive: Sequence[int], rate: float | None
) -> list[tuple[int, float, int | None]]:
    """Return angles, which have no units, and frequencies, with their periods, except parameters that are made positive."""
    n = len(units)
    turns: list[tuple[int, float, int | None]] = []
    for k in range(n):
        is_frequency = units[k, 0] == -1 and not units[k, 1:].any()
        if units[k].any() and not (is_frequency and rate):
            continue
        turn = (np.arange(n) == k) * (rate if is_frequency and rate else 1.0)
        periods = [period for period in PERIODS if compared.alike((compared.values + period * turn)[None])[0]]
        if not periods:
            continue
        half = compared.values + periods[0] / 2 * turn
        others = [j for j in range(n) if j != k and j not in positive]
        flipped = np.array([np.where(np.arange(n) == j, -half, half) for j in others]).reshape(-1, *half.shape)
        with_half = [j for j, same in zip(others, compared.alike(flipped).tolist(), strict=True) if same]
        turns.append((k, float(periods[0] * turn[k]), with_half[0] if with_half else None))
    return turns
