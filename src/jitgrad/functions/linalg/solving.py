"""Linear systems, inverses and least squares.

A system without a solution gives nan, where NumPy raises an error.
"""

from __future__ import annotations

from typing import Any

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


@public()
def solve_triangular(a: Any, b: Any, lower: bool = False, trans: int | str = 0, unit_diagonal: bool = False) -> Tensor:
    """The x with ``t @ x = b`` for the triangle t of each (…, n, n), of which nothing else is read.

    Parameters
    ----------
    a : array_like
        The matrices.
    b : array_like
        (…, n, k), or a vector (n,).
    lower : bool, default False
        Whether it is the lower triangle; by default the upper one.
    trans : {0, 1, "N", "T"}, default 0
        Whether the system is that of the transposed triangle.
    unit_diagonal : bool, default False
        Whether the diagonal counts as ones.
    """
    if trans not in (0, 1, "N", "T"):
        raise ArgumentError(f"solve_triangular: trans is {trans!r}. Use 0 or 'N', or 1 or 'T' for the transposed triangle.")
    a = as_tensor(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"solve_triangular: shape {a.shape} is no square matrix. Give (…, n, n).")
    triangle = tril(a, -1 if unit_diagonal else 0) if lower else triu(a, 1 if unit_diagonal else 0)
    triangle = triangle + np.eye(a.shape[-1]) if unit_diagonal else triangle
    return solve(swapaxes(triangle, -1, -2) if trans in (1, "T") else triangle, b)


@public()
def cholesky_solve(l: Any, b: Any) -> Tensor:  # noqa: E741
    """The x with ``(l @ l.T) @ x = b``, for the lower triangle l that ``cholesky`` gives."""
    return solve_triangular(l, solve_triangular(l, b, lower=True), lower=True, trans=1)


def tolerance(a: Tensor) -> float:
    """What part of the largest singular value counts as none: max(m, n) · eps."""
    return float(np.max(a.shape[-2:], initial=1) * np.finfo(a.dtype).eps)


@public(np.linalg.pinv)
def pinv(a: Any, rcond: float | None = None) -> Tensor:
    """The pseudo-inverse of each (…, m, n), by singular values; those up to ``rcond`` times the largest count as 0.

    ``rcond`` is by default max(m, n) · eps. The derivative is that among matrices of the same rank, for which the singular
    values that do not count are 0 but for rounding; for an ``rcond`` that leaves larger ones out it is not right (Golub and
    Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate", 1973).
    """
    a = as_tensor(a) * 1.0
    if a.ndim < 2:
        raise ShapeError(f"pinv: shape {a.shape} is no matrix. Give (…, m, n).")
    made: Tensor = decompositions.pinv(a, tolerance(a) if rcond is None else float(rcond))
    return made


@public(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The shortest x for which ``a @ x`` is nearest to ``b``, by the pseudo-inverse.

    Parameters
    ----------
    a : array_like
        (m, n).
    b : array_like
        (m,) or (m, k).
    rcond : float, optional
        See ``pinv``.

    Returns
    -------
    x : Tensor
        (n,) or (n, k). Its derivative is that among matrices of the same rank.
    residuals : Tensor
        The sums of squares that are left, for each column, of a matrix of more rows than columns; else none. NumPy leaves them
        out where the rank is smaller than n, too.
    rank : Tensor
        The rank of ``a``.
    s : Tensor
        Its singular values, descending.
    """
    a, b = as_tensor(a) * 1.0, as_tensor(b) * 1.0
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ShapeError(f"lstsq: shapes {a.shape} and {b.shape} are no matrix and right side. Give (m, n) and (m,) or (m, k).")
    x = matmul(pinv(a, rcond), b)
    left = square(b - matmul(a, x))
    residuals = sum(left if b.ndim == 2 else expand_dims(left, -1), 0) if a.shape[0] > a.shape[1] else as_tensor(np.zeros(0))
    s = svdvals(a)
    rank = sum(greater(s, s[:1] * (tolerance(a) if rcond is None else float(rcond))))
    return x, residuals, rank, s
