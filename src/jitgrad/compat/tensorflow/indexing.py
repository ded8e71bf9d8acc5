"""Indexing of tensors and Variables with TensorFlow's rules, and assignment to slices of Variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.compat.tensorflow.errors import ConversionError, InvalidIndexError, InvalidShapeError
from jitgrad.compat.tensorflow.methods import TensorMethods
from jitgrad.compat.tensorflow.tensor import Tensor, convert
from jitgrad.errors import IndexingError, ShapeError
from jitgrad.tape import dtypes as levels
from jitgrad.tape import indexing as library
from jitgrad.tape import trace
from jitgrad.tape.operators import Operators
from jitgrad.tape.tensor import known
from jitgrad.tape.variable import Variable as LibraryVariable


class Sliced(Tensor):
    """A part of a Variable: a tensor that can be assigned to."""

    __slots__ = ("_key", "_of")

    def __init__(self, of: Any, key: Any, tensor: Any) -> None:
        super().__init__(tensor, of._integer)
        self._of, self._key = of, key

    def assign(self, value: Any, name: str | None = None) -> Any:
        """Assign ``value`` to the part."""
        operand = convert(value, self.dtype)._read()
        try:
            return self._of.assign(library.At(self._of._read())[self._key].set(operand))
        except ShapeError as error:
            raise InvalidShapeError(str(error)) from None

    def assign_add(self, delta: Any, name: str | None = None) -> Any:
        """Add ``delta`` to the part."""
        return self.assign(self + delta)

    def assign_sub(self, delta: Any, name: str | None = None) -> Any:
        """Subtract ``delta`` from the part."""
        return self.assign(self - delta)


def _key(k: Any) -> Any:
    """Convert a key to the library's form. Raises TypeError for keys that TensorFlow does not accept."""
    if isinstance(k, (int, slice, type(None), type(Ellipsis))) and not isinstance(k, bool):
        return k
    if isinstance(k, (np.integer, np.ndarray)) and np.ndim(k) == 0 and np.asarray(k).dtype.kind in "iu":
        return int(k)
    if isinstance(k, Operators) and not k.shape and k.level == levels.INTEGER:
        return k._read() if k._read().value is None else int(k._value())
    raise ConversionError(
        "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors are valid "
        f"indices, got {k!r}. Use tf.gather or tf.boolean_mask."
    )


def _is_mask(key: Any) -> bool:
    if isinstance(key, Operators):
        return key.level == levels.BOOL
    return isinstance(key, np.ndarray) and key.dtype.kind == "b"


def _is_constant(value: Any) -> bool:
    return value.op is None and value.value is not None and value.variable is None


def _is_static(keys: Any) -> bool:
    return all(not isinstance(k, Operators) for k in (keys if isinstance(keys, tuple) else (keys,)))


def getitem(self: Any, key: Any) -> Tensor:
    """Return ``x[key]`` for integers, slices, None, an ellipsis, or a mask."""
    value = self._read()
    if type(key) is int:
        keys: Any = key
    elif isinstance(key, (list, tuple)):
        keys = tuple([_key(k) for k in key])
    elif _is_mask(key):
        keys = key._read() if isinstance(key, Operators) else key
    else:
        keys = _key(key)
    try:
        part = library.getitem(value, keys)
    except IndexingError as error:
        raise InvalidIndexError(f"slice index out of bounds: {error} [Op:StridedSlice]") from None
    if isinstance(self, LibraryVariable):
        return Sliced(self, keys, part)
    if value.level == levels.INTEGER and trace.current() is not None and _is_constant(value) and _is_static(keys):
        part = known(np.asarray(value.value[keys]), levels.INTEGER)  # sizes from tf.shape are known while a function is traced
    made = object.__new__(Tensor)
    made._tensor, made._integer = part, self._integer
    return made


setattr(TensorMethods, "__getitem__", getitem)  # noqa: B010
