"""NumPy's basic indexing, and rows by an array of integers, as ops of the table."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import IndexingError
from jitgrad.ops.linear import gather, reshape, slice_

if TYPE_CHECKING:
    from jitgrad.tape.tensor import Tensor


def getitem(x: Tensor, key: Any) -> Tensor:
    """``x[key]``: integers, slices, ``...`` and ``None``; or one array of integers, which picks rows."""
    if _is_array(key):
        return gather_rows(x, key)
    keys = _expanded(x, key if isinstance(key, tuple) else (key,))
    starts, steps, sizes, shape = [], [], [], []
    axis = 0
    for k in keys:
        if k is None:
            shape.append(1)
            continue
        n = x.shape[axis]
        if isinstance(k, slice):
            start, stop, step = k.indices(n)
            size = len(range(start, stop, step))
            shape.append(size)
        else:
            start, step, size = _integer(x, k, axis), 1, 1
        starts.append(start if size else 0)
        steps.append(step)
        sizes.append(size)
        axis += 1
    part = x
    if tuple(sizes) != x.shape or any(step != 1 for step in steps):
        part = slice_(x, starts=tuple(starts), steps=tuple(steps), shape=tuple(sizes))
    return part if part.shape == tuple(shape) else reshape(part, shape=tuple(shape))


def gather_rows(x: Tensor, indices: Any) -> Tensor:
    """Rows of ``x`` by integers, which may be counted from the end. Raises IndexingError where one is outside."""
    from jitgrad.tape import dtypes
    from jitgrad.tape.tensor import as_tensor

    picked = as_tensor(indices)
    if picked.rank != dtypes.INTEGER and picked.shape != (0,):
        raise IndexingError(f"An index array of dtype {picked.dtype} picks no rows. Give integers; for a mask use where().")
    if not x.shape:
        raise IndexingError("A Tensor without axes has no rows to gather. Reshape it first.")
    if picked.known is not None:
        low, high = np.min(picked.known, initial=0), np.max(picked.known, initial=-1)
        if low < -x.shape[0] or high >= x.shape[0]:
            worst = high if high >= x.shape[0] else low
            raise IndexingError(
                f"Index {worst:.0f} is out of range for axis 0 of shape {x.shape}. Use -{x.shape[0]} to {x.shape[0] - 1}."
            )
    return gather(x, picked, axis=0)


def _is_array(key: Any) -> bool:
    if isinstance(key, (list, np.ndarray)):
        return True
    return hasattr(key, "numpy") and bool(key.shape)


def _expanded(x: Tensor, keys: tuple[Any, ...]) -> list[Any]:
    """The keys with ``...`` spelt out, one for each axis besides the Nones."""
    if any(_is_array(k) for k in keys):
        raise IndexingError("An index array must be the only index. Index in two steps: x[rows][:, columns].")
    dots = [i for i, k in enumerate(keys) if k is Ellipsis]
    if len(dots) > 1:
        raise IndexingError("An index has more than one ellipsis. Keep one of them.")
    used = sum(1 for k in keys if k is not None and k is not Ellipsis)
    if used > x.ndim:
        raise IndexingError(f"{used} indices for a Tensor of shape {x.shape}. Give at most {x.ndim}.")
    rest = [slice(None)] * (x.ndim - used)
    at = dots[0] if dots else len(keys)
    return [*keys[:at], *rest, *keys[at + 1 :]]


def _integer(x: Tensor, key: Any, axis: int) -> int:
    if isinstance(key, (bool, np.bool_)):
        raise IndexingError("A boolean is no index here. Use where() for masks.")
    try:
        i = operator.index(key)
    except TypeError:
        raise IndexingError(f"{key!r} is no index. Use integers, slices, None, an ellipsis or an array of integers.") from None
    n = x.shape[axis]
    if not -n <= i < n:
        raise IndexingError(f"Index {i} is out of range for axis {axis} of shape {x.shape}. Use -{n} to {n - 1}.")
    return i + n if i < 0 else i
