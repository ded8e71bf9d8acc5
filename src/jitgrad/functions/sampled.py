"""Functions given by samples, and polynomials."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.axes import Axis, axes_of, axis_of
from jitgrad.functions.cumulative import diff
from jitgrad.functions.joining import concatenate
from jitgrad.functions.logic import isnan, logical_and
from jitgrad.functions.reductions import sum
from jitgrad.functions.selection import argsort
from jitgrad.functions.shapes import moveaxis, reshape
from jitgrad.ops.elementwise import equal, greater, less, less_equal, mod, where
from jitgrad.ops.linear import gather
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
