"""TensorFlow's Variable: the library's, with TensorFlow's names, methods and printed form."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.compat.tensorflow import scopes
from jitgrad.compat.tensorflow.dtypes import as_dtype
from jitgrad.compat.tensorflow.errors import ConversionError, InvalidShapeError
from jitgrad.compat.tensorflow.methods import TensorMethods, numpy_text
from jitgrad.compat.tensorflow.tensor import Held, Tensor, convert, made, wrap_array
from jitgrad.compat.wrapper import Wrapper
from jitgrad.ops import elementwise as ew
from jitgrad.tape import dtypes as levels
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import NEVER_DEFERRED
from jitgrad.tape.tensor import Tensor as Value
from jitgrad.tape.tensor import identity
from jitgrad.tape.variable import Variable as LibraryVariable


class Variable(TensorMethods, LibraryVariable):  # type: ignore[misc]
    """A value that can be changed by assignment.

    Parameters
    ----------
    initial_value : number, array_like, Tensor, Variable or function
        Initial value, or a function that returns it.
    trainable : bool
        Whether a tape watches it automatically; by default True for floats.
    name : str
        Name, to which ``:0`` is added.
    dtype : DType
        Dtype; by default the dtype of the value.
    validate_shape, caching_device, variable_def, import_scope, constraint, synchronization, aggregation, shape
        As in TensorFlow; there is one device, and the shape never changes.
    """

    __slots__ = ("_integer",)
    take = LibraryVariable.take  # which the library uses to give it a value

    def __init__(
        self, initial_value: Any = None, trainable: bool | None = None, validate_shape: bool = True, caching_device: Any = None,
        name: str | None = None, variable_def: Any = None, dtype: Any = None, import_scope: Any = None, constraint: Any = None,
        synchronization: Any = None, aggregation: Any = None, shape: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if initial_value is None:
            raise ConversionError("The `initial_value` arg to `tf.Variable` must be specified. Give its first value.")
        value = initial_value() if callable(initial_value) and not isinstance(initial_value, Operators) else initial_value
        first = convert(value, None if isinstance(value, Operators) else dtype)
        if dtype is not None and first.dtype is not as_dtype(dtype):
            first = convert(value, dtype)
        if isinstance(first, Held):
            raise first._refused()
        super().__init__(first._value(), first.dtype.dtype, scopes.named(name or "Variable") + ":0", trainable is not False)
        self._integer = first._integer
        self.constraint = constraint

    @property
    def _plain_shape(self) -> Any:
        return self._leaf.shape

    def _value(self) -> Any:
        value = super()._value()
        return value.astype(self._integer) if self.level == levels.INTEGER else value

    def value(self) -> Tensor:
        """Return the current value."""
        return made(identity(self._read()), self._integer)

    read_value = value

    def initialized_value(self) -> Tensor:
        """Return the current value."""
        return self.value()

    @property
    def handle(self) -> Variable:
        """The Variable itself."""
        return self

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Assign ``value``, a tensor of this dtype or a value that can be converted to one."""
        return self._assigned(self._operand(value), read_value)

    def assign_add(self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Add ``delta``."""
        return self._assigned(ew.add(self._read(), self._operand(delta)), read_value)

    def assign_sub(self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Subtract ``delta``."""
        return self._assigned(ew.subtract(self._read(), self._operand(delta)), read_value)

    def _operand(self, value: Any) -> Any:
        if type(value) is Tensor and value._tensor.level == self.level > levels.INTEGER:
            return value._tensor
        if type(value) is Value:
            return value
        if isinstance(value, (np.ndarray, np.generic)):
            return wrap_array(value, self.dtype)._tensor
        return convert(value, self.dtype)._read()

    def _assigned(self, value: Value, read_value: bool) -> Any:
        if value.shape != self._leaf.shape:
            raise InvalidShapeError(
                f"Cannot assign value to variable {self.name!r}: Shape mismatch. The variable shape {self.shape}, and the "
                f"assigned value shape {value.shape} are incompatible."
            )
        LibraryVariable.assign(self, value)
        return Unread(self, self._integer) if read_value else None

    def __repr__(self) -> str:
        return _shown(self.name, self)

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


NEVER_DEFERRED.add(Variable)


def _shown(name: str, variable: Any) -> str:
    text = numpy_text(variable._value())
    return f"<tf.Variable {name!r} shape={variable.shape} dtype={variable.dtype.name}, numpy={text}>"


class Unread(TensorMethods, Wrapper):  # type: ignore[misc]
    """The Variable as the result of an assignment, printed as in TensorFlow."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tensor, name)

    def __repr__(self) -> str:
        return _shown("UnreadVariable", self)

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)
