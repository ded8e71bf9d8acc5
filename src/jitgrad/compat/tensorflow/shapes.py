"""Functions that change shapes: joining, cutting, repeating and sorting."""

from __future__ import annotations

import builtins
import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.arguments import axes, integer, integers, named, sizes
from jitgrad.compat.tensorflow.dtypes import as_dtype
from jitgrad.compat.tensorflow.errors import InvalidArgumentError
from jitgrad.compat.tensorflow.operands import agreed
from jitgrad.compat.tensorflow.shape import TensorShape
from jitgrad.compat.tensorflow.tensor import INT32, Held, Tensor, convert, made, wrap_array
from jitgrad.functions import joining, rearranging, selection
from jitgrad.functions import shapes as library
from jitgrad.functions.axes import axis_of
from jitgrad.tape.operators import Operators


@named("Reshape")
def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """Change the shape; one size may be -1."""
    x, wanted = convert(tensor), sizes(shape)
    if isinstance(x, Held):
        return Held(x.numpy().reshape(wanted))
    n = x._read().size
    if -1 not in wanted and math.prod(wanted) != n:
        raise InvalidArgumentError(
            f"Input to reshape is a tensor with {n} values, but the requested shape has {math.prod(wanted)} [Op:Reshape]. "
            f"Give as many elements."
        )
    return made(library.reshape(x._read(), wanted), x._integer)


@named("Transpose")
def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str = "transpose") -> Tensor:
    """Permute the axes; by default reverse them."""
    x = convert(a)
    return made(library.transpose(x._read(), None if perm is None else sizes(perm)), x._integer)


@named("ExpandDims")
def expand_dims(input: Any, axis: Any, name: str | None = None) -> Tensor:
    """Insert an axis of size 1."""
    x = convert(input)
    return made(library.expand_dims(x._read(), integer(axis)), x._integer)


@named("Squeeze")
def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Remove axes of size 1: all, or the given ones."""
    x = convert(input)
    return made(library.squeeze(x._read(), axes(axis)), x._integer)


@named("BroadcastTo")
def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """Broadcast along axes of size 1 and new leading axes."""
    x = convert(input)
    return made(library.broadcast_to(x._read(), sizes(shape)), x._integer)


@named("ConcatV2")
def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """Concatenate tensors along an axis."""
    given = list(values) if isinstance(values, (list, tuple)) else [values]
    if any(isinstance(value, Held) for value in given):
        return Held(np.concatenate([convert(value).numpy() for value in given], integer(axis)))
    tensors = agreed("ConcatV2", given)
    return made(joining.concatenate([t._read() for t in tensors], integer(axis)), tensors[0]._integer)


@named("Pack")
def stack(values: Any, axis: Any = 0, name: str = "stack") -> Tensor:
    """Stack tensors along a new axis. Python numbers become floats if one of them is a float."""
    given = list(values)
    if not any(isinstance(value, (Operators, np.ndarray, np.generic)) for value in given):
        x = convert(given)  # of Python numbers
        given = [x] if isinstance(x, Held) else [made(x._read()[i], x._integer) for i in builtins.range(len(given))]
    if any(isinstance(value, Held) for value in given):
        return Held(np.stack([np.asarray(convert(value).numpy()) for value in given], integer(axis)))
    tensors = agreed("Pack", given)
    return made(joining.stack([t._read() for t in tensors], integer(axis)), tensors[0]._integer)


@named("Unpack")
def unstack(value: Any, num: Any = None, axis: Any = 0, name: str = "unstack") -> list[Tensor]:
    """Return the slices along an axis."""
    x = convert(value)
    plain = x._read()
    at = axis_of("unstack", integer(axis), plain.ndim)
    before = (slice(None),) * at
    return [made(plain[(*before, i)], x._integer) for i in builtins.range(plain.shape[at])]


@named("Split")
def split(value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None, name: str = "split") -> list[Tensor]:
    """Split along an axis into equal parts, or into parts of given sizes, one of which may be -1."""
    x = convert(value)
    plain = x._read()
    at = axis_of("split", integer(axis), plain.ndim)
    n = plain.shape[at]
    if isinstance(num_or_size_splits, int) or np.ndim(num_or_size_splits) == 0:
        count = integer(num_or_size_splits)
        if count < 1 or n % count:
            raise InvalidArgumentError(
                f"Number of ways to split should evenly divide the split dimension, but got split_dim {at} (size = {n}) and "
                f"num_split {count} [Op:Split]. Give the sizes of the parts."
            )
        parts = [n // count] * count
    else:
        parts = list(sizes(num_or_size_splits))
        rest = n - sum(p for p in parts if p >= 0)
        parts = [rest if p < 0 else p for p in parts]
        if sum(parts) != n or rest < 0:
            raise InvalidArgumentError(
                f"Determined shape must have sizes that sum to {n}, got {parts} [Op:SplitV]. Change them."
            )
    ends = np.cumsum([0, *parts]).tolist()
    before = (slice(None),) * at
    return [made(plain[(*before, slice(a, b))], x._integer) for a, b in itertools.pairwise(ends)]


@named("Tile")
def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """Repeat the tensor along each axis."""
    x = convert(input)
    return made(rearranging.tile(x._read(), sizes(multiples)), x._integer)


@named("Repeat")
def repeat(input: Any, repeats: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Repeat each element ``repeats`` times, or the number of times given for it in ``repeats``."""
    x = convert(input)
    counts = integers(repeats)
    times: Any = counts.ravel().tolist()
    return made(
        rearranging.repeat(x._read(), times[0] if len(times) == 1 else times, None if axis is None else integer(axis)),
        x._integer,
    )


