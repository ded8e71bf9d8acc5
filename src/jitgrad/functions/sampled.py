"""Functions that are known at points, and polynomials: NumPy's names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.axes import Axis, axes_of, axis_of
from jitgrad.functions.elementwise import isnan, logical_and
from jitgrad.functions.reductions import sum
from jitgrad.functions.selection import argsort, diff
from jitgrad.functions.shapes import concatenate, moveaxis, reshape
from jitgrad.ops.elementwise import equal, greater, less, less_equal, mod, where
from jitgrad.ops.linear import gather
from jitgrad.ops.linear import matmul as product
from jitgrad.tape import dtypes
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor, cast


@public(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left") -> Tensor:
    """Where in the ascending ``a`` each of ``v`` would be put, as int64: before equal ones, or after them for "right".

    It has no derivative. nan is behind all numbers.
    """
    a, v = as_tensor(a), as_tensor(v)
    if a.ndim != 1:
        raise ShapeError(f"searchsorted: the first operand has shape {a.shape}. Give one axis, in ascending order.")
    if side not in ("left", "right"):
        raise ArgumentError(f"searchsorted: side is {side!r}. Use 'left' or 'right'.")
    before, n = (less if side == "left" else less_equal), a.shape[0]
    place: Any = as_tensor(np.zeros(v.shape, np.int64))
    step = 2 ** (n.bit_length() - 1) if n else 0
    while step:
        further = place + step
        value = gather(a, where(further <= n, further, n) - 1, axis=0)
        goes_on = before(value, v) + isnan(v) * (equal(value, value) if side == "left" else 1)
        place = where(logical_and(further <= n, goes_on), further, place)
        step //= 2
    return cast(place, dtypes.INTEGER)


@public(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Tensor:
    """The number of the bin that each of ``x`` is in, as int64: 0 before the first edge. It has no derivative.

    ``bins`` are edges in ascending order, or in descending order where their values are known. A bin has its lower edge, or,
    with ``right``, its upper one.
    """
    edges, side = as_tensor(bins), "left" if right else "right"
    if edges.ndim == 1 and edges.value is not None and edges.shape[0] > 1 and edges.value[0] > edges.value[-1]:
        return edges.shape[0] - searchsorted(edges[::-1], x, side)
    return searchsorted(edges, x, side)


@public(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: float | None = None) -> Tensor:
    """The piecewise linear function through the points (``xp``, ``fp``) at ``x``; gradients pass to all three.

    Parameters
    ----------
    x : array_like
        Where.
    xp, fp : array_like
        The points, one axis each, ``xp`` ascending.
    left, right : array_like, optional
        What it is before the first and behind the last point; by default as there.
    period : float, optional
        The period of ``x``. The points may come in any order then, and ``left`` and ``right`` do not count.
    """
    x, xp, fp = as_tensor(x) * 1.0, as_tensor(xp) * 1.0, as_tensor(fp) * 1.0
    if xp.ndim != 1 or xp.shape != fp.shape or xp.size == 0:
        raise ShapeError(f"interp: xp has shape {xp.shape} and fp {fp.shape}. Give as many of both, at least one, in one axis.")
    if period is not None:
        if period == 0:
            raise ArgumentError("interp: the period is 0. Give another one.")
        period = abs(period)
        x, xp = mod(x, period), mod(xp, period)
        order = argsort(xp)
        xp, fp = gather(xp, order, axis=0), gather(fp, order, axis=0)
        xp = concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    n = xp.shape[0]
    before, behind = fp[0] if left is None else left, fp[-1] if right is None else right
    inside: Any = fp[0]
    if n > 1:
        place = searchsorted(xp, x, "right") - 1
        place = where(place < 0, 0, where(place > n - 2, n - 2, place))
        x0, x1, y0, y1 = [gather(t, k, axis=0) for t in (xp, fp) for k in (place, place + 1)]
        inside = y0 + (y1 - y0) / (x1 - x0) * (x - x0)
    made = where(less(x, xp[0]), before, where(greater(x, xp[-1]), behind, where(equal(x, xp[-1]), fp[-1], inside)))
    return where(isnan(x), math.nan, made)


@public(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Tensor:
    """The integral of ``y`` along ``axis`` by the trapezoidal rule, over ``x``, or points ``dx`` apart."""
    y = as_tensor(y)
    at = axis_of("trapezoid", axis, y.ndim)
    if x is not None:
        x = as_tensor(x)
        dx = diff(x, axis=at if x.ndim == y.ndim else -1)
        dx = reshape(dx, (-1,) + (1,) * (y.ndim - at - 1)) if x.ndim == 1 else dx
    before = (slice(None),) * at
    return sum((y[(*before, slice(1, None))] + y[(*before, slice(None, -1))]) * dx / 2.0, at)


@public(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Axis = None, edge_order: int = 1) -> Any:
    """The slope of ``f`` along each axis, by second-order differences inside.

    Parameters
    ----------
    f : array_like
        Values at the points of a grid.
    *varargs : array_like
        The distance of the points, 1 by default, or their coordinates: one for all axes, or one for each.
    axis : int or sequence of int, optional
        Along which axes; all by default.
    edge_order : int, default 1
        The order of the differences at the edges, 1 or 2.

    Returns
    -------
    Tensor or tuple of Tensor
        As ``f``; one for each axis, where there are several.
    """
    f = as_tensor(f) * 1.0
    axes = axes_of("gradient", axis, f.ndim)
    if edge_order not in (1, 2):
        raise ArgumentError(f"gradient: edge_order is {edge_order}. Use 1 or 2.")
    if len(varargs) not in (0, 1, len(axes)):
        raise ArgumentError(f"gradient: there are {len(varargs)} distances for {len(axes)} axes. Give one, or one for each.")
    given = varargs or (1.0,)
    spacings = given * len(axes) if len(given) == 1 else given
    made = [_slope(f, as_tensor(h) * 1.0, at, edge_order) for at, h in zip(axes, spacings, strict=True)]
    return made[0] if len(made) == 1 else tuple(made)


def _slope(f: Tensor, h: Tensor, axis: int, edge_order: int) -> Tensor:
    y = moveaxis(f, axis, -1)
    n = y.shape[-1]
    if n < edge_order + 1:
        raise ShapeError(f"gradient: axis {axis} of shape {f.shape} has {n} points. Give at least {edge_order + 1}.")
    if h.ndim == 1 and h.shape[0] != n:
        raise ShapeError(f"gradient: {h.shape[0]} coordinates for {n} points along axis {axis}. Give one for each.")
    steps = diff(h) if h.ndim else h
    first, last = (steps[0], steps[-1]) if h.ndim else (h, h)
    slopes = (y[..., 1:] - y[..., :-1]) / steps
    parts = [slopes[..., :1], slopes[..., -1:]]
    a, b = (steps[:-1], steps[1:]) if h.ndim else (h, h)
    inner = (slopes[..., :-1] * b + slopes[..., 1:] * a) / (a + b)
    if edge_order == 2:
        second, last_but_one = (steps[1], steps[-2]) if h.ndim else (h, h)
        parts[0] = parts[0] - (slopes[..., 1:2] - parts[0]) * first / (first + second)
        parts[1] = parts[1] + (parts[1] - slopes[..., -2:-1]) * last / (last + last_but_one)
    return moveaxis(concatenate([parts[0], inner, parts[1]], axis=-1), -1, axis)


@public(np.polyval)
def polyval(p: Any, x: Any) -> Tensor:
    """The polynomial with coefficients ``p``, that of the highest power first, at ``x``."""
    p, x = as_tensor(p), as_tensor(x)
    if p.ndim != 1:
        raise ShapeError(f"polyval: the coefficients have shape {p.shape}. Give them in one axis.")
    total: Any = x * 0
    for k in range(p.shape[0]):
        total = total * x + p[k]
    return total


@public(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Tensor:
    """The sums of ``a[i] * v[k - i]`` of two vectors.

    ``mode`` is "full" for all of them, "same" for as many as the longer one has, in the middle, or "valid" for those where
    the shorter one lies within the longer one.
    """
    a, v = as_tensor(a), as_tensor(v)
    return _slid("convolve", a, v[::-1], mode) if a.size >= v.size else _slid("convolve", v, a[::-1], mode)


@public(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Tensor:
    """The sums of ``a[k + i] * v[i]`` of two vectors; ``mode`` as for ``convolve``."""
    a, v = as_tensor(a), as_tensor(v)
    return _slid("correlate", a, v, mode) if a.size >= v.size else _slid("correlate", v, a, mode)[::-1]


def _slid(name: str, a: Tensor, v: Tensor, mode: str) -> Tensor:
    """The products of ``v`` with each part of ``a`` that is as long."""
    if a.ndim > 1 or v.ndim > 1 or v.size == 0:
        raise ShapeError(f"{name}: shapes {a.shape} and {v.shape}. Give vectors of at least one element.")
    m = v.size
    lengths = {"full": (m - 1, m - 1), "same": (m // 2, (m - 1) // 2), "valid": (0, 0)}
    if mode not in lengths:
        raise ArgumentError(f"{name}: mode is {mode!r}. Use 'full', 'same' or 'valid'.")
    before, behind = lengths[mode]
    padded = concatenate([np.zeros(before), reshape(a, (a.size,)), np.zeros(behind)])
    places = np.arange(padded.size - m + 1)[:, None] + np.arange(m)
    made: Tensor = product(gather(padded, places, axis=0), reshape(v, (m, 1)))
    return reshape(made, (padded.size - m + 1,))


@public(np.piecewise)
def piecewise(x: Any, condlist: Sequence[Any], funclist: Sequence[Any], *args: Any, **kwargs: Any) -> Tensor:
    """A function in pieces: for each condition a number or a function, and one more for where none holds, 0 by default.

    Each function is called with all of ``x``, not with the elements that its condition picks: where it is nan or infinite for
    others, it must be made finite there by ``where`` to have a derivative.
    """
    x = as_tensor(x)
    conditions = list(condlist) if isinstance(condlist, (list, tuple)) or as_tensor(condlist).ndim > x.ndim else [condlist]
    functions = [*funclist, 0] if len(funclist) == len(conditions) else list(funclist)
    if len(functions) != len(conditions) + 1:
        raise ArgumentError(
            f"piecewise: {len(funclist)} functions for {len(conditions)} conditions. Give one for each, and one more at most."
        )
    values = [f(x, *args, **kwargs) if callable(f) else f for f in functions]
    made: Any = values[-1] + x * 0 if not callable(functions[-1]) else values[-1]
    for condition, value in zip(conditions, values[:-1], strict=True):  # as in NumPy, a later one counts
        made = where(condition, value, made)
    return made


@public(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """For each element the choice of the first condition that holds, ``default`` where none does."""
    if len(condlist) != len(choicelist) or not condlist:
        raise ArgumentError(
            f"select: {len(condlist)} conditions for {len(choicelist)} choices. Give as many of both, at least one."
        )
    made: Any = as_tensor(default)
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        made = where(condition, choice, made)
    return made
