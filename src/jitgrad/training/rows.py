"""Rows of data: checks of the data to fit, and the order of rows in an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.errors import DataError
from jitgrad.tape import dtypes
from jitgrad.tape.dtypes import check_exact
from jitgrad.tape.operators import Operators

_FINITE_BLOCK = 1 << 18
"""Number of elements that are tested together."""


class Batches:
    """Rows of arrays in memory, and the order in which an epoch processes them.

    Parameters
    ----------
    arrays : sequence of ndarray
        Arrays with rows along the first axis. Empty if a step is an epoch.
    size : int
        Rows per batch. If this is at least the number of rows, a batch has all rows.
    shuffle : bool
        Whether each epoch has its own order, determined by `seed` and the number of the epoch.
    seed : int
        Seed of the shuffling.
    names : sequence of str
        Names of the arrays in messages.
    """

    def __init__(
        self, arrays: Sequence[np.ndarray] = (), size: int = 0, shuffle: bool = False, seed: int = 0, names: Sequence[str] = ()
    ) -> None:
        self.arrays = arrays
        self.rows = len(arrays[0]) if arrays else 0
        self.size = min(size, self.rows)
        self.shuffle = shuffle
        self.seed = seed
        self.names = names or [f"Data array {number}" for number in range(len(arrays))]

    def cast(self, dtype: np.dtype[Any]) -> list[np.ndarray]:
        """Return the arrays in the dtype of a Program. Raises DataError or DTypeError for numbers it cannot represent."""
        return [cast(name, array, dtype) for name, array in zip(self.names, self.arrays, strict=True)]

    @property
    def full(self) -> bool:
        """Whether a batch has all rows, which then need not be gathered."""
        return self.size == self.rows

    @property
    def tail(self) -> int:
        """The number of rows of the smaller last batch, or 0."""
        return self.rows % self.size if self.size else 0


def cast(name: str, array: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Return an array in the dtype of a Program. Raises DataError or DTypeError for numbers it cannot represent."""
    check_exact(array, dtype)
    with np.errstate(over="ignore"):
        made = array.astype(dtype, copy=False)
    if made is not array and not _all_finite(made):
        row = int(np.argwhere(~np.isfinite(made))[0][0])
        raise DataError(
            f"{name} has a number in row {row} that exceeds the range of {dtype}. Use float64 Variables, or scale the data."
        )
    return made


def _all_finite(array: np.ndarray) -> bool:
    """Return whether there is no nan or inf, testing some rows at a time to save memory."""
    rows = max(1, _FINITE_BLOCK * len(array) // max(1, array.size))
    return all(np.isfinite(array[start : start + rows]).all() for start in range(0, len(array), rows))


def as_rows(values: Sequence[Any], names: Sequence[str]) -> tuple[list[np.ndarray], list[int]]:
    """Return finite arrays with the same number of rows, and the levels of their dtypes.

    Raises DataError if arrays differ in the number of rows, have no rows, or contain nan, inf or masked values,
    and DTypeError for anything but numbers.
    """
    arrays, levels = [], []
    for name, value in zip(names, values, strict=True):
        dtypes.check_unmasked(name, value)
        array, level = dtypes.as_data(value.numpy() if isinstance(value, Operators) else value, copy=False)
        if array.ndim == 0 or len(array) == 0:
            raise DataError(f"{name} has shape {array.shape}, which has no rows. Give one row per example.")
        if array.dtype.kind == "f" and not _all_finite(array):
            row = int(np.argwhere(~np.isfinite(array))[0][0])
            raise DataError(f"{name} has nan or inf in row {row}. Drop such rows, or replace the values.")
        arrays.append(array)
        levels.append(level)
    if not arrays:
        raise DataError("There are no data arrays. Give at least one.")
    check_alike(names, [len(a) for a in arrays])
    return arrays, levels


def check_alike(names: Sequence[str], rows: Sequence[int]) -> None:
    """Raise DataError if the numbers of rows differ."""
    if len(set(rows)) > 1:
        listed = ", ".join(f"{name} has {n}" for name, n in zip(names, rows, strict=True))
        raise DataError(f"The numbers of rows differ: {listed}. Give the same number of rows for each.")
