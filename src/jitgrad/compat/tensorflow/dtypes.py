"""TensorFlow's dtypes (``tf.dtypes``): names, printed forms, and which of them jitgrad computes with."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from jitgrad.compat.modules import missing
from jitgrad.tape import dtypes as levels


class DType:
    """The dtype of a tensor.

    Attributes
    ----------
    name : str
        Name, such as "float32".
    as_numpy_dtype : type
        NumPy's type.
    dtype : numpy.dtype
        NumPy's dtype; NumPy accepts objects with this attribute as dtypes.
    level : int
        Its level in type promotion, see ``jitgrad.tape.dtypes``; -1 if jitgrad does not compute with it.
    enum : int
        TensorFlow's number for the dtype.
    """

    __slots__ = ("as_numpy_dtype", "dtype", "enum", "level", "name")

    def __init__(self, name: str, numpy_type: Any, level: int, enum: int) -> None:
        self.name = name
        self.as_numpy_dtype = numpy_type
        self.dtype = np.dtype(numpy_type)
        self.level = level
        self.enum = enum

    @property
    def kind(self) -> str:
        """NumPy's one-letter code."""
        return self.dtype.kind

    @property
    def itemsize(self) -> int:
        """The number of bytes of an element."""
        return self.dtype.itemsize

    @property
    def as_datatype_enum(self) -> int:
        """TensorFlow's number for the dtype."""
        return self.enum

    @property
    def base_dtype(self) -> DType:
        """The dtype itself, because there are no reference dtypes."""
        return self

    @property
    def real_dtype(self) -> DType:
        """The dtype of the real part."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    @property
    def is_floating(self) -> builtins.bool:
        """Whether the dtype is floating-point."""
        return self.kind == "f" or self.name == "bfloat16"

    @property
    def is_integer(self) -> builtins.bool:
        """Whether the dtype is an integer dtype."""
        return self.kind in "iu"

    @property
    def is_bool(self) -> builtins.bool:
        """Whether it is the boolean dtype."""
        return self.kind == "b"

    @property
    def is_complex(self) -> builtins.bool:
        """Whether it is a complex dtype."""
        return self.kind == "c"

    @property
    def is_unsigned(self) -> builtins.bool:
        """Whether it is an unsigned integer dtype."""
        return self.kind == "u"

    @property
    def is_numpy_compatible(self) -> builtins.bool:
        """Whether NumPy has this dtype."""
        return True

    @property
    def size(self) -> int:
        """The number of bytes of an element."""
        return 1 if self.name == "string" else self.dtype.itemsize

    @property
    def min(self) -> Any:
        """The smallest value."""
        return self._limits().min

    @property
    def max(self) -> Any:
        """The largest value."""
        return self._limits().max

    @property
    def limits(self) -> tuple[Any, Any]:
        """The smallest and largest values."""
        return self.min, self.max

    def _limits(self) -> Any:
        if self.is_integer:
            return np.iinfo(self.dtype)
        if self.kind == "f":
            return np.finfo(self.dtype)
        raise TypeError(f"Cannot find minimum value of {self}.")

    def is_compatible_with(self, other: Any) -> builtins.bool:
        """Return whether ``other`` is the same dtype."""
        return self == other

    def __eq__(self, other: object) -> builtins.bool:
        if other is None or isinstance(other, DType):
            return self is other
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __ne__(self, other: object) -> builtins.bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> Any:
        return as_dtype, (self.name,)

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"


float16 = half = DType("float16", np.float16, -1, 19)
float32 = DType("float32", np.float32, levels.FLOAT32, 1)
float64 = double = DType("float64", np.float64, levels.FLOAT64, 2)
int8 = DType("int8", np.int8, levels.INTEGER, 6)
int16 = DType("int16", np.int16, levels.INTEGER, 5)
int32 = DType("int32", np.int32, levels.INTEGER, 3)
int64 = DType("int64", np.int64, levels.INTEGER, 9)
uint8 = DType("uint8", np.uint8, levels.INTEGER, 4)
uint16 = DType("uint16", np.uint16, levels.INTEGER, 17)
uint32 = DType("uint32", np.uint32, levels.INTEGER, 22)
uint64 = DType("uint64", np.uint64, levels.INTEGER, 23)
bool = DType("bool", np.bool_, levels.BOOL, 10)
complex64 = DType("complex64", np.complex64, -1, 8)
complex128 = DType("complex128", np.complex128, -1, 18)
string = DType("string", np.object_, -1, 7)

_ALL = [
    float16, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool, complex64, complex128, string,
]  # fmt: skip
_BY_NAME = {dtype.name: dtype for dtype in _ALL} | {"half": float16, "float": float32, "double": float64}
_BY_NUMPY = {dtype.dtype: dtype for dtype in _ALL}
_BY_TYPE: dict[Any, DType] = {float: float32, str: string, bytes: string}
OF_LEVEL = {
    levels.BOOL: bool, levels.NUMBER: float64, levels.DATA32: float32, levels.DATA64: float64,
    levels.FLOAT32: float32, levels.FLOAT64: float64,
}  # fmt: skip
"""Return the dtype of a level that is not the integers'."""


def of_numpy(dtype: np.dtype[Any]) -> DType:
    """Return the DType for a NumPy dtype. Raises TypeError if TensorFlow has none."""
    found = string if dtype.kind in "SU" else _BY_NUMPY.get(dtype.newbyteorder("="))
    if found is None:
        raise TypeError(f"Cannot convert value {dtype!r} to a TensorFlow DType.")
    return found


def as_dtype(type_value: Any) -> DType:
    """Return the DType for a name, a type, a NumPy dtype or a DType."""
    if type(type_value) is DType:
        return type_value
    found = _BY_NAME.get(type_value) if isinstance(type_value, str) else None
    if found is None and isinstance(type_value, type):
        found = _BY_TYPE.get(type_value)
    if found is not None:
        return found
    try:
        return of_numpy(np.dtype(type_value))
    except TypeError:
        raise TypeError(f"Cannot convert value {type_value!r} to a TensorFlow DType.") from None


COMPUTED = [dtype for dtype in _ALL if dtype.level >= 0]
"""The dtypes with which jitgrad computes."""

__all__ = [
    "DType", "as_dtype", "bool", "complex64", "complex128", "double", "float16", "float32", "float64", "half", "int8", "int16",
    "int32", "int64", "string", "uint8", "uint16", "uint32", "uint64",
]  # fmt: skip
__getattr__ = missing("tensorflow.dtypes", __all__)
