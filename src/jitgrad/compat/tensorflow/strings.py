"""``tf.strings``: processing of strings by Python, before they are converted to numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.dtypes import as_dtype
from jitgrad.compat.tensorflow.errors import ConversionError, InvalidArgumentError
from jitgrad.compat.tensorflow.ragged import RaggedTensor
from jitgrad.compat.tensorflow.tensor import Tensor, convert, held, wrap_array


def _texts(input: Any) -> np.ndarray:
    tensor = convert(input)
    if tensor.dtype is not dtypes.string:
        raise ConversionError(f"Expected a string, but got a tensor of {tensor.dtype.name}. Use tf.strings.as_string.")
    array = np.empty(tensor._plain_shape, object)
    array[...] = tensor.numpy()
    return array


def _each(f: Callable[[bytes], Any], input: Any) -> np.ndarray:
    texts = _texts(input)
    found = np.empty(texts.shape, object)
    found.ravel()[:] = [f(text) for text in texts.ravel().tolist()]
    return found


def _parts(f: Callable[[bytes], list[Any]], input: Any) -> Any:
    """Return the parts of each string: a tensor for a single string, a ragged tensor for several strings."""
    found = _each(f, input)
    return convert(found[()]) if not found.ndim else RaggedTensor(found.tolist())


def split(input: Any, sep: Any = None, maxsplit: int = -1, name: str | None = None) -> Any:
    """Split at separators, by default white space."""
    between = sep.encode() if isinstance(sep, str) else sep
    return _parts(lambda text: text.split(between or None, maxsplit), input)


def bytes_split(input: Any, name: str | None = None) -> Any:
    """Split into bytes."""
    return _parts(lambda text: [text[i : i + 1] for i in range(len(text))], input)


def unicode_split(input: Any, input_encoding: str, errors: str = "replace", name: str | None = None) -> Any:
    """Split into characters."""
    return _parts(lambda text: list(text.decode(input_encoding, errors)), input)


def unicode_decode(input: Any, input_encoding: str, errors: str = "replace", name: str | None = None) -> Any:
    """Return the code points of the characters."""
    return _parts(lambda text: [ord(c) for c in text.decode(input_encoding, errors)], input)


def to_number(input: Any, out_type: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """Convert strings to numbers."""
    kind = as_dtype(out_type)
    try:
        return wrap_array(_each(float if kind.is_floating else int, input).astype(kind.dtype), kind)
    except ValueError as error:
        raise InvalidArgumentError(
            f"StringToNumberOp could not correctly convert string: {error}. Clean the strings."
        ) from None


def as_string(input: Any, precision: int = -1, name: str | None = None) -> Tensor:
    """Convert numbers to strings."""
    tensor = convert(input)
    digits = 6 if precision < 0 else precision
    values = np.asarray(tensor.numpy())
    show = (
        (lambda x: f"{x:.{digits}f}")
        if tensor.dtype.is_floating
        else (lambda x: str(x).lower() if x in (True, False) else str(x))
    )
    show = show if not tensor.dtype.is_integer else str
    found = np.empty(values.shape, object)
    found.ravel()[:] = [show(x) for x in values.ravel().tolist()]
    return held(found)


def join(inputs: Any, separator: str = "", name: str | None = None) -> Tensor:
    """Join strings element by element."""
    rows = [_texts(x) for x in inputs]
    found = rows[0]
    for row in rows[1:]:
        found = found + separator.encode() + row
    return held(np.asarray(found, object))


def reduce_join(inputs: Any, axis: Any = None, keepdims: bool = False, separator: str = "", name: str | None = None) -> Tensor:
    """Join all strings."""
    if axis is not None or keepdims:
        raise InvalidArgumentError("tf.strings.reduce_join does not support axis and keepdims. Join in Python.")
    return held(separator.encode().join(_texts(inputs).ravel().tolist()))


def length(input: Any, unit: str = "BYTE", name: str | None = None) -> Tensor:
    """Return the length of each string in bytes or characters."""
    count = len if unit == "BYTE" else (lambda text: len(text.decode()))
    return wrap_array(_each(count, input).astype(np.int32))


def lower(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Convert to lower case."""
    return held(_each(bytes.lower, input))


def upper(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Convert to upper case."""
    return held(_each(bytes.upper, input))


def strip(input: Any, name: str | None = None) -> Tensor:
    """Remove white space at both ends."""
    return held(_each(bytes.strip, input))


def substr(input: Any, pos: int, len: int, unit: str = "BYTE", name: str | None = None) -> Tensor:
    """Return a substring of each string."""
    return held(_each(lambda text: text[pos : pos + len], input))


def regex_replace(input: Any, pattern: str, rewrite: str, replace_global: bool = True, name: str | None = None) -> Tensor:
    """Replace the matches of a pattern."""
    return held(_each(lambda text: re.sub(pattern.encode(), rewrite.encode(), text, count=0 if replace_global else 1), input))


__all__ = [
    "as_string", "bytes_split", "join", "length", "lower", "reduce_join", "regex_replace", "split", "strip", "substr",
    "to_number", "unicode_decode", "unicode_split", "upper",
]  # fmt: skip
__getattr__ = missing("tensorflow.strings", __all__)
