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
from jitgrad.typing import ArrayLike


@public(np.searchsorted)
def searchsorted(a: ArrayLike, v: ArrayLike, side: str = "left") -> Tensor:
    """Positions at which values would be inserted into a sorted array.

    Parameters
    ----------
    a : array_like, shape (n,)
        Array in ascending order.
    v : array_like
        Values to insert.
    side : {"left", "right"}, default "left"
        Whether to insert before or after equal elements.

    Returns
    -------
    Tensor
        Positions from 0 to n as int64, in the shape of ``v``. nan sorts after all numbers.

    Notes
    -----
    A binary search runs for all values at once. The result is piecewise constant and has no derivative.

    See Also
    --------
    digitize, interp

    Examples
    --------
    >>> jg.searchsorted([1.0, 2.0, 3.0], [0.5, 2.0, 2.5])
    <Tensor shape=(3,) dtype=int64 [0 1 2]>
    """
    a, v = as_tensor(a), as_tensor(v)
    if a.ndim != 1:
        raise ShapeError(f"searchsorted: the sorted array has shape {a.shape}. Pass a vector in ascending order.")
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
def digitize(x: ArrayLike, bins: ArrayLike, right: bool = False) -> Tensor:
    """Index of the bin of each value.

    Parameters
    ----------
    x : array_like
        Input array.
    bins : array_like, shape (n,)
        Bin edges in ascending order. Descending order is supported if the values are known.
    right : bool, default False
        Whether a bin includes its upper edge instead of its lower edge.

    Returns
    -------
    Tensor
        Indices as int64: 0 below the first edge, n above the last. They have no derivative.

    See Also
    --------
    searchsorted, bincount

    Examples
    --------
    >>> jg.digitize([0.5, 1.0, 2.5], [0.0, 1.0, 2.0])
    <Tensor shape=(3,) dtype=int64 [1 2 3]>
    """
    edges, side = as_tensor(bins), "left" if right else "right"
    if edges.ndim == 1 and edges.value is not None and edges.shape[0] > 1 and edges.value[0] > edges.value[-1]:
        return edges.shape[0] - searchsorted(edges[::-1], x, side)
    return searchsorted(edges, x, side)


@public(np.interp)
def interp(
    x: ArrayLike,
    xp: ArrayLike,
    fp: ArrayLike,
    left: ArrayLike | None = None,
    right: ArrayLike | None = None,
    period: float | None = None,
) -> Tensor:
    """Piecewise linear interpolation.

    Parameters
    ----------
    x : array_like
        Where to evaluate the interpolant.
    xp : array_like, shape (n,)
        Coordinates of the data points, in ascending order unless ``period`` is given.
    fp : array_like, shape (n,)
        Values of the data points.
    left, right : array_like, optional
        Values below the first and above the last point. By default ``fp[0]`` and ``fp[-1]``.
    period : float, optional
        Period of ``x``. The points may then be in any order, and ``left`` and ``right`` are ignored.

    Returns
    -------
    Tensor
        Interpolated values in the shape of ``x``; nan where ``x`` is nan.

    Raises
    ------
    ShapeError
        If ``xp`` and ``fp`` are not nonempty vectors of the same length.
    ArgumentError
        If the period is 0.

    Notes
    -----
    Gradients flow to ``x``, ``xp`` and ``fp``. At a data point, the derivative with respect to ``x`` is the slope to its right,
    and 0 at the last point.

    See Also
    --------
    searchsorted, piecewise

    Examples
    --------
    >>> jg.interp([0.5, 1.5, 9.0], [0.0, 1.0, 2.0], [0.0, 10.0, 30.0])
    <Tensor shape=(3,) dtype=float64 [ 5. 20. 30.]>
    """
    x, xp, fp = as_tensor(x) * 1.0, as_tensor(xp) * 1.0, as_tensor(fp) * 1.0
    if xp.ndim != 1 or xp.shape != fp.shape or xp.size == 0:
        raise ShapeError(f"interp: xp has shape {xp.shape} and fp {fp.shape}. Pass vectors of the same length, at least 1.")
    if period is not None:
        if period == 0:
            raise ArgumentError("interp: the period is 0. Pass another number.")
        period = abs(period)
        x, xp = mod(x, period), mod(xp, period)
        order = argsort(xp)
        xp, fp = as_tensor(gather(xp, order, axis=0)), as_tensor(gather(fp, order, axis=0))
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
def trapezoid(y: ArrayLike, x: ArrayLike | None = None, dx: ArrayLike = 1.0, axis: int = -1) -> Tensor:
    """Integrate samples along an axis by the trapezoidal rule.

    Parameters
    ----------
    y : array_like
        Samples of the function.
    x : array_like, optional
        Coordinates of the samples: a vector, or an array of the shape of ``y``.
    dx : float, default 1.0
        Distance between the samples if ``x`` is not given.
    axis : int, default -1
        Axis of the samples.

    Returns
    -------
    Tensor
        The integrals.

    See Also
    --------
    cumsum, gradient

    Examples
    --------
    >>> x = np.linspace(0.0, 1.0, 5)
    >>> jg.trapezoid(x**2, x)
    <Tensor shape=() dtype=float64 0.34375>
    """
    y = as_tensor(y)
    at = axis_of("trapezoid", axis, y.ndim)
    if x is not None:
        x = as_tensor(x)
        dx = diff(x, axis=at if x.ndim == y.ndim else -1)
        dx = reshape(dx, (-1,) + (1,) * (y.ndim - at - 1)) if x.ndim == 1 else dx
    before = (slice(None),) * at
    return sum((y[(*before, slice(1, None))] + y[(*before, slice(None, -1))]) * dx / 2.0, at)


