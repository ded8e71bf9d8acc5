"""Matrix decompositions. If a decomposition does not exist, the result is nan, whereas NumPy raises an error."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.joining import concatenate
from jitgrad.functions.shapes import swapaxes
from jitgrad.ops import decompositions
from jitgrad.ops import linalg as ops
from jitgrad.ops.linear import matmul
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public(np.linalg.cholesky)
def cholesky(a: ArrayLike) -> Tensor:
    """Cholesky decomposition of symmetric positive definite matrices.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        Matrices. A matrix that is not symmetric is replaced by ``(a + a.T) / 2``.

    Returns
    -------
    Tensor
        The lower triangular matrices l with ``l @ l.T == a``; nan for a matrix that is not positive definite.

    Raises
    ------
    ShapeError
        If the matrices are not square.

    Notes
    -----
    The gradient is symmetric, as in JAX.

    See Also
    --------
    cholesky_solve, eigh

    Examples
    --------
    >>> jg.linalg.cholesky([[4.0, 2.0], [2.0, 5.0]])
    <Tensor shape=(2, 2) dtype=float64
    [[2. 0.]
     [1. 2.]]>
    """
    return ops.cholesky(_symmetric("cholesky", a))


@public(np.linalg.eigh)
def eigh(a: ArrayLike) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors of symmetric matrices.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        Matrices. A matrix that is not symmetric is replaced by ``(a + a.T) / 2``.

    Returns
    -------
    values : Tensor, shape (..., n)
        Eigenvalues in ascending order.
    vectors : Tensor, shape (..., n, n)
        Eigenvectors of unit length, in columns. LAPACK determines their signs.

    Raises
    ------
    ShapeError
        If the matrices are not square.

    Notes
    -----
    The derivative of an eigenvector divides by the differences between its eigenvalue and the others. For repeated eigenvalues,
    whose eigenvectors are not unique, it is nan or infinite, as in JAX and PyTorch. The derivative of the eigenvalues is
    finite. The gradient is symmetric, as in JAX.

    See Also
    --------
    eigvalsh, svd

    Examples
    --------
    >>> values, vectors = jg.linalg.eigh([[2.0, 1.0], [1.0, 2.0]])
    >>> values
    <Tensor shape=(2,) dtype=float64 [1. 3.]>
    """
    values, vectors = decompositions.eigh(_symmetric("eigh", a))
    return values, vectors


@public(np.linalg.eigvalsh)
def eigvalsh(a: ArrayLike) -> Tensor:
    """Eigenvalues of symmetric matrices.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        Matrices. A matrix that is not symmetric is replaced by ``(a + a.T) / 2``.

    Returns
    -------
    Tensor, shape (..., n)
        Eigenvalues in ascending order.

    See Also
    --------
    eigh

    Examples
    --------
    >>> jg.linalg.eigvalsh([[2.0, 1.0], [1.0, 2.0]])
    <Tensor shape=(2,) dtype=float64 [1. 3.]>
    """
    return eigh(a)[0]


