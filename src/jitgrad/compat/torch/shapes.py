"""Functions that change shapes. Results that only rearrange elements are views, which change along with their tensor."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.numpy_names import numpy_names
from jitgrad.compat.torch.promotion import read, result_type
from jitgrad.compat.torch.tensor import Tensor, wrap
from jitgrad.compat.torch.views import view as viewed
from jitgrad.functions import create, diagonals, joining, rearranging
from jitgrad.functions import shapes as lib
from jitgrad.tape.tensor import cast

_whole = slice(None)


def _dim(name: str, dim: int, ndim: int) -> int:
    """Return an axis as a nonnegative number."""
    n = max(ndim, 1)
    if not -n <= dim < n:
        raise IndexError(
            f"{name}: Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim}). Change it."
        )
    return dim % n


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """Return the elements in another shape; one size may be -1, and is then inferred."""
    return _reshaped("reshape", input, shape[0] if len(shape) == 1 else shape, "ViewBackward0")


def view(input: Tensor, *shape: Any) -> Tensor:
    """Like ``reshape``; for a dtype, like ``to``."""
    return _reshaped("view", input, shape[0] if len(shape) == 1 else shape, "ViewBackward0")


def _reshaped(name: str, input: Tensor, shape: Any, backward: str) -> Tensor:
    old = read(name, input).shape
    new = tuple([int(n) for n in shape]) if isinstance(shape, (tuple, list)) else (int(shape),)
    if -1 in new:
        rest = -math.prod(new)
        if new.count(-1) > 1 or rest <= 0 or math.prod(old) % rest:
            raise TorchError(
                f"shape '{list(new)}' is invalid for input of size {math.prod(old)}. Give sizes that multiply to it."
            )
        new = tuple([math.prod(old) // rest if n == -1 else n for n in new])
    elif math.prod(new) != math.prod(old):
        raise TorchError(f"shape '{list(new)}' is invalid for input of size {math.prod(old)}. Give sizes that multiply to it.")
    return viewed(input, lambda x: lib.reshape(x, new), backward)


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """Reshape to the shape of another tensor."""
    return view(input, other.shape)


reshape_as = view_as


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Flatten the axes from ``start_dim`` to ``end_dim``."""
    shape = read("flatten", input).shape or (1,)
    first, last = _dim("flatten", start_dim, len(shape)), _dim("flatten", end_dim, len(shape))
    if first == last and input._tensor.shape:
        return input
    if first > last:
        raise TorchError("flatten() has invalid args: start_dim cannot come after end_dim. Give them in order.")
    return _reshaped(
        "flatten", input, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]), "ViewBackward0"
    )


def ravel(input: Tensor) -> Tensor:
    """Return all elements as a vector."""
    return flatten(input)


