"""The functions of ``keras.backend`` that programs use."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.keras.border import floatx, set_floatx, values_of
from jitgrad.compat.keras.symbol import is_keras_tensor
from jitgrad.compat.keras.utils import clear_session
from jitgrad.compat.modules import missing
from jitgrad.tape.values import peek

_EPSILON = 1e-7


def epsilon() -> float:
    """Return the small constant that prevents division by zero."""
    return _EPSILON


def backend() -> str:
    """Return the name of the backend, "tensorflow"."""
    return "tensorflow"


def image_data_format() -> str:
    """Return the image data format, "channels_last"."""
    return "channels_last"


def get_value(x: Any) -> Any:
    """Return the value of a tensor or Variable."""
    return values_of(x)


def set_value(x: Any, value: Any) -> None:
    """Assign a value to a Variable or to a setting of an optimizer."""
    x.assign(value)


def count_params(x: Any) -> int:
    """Return the number of elements of a Variable."""
    return int(peek(x).size)


__all__ = [
    "backend",
    "clear_session",
    "count_params",
    "epsilon",
    "floatx",
    "get_value",
    "image_data_format",
    "is_keras_tensor",
    "set_floatx",
    "set_value",
]
__getattr__ = missing("keras.backend", __all__)
