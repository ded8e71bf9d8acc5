"""Decompositions of batches of matrices by LAPACK. Each has several results, which are nan if there is no solution.

The derivatives of eigenvectors and singular vectors divide by differences of eigenvalues, so they are nan or infinite if two
are equal; the derivatives of the values are finite. They follow Giles, "Collected matrix derivative results for forward and
reverse mode algorithmic differentiation", 2008, Townsend, "Differentiating the singular value decomposition", 2016, and Walter
and Lehmann, "Algorithmic differentiation of linear algebra functions", 2018.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.ops.elementwise import square
from jitgrad.ops.linalg import solve, square_matrix
from jitgrad.ops.linear import matmul, reshape, slice_, swap_last
from jitgrad.ops.table import Op, Shape, Shapes, declare, vanishes


def _eigh_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shapes:
    square_matrix(op, shapes[0])
    return Shapes((shapes[0][:-1], shapes[0]))


def _svd_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shapes:
    *batch, m, n = _matrix(op, shapes[0])
    k = min(m, n)
    p, q = (m, n) if attrs["full"] else (k, k)
    return Shapes(((*batch, m, p), (*batch, k), (*batch, q, n)))


def _qr_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shapes:
    *batch, m, n = _matrix(op, shapes[0])
    if m < n:
        raise ShapeError(f"qr: shape {shapes[0]} has fewer rows than columns. Use jitgrad.linalg.qr, which accepts any matrix.")
    return Shapes(((*batch, m, n), (*batch, n, n)))


def _pinv_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    *batch, m, n = _matrix(op, shapes[0])
    return (*batch, n, m)


def _matrix(op: Op, shape: Shape) -> Shape:
    if len(shape) < 2:
        raise ShapeError(f"{op.name}: shape {shape} is not a matrix or a batch of them. Give shape (…, m, n).")
    return shape


def _along_rows(x: Any) -> Any:
    """Reshape (…, n) to (…, 1, n)."""
    return reshape(x, shape=(*x.shape[:-1], 1, x.shape[-1]))


def _along_columns(x: Any) -> Any:
    """Reshape (…, n) to (…, n, 1)."""
    return reshape(x, shape=(*x.shape, 1))


def _columns(x: Any, start: int, stop: int) -> Any:
    """Return the columns start ≤ i < stop."""
    *before, n = x.shape
    if (start, stop) == (0, n):
        return x
    return slice_(x, starts=(*(0,) * len(before), start), steps=(1,) * len(x.shape), shape=(*before, stop - start))


def _inverse_differences(x: Any) -> Any:
    """Return 1 / (xⱼ - xᵢ) in row i and column j, with zeros on the diagonal."""
    eye = np.eye(x.shape[-1])
    return 1 / (_along_rows(x) - _along_columns(x) + eye) - eye


def _eigh_pullback(wanted: Any, g: Any, y: Any, a: Any) -> Any:
    (gw, gv), (w, v), n = g, y, a.shape[-1]
    inner = _along_rows(gw) * np.eye(n)
    if not vanishes(gv):
        inner = inner + matmul(swap_last(v), gv) * _inverse_differences(w)
    whole = matmul(matmul(v, inner), swap_last(v))
    return ((whole + swap_last(whole)) * (np.tril(np.ones((n, n))) - 0.5 * np.eye(n)),)  # only of the triangle that is read


def _svd_pullback(wanted: Any, g: Any, y: Any, a: Any, full: bool) -> Any:
    """Pull back. Vectors beyond the first k complete a basis: if the first k change, they rotate as little as possible."""
    (gu, gs, gvh), (u, s, vh) = g, y
    v, gv, k = swap_last(vh), swap_last(gvh), s.shape[-1]
    first_u, first_v = _columns(u, 0, k), _columns(v, 0, k)
    differences, inverse = _inverse_differences(square(s)), 1 / _along_rows(s)
    inner = _along_rows(gs) * np.eye(k)
    if not vanishes(gu):
        inner = inner + _turned(u, gu, k) * differences * _along_rows(s)
    if not vanishes(gvh):
        inner = inner + _along_columns(s) * (_turned(v, gv, k) * differences)
    total = matmul(matmul(first_u, inner), swap_last(first_v))
    if not vanishes(gu) and u.shape[-2] > k:
        total = total + matmul(_out_of(u, gu, k) * inverse, swap_last(first_v))
    if not vanishes(gvh) and v.shape[-2] > k:
        total = total + matmul(first_u, swap_last(_out_of(v, gv, k) * inverse))
    return (total,)


def _turned(u: Any, g: Any, k: int) -> Any:
    """Return the cotangent of rotating the first k columns of u among themselves: twice the antisymmetric part of uᵀg."""
    turned = matmul(swap_last(_columns(u, 0, k)), _columns(g, 0, k))
    return turned - swap_last(turned)


def _out_of(u: Any, g: Any, k: int) -> Any:
    """Return the cotangent of moving the first k columns of u out of the space they span."""
    first, g_first = _columns(u, 0, k), _columns(g, 0, k)
    moved = g_first - matmul(first, matmul(swap_last(first), g_first))
    if u.shape[-1] == k:
        return moved
    rest, g_rest = _columns(u, k, u.shape[-1]), _columns(g, k, u.shape[-1])
    return moved - matmul(rest, matmul(swap_last(g_rest), first))


def _qr_pullback(wanted: Any, g: Any, y: Any, a: Any) -> Any:
    (gq, gr), (q, r), n = g, y, a.shape[-1]
    inner = matmul(r, swap_last(gr)) - matmul(swap_last(gq), q)
    lower = np.tril(np.ones((n, n)))
    symmetric = inner * lower + swap_last(inner * (lower - np.eye(n)))
    return (swap_last(solve(r, swap_last(gq + matmul(q, symmetric)))),)


def _pinv_vjp(g: Any, y: Any, a: Any, rcond: Any) -> Any:
    back, turned, (m, n) = swap_last(y), swap_last(g), a.shape[-2:]
    total = -matmul(matmul(back, g), back)
    total = total + matmul(np.eye(m) - matmul(a, y), matmul(matmul(turned, y), back))
    return total + matmul(matmul(back, matmul(y, turned)), np.eye(n) - matmul(y, a))


eigh: Op = declare(
    Op(
        "eigh", 1, _eigh_shape, (), np.linalg.eigh, pullback=_eigh_pullback, batching=lambda n: {}, result="float",
        doc="Return ascending eigenvalues, and eigenvectors in columns, of symmetric matrices, given by the lower triangle.",
    )
)  # fmt: skip
svd: Op = declare(
    Op(
        "svd", 1, _svd_shape, (), lambda a, full: np.linalg.svd(a, full), pullback=_svd_pullback,
        batching=lambda n, full: {"full": full}, result="float",
        doc="Return left singular vectors in columns, singular values in descending order, and right singular vectors in rows.",
    )
)  # fmt: skip
qr: Op = declare(
    Op(
        "qr", 1, _qr_shape, (), np.linalg.qr, pullback=_qr_pullback, batching=lambda n: {}, result="float",
        doc="Return q with orthonormal columns and an upper triangular r with q·r = a. Rows must not be fewer than columns.",
    )
)  # fmt: skip
pinv: Op = declare(
    Op(
        "pinv", 2, _pinv_shape, (_pinv_vjp, None), np.linalg.pinv, batching=lambda n: {}, result="float",
        doc="Return pseudo-inverses, without singular values up to the largest one times the second operand.",
    )
)  # fmt: skip
