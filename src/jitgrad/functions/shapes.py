"""Functions that change the shape of a Tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.axes import Axis, axes_of, axis_of, sequence, shape_of
from jitgrad.ops import OPS, linear
from jitgrad.ops.table import broadcast_shape
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