@overload
def svd(a: ArrayLike, full_matrices: bool = ..., compute_uv: Literal[True] = ...) -> tuple[Tensor, Tensor, Tensor]: ...
@overload
def svd(a: ArrayLike, full_matrices: bool = ..., *, compute_uv: Literal[False]) -> Tensor: ...
@overload
def svd(a: ArrayLike, full_matrices: bool = ..., compute_uv: bool = ...) -> Any: ...
@public(np.linalg.svd)
def svd(a: ArrayLike, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular value decomposition of matrices.

    Parameters
    ----------
    a : array_like, shape (..., m, n)
        Matrices. In the following, k = min(m, n).
    full_matrices : bool, default True
        Whether u and vh are square. If False, they have k columns and k rows.
    compute_uv : bool, default True
        Whether to return u and vh as well.

    Returns
    -------
    u : Tensor, shape (..., m, m) or (..., m, k)
        Left singular vectors, in columns.
    s : Tensor, shape (..., k)
        Singular values in descending order. The only result if ``compute_uv`` is False.
    vh : Tensor, shape (..., n, n) or (..., k, n)
        Right singular vectors, in rows. ``(u[..., :k] * s[..., None, :]) @ vh[..., :k, :]`` equals ``a``.

    Notes
    -----
    LAPACK determines the signs of each pair of singular vectors. The derivatives of the vectors divide by differences of
    squared singular values, and for matrices that are not square also by the singular values. For repeated or vanishing
    singular values they are nan or infinite, as in JAX and PyTorch. The derivative of the singular values is finite.

    The vectors beyond the first k complete an orthonormal basis in an arbitrary way. Their derivatives are the smallest
    possible rotation of this basis, so results that do not depend on the choice of the basis have the correct derivative.

    See Also
    --------
    svdvals, pinv, eigh

    Examples
    --------
    >>> u, s, vh = jg.linalg.svd([[3.0, 0.0], [4.0, 5.0]])
    >>> s
    <Tensor shape=(2,) dtype=float64 [6.70820393 2.23606798]>
    """
    u, s, vh = decompositions.svd(a, full=bool(full_matrices))
    return (u, s, vh) if compute_uv else s


@public(np.linalg.svdvals)
def svdvals(x: ArrayLike) -> Tensor:
    """Singular values of matrices.

    Parameters
    ----------
    x : array_like, shape (..., m, n)
        Matrices.

    Returns
    -------
    Tensor, shape (..., min(m, n))
        Singular values in descending order.

    See Also
    --------
    svd, matrix_rank, cond

    Examples
    --------
    >>> jg.linalg.svdvals([[3.0, 0.0], [4.0, 5.0]])
    <Tensor shape=(2,) dtype=float64 [6.70820393 2.23606798]>
    """
    singular: Tensor = svd(x, full_matrices=False, compute_uv=False)
    return singular


@overload
def qr(a: ArrayLike, mode: Literal["reduced"] = ...) -> tuple[Tensor, Tensor]: ...
@overload
def qr(a: ArrayLike, mode: Literal["r"]) -> Tensor: ...
@overload
def qr(a: ArrayLike, mode: str = ...) -> Any: ...
@public(np.linalg.qr)
def qr(a: ArrayLike, mode: str = "reduced") -> Any:
    """QR decomposition of matrices.

    Parameters
    ----------
    a : array_like, shape (..., m, n)
        Matrices. In the following, k = min(m, n).
    mode : {"reduced", "r"}, default "reduced"
        Whether to return both factors, or only r.

    Returns
    -------
    q : Tensor, shape (..., m, k)
        Orthonormal columns. Not returned for the mode "r".
    r : Tensor, shape (..., k, n)
        Upper triangular matrices with ``q @ r == a``. LAPACK determines the signs.

    Raises
    ------
    ArgumentError
        If ``a`` has fewer than two axes, or the mode is unknown.

    Notes
    -----
    The derivative is nan or infinite if the first k columns are linearly dependent.

    See Also
    --------
    svd, lstsq

    Examples
    --------
    >>> q, r = jg.linalg.qr([[3.0, 1.0], [4.0, 2.0]])
    >>> jg.round(jg.abs(r), 6)
    <Tensor shape=(2, 2) dtype=float64
    [[5.  2.2]
     [0.  0.4]]>
    """
    a = as_tensor(a)
    if a.ndim < 2 or mode not in ("reduced", "r"):
        raise ArgumentError(
            f"qr: shape {a.shape} with mode {mode!r} is not supported. Pass a shape (…, m, n), and the mode 'reduced' or 'r'."
        )
    m, n = a.shape[-2:]
    q, r = decompositions.qr(a[..., :m] if m < n else a)
    if m < n:
        r = concatenate([r, matmul(swapaxes(q, -1, -2), a[..., m:])], axis=-1)
    return r if mode == "r" else (q, r)


def _symmetric(name: str, a: Any) -> Tensor:
    """Return the symmetric part of square matrices."""
    a = as_tensor(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{name}: shape {a.shape} is not a square matrix. Pass a shape (…, n, n).")
    symmetric: Tensor = (a + swapaxes(a, -1, -2)) / 2
    return symmetric
