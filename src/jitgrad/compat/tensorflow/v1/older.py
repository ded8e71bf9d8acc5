"""Functions that TensorFlow 2 has removed or changed."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.constants import cast
from jitgrad.compat.tensorflow.elementwise import add_n
from jitgrad.compat.tensorflow.elementwise import where as _where
from jitgrad.compat.tensorflow.operands import agreed
from jitgrad.compat.tensorflow.shapes import reshape
from jitgrad.compat.tensorflow.v1.staging import eager, staged
from jitgrad.errors import ArgumentError

_cast = staged("Cast", cast)


def to_float(x: Any, name: str = "ToFloat") -> Any:
    """Return ``tf.cast(x, tf.float32)``."""
    return _cast(x, dtypes.float32, name=name)


def to_double(x: Any, name: str = "ToDouble") -> Any:
    """Return ``tf.cast(x, tf.float64)``."""
    return _cast(x, dtypes.float64, name=name)


def to_int32(x: Any, name: str = "ToInt32") -> Any:
    """Return ``tf.cast(x, tf.int32)``."""
    return _cast(x, dtypes.int32, name=name)


def to_int64(x: Any, name: str = "ToInt64") -> Any:
    """Return ``tf.cast(x, tf.int64)``."""
    return _cast(x, dtypes.int64, name=name)


def div(x: Any, y: Any, name: str | None = None) -> Any:
    """Return ``x / y``; for integers, ``x // y``."""

    def divided(x: Any, y: Any) -> Any:
        return x // y if x.dtype.is_integer else x / y

    return staged("div", lambda x, y: divided(*agreed("Div", (x, y))))(x, y, name=name)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """Return ``x`` where the condition is true, otherwise ``y``; a condition with one axis selects rows."""
    if (x is None) != (y is None):
        raise ArgumentError("x and y must both be non-None or both be None. Give both.")
    if x is None:
        return staged("Where", _where)(condition, name=name)

    def chosen(condition: Any, x: Any, y: Any) -> Any:
        mask, a = eager(condition), eager(x)
        rows = len(mask.shape) == 1 and len(a.shape) > 1
        return _where(reshape(mask, [-1] + [1] * (len(a.shape) - 1)) if rows else mask, a, y)

    return staged("Select", chosen)(condition, x, y, name=name)


def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Any:
    """Add tensors."""
    return staged("AccumulateNV2", add_n)(inputs, name=name)


newaxis = None

__all__ = ["accumulate_n", "div", "newaxis", "to_double", "to_float", "to_int32", "to_int64", "where"]
