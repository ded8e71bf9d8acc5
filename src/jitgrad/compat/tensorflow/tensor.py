"""TensorFlow's Tensor, which wraps a Tensor of the library, and conversion of values to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.dtypes import DType, as_dtype
from jitgrad.compat.tensorflow.errors import ConversionError
from jitgrad.compat.tensorflow.methods import TensorMethods
from jitgrad.compat.wrapper import Wrapper
from jitgrad.errors import UnsupportedError
from jitgrad.functions.joining import concatenate
from jitgrad.functions.shapes import expand_dims
from jitgrad.ops import Shape
from jitgrad.tape import dtypes as levels
from jitgrad.tape.operators import Operators
from jitgrad.tape.tensor import Tensor as Value
from jitgrad.tape.tensor import known

INT32 = np.dtype(np.int32)
INT64 = np.dtype(np.int64)
_LARGEST = 2**31
_NUMBERS = "fiub"


class Tensor(TensorMethods, Wrapper):  # type: ignore[misc]
    """A value in TensorFlow's form, created by ``tf.constant``, ``tf.convert_to_tensor`` and every operation."""

    __slots__ = ()

    if TYPE_CHECKING:
        _tensor: Value

        def __getitem__(self, key: Any) -> Tensor: ...  # type: ignore[override]

    def _read(self) -> Value:
        return self._tensor

    def __reduce__(self) -> Any:
        return _remade, (self.numpy(), self.dtype.name)

    def __hash__(self) -> int:
        raise TypeError("Tensor is unhashable. Instead, use tensor.ref() as the key.")

    def __copy__(self) -> Tensor:
        return self

    def __deepcopy__(self, memo: Any) -> Tensor:
        return self


class Held(Tensor):
    """A value of a dtype with which jitgrad does not compute. NumPy prints, indexes, reshapes and casts it."""

    __slots__ = ("_array",)

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        self._integer = INT32

    @property
    def _plain_shape(self) -> Shape:
        return self._array.shape

    @property
    def dtype(self) -> DType:  # type: ignore[override]
        return dtypes.of_numpy(self._array.dtype)

    @property
    def level(self) -> int:  # type: ignore[override]
        raise self._refused()

    def _read(self) -> Value:
        raise self._refused()

    def _refused(self) -> UnsupportedError:
        name = self.dtype.name
        advice = "Use Python's own strings." if name == "string" else "Cast it to tf.float32 or tf.float64 first."
        return UnsupportedError(f"jitgrad does not compute with {name}, it only holds and shows it. {advice}")

    def numpy(self) -> Any:
        """Return the value."""
        return self._array.copy() if self._array.ndim else self._array[()]

    _value = numpy

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._array, dtype)

    def __getitem__(self, key: Any) -> Tensor:  # type: ignore[override]
        return Held(np.asarray(self._array[key], self._array.dtype))

    def __add__(self, other: Any) -> Tensor:  # type: ignore[override]
        if self.dtype.name != "string":
            raise self._refused()
        if not isinstance(other, (str, bytes, list, Held)):
            raise ConversionError(f"Expected a string after a string, but got {other!r}. Use tf.strings.as_string.")
        return held(np.asarray(self._array + _array_of(other), object))

    def __radd__(self, other: Any) -> Tensor:  # type: ignore[override]
        return held(other) + self

    def __eq__(self, other: object) -> Any:
        return NotImplemented if other is None else wrap_array(np.equal(self._array, _array_of(other)))

    def __ne__(self, other: object) -> Any:
        return NotImplemented if other is None else wrap_array(np.not_equal(self._array, _array_of(other)))


def _array_of(value: Any) -> Any:
    return held(value)._array if isinstance(value, (str, bytes, list)) else np.asarray(value)


_new = object.__new__


def wrap(value: Any, like: Any = None) -> Any:
    """Wrap one or several Tensors of the library. Integers get the dtype of ``like``, by default int32."""
    if isinstance(value, (tuple, list)):
        return type(value)(wrap(item, like) for item in value)
    return made(value, INT32 if like is None else integer_of(like))


