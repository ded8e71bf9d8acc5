"""Norms, and what is told by the sizes of singular values: NumPy's names."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.axes import Axis, axes_of, axis_of, sequence
from jitgrad.functions.extremes import max, min
from jitgrad.functions.linalg.decompositions import svdvals
from jitgrad.functions.linalg.solving import inv, tolerance
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import expand_dims, moveaxis, squeeze
from jitgrad.ops.elementwise import abs, greater, not_equal, sqrt, square
from jitgrad.tape.protocol import namesakes, public
from jitgrad.tape.tensor import Tensor, as_tensor


@public(np.linalg.norm)
def norm(x: Any, ord: float | str | None = None, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The norm over ``axis``: Euclid's by default, over any number of axes.

    Args:
        x: any shape.
        ord: over one axis a number p, for (Σ|x|ᵖ)^(1/p), or inf, -inf or 0; over two axes "fro", 1, -1, inf or -inf, or, of the
            singular values, 2 for the largest, -2 for the smallest and "nuc" for their sum.
        axis: one axis, several, or all (None). Of a matrix first that of its rows, then that of its columns.
        keepdims: whether reduced axes stay, with size 1.

    Raises:
        ArgumentError: for another ``ord``.

    The derivative of Euclid's norm at 0 is nan.
    """
    x = as_tensor(x)
    axes = axes_of("norm", axis, x.ndim)
    if ord is None or (ord == "fro" and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        return sqrt(sum(square(x), axes, keepdims))
    if len(axes) == 1 and isinstance(ord, (int, float)):
        return _vector_norm(abs(x), float(ord), axes, keepdims)
    if len(axes) == 2 and ord in (2, -2, "nuc"):
        values = svdvals(moveaxis(x, axes, (-2, -1)))
        made = sum(values, -1) if ord == "nuc" else values[..., 0 if ord == 2 else -1]
        return expand_dims(made, axes) if keepdims else made
    if len(axes) == 2 and ord in (1, -1, math.inf, -math.inf):
        rows, columns = axes if axis is None else [axis_of("norm", a, x.ndim) for a in sequence(axis)]
        summed = rows if builtins.abs(ord) == 1 else columns
        sums = sum(abs(x), summed, keepdims=True)
        made = (max if ord > 0 else min)(sums, axes, keepdims=True)
        return made if keepdims else squeeze(made, axes)
    raise ArgumentError(
        f"norm: ord is {ord!r} over {len(axes)} axes of shape {x.shape}. Use None, or an order for 1 or 2 axes."
    )


def _vector_norm(size: Tensor, ord: float, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if math.isinf(ord):
        return (max if ord > 0 else min)(size, axes, keepdims)
    if ord == 0:
        return sum(not_equal(size, 0), axes, keepdims) * 1.0
    return sum(size, axes, keepdims) if ord == 1 else sum(size**ord, axes, keepdims) ** (1 / ord)


@public(*namesakes("vector_norm", module=np.linalg))
def vector_norm(x: Any, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Tensor:
    """The norm of the elements over ``axis``, as of one row: (Σ|x|ᵖ)^(1/p) of order p, or inf, -inf or 0."""
    x = as_tensor(x)
    axes = axes_of("vector_norm", axis, x.ndim)
    return norm(x, None, axes, keepdims) if ord == 2 else _vector_norm(abs(x * 1.0), float(ord), axes, keepdims)


@public(*namesakes("matrix_norm", module=np.linalg))
def matrix_norm(x: Any, keepdims: bool = False, ord: float | str = "fro") -> Tensor:
    """The norm of each matrix in the last two axes, see ``norm``."""
    return norm(x, ord, (-2, -1), keepdims)


@public(np.linalg.cond)
def cond(x: Any, p: float | str | None = None) -> Tensor:
    """The condition of each matrix: its norm times that of its inverse; by default the ratio of the outer singular values."""
    x = as_tensor(x)
    if p is None or p in (2, -2):
        values = svdvals(x)
        largest, smallest = values[..., 0], values[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    return matrix_norm(x, ord=p) * matrix_norm(inv(x), ord=p)


@public(np.linalg.matrix_rank)
def matrix_rank(a: Any, tol: Any = None) -> Tensor:
    """How many singular values of each matrix are above ``tol``, by default max(m, n) · eps times the largest, as int64."""
    a = as_tensor(a) * 1.0
    if a.ndim < 2:
        raise ShapeError(f"matrix_rank: shape {a.shape} is no matrix. Give (…, m, n).")
    values = svdvals(a)
    limit = values[..., :1] * tolerance(a) if tol is None else expand_dims(tol, -1)
    return sum(greater(values, limit), -1)
