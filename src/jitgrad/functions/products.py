"""Products of vectors, matrices and arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from jitgrad.errors import IndexingError, ShapeError
from jitgrad.functions.axes import axis_of, sequence
from jitgrad.functions.joining import concatenate
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import moveaxis, reshape, transpose
from jitgrad.ops.linear import matmul as product
from jitgrad.tape.protocol import namesakes, public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public(np.matmul)
def matmul(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Matrix product of two arrays.

    Parameters
    ----------
    a : array_like, shape (..., m, k) or (k,)
        Matrices, or a vector, which is treated as a row.
    b : array_like, shape (..., k, n) or (k,)
        Matrices, or a vector, which is treated as a column.

    Returns
    -------
    Tensor
        The products, of shape (..., m, n). Leading axes broadcast; the axis added to a vector is removed again.

    Raises
    ------
    IndexingError
        If an operand is a scalar.
    ShapeError
        If the shapes do not match.

    Notes
    -----
    ``a @ b`` is the same operation.

    See Also
    --------
    dot, einsum, linalg.multi_dot

    Examples
    --------
    >>> jg.matmul([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
    <Tensor shape=(2,) dtype=float64 [3. 7.]>
    """
    a, b = as_tensor(a), as_tensor(b)
    if len(a.shape) > 1 and len(b.shape) > 1:
        made: Tensor = product(a, b)
        return made
    if not a.shape or not b.shape:
        raise IndexingError("matmul: an operand is a scalar. Use * to multiply by a scalar.")
    left = reshape(a, (1, *a.shape)) if a.ndim == 1 else a
    right = reshape(b, (*b.shape, 1)) if b.ndim == 1 else b
    made = product(left, right)
    shape = made.shape[:-2]
    shape += made.shape[-2:-1] if a.ndim > 1 else ()
    shape += made.shape[-1:] if b.ndim > 1 else ()
    return made if shape == made.shape else reshape(made, shape)


