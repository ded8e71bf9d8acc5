"""Input validation by scikit-learn's own checks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_consistent_length, validate_data

from jitgrad.errors import ArgumentError, DataError


class Rows(NamedTuple):
    """Validated rows.

    Attributes
    ----------
    x : ndarray of shape (rows, features)
        The features, float64 or float32.
    y : ndarray of shape (rows,) or (rows, outputs)
        The target.
    weights : ndarray of shape (rows,) or None
        Sample weights; None if all are 1.
    offset : ndarray of shape (rows,) or None
        The offset.
    """

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None = None
    offset: np.ndarray | None = None

    def counted(self) -> Rows:
        """Return the rows with positive weight."""
        return self if self.weights is None or self.weights.all() else self.part(self.weights > 0)

    def part(self, places: np.ndarray) -> Rows:
        """Return the selected rows."""
        weights, offset = (None if array is None else array[places] for array in (self.weights, self.offset))
        return Rows(self.x[places], self.y[places], weights, offset)


def rows_of(
    estimator: Any,
    x: Any,
    y: Any,
    sample_weight: Any,
    *,
    offset: Any = None,
    reset: bool = True,
    dtype: Any = np.float64,
    **checks: Any,
) -> Rows:
    """Validate the arguments of an estimator's ``fit``.

    Parameters
    ----------
    estimator : estimator
        The estimator, which records the number and names of the features, or checks them if ``reset`` is False.
    x, y, sample_weight, offset : array-like
        The arguments of ``fit``.
    reset : bool, default=True
        Whether to discard an earlier fit.
    dtype : dtype or list of dtype, default=float64
        The dtype of x, see ``sklearn.utils.check_array``.
    **checks : bool or int
        Further checks of scikit-learn, such as ``multi_output``.

    Returns
    -------
    Rows
        The validated rows.

    Raises
    ------
    ValueError
        In the same cases as scikit-learn's estimators.
    """
    x, y = validate_data(estimator, x, y, reset=reset, dtype=dtype, **checks)
    weights = row_numbers("sample_weight", sample_weight, x)
    if weights is not None and (weights < 0).any():
        raise DataError("sample_weight has negative weights. Give a nonnegative number for each row.")
    if weights is not None and not weights.any():
        raise DataError("sample_weight has only zero weights. Give at least one row a positive weight.")
    return Rows(x, y, weights, row_numbers("offset", offset, x))


def row_numbers(name: str, given: Any, x: np.ndarray) -> np.ndarray | None:
    """Return one number per row, float64 (rows,), or None."""
    if given is None:
        return None
    if isinstance(given, (int, float)):
        return np.full(len(x), float(given))
    numbers: np.ndarray = check_array(given, dtype=np.float64, ensure_2d=False, input_name=name)
    if numbers.ndim != 1:
        raise DataError(
            f"{name} has {numbers.ndim} dimensions. Sample weights must be 1D array or scalar: give one number per row."
        )
    check_consistent_length(x, numbers)
    return numbers


def classes_of(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted classes and the class number of each row. Raises DataError if there is only one class."""
    check_classification_targets(rows.y)
    classes, positions = np.unique(rows.y, return_inverse=True)
    if len(classes) < 2:
        raise DataError(f"y has only one class, {classes.tolist()[0]!r}. Give rows of at least two classes.")
    return classes, positions


def positions_in(classes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the class number of each row. Raises ArgumentError for an unknown class."""
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ArgumentError(
            f"y has the class {unknown.tolist()[0]!r}, which is not in classes. List all classes in the first call."
        )
    return np.searchsorted(classes, y)