def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """Split an axis into several."""
    shape = read("unflatten", input).shape
    at = _dim("unflatten", dim, len(shape))
    rest = -math.prod(sizes) if -1 in sizes else 1
    inner = tuple(shape[at] // rest if n == -1 else n for n in sizes)
    return _reshaped("unflatten", input, (*shape[:at], *inner, *shape[at + 1 :]), "ViewBackward0")


def permute(input: Tensor, *dims: Any) -> Tensor:
    """Permute the axes."""
    order = tuple(dims[0]) if len(dims) == 1 and not isinstance(dims[0], int) else dims
    return viewed(input, lambda x: lib.transpose(x, order), "PermuteBackward0")


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Swap two axes."""
    ndim = len(read("transpose", input).shape)
    a, b = _dim("transpose", dim0, ndim), _dim("transpose", dim1, ndim)
    return viewed(input, lambda x: lib.swapaxes(x, a, b) if ndim else x._read(), "TransposeBackward0")


swapaxes = swapdims = transpose


def t(input: Tensor) -> Tensor:
    """Transpose a matrix; a vector is returned unchanged."""
    ndim = len(read("t", input).shape)
    if ndim > 2:
        raise TorchError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D. Use permute() or mT.")
    return viewed(input, lambda x: lib.transpose(x), "TBackward0")


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Move axes to other positions."""
    return viewed(input, lambda x: lib.moveaxis(x, source, destination), "PermuteBackward0")


moveaxis = movedim


@numpy_names
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Remove axes of size 1: all of them, or the ones given by ``dim``."""
    shape = read("squeeze", input).shape
    dims = (
        range(len(shape))
        if dim is None
        else [_dim("squeeze", d, len(shape)) for d in (dim if isinstance(dim, tuple) else (dim,))]
    )
    new = tuple([n for i, n in enumerate(shape) if n != 1 or i not in dims])
    return viewed(input, lambda x: lib.reshape(x, new), "SqueezeBackward0" if dim is None else "SqueezeBackward1")


@numpy_names
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Insert an axis of size 1 at ``dim``."""
    shape = read("unsqueeze", input).shape
    at = _dim("unsqueeze", dim, len(shape) + 1)
    return viewed(input, lambda x: lib.reshape(x, (*shape[:at], 1, *shape[at:])), "UnsqueezeBackward0")


def expand(input: Tensor, *sizes: Any) -> Tensor:
    """Broadcast axes of size 1 to ``sizes`` without a copy; -1 keeps a size."""
    wanted = sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
    shape = read("expand", input).shape
    own = (1,) * (len(wanted) - len(shape)) + shape
    new = tuple([m if n == -1 else int(n) for n, m in zip(wanted, own, strict=False)])
    if len(wanted) < len(shape) or any(m not in (1, n) for n, m in zip(new, own, strict=True)):
        raise TorchError(
            f"The expanded size of the tensor {list(wanted)} must match the existing size {list(shape)} at each axis that is "
            f"not 1. Give such sizes."
        )
    return viewed(input, lambda x: lib.broadcast_to(x, new), "ExpandBackward0")


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Expand to the shape of another tensor."""
    return expand(input, *other.shape)


def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """Like ``expand``."""
    return expand(input, *size)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Broadcast tensors to their common shape."""
    shape = np.broadcast_shapes(*[x._tensor.shape for x in tensors])
    return tuple(expand(x, *shape) for x in tensors)


@numpy_names
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """Return ``length`` entries along ``dim``, beginning at ``start``."""
    at = _dim("narrow", dim, len(read("narrow", input).shape))
    size = input._tensor.shape[at]
    if not 0 <= start % max(size, 1) + length <= size:
        raise TorchError(f"start ({start}) + length ({length}) exceeds dimension size ({size}). Choose a range within it.")
    begin = start + size if start < 0 else start
    keys = (_whole,) * at + (slice(begin, begin + length),)
    return viewed(input, lambda x: x[keys], "SliceBackward0")


@numpy_names
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Return one entry along ``dim``."""
    at = _dim("select", dim, len(read("select", input).shape))
    return viewed(input, lambda x: x[(_whole,) * at + (index,)], "SelectBackward0")


@numpy_names
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return all entries along ``dim``."""
    at = _dim("unbind", dim, len(read("unbind", input).shape))
    return tuple([viewed(input, _entry(at, i), "UnbindBackward0") for i in range(input._tensor.shape[at])])


def _entry(at: int, i: int) -> Any:
    keys = (_whole,) * at + (i,)
    return lambda x: x[keys]


def _part(at: int, start: int, stop: int) -> Any:
    keys = (_whole,) * at + (slice(start, stop),)
    return lambda x: x[keys]


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Split into parts of one size, with a smaller last part if necessary, or of the given sizes."""
    at = _dim("split", dim, len(read("split", tensor).shape))
    n = tensor._tensor.shape[at]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        bounds = [*range(0, n, size), n] if n else [0, 0]
    else:
        bounds = [0, *np.cumsum(split_size_or_sections).tolist()]
        if bounds[-1] != n:
            raise TorchError(f"split_with_sizes expects split_sizes to sum exactly to {n}, but got {split_size_or_sections}.")
    name = "SplitBackward0" if isinstance(split_size_or_sections, int) else "SplitWithSizesBackward0"
    return tuple([viewed(tensor, _part(at, a, b), name) for a, b in itertools.pairwise(bounds)])


@numpy_names
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Split into at most ``chunks`` parts of the same size; the last one may be smaller."""
    n = read("chunk", input).shape[dim]
    return split(input, max(-(-n // chunks), 1), dim)


@numpy_names
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Split into parts whose sizes differ by at most one, or at the given indices."""
    at = _dim("tensor_split", dim, len(read("tensor_split", input).shape))
    n = input._tensor.shape[at]
    if isinstance(indices_or_sections, int):
        parts = np.array_split(np.arange(n), indices_or_sections)
        bounds = [0, *np.cumsum([len(part) for part in parts]).tolist()]
    else:
        bounds = [0, *indices_or_sections, n]
    return tuple([viewed(input, _part(at, a, b), "SliceBackward0") for a, b in itertools.pairwise(bounds)])


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return the diagonal of each matrix in two axes."""
    return viewed(input, lambda x: diagonals.diagonal(x, offset, dim1, dim2), "DiagonalBackward0")


def mT(input: Tensor) -> Tensor:
    """Transpose the last two axes."""
    return transpose(input, -2, -1)


# Functions that copy.


@numpy_names
def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Concatenate tensors along an existing axis."""
    given = [x for x in tensors if read("cat", x).shape != (0,)] or list(tensors)
    common = result_type(*given)
    parts = [cast(x._tensor._read(), common.level) for x in given]
    return wrap(joining.concatenate(parts, dim), "CatBackward0", common.numpy)


concat = concatenate = cat


@numpy_names
def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Stack tensors of the same shape along a new axis."""
    given = list(tensors)
    shapes = {read("stack", x).shape for x in given}
    if len(shapes) != 1:
        raise TorchError(
            f"stack expects each tensor to be equal size, but got {sorted(map(list, shapes))}. "
            "Give at least one tensor, all of the same shape."
        )
    common = result_type(*given)
    return wrap(joining.stack([cast(x._tensor._read(), common.level) for x in given], dim), "StackBackward0", common.numpy)


def hstack(tensors: Any) -> Tensor:
    """Concatenate along the second axis; vectors along the first."""
    given = [atleast_1d(x) for x in tensors]
    return cat(given, 0 if given[0].ndim == 1 else 1)


def vstack(tensors: Any) -> Tensor:
    """Concatenate along the first axis; vectors become rows."""
    return cat([atleast_2d(x) for x in tensors], 0)


row_stack = vstack


def column_stack(tensors: Any) -> Tensor:
    """Concatenate along the second axis; vectors become columns."""
    return cat([x.reshape(x.numel(), 1) if x.ndim < 2 else x for x in tensors], 1)


def dstack(tensors: Any) -> Tensor:
    """Concatenate along the third axis."""
    return cat([atleast_3d(x) for x in tensors], 2)


def atleast_1d(input: Tensor) -> Tensor:
    """Return tensors with at least one axis."""
    return reshape(input, 1) if input.ndim == 0 else input


def atleast_2d(input: Tensor) -> Tensor:
    """Return tensors with at least two axes."""
    return unsqueeze(atleast_1d(input), 0) if input.ndim < 2 else input


def atleast_3d(input: Tensor) -> Tensor:
    """Return tensors with at least three axes."""
    return unsqueeze(atleast_2d(input), -1) if input.ndim < 3 else input


def repeat(input: Tensor, *sizes: Any) -> Tensor:
    """Repeat along each axis, and along new leading axes."""
    counts = sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
    if len(counts) < input.ndim:
        raise TorchError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor. Give more."
        )
    return wrap(rearranging.tile(read("repeat", input), tuple(counts)), "RepeatBackward0", input._integer)


def tile(input: Tensor, *dims: Any) -> Tensor:
    """Like ``repeat``, but fewer numbers than axes are allowed; they refer to the last axes."""
    counts = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
    return repeat(input, *(1,) * (input.ndim - len(counts)), *counts)


@numpy_names
def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None) -> Tensor:
    """Repeat each entry a number of times."""
    counts = repeats.tolist() if isinstance(repeats, Tensor) else repeats
    return wrap(rearranging.repeat(read("repeat_interleave", input), counts, dim), "ViewBackward0", input._integer)


def flip(input: Tensor, *dims: Any) -> Tensor:
    """Reverse the order along axes."""
    axes = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
    return wrap(rearranging.flip(read("flip", input), tuple(axes)), "FlipBackward0", input._integer)


def fliplr(input: Tensor) -> Tensor:
    """Reverse the order of the columns."""
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """Reverse the order of the rows."""
    return flip(input, 0)


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Roll along axes."""
    return wrap(rearranging.roll(read("roll", input), shifts, dims), "RollBackward0", input._integer)


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Set the elements above a diagonal to zero."""
    return wrap(diagonals.tril(read("tril", input), diagonal), "TrilBackward0", input._integer)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Set the elements below a diagonal to zero."""
    return wrap(diagonals.triu(read("triu", input), diagonal), "TriuBackward0", input._integer)


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the diagonal of a matrix, or a matrix with the given diagonal."""
    return wrap(
        diagonals.diag(read("diag", input), diagonal),
        "DiagonalBackward0" if input.ndim == 2 else "DiagEmbedBackward0",
        input._integer,
    )


def trace(input: Tensor) -> Tensor:
    """Return the sum of the diagonal."""
    return wrap(diagonals.trace(read("trace", input)), "TraceBackward0")


def clone(input: Tensor) -> Tensor:
    """Return a copy; gradients pass through."""
    return wrap(create.tensor(read("clone", input)._read()), "CloneBackward0", input._integer)


def contiguous(input: Tensor) -> Tensor:
    """Return the tensor itself: memory in jitgrad is always contiguous."""
    return input


def numel(input: Tensor) -> int:
    """Return the number of elements."""
    return read("numel", input).size


def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Rotate by 90 degrees from the first axis toward the second."""
    x = read("rot90", input)
    turned = rearranging.flip(x, ((), (dims[1],), tuple(dims), (dims[0],))[k % 4])
    return wrap(lib.swapaxes(turned, *dims) if k % 2 else turned, "Rot90Backward0", input._integer)
