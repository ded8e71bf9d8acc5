"""Products of vectors, matrices and arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.errors import IndexingError, ShapeError
from jitgrad.functions.axes import axis_of, sequence
from jitgrad.functions.joining import concatenate
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import moveaxis, reshape, transpose
from jitgrad.ops.linear import matmul as product
from jitgrad.tape.protocol import namesakes, public
from jitgrad.tape.tensor import Tensor, as_tensor


@public(np.matmul)
def matmul(a: Any, b: Any) -> Tensor:
    """NumPy's matmul: vectors become a row or a column, and lose that axis again."""
    a, b = as_tensor(a), as_tensor(b)
    if len(a.shape) > 1 and len(b.shape) > 1:
        made: Tensor = product(a, b)
        return made
    if not a.shape or not b.shape:
        raise IndexingError("matmul takes operands with at least one axis. Use * for a product with a number.")
    left = reshape(a, (1, *a.shape)) if a.ndim == 1 else a
    right = reshape(b, (*b.shape, 1)) if b.ndim == 1 else b
    made = product(left, right)
    shape = made.shape[:-2]
    shape += made.shape[-2:-1] if a.ndim > 1 else ()
    shape += made.shape[-1:] if b.ndim > 1 else ()
    return made if shape == made.shape else reshape(made, shape)


@public(np.dot)
def dot(a: Any, b: Any) -> Tensor:
    """NumPy's dot: the product of numbers, the inner product of vectors, the product of matrices; of more axes the sum over
    the last axis of ``a`` and the last but one of ``b``."""
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
def inner(a: Any, b: Any) -> Tensor:
    """The sum over the last axis of both."""
    a, b = as_tensor(a), as_tensor(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return reshape(matmul(_rows(a), transpose(_rows(b))), a.shape[:-1] + b.shape[:-1])


@public(np.vdot)
def vdot(a: Any, b: Any) -> Tensor:
    """The inner product of all elements, each as one row."""
    a, b = as_tensor(a), as_tensor(b)
    return matmul(reshape(a, (a.size,)), reshape(b, (b.size,)))


@public(np.tensordot)
def tensordot(a: Any, b: Any, axes: int | Sequence[Any] = 2) -> Tensor:
    """The sum of products over some axes: the last ``axes`` of ``a`` with the first of ``b``, or a pair of axes of each."""
    a, b = as_tensor(a), as_tensor(b)
    if isinstance(axes, int):
        axes = (range(a.ndim - axes, a.ndim), range(axes))
    left = [axis_of("tensordot", i, a.ndim) for i in sequence(axes[0])]
    right = [axis_of("tensordot", i, b.ndim) for i in sequence(axes[1])]
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        raise ShapeError(f"tensordot: shapes {a.shape} and {b.shape} do not fit over axes {left} and {right}. Make them agree.")
    rows, columns = [i for i in range(a.ndim) if i not in left], [i for i in range(b.ndim) if i not in right]
    n = math.prod(a.shape[i] for i in left)
    x = reshape(transpose(a, rows + left), (math.prod(a.shape[i] for i in rows), n))
    y = reshape(transpose(b, right + columns), (n, math.prod(b.shape[i] for i in columns)))
    return reshape(product(x, y), tuple(a.shape[i] for i in rows) + tuple(b.shape[i] for i in columns))


@public(np.outer)
def outer(a: Any, b: Any) -> Tensor:
    """The matrix of all products of an element of ``a`` and one of ``b``, each as one row."""
    a, b = as_tensor(a), as_tensor(b)
    return reshape(a, (a.size, 1)) * reshape(b, (1, b.size))


@public(np.kron)
def kron(a: Any, b: Any) -> Tensor:
    """Kronecker's product: each element of ``a`` times the whole of ``b``."""
    a, b = as_tensor(a), as_tensor(b)
    ndim = max(a.ndim, b.ndim)
    m, n = ((1,) * (ndim - len(shape)) + shape for shape in (a.shape, b.shape))
    left = reshape(a, tuple(k for size in m for k in (size, 1)))
    right = reshape(b, tuple(k for size in n for k in (1, size)))
    return reshape(left * right, tuple(i * j for i, j in zip(m, n, strict=True)))


def _rows(x: Tensor) -> Tensor:
    """A matrix with the last axis along its rows."""
    return reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


@public(np.vecdot)
def vecdot(a: Any, b: Any, axis: int = -1) -> Tensor:
    """The sums of products along ``axis``; the other axes broadcast."""
    a, b = [moveaxis(x, axis_of("vecdot", axis, x.ndim), -1) for x in (as_tensor(a), as_tensor(b))]
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(f"vecdot: shapes {a.shape} and {b.shape} differ along the axis. Make it agree.")
    return sum(a * b, -1)


@public(*namesakes("matvec"))
def matvec(a: Any, x: Any) -> Tensor:
    """The products of matrices (…, m, n) with vectors (…, n)."""
    x = as_tensor(x)
    return matmul(a, reshape(x, (*x.shape, 1)))[..., 0]


@public(*namesakes("vecmat"))
def vecmat(x: Any, a: Any) -> Tensor:
    """The products of vectors (…, m) with matrices (…, m, n)."""
    x = as_tensor(x)
    return matmul(reshape(x, (*x.shape[:-1], 1, x.shape[-1])), a)[..., 0, :]


@public(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Tensor:
    """The products of vectors in space, of three components along an axis; the other axes broadcast."""
    a, b = as_tensor(a), as_tensor(b)
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(a, axis_of("cross", axisa, a.ndim), -1), moveaxis(b, axis_of("cross", axisb, b.ndim), -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ShapeError(f"cross: vectors of {a.shape[-1]} and {b.shape[-1]} components. Give three of both.")
    (x, y, z), (u, v, w) = [[t[..., i : i + 1] for i in range(3)] for t in (a, b)]
    made = concatenate([y * w - z * v, z * u - x * w, x * v - y * u], axis=-1)
    return moveaxis(made, -1, axis_of("cross", axisc, made.ndim))
