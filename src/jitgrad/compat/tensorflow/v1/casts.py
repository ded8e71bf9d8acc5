"""Conversions of dtypes by name (``tf.to_float``)."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.constants import cast
from jitgrad.compat.tensorflow.v1.staging import staged

_cast = staged("Cast", cast)


def to_float(x: Any, name: str = "ToFloat") -> Any:
    """``tf.cast(x, tf.float32)``."""
    return _cast(x, dtypes.float32, name=name)


def to_double(x: Any, name: str = "ToDouble") -> Any:
    """``tf.cast(x, tf.float64)``."""
    return _cast(x, dtypes.float64, name=name)


def to_int32(x: Any, name: str = "ToInt32") -> Any:
    """``tf.cast(x, tf.int32)``."""
    return _cast(x, dtypes.int32, name=name)


def to_int64(x: Any, name: str = "ToInt64") -> Any:
    """``tf.cast(x, tf.int64)``."""
    return _cast(x, dtypes.int64, name=name)


__all__ = ["to_double", "to_float", "to_int32", "to_int64"]
