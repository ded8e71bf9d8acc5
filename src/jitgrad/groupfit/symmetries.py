"""What leaves a model as it is: signs that change together, components that change places, angles that go round.

In which of the values that say the same a fit ends depends on where it begins. So that a map of a parameter has no speckles,
and a minimum has the same values however it was found, some are chosen: signs are positive, components stand in ascending order
of the first parameter in which the model is not linear, angles are from -π to π, and frequencies, where evenly spaced rows tell
no others apart, the lowest.

What is a symmetry is found by trying: the model is computed with changed values, at several places.
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
"""Parameters whose signs are tried together, and exchanges of parameters that are tried."""
ROWS, PLACES = 64, 3
"""How many rows changes are compared on, and at how many values of the parameters."""
ALIKE = 1e-9
"""Difference of what a model says, beside its size, that is rounding."""
PERIODS = (np.pi, 2 * np.pi, 0.5, 1.0, 180.0, 360.0)
"""Of angles in radians, in turns and in degrees, half of a turn first, after which squares are the same."""
EVEN = 1e-9
"""Of how far a column reaches, what is no step but rounding."""


class Symmetries(NamedTuple):
    """What leaves a model as it is. Parameters are numbered as the free ones.

    Attributes:
        signs: for a parameter that can be made positive, which change their sign with it, bool (n,).
        swaps: exchanges: for the parameter that tells whether one is due, where each one's value comes from, (n,), a factor of
            each, 1 or -1, and what is added to each, as a right angle where axes are exchanged. It is due where the parameter
            is negative, if its factor is -1, else where it is above its source.
        steps: for a parameter that can be made positive, which change their sign with it where a height is added to a level, as
            of a step that goes up from the left and down from the right; and the level and the height.
        turns: angles and frequencies, their periods, and which parameters change their sign with half a period, or None.
    """

    signs: list[tuple[int, np.ndarray]]
    swaps: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]]
    steps: list[tuple[int, np.ndarray, int, int]]
    turns: list[tuple[int, float, int | None]]

    def chosen(self, values: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of the values that say the same those that are chosen, (F, n), and their standard errors."""
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
        self._wrap(values)
        return values, errors

    def _wrap(self, values: np.ndarray) -> None:
        for k, period, _ in self.turns:
            values[:, k] -= period * np.round(values[:, k] / period)


def symmetries_of(trials: Trials, estimates: np.ndarray) -> Symmetries:
    """The symmetries of a model, by what it says near some estimates of its free parameters, (C, n)."""
    compared = _Compared(trials, estimates)
    linear = np.array(trials.traced.linear)
    signs = _signs(compared, linear)
    positive = [k for k, _ in signs]
    units = np.round(dimensions(trials.traced.recorded)[list(trials.free)], 6)
    turns = _turns(compared, units, positive, _rate(trials))
    return Symmetries(signs, _swaps(compared, units, linear, positive, turns), _steps(compared, linear, positive), turns)


def _rate(trials: Trials) -> float | None:
    """How many points there are in a unit of the first column, if all rows are at multiples of one step: no frequency is told
    from that plus the rate. None where they are not, or where nothing oscillates."""
    if not trials.groups.columns or not oscillates(trials.traced.recorded):
        return None
    x = np.unique(trials.groups.columns[0])
    steps = np.diff(x)
    steps = steps[steps > EVEN * np.ptp(x)]  # others are rounding
    if not len(steps):
        return None
    rate = float(np.round(np.ptp(x) / steps.min()) / np.ptp(x))
    return rate if np.abs(x * rate - np.round(x * rate)).max() <= EVEN * len(x) else None


class _Compared:
    """A model at some values of its parameters, and what it says there."""

    def __init__(self, trials: Trials, estimates: np.ndarray) -> None:
        rng = np.random.default_rng(0)
        chosen = estimates[np.arange(PLACES) % len(estimates)]
        self.values = chosen * rng.uniform(0.9, 1.1, chosen.shape)  # so that no two are equal by chance
        self._trials = trials
        self._said = self._says(self.values[None])[0]

    def _says(self, values: np.ndarray) -> np.ndarray:
        """What the model says at values of the free parameters, (T, PLACES, n), for some rows, (T, PLACES, rows)."""
        columns, y = self._trials.rows_of(0)
        rows = np.unique(np.linspace(0, len(y) - 1, min(ROWS, len(y))).astype(np.int64))
        count = values.shape[0] * values.shape[1]
        parts = np.stack([len(rows) * np.arange(count), np.full(count, len(rows))], axis=1).astype(np.uint64)
        every = np.repeat(self._trials.given[:1], count, axis=0)
        every[:, list(self._trials.free)] = values.reshape(count, -1)
        groups = Groups([c[rows] for c in columns], np.empty(0), None, parts, True)
        return predict_groups(self._trials.curve, groups, every).reshape(*values.shape[:2], -1)

    def alike(self, changed: np.ndarray) -> np.ndarray:
        """Of changed values, (T, PLACES, n), which leave the model as it is, bool (T,)."""
        if not len(changed):
            return np.zeros(0, bool)
        with np.errstate(invalid="ignore"):
            size = np.abs(self._said).max(axis=1, keepdims=True)
            return np.asarray((np.abs(self._says(changed) - self._said) <= ALIKE * size).all(axis=(1, 2)))


def _signs(compared: _Compared, linear: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Parameters that can be made positive, nonlinear ones first, and what changes its sign with them."""
    n = len(linear)
    sizes = range(1, n + 1) if n <= MOST_SIGNS else range(1, 2)
    tried = np.array([np.isin(np.arange(n), some) for size in sizes for some in itertools.combinations(range(n), size)])
    found = tried[compared.alike(np.where(tried[:, None], -compared.values, compared.values))]
    signs: list[tuple[int, np.ndarray]] = []
    for k in np.argsort(linear, kind="stable").tolist():  # elimination: they are a group
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
    """Exchanges of parameters that are measured in the same units; of any two, with the sign of another one or half a turn."""
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
            telling = np.flatnonzero(factors < 0 if (factors < 0).any() else source > np.arange(n))
            swaps.append((int(telling[np.argmin(linear[telling])]), source, factors, added))
    return swaps


def _steps(compared: _Compared, linear: np.ndarray, positive: Sequence[int]) -> list[tuple[int, np.ndarray, int, int]]:
    """Parameters that can be made positive where a height is added to a level, both linear."""
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


def _exchanges(pairs: Sequence[tuple[int, int]], n: int) -> Iterator[np.ndarray]:
    """All ways to exchange the parameters of some pairs that have none in common, those of few pairs first."""
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
    """Angles, which have no units, and frequencies, with their periods. What is made positive already changes no sign here."""
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
