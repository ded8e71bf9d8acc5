"""Sums, products, means and variances over axes."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.functions.axes import Axis, axes_of, axis_of, sequence
from jitgrad.functions.joining import concatenate
from jitgrad.functions.shapes import moveaxis, reshape, transpose
from jitgrad.ops import Op, linear
from jitgrad.ops.elementwise import sqrt, square
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor


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
