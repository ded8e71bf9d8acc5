"""The public functions that take attributes: reductions, shapes, and what is composed of other ops.

The elementwise functions are the rows of the op table themselves.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.ops import Op, Shape, linear, reduce
from jitgrad.ops.elementwise import abs, exp, log, maximum, minimum, stop_gradient, where
from jitgrad.ops.linear import broadcast_to as broadcast_op
from jitgrad.tape import dtypes
from jitgrad.tape.indexing import gather_rows
from jitgrad.tape.tensor import Operators, Tensor, as_tensor, identity, matrix_product

Axis = int | Sequence[int] | None


def tensor(value: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """An immutable Tensor of ``value``, copied. Later changes of an array, or assignments to a Variable, do not touch it.

    Args:
        value: a number, array-like, Tensor or Variable.
        dtype: by default that of ``value``; float64 for Python floats, int64 for integers.
        requires_grad: whether ``backward`` gives it a gradient, in ``.grad``.

    Raises:
        DTypeError: for what is not boolean, integer or floating, and for integers that should have a gradient.
    """
    if isinstance(value, Operators) and not requires_grad and (dtype is None or value.dtype == dtype):
        return identity(as_tensor(value))
    array, rank = dtypes.as_data(value.numpy() if isinstance(value, Operators) else value, dtype)
    made = Tensor(None, (), (), array.shape, dtypes.strong(rank), array)
    made.requires_grad = requires_grad
    return made


# Products and rows.


def matmul(a: Any, b: Any) -> Tensor:
    """Matrix product as NumPy's: over the last two axes, the others broadcast; a vector is a row or a column."""
    return matrix_product(a, b)


def gather(x: Any, indices: Any) -> Tensor:
    """Rows of ``x`` (its first axis) by an array of integers: shape ``indices.shape + x.shape[1:]``.

    Raises IndexingError for an index that is known to be outside; one computed later gives a row of nan.
    """
    return gather_rows(as_tensor(x), indices)


# Reductions.


def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The sum over ``axis``: one axis, several, or all (None). Raises ShapeError for an axis that is not there."""
    return _reduce(linear.sum, x, axis, keepdims)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean over ``axis``; nan over no elements."""
    x = as_tensor(x)
    count = math.prod(x.shape[i] for i in _axes("mean", axis, x.ndim))
    return sum(x, axis, keepdims) / float(count)


def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest element over ``axis``; elements that tie share the gradient. nan where one is nan."""
    return _reduce(reduce.max, x, axis, keepdims)


def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest element over ``axis``; elements that tie share the gradient. nan where one is nan."""
    return _reduce(reduce.min, x, axis, keepdims)


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over ``axis``, without overflow."""
    x = as_tensor(x)
    if x.size == 0:
        raise ShapeError(f"logsumexp: shape {x.shape} has no elements. Give at least one along the axis.")
    top = stop_gradient(max(x, axis, keepdims=True))
    top = where(abs(top) < math.inf, top, 0.0)
    total = log(sum(exp(x - top), axis, keepdims=True)) + top
    return total if keepdims else reshape(total, sum(x, axis).shape)


def _reduce(op: Op, x: Any, axis: Axis, keepdims: bool) -> Tensor:
    x = as_tensor(x)
    axes = _axes(op.name, axis, x.ndim)
    reduced = op(x, axes=axes)
    if not keepdims:
        return reduced
    return reshape(reduced, tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def _axes(name: str, axis: Axis, ndim: int) -> tuple[int, ...]:
    """Axes from 0 on, in order."""
    if axis is None:
        return tuple(range(ndim))
    given = [operator.index(a) for a in _sequence(axis)]
    axes = sorted(_axis(name, a, ndim) for a in given)
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{name}: axis {axis} names an axis twice. Name each axis once.")
    return tuple(axes)


def _sequence(value: Any) -> tuple[Any, ...]:
    """One number, NumPy's too, or several of them as a tuple."""
    return tuple(value) if isinstance(value, (tuple, list, range)) or np.ndim(value) else (value,)


