"""Reversing, shifting, repeating and padding."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

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


@public(np.flip)
def flip(x: Any, axis: Axis = None) -> Tensor:
    """In reverse order along ``axis``: one axis, several, or all (None)."""
    x = as_tensor(x)
    axes = axes_of("flip", axis, x.ndim)
    return x[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(x.ndim))]


@public(np.flipud)
def flipud(x: Any) -> Tensor:
    """The first axis in reverse order."""
    return flip(x, 0)


@public(np.fliplr)
def fliplr(x: Any) -> Tensor:
    """The second axis in reverse order."""
    return flip(x, 1)


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


@public(np.rot90)
def rot90(x: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Tensor:
    """Turned ``k`` times by a right angle, from the first of two axes towards the second."""
    x = as_tensor(x)
    first, second = axes_of("rot90", axes[:1], x.ndim) + axes_of("rot90", axes[1:], x.ndim)
    turns = operator.index(k) % 4
    x = flip(x, second) if turns in (1, 2) else x
    x = flip(x, first) if turns in (2, 3) else x
    return swapaxes(x, first, second) if turns in (1, 3) else x


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
