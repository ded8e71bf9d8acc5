"""Functions that change the shape of a Tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.axes import Axis, axes_of, axis_of, sequence, shape_of
from jitgrad.ops import OPS, linear
from jitgrad.ops.table import broadcast_shape
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public(np.reshape)
def reshape(x: ArrayLike, shape: int | Sequence[int]) -> Tensor:
    """Give an array a new shape without changing its elements.

    Parameters
    ----------
    x : array_like
        Input array.
    shape : int or sequence of int
        The new shape. One size may be -1; it is inferred from the number of elements.

    Returns
    -------
    Tensor
        The same elements in row-major (C) order.

    Raises
    ------
    ShapeError
        If the number of elements differs.

    See Also
    --------
    ravel, squeeze, expand_dims

    Examples
    --------
    >>> jg.reshape([1.0, 2.0, 3.0, 4.0], (2, -1))
    <Tensor shape=(2, 2) dtype=float64
    [[1. 2.]
     [3. 4.]]>
    """
    x = as_tensor(x)
    sizes = shape_of(shape, inferred=True)
    if -1 in sizes:
        rest = math.prod(n for n in sizes if n != -1)
        if sizes.count(-1) > 1 or rest == 0 or x.size % rest:
            raise ShapeError(
                f"reshape: shape {x.shape} cannot be reshaped to {sizes}. "
                f"Use at most one -1, and sizes whose product divides {x.size}."
            )
        sizes = tuple(x.size // rest if n == -1 else n for n in sizes)
    return linear.reshape(x, shape=sizes)


@public(np.transpose)
def transpose(x: ArrayLike, axes: Sequence[int] | None = None) -> Tensor:
    """Permute the axes of an array.

    Parameters
    ----------
    x : array_like
        Input array.
    axes : sequence of int, optional
        The order of the axes. By default, the axes are reversed.

    Returns
    -------
    Tensor
        Axis ``i`` of the result is axis ``axes[i]`` of ``x``.

    Raises
    ------
    ShapeError
        If ``axes`` is not a permutation of the axes of ``x``.

    See Also
    --------
    swapaxes, moveaxis

    Examples
    --------
    >>> jg.transpose([[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=(2, 2) dtype=float64
    [[1. 3.]
     [2. 4.]]>
    """
    x = as_tensor(x)
    order = tuple(range(x.ndim))[::-1] if axes is None else tuple(axis_of("transpose", a, x.ndim) for a in axes)
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(
            f"transpose: axes {axes} are not a permutation of the {x.ndim} axes of {x.shape}. Pass each axis once."
        )
    return linear.transpose(x, axes=order)


@public(np.broadcast_to)
def broadcast_to(x: ArrayLike, shape: int | Sequence[int]) -> Tensor:
    """Broadcast an array to a new shape.

    Parameters
    ----------
    x : array_like
        Input array.
    shape : int or sequence of int
        The new shape.

    Returns
    -------
    Tensor
        ``x`` repeated along new axes in front and along axes of size 1. Its gradient is summed over the repetitions.

    Raises
    ------
    ShapeError
        If ``x`` does not broadcast to ``shape``.

    See Also
    --------
    broadcast_arrays, tile

    Examples
    --------
    >>> jg.broadcast_to([1.0, 2.0], (2, 2))
    <Tensor shape=(2, 2) dtype=float64
    [[1. 2.]
     [1. 2.]]>
    """
    return linear.broadcast_to(x, shape=shape_of(shape))


@public(np.squeeze)
def squeeze(x: ArrayLike, axis: Axis = None) -> Tensor:
    """Remove axes of size 1.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int, optional
        Axes to remove. By default, all axes of size 1.

    Returns
    -------
    Tensor
        ``x`` without these axes.

    Raises
    ------
    ShapeError
        If one of the axes is not of size 1.

    See Also
    --------
    expand_dims, reshape

    Examples
    --------
    >>> jg.squeeze([[1.0, 2.0]])
    <Tensor shape=(2,) dtype=float64 [1. 2.]>
    """
    x = as_tensor(x)
    axes = axes_of("squeeze", axis, x.ndim) if axis is not None else tuple(i for i, n in enumerate(x.shape) if n == 1)
    for i in axes:
        if x.shape[i] != 1:
            raise ShapeError(f"squeeze: axis {i} of shape {x.shape} has size {x.shape[i]}. Pass axes of size 1.")
    return linear.reshape(x, shape=tuple([n for i, n in enumerate(x.shape) if i not in axes]))


@public(np.expand_dims)
def expand_dims(x: ArrayLike, axis: Axis) -> Tensor:
    """Insert new axes of size 1.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int
        Positions of the new axes in the result.

    Returns
    -------
    Tensor
        ``x`` with additional axes.

    See Also
    --------
    squeeze, reshape

    Examples
    --------
    >>> jg.expand_dims([1.0, 2.0], axis=1).shape
    (2, 1)
    """
    x = as_tensor(x)
    axes = axes_of("expand_dims", sequence(axis), x.ndim + len(sequence(axis)))
    left = iter(x.shape)
    return linear.reshape(x, shape=tuple([1 if i in axes else next(left) for i in range(x.ndim + len(axes))]))


@public(np.ravel)
def ravel(x: ArrayLike) -> Tensor:
    """Flatten an array to one axis.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        All elements in row-major (C) order.

    See Also
    --------
    reshape

    Examples
    --------
    >>> jg.ravel([[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=(4,) dtype=float64 [1. 2. 3. 4.]>
    """
    return reshape(x, -1) if as_tensor(x).size else reshape(x, 0)


@public(np.swapaxes)
def swapaxes(x: ArrayLike, axis1: int, axis2: int) -> Tensor:
    """Interchange two axes of an array.

    Parameters
    ----------
    x : array_like
        Input array.
    axis1, axis2 : int
        The two axes.

    Returns
    -------
    Tensor
        ``x`` with the two axes interchanged.

    See Also
    --------
    transpose, moveaxis

    Examples
    --------
    >>> jg.swapaxes(np.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    x = as_tensor(x)
    axes = list(range(x.ndim))
    i, j = axis_of("swapaxes", axis1, x.ndim), axis_of("swapaxes", axis2, x.ndim)
    axes[i], axes[j] = j, i
    return transpose(x, axes)


@public(np.moveaxis)
def moveaxis(x: ArrayLike, source: Axis, destination: Axis) -> Tensor:
    """Move axes of an array to new positions.

    Parameters
    ----------
    x : array_like
        Input array.
    source : int or sequence of int
        Axes to move.
    destination : int or sequence of int
        Their positions in the result. The remaining axes keep their order.

    Returns
    -------
    Tensor
        ``x`` with its axes moved.

    Raises
    ------
    ShapeError
        If ``source`` and ``destination`` differ in length, or if one of them contains an axis twice.

    See Also
    --------
    transpose, swapaxes

    Examples
    --------
    >>> jg.moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = as_tensor(x)
    given = [[axis_of("moveaxis", a, x.ndim) for a in sequence(axes)] for axes in (source, destination)]
    if len(given[0]) != len(given[1]) or any(len(set(axes)) != len(axes) for axes in given):
        raise ShapeError(
            f"moveaxis: source {source} and destination {destination} do not match. Pass the same number, each once."
        )
    axes = [axis for axis in range(x.ndim) if axis not in given[0]]
    for to, axis in sorted(zip(given[1], given[0], strict=True)):
        axes.insert(to, axis)
    return transpose(x, axes)


@public(np.atleast_1d)
def atleast_1d(x: ArrayLike) -> Tensor:
    """Convert a scalar to one axis; leave other arrays unchanged.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        An array with at least one axis.

    See Also
    --------
    atleast_2d, expand_dims

    Examples
    --------
    >>> jg.atleast_1d(2.0)
    <Tensor shape=(1,) dtype=float64 [2.]>
    """
    x = as_tensor(x)
    return x if x.ndim else reshape(x, (1,))


@public(np.atleast_2d)
def atleast_2d(x: ArrayLike) -> Tensor:
    """Prepend axes of size 1 to an array until it has two axes.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        An array with at least two axes. A vector becomes a row.

    See Also
    --------
    atleast_1d, expand_dims

    Examples
    --------
    >>> jg.atleast_2d([1.0, 2.0])
    <Tensor shape=(1, 2) dtype=float64 [[1. 2.]]>
    """
    x = as_tensor(x)
    return x if x.ndim > 1 else reshape(x, (1, x.size))


@public(np.broadcast_arrays)
def broadcast_arrays(*xs: ArrayLike) -> tuple[Tensor, ...]:
    """Broadcast arrays against each other.

    Parameters
    ----------
    *xs : array_like
        Arrays to broadcast.

    Returns
    -------
    tuple of Tensor
        The arrays in their common shape.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    See Also
    --------
    broadcast_to, meshgrid

    Examples
    --------
    >>> jg.broadcast_arrays([1.0, 2.0], [[3.0], [4.0]])[0]
    <Tensor shape=(2, 2) dtype=float64
    [[1. 2.]
     [1. 2.]]>
    """
    tensors = [as_tensor(x) for x in xs]
    shape = broadcast_shape(OPS["broadcast_to"], tuple(t.shape for t in tensors), {})
    return tuple(broadcast_to(t, shape) for t in tensors)


@public(np.meshgrid)
def meshgrid(*xs: ArrayLike, indexing: str = "xy") -> tuple[Tensor, ...]:
    """Coordinates of the points of a grid.

    Parameters
    ----------
    *xs : array_like
        The coordinates along each axis, as vectors.
    indexing : {"xy", "ij"}, default "xy"
        With "xy", the first vector varies along the second axis, as for plots. With "ij", vector ``i`` varies along axis ``i``.

    Returns
    -------
    tuple of Tensor
        For each vector, an array with the shape of the grid.

    See Also
    --------
    broadcast_arrays, linspace

    Examples
    --------
    >>> x, y = jg.meshgrid([1.0, 2.0, 3.0], [4.0, 5.0])
    >>> x
    <Tensor shape=(2, 3) dtype=float64
    [[1. 2. 3.]
     [1. 2. 3.]]>
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid: indexing is {indexing!r}. Use 'xy' or 'ij'.")
    vectors = [ravel(x) for x in xs]
    spread = [reshape(v, (1,) * i + (-1,) + (1,) * (len(vectors) - i - 1)) for i, v in enumerate(vectors)]
    grids = broadcast_arrays(*spread) if spread else ()
    return tuple(swapaxes(g, 0, 1) for g in grids) if indexing == "xy" and len(grids) > 1 else grids
