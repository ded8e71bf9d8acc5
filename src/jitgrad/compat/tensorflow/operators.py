"""Python's operators on TensorFlow's tensors and Variables, and the corresponding functions (``tf.add``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.errors import InvalidArgumentError, InvalidShapeError
from jitgrad.compat.tensorflow.methods import TensorMethods
from jitgrad.compat.tensorflow.operands import (
    ANY,
    BOOLEANS,
    NUMBERS,
    SIGNED,
    agreed,
    check_kind,
    combined,
    settled,
    translated,
    wrapped_around,
)  # fmt: skip
from jitgrad.compat.tensorflow.tensor import Tensor, made, wrap_array
from jitgrad.compat.tensorflow.variable import Variable
from jitgrad.errors import ShapeError
from jitgrad.functions.logic import logical_and, logical_not, logical_or, logical_xor
from jitgrad.functions.products import matmul as product
from jitgrad.functions.shapes import swapaxes
from jitgrad.ops import Op
from jitgrad.ops import elementwise as ew
from jitgrad.tape import dtypes as levels
from jitgrad.tape import trace
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import cast, known, record

_FLOAT = levels.INTEGER
_NONE: dict[str, Any] = {}
_TENSORS = {Tensor, Variable}
_PYTHON = {float, int}
Binary = Callable[..., Tensor]


def _plain(kind: type, value: Any, level: int) -> tuple[Any, bool]:
    """Convert a Python number or array to an operand that matches a tensor, and return whether the conversion succeeded."""
    if level <= _FLOAT:
        return value, False
    if kind in _PYTHON:
        return value, True
    if kind is np.ndarray and value.dtype.kind in "fiu":
        data = np.array(value, levels.DTYPE[level])
        data.setflags(write=False)
        return known(data, level), True
    return value, False


def binary(name: str, op: Op, kinds: str = NUMBERS) -> tuple[Binary, Binary, Binary]:
    """Return an operator, its reflected version, and the function.

    The common cases come first: floats of one dtype, and a float with a Python number.
    """

    def operator(self: Any, other: Any) -> Tensor:
        a, kind = self._read(), type(other)
        if kind in _TENSORS:
            b = other._read()
            plain = a.level == b.level > _FLOAT
        else:
            b, plain = _plain(kind, other, a.level)
        if not plain:
            return general(self, other)
        try:
            return made(record(op, (a, b), _NONE))
        except ShapeError as error:
            raise translated(name, error) from None

    def reflected(self: Any, other: Any) -> Tensor:
        a = self._read()
        b, plain = _plain(type(other), other, a.level)
        if not plain:
            return general(other, self)
        try:
            return made(record(op, (b, a), _NONE))
        except ShapeError as error:
            raise translated(name, error) from None

    def function(x: Any, y: Any, name: str | None = None) -> Tensor:
        if type(x) in _TENSORS:
            return operator(x, y)
        return reflected(y, x) if type(y) in _TENSORS else general(x, y)

    @public()
    def general(a: Any, b: Any) -> Tensor:
        return combined(name, op, a, b, kinds)

    function.__doc__ = f"``{op.name}``, element by element."
    return operator, reflected, function


_add, _radd, add = binary("AddV2", ew.add)
_sub, _rsub, subtract = binary("Sub", ew.subtract)
_mul, _rmul, multiply = binary("Mul", ew.multiply)
_div, _rdiv, _ = binary("RealDiv", ew.divide, "f")
_, _, _floored = binary("FloorDiv", ew.floor_divide)
_, _, _remainder = binary("FloorMod", ew.mod)
_pow, _, _power = binary("Pow", ew.power, "f")
_eq, _, equal = binary("Equal", ew.equal, ANY)
_ne, _, not_equal = binary("NotEqual", ew.not_equal, ANY)
_lt, _, less = binary("Less", ew.less)
_le, _, less_equal = binary("LessEqual", ew.less_equal)
_gt, _, greater = binary("Greater", ew.greater)
_ge, _, greater_equal = binary("GreaterEqual", ew.greater_equal)


@public()
def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return ``x / y``; integers of 8 and 16 bits become float32, other integers float64."""
    a, b = agreed("RealDiv", (x, y), NUMBERS)
    if a.level > _FLOAT:
        return combined("RealDiv", ew.divide, a, b)
    level = levels.FLOAT32 if a.dtype.size < 4 else levels.FLOAT64
    return made(ew.divide(cast(a._read(), level), cast(b._read(), level)))