def made(tensor: Any, integer: np.dtype[Any] = INT32) -> Tensor:
    """Wrap one Tensor, with the given dtype for integers."""
    wrapped = _new(Tensor)
    wrapped._tensor = tensor
    wrapped._integer = integer
    return wrapped


def wrap_array(array: Any, dtype: DType | None = None) -> Tensor:
    """Return a constant with a copy of an array, in the array's dtype or the given one."""
    array = np.asanyarray(array)
    kind = dtypes.of_numpy(array.dtype) if dtype is None else dtype
    if kind.level > levels.INTEGER and type(array) is np.ndarray:
        data = np.array(array, kind.dtype)
        data.setflags(write=False)
        return made(known(data, kind.level))
    if kind.level < 0:
        return held(array, kind)
    data, level = levels.as_data(array.astype(kind.dtype, copy=False))
    return made(known(data, levels.strong(level)), kind.dtype if level == levels.INTEGER else INT32)


def held(value: Any, dtype: DType | None = None) -> Held:
    """Return a value with which jitgrad does not compute: strings, float16, complex numbers."""
    array = np.asarray(value)
    if array.dtype.kind in "SUO":
        if not all(isinstance(text, (str, bytes)) for text in array.ravel().tolist()):
            raise ConversionError(f"The value {value!r} cannot be converted to a tensor. Give numbers, booleans or strings.")
        texts = [text.encode() if isinstance(text, str) else text for text in array.ravel().tolist()]
        array = np.empty(array.shape, object)
        array.ravel()[:] = texts
    return Held(array if dtype is None or dtype.name == "string" else array.astype(dtype.dtype))


def integer_of(value: Any) -> np.dtype[Any]:
    """Return the dtype in which the integers of a tensor, Variable or array are shown."""
    integer = getattr(value, "_integer", None)
    if integer is None:
        dtype = getattr(value, "dtype", None)
        integer = (
            dtype if isinstance(dtype, np.dtype) and dtype.kind in "iu" else INT64 if isinstance(value, Operators) else INT32
        )
    return integer


def _remade(value: Any, name: str) -> Tensor:
    return wrap_array(value, as_dtype(name))


def convert(value: Any, dtype: Any = None, hint: Any = None) -> Tensor:
    """Convert ``value`` to a Tensor, like ``tf.convert_to_tensor``.

    Python floats become float32 and integers int32, or both become ``hint`` if that is lossless. Raises ConversionError
    for a tensor whose dtype differs from ``dtype``.
    """
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(value, Tensor):
        found = value
    elif isinstance(value, Operators):
        found = made(value._read(), integer_of(value))
    elif hasattr(value, "__tf_tensor__"):
        found = value.__tf_tensor__(wanted)
    else:
        return from_python(value, wanted, None if hint is None else as_dtype(hint))
    if wanted is not None and found.dtype is not wanted:
        raise ConversionError(
            f"Tensor conversion requested dtype {wanted.name} for Tensor with dtype {found.dtype.name}: {found!r}. "
            f"Use tf.cast(x, {wanted!r})."
        )
    return found


def from_python(value: Any, dtype: DType | None = None, hint: DType | None = None) -> Tensor:
    """Return a constant with the values of Python or NumPy objects, or of lists that may contain Tensors."""
    if type(value) is np.ndarray and value.dtype.kind in _NUMBERS:
        return wrap_array(value, dtype if dtype is not None else hint if value.dtype.kind != "b" else None)
    if value is None:
        raise ConversionError(
            "Attempt to convert a value (None) with an unsupported type to a Tensor. Check for a missing return."
        )
    if isinstance(value, (list, tuple)) and _has_tensors(value):
        return _packed(value, dtype)
    array = array_of(value)
    kind = array.dtype.kind
    if kind in "OSU":
        return _texts(array, value, dtype)
    if dtype is None:
        dtype = _natural(value, array)
        if hint is not None and (kind in "iu" or hint.is_floating or hint.is_complex) and hint is not dtype and kind != "b":
            dtype = hint
    elif not hasattr(value, "dtype"):
        _check_exact(value, array, dtype)
    return wrap_array(array, dtype)


