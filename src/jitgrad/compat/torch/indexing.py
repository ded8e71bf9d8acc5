"""Indexing, and the order of elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.compat.torch import return_types
from jitgrad.compat.torch.dtypes import INT64
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.numpy_names import numpy_names
from jitgrad.compat.torch.promotion import read
from jitgrad.compat.torch.tensor import Tensor, of_array, wrap
from jitgrad.compat.torch.views import view
from jitgrad.functions import cumulative, pairs, selection, shapes
from jitgrad.ops import elementwise as ew
from jitgrad.tape import dtypes
from jitgrad.tape.recording import here
from jitgrad.tape.tensor import Tensor as Plain
from jitgrad.tape.tensor import as_tensor, cast, known


def _key(key: Any) -> tuple[Any, bool]:
    """Convert a key for jitgrad, and return whether it is advanced indexing, which makes a copy rather than a view."""
    if isinstance(key, tuple):
        parts = [_key(k) for k in key]
        return tuple([k for k, _ in parts]), any(picks for _, picks in parts)
    if isinstance(key, Tensor):
        held = key._tensor._read()
        if held.level > dtypes.INTEGER:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors. Convert it with long().")
        return held, True
    if isinstance(key, (list, range, np.ndarray)):
        array = np.asarray([k.item() if isinstance(k, Tensor) else k for k in key] if isinstance(key, list) else key)
        return array.astype(INT64) if array.size == 0 else array, True
    if isinstance(key, bool):
        return np.asarray(key), True
    if isinstance(key, slice):
        ends = [end.item() if isinstance(end, Tensor) else end for end in (key.start, key.stop, key.step)]
        return slice(*ends), False
    return key, False


_NAMES = {int: "SelectBackward0", slice: "SliceBackward0", type(None): "UnsqueezeBackward0", type(Ellipsis): "AliasBackward0"}


def getitem(self: Tensor, key: Any) -> Tensor:
    """Return ``x[key]``: a view for integers and slices, a copy for tensors and lists."""
    at, picks = (key, False) if type(key) is int else _key(key)
    held = self._tensor
    now = None
    if isinstance(held, Plain) and held.gradient is None and not here.active:
        value = held.value
        if type(value) is np.ndarray and value.dtype is dtypes.DTYPE[held.level]:  # data only: nothing to record
            now = known(np.asarray(value[_values(at) if picks else at], order="C"), held.level)
    if picks:
        return wrap(held[at] if now is None else now, "IndexBackward0", self._integer)
    last = key[-1] if isinstance(key, tuple) and key else key
    return view(self, lambda x: x[at], _NAMES.get(type(last), "SelectBackward0"), now)


def _values(key: Any) -> Any:
    """Convert a key for NumPy."""
    if isinstance(key, tuple):
        return tuple([_values(k) for k in key])
    return np.asarray(key._value()) if isinstance(key, Plain) else key


def setitem(self: Tensor, key: Any, value: Any) -> None:
    """Assign in place: ``x[key] = value``."""
    at, _ = _key(key)
    held = self._tensor._read()
    new = cast(value._tensor._read() if isinstance(value, Tensor) else as_tensor(value), held.level)
    constant = held.gradient is None and new.gradient is None and not here.active
    if constant and held.value is not None and new.value is not None:
        array = np.array(held._value())
        try:
            array[_values(at)] = new._value()
        except ValueError as error:
            raise TorchError(f"shape mismatch: {error}. Give one value, or one for each element.") from None
        array.setflags(write=False)
        self._become(known(array, held.level))
    else:
        self._become(held.at[at].set(new), "CopySlices")


@numpy_names
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Take the elements along ``dim`` at the positions in ``index``."""
    x, places = read("gather", input), read("gather", index)
    if x.shape != places.shape:  # the other axes may be shorter
        keys = tuple(slice(None) if i == dim % len(x.shape) else slice(n) for i, n in enumerate(places.shape))
        x = x[keys]
    try:
        return wrap(selection.take_along_axis(x, places, dim), "GatherBackward0", input._integer)
    except IndexError as error:
        raise TorchError(f"gather: index out of bounds: {error}") from None


@numpy_names
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Like ``gather``, but the other axes broadcast."""
    x, places = read("take_along_dim", input), read("take_along_dim", indices)
    return wrap(selection.take_along_axis(x, places, dim), "GatherBackward0", input._integer)


def take(input: Tensor, index: Tensor) -> Tensor:
    """Take elements of the flattened tensor."""
    return wrap(selection.take(read("take", input), read("take", index)), "TakeBackward0", input._integer)


@numpy_names
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Take entries along ``dim`` by index."""
    return wrap(
        selection.take(read("index_select", input), read("index_select", index), dim), "IndexSelectBackward0", input._integer
    )


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """Return the elements selected by a mask, as a vector."""
    x = read("masked_select", input)
    where = shapes.broadcast_to(read("masked_select", mask), np.broadcast_shapes(x.shape, mask._tensor.shape))
    return wrap(shapes.broadcast_to(x, where.shape)[where], "MaskedSelectBackward0", input._integer)


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """Fill with ``value`` where a mask is true."""
    x = read("masked_fill", input)
    new = cast(value._tensor._read(), x.level) if isinstance(value, Tensor) else value
    return wrap(ew.where(read("masked_fill", mask), new, x), "MaskedFillBackward0", input._integer)


def _places(input: Tensor, dim: int, index: Tensor) -> tuple[Any, ...]:
    """Return NumPy keys for the positions in ``index`` along ``dim``."""
    places = np.atleast_1d(index._tensor._read()._value())
    keys: list[Any] = list(np.ogrid[tuple(slice(n) for n in places.shape)])
    keys[dim % len(keys)] = places
    return tuple(keys)


