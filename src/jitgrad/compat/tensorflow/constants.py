"""Constants."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.tensorflow.dtypes import as_dtype
from jitgrad.compat.tensorflow.errors import ConversionError
from jitgrad.compat.tensorflow.tensor import Tensor, convert, from_python, made
from jitgrad.functions.shapes import broadcast_to, reshape
from jitgrad.tape.operators import Operators


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const") -> Tensor:
    """A tensor of Python's or NumPy's values; one of ``shape`` where that is given."""
    if isinstance(value, Operators):
        found = convert(value, dtype)
    else:
        found = from_python(value, None if dtype is None else as_dtype(dtype))
    if shape is None:
        return found
    plain, wanted = found._read(), tuple(int(n) for n in shape)
    if plain.shape == () or plain.size == 1:
        return made(broadcast_to(reshape(plain, ()), wanted), found._integer)
    try:
        return made(reshape(plain, wanted), found._integer)
    except ValueError:
        raise ConversionError(f"A tensor of shape {plain.shape} cannot become {wanted}. Give as many elements.") from None


__all__ = ["constant"]