@public(np.gradient)
def gradient(f: ArrayLike, *varargs: ArrayLike, axis: Axis = None, edge_order: int = 1) -> Any:
    """Slope of sampled values along each axis, by finite differences.

    Parameters
    ----------
    f : array_like
        Values at the points of a grid.
    *varargs : array_like
        Distance between the points, or their coordinates as a vector: one for all axes, or one for each axis. The default
        distance is 1.
    axis : int or sequence of int, optional
        Axes of the slopes. By default, all axes.
    edge_order : {1, 2}, default 1
        Order of accuracy of the differences at the edges.

    Returns
    -------
    Tensor or tuple of Tensor
        The slopes in the shape of ``f``, one Tensor for each axis.

    Raises
    ------
    ArgumentError
        If ``edge_order`` or the number of distances is invalid.
    ShapeError
        If an axis has too few points, or the number of coordinates differs from it.

    Notes
    -----
    Differences in the interior are central and of second order, also for points at unequal distances. For derivatives of
    functions, see `grad`.

    See Also
    --------
    diff, trapezoid, grad

    Examples
    --------
    >>> jg.gradient([0.0, 1.0, 4.0, 9.0])
    <Tensor shape=(4,) dtype=float64 [1. 2. 4. 5.]>
    """
    f = as_tensor(f) * 1.0
    axes = axes_of("gradient", axis, f.ndim)
    if edge_order not in (1, 2):
        raise ArgumentError(f"gradient: edge_order is {edge_order}. Use 1 or 2.")
    if len(varargs) not in (0, 1, len(axes)):
        raise ArgumentError(f"gradient: got {len(varargs)} distances for {len(axes)} axes. Pass one, or one for each axis.")
    given = varargs or (1.0,)
    spacings = given * len(axes) if len(given) == 1 else given
    made = [_slope(f, as_tensor(h) * 1.0, at, edge_order) for at, h in zip(axes, spacings, strict=True)]
    return made[0] if len(made) == 1 else tuple(made)


def _slope(f: Tensor, h: Tensor, axis: int, edge_order: int) -> Tensor:
    y = moveaxis(f, axis, -1)
    n = y.shape[-1]
    if n < edge_order + 1:
        raise ShapeError(f"gradient: axis {axis} of shape {f.shape} has {n} points. Pass at least {edge_order + 1}.")
    if h.ndim == 1 and h.shape[0] != n:
        raise ShapeError(f"gradient: got {h.shape[0]} coordinates for {n} points along axis {axis}. Pass one for each point.")
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
def polyval(p: ArrayLike, x: ArrayLike) -> Tensor:
    """Evaluate a polynomial.

    Parameters
    ----------
    p : array_like, shape (n,)
        Coefficients, highest power first.
    x : array_like
        Where to evaluate it.

    Returns
    -------
    Tensor
        ``p[0] * x**(n - 1) + ... + p[n - 1]``, by Horner's rule.

    Raises
    ------
    ShapeError
        If ``p`` is not a vector.

    Examples
    --------
    >>> jg.polyval([1.0, 0.0, -1.0], [0.0, 2.0])
    <Tensor shape=(2,) dtype=float64 [-1.  3.]>
    """
    p, x = as_tensor(p), as_tensor(x)
    if p.ndim != 1:
        raise ShapeError(f"polyval: the coefficients have shape {p.shape}. Pass a vector.")
    total: Any = x * 0
    for k in range(p.shape[0]):
        total = total * x + p[k]
    return total
