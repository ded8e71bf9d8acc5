"""Access to elements by indices: gathering, scattering, masks, segments."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.arguments import integer, integers, named, sizes
from jitgrad.compat.tensorflow.dtypes import as_dtype
from jitgrad.compat.tensorflow.errors import InvalidArgumentError
from jitgrad.compat.tensorflow.operands import agreed, wrapped_around
from jitgrad.compat.tensorflow.tensor import Held, Tensor, convert, made, wrap_array
from jitgrad.functions import selection
from jitgrad.functions import shapes as library
from jitgrad.functions.axes import axis_of
from jitgrad.ops import elementwise as ew
from jitgrad.ops import linear
from jitgrad.tape.indexing import At, getitem
from jitgrad.tape.tensor import Tensor as Value


def nonzero(condition: Tensor) -> Tensor:
    """Return the indices of the true elements, one row per element."""
    return wrap_array(np.argwhere(condition.numpy()))


def _rows(indices: Any, n: int, op: str) -> Any:
    """Return row indices. Raises InvalidArgumentError if a known one is out of bounds."""
    found = convert(indices)
    plain = found._read()
    if plain.value is not None or plain.group is None:
        known = np.asarray(plain.value) if plain.value is not None else None
        if known is not None and known.size and (known.min() < 0 or known.max() >= n):
            flat = known.ravel()
            bad = int(np.flatnonzero((flat < 0) | (flat >= n))[0])
            raise InvalidArgumentError(f"indices[{bad}] = {int(flat[bad])} is not in [0, {n}) [Op:{op}]. Use 0 to {n - 1}.")
    return plain


@named("GatherV2")
def gather(
    params: Any, indices: Any, validate_indices: Any = None, axis: Any = None, batch_dims: int = 0, name: str | None = None
) -> Tensor:
    """Take slices along an axis at the given indices."""
    x = convert(params)
    at = integer(batch_dims) if axis is None else integer(axis)
    if isinstance(x, Held):
        return Held(np.take(x.numpy(), integers(indices), at))
    plain = x._read()
    at = axis_of("gather", at, plain.ndim)
    rows = _rows(indices, plain.shape[at], "GatherV2")
    if not batch_dims:
        return made(selection.take(plain, rows, at), x._integer)
    return made(_batched_gather(plain, rows, at, batch_dims % max(rows.ndim, 1)), x._integer)


def _batched_gather(x: Value, rows: Value, axis: int, batch: int) -> Any:
    """Gather with separate indices for each position of the leading axes."""
    moved = library.moveaxis(x, axis, batch)
    lead, n, rest = moved.shape[:batch], moved.shape[batch], moved.shape[batch + 1 :]
    count = math.prod(lead)
    flat = library.reshape(moved, (count * n, *rest))
    offset = np.arange(count).reshape(*lead, *(1,) * (rows.ndim - batch)) * n
    taken = selection.take(flat, rows + offset, 0)
    between = axis - batch
    own = rows.ndim - batch
    order = [
        *range(batch), *range(batch + own, batch + own + between), *range(batch, batch + own),
        *range(batch + own + between, taken.ndim),
    ]  # fmt: skip
    return library.transpose(taken, order)


def _flat(indices: Any, shape: tuple[int, ...], op: str) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return the flat positions that rows of indices refer to, and the sizes of the remaining axes."""
    places = integers(indices)
    depth = places.shape[-1] if places.ndim else 0
    if not places.ndim or depth > len(shape):
        raise InvalidArgumentError(
            f"index innermost dimension length must be <= params rank; saw: {depth} vs. {len(shape)} [Op:{op}]."
        )
    lead = shape[:depth]
    outside = (places < 0) | (places >= np.array(lead, np.int64))
    if outside.any():
        bad = places.reshape(-1, depth)[np.flatnonzero(outside.reshape(-1, depth).any(-1))[0]].tolist()
        raise InvalidArgumentError(f"indices = {bad} does not index into param shape {list(shape)} [Op:{op}]. Change it.")
    strides = [math.prod(lead[i + 1 :]) for i in range(depth)]
    return (places * np.array(strides, np.int64)).sum(-1), shape[depth:]


