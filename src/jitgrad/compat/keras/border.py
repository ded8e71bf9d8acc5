"""Conversion between users' code, which sees TensorFlow's tensors, and the library, which uses plain Tensors.

Functions that the library calls take and return plain Tensors. Functions that users call or define take wrapped
ones.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow.dtypes import as_dtype
from jitgrad.compat.tensorflow.tensor import Held, convert, made, wrap_array
from jitgrad.compat.wrapper import Wrapper
from jitgrad.errors import ArgumentError
from jitgrad.tape import dtypes
from jitgrad.tape.operators import Operators
from jitgrad.tape.tensor import Tensor, cast
from jitgrad.tape.tree import tree_leaves, tree_map

_FLOATS = {"float32": dtypes.FLOAT32, "float64": dtypes.FLOAT64}
_floatx = ["float32"]


def floatx() -> str:
    """Return the default float dtype."""
    return _floatx[0]


def set_floatx(dtype: Any) -> None:
    """Set the default float dtype, "float32" or "float64"."""
    name = dtype_name(dtype)
    if name not in _FLOATS:
        raise ArgumentError(f"The dtype of set_floatx is {dtype!r}. Use 'float32' or 'float64'.")
    _floatx[0] = name


def dtype_name(dtype: Any) -> str:
    """Return the name of a dtype given in the form of Keras, TensorFlow or NumPy."""
    if dtype is None:
        return floatx()
    known = getattr(dtype, "name", dtype)
    return as_dtype(known if isinstance(known, str) else dtype).name


def wrap(nest: Any) -> Any:
    """Replace plain Tensors in a nested structure with TensorFlow's tensors."""
    return tree_map(lambda x: made(x) if isinstance(x, Tensor) else x, nest)


def unwrap(nest: Any) -> Any:
    """Replace TensorFlow's tensors in a nested structure with plain Tensors."""
    return tree_map(lambda x: x._read() if isinstance(x, Wrapper) and not isinstance(x, Held) else x, nest)


def is_plain(nest: Any) -> bool:
    """Return whether a nested structure has plain Tensors but no wrapped ones, which means that the library is the caller."""
    if isinstance(nest, Tensor):
        return True
    found = False
    for leaf in tree_leaves(nest):
        if isinstance(leaf, Wrapper):
            return False
        found = found or isinstance(leaf, Tensor)
    return found


def bordered(f: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a user's function or method so that it receives wrapped tensors and returns plain ones to the library."""

    @functools.wraps(f)
    def inside(*args: Any, **kwargs: Any) -> Any:
        if not is_plain((args, kwargs)):
            return f(*args, **kwargs)
        return unwrap(f(*wrap(args), **wrap(kwargs)))

    inside.bordered = True  # type: ignore[attr-defined]
    return inside


def as_plain(value: Any, dtype: Any = None) -> Tensor:
    """Convert a tensor, array or list of numbers to a plain Tensor; floats to ``dtype``, by default ``floatx()``."""
    name = str(dtype or floatx())
    if isinstance(value, Tensor):
        return value
    if not isinstance(value, Operators):
        found = np.asarray(value) if hasattr(value, "__array__") else value
        if isinstance(found, np.ndarray) and found.dtype.kind == "f":
            found = found.astype(name, copy=False)
        tensor = convert(found)._read()
    else:
        tensor = value._read()
        if tensor.level == dtypes.FLOAT64 and name == "float32" and tensor.value is not None and tensor.variable is None:
            return wrap_array(np.asarray(tensor.value, name))._tensor
    return cast(tensor, _FLOATS[name]) if tensor.level > dtypes.INTEGER else tensor


def as_inputs(value: Any, dtype: Any = None) -> Any:
    """Convert the nested inputs of a layer: a dict or list of tensors is several inputs, a list of numbers is one."""
    several = isinstance(value, dict) or (
        isinstance(value, (list, tuple)) and any(hasattr(leaf, "shape") and np.ndim(leaf) for leaf in tree_leaves(value))
    )
    if not several:
        return value if isinstance(value, Held) else as_plain(value, dtype)
    return tree_map(lambda x: x if isinstance(x, Held) or not hasattr(x, "shape") else as_plain(x, dtype), value)


def number(value: Any) -> Any:
    """Return a float or an array of floats as a tensor of ``floatx()``."""
    return wrap_array(np.asarray(value, floatx()))


def plain_number(value: Any) -> Any:
    """Convert a tensor with one element to a Python number; return other values unchanged."""
    return value.numpy().item() if isinstance(value, Wrapper) and value._read().shape == () else value


def values_of(nest: Any) -> Any:
    """Replace tensors in a nested structure with NumPy arrays."""
    return tree_map(lambda x: x.numpy() if isinstance(x, Operators) else x, nest)
