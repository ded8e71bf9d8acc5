"""Conversion of operands by TensorFlow's rules: Python numbers and NumPy arrays are converted to the dtype of the tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.dtypes import DType
from jitgrad.compat.tensorflow.errors import InvalidArgumentError, InvalidDTypeError, InvalidIndexError, InvalidShapeError
from jitgrad.compat.tensorflow.tensor import INT32, Tensor, convert, from_python, made, wrap_array
from jitgrad.errors import IndexingError, JitgradError, ShapeError
from jitgrad.ops import Op
from jitgrad.tape import dtypes as levels
from jitgrad.tape import trace
from jitgrad.tape.operators import Operators
from jitgrad.tape.tensor import Tensor as Value
from jitgrad.tape.tensor import known, record

FLOATS, SIGNED, NUMBERS, ANY, INTEGERS, BOOLEANS = "f", "if", "iuf", "biuf", "iu", "b"
_NAMES = {"float32": "float", "float64": "double", "float16": "half"}
_NONE: dict[str, Any] = {}


def tensor_name(dtype: DType) -> str:
    """Return the name that TensorFlow's messages use for a dtype."""
    return _NAMES.get(dtype.name, dtype.name)


def check_kind(name: str, dtype: DType, kinds: str) -> None:
    """Raise InvalidArgumentError if an op does not accept tensors of a dtype."""
    if dtype.kind not in kinds:
        allowed = [d.name for d in dtypes.COMPUTED if d.kind in kinds]
        raise InvalidDTypeError(
            f"Value for attr 'T' of {tensor_name(dtype)} is not in the list of allowed values: {', '.join(allowed)} "
            f"[Op:{name}]. Use tf.cast first."
        )


def mismatch(name: str, place: int, expected: DType, given: DType) -> InvalidDTypeError:
    """Return the error for an operand of another dtype."""
    return InvalidDTypeError(
        f"cannot compute {name} as input #{place}(zero-based) was expected to be a {tensor_name(expected)} tensor but is a "
        f"{tensor_name(given)} tensor [Op:{name}]. Use tf.cast(x, {expected!r}).",
    )


def like(value: Any, lead: Tensor) -> Tensor:
    """Convert ``value`` to a tensor with the dtype of ``lead``, unless it is already a tensor."""
    if isinstance(value, Operators):
        return convert(value)
    dtype = lead.dtype
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.kind == "b" != dtype.kind:
            return wrap_array(value)
        return wrap_array(value, dtype)
    return from_python(value, dtype)


def agreed(name: str, values: Sequence[Any], kinds: str = ANY) -> list[Tensor]:
    """Convert operands to tensors of one dtype. Raises InvalidArgumentError if the dtypes of tensors differ."""
    lead = next((value for value in values if isinstance(value, Operators)), None)
    first = convert(values[0] if lead is None else lead)
    tensors = [like(value, first) for value in values]
    for place, tensor in enumerate(tensors):
        if tensor.dtype is not tensors[0].dtype and not _weak(tensor, tensors[0]):
            raise mismatch(name, place, tensors[0].dtype, tensor.dtype)
    check_kind(name, tensors[0].dtype, kinds)
    if kinds is not ANY and tensors[0].dtype.is_integer:
        for tensor in tensors:
            settled(tensor._read())
    return tensors


def _weak(a: Tensor, b: Tensor) -> bool:
    """Return whether one of two float operands is data of a fit, which takes the dtype of the other operand."""
    weak = (levels.NUMBER, levels.DATA32, levels.DATA64)
    return a.level > levels.INTEGER and b.level > levels.INTEGER and (a.level in weak or b.level in weak)


def numbers(name: str, value: Any, kinds: str = ANY) -> Tensor:
    """Convert one operand to a tensor of a dtype that the op accepts."""
    tensor = convert(value)
    check_kind(name, tensor.dtype, kinds)
    return tensor


def settled(tensor: Value) -> Value:
    """Compute integers now, because a Program with floats would compute them as floats. In a trace, they have no values."""
    if tensor.level == levels.INTEGER and tensor.value is None and trace.current() is None:
        tensor.force()
    return tensor


def wrapped_around(tensor: Value, integer: np.dtype[Any]) -> Value:
    """Wrap integers around if they exceed the range of their dtype; floats stay unchanged.

    In a trace they stay unchanged. They are computed as floats there, and integers that these cannot represent exactly are
    rejected.
    """
    if tensor.level != levels.INTEGER or trace.current() is not None:
        return tensor
    array = np.asarray(settled(tensor).numpy())
    limits = np.iinfo(integer)
    if not array.size or (array.min() >= limits.min and array.max() <= limits.max):
        return tensor
    around = array.astype(integer).astype(np.int64)
    around.setflags(write=False)
    return known(around, levels.INTEGER)


def translated(name: str, error: JitgradError) -> JitgradError:
    """Convert the library's error to TensorFlow's."""
    if isinstance(error, InvalidArgumentError):
        return error
    kind = InvalidIndexError if isinstance(error, IndexingError) else InvalidShapeError
    return kind(f"{error} [Op:{name}]")


def record_as(name: str, op: Op, operands: tuple[Any, ...]) -> Any:
    """Record an op; incompatible shapes raise InvalidArgumentError, as in TensorFlow."""
    try:
        return record(op, operands, _NONE)
    except ShapeError as error:
        raise translated(name, error) from None


def combined(name: str, op: Op, a: Any, b: Any, kinds: str = NUMBERS) -> Tensor:
    """Return an op of two operands, which may be tensors, arrays or numbers."""
    x, y = agreed(name, (a, b), kinds)
    result = record_as(name, op, (x._read(), y._read()))
    if result.level == levels.INTEGER:
        return made(wrapped_around(result, x._integer), x._integer)
    return made(result, INT32)
