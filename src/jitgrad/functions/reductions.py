"""Reductions over axes, running sums and products, and what is composed of them."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.axes import Axis, axes_of, axis_of, sequence
from jitgrad.functions.elementwise import isclose
from jitgrad.functions.shapes import concatenate, moveaxis, reshape, transpose
from jitgrad.ops import Op, linear, order, reduce
from jitgrad.ops.elementwise import abs, divide, equal, exp, greater, log, not_equal, sqrt, square, stop_gradient, where
from jitgrad.tape.protocol import namesakes, public
from jitgrad.tape.tensor import Tensor, as_tensor, op_of, retyped


@public(np.sum)
def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The sum over ``axis``: one axis, several, or all (None). Raises ShapeError for an axis that is not there."""
    return _reduce(linear.sum, x, axis, keepdims)


@public(np.mean)
def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean over ``axis``; nan over no elements."""
    x = as_tensor(x)
    axes = axes_of("mean", axis, x.ndim)
    return _reduced(linear.sum, x, axes, keepdims) / float(math.prod([x.shape[i] for i in axes]))


@public(np.var)
def var(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
    """The variance over ``axis``: the sum of squared deviations from the mean, over the count less ``ddof``.

    Where ``ddof`` leaves nothing to divide by, it is nan or infinite, as NumPy's.
    """
    x = as_tensor(x)
    squares = sum(square(x - mean(x, axis, keepdims=True)), axis, keepdims)
    return squares / builtins.max(float(_count("var", x, axis) - ddof), 0.0)


@public(np.std)
def std(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
    """The square root of ``var``. Its derivative is infinite where all elements are equal, as that of sqrt at 0; of one element
    it is 0."""
    x = as_tensor(x)
    variance = var(x, axis, ddof, keepdims)
    return variance if _count("std", x, axis) == 1 else sqrt(variance)  # that of one element is 0 or nan


@public(np.max, np.amax)
def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest element over ``axis``; elements that tie share the gradient. nan where one is nan."""
    return _reduce(reduce.max, x, axis, keepdims)