def _whole(name: str, x: Any, y: Any) -> tuple[Tensor, Tensor] | None:
    """Return two operands if they are integers and the second is not 0, otherwise None."""
    if isinstance(x, (float, np.floating)) or getattr(x, "level", 0) > _FLOAT or getattr(y, "level", 0) > _FLOAT:
        return None
    a, b = agreed(name, (x, y), NUMBERS)
    if a.level != levels.INTEGER:
        return None
    if b._read().value is not None and not np.all(b.numpy()):
        raise InvalidArgumentError(f"Integer division by zero [Op:{name}]. Use tf.where, or divide floats.")
    return a, b


@public()
def floordiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return ``x // y``, without a gradient."""
    _whole("FloorDiv", x, y)
    found = _floored(x, y)
    return made(ew.stop_gradient(found._read()), found._integer)


@public()
def mod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return ``x % y``, with the sign of ``y``."""
    _whole("FloorMod", x, y)
    return _remainder(x, y)


@public()
def pow(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return ``x ** y``; for integers, an integer."""
    if getattr(x, "level", 0) > _FLOAT or getattr(y, "level", 0) > _FLOAT:
        return _power(x, y)
    a, b = agreed("Pow", (x, y), SIGNED)
    if a.level > _FLOAT:
        return _power(a, b)
    if trace.current() is not None:
        return made(cast(ew.power(a._read(), b._read()), levels.INTEGER), a._integer)
    if np.any(np.asarray(b.numpy()) < 0):
        raise InvalidArgumentError("Integers to negative integer powers are not allowed [Op:Pow]. Use floats.")
    return wrap_array(np.power(a.numpy(), b.numpy()), a.dtype)


def _swapped(function: Binary) -> Binary:
    return lambda self, other: function(other, self)


def _true_division(self: Any, other: Any) -> Tensor:
    return _div(self, other) if self.level > _FLOAT else divide(self, other)


def _raised(self: Any, other: Any) -> Tensor:
    return _pow(self, other) if self.level > _FLOAT else pow(self, other)


def _reflected_division(self: Any, other: Any) -> Tensor:
    return _rdiv(self, other) if self.level > _FLOAT else divide(other, self)


def _product(self: Any, other: Any) -> Tensor:
    return _mul(self, other) if self.level != levels.BOOL else _logical("Mul", logical_and, self, other)


def _matmul(self: Any, other: Any) -> Tensor:
    return matmul(self, other)


def _reflected_matmul(self: Any, other: Any) -> Tensor:
    return matmul(other, self)


