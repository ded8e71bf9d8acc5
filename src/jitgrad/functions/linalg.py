"""Linear algebra, over the last two axes. What has no solution is nan, where NumPy raises."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.reductions import norm
from jitgrad.functions.shapes import broadcast_to, concatenate, expand_dims, swapaxes
from jitgrad.ops import decompositions
from jitgrad.ops import linalg as ops
from jitgrad.ops.linear import matmul
from jitgrad.ops.table import broadcast_shape
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor

norm = public(np.linalg.norm)(norm)


@public(np.linalg.solve)
def solve(a: Any, b: Any) -> Tensor:
    """The x with ``a @ x = b``, by LU with partial pivoting (LAPACK); nan where ``a`` is singular.

    Args:
        a: (…, n, n).
        b: (…, n, k), or a vector (n,). The axes in front broadcast.
    """
    a, b = as_tensor(a), as_tensor(b)
    if b.ndim == 1:
        return solve(a, expand_dims(b, -1))[..., 0]
    if a.ndim < 2 or b.ndim < 1:
        raise ShapeError(f"solve: shapes {a.shape} and {b.shape} are no matrix and right side. Give (n, n) and (n, k) or (n,).")
    batch = broadcast_shape(ops.solve, (a.shape[:-2], b.shape[:-2]), {})
    return ops.solve(broadcast_to(a, batch + a.shape[-2:]), broadcast_to(b, batch + b.shape[-2:]))


@public(np.linalg.inv)
def inv(a: Any) -> Tensor:
    """The inverse of each (…, n, n); nan where there is none."""
    a = as_tensor(a)
    if a.ndim < 2:
        raise ShapeError(f"inv: shape {a.shape} is no matrix. Give (…, n, n).")
    return solve(a, np.eye(a.shape[-1]))


@public(np.linalg.det)
def det(a: Any) -> Tensor:
    """The determinant of each (…, n, n). At a singular matrix it has a first derivative, but its second is nan."""
    return ops.determinant(a)[0]


@public(np.linalg.slogdet)
def slogdet(a: Any) -> tuple[Tensor, Tensor]:
    """The sign of the determinant of each (…, n, n), and the logarithm of its absolute value."""
    _, sign, size = ops.determinant(a)
    return sign, size


@public(np.linalg.cholesky)
def cholesky(a: Any) -> Tensor:
    """The lower triangular l with ``l @ l.T = a`` for each symmetric positive definite (…, n, n); nan for others.

    What is not symmetric is made so, (a + aᵀ) / 2, and the derivative is symmetric, as in JAX.
    """
    return ops.cholesky(_symmetric("cholesky", a))


@public(np.linalg.eigh)
def eigh(a: Any) -> tuple[Tensor, Tensor]:
    """The eigenvalues of each symmetric (…, n, n), ascending, (…, n), and its eigenvectors in columns, (…, n, n), by LAPACK.

    What is not symmetric is made so, (a + aᵀ) / 2, and the derivative is symmetric, as in JAX. An eigenvector has length 1
    and the sign that LAPACK gives it. Its derivative divides by the differences of its eigenvalue from the others: where two
    are equal, so that no single eigenvectors belong to them, it is nan or infinite, as in JAX and PyTorch. The eigenvalues'
    derivative is finite there.
    """
    values, vectors = decompositions.eigh(_symmetric("eigh", a))
    return values, vectors


@public(np.linalg.eigvalsh)
def eigvalsh(a: Any) -> Tensor:
    """The eigenvalues of each symmetric (…, n, n), ascending; see ``eigh``."""
    return eigh(a)[0]


@public(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """The singular value decomposition of each (…, m, n), with k = min(m, n), by LAPACK.

    Args:
        a: the matrices.
        full_matrices: whether u and vh are square, or have k columns and k rows.
        compute_uv: whether there are u and vh beside s.

    Returns:
        u, (…, m, m) or (…, m, k); s, (…, k), descending; vh, (…, n, n) or (…, k, n); or s alone. The matrix is
        ``(u[..., :k] * s[..., None, :]) @ vh[..., :k, :]``.

    A pair of singular vectors has the signs that LAPACK gives it. Their derivatives divide by differences of squared singular
    values, and for a matrix that is not square by the singular values: where two are equal, or one is 0, they are nan or
    infinite, as in JAX and PyTorch. The singular values' derivative is finite there. Vectors beyond the first k may be any
    that complete a basis; their derivatives turn it as little as can be, so that those of what does not depend on its choice
    are right.
    """
    u, s, vh = decompositions.svd(a, full=bool(full_matrices))
    return (u, s, vh) if compute_uv else s


@public(np.linalg.svdvals)
def svdvals(x: Any) -> Tensor:
    """The singular values of each (…, m, n), descending; see ``svd``."""
    singular: Tensor = svd(x, full_matrices=False, compute_uv=False)
    return singular


@public(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """The QR decomposition of each (…, m, n), with k = min(m, n), by LAPACK.

    Args:
        a: the matrices.
        mode: "reduced", or "r" for r alone.

    Returns:
        q, (…, m, k), of orthonormal columns, and the upper triangle r, (…, k, n), with ``q @ r`` the matrix; or r.

    The signs are those that LAPACK gives. The derivative is nan or infinite where the first k columns depend on one another.
    """
    a = as_tensor(a)
    if a.ndim < 2 or mode not in ("reduced", "r"):
        raise ArgumentError(f"qr: shape {a.shape} and mode {mode!r}. Give (…, m, n), and 'reduced' or 'r'.")
    m, n = a.shape[-2:]
    q, r = decompositions.qr(a[..., :m] if m < n else a)
    if m < n:
        r = concatenate([r, matmul(swapaxes(q, -1, -2), a[..., m:])], axis=-1)
    return r if mode == "r" else (q, r)


def _symmetric(name: str, a: Any) -> Tensor:
    a = as_tensor(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{name}: shape {a.shape} is no square matrix. Give (…, n, n).")
    symmetric: Tensor = (a + swapaxes(a, -1, -2)) / 2
    return symmetric
