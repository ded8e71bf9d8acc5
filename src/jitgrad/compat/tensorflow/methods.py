"""The methods that TensorFlow's Tensors and Variables share: operators, shape, dtype and printed form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.dtypes import DType
from jitgrad.compat.tensorflow.shape import TensorShape
from jitgrad.ops import Shape
from jitgrad.tape import dtypes as levels

if TYPE_CHECKING:
    from jitgrad.compat.tensorflow.tensor import Tensor
    from jitgrad.tape.tensor import Tensor as Value


class Reference:
    """A hashable reference to a tensor or Variable, equal to other references to the same object."""

    __slots__ = ("_of",)

    def __init__(self, of: Any) -> None:
        self._of = of

    def deref(self) -> Any:
        """Return the object."""
        return self._of

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and self._of is other._of

    def __hash__(self) -> int:
        return id(self._of)

    def __repr__(self) -> str:
        return f"<Reference wrapping {self._of!r}>"


class TensorMethods:
    """Methods of Tensors and Variables."""

    __slots__ = ()
    __array_priority__ = 100

    if TYPE_CHECKING:
        _integer: np.dtype[Any]
        level: int

        def _read(self) -> Value: ...
        def _value(self) -> Any: ...
        def numpy(self) -> Any: ...
        def __getitem__(self, key: Any) -> Tensor: ...

    @property
    def _plain_shape(self) -> Shape:
        return self._read().shape

    @property
    def shape(self) -> TensorShape:
        """The shape."""
        return TensorShape(self._plain_shape)

    def get_shape(self) -> TensorShape:
        """Return the shape."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Check the shape. Raises ValueError if it differs."""
        self.shape.assert_is_compatible_with(shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._plain_shape)

    @property
    def dtype(self) -> DType:
        """The dtype."""
        level = self.level
        return dtypes.of_numpy(self._integer) if level == levels.INTEGER else dtypes.OF_LEVEL[level]

    @property
    def device(self) -> str:
        """The device: the CPU."""
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    def ref(self) -> Reference:
        """Return a reference that can be used as a key of a dict."""
        return Reference(self)

    def __len__(self) -> int:
        shape = self._plain_shape
        if not shape:
            raise TypeError("Scalar tensor has no `len()`. Use float() for its value.")
        return shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        shape = self._plain_shape
        if not shape:
            raise TypeError("Cannot iterate over a scalar tensor. Use float() for its value.")
        return (self[i] for i in range(shape[0]))

    def __repr__(self) -> str:
        return f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, numpy={numpy_text(self._value())}>"

    def __str__(self) -> str:
        return f"tf.Tensor({_lines(str(self._value()))}, shape={self.shape}, dtype={self.dtype.name})"

    def __format__(self, spec: str) -> str:
        return format(self._value(), spec)


def numpy_text(value: Any) -> str:
    """Format an array as TensorFlow does. An array with several lines starts on a new line."""
    return _lines(repr(value) if isinstance(value, (np.ndarray, bytes)) else str(value))


def _lines(text: str) -> str:
    return "\n" + text if "\n" in text else text


class _Absent:
    """An attribute of the library's tensors that TensorFlow's tensors do not have."""

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise AttributeError(f"{owner.__name__!r} object has no attribute {self.name!r}. {self.why}")


_ARRAY_METHODS = (
    "T", "all", "any", "argmax", "argmin", "argsort", "astype", "at", "clip", "cumprod", "cumsum", "detach", "diagonal", "dot",
    "flatten", "item", "max", "mean", "min", "prod", "ravel", "repeat", "reshape", "round", "squeeze", "std", "sum", "swapaxes",
    "take", "tolist", "trace", "transpose", "var", "__array_ufunc__", "__array_function__",
)  # fmt: skip
for _name in _ARRAY_METHODS:
    setattr(
        TensorMethods, _name, _Absent(_name, "Use a function of tf instead, such as tf.reduce_sum(x) or tf.cast(x, dtype).")
    )
for _name in ("op", "graph"):
    setattr(TensorMethods, _name, _Absent(_name, "It is undefined when eager execution is enabled, as in TensorFlow."))
