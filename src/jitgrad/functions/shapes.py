"""Shapes: the same elements in other places."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jitgrad.arguments import count
from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.axes import Axis, axes_of, axis_of, sequence, shape_of
from jitgrad.ops import OPS, linear
from jitgrad.ops.elementwise import where
from jitgrad.ops.table import broadcast_shape
from jitgrad.tape.indexing import take_rows
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor


@public(np.reshape)
def reshape(x: Any, shape: int | Sequence[int]) -> Tensor:
    """The same elements in another shape; -1 for at most one axis, whose size follows. Raises ShapeError."""
    x = as_tensor(x)
    sizes = shape_of(shape, inferred=True)
    if -1 in sizes:
        rest = math.prod(n for n in sizes if n != -1)
        if sizes.count(-1) > 1 or rest == 0 or x.size % rest:
            raise ShapeError(
                f"reshape: {x.shape} does not go into {sizes}. Give sizes whose product divides {x.size}, and one -1."
            )
        sizes = tuple(x.size // rest if n == -1 else n for n in sizes)
    return linear.reshape(x, shape=sizes)


@public(np.transpose)
def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order; reversed by default. Raises ShapeError where ``axes`` is no permutation."""
    x = as_tensor(x)
    order = tuple(range(x.ndim))[::-1] if axes is None else tuple(axis_of("transpose", a, x.ndim) for a in axes)
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(f"transpose: axes {axes} are no order of the {x.ndim} axes of {x.shape}. Name each axis once.")
    return linear.transpose(x, axes=order)


@public(np.broadcast_to)
def broadcast_to(x: Any, shape: int | Sequence[int]) -> Tensor:
    """``x`` repeated along new axes and axes of size 1. Raises ShapeError where the shapes do not allow it."""
    return linear.broadcast_to(x, shape=shape_of(shape))


@public(np.squeeze)
def squeeze(x: Any, axis: Axis = None) -> Tensor:
    """Without axes of size 1: all of them, or those named. Raises ShapeError where a named axis is longer."""
    x = as_tensor(x)
    axes = axes_of("squeeze", axis, x.ndim) if axis is not None else tuple(i for i, n in enumerate(x.shape) if n == 1)
    for i in axes:
        if x.shape[i] != 1:
            raise ShapeError(f"squeeze: axis {i} of shape {x.shape} has size {x.shape[i]}. Name axes of size 1.")
    return linear.reshape(x, shape=tuple([n for i, n in enumerate(x.shape) if i not in axes]))


@public(np.expand_dims)
def expand_dims(x: Any, axis: Axis) -> Tensor:
    """With new axes of size 1 at the positions ``axis`` of the result."""
    x = as_tensor(x)
    axes = axes_of("expand_dims", sequence(axis), x.ndim + len(sequence(axis)))
    left = iter(x.shape)
    return linear.reshape(x, shape=tuple([1 if i in axes else next(left) for i in range(x.ndim + len(axes))]))


@public(np.concatenate)
def concatenate(xs: Iterable[Any], axis: int | None = 0) -> Tensor:
    """Operands one after the other along ``axis``, each as one row for None. Raises ShapeError where they differ elsewhere."""
    tensors = [as_tensor(x) for x in xs]
    if axis is None:
        tensors, axis = [ravel(t) for t in tensors], 0
    if not tensors or any(t.ndim != tensors[0].ndim for t in tensors) or tensors[0].ndim == 0:
        listed = ", ".join(str(t.shape) for t in tensors)
        raise ShapeError(
            f"concatenate: got shapes {listed or 'of no operands'}. Give operands of the same number of axes, at least 1."
        )
    return linear.concatenate(*tensors, axis=axis_of("concatenate", axis, tensors[0].ndim))


@public(np.stack)
def stack(xs: Iterable[Any], axis: int = 0) -> Tensor:
    """Operands of one shape along a new axis. Raises ShapeError where shapes differ."""
    tensors = [as_tensor(x) for x in xs]
    if any(t.shape != tensors[0].shape for t in tensors):
        listed = ", ".join(str(t.shape) for t in tensors)
        raise ShapeError(f"stack: shapes {listed} differ. Give operands of one shape.")
    return concatenate([expand_dims(t, axis) for t in tensors], axis)


