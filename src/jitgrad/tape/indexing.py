"""NumPy's indexing in terms of ops: slices for basic indices, gathers for arrays and masks."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from jitgrad.errors import IndexingError, ShapeError, TracingError
from jitgrad.ops import Shape
from jitgrad.ops.elementwise import add, where
from jitgrad.ops.linear import broadcast_to, gather, reshape, scatter, slice_
from jitgrad.tape import dtypes, trace
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor


@public()
def getitem(x: Any, key: Any) -> Tensor:
    """Return ``x[key]`` for any key that NumPy accepts. The value of a mask must be known. Raise IndexingError."""
    x = as_tensor(x)
    keys = key if isinstance(key, tuple) else (key,)
    if not any(_is_array(k) or isinstance(k, (bool, np.bool_)) for k in keys):
        return _basic(x, keys)
    axis = _only_axis(x, keys)
    if axis is not None:
        return take_rows(x, keys[axis], axis)
    if any(_is_unknown(k) for k in keys):
        return _by_leading_arrays(x, keys)
    flat = flat_indices(x, keys)
    return gather(reshape(x, shape=(x.size,)), flat, axis=0)


def _basic(x: Tensor, keys: tuple[Any, ...]) -> Tensor:
    """Index by integers, slices, ``...`` and ``None``."""
    starts, steps, sizes, shape = [], [], [], []
    axis = 0
    for k in _expanded(x, keys):
        if k is None:
            shape.append(1)
            continue
        n = x.shape[axis]
        if isinstance(k, slice):
            start, stop, step = _slice(k, n)
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


def take_rows(x: Tensor, indices: Any, axis: int) -> Tensor:
    """Return rows along an axis by integers, negative ones from the end. Raise IndexingError if one is out of range."""
    picked = as_tensor(indices)
    if picked.level != dtypes.INTEGER and picked.size:
        raise IndexingError(f"An index array cannot have dtype {picked.dtype}. Give integers or booleans.")
    if not x.shape:
        raise IndexingError("A Tensor without axes cannot be indexed by an array. Reshape it first.")
    n = x.shape[axis]
    if picked.value is not None:
        low, high = np.min(picked.value, initial=0), np.max(picked.value, initial=-1)
        if low < -n or high >= n:
            worst = high if high >= n else low
            raise IndexingError(f"Index {worst:.0f} is out of range for axis {axis} of shape {x.shape}. Use -{n} to {n - 1}.")
    return gather(x, picked, axis=axis)


def flat_indices(x: Any, keys: tuple[Any, ...]) -> np.ndarray:
    """Return the positions of the elements of ``x[keys]`` in the flattened ``x``, by NumPy's own indexing."""
    known = tuple(np.asarray(k) if _is_array(k) else k for k in keys)
    known = tuple(k.astype(np.int64) if isinstance(k, np.ndarray) and k.size == 0 and k.dtype.kind == "f" else k for k in known)
    try:
        return np.arange(math.prod(x.shape)).reshape(x.shape)[known]
    except (IndexError, DeprecationWarning) as error:  # NumPy 2.0 warns about a wrong index that selects nothing
        raise IndexingError(f"The index does not fit shape {x.shape}: {error}. Change the index.") from None


def _by_leading_arrays(x: Tensor, keys: tuple[Any, ...]) -> Tensor:
    """Index the first axes by integers whose values are not yet known."""
    lead = math.prod(x.shape[: len(keys)])
    place = _leading_place(x, keys)
    return gather(reshape(x, shape=(lead, *x.shape[len(keys) :])), place, axis=0)


def _leading_place(x: Tensor, keys: tuple[Any, ...]) -> Any:
    """Return the positions in the flattened first axes, past the end if an index is out of range."""
    picked = [as_tensor(k) for k in keys if not isinstance(k, (slice, type(None), type(Ellipsis)))]
    if len(picked) != len(keys) or any(t.level != dtypes.INTEGER for t in picked) or len(keys) > x.ndim:
        raise TracingError(
            "An index whose values are not known yet must consist of integers for the first axes. "
            "Index in two steps, or use where() instead of a mask."
        )
    place: Any = 0
    for index, n in zip(picked, x.shape, strict=False):
        inside = (index >= -n) * (index < n)
        place = where(inside, place * n + where(index < 0, index + n, index), math.prod(x.shape[: len(keys)]))
    return place


class At:
    """``x.at[key]``: updated copies of an array, as in JAX."""

    def __init__(self, x: Any, keys: tuple[Any, ...] = ()) -> None:
        self._x = x
        self._keys = keys

    def __getitem__(self, key: Any) -> At:
        return At(self._x, key if isinstance(key, tuple) else (key,))

    def get(self) -> Tensor:
        """Return ``x[key]``."""
        return getitem(self._x, self._keys)

    def add(self, values: Any) -> Tensor:
        """Return a copy of ``x`` with ``values`` added at the key. Repeated elements are added repeatedly."""
        return _added(self._x, self._keys, values)

    def set(self, values: Any) -> Tensor:
        """Return a copy of ``x`` with ``values`` at the key. For repeated elements, the last value is used."""
        return _replaced(self._x, self._keys, values)


