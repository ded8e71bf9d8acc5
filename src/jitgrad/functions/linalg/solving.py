"""Linear systems, inverses and least squares.

The result for a system without a solution is nan, whereas NumPy raises an error.
"""

from __future__ import annotations

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.diagonals import tril, triu
from jitgrad.functions.linalg.decompositions import svdvals
from jitgrad.functions.products import matmul
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import broadcast_to, expand_dims, swapaxes
from jitgrad.ops import decompositions
from jitgrad.ops import linalg as ops
from jitgrad.ops.elementwise import greater, square
from jitgrad.ops.table import broadcast_shape
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public(np.linalg.solve)
def solve(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Solve linear systems.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        Coefficient matrices.
    b : array_like, shape (..., n, k) or (n,)
        Right-hand sides. Leading axes broadcast.

    Returns
    -------
    Tensor
        The solutions x of ``a @ x == b``, in the shape of ``b``; nan if ``a`` is singular.

    Raises
    ------
    ShapeError
        If the shapes do not match, or ``a`` is not a matrix.

    Notes
    -----
    The systems are solved by LU decomposition with partial pivoting (LAPACK). For a singular matrix, NumPy raises an error. In
    jitgrad the result is nan, because a recorded program runs without exceptions.

    See Also
    --------
    inv, lstsq, solve_triangular, cholesky_solve

    Examples
    --------
    >>> jg.linalg.solve([[2.0, 0.0], [1.0, 1.0]], [2.0, 3.0])
    <Tensor shape=(2,) dtype=float64 [1. 2.]>
    """
    a, b = as_tensor(a), as_tensor(b)
    if b.ndim == 1:
        return solve(a, expand_dims(b, -1))[..., 0]
    if a.ndim < 2 or b.ndim < 1:
        raise ShapeError(f"solve: shapes {a.shape} and {b.shape} do not match. Pass shapes (n, n) and (n, k) or (n,).")
    batch = broadcast_shape(ops.solve, (a.shape[:-2], b.shape[:-2]), {})
    return ops.solve(broadcast_to(a, batch + a.shape[-2:]), broadcast_to(b, batch + b.shape[-2:]))


@public(np.linalg.inv)
def inv(a: ArrayLike) -> Tensor:
    """Inverse of matrices.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        Matrices.

    Returns
    -------
    Tensor
        The inverses; nan for singular matrices.

    Raises
    ------
    ShapeError
        If ``a`` has fewer than two axes.

    See Also
    --------
    solve, pinv

    Examples
    --------
    >>> jg.linalg.inv([[2.0, 0.0], [1.0, 1.0]])
    <Tensor shape=(2, 2) dtype=float64
    [[ 0.5  0. ]
     [-0.5  1. ]]>
    """
    a = as_tensor(a)
    if a.ndim < 2:
        raise ShapeError(f"inv: shape {a.shape} is not a matrix. Pass a shape (…, n, n).")
    return solve(a, np.eye(a.shape[-1]))


@public()
def solve_triangular(
    a: ArrayLike, b: ArrayLike, lower: bool = False, trans: int | str = 0, unit_diagonal: bool = False
) -> Tensor:
    """Solve linear systems with triangular matrices.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        Matrices. Only one triangle is read.
    b : array_like, shape (..., n, k) or (n,)
        Right-hand sides.
    lower : bool, default False
        Whether to use the lower triangle instead of the upper one.
    trans : {0, 1, "N", "T"}, default 0
        Whether to transpose the triangle: 0 and "N" do not transpose it, 1 and "T" do.
    unit_diagonal : bool, default False
        Whether to treat the diagonal as ones.

    Returns
    -------
    Tensor
        The solutions, in the shape of ``b``; nan if a triangle is singular.

    Raises
    ------
    ArgumentError
        If ``trans`` is invalid.
    ShapeError
        If the matrices are not square.

    See Also
    --------
    solve, cholesky_solve

    Examples
    --------
    >>> jg.linalg.solve_triangular([[2.0, 0.0], [1.0, 1.0]], [2.0, 3.0], lower=True)
    <Tensor shape=(2,) dtype=float64 [1. 2.]>
    """
    if trans not in (0, 1, "N", "T"):
        raise ArgumentError(f"solve_triangular: trans is {trans!r}. Use 0 or 'N', or 1 or 'T' to transpose the triangle.")
    a = as_tensor(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"solve_triangular: shape {a.shape} is not a square matrix. Pass a shape (…, n, n).")
    triangle = tril(a, -1 if unit_diagonal else 0) if lower else triu(a, 1 if unit_diagonal else 0)
    triangle = triangle + np.eye(a.shape[-1]) if unit_diagonal else triangle
    return solve(swapaxes(triangle, -1, -2) if trans in (1, "T") else triangle, b)


@public()
def cholesky_solve(l: ArrayLike, b: ArrayLike) -> Tensor:  # noqa: E741
    """Solve linear systems with the Cholesky factors of their matrices.

    Parameters
    ----------
    l : array_like, shape (..., n, n)
        Lower triangular factors, as `cholesky` returns them.
    b : array_like, shape (..., n, k) or (n,)
        Right-hand sides.

    Returns
    -------
    Tensor
        The solutions x of ``l @ l.T @ x == b``, in the shape of ``b``.

    See Also
    --------
    cholesky, solve_triangular

    Examples
    --------
    >>> l = jg.linalg.cholesky([[4.0, 2.0], [2.0, 5.0]])
    >>> jg.linalg.cholesky_solve(l, [8.0, 8.0])
    <Tensor shape=(2,) dtype=float64 [1.5 1. ]>
    """
    return solve_triangular(l, solve_triangular(l, b, lower=True), lower=True, trans=1)


def tolerance(a: Tensor) -> float:
    """Return the default relative threshold for singular values, max(m, n) · eps."""
    return float(np.max(a.shape[-2:], initial=1) * np.finfo(a.dtype).eps)


@public(np.linalg.pinv)
def pinv(a: ArrayLike, rcond: float | None = None) -> Tensor:
    """Moore-Penrose pseudo-inverse of matrices.

    Parameters
    ----------
    a : array_like, shape (..., m, n)
        Matrices.
    rcond : float, optional
        Singular values up to ``rcond`` times the largest count as zero. By default, ``max(m, n) * eps``.

    Returns
    -------
    Tensor, shape (..., n, m)
        The pseudo-inverses.

    Raises
    ------
    ShapeError
        If ``a`` has fewer than two axes.

    Notes
    -----
    The derivative holds for matrices of constant rank [1]_. It assumes that the discarded singular values are zero up to
    rounding, and is wrong if a larger ``rcond`` discards more.

    References
    ----------
    .. [1] G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
       variables separate", SIAM Journal on Numerical Analysis 10 (1973), 413-432.

    See Also
    --------
    lstsq, inv, svd

    Examples
    --------
    >>> jg.linalg.pinv([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    <Tensor shape=(2, 3) dtype=float64
    [[1.  0.  0. ]
     [0.  0.5 0. ]]>
    """
    a = as_tensor(a) * 1.0
    if a.ndim < 2:
        raise ShapeError(f"pinv: shape {a.shape} is not a matrix. Pass a shape (…, m, n).")
    made: Tensor = decompositions.pinv(a, tolerance(a) if rcond is None else float(rcond))
    return made


@public(np.linalg.lstsq)
def lstsq(a: ArrayLike, b: ArrayLike, rcond: float | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Least-squares solution of a linear system.

    Parameters
    ----------
    a : array_like, shape (m, n)
        Coefficient matrix.
    b : array_like, shape (m,) or (m, k)
        Right-hand sides.
    rcond : float, optional
        Singular values up to ``rcond`` times the largest count as zero. By default, ``max(m, n) * eps``.

    Returns
    -------
    x : Tensor, shape (n,) or (n, k)
        The solution of minimum norm. Its derivative assumes a constant rank, see `pinv`.
    residuals : Tensor, shape (k,), (1,) or (0,)
        Sums of squared residuals of each column; empty unless m > n.
    rank : Tensor
        Rank of ``a``.
    s : Tensor, shape (min(m, n),)
        Singular values of ``a`` in descending order.

    Raises
    ------
    ShapeError
        If the shapes do not match.

    Notes
    -----
    The solution is ``pinv(a) @ b``. NumPy also leaves ``residuals`` empty if the rank is below n.

    See Also
    --------
    solve, pinv

    Examples
    --------
    >>> a = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> x, residuals, rank, s = jg.linalg.lstsq(a, [1.0, 3.0, 5.0])
    >>> jg.round(x, 6)
    <Tensor shape=(2,) dtype=float64 [1. 2.]>
    """
    a, b = as_tensor(a) * 1.0, as_tensor(b) * 1.0
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ShapeError(f"lstsq: shapes {a.shape} and {b.shape} do not match. Pass shapes (m, n) and (m,) or (m, k).")
    x = matmul(pinv(a, rcond), b)
    left = square(b - matmul(a, x))
    residuals = sum(left if b.ndim == 2 else expand_dims(left, -1), 0) if a.shape[0] > a.shape[1] else as_tensor(np.zeros(0))
    s = svdvals(a)
    rank = sum(greater(s, s[:1] * (tolerance(a) if rcond is None else float(rcond))))
    return x, residuals, rank, s
