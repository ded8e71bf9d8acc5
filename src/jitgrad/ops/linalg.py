"""Linear algebra over a batch of square matrices, by LAPACK. Where there is no solution the result is nan.

The derivatives are those of Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation", 2008, and for Cholesky's factor of Murray, "Differentiation of the Cholesky decomposition", 2016.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.ops.elementwise import multiply, negative
from jitgrad.ops.linear import matmul, reshape, slice_, swap_last
from jitgrad.ops.table import Op, Shape, declare


def _square(op: Op, shape: Shape) -> None:
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"{op.name}: shape {shape} is no square matrix, nor a batch of them. Make its last two axes agree.")


def _solve_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    a, b = shapes
    _square(op, a)
    if a[:-1] != b[:-1]:
        raise ShapeError(f"solve: shapes {a} and {b} do not fit. All axes of both but the last must agree.")
    return b


def _determinant_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    _square(op, shapes[0])
    return (*shapes[0][:-2], 3)


def _cholesky_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    _square(op, shapes[0])
    return shapes[0]


def _part(x: Any, i: int) -> Any:
    """Element i along the last axis, which stays as 1, and another axis of 1."""
    starts, steps = (*(0,) * (len(x.shape) - 1), i), (1,) * len(x.shape)
    one = slice_(x, starts=starts, steps=steps, shape=(*x.shape[:-1], 1))
    return reshape(one, shape=(*x.shape[:-1], 1, 1))


def _inverse_transposed(a: Any) -> Any:
    eye = np.broadcast_to(np.eye(a.shape[-1]), a.shape)
    return solve(swap_last(a), eye)


def _determinant_vjp(g: Any, y: Any, a: Any) -> Any:
    return (_part(g, 0) * _part(y, 0) + _part(g, 2)) * _inverse_transposed(a)


def _cholesky_vjp(g: Any, y: Any, a: Any) -> Any:
    n = a.shape[-1]
    half = np.tril(np.ones((n, n))) - 0.5 * np.eye(n)
    inner = multiply(matmul(swap_last(y), g), half)
    left = solve(swap_last(y), swap_last(solve(swap_last(y), swap_last(inner))))
    return multiply(left + swap_last(left), half)


def _numpy_determinant(a: np.ndarray) -> np.ndarray:
    sign, size = np.linalg.slogdet(a)
    return np.stack([np.linalg.det(a), sign, size], -1)


solve: Op = declare(
    Op(
        "solve", 2, _solve_shape,
        (lambda g, y, a, b: negative(matmul(solve(swap_last(a), g), swap_last(y))), lambda g, y, a, b: solve(swap_last(a), g)),
        np.linalg.solve, batching=lambda n: {}, result="float", __doc__="The x with a·x = b.",
    )
)  # fmt: skip
determinant: Op = declare(
    Op(
        "determinant", 1, _determinant_shape, (_determinant_vjp,), _numpy_determinant, batching=lambda n: {}, result="float",
        __doc__="Along a last axis: the determinant, its sign, and the logarithm of its absolute value.",
    )
)  # fmt: skip
cholesky: Op = declare(
    Op(
        "cholesky", 1, _cholesky_shape, (_cholesky_vjp,), np.linalg.cholesky, batching=lambda n: {}, result="float",
        __doc__="The lower triangular l with l·lᵀ = a, of which only the lower triangle is read.",
    )
)  # fmt: skip