@public()
def _added(x: Any, keys: tuple[Any, ...], values: Any) -> Tensor:
    x, values = as_tensor(x), as_tensor(values)
    if any(_is_unknown(k) for k in keys):
        place, lead = as_tensor(_leading_place(x, keys)), math.prod(x.shape[: len(keys)])
        spread = _spread(values, place.shape + x.shape[len(keys) :])
        return add(x, reshape(scatter(spread, place, axis=0, rows=lead), shape=x.shape))
    flat = flat_indices(x, keys)
    spread = reshape(_spread(values, flat.shape), shape=(flat.size,))
    return add(x, reshape(scatter(spread, flat.ravel(), axis=0, rows=x.size), shape=x.shape))


@public()
def _replaced(x: Any, keys: tuple[Any, ...], values: Any) -> Tensor:
    x, values = as_tensor(x), as_tensor(values)
    if any(_is_unknown(k) for k in keys):
        raise TracingError(
            "at[].set() needs an index whose value is known, and this one is traced. Use where(), or add() of the difference."
        )
    flat = flat_indices(x, keys)
    spread = reshape(_spread(values, flat.shape), shape=(flat.size,))
    places, from_end = np.unique(flat.ravel()[::-1], return_index=True)
    hit = np.zeros(x.size, bool)
    hit[places] = True
    last = gather(spread, flat.size - 1 - from_end, axis=0)
    new = reshape(scatter(last, places, axis=0, rows=x.size), shape=x.shape)
    return where(hit.reshape(x.shape), new, x)


def _spread(values: Tensor, shape: Shape) -> Tensor:
    try:
        return values if values.shape == shape else broadcast_to(values, shape=shape)
    except ShapeError:
        raise ShapeError(
            f"at: values of shape {values.shape} do not broadcast to {shape}. Give one value, or one for each element."
        ) from None


def _is_array(key: Any) -> bool:
    """Return whether a key is an array, a list, or an integer Tensor, whose value need not be known."""
    return isinstance(key, (list, np.ndarray)) or (hasattr(key, "numpy") and not isinstance(key, np.generic))


def _is_unknown(key: Any) -> bool:
    """Return whether a key is a traced Tensor of integers."""
    if not hasattr(key, "numpy") or trace.current() is None:
        return False
    tensor = as_tensor(key)
    return tensor.value is None and tensor.level == dtypes.INTEGER


def _only_axis(x: Tensor, keys: tuple[Any, ...]) -> int | None:
    """Return the axis of the only key that is not ``:``, if it is an array of integers."""
    arrays = [i for i, k in enumerate(keys) if not (isinstance(k, slice) and k == slice(None))]
    if len(arrays) != 1 or not _is_array(keys[arrays[0]]) or len(keys) > x.ndim:
        return None
    kind = np.asarray(keys[arrays[0]]).dtype.kind if isinstance(keys[arrays[0]], list) else keys[arrays[0]].dtype.kind
    return arrays[0] if kind == "i" else None


def _expanded(x: Tensor, keys: tuple[Any, ...]) -> list[Any]:
    """Replace ``...`` with slices, so that there is one key per axis in addition to the Nones."""
    dots = [i for i, k in enumerate(keys) if k is Ellipsis]
    if len(dots) > 1:
        raise IndexingError("The index has more than one ellipsis. Keep one of them.")
    used = sum(1 for k in keys if k is not None and k is not Ellipsis)
    if used > x.ndim:
        raise IndexingError(f"There are {used} indices for a Tensor of shape {x.shape}. Give at most {x.ndim}.")
    rest = [slice(None)] * (x.ndim - used)
    at = dots[0] if dots else len(keys)
    return [*keys[:at], *rest, *keys[at + 1 :]]


def _slice(key: slice, n: int) -> tuple[int, int, int]:
    try:
        return key.indices(n)
    except (TypeError, ValueError) as error:
        raise IndexingError(f"{key} is not a valid slice: {error}. Use integers and a step other than 0.") from None


def _integer(x: Tensor, key: Any, axis: int) -> int:
    try:
        i = operator.index(key)
    except TypeError:
        raise IndexingError(
            f"{key!r} is not a valid index. Use integers, slices, None, an ellipsis or an array of integers."
        ) from None
    n = x.shape[axis]
    if not -n <= i < n:
        advice = f"Use -{n} to {n - 1}." if n else "It has no elements."
        raise IndexingError(f"Index {i} is out of range for axis {axis} of shape {x.shape}. {advice}")
    return i + n if i < 0 else i
