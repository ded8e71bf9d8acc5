"""Decompositions of the matrices in the last two axes. Where there is none it is nan, where NumPy raises."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.joining import concatenate
from jitgrad.functions.shapes import swapaxes
from jitgrad.ops import decompositions
from jitgrad.ops import linalg as ops
from jitgrad.ops.linear import matmul
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor


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
