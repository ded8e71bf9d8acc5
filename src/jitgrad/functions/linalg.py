"""Linear algebra, over the last two axes. What has no solution is nan, where NumPy raises."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.functions.reductions import norm
from jitgrad.functions.shapes import broadcast_to, expand_dims, swapaxes
from jitgrad.ops import linalg as ops
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
    """The determinant of each (…, n, n). Its derivative at a singular matrix is nan."""
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
    a = as_tensor(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"cholesky: shape {a.shape} is no square matrix. Give (…, n, n).")
    return ops.cholesky((a + swapaxes(a, -1, -2)) / 2)