def _axis(name: str, axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise ShapeError(f"{name}: axis {axis} is out of range for {ndim} axes. Use {-ndim} to {ndim - 1}.")
    return axis % ndim


# Shapes.


def reshape(x: Any, shape: int | Sequence[int]) -> Tensor:
    """The same elements in another shape; -1 for at most one axis, whose size follows. Raises ShapeError."""
    x = as_tensor(x)
    sizes = _shape(shape, inferred=True)
    if -1 in sizes:
        rest = math.prod(n for n in sizes if n != -1)
        if sizes.count(-1) > 1 or rest == 0 or x.size % rest:
            raise ShapeError(
                f"reshape: {x.shape} does not go into {sizes}. Give sizes whose product divides {x.size}, and one -1."
            )
        sizes = tuple(x.size // rest if n == -1 else n for n in sizes)
    return linear.reshape(x, shape=sizes)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order; reversed by default. Raises ShapeError where ``axes`` is no permutation."""
    x = as_tensor(x)
    order = tuple(range(x.ndim))[::-1] if axes is None else tuple(_axis("transpose", a, x.ndim) for a in axes)
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(f"transpose: axes {axes} are no order of the {x.ndim} axes of {x.shape}. Name each axis once.")
    return linear.transpose(x, axes=order)


def broadcast_to(x: Any, shape: int | Sequence[int]) -> Tensor:
    """``x`` repeated along new axes and axes of size 1. Raises ShapeError where the shapes do not allow it."""
    return broadcast_op(x, shape=_shape(shape))


def squeeze(x: Any, axis: Axis = None) -> Tensor:
    """Without axes of size 1: all of them, or those named. Raises ShapeError where a named axis is longer."""
    x = as_tensor(x)
    axes = _axes("squeeze", axis, x.ndim) if axis is not None else tuple(i for i, n in enumerate(x.shape) if n == 1)
    for i in axes:
        if x.shape[i] != 1:
            raise ShapeError(f"squeeze: axis {i} of shape {x.shape} has size {x.shape[i]}. Name axes of size 1.")
    return reshape(x, tuple(n for i, n in enumerate(x.shape) if i not in axes))


def expand_dims(x: Any, axis: int) -> Tensor:
    """With a new axis of size 1 at position ``axis`` of the result."""
    x = as_tensor(x)
    at = _axis("expand_dims", axis, x.ndim + 1)
    return reshape(x, (*x.shape[:at], 1, *x.shape[at:]))


def concatenate(xs: Iterable[Any], axis: int = 0) -> Tensor:
    """Operands one after the other along ``axis``. Raises ShapeError where they differ along another."""
    tensors = [as_tensor(x) for x in xs]
    if not tensors or any(t.ndim != tensors[0].ndim for t in tensors) or tensors[0].ndim == 0:
        listed = ", ".join(str(t.shape) for t in tensors)
        raise ShapeError(
            f"concatenate: got shapes {listed or 'of no operands'}. Give operands of the same number of axes, at least 1."
        )
    return linear.concatenate(*tensors, axis=_axis("concatenate", axis, tensors[0].ndim))


def stack(xs: Iterable[Any], axis: int = 0) -> Tensor:
    """Operands of one shape along a new axis. Raises ShapeError where shapes differ."""
    tensors = [as_tensor(x) for x in xs]
    if any(t.shape != tensors[0].shape for t in tensors):
        listed = ", ".join(str(t.shape) for t in tensors)
        raise ShapeError(f"stack: shapes {listed} differ. Give operands of one shape.")
    return concatenate([expand_dims(t, axis) for t in tensors], axis)


def _shape(shape: int | Sequence[int], inferred: bool = False) -> Shape:
    sizes = tuple(operator.index(n) for n in _sequence(shape))
    if any(n < (-1 if inferred else 0) for n in sizes):
        raise ShapeError(f"A shape of {sizes} has a negative size. Give sizes from 0 on.")
    return sizes


# Compositions.


def clip(x: Any, low: Any = None, high: Any = None) -> Tensor:
    """``x`` held between ``low`` and ``high``; None leaves that side open."""
    x = as_tensor(x)
    x = x if low is None else maximum(x, low)
    return x if high is None else minimum(x, high)


# Methods, where NumPy has them: the functions, with the Tensor as their first argument.


def _reshape(self: Operators, *shape: Any) -> Tensor:
    """As ``jitgrad.reshape``; the sizes may be separate arguments."""
    return reshape(self, shape[0] if len(shape) == 1 else shape)


def _transpose(self: Operators, *axes: Any) -> Tensor:
    """As ``jitgrad.transpose``; the axes may be separate arguments."""
    order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    return transpose(self, order or None)


for _name, _function in {
    "reshape": _reshape, "transpose": _transpose, "sum": sum, "mean": mean, "max": max, "min": min, "clip": clip,
    "squeeze": squeeze,
}.items():  # fmt: skip
    setattr(Operators, _name, _function)
