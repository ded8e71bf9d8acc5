"""Between users' code, which sees TensorFlow's tensors, and the library, which sees its own.

What the library calls gets plain Tensors and returns them; what a user calls, or wrote, gets wrapped ones.
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
    """The float dtype that is taken where none is said."""
    return _floatx[0]


def set_floatx(dtype: Any) -> None:
    """Take "float32" or "float64" where no dtype is said."""
    name = dtype_name(dtype)
    if name not in _FLOATS:
        raise ArgumentError(f"set_floatx is given {dtype!r}. Use 'float32' or 'float64'.")
    _floatx[0] = name


def dtype_name(dtype: Any) -> str:
    """The name of a dtype that Keras, TensorFlow or NumPy says."""
    if dtype is None:
        return floatx()
    known = getattr(dtype, "name", dtype)
    return as_dtype(known if isinstance(known, str) else dtype).name


def wrap(nest: Any) -> Any:
    """A nesting with TensorFlow's tensors in place of plain ones."""
    return tree_map(lambda x: made(x) if isinstance(x, Tensor) else x, nest)


def unwrap(nest: Any) -> Any:
    """A nesting with plain Tensors in place of TensorFlow's."""
    return tree_map(lambda x: x._read() if isinstance(x, Wrapper) and not isinstance(x, Held) else x, nest)


def is_plain(nest: Any) -> bool:
    """Whether the library calls: there is a plain Tensor, and no wrapped one."""
    if isinstance(nest, Tensor):
        return True
    found = False
    for leaf in tree_leaves(nest):
        if isinstance(leaf, Wrapper):
            return False
        found = found or isinstance(leaf, Tensor)
    return found


def bordered(f: Callable[..., Any]) -> Callable[..., Any]:
    """A method or function of a user's: it sees wrapped tensors, and the library that calls it gets plain ones back."""

    @functools.wraps(f)
    def inside(*args: Any, **kwargs: Any) -> Any:
        if not is_plain((args, kwargs)):
            return f(*args, **kwargs)
        return unwrap(f(*wrap(args), **wrap(kwargs)))

    inside.bordered = True  # type: ignore[attr-defined]
    return inside


def as_plain(value: Any, dtype: Any = None) -> Tensor:
    """One tensor, array, or list of numbers as a plain Tensor; floats in ``dtype``, by default ``floatx()``."""
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
    """What a layer is given, in its nesting: dicts and lists of tensors are several inputs, lists of numbers one."""
    several = isinstance(value, dict) or (
        isinstance(value, (list, tuple)) and any(hasattr(leaf, "shape") and np.ndim(leaf) for leaf in tree_leaves(value))
    )
    if not several:
        return value if isinstance(value, Held) else as_plain(value, dtype)
    return tree_map(lambda x: x if isinstance(x, Held) or not hasattr(x, "shape") else as_plain(x, dtype), value)


def number(value: Any) -> Any:
    """A float, or an array of them, as a tensor of ``floatx()``."""
    return wrap_array(np.asarray(value, floatx()))


def plain_number(value: Any) -> Any:
    """A Python number for a tensor of one; anything else as it is."""
    return value.numpy().item() if isinstance(value, Wrapper) and value._read().shape == () else value


def values_of(nest: Any) -> Any:
    """A nesting with arrays of NumPy in place of tensors."""
    return tree_map(lambda x: x.numpy() if isinstance(x, Operators) else x, nest)