@public(np.dot)
def dot(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Dot product of two arrays.

    Parameters
    ----------
    a, b : array_like
        Operands.

    Returns
    -------
    Tensor
        For scalars the product, for vectors the inner product, for matrices the matrix product. In general, the sum of products
        over the last axis of ``a`` and the second-to-last axis of ``b``, or the only axis if ``b`` is a vector.

    See Also
    --------
    matmul, inner, tensordot

    Examples
    --------
    >>> jg.dot([1.0, 2.0], [3.0, 4.0])
    <Tensor shape=() dtype=float64 11.>
    """
    a, b = as_tensor(a), as_tensor(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    if b.ndim <= 2:
        return matmul(a, b) if a.ndim <= 2 or b.ndim == 1 else reshape(matmul(_rows(a), b), (*a.shape[:-1], b.shape[-1]))
    right = moveaxis(b, -2, 0)
    return reshape(
        matmul(_rows(a), reshape(right, (right.shape[0], math.prod(right.shape[1:])))), a.shape[:-1] + right.shape[1:]
    )


@public(np.inner)
def inner(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Inner product over the last axes of two arrays.

    Parameters
    ----------
    a, b : array_like
        Operands whose last axes have the same size.

    Returns
    -------
    Tensor
        The sums of products, of shape ``a.shape[:-1] + b.shape[:-1]``.

    See Also
    --------
    dot, vecdot, outer

    Examples
    --------
    >>> jg.inner([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
    <Tensor shape=(2,) dtype=float64 [3. 7.]>
    """
    a, b = as_tensor(a), as_tensor(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return reshape(matmul(_rows(a), transpose(_rows(b))), a.shape[:-1] + b.shape[:-1])


@public(np.vdot)
def vdot(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Dot product of two arrays after flattening them.

    Parameters
    ----------
    a, b : array_like
        Operands with the same number of elements.

    Returns
    -------
    Tensor
        A scalar.

    See Also
    --------
    dot, vecdot

    Examples
    --------
    >>> jg.vdot([[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]])
    <Tensor shape=() dtype=float64 5.>
    """
    a, b = as_tensor(a), as_tensor(b)
    return matmul(reshape(a, (a.size,)), reshape(b, (b.size,)))


@public(np.tensordot)
def tensordot(a: ArrayLike, b: ArrayLike, axes: int | Sequence[ArrayLike] = 2) -> Tensor:
    """Sum of products over given axes of two arrays.

    Parameters
    ----------
    a, b : array_like
        Operands.
    axes : int or pair of sequences of int, default 2
        With an integer ``n``, the last ``n`` axes of ``a`` are summed with the first ``n`` axes of ``b``. A pair lists the axes
        of ``a`` and the axes of ``b``.

    Returns
    -------
    Tensor
        Array with the remaining axes of ``a``, followed by the remaining axes of ``b``.

    Raises
    ------
    ShapeError
        If the sizes of the axes differ.

    See Also
    --------
    einsum, dot

    Examples
    --------
    >>> jg.tensordot(np.ones((2, 3)), np.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    a, b = as_tensor(a), as_tensor(b)
    if isinstance(axes, int):
        axes = (range(a.ndim - axes, a.ndim), range(axes))
    left = [axis_of("tensordot", i, a.ndim) for i in sequence(axes[0])]
    right = [axis_of("tensordot", i, b.ndim) for i in sequence(axes[1])]
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        raise ShapeError(
            f"tensordot: shapes {a.shape} and {b.shape} do not match over axes {left} and {right}. Make these axes agree."
        )
    rows, columns = [i for i in range(a.ndim) if i not in left], [i for i in range(b.ndim) if i not in right]
    n = math.prod(a.shape[i] for i in left)
    x = reshape(transpose(a, rows + left), (math.prod(a.shape[i] for i in rows), n))
    y = reshape(transpose(b, right + columns), (n, math.prod(b.shape[i] for i in columns)))
    return reshape(product(x, y), tuple(a.shape[i] for i in rows) + tuple(b.shape[i] for i in columns))


@public(np.outer)
def outer(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Outer product of two vectors.

    Parameters
    ----------
    a, b : array_like
        Operands. They are flattened.

    Returns
    -------
    Tensor
        The matrix of the products ``a[i] * b[j]``.

    See Also
    --------
    inner, kron, einsum

    Examples
    --------
    >>> jg.outer([1.0, 2.0], [3.0, 4.0])
    <Tensor shape=(2, 2) dtype=float64
    [[3. 4.]
     [6. 8.]]>
    """
    a, b = as_tensor(a), as_tensor(b)
    return reshape(a, (a.size, 1)) * reshape(b, (1, b.size))


@public(np.kron)
def kron(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Kronecker product of two arrays.

    Parameters
    ----------
    a, b : array_like
        Operands. The one with fewer axes gets axes of size 1 in front.

    Returns
    -------
    Tensor
        Blocks of ``b``, each scaled by an element of ``a``.

    See Also
    --------
    outer, tile

    Examples
    --------
    >>> jg.kron([1.0, 2.0], [[1.0, 1.0]])
    <Tensor shape=(1, 4) dtype=float64 [[1. 1. 2. 2.]]>
    """
    a, b = as_tensor(a), as_tensor(b)
    ndim = max(a.ndim, b.ndim)
    m, n = ((1,) * (ndim - len(shape)) + shape for shape in (a.shape, b.shape))
    left = reshape(a, tuple(k for size in m for k in (size, 1)))
    right = reshape(b, tuple(k for size in n for k in (1, size)))
    return reshape(left * right, tuple(i * j for i, j in zip(m, n, strict=True)))


def _rows(x: Tensor) -> Tensor:
    """Reshape ``x`` to a matrix whose rows are the vectors along the last axis."""
    return reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


@public(np.vecdot)
def vecdot(a: ArrayLike, b: ArrayLike, axis: int = -1) -> Tensor:
    """Dot products of the vectors along an axis of two arrays.

    Parameters
    ----------
    a, b : array_like
        Operands. All axes except ``axis`` broadcast.
    axis : int, default -1
        Axis of the vectors.

    Returns
    -------
    Tensor
        The sums of products over ``axis``.

    Raises
    ------
    ShapeError
        If the sizes of the axis differ.

    See Also
    --------
    dot, matvec

    Examples
    --------
    >>> jg.vecdot([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
    <Tensor shape=(2,) dtype=float64 [3. 7.]>
    """
    a, b = [moveaxis(x, axis_of("vecdot", axis, x.ndim), -1) for x in (as_tensor(a), as_tensor(b))]
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(f"vecdot: shapes {a.shape} and {b.shape} differ along axis {axis}. Make the sizes of this axis equal.")
    return sum(a * b, -1)


@public(*namesakes("matvec"))
def matvec(a: ArrayLike, x: ArrayLike) -> Tensor:
    """Products of matrices and vectors.

    Parameters
    ----------
    a : array_like, shape (..., m, n)
        Matrices.
    x : array_like, shape (..., n)
        Vectors. Leading axes broadcast.

    Returns
    -------
    Tensor
        The products, of shape (..., m).

    See Also
    --------
    vecmat, matmul

    Examples
    --------
    >>> jg.matvec([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
    <Tensor shape=(2,) dtype=float64 [3. 7.]>
    """
    x = as_tensor(x)
    return matmul(a, reshape(x, (*x.shape, 1)))[..., 0]


@public(*namesakes("vecmat"))
def vecmat(x: ArrayLike, a: ArrayLike) -> Tensor:
    """Products of vectors and matrices.

    Parameters
    ----------
    x : array_like, shape (..., m)
        Vectors.
    a : array_like, shape (..., m, n)
        Matrices. Leading axes broadcast.

    Returns
    -------
    Tensor
        The products, of shape (..., n).

    See Also
    --------
    matvec, matmul

    Examples
    --------
    >>> jg.vecmat([1.0, 1.0], [[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=(2,) dtype=float64 [4. 6.]>
    """
    x = as_tensor(x)
    return matmul(reshape(x, (*x.shape[:-1], 1, x.shape[-1])), a)[..., 0, :]


@public(np.cross)
def cross(a: ArrayLike, b: ArrayLike, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Tensor:
    """Cross products of vectors with three components.

    Parameters
    ----------
    a, b : array_like
        Operands. All axes except the component axes broadcast.
    axisa, axisb : int, default -1
        Axes of the components in ``a`` and ``b``.
    axisc : int, default -1
        Axis of the components in the result.
    axis : int, optional
        Axis to use in place of ``axisa``, ``axisb`` and ``axisc``.

    Returns
    -------
    Tensor
        The cross products.

    Raises
    ------
    ShapeError
        If an operand does not have three components.

    See Also
    --------
    inner, outer

    Examples
    --------
    >>> jg.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    <Tensor shape=(3,) dtype=float64 [0. 0. 1.]>
    """
    a, b = as_tensor(a), as_tensor(b)
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(a, axis_of("cross", axisa, a.ndim), -1), moveaxis(b, axis_of("cross", axisb, b.ndim), -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ShapeError(
            f"cross: the vectors have {a.shape[-1]} and {b.shape[-1]} components. Pass vectors with three components."
        )
    (x, y, z), (u, v, w) = [[t[..., i : i + 1] for i in range(3)] for t in (a, b)]
    made = concatenate([y * w - z * v, z * u - x * w, x * v - y * u], axis=-1)
    return moveaxis(made, -1, axis_of("cross", axisc, made.ndim))
