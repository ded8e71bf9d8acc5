"""Norms, condition numbers and ranks."""

from __future__ import annotations

import builtins
import math

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
from jitgrad.typing import ArrayLike


@public(np.linalg.norm)
def norm(x: ArrayLike, ord: float | str | None = None, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Norm of vectors or matrices over one or more axes.

    Parameters
    ----------
    x : array_like
        Input array.
    ord : {None, int, float, inf, -inf, "fro", "nuc"}, optional
        Order of the norm. None is the Euclidean norm over any number of axes. Over one axis, a number p stands for
        ``sum(abs(x)**p)**(1/p)``, inf and -inf for the largest and smallest absolute value, and 0 for the number of nonzero
        elements. Over two axes, "fro" is the Frobenius norm, 1 and -1 are the largest and smallest column sum of absolute
        values, inf and -inf the largest and smallest row sum, 2 and -2 the largest and smallest singular value, and "nuc" is
        the sum of the singular values.
    axis : int or sequence of int, optional
        Axis or axes of the vectors or matrices; for matrices, the axis of the rows first. The default is all axes.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.

    Returns
    -------
    Tensor
        The norms.

    Raises
    ------
    ArgumentError
        If the order is not available for this number of axes.

    Notes
    -----
    The derivative of the Euclidean norm at 0 is nan.

    See Also
    --------
    vector_norm, matrix_norm

    Examples
    --------
    >>> jg.linalg.norm([3.0, 4.0])
    <Tensor shape=() dtype=float64 5.>
    >>> jg.linalg.norm([[1.0, 2.0], [3.0, 4.0]], ord=1)
    <Tensor shape=() dtype=float64 6.>
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
        f"norm: ord {ord!r} is not available over {len(axes)} axes of shape {x.shape}. Use None, or reduce 1 or 2 axes."
    )


def _vector_norm(size: Tensor, ord: float, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if math.isinf(ord):
        return (max if ord > 0 else min)(size, axes, keepdims)
    if ord == 0:
        return sum(not_equal(size, 0), axes, keepdims) * 1.0
    return sum(size, axes, keepdims) if ord == 1 else sum(size**ord, axes, keepdims) ** (1 / ord)


@public(*namesakes("vector_norm", module=np.linalg))
def vector_norm(x: ArrayLike, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Tensor:
    """Norm of vectors over one or more axes.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int, optional
        Axis or axes to reduce. The default is all axes.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.
    ord : float, default 2
        Order p of the norm ``sum(abs(x)**p)**(1/p)``. inf and -inf stand for the largest and smallest absolute value, 0 for the
        number of nonzero elements.

    Returns
    -------
    Tensor
        The norms.

    See Also
    --------
    norm, matrix_norm

    Examples
    --------
    >>> jg.linalg.vector_norm([[3.0, 4.0], [6.0, 8.0]], axis=1)
    <Tensor shape=(2,) dtype=float64 [ 5. 10.]>
    """
    x = as_tensor(x)
    axes = axes_of("vector_norm", axis, x.ndim)
    return norm(x, None, axes, keepdims) if ord == 2 else _vector_norm(abs(x * 1.0), float(ord), axes, keepdims)


@public(*namesakes("matrix_norm", module=np.linalg))
def matrix_norm(x: ArrayLike, keepdims: bool = False, ord: float | str = "fro") -> Tensor:
    """Norm of the matrices in the last two axes.

    Parameters
    ----------
    x : array_like, shape (..., m, n)
        Matrices.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.
    ord : {"fro", "nuc", 1, -1, 2, -2, inf, -inf}, default "fro"
        Order of the norm, see `norm`.

    Returns
    -------
    Tensor
        The norms.

    See Also
    --------
    norm, vector_norm

    Examples
    --------
    >>> jg.linalg.matrix_norm([[3.0, 0.0], [0.0, 4.0]])
    <Tensor shape=() dtype=float64 5.>
    """
    return norm(x, ord, (-2, -1), keepdims)


@public(np.linalg.cond)
def cond(x: ArrayLike, p: float | str | None = None) -> Tensor:
    """Condition number of matrices.

    Parameters
    ----------
    x : array_like, shape (..., m, n)
        Matrices.
    p : {None, 1, -1, 2, -2, inf, -inf, "fro", "nuc"}, optional
        Order of the norm, see `norm`. None and 2 stand for the ratio of the largest to the smallest singular value.

    Returns
    -------
    Tensor
        The norm of each matrix times the norm of its inverse.

    See Also
    --------
    norm, svdvals, matrix_rank

    Examples
    --------
    >>> jg.linalg.cond([[1.0, 0.0], [0.0, 0.01]])
    <Tensor shape=() dtype=float64 100.>
    """
    x = as_tensor(x)
    if p is None or p in (2, -2):
        values = svdvals(x)
        largest, smallest = values[..., 0], values[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    return matrix_norm(x, ord=p) * matrix_norm(inv(x), ord=p)


@public(np.linalg.matrix_rank)
def matrix_rank(a: ArrayLike, tol: ArrayLike | None = None) -> Tensor:
    """Rank of matrices, determined from their singular values.

    Parameters
    ----------
    a : array_like, shape (..., m, n)
        Matrices.
    tol : array_like, optional
        Threshold below which a singular value counts as zero. By default, ``max(m, n) * eps`` times the largest singular value.

    Returns
    -------
    Tensor
        Ranks as int64.

    Raises
    ------
    ShapeError
        If ``a`` has fewer than two axes.

    See Also
    --------
    svdvals, pinv

    Examples
    --------
    >>> jg.linalg.matrix_rank([[1.0, 2.0], [2.0, 4.0]])
    <Tensor shape=() dtype=int64 1>
    """
    a = as_tensor(a) * 1.0
    if a.ndim < 2:
        raise ShapeError(f"matrix_rank: shape {a.shape} is not a matrix. Pass a shape (…, m, n).")
    values = svdvals(a)
    limit = values[..., :1] * tolerance(a) if tol is None else expand_dims(tol, -1)
    return sum(greater(values, limit), -1)
