"""The shapes for which layers are built: a single shape, or a list or dict of shapes. The first size, the rows, may be None."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.tape.operators import Operators


def as_shapes(given: Any, name: str) -> Any:
    """Return shapes as tuples, in lists and dicts if there are several. Raises ShapeError, with ``name``, for anything else."""
    if isinstance(given, dict):
        return {key: as_shapes(item, name) for key, item in given.items()}
    if isinstance(given, (list, tuple)) and given and all(isinstance(item, (list, tuple, dict)) for item in given):
        return [as_shapes(item, name) for item in given]
    if not isinstance(given, (list, tuple)) or not given or not all(_is_size(n) for n in given):
        raise ShapeError(f"Layer {name!r} cannot be built for {given!r}. Give a shape with the rows first, such as (None, 4).")
    return tuple(None if n is None else int(n) for n in given)


def shapes_of(x: Any) -> Any:
    """Return the shapes of inputs; None if one is not a Tensor, or has no rows."""
    if isinstance(x, Operators):
        return x.shape or None
    if isinstance(x, dict):
        made = {key: shapes_of(item) for key, item in x.items()}
        return None if None in made.values() else made
    if isinstance(x, (list, tuple)):
        listed = [shapes_of(item) for item in x]
        return None if None in listed or not listed else listed
    return None


def without_rows(shapes: Any) -> Any:
    """Return the shapes without the rows."""
    return _mapped(shapes, lambda shape: shape[1:])


def zeros_of(shapes: Any, dtype: Any) -> Any:
    """Return inputs of one row of zeros. Other unknown sizes become 1."""
    return _mapped(shapes, lambda shape: np.zeros([1, *(1 if n is None else n for n in shape[1:])], dtype))


def agree(a: Any, b: Any) -> bool:
    """Return whether two shapes are equal in all axes whose sizes are known in both shapes."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(agree(a[key], b[key]) for key in a)
    if type(a) is not type(b) or isinstance(a, dict) or len(a) != len(b):
        return False
    if isinstance(a, list):
        return all(map(agree, a, b))
    return all(n is None or m is None or n == m for n, m in zip(a, b, strict=True))


def as_plain(shapes: Any) -> Any:
    """Return shapes without the rows as lists and dicts of numbers, to be saved in a file."""
    if isinstance(shapes, dict):
        return {"named": {key: as_plain(item) for key, item in shapes.items()}}
    if isinstance(shapes, list):
        return {"several": [as_plain(item) for item in shapes]}
    return None if shapes is None else list(shapes)


def from_plain(plain: Any) -> Any:
    """Return the shapes that ``as_plain`` converted, with one row."""
    if isinstance(plain, dict):
        if "named" in plain:
            return {str(key): from_plain(item) for key, item in plain["named"].items()}
        return [from_plain(item) for item in plain["several"]]
    return (1, *(None if n is None else int(n) for n in plain))


def _mapped(shapes: Any, change: Any) -> Any:
    if isinstance(shapes, dict):
        return {key: _mapped(item, change) for key, item in shapes.items()}
    return [_mapped(item, change) for item in shapes] if isinstance(shapes, list) else change(shapes)


def _is_size(n: Any) -> bool:
    return n is None or (hasattr(n, "__index__") and not isinstance(n, bool) and n.__index__() >= 0)
