"""The rows of a table without their features: target, weights and offset."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from jitgrad.errors import DataError
from jitgrad.typing import ArrayLike


class Mean(NamedTuple):
    """Means of rows, and one minus the means, which keeps accuracy if proportions are near 1."""

    value: np.ndarray
    rest: np.ndarray


@dataclass(frozen=True)
class Rows:
    """The rows of a table without their features.

    Attributes
    ----------
    y : ndarray, shape (rows,)
        The target.
    offset : ndarray, shape (rows,)
        The offset.
    weights : ndarray, shape (rows,)
        Precision weights: the variance of a row is divided by its weight.
    frequency : ndarray, shape (rows,)
        The number of rows that each row represents.
    trials : ndarray, shape (rows,)
        The number of trials of each proportion; 1 for other targets.
    """

    y: np.ndarray
    offset: np.ndarray
    weights: np.ndarray
    frequency: np.ndarray
    trials: np.ndarray

    @functools.cached_property
    def prior(self) -> np.ndarray:
        """The factor of a row's deviance, for one of the rows that it represents."""
        return _times(self.weights, self.trials)

    @functools.cached_property
    def total(self) -> np.ndarray:
        """The factor of a row's deviance, for all rows that it represents."""
        return _times(self.prior, self.frequency)

    @property
    def is_weighted(self) -> bool:
        """Whether a factor may differ from 1."""
        return not _is_one_number(self.total)

    @property
    def has_offset(self) -> bool:
        """Whether there is an offset."""
        return not _is_one_number(self.offset)

    def where(self, chosen: np.ndarray) -> Rows:
        """Return some of the rows."""
        y = self.y[chosen]
        parts = (self.offset, self.weights, self.frequency, self.trials)
        return Rows(y, *(v[: len(y)] if _is_one_number(v) else v[chosen] for v in parts))

    def average(self, values: np.ndarray) -> float:
        """Return the weighted mean."""
        return float(self.total @ values / self.total.sum())

    @functools.cached_property
    def constant(self) -> Mean:
        """The mean of all targets, for each row."""
        value = np.full(len(self.y), self.average(self.y))
        return Mean(value, 1 - value)

    @property
    def n(self) -> float:
        """The number of rows."""
        return float(self.frequency.sum())


def as_rows(
    target: ArrayLike,
    offset: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    freq_weights: ArrayLike | None = None,
    trials: ArrayLike | None = None,
) -> Rows:
    """Make rows from arrays. Raises DataError if a shape does not match, or a value is negative or not finite."""
    y = np.asarray(target, np.float64)
    made = []
    for name, given, usual in (
        ("offset", offset, 0.0), ("weights", weights, 1.0), ("freq_weights", freq_weights, 1.0), ("trials", trials, 1.0)
    ):  # fmt: skip
        if given is None:
            made.append(np.broadcast_to(np.float64(usual), y.shape))
            continue
        values = np.ascontiguousarray(given, np.float64)  # defaults are broadcast
        if values.shape != y.shape:
            raise DataError(f"{name} has shape {values.shape}, but the target has shape {y.shape}. Give one number per row.")
        wrong = ~np.isfinite(values) | ((values < 0) & (name != "offset"))
        if wrong.any():
            row = int(wrong.argmax())
            raise DataError(f"{name} has {values[row]} in row {row}. Give finite{' nonnegative' * (name != 'offset')} numbers.")
        made.append(values)
    return Rows(y, *made)


def _is_one_number(values: np.ndarray) -> bool:
    """Return whether an array is broadcast from a default value."""
    return values.strides == (0,)


def _times(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the product, without a copy of the values if the weights have the default of 1."""
    if _is_one_number(a) or _is_one_number(b):
        return b if _is_one_number(a) else a
    made: np.ndarray = a * b
    return made
