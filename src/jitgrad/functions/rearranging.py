"""Reversing, shifting, repeating and padding."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.axes import Axis, axes_of, axis_of, sequence, shape_of
from jitgrad.functions.joining import concatenate, split
from jitgrad.functions.shapes import broadcast_to, reshape, swapaxes
from jitgrad.ops import linear
from jitgrad.ops.elementwise import where
from jitgrad.tape.indexing import take_rows
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public(np.flip)
def flip(x: ArrayLike, axis: Axis = None) -> Tensor:
    """Reverse the order of elements along axes.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int, optional
        Axes to reverse. By default, all axes.

    Returns
    -------
    Tensor
        The reversed array.

    See Also
    --------
    flipud, fliplr, roll, rot90

    Examples
    --------
    >>> jg.flip([[1.0, 2.0], [3.0, 4.0]], axis=1)
    <Tensor shape=(2, 2) dtype=float64
    [[2. 1.]
     [4. 3.]]>
    """
    x = as_tensor(x)
    axes = axes_of("flip", axis, x.ndim)
    return x[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(x.ndim))]


@public(np.flipud)
def flipud(x: ArrayLike) -> Tensor:
    """Reverse the order of elements along the first axis (up/down).

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        The reversed array.

    See Also
    --------
    fliplr, flip

    Examples
    --------
    >>> jg.flipud([[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=(2, 2) dtype=float64
    [[3. 4.]
     [1. 2.]]>
    """
    return flip(x, 0)


@public(np.fliplr)
def fliplr(x: ArrayLike) -> Tensor:
    """Reverse the order of elements along the second axis (left/right).

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        The reversed array.

    See Also
    --------
    flipud, flip

    Examples
    --------
    >>> jg.fliplr([[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=(2, 2) dtype=float64
    [[2. 1.]
     [4. 3.]]>
    """
    return flip(x, 1)


@public(np.roll)
def roll(x: ArrayLike, shift: int | Sequence[int], axis: Axis = None) -> Tensor:
    """Shift elements cyclically along axes.

    Parameters
    ----------
    x : array_like
        Input array.
    shift : int or sequence of int
        Number of positions to shift by, for all axes or one for each axis.
    axis : int or sequence of int, optional
        Axes to shift along. By default, the array is flattened, shifted and reshaped.

    Returns
    -------
    Tensor
        An array of the same shape. Elements shifted beyond the end reappear at the beginning.

    Raises
    ------
    ShapeError
        If the numbers of shifts and axes differ.

    See Also
    --------
    flip

    Examples
    --------
    >>> jg.roll([1.0, 2.0, 3.0, 4.0], 1)
    <Tensor shape=(4,) dtype=float64 [4. 1. 2. 3.]>
    """
    x = as_tensor(x)
    if axis is None:
        return reshape(roll(reshape(x, (x.size,)), sum(sequence(shift)), 0), x.shape)
    try:
        pairs = np.broadcast(np.asarray(shift), np.asarray(axis, int))
    except ValueError:
        raise ShapeError(f"roll: shift {shift} does not match axis {axis}. Pass one shift, or one for each axis.") from None
    if pairs.ndim > 1:
        raise ShapeError("roll: shift or axis is nested. Pass a number or a flat sequence for each.")
    for by, one in pairs:
        at, by = axis_of("roll", one, x.ndim), int(by)
        n = x.shape[at]
        if n and by % n:
            first, second = split(x, [n - by % n], at)
            x = concatenate([second, first], at)
    return x


@public(np.rot90)
def rot90(x: ArrayLike, k: int = 1, axes: Sequence[int] = (0, 1)) -> Tensor:
    """Rotate an array by multiples of 90 degrees in the plane of two axes.

    Parameters
    ----------
    x : array_like
        Input array.
    k : int, default 1
        Number of quarter turns, from the first of the axes toward the second.
    axes : sequence of int, default (0, 1)
        The two axes of the plane.

    Returns
    -------
    Tensor
        The rotated array.

    See Also
    --------
    flip, transpose

    Examples
    --------
    >>> jg.rot90([[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=(2, 2) dtype=float64
    [[2. 4.]
     [1. 3.]]>
    """
    x = as_tensor(x)
    first, second = axes_of("rot90", axes[:1], x.ndim) + axes_of("rot90", axes[1:], x.ndim)
    turns = operator.index(k) % 4
    x = flip(x, second) if turns in (1, 2) else x
    x = flip(x, first) if turns in (2, 3) else x
    return swapaxes(x, first, second) if turns in (1, 3) else x


@public(np.tile)
def tile(x: ArrayLike, reps: int | Sequence[int]) -> Tensor:
    """Repeat a whole array along its axes.

    Parameters
    ----------
    x : array_like
        Input array.
    reps : int or sequence of int
        Number of repetitions for each axis, aligned with the last axis.

    Returns
    -------
    Tensor
        The repeated array.

    See Also
    --------
    repeat, broadcast_to

    Examples
    --------
    >>> jg.tile([1.0, 2.0], 3)
    <Tensor shape=(6,) dtype=float64 [1. 2. 1. 2. 1. 2.]>
    >>> jg.tile([1.0, 2.0], (2, 1))
    <Tensor shape=(2, 2) dtype=float64
    [[1. 2.]
     [1. 2.]]>
    """
    x = as_tensor(x)
    times = shape_of(reps)
    shape = (1,) * (len(times) - x.ndim) + x.shape
    times = (1,) * (len(shape) - len(times)) + times
    between = tuple(n for t, s in zip(times, shape, strict=True) for n in (1, s))
    spread = broadcast_to(reshape(x, between), tuple(n for t, s in zip(times, shape, strict=True) for n in (t, s)))
    return reshape(spread, tuple(t * s for t, s in zip(times, shape, strict=True)))


@public(np.repeat)
def repeat(x: ArrayLike, repeats: int | Sequence[int], axis: int | None = None) -> Tensor:
    """Repeat each element of an array.

    Parameters
    ----------
    x : array_like
        Input array.
    repeats : int or sequence of int
        Number of repetitions, for all elements or one for each.
    axis : int, optional
        Axis to repeat along. By default, ``x`` is flattened.

    Returns
    -------
    Tensor
        The array with repeated elements.

    Raises
    ------
    ShapeError
        If the length of ``repeats`` differs from the length of the axis.

    See Also
    --------
    tile

    Examples
    --------
    >>> jg.repeat([1.0, 2.0], 2)
    <Tensor shape=(4,) dtype=float64 [1. 1. 2. 2.]>
    >>> jg.repeat([[1.0], [2.0]], [1, 2], axis=0)
    <Tensor shape=(3, 1) dtype=float64
    [[1.]
     [2.]
     [2.]]>
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = reshape(x, (x.size,)), 0
    at = axis_of("repeat", axis, x.ndim)
    try:
        rows = np.repeat(np.arange(x.shape[at]), np.asarray(repeats))
    except ValueError as error:
        raise ShapeError(f"repeat: {error}. Pass one number, or one for each of the {x.shape[at]} elements.") from None
    return take_rows(x, rows, at)


_PADS = ("edge", "reflect", "symmetric", "wrap")


@public(np.pad)
def pad(
    x: ArrayLike,
    pad_width: int | Sequence[int] | Sequence[Sequence[int]] | np.ndarray,
    mode: str = "constant",
    constant_values: float | Sequence[float] | Sequence[Sequence[float]] = 0,
) -> Tensor:
    """Pad an array at both ends of each axis.

    Parameters
    ----------
    x : array_like
        Input array.
    pad_width : int or pair of int or sequence of pairs of int
        Number of elements to add: one number for all ends, a pair ``(before, after)`` for all axes, or a pair for each axis.
    mode : {"constant", "edge", "reflect", "symmetric", "wrap"}, default "constant"
        The added values. "constant" adds ``constant_values``, "edge" repeats the outermost element, "reflect" mirrors at the
        outermost element, "symmetric" mirrors at the edge and includes it, and "wrap" continues periodically.
    constant_values : float or pair of float or sequence of pairs of float, default 0
        Values for the mode "constant", in the forms of ``pad_width``.

    Returns
    -------
    Tensor
        The padded array.

    Raises
    ------
    ShapeError
        If ``pad_width`` is negative, or does not fit the number of axes.
    ArgumentError
        If the mode is unknown.

    See Also
    --------
    concatenate, tile

    Examples
    --------
    >>> jg.pad([1.0, 2.0, 3.0], (1, 2))
    <Tensor shape=(6,) dtype=float64 [0. 1. 2. 3. 0. 0.]>
    >>> jg.pad([1.0, 2.0, 3.0], 1, mode="reflect")
    <Tensor shape=(5,) dtype=float64 [2. 1. 2. 3. 2.]>
    """
    x = as_tensor(x)
    try:
        widths = [tuple(pair) for pair in np.broadcast_to(np.asarray(pad_width, np.int64), (x.ndim, 2)).tolist()]
    except ValueError:
        raise ShapeError(
            f"pad: pad_width {pad_width} does not match {x.ndim} axes. Pass a number, a pair, or a pair for each axis."
        ) from None
    if any(n < 0 for pair in widths for n in pair):
        raise ShapeError(f"pad: pad_width {pad_width} contains a negative number. Use a slice to remove elements.")
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
