"""What is known of the rows of a table beside their features."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from jitgrad.errors import DataError
from jitgrad.typing import ArrayLike


class Mean(NamedTuple):
    """Means of rows, and one minus them, which proportions need to the last digits at either end."""

    value: np.ndarray
    rest: np.ndarray


@dataclass(frozen=True)
class Rows:
    """What is known of each row beside its features.

    Attributes:
        y: the target, float64 (rows,).
        offset: what is added to η, float64 (rows,).
        weights: of precision: the variance of a row is divided by its weight.
        frequency: how many rows it stands for.
        trials: of which a proportion is one; 1 for other targets.
    """

    y: np.ndarray
    offset: np.ndarray
    weights: np.ndarray
    frequency: np.ndarray
    trials: np.ndarray

    @functools.cached_property
    def prior(self) -> np.ndarray:
        """The factor of a row's deviance, as one row."""
        return _times(self.weights, self.trials)

    @functools.cached_property
    def total(self) -> np.ndarray:
        """The factor of a row's deviance, as often as it stands for a row."""
        return _times(self.prior, self.frequency)

    @property
    def is_weighted(self) -> bool:
        """Whether a row may have another factor than 1."""
        return not _is_one_number(self.total)

    @property
    def has_offset(self) -> bool:
        """Whether something is added to η."""
        return not _is_one_number(self.offset)

    def where(self, chosen: np.ndarray) -> Rows:
        """Some of the rows."""
        y = self.y[chosen]
        parts = (self.offset, self.weights, self.frequency, self.trials)
        return Rows(y, *(v[: len(y)] if _is_one_number(v) else v[chosen] for v in parts))

    def average(self, values: np.ndarray) -> float:
        """The mean of all rows, with their factors."""
        return float(self.total @ values / self.total.sum())

    @functools.cached_property
    def constant(self) -> Mean:
        """The mean of all targets, for each row."""
        value = np.full(len(self.y), self.average(self.y))
        return Mean(value, 1 - value)

    @property
    def n(self) -> float:
        """How many rows there are."""
        return float(self.frequency.sum())


def as_rows(
    target: ArrayLike,
    offset: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    freq_weights: ArrayLike | None = None,
    trials: ArrayLike | None = None,
) -> Rows:
    """Rows from arrays, of which all but the targets may be missing. Raises DataError where one does not fit or is negative."""
    y = np.asarray(target, np.float64)
    made = []
    for name, given, usual in (
        ("offset", offset, 0.0), ("weights", weights, 1.0), ("freq_weights", freq_weights, 1.0), ("trials", trials, 1.0)
    ):  # fmt: skip
        if given is None:
            made.append(np.broadcast_to(np.float64(usual), y.shape))
            continue
        values = np.ascontiguousarray(given, np.float64)  # what is broadcast stands for what was not given
        if values.shape != y.shape:
            raise DataError(f"{name} has shape {values.shape}, but the target has shape {y.shape}. Give one number per row.")
        wrong = ~np.isfinite(values) | ((values < 0) & (name != "offset"))
        if wrong.any():
            row = int(wrong.argmax())
            raise DataError(f"{name} has {values[row]} in row {row}. Give finite{' nonnegative' * (name != 'offset')} numbers.")
        made.append(values)
    return Rows(y, *made)


def _is_one_number(values: np.ndarray) -> bool:
    """Whether it stands for what was not given."""
    return values.strides == (0,)


def _times(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The product; weights that were not given cost nothing."""
    if _is_one_number(a) or _is_one_number(b):
        return b if _is_one_number(a) else a
    made: np.ndarray = a * b
    return made