@numpy_names
def scatter(input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None) -> Tensor:
    """Write ``src`` to the positions in ``index`` along ``dim``."""
    return _scattered("scatter", input, dim, index, value if src is None else src, False)


@numpy_names
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Add ``src`` at the positions in ``index`` along ``dim``."""
    return _scattered("scatter_add", input, dim, index, src, True)


def _scattered(name: str, input: Tensor, dim: int, index: Tensor, src: Any, adds: bool) -> Tensor:
    x = read(name, input)
    new = src
    if isinstance(src, Tensor):
        if src.dtype is not input.dtype:
            raise TorchError(f"{name}(): Expected self.dtype to be equal to src.dtype. Convert src with to(self.dtype).")
        new = src._tensor[tuple(slice(n) for n in index._tensor.shape)]
    place = x.at[_places(input, dim, index)]
    return wrap(
        place.add(new) if adds else place.set(new), "ScatterAddBackward0" if adds else "ScatterBackward0", input._integer
    )


@numpy_names
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """Add entries of ``source`` to the entries at ``index`` along ``dim``."""
    keys = (slice(None),) * (dim % input.ndim) + (np.asarray(index._tensor._read()._value()),)
    return wrap(read("index_add", input).at[keys].add(source._tensor * alpha), "IndexAddBackward0", input._integer)


@numpy_names
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """Fill the entries at ``index`` along ``dim`` with ``value``."""
    keys = (slice(None),) * (dim % input.ndim) + (np.asarray(index._tensor._read()._value()),)
    return wrap(read("index_fill", input).at[keys].set(value), "IndexFillBackward0", input._integer)


@numpy_names
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Replace the entries at ``index`` along ``dim`` with entries of ``source``."""
    keys = (slice(None),) * (dim % input.ndim) + (np.asarray(index._tensor._read()._value()),)
    return wrap(read("index_copy", input).at[keys].set(source._tensor), "IndexCopyBackward0", input._integer)


@numpy_names
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """Return the elements sorted along ``dim``, and their indices. The sort is stable."""
    x = read("sort", input)
    values, places = pairs.ordered(x, axis=dim, descending=descending)
    return return_types.sort(wrap(values, "SortBackward0", input._integer), wrap(places))


@numpy_names
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """Return the indices that sort the elements along ``dim``."""
    x = read("argsort", input)
    return wrap(selection.argsort(-x if descending else x, dim))


def msort(input: Tensor) -> Tensor:
    """Sort along the first axis."""
    values: Tensor = sort(input, 0)[0]
    return values


@numpy_names
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """Return the ``k`` largest or smallest elements along ``dim``, and their indices."""
    x = read("topk", input)
    if not 0 <= k <= (x.shape[dim] if x.shape else 1):
        raise TorchError(
            f"selected index k out of range: k is {k} for shape {list(x.shape)}. Give at most the size of the axis."
        )
    values, places = pairs.top(x, k=k, axis=dim, descending=largest)
    return return_types.topk(wrap(values, "TopkBackward0", input._integer), wrap(places))


def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Return the sorted distinct values and, optionally, the inverse indices and the counts."""
    value = np.asarray(read("unique", input)._read()._value())
    found = np.unique(value, return_inverse=True, return_counts=True, axis=dim)
    results = [
        of_array(found[0], input.dtype),
        of_array(found[1].reshape(value.shape if dim is None else -1)),
        of_array(found[2]),
    ]
    kept = [r for r, wanted in zip(results, (True, return_inverse, return_counts), strict=True) if wanted]
    return kept[0] if len(kept) == 1 else tuple(kept)


def unique_consecutive(input: Tensor) -> Tensor:
    """Return one element for each run of equal elements."""
    value = np.asarray(read("unique_consecutive", input)._read()._value()).ravel()
    return of_array(value[np.r_[True, value[1:] != value[:-1]][: value.size]], input.dtype)


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Return the indices of the nonzero elements as a matrix with one per row, or as one tensor per axis."""
    found = np.nonzero(np.asarray(read("nonzero", input)._read()._value()))
    return tuple(of_array(places) for places in found) if as_tuple else of_array(np.stack(found, 1).astype(INT64))


argwhere = nonzero


def searchsorted(sorted_sequence: Tensor, input: Any, *, right: bool = False, side: str | None = None) -> Tensor:
    """Return the insertion points of values in a sorted sequence."""
    row = np.asarray(read("searchsorted", sorted_sequence)._read()._value())
    values = input.numpy(force=True) if isinstance(input, Tensor) else input
    if row.ndim != 1:
        raise TorchError(
            f"searchsorted: sorted_sequence has shape {list(row.shape)}, but jitgrad supports only a vector. Give a vector."
        )
    return of_array(np.searchsorted(row, values, "right" if right or side == "right" else "left"))


def bucketize(input: Any, boundaries: Tensor, *, right: bool = False) -> Tensor:
    """Return the index of the bucket of each value, for ascending boundaries."""
    return searchsorted(boundaries, input, right=right)


def isin(elements: Tensor, test_elements: Tensor) -> Tensor:
    """Return whether each element is in a set of values."""
    return of_array(np.isin(elements.numpy(force=True), test_elements.numpy(force=True)))


@numpy_names
def diff(input: Tensor, n: int = 1, dim: int = -1) -> Tensor:
    """Return the ``n``-th differences along ``dim``."""
    return wrap(cumulative.diff(read("diff", input), n, dim), "SubBackward0", input._integer)


for _name, _method in {"__getitem__": getitem, "__setitem__": setitem}.items():
    setattr(Tensor, _name, _method)
