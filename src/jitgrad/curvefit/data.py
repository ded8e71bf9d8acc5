"""The user's data as arrays: columns, response and weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from jitgrad.errors import DataError, near_name

if TYPE_CHECKING:
    from narwhals.stable.v1.typing import IntoDataFrame

    from jitgrad.typing import ArrayLike

Columns: TypeAlias = "ArrayLike | Mapping[str, ArrayLike] | IntoDataFrame"
"""Independent data as users pass them: an array, a mapping of columns, or a frame."""


def columns_of(x: Any, formula: bool) -> Mapping[str, Any]:
    """Return the columns of an array, a mapping or a frame by name.

    For a formula, a 1-d array is the column x, and an array of shape (k, rows) is x1 to xk. A function receives x unchanged.

    Raises DataError for other data.
    """
    if not isinstance(x, np.ndarray) and isinstance(x, Mapping):
        return x
    if hasattr(x, "columns"):
        import narwhals.stable.v1 as nw

        frame = nw.from_native(x, eager_only=True)
        return {str(name): frame.get_column(name) for name in frame.columns}
    if not formula:
        return {"": x}
    array = numbers(x, "x")
    if array.ndim == 2:
        return {f"x{k + 1}": column for k, column in enumerate(array)}
    if array.ndim != 1:
        raise DataError(
            f"x has {array.ndim} axes. For a formula, give one column, an array of shape (k, rows), or a dict of columns."
        )
    return {"x": array}


def column(columns: Mapping[str, Any], value: Any, what: str) -> Any:
    """Return a column by its name, or ``value`` itself. Raises DataError if there is no column of that name."""
    if not isinstance(value, str):
        return value
    if value not in columns:
        near = near_name(value, columns)
        raise DataError(f"There is no column {value!r} for {what}.{near} The columns are {', '.join(columns)}.")
    return columns[value]


def numbers(values: Any, name: str) -> np.ndarray:
    """Return values as a new C-contiguous float64 array. Raises DataError if they are not numeric."""
    if type(values) is np.ndarray and values.dtype == np.float64:
        return values.copy(order="C")
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    try:
        array = np.asarray(values)
        if values is None or array.dtype.kind in "cmM":
            raise TypeError("it is None" if values is None else f"its dtype is {array.dtype}")
        return np.array(array, np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is not an array of numbers: {error}. Convert it to float.") from None


def square_of(array: np.ndarray) -> float:
    """Return the sum of squares of an array; inf, with a possible warning from NumPy, if it overflows."""
    return float(array.dot(array))


def check_finite(array: np.ndarray, name: str) -> None:
    """Raise DataError for nan and inf."""
    if array.ndim == 1 and math.isfinite(square_of(array)):  # fast, and correct unless a square overflows
        return
    if not np.isfinite(array).all():
        place = int(np.argmax(~np.isfinite(array).reshape(-1)))
        raise DataError(
            f"{name or 'x'} has {array.reshape(-1)[place]} at position {place}. Remove such rows, or set nan_policy='omit'."
        )


def response(y: Any) -> np.ndarray:
    """Return the response as float64 (rows,), or (1,) for a single number. Raises DataError for another shape."""
    array = numbers(y, "y")
    array = array if array.ndim else array.reshape(1)
    if array.ndim != 1:
        raise DataError(f"y has shape {array.shape}. Give one number per row, shape (rows,).")
    if not len(array):
        raise DataError("y has no rows. Give at least one.")
    return array


def check_size(y: np.ndarray) -> None:
    """Raise DataError if squares of the response over sigma overflow or underflow."""
    square = square_of(y)
    if square > 1e300 or (square < 1e-300 and y.any()):
        size = float(np.abs(y).max())
        raise DataError(f"y over sigma is as large as {size:.0e}, and its square over- or underflows. Rescale y.")


def check_sigma(sigma: np.ndarray, rows: int) -> None:
    """Raise DataError if sigma has a wrong shape or is not positive."""
    if sigma.shape not in ((), (1,), (rows,), (rows, rows)):
        raise DataError(
            f"sigma has shape {sigma.shape}, but y has {rows} rows. Give one number per row, or a covariance matrix."
        )
    diagonal = np.diag(sigma) if sigma.ndim == 2 else np.atleast_1d(sigma)
    if sigma.ndim == 2 and not np.allclose(sigma, sigma.T, rtol=1e-8, atol=0):
        raise DataError("The matrix sigma is not symmetric. Give the covariance matrix of the errors of y.")
    if not (np.isfinite(sigma).all() and (diagonal > 0).all()):
        place = int(np.argmax(~((diagonal > 0) & np.isfinite(diagonal))))
        raise DataError(f"sigma is {diagonal[place]:g} at position {place}. Give positive numbers.")