@named("Pad")
def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None) -> Tensor:
    """Pad each axis with a constant or by reflection."""
    x = convert(tensor)
    kinds = {"CONSTANT": "constant", "REFLECT": "reflect", "SYMMETRIC": "symmetric"}
    if mode.upper() not in kinds:
        raise InvalidArgumentError(f"Value of argument mode: {mode!r} is not one of {list(kinds)}. Use one of them.")
    value = np.asarray(convert(constant_values, x.dtype if not isinstance(constant_values, Operators) else None).numpy()).item()
    return made(rearranging.pad(x._read(), integers(paddings), kinds[mode.upper()], constant_values=value), x._integer)


@named("Roll")
def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """Shift elements cyclically along axes."""
    x = convert(input)
    return made(rearranging.roll(x._read(), axes(shift), axes(axis)), x._integer)


@named("ReverseV2")
def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """Reverse the order along axes."""
    x = convert(tensor)
    return made(rearranging.flip(x._read(), axes(axis)), x._integer)


@named("Sort")
def sort(values: Any, axis: Any = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """Sort along an axis."""
    x = convert(values)
    found = selection.sort(x._read(), integer(axis))
    return made(rearranging.flip(found, integer(axis)) if _descends(direction) else found, x._integer)


@named("ArgSort")
def argsort(values: Any, axis: Any = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None) -> Tensor:
    """Return the indices that sort along an axis."""
    plain = convert(values)._read()
    return made(selection.argsort(-plain if _descends(direction) else plain, integer(axis)))


def _descends(direction: str) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise InvalidArgumentError(f"Unsupported direction {direction!r}. Use 'ASCENDING' or 'DESCENDING'.")
    return direction == "DESCENDING"


class TopKV2(NamedTuple):
    """The result of ``top_k``."""

    values: Tensor
    indices: Tensor


@named("TopKV2")
def top_k(input: Any, k: Any = 1, sorted: bool = True, index_type: Any = dtypes.int32, name: str | None = None) -> TopKV2:
    """Return the ``k`` largest elements along the last axis in descending order, and their indices."""
    x = convert(input)
    values, places = selection.top_k(x._read(), integer(k))
    return TopKV2(made(values, x._integer), made(places, as_dtype(index_type).dtype))


@named("InTopKV2")
def in_top_k(targets: Any, predictions: Any, k: Any, name: str | None = None) -> Tensor:
    """Return whether each target is among the ``k`` largest predictions of its row."""
    scores, wanted = convert(predictions)._read(), convert(targets)._read()
    own = selection.take_along_axis(scores, library.expand_dims(wanted, -1), -1)
    from jitgrad.functions.reductions import sum as total

    return made(total(scores > own, axis=-1) < integer(k))


class Unique(NamedTuple):
    """The result of ``unique``."""

    y: Tensor
    idx: Tensor


class UniqueWithCounts(NamedTuple):
    """The result of ``unique_with_counts``."""

    y: Tensor
    idx: Tensor
    count: Tensor  # type: ignore[assignment]


def _unique(x: Any, out_idx: Any) -> tuple[Tensor, Tensor, Tensor]:
    tensor = convert(x)
    _, first, places, counts = np.unique(tensor.numpy(), return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)  # in order of first appearance
    new = np.empty_like(order)
    new[order] = np.arange(len(order))
    kind = as_dtype(out_idx)
    return wrap_array(tensor.numpy()[first[order]]), wrap_array(new[places], kind), wrap_array(counts[order], kind)


def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Unique:
    """Return the distinct elements of a vector in order of appearance, and the index of each element among them."""
    return Unique(*_unique(x, out_idx)[:2])


def unique_with_counts(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> UniqueWithCounts:
    """Return the result of ``unique``, and the count of each distinct element."""
    return UniqueWithCounts(*_unique(x, out_idx))


@named("Meshgrid")
def meshgrid(*args: Any, indexing: str = "xy", name: str = "meshgrid") -> list[Tensor]:
    """Return the coordinates of a grid that has an axis for each vector."""
    tensors = [convert(x) for x in args]
    grids = library.meshgrid(*[t._read() for t in tensors], indexing=indexing)
    return [made(grid, t._integer) for grid, t in zip(grids, tensors, strict=True)]


@named("Slice")
def slice_(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """Return ``size`` elements from ``begin`` along each axis; -1 for all remaining ones."""
    x = convert(input_)
    starts, counts = sizes(begin), sizes(size)
    for at, (start, count, n) in enumerate(zip(starts, counts, x._plain_shape, strict=True)):
        if not 0 <= start <= n or (count != -1 and start + count > n):
            raise InvalidArgumentError(
                f"Expected begin[{at}] in [0, {n}] and size[{at}] within it, but got {start} and {count} [Op:Slice]."
            )
    keys = tuple(slice(start, None if count == -1 else start + count) for start, count in zip(starts, counts, strict=True))
    return x[keys]


def strided_slice(
    input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0, end_mask: int = 0, ellipsis_mask: int = 0,
    new_axis_mask: int = 0, shrink_axis_mask: int = 0, var: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Return ``x[begin:end:strides]``. The bits of the masks change their meaning for individual axes."""
    first, last = sizes(begin), sizes(end)
    steps = (1,) * len(first) if strides is None else sizes(strides)
    keys: list[Any] = []
    for i, (a, b, step) in enumerate(zip(first, last, steps, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            keys.append(Ellipsis)
        elif new_axis_mask & bit:
            keys.append(None)
        elif shrink_axis_mask & bit:
            keys.append(a)
        else:
            keys.append(slice(None if begin_mask & bit else a, None if end_mask & bit else b, step))
    return convert(input_)[tuple(keys)]


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """Return the shape to which two shapes broadcast."""
    try:
        return TensorShape(np.broadcast_shapes(tuple(shape_x), tuple(shape_y)))
    except ValueError:
        raise InvalidArgumentError(
            f"Incompatible shapes for broadcasting: {shape_x} and {shape_y}. Reshape one of them."
        ) from None


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """Return the shape to which two shapes broadcast, as a tensor."""
    return wrap_array(np.array(broadcast_static_shape(sizes(shape_x), sizes(shape_y)), INT32))


__all__ = [
    "argsort", "broadcast_dynamic_shape", "broadcast_static_shape", "broadcast_to", "concat", "expand_dims", "meshgrid", "pad",
    "repeat", "reshape", "reverse", "roll", "sort", "split", "squeeze", "stack", "strided_slice", "tile", "transpose", "unique",
    "unique_with_counts", "unstack",
]  # fmt: skip