@public(np.ravel)
def ravel(x: Any) -> Tensor:
    """All elements in one row."""
    return reshape(x, -1) if as_tensor(x).size else reshape(x, 0)


@public(np.swapaxes)
def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Two axes change places."""
    x = as_tensor(x)
    axes = list(range(x.ndim))
    i, j = axis_of("swapaxes", axis1, x.ndim), axis_of("swapaxes", axis2, x.ndim)
    axes[i], axes[j] = j, i
    return transpose(x, axes)


@public(np.moveaxis)
def moveaxis(x: Any, source: Axis, destination: Axis) -> Tensor:
    """Axes moved to other positions; the rest stay in order. Raises ShapeError where the two differ in number."""
    x = as_tensor(x)
    given = [[axis_of("moveaxis", a, x.ndim) for a in sequence(axes)] for axes in (source, destination)]
    if len(given[0]) != len(given[1]) or any(len(set(axes)) != len(axes) for axes in given):
        raise ShapeError(f"moveaxis: {source} does not go to {destination}. Give as many different axes on both sides.")
    axes = [axis for axis in range(x.ndim) if axis not in given[0]]
    for to, axis in sorted(zip(given[1], given[0], strict=True)):
        axes.insert(to, axis)
    return transpose(x, axes)


@public(np.split)
def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Parts along ``axis``: as many as a number says, equal, or cut before each of a sequence of positions.

    Raises ShapeError where a number does not divide the axis.
    """
    x = as_tensor(x)
    at = axis_of("split", axis, x.ndim)
    n = x.shape[at]
    if np.ndim(indices_or_sections) == 0:
        indices_or_sections = operator.index(indices_or_sections)  # type: ignore[arg-type]
        if indices_or_sections < 1 or n % indices_or_sections:
            raise ShapeError(
                f"split: axis {at} of shape {x.shape} has no {indices_or_sections} equal parts. Use array_split, or positions."
            )
        cuts = list(range(n // indices_or_sections, n, n // indices_or_sections)) if n else [0] * (indices_or_sections - 1)
    else:
        cuts = [operator.index(i) for i in sequence(indices_or_sections)]
    ends = [0, *cuts, n]
    before = (slice(None),) * at
    return [x[(*before, slice(a, b))] for a, b in itertools.pairwise(ends)]


@public(np.array_split)
def array_split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """As ``split``; the first parts are one longer where a number does not divide the axis."""
    x = as_tensor(x)
    if np.ndim(indices_or_sections) > 0:
        return split(x, indices_or_sections, axis)
    n = x.shape[axis_of("array_split", axis, x.ndim)]
    indices_or_sections = count("array_split: the number of parts", indices_or_sections)
    small, longer = divmod(n, indices_or_sections)
    return split(x, [small * i + min(i, longer) for i in range(1, indices_or_sections)], axis)


@public(np.flip)
def flip(x: Any, axis: Axis = None) -> Tensor:
    """In reverse order along ``axis``: one axis, several, or all (None)."""
    x = as_tensor(x)
    axes = axes_of("flip", axis, x.ndim)
    return x[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(x.ndim))]


@public(np.roll)
def roll(x: Any, shift: int | Sequence[int], axis: Axis = None) -> Tensor:
    """Moved along ``axis`` by ``shift``, what leaves at one end enters at the other; as one row for None."""
    x = as_tensor(x)
    if axis is None:
        return reshape(roll(reshape(x, (x.size,)), sum(sequence(shift)), 0), x.shape)
    try:
        pairs = np.broadcast(np.asarray(shift), np.asarray(axis, int))
    except ValueError:
        raise ShapeError(f"roll: there are shifts {shift} for axes {axis}. Give as many of both, or one.") from None
    if pairs.ndim > 1:
        raise ShapeError("roll: shift and axis have several axes themselves. Give a number or a sequence of each.")
    for by, one in pairs:
        at, by = axis_of("roll", one, x.ndim), int(by)
        n = x.shape[at]
        if n and by % n:
            first, second = split(x, [n - by % n], at)
            x = concatenate([second, first], at)
    return x


@public(np.tile)
def tile(x: Any, reps: int | Sequence[int]) -> Tensor:
    """``x`` repeated as a whole ``reps`` times along each axis, counted from the last."""
    x = as_tensor(x)
    times = shape_of(reps)
    shape = (1,) * (len(times) - x.ndim) + x.shape
    times = (1,) * (len(shape) - len(times)) + times
    between = tuple(n for t, s in zip(times, shape, strict=True) for n in (1, s))
    spread = broadcast_to(reshape(x, between), tuple(n for t, s in zip(times, shape, strict=True) for n in (t, s)))
    return reshape(spread, tuple(t * s for t, s in zip(times, shape, strict=True)))


@public(np.repeat)
def repeat(x: Any, repeats: int | Sequence[int], axis: int | None = None) -> Tensor:
    """Each element along ``axis`` as often as ``repeats`` says, one number or one for each; as one row for None."""
    x = as_tensor(x)
    if axis is None:
        x, axis = reshape(x, (x.size,)), 0
    at = axis_of("repeat", axis, x.ndim)
    try:
        rows = np.repeat(np.arange(x.shape[at]), np.asarray(repeats))
    except ValueError as error:
        raise ShapeError(f"repeat: {error}. Give one number, or one for each of the {x.shape[at]} elements.") from None
    return take_rows(x, rows, at)


_PADS = ("edge", "reflect", "symmetric", "wrap")


@public(np.pad)
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Tensor:
    """More elements before and after along each axis.

    Args:
        x: any shape.
        pad_width: the number of them, a pair (before, after), or a pair for each axis.
        mode: "constant", or NumPy's "edge", "reflect", "symmetric" or "wrap".
        constant_values: for "constant": a number, a pair, or a pair for each axis.
    """
    x = as_tensor(x)
    try:
        widths = [tuple(pair) for pair in np.broadcast_to(np.asarray(pad_width, np.int64), (x.ndim, 2)).tolist()]
    except ValueError:
        raise ShapeError(f"pad: pad_width {pad_width} does not fit {x.ndim} axes. Give a number, a pair, or pairs.") from None
    if any(n < 0 for pair in widths for n in pair):
        raise ShapeError(f"pad: pad_width {pad_width} has a negative number. Use a slice to cut.")
    if mode == "constant":
        shape = tuple(before + n + after for n, (before, after) in zip(x.shape, widths, strict=True))
        placed = linear.pad(x, starts=tuple(b for b, _ in widths), steps=(1,) * x.ndim, shape=shape)
        if isinstance(constant_values, (int, float)) and constant_values == 0:
            return placed
        inside = np.pad(np.ones(x.shape, bool), widths)
        return where(inside, placed, np.pad(np.zeros(x.shape), widths, constant_values=constant_values))
    if mode not in _PADS:
        raise ArgumentError(f"pad: mode is {mode!r}. Use 'constant', {', '.join(map(repr, _PADS))}.")
    for axis, width in enumerate(widths):
        if width != (0, 0):
            x = take_rows(x, np.pad(np.arange(x.shape[axis]), width, mode=mode), axis)  # type: ignore[call-overload]
    return x


@public(np.tril)
def tril(x: Any, k: int = 0) -> Tensor:
    """The last two axes with zeros above diagonal ``k``."""
    x = as_tensor(x)
    return where(np.tril(np.ones(x.shape[-2:], bool), k), x, 0)


@public(np.triu)
def triu(x: Any, k: int = 0) -> Tensor:
    """The last two axes with zeros below diagonal ``k``."""
    x = as_tensor(x)
    return where(np.triu(np.ones(x.shape[-2:], bool), k), x, 0)


@public(np.diag)
def diag(x: Any, k: int = 0) -> Tensor:
    """The matrix with a vector as diagonal ``k``, or diagonal ``k`` of a matrix."""
    x = as_tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag: shape {x.shape} is neither a vector nor a matrix. Use diagonal() for more axes.")
    n = x.shape[0] + abs(k)
    places = np.flatnonzero(np.eye(n, k=k))
    return reshape(linear.scatter(x, places, axis=0, rows=n * n), (n, n))


@public(np.diagonal)
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonals of the matrices in two axes, along a last axis."""
    x = as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"diagonal: shape {x.shape} has no two axes. Give a matrix.")
    places = np.diagonal(np.arange(x.size).reshape(x.shape), offset, axis1, axis2)
    return linear.gather(reshape(x, (x.size,)), places, axis=0)


@public(np.vstack)
def vstack(xs: Iterable[Any]) -> Tensor:
    """Operands one below the other; vectors are rows."""
    return concatenate([atleast_2d(x) for x in xs], 0)


@public(np.hstack)
def hstack(xs: Iterable[Any]) -> Tensor:
    """Operands one beside the other: along the second axis, of vectors along the first."""
    tensors = [atleast_1d(x) for x in xs]
    return concatenate(tensors, 0 if tensors and tensors[0].ndim == 1 else 1)


@public(np.atleast_1d)
def atleast_1d(x: Any) -> Tensor:
    """With an axis, where there is none."""
    x = as_tensor(x)
    return x if x.ndim else reshape(x, (1,))


@public(np.atleast_2d)
def atleast_2d(x: Any) -> Tensor:
    """With axes of size 1 in front, up to two."""
    x = as_tensor(x)
    return x if x.ndim > 1 else reshape(x, (1, x.size))


@public(np.column_stack)
def column_stack(xs: Iterable[Any]) -> Tensor:
    """Operands one beside the other; vectors are columns."""
    tensors = [as_tensor(x) for x in xs]
    return concatenate([t if t.ndim > 1 else reshape(t, (t.size, 1)) for t in tensors], 1)


@public(np.dstack)
def dstack(xs: Iterable[Any]) -> Tensor:
    """Operands one behind the other, along the third axis; vectors are rows."""
    tensors = [atleast_2d(x) for x in xs]
    return concatenate([expand_dims(t, -1) if t.ndim == 2 else t for t in tensors], 2)


@public(np.flipud)
def flipud(x: Any) -> Tensor:
    """The first axis in reverse order."""
    return flip(x, 0)


@public(np.fliplr)
def fliplr(x: Any) -> Tensor:
    """The second axis in reverse order."""
    return flip(x, 1)


@public(np.rot90)
def rot90(x: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Tensor:
    """Turned ``k`` times by a right angle, from the first of two axes towards the second."""
    x = as_tensor(x)
    first, second = axes_of("rot90", axes[:1], x.ndim) + axes_of("rot90", axes[1:], x.ndim)
    turns = operator.index(k) % 4
    x = flip(x, second) if turns in (1, 2) else x
    x = flip(x, first) if turns in (2, 3) else x
    return swapaxes(x, first, second) if turns in (1, 3) else x


@public(np.append)
def append(x: Any, values: Any, axis: int | None = None) -> Tensor:
    """``values`` after ``x`` along ``axis``; both as one row for None."""
    return concatenate([ravel(x), ravel(values)] if axis is None else [x, values], axis or 0)


@public(np.broadcast_arrays)
def broadcast_arrays(*xs: Any) -> tuple[Tensor, ...]:
    """All operands in the shape that they broadcast to."""
    tensors = [as_tensor(x) for x in xs]
    shape = broadcast_shape(OPS["broadcast_to"], tuple(t.shape for t in tensors), {})
    return tuple(broadcast_to(t, shape) for t in tensors)


@public(np.meshgrid)
def meshgrid(*xs: Any, indexing: str = "xy") -> tuple[Tensor, ...]:
    """Coordinates of a grid: each vector along an axis of its own; with "xy" the first two axes change places."""
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid: indexing is {indexing!r}. Use 'xy' or 'ij'.")
    vectors = [ravel(x) for x in xs]
    spread = [reshape(v, (1,) * i + (-1,) + (1,) * (len(vectors) - i - 1)) for i, v in enumerate(vectors)]
    grids = broadcast_arrays(*spread) if spread else ()
    return tuple(swapaxes(g, 0, 1) for g in grids) if indexing == "xy" and len(grids) > 1 else grids
