"""Which dtype a result has: the highest level among the operands, and a Program's is that of all its leaves.

Floats come in weak and strong: Python numbers and arrays are data, cast to what the Variables say; Variables and explicit
Tensors are strong. In the arena everything is a float, integers and booleans too.
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
    """The level of an explicit Tensor or a Variable made from data of ``level``."""
    return _STRONG.get(level, level)


def program_dtype(level: int) -> np.dtype[Any]:
    """The float dtype in which leaves of at most ``level`` are computed with."""
    return DTYPE[level] if level >= NUMBER else DTYPE[NUMBER]


def check_unmasked(name: str, value: Any) -> None:
    """Raise DataError, with the row, where an array has a masked value: its mask would be lost."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        row = f" in row {np.argwhere(np.ma.getmaskarray(value))[0][0]}" if value.ndim else ""
        raise DataError(f"{name} has a masked value{row}. Drop such rows or fill them in first.")


def as_data(value: Any, dtype: Any = None, copy: bool = True) -> tuple[np.ndarray, int]:
    """``value`` as an array of a dtype that jitgrad computes with, and its level as data.

    A copy that cannot be written to, unless ``copy`` is False.

    Raises DTypeError for what is not boolean, integer or floating, and DataError for masked values.
    """
    check_unmasked("The array", value)
    try:
        array = np.array(value, dtype=dtype) if copy else np.asarray(value, dtype)
    except (ValueError, TypeError, OverflowError) as error:
        advice = "Give rows of equal length." if "inhomogeneous" in str(error) else "Check the values and the dtype."
        raise DTypeError(f"The value cannot be made an array: {error}. {advice}") from error
    kind = array.dtype.kind
    if kind == "b":
        level = BOOL
    elif kind in "iu":
        if kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
            raise DTypeError(f"The integer {array.max()} is beyond int64. Convert the array to float64 first.")
        level, array = INTEGER, array.astype(np.int64)
    elif kind == "f" and array.dtype.str[1:] in _DATA:
        level = _DATA[array.dtype.str[1:]]
        array = array.astype(DTYPE[level], copy=False)
    elif value is None:
        raise DTypeError("None stands where a value is computed with. Look for a function that ends without a return.")
    else:
        raise DTypeError(
            f"jitgrad does not compute with dtype {array.dtype}. "
            f"Convert it to float32, float64, an integer or a boolean dtype first."
        )
    if copy:
        array.setflags(write=False)
    return array, level


@functools.cache
def exact_limit(dtype: np.dtype[Any]) -> int:
    """Integers up to this size are exact in a float ``dtype``."""
    return int(2 ** (np.finfo(dtype).nmant + 1))


def check_exact(array: np.ndarray, dtype: np.dtype[Any]) -> None:
    """Raise DTypeError where integers are too large for the float ``dtype`` that they are computed in."""
    limit = exact_limit(dtype)
    if array.dtype.kind == "i" and array.size and (array.max() > limit or array.min() < -limit):
        raise DTypeError(
            f"Integers beyond ±{limit} are not exact in {dtype}, in which this is computed. "
            f"Use float64 Variables or smaller integers."
        )
