"""Linear algebra for batches of square matrices by LAPACK. The result is nan if there is no solution.

The derivatives follow Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation",
2008, and for the Cholesky factor Murray, "Differentiation of the Cholesky decomposition", 2016.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.ops.elementwise import multiply, negative
from jitgrad.ops.linear import matmul, reshape, sum, swap_last
from jitgrad.ops.table import Op, Shape, Shapes, declare, vanishes


def square_matrix(op: Op, shape: Shape) -> None:
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"{op.name}: shape {shape} is not a square matrix or a batch of them. Make the last two axes equal.")


def _solve_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    a, b = shapes
    square_matrix(op, a)
    if a[:-1] != b[:-1]:
        raise ShapeError(f"solve: shapes {a} and {b} do not match. All axes except the last must agree.")
    return b


def _determinant_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shapes:
    square_matrix(op, shapes[0])
    return Shapes((shapes[0][:-2],) * 3)


def _same_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    square_matrix(op, shapes[0])
    return shapes[0]


def _inverse_transposed(a: Any) -> Any:
    eye = np.broadcast_to(np.eye(a.shape[-1]), a.shape)
    return solve(swap_last(a), eye)


def _as_matrix(x: Any) -> Any:
    return reshape(x, shape=(*x.shape, 1, 1))


def _determinant_pullback(wanted: Any, g: Any, y: Any, a: Any) -> Any:
    total = 0
    if not vanishes(g[0]):
        total = _as_matrix(g[0]) * cofactor(a)
    if not vanishes(g[2]):
        total = total + _as_matrix(g[2]) * _inverse_transposed(a)
    return (total,)


def _cofactor_vjp(g: Any, y: Any, a: Any) -> Any:
    last = (len(a.shape) - 2, len(a.shape) - 1)
    along = _as_matrix(sum(g * y, axes=last)) * y
    return (along - matmul(matmul(y, swap_last(g)), y)) / _as_matrix(determinant(a)[0])


def _cholesky_vjp(g: Any, y: Any, a: Any) -> Any:
    n = a.shape[-1]
    half = np.tril(np.ones((n, n))) - 0.5 * np.eye(n)
    inner = multiply(matmul(swap_last(y), g), half)
    left = solve(swap_last(y), swap_last(solve(swap_last(y), swap_last(inner))))
    return multiply(left + swap_last(left), half)


solve: Op = declare(
    Op(
        "solve", 2, _solve_shape,
        (lambda g, y, a, b: negative(matmul(solve(swap_last(a), g), swap_last(y))), lambda g, y, a, b: solve(swap_last(a), g)),
        np.linalg.solve, batching=lambda n: {}, result="float", doc="Solve a·x = b.",
    )
)  # fmt: skip
determinant: Op = declare(
    Op(
        "determinant", 1, _determinant_shape, (), lambda a: (np.linalg.det(a), *np.linalg.slogdet(a)),
        pullback=_determinant_pullback, batching=lambda n: {}, result="float",
        doc="Return the determinant, its sign, and the logarithm of its absolute value.",
    )
)  # fmt: skip
cofactor: Op = declare(
    Op(
        "cofactor", 1, _same_shape, (_cofactor_vjp,),
        lambda a: np.linalg.det(a)[..., None, None] * np.linalg.inv(a).swapaxes(-1, -2),
        batching=lambda n: {}, result="float", doc="Return the derivatives of the determinant with respect to the elements.",
    )
)  # fmt: skip
cholesky: Op = declare(
    Op(
        "cholesky", 1, _same_shape, (_cholesky_vjp,), np.linalg.cholesky, batching=lambda n: {}, result="float",
        doc="Return the lower triangular l with l·lᵀ = a. Only the lower triangle of a is read.",
    )
)  # fmt: skip
