"""PyTorch's dtypes and type promotion.

jitgrad computes with float32, float64, int64 and bool. For narrower integers, only the displayed dtype differs: their values
are stored as int64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import DTypeError
from jitgrad.tape import dtypes

INT64 = np.dtype(np.int64)


class dtype:
    """The type of a tensor's elements, such as ``torch.float32``."""

    __slots__ = ("integer", "level", "name", "numpy", "title")

    def __init__(self, name: str, level: int, title: str) -> None:
        self.name = name
        self.level = level
        self.title = title
        self.numpy = np.dtype(name)
        self.integer = self.numpy if level == dtypes.INTEGER else INT64

    @property
    def is_floating_point(self) -> bool:
        """Whether the dtype is floating-point."""
        return self.level > dtypes.INTEGER

    @property
    def is_complex(self) -> bool:
        """False for every dtype."""
        return False

    @property
    def is_signed(self) -> bool:
        """Whether the dtype can represent negative numbers."""
        return self.numpy.kind not in "ub"

    @property
    def itemsize(self) -> int:
        """The size of an element in bytes."""
        return self.numpy.itemsize

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return "bool_" if self.name == "bool" else self.name


float32 = dtype("float32", dtypes.FLOAT32, "Float")
float64 = dtype("float64", dtypes.FLOAT64, "Double")
int64 = dtype("int64", dtypes.INTEGER, "Long")
int32 = dtype("int32", dtypes.INTEGER, "Int")
int16 = dtype("int16", dtypes.INTEGER, "Short")
int8 = dtype("int8", dtypes.INTEGER, "Char")
uint8 = dtype("uint8", dtypes.INTEGER, "Byte")
bool_ = dtype("bool", dtypes.BOOL, "Bool")

ALL = (float32, float64, int64, int32, int16, int8, uint8, bool_)
_BY_NUMPY = {d.numpy: d for d in ALL}
_BY_LEVEL = {dtypes.FLOAT32: float32, dtypes.FLOAT64: float64, dtypes.BOOL: bool_}

_default = float32


def default() -> dtype:
    """Return the dtype of tensors made from Python floats."""
    return _default


def get_default_dtype() -> dtype:
    """Return the dtype of tensors made from Python floats."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Set the default dtype: ``torch.float32`` or ``torch.float64``."""
    global _default
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise DTypeError(f"set_default_dtype: {d!r} is not a floating-point dtype. Give torch.float32 or torch.float64.")
    _default = d


def of_numpy(wanted: Any) -> dtype:
    """Return the dtype that corresponds to a NumPy dtype."""
    found = _BY_NUMPY.get(np.dtype(wanted))
    if found is None:
        raise DTypeError(
            f"jitgrad does not compute with dtype {np.dtype(wanted)}. Convert the array to float32 or float64 first."
        )
    return found


def as_dtype(wanted: Any) -> dtype:
    """Convert ``float``, ``int`` or ``bool`` to a dtype; PyTorch's dtypes are returned unchanged."""
    if isinstance(wanted, dtype):
        return wanted
    if wanted is float:
        return _default
    if wanted is int or wanted is bool:
        return int64 if wanted is int else bool_
    raise TypeError(f"{wanted!r} is not a dtype of PyTorch. Give a dtype such as torch.float32.")


def of_level(level: Any, integer: np.dtype[Any]) -> dtype:
    """Return the dtype for a dtype level of jitgrad; for integers, the displayed dtype."""
    return _BY_NUMPY[integer] if level == dtypes.INTEGER else _BY_LEVEL[level]


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """Return the smallest dtype to which both can be converted; for an integer and a float, the float dtype."""
    if type1.is_floating_point != type2.is_floating_point:
        return type1 if type1.is_floating_point else type2
    return of_numpy(np.promote_types(type1.numpy, type2.numpy))


class finfo:
    """The limits of a floating-point dtype."""

    def __init__(self, type: dtype | None = None) -> None:
        found = np.finfo((_default if type is None else type).numpy)
        self.dtype = str(found.dtype)
        self.bits = found.bits
        self.eps, self.max, self.min = (float(x) for x in (found.eps, found.max, found.min))
        self.tiny = self.smallest_normal = float(found.tiny)
        self.resolution = float(found.resolution)


class iinfo:
    """The limits of an integer dtype."""

    def __init__(self, type: dtype) -> None:
        found = np.iinfo(type.numpy)
        self.dtype, self.bits, self.max, self.min = str(found.dtype), found.bits, int(found.max), int(found.min)