@named("GatherNd")
def gather_nd(params: Any, indices: Any, batch_dims: int = 0, name: str | None = None) -> Tensor:
    """Take elements or slices at rows of indices into the first axes."""
    x = convert(params)
    if batch_dims:
        places = integers(indices)
        lead = np.indices(places.shape[:batch_dims]).reshape(batch_dims, -1).T
        lead = lead.reshape(*places.shape[:batch_dims], *(1,) * (places.ndim - batch_dims - 1), batch_dims)
        indices = np.concatenate([np.broadcast_to(lead, (*places.shape[:-1], batch_dims)), places], -1)
    flat, rest = _flat(indices, x._plain_shape, "GatherNd")
    if isinstance(x, Held):
        return Held(np.asarray(x.numpy().reshape(-1, *rest)[flat]))
    plain = x._read()
    rows = library.reshape(plain, (-1, *rest)) if plain.size else plain
    return made(selection.take(rows, flat, 0), x._integer)


@named("ScatterNd")
def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Return zeros of a shape with updates added at rows of indices."""
    values, wanted = convert(updates), sizes(shape)
    flat, rest = _flat(indices, wanted, "ScatterNd")
    spread = library.broadcast_to(values._read(), flat.shape + rest)
    rows = library.reshape(spread, (flat.size, *rest))
    total = math.prod(wanted) // max(math.prod(rest), 1)
    placed = linear.scatter(rows, flat.ravel(), axis=0, rows=total)
    return made(wrapped_around(library.reshape(placed, wanted), values._integer), values._integer)


def _updated(op: str, how: Callable[[Value, tuple[np.ndarray, ...], Value], Any], doc: str) -> Callable[..., Tensor]:
    @named(op)
    def function(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        x, values = agreed(op, (tensor, updates))
        places = integers(indices)
        flat, rest = _flat(places, x._plain_shape, op)
        if values._plain_shape != flat.shape + rest and values._plain_shape:
            raise InvalidArgumentError(
                f"The updates have shape {values.shape}, not {flat.shape + rest} [Op:{op}]. Reshape them."
            )
        keys = tuple(np.moveaxis(places, -1, 0))
        return made(wrapped_around(how(x._read(), keys, values._read()), x._integer), x._integer)

    function.__doc__ = doc
    return function


def _extreme(f: Any) -> Callable[[Value, tuple[np.ndarray, ...], Value], Any]:
    """Return the larger or smaller of the elements and the updates; each position may occur only once."""

    def how(x: Value, keys: tuple[np.ndarray, ...], values: Value) -> Any:
        rows = np.stack([key.ravel() for key in keys], -1)
        if len(np.unique(rows, axis=0)) < len(rows):
            raise InvalidArgumentError("An index occurs twice, which jitgrad does not support here. Give each index once.")
        return At(x)[keys].set(f(getitem(x, keys), values))

    return how


tensor_scatter_nd_update = _updated(
    "TensorScatterUpdate", lambda x, keys, values: At(x)[keys].set(values), "``tensor`` with updates where indices say."
)
tensor_scatter_nd_add = _updated(
    "TensorScatterAdd", lambda x, keys, values: At(x)[keys].add(values), "``tensor`` with updates added where indices say."
)
tensor_scatter_nd_sub = _updated(
    "TensorScatterSub", lambda x, keys, values: At(x)[keys].add(-values), "``tensor`` with updates subtracted there."
)
tensor_scatter_nd_max = _updated("TensorScatterMax", _extreme(ew.maximum), "The larger of ``tensor`` and updates there.")
tensor_scatter_nd_min = _updated("TensorScatterMin", _extreme(ew.minimum), "The smaller of ``tensor`` and updates there.")


@named("BooleanMask")
def boolean_mask(tensor: Any, mask: Any, axis: Any = None, name: str = "boolean_mask") -> Tensor:
    """Take the elements or slices for which the mask is true."""
    x, holds = convert(tensor), np.asarray(convert(mask).numpy())
    at = 0 if axis is None else integer(axis)
    if x._plain_shape[at : at + holds.ndim] != holds.shape:
        raise InvalidArgumentError(f"Shapes {x.shape} and {holds.shape} are incompatible [Op:BooleanMask]. Mask leading axes.")
    keys = (*(slice(None),) * at, holds)
    return Held(x.numpy()[keys]) if isinstance(x, Held) else made(getitem(x._read(), keys), x._integer)


def searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = dtypes.int32, name: str | None = None
) -> Tensor:
    """Return the insertion positions of values in sorted rows."""
    rows, wanted = np.asarray(convert(sorted_sequence).numpy()), np.asarray(convert(values).numpy())
    if rows.ndim == 1:
        return wrap_array(np.searchsorted(rows, wanted, side), as_dtype(out_type))  # type: ignore[call-overload]
    pairs = zip(rows.reshape(-1, rows.shape[-1]), wanted.reshape(-1, wanted.shape[-1]), strict=True)
    found = np.array([np.searchsorted(row, value, side) for row, value in pairs])  # type: ignore[call-overload]
    return wrap_array(found.reshape(wanted.shape), as_dtype(out_type))


def _segments(op: str, how: str) -> Callable[..., Tensor]:
    def function(data: Any, segment_ids: Any, num_segments: Any = None, name: str | None = None) -> Tensor:
        x, ids = convert(data), integers(segment_ids)
        count = int(ids.max(initial=-1)) + 1 if num_segments is None else integer(num_segments)
        plain = x._read()
        rows = library.reshape(plain, (ids.size, *plain.shape[ids.ndim :]))
        kept = np.flatnonzero((ids.ravel() >= 0) & (ids.ravel() < count))
        total = linear.scatter(selection.take(rows, kept, 0), ids.ravel()[kept], axis=0, rows=count)
        if how == "mean":
            counts = np.maximum(np.bincount(ids.ravel()[kept], minlength=count), 1)
            total = total / counts.reshape(-1, *(1,) * (total.ndim - 1)).astype(float)
        return made(total, x._integer)

    function.__doc__ = f"The {how} of the rows of each segment."
    return named(op)(function)


segment_sum, segment_mean = _segments("SegmentSum", "sum"), _segments("SegmentMean", "mean")
unsorted_segment_sum = _segments("UnsortedSegmentSum", "sum")
unsorted_segment_mean = _segments("UnsortedSegmentMean", "mean")


def bincount(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: Any = dtypes.int32,
    name: str | None = None, axis: Any = None, binary_output: bool = False,
) -> Tensor:  # fmt: skip
    """Count the occurrences of each integer in ``arr``, starting with 0."""
    values = integers(arr).ravel()
    given = None if weights is None else np.asarray(convert(weights).numpy()).ravel()
    counts = np.bincount(values, given, 0 if minlength is None else integer(minlength))
    counts = counts if maxlength is None else counts[: integer(maxlength)]
    return wrap_array(counts, as_dtype(dtype) if weights is None else convert(weights).dtype)


@named("ConfusionMatrix")
def confusion_matrix(
    labels: Any, predictions: Any, num_classes: Any = None, weights: Any = None, dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Return the confusion matrix, with a row per label and a column per predicted class."""
    truth, said = integers(labels).ravel(), integers(predictions).ravel()
    n = int(max(truth.max(initial=0), said.max(initial=0))) + 1 if num_classes is None else integer(num_classes)
    if truth.size and (max(truth.max(), said.max()) >= n or min(truth.min(), said.min()) < 0):
        raise InvalidArgumentError(
            f"A label is out of bound: classes are 0 to {n - 1} [Op:ConfusionMatrix]. Give more classes."
        )
    given = np.ones(truth.size) if weights is None else np.asarray(convert(weights).numpy()).ravel()
    matrix = np.bincount(truth * n + said, given, n * n).reshape(n, n)
    return wrap_array(matrix, as_dtype(dtype))


__all__ = [
    "boolean_mask", "gather", "gather_nd", "scatter_nd", "searchsorted", "tensor_scatter_nd_add", "tensor_scatter_nd_max",
    "tensor_scatter_nd_min", "tensor_scatter_nd_sub", "tensor_scatter_nd_update",
]  # fmt: skip