@public()
def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False, adjoint_b: bool = False,
    a_is_sparse: bool = False, b_is_sparse: bool = False, output_type: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Multiply matrices with at least two axes."""
    if output_type is not None:
        raise InvalidArgumentError("tf.matmul does not support output_type. Use tf.cast on the result.")
    if type(a) is Tensor and type(b) in _TENSORS and a._tensor.level == b.level > _FLOAT:
        x, y, integer = a._tensor, b._read(), a._integer
    else:
        left, right = agreed("MatMul", (a, b), NUMBERS)
        x, y, integer = left._read(), right._read(), left._integer
    if len(x.shape) < 2 or len(y.shape) < 2:
        raise InvalidArgumentError(
            f"In[0] and In[1] ndims must be >= 2: {len(x.shape)} and {len(y.shape)} [Op:MatMul]. Reshape."
        )
    if transpose_a or adjoint_a:
        x = swapaxes(x, -1, -2)
    if transpose_b or adjoint_b:
        y = swapaxes(y, -1, -2)
    try:
        result = product(x, y)
    except ShapeError:
        sizes = f"In[0]: {list(x.shape)}, In[1]: {list(y.shape)}"
        raise InvalidShapeError(
            f"Matrix size-incompatible: {sizes} [Op:MatMul]. The inner axes must have the same size."
        ) from None
    return made(wrapped_around(result, integer), integer)


def _logical(name: str, f: Callable[..., Any], x: Any, y: Any) -> Tensor:
    a, b = agreed(name, (x, y), BOOLEANS)
    return made(f(a._read(), b._read()))


def _bitwise(name: str, f: Callable[..., Any], bits: np.ufunc) -> tuple[Binary, Binary]:
    """Return ``&`` or a similar operator, which applies to booleans or to the bits of integers."""

    def operator(self: Any, other: Any) -> Tensor:
        if self.level != levels.INTEGER:
            return _logical(name, f, self, other)
        a, b = agreed(name, (self, other))
        return wrap_array(bits(a.numpy(), b.numpy()), a.dtype)

    def reflected(self: Any, other: Any) -> Tensor:
        return operator(self, other)

    return operator, reflected


def _invert(self: Any) -> Tensor:
    if self.level == levels.INTEGER:
        return wrap_array(np.invert(self.numpy()), self.dtype)
    check_kind("LogicalNot", self.dtype, BOOLEANS)
    return made(logical_not(self._read()))


def _negative(self: Any) -> Tensor:
    check_kind("Neg", self.dtype, SIGNED)
    return made(wrapped_around(ew.negative(settled(self._read())), self._integer), self._integer)


def _abs(self: Any) -> Tensor:
    check_kind("Abs", self.dtype, SIGNED)
    return made(wrapped_around(ew.abs(settled(self._read())), self._integer), self._integer)


def _equality(operator: Binary, result: bool) -> Binary:
    def compared(self: Any, other: Any) -> Any:
        if other is None or isinstance(other, dtypes.DType):
            return result
        try:
            return operator(self, other)
        except InvalidShapeError:
            return wrap_array(np.bool_(result))  # for incompatible shapes, as in TensorFlow

    return compared


_and, _rand = _bitwise("LogicalAnd", logical_and, np.bitwise_and)
_or, _ror = _bitwise("LogicalOr", logical_or, np.bitwise_or)
_xor, _rxor = _bitwise("LogicalXor", logical_xor, np.bitwise_xor)

_OPERATORS = {
    "__add__": _add, "__radd__": _radd, "__sub__": _sub, "__rsub__": _rsub, "__mul__": _product, "__rmul__": _rmul,
    "__truediv__": _true_division, "__rtruediv__": _reflected_division, "__floordiv__": lambda x, y: floordiv(x, y),
    "__rfloordiv__": _swapped(floordiv), "__mod__": lambda x, y: mod(x, y), "__rmod__": _swapped(mod), "__pow__": _raised,
    "__rpow__": _swapped(pow),
    "__matmul__": _matmul, "__rmatmul__": _reflected_matmul, "__eq__": _equality(_eq, False), "__ne__": _equality(_ne, True),
    "__lt__": _lt, "__le__": _le, "__gt__": _gt, "__ge__": _ge, "__and__": _and, "__rand__": _rand, "__or__": _or,
    "__ror__": _ror, "__xor__": _xor, "__rxor__": _rxor, "__invert__": _invert, "__neg__": _negative, "__abs__": _abs,
}  # fmt: skip
for _name, _operator in _OPERATORS.items():
    setattr(TensorMethods, _name, _operator)

__all__ = [
    "add", "divide", "equal", "greater", "greater_equal", "less", "less_equal", "matmul", "multiply", "not_equal", "pow",
    "subtract",
]  # fmt: skip