def array_of(value: Any) -> np.ndarray:
    """Convert Python values to an array. Raises ConversionError for lists of unequal length."""
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:
        if "inhomogeneous" in str(error):
            raise ConversionError(
                "Can't convert non-rectangular Python sequence to Tensor. Give rows of equal length."
            ) from None
        raise ConversionError(f"The value cannot be converted to a tensor: {error}. Give numbers.") from None


def _texts(array: np.ndarray, value: Any, dtype: DType | None) -> Tensor:
    if dtype is not None and dtype.name != "string":
        raise ConversionError(f"Cannot convert {value!r} to EagerTensor of dtype {dtype.name}. Give numbers.")
    if array.dtype.kind == "O" and not all(isinstance(text, (str, bytes)) for text in array.ravel().tolist()):
        raise ConversionError(
            f"Attempt to convert a value ({value!r}) with an unsupported type ({type(value)}) to a Tensor. Give numbers."
        )
    return held(array)


def _natural(value: Any, array: np.ndarray) -> DType:
    """Return TensorFlow's dtype for a Python or NumPy value."""
    first = value
    while isinstance(first, (list, tuple)) and len(first):
        first = first[0]
    if isinstance(first, (np.ndarray, np.generic)) or hasattr(first, "__array__"):
        if isinstance(first, np.generic) and array.dtype.kind != first.dtype.kind:
            return dtypes.of_numpy(array.dtype)
        return dtypes.of_numpy(first.dtype if isinstance(first, np.generic) else array.dtype)
    kind = array.dtype.kind
    if kind == "f":
        return dtypes.float32
    if kind == "i" and array.size:
        return dtypes.int32 if array.min() >= -_LARGEST and array.max() < _LARGEST else dtypes.int64
    return dtypes.of_numpy(array.dtype) if kind != "i" else dtypes.int32


def _check_exact(value: Any, array: np.ndarray, dtype: DType) -> None:
    """Raise ConversionError if Python floats or booleans would change their kind, or integers would overflow."""
    kind = array.dtype.kind
    if not array.size:
        return
    fits = kind == "i" and dtype.is_integer and dtype.min <= array.min() and array.max() <= dtype.max
    if kind == dtype.kind or (kind in "ib" and dtype.is_floating) or fits or dtype.is_complex:
        return
    raise ConversionError(f"Cannot convert {value!r} to EagerTensor of dtype {dtype.name}. Use tf.cast to convert values.")


def _has_tensors(value: Any) -> bool:
    return any(isinstance(item, Operators) or (isinstance(item, (list, tuple)) and _has_tensors(item)) for item in value)


def _packed(value: Any, dtype: DType | None) -> Tensor:
    """Stack a list that contains Tensors; the other items are converted to the Tensors' dtype."""
    wanted = dtype or _first_tensor(value).dtype
    parts = [
        _packed(item, wanted) if isinstance(item, (list, tuple)) and _has_tensors(item) else convert(item, wanted)
        for item in value
    ]
    shapes = {part._read().shape for part in parts}
    if len(shapes) > 1:
        raise ConversionError(
            f"A list has tensors of shapes {', '.join(map(str, sorted(shapes)))}. Give tensors of the same shape."
        )
    return made(concatenate([expand_dims(part._read(), 0) for part in parts]), wanted.dtype if wanted.is_integer else INT32)


def _first_tensor(value: Any) -> Tensor:
    for item in value:
        if isinstance(item, Operators):
            return convert(item)
        if isinstance(item, (list, tuple)) and _has_tensors(item):
            return _first_tensor(item)
    raise AssertionError
