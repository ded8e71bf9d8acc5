"""Levels: the precedence of dtypes.

A result has the highest level among its operands, and a Program the highest level among its leaves.

Floats are weak or strong. Python numbers and arrays are weak: they are cast to the dtype of Variables and explicit Tensors,
which are strong. In the arena all values are floats, including integers and booleans.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from jitgrad.errors import DataError, DTypeError

BOOL, INTEGER, NUMBER, DATA32, DATA64, FLOAT32, FLOAT64 = range(7)

DTYPE = (
    np.dtype(np.bool_), np.dtype(np.int64), np.dtype(np.float64),
    np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.float32), np.dtype(np.float64),
)  # fmt: skip

_DATA = {"f2": DATA32, "f4": DATA32, "f8": DATA64}
_STRONG = {DATA32: FLOAT32, DATA64: FLOAT64, NUMBER: FLOAT64}


def strong(level: int) -> int:
    """Return the level of an explicit Tensor or a Variable that is created from data of ``level``."""
    return _STRONG.get(level, level)


def program_dtype(level: int) -> np.dtype[Any]:
    """Return the float dtype of a Program whose leaves have at most ``level``."""
    return DTYPE[level] if level >= NUMBER else DTYPE[NUMBER]


def check_unmasked(name: str, value: Any) -> None:
    """Raise DataError, with the row, if an array has a masked value."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        row = f" in row {np.argwhere(np.ma.getmaskarray(value))[0][0]}" if value.ndim else ""
        raise DataError(f"{name} has a masked value{row}. Drop such rows or fill them in first.")


def as_data(value: Any, dtype: Any = None, copy: bool = True) -> tuple[np.ndarray, int]:
    """Convert a value to an array of a supported dtype, and return it with its level as data.

    The array is a read-only copy, unless ``copy`` is False. Raise DTypeError for a dtype that is not boolean, integer or
    floating, and DataError for masked values.
    """
    check_unmasked("The array", value)
    try:
        array = np.array(value, dtype=dtype) if copy else np.asarray(value, dtype)
    except (ValueError, TypeError, OverflowError) as error:
        advice = "Give rows of equal length." if "inhomogeneous" in str(error) else "Check the values and the dtype."
        raise DTypeError(f"The value cannot be converted to an array: {str(error).rstrip('.')}. {advice}") from error
    kind = array.dtype.kind
    if kind == "b":
        level = BOOL
    elif kind in "iu":
        if kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
            raise DTypeError(f"The integer {array.max()} exceeds the range of int64. Convert the array to float64 first.")
        level, array = INTEGER, array.astype(np.int64)
    elif kind == "f" and array.dtype.str[1:] in _DATA:
        level = _DATA[array.dtype.str[1:]]
        array = array.astype(DTYPE[level], copy=False)
    elif value is None:
        raise DTypeError("None cannot be converted to an array. Check for a function without a return statement.")
    else:
        raise DTypeError(
            f"The dtype {array.dtype} is not supported. Convert it to float32, float64, an integer or a boolean dtype first."
        )
    if copy:
        array.setflags(write=False)
    return array, level


@functools.cache
def exact_limit(dtype: np.dtype[Any]) -> int:
    """Return the size up to which integers are exact in a float ``dtype``."""
    return int(2 ** (np.finfo(dtype).nmant + 1))


def check_exact(array: np.ndarray, dtype: np.dtype[Any]) -> None:
    """Raise DTypeError if integers are too large for the float ``dtype`` of a Program."""
    limit = exact_limit(dtype)
    if array.dtype.kind == "i" and array.size and (array.max() > limit or array.min() < -limit):
        raise DTypeError(
            f"Integers beyond ±{limit} are not exact in {dtype}, the dtype of this computation. "
            f"Use float64 Variables or smaller integers."
        )