@public(np.min, np.amin)
def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest element over ``axis``; elements that tie share the gradient. nan where one is nan."""
    return _reduce(reduce.min, x, axis, keepdims)


@public(np.prod)
def prod(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The product over ``axis``, by halves, so that its derivatives are right at zeros, too."""
    x = as_tensor(x) * 1  # booleans are counted
    axes = axes_of("prod", axis, x.ndim)
    kept = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    y = reshape(moveaxis(x, axes, range(-len(axes), 0)) if axes else x, (*kept, _count("prod", x, axes)))
    while (n := y.shape[-1]) > 1:
        product = y[..., : n // 2] * y[..., n // 2 : n // 2 * 2]
        y = product if n % 2 == 0 else concatenate([product, y[..., n - 1 :]], axis=-1)
    made = y[..., 0] if y.shape[-1] else linear.broadcast_to(1, shape=kept)
    return reshape(made, tuple(1 if i in axes else n for i, n in enumerate(x.shape))) if keepdims else made


@public(np.any)
def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether an element over ``axis`` is not 0."""
    return greater(sum(not_equal(x, 0), axis, keepdims), 0)


@public(np.all)
def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether no element over ``axis`` is 0."""
    return equal(sum(equal(x, 0), axis, keepdims), 0)


@public()
def allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether all numbers are close, see ``isclose``."""
    return all(isclose(a, b, rtol, atol, equal_nan))


@public(np.count_nonzero)
def count_nonzero(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The number of elements over ``axis`` that are not 0."""
    return sum(not_equal(x, 0), axis, keepdims)


@public(np.ptp)
def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest element less the smallest over ``axis``."""
    return max(x, axis, keepdims) - min(x, axis, keepdims)


@public(np.average)
def average(x: Any, axis: Axis = None, weights: Any = None, returned: bool = False, keepdims: bool = False) -> Any:
    """The mean over ``axis``, weighted.

    Args:
        x: any shape.
        axis: one axis, several, or all (None).
        weights: shaped as ``x``, or as its axes ``axis`` in the order in which they are named.
        returned: whether the sum of the weights comes second, in the shape of the mean.
        keepdims: whether reduced axes stay, with size 1.

    Raises ShapeError for weights of another shape.
    """
    x = as_tensor(x)
    if weights is None:
        found, total = mean(x, axis, keepdims), as_tensor(float(_count("average", x, axis)))
    else:
        w = linear.broadcast_to(_weights(as_tensor(weights), x, axis), shape=x.shape)
        total = sum(w, axis, keepdims)
        found = sum(x * w, axis, keepdims) / total
    return (found, linear.broadcast_to(total, shape=found.shape)) if returned else found


def _weights(w: Tensor, x: Tensor, axis: Axis) -> Tensor:
    """Weights of whole axes with those axes where ``x`` has them."""
    if w.shape == x.shape:
        return w
    axes = [] if axis is None else [axis_of("average", a, x.ndim) for a in sequence(axis)]
    if not axes or w.shape != tuple(x.shape[a] for a in axes):
        raise ShapeError(
            f"average: weights of shape {w.shape} for shape {x.shape} and axis {axis}. Shape them as x or its axes."
        )
    if len(set(axes)) < len(axes):
        raise ShapeError(f"average: axis {axis} names an axis twice. Name each axis once.")
    w = transpose(w, [axes.index(a) for a in sorted(axes)])
    return reshape(w, tuple(n if i in axes else 1 for i, n in enumerate(x.shape)))


@public(np.argmax)
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the largest element along ``axis`` stands, the first of equal ones, as int64; of all elements for None."""
    x = as_tensor(x)
    row, at = running("argmax", x, axis)
    found = order.argmax(moveaxis(row, at, -1))
    if not keepdims:
        return found
    reduced = range(x.ndim) if axis is None else (at,)
    return reshape(found, tuple(1 if i in reduced else n for i, n in enumerate(x.shape)))


@public(np.argmin)
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the smallest element along ``axis`` stands, the first of equal ones, as int64; of all elements for None."""
    return argmax(-as_tensor(x), axis, keepdims)


@public(np.cumsum)
def cumsum(x: Any, axis: int | None = None) -> Tensor:
    """The sum of the elements along ``axis`` up to each; of all elements in a row for None."""
    x, at = running("cumsum", x, axis)
    return linear.cumsum(x, axis=at, reverse=False)


@public(np.cumprod)
def cumprod(x: Any, axis: int | None = None) -> Tensor:
    """The product of the elements along ``axis`` up to each; by doubling, so that its derivatives are right at zeros, too.

    Hillis and Steele, "Data parallel algorithms", 1986.
    """
    x, at = running("cumprod", x, axis)
    y = moveaxis(x, at, -1) * 1  # booleans are counted
    n, step = y.shape[-1], 1
    while step < n:
        y = concatenate([y[..., :step], y[..., step:] * y[..., : n - step]], axis=-1)
        step *= 2
    return moveaxis(y, -1, at)


@public(*namesakes("cumulative_sum"))
def cumulative_sum(x: Any, axis: int | None = None, include_initial: bool = False) -> Tensor:
    """As ``cumsum``; of several axes one must be named. With ``include_initial`` it begins with the sum of none, 0."""
    return _with_initial("cumulative_sum", cumsum, x, axis, 0.0 if include_initial else None)


@public(*namesakes("cumulative_prod"))
def cumulative_prod(x: Any, axis: int | None = None, include_initial: bool = False) -> Tensor:
    """As ``cumprod``; of several axes one must be named. With ``include_initial`` it begins with the product of none, 1."""
    return _with_initial("cumulative_prod", cumprod, x, axis, 1.0 if include_initial else None)


def _with_initial(name: str, f: Any, x: Any, axis: int | None, initial: float | None) -> Tensor:
    x = as_tensor(x)
    if axis is None and x.ndim != 1:
        raise ArgumentError(f"{name}: shape {x.shape} has not one axis. Name the axis.")
    at = axis_of(name, axis or 0, x.ndim)
    made: Tensor = f(x, at)
    if initial is None:
        return made
    first = retyped(linear.broadcast_to(initial, shape=(*x.shape[:at], 1, *x.shape[at + 1 :])), made.level)
    return concatenate([first, made], at)


@public()
def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over ``axis``, without overflow."""
    x = as_tensor(x)
    if x.size == 0:
        raise ShapeError(f"logsumexp: shape {x.shape} has no elements. Give at least one along the axis.")
    top = _top(x, axis)
    total = log(sum(exp(x - top), axis, keepdims=True)) + top
    return total if keepdims else reshape(total, sum(x, axis).shape)


@public()
def softmax(x: Any, axis: Axis = -1) -> Tensor:
    """exp(x) / sum(exp(x)) over ``axis``, without overflow."""
    x = as_tensor(x)
    shifted = exp(x - _top(x, axis)) if x.size else exp(x)
    return shifted / sum(shifted, axis, keepdims=True)


@public()
def log_softmax(x: Any, axis: Axis = -1) -> Tensor:
    """log(softmax(x)) over ``axis``, without overflow."""
    x = as_tensor(x)
    shifted = x - _top(x, axis) if x.size else x
    return shifted - log(sum(exp(shifted), axis, keepdims=True))


def log_of_softmax(p: Tensor) -> Tensor | None:
    """log(p) where ``p`` was just recorded as a softmax, from what it was made of, so that nothing vanishes; None elsewhere.

    This cannot wait for lowering, which comes after differentiating: 1 / p would have overflowed by then.
    """
    if op_of(p) is not divide or op_of(p.inputs[0]) is not exp:
        return None
    shifted, total = p.inputs
    inner = total.inputs[0] if total.op is linear.reshape else total
    if inner.op is not linear.sum or inner.inputs[0] is not shifted or total.ndim != p.ndim:
        return None
    return shifted.inputs[0] - log(total)


def _top(x: Tensor, axis: Axis) -> Tensor:
    """The largest element over ``axis`` as a constant, 0 where it is infinite."""
    top = stop_gradient(max(x, axis, keepdims=True))
    return where(abs(top) < math.inf, top, 0.0)


def _reduce(op: Op, x: Any, axis: Axis, keepdims: bool) -> Tensor:
    x = as_tensor(x)
    return _reduced(op, x, axes_of(op.name, axis, x.ndim), keepdims)


def _reduced(op: Op, x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    reduced: Tensor = op(x, axes=axes)
    if not keepdims:
        return reduced
    return linear.reshape(reduced, shape=tuple([1 if i in axes else n for i, n in enumerate(x.shape)]))


def _count(name: str, x: Tensor, axis: Axis) -> int:
    """The number of elements that are reduced to one."""
    return math.prod(x.shape[i] for i in axes_of(name, axis, x.ndim))


def running(name: str, x: Any, axis: int | None) -> tuple[Tensor, int]:
    """A Tensor and its axis from 0 on: a row of all elements for None, and for a number, which has the axes 0 and -1."""
    x = as_tensor(x)
    if axis is not None:
        axis = axis_of(name, axis, x.ndim or 1)
    return (reshape(x, (x.size,)), 0) if axis is None or not x.ndim else (x, axis)
