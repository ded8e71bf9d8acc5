"""Determinants, powers and exponentials of matrices."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.extremes import max
from jitgrad.functions.linalg.solving import inv, solve
from jitgrad.functions.products import matmul
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import broadcast_to, expand_dims, reshape
from jitgrad.ops import linalg as ops
from jitgrad.ops.elementwise import abs, ceil, exp2, log2, maximum, stop_gradient, where
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public(np.linalg.det)
def det(a: ArrayLike) -> Tensor:
    """Determinant of matrices.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        Matrices.

    Returns
    -------
    Tensor
        The determinants.

    Notes
    -----
    The first derivative is finite even at a singular matrix. The second derivative is nan there.

    See Also
    --------
    slogdet

    Examples
    --------
    >>> jg.linalg.det([[2.0, 1.0], [1.0, 2.0]])
    <Tensor shape=() dtype=float64 3.>
    """
    return ops.determinant(a)[0]


@public(np.linalg.slogdet)
def slogdet(a: ArrayLike) -> tuple[Tensor, Tensor]:
    """Sign and logarithm of the absolute value of the determinant of matrices.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        Matrices.

    Returns
    -------
    sign : Tensor
        1, -1, or 0 for a singular matrix.
    logabsdet : Tensor
        Logarithms of the absolute values, -inf for a singular matrix.

    See Also
    --------
    det

    Examples
    --------
    >>> sign, logabsdet = jg.linalg.slogdet([[2.0, 1.0], [1.0, 2.0]])
    >>> logabsdet
    <Tensor shape=() dtype=float64 1.09861229>
    """
    _, sign, size = ops.determinant(a)
    return sign, size


@public(np.linalg.matrix_power)
def matrix_power(a: ArrayLike, n: int) -> Tensor:
    """Integer power of square matrices.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        Matrices.
    n : int
        Exponent. Negative exponents take powers of the inverse.

    Returns
    -------
    Tensor
        The powers, computed by repeated squaring. The power 0 is the identity matrix.

    Raises
    ------
    ShapeError
        If the matrices are not square.

    See Also
    --------
    expm, inv

    Examples
    --------
    >>> jg.linalg.matrix_power([[1.0, 1.0], [0.0, 1.0]], 5)
    <Tensor shape=(2, 2) dtype=float64
    [[1. 5.]
     [0. 1.]]>
    """
    a, count = as_tensor(a), operator.index(n)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"matrix_power: shape {a.shape} is not a square matrix. Pass a shape (…, n, n).")
    square_of, power = (inv(a), -count) if count < 0 else (a, count)
    made: Any = None
    while power:
        if power & 1:
            made = square_of if made is None else matmul(made, square_of)
        power >>= 1
        square_of = matmul(square_of, square_of) if power else square_of
    return broadcast_to(as_tensor(np.eye(a.shape[-1])) + a[..., :1] * 0, a.shape) if made is None else made


@public(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[ArrayLike]) -> Tensor:
    """Product of several matrices, in the order with the fewest multiplications.

    Parameters
    ----------
    arrays : sequence of array_like
        At least two matrices. The first and the last one may be vectors.

    Returns
    -------
    Tensor
        The product.

    Raises
    ------
    ArgumentError
        If there are fewer than two arrays.

    Notes
    -----
    The order is found by dynamic programming.

    See Also
    --------
    matmul

    Examples
    --------
    >>> jg.linalg.multi_dot([np.ones((2, 9)), np.ones((9, 2)), np.ones(2)])
    <Tensor shape=(2,) dtype=float64 [18. 18.]>
    """
    tensors = [as_tensor(x) for x in arrays]
    if len(tensors) < 2:
        raise ArgumentError(f"multi_dot: got {len(tensors)} matrices. Pass at least two.")
    ends = tensors[0].ndim == 1, tensors[-1].ndim == 1
    tensors[0] = expand_dims(tensors[0], 0) if ends[0] else tensors[0]
    tensors[-1] = expand_dims(tensors[-1], 1) if ends[1] else tensors[-1]
    sizes = [*[t.shape[0] for t in tensors], tensors[-1].shape[1]]

    @functools.cache
    def cost(i: int, j: int) -> tuple[int, int]:
        """Return the minimum number of multiplications for the product of matrices i ≤ k < j, and where to split it."""
        if j - i == 1:
            return 0, i
        return min((cost(i, k)[0] + cost(k, j)[0] + sizes[i] * sizes[k] * sizes[j], k) for k in range(i + 1, j))

    def product(i: int, j: int) -> Tensor:
        k = cost(i, j)[1]
        return tensors[i] if j - i == 1 else matmul(product(i, k), product(k, j))

    made = product(0, len(tensors))
    kept = tuple(n for n, is_vector in zip(made.shape, ends, strict=True) if not is_vector)
    return reshape(made, kept)


_PADE = [math.factorial(26 - k) * math.factorial(13) / (math.factorial(26) * math.factorial(k) * math.factorial(13 - k))
         for k in range(14)]  # fmt: skip


_LARGEST, _SQUARINGS = 5.371920351148152, 16


@public()
def expm(a: ArrayLike) -> Tensor:
    """Matrix exponential.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        Matrices.

    Returns
    -------
    Tensor
        The exponentials; nan for matrices whose 1-norm is above about 3.5e5.

    Raises
    ------
    ShapeError
        If the matrices are not square.

    Notes
    -----
    Padé approximation of order 13 with scaling and squaring [1]_.

    References
    ----------
    .. [1] N. J. Higham, "The scaling and squaring method for the matrix exponential revisited", SIAM Journal on Matrix Analysis
       and Applications 26 (2005), 1179-1193.

    See Also
    --------
    matrix_power

    Examples
    --------
    >>> jg.linalg.expm([[0.0, 1.0], [0.0, 0.0]])
    <Tensor shape=(2, 2) dtype=float64
    [[1. 1.]
     [0. 1.]]>
    """
    a = as_tensor(a) * 1.0
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"expm: shape {a.shape} is not a square matrix. Pass a shape (…, n, n).")
    size = stop_gradient(max(sum(abs(a), -2, keepdims=True), -1, keepdims=True)) if a.size else as_tensor(0.0)
    count = maximum(ceil(log2(maximum(size, 1e-30) / _LARGEST)), 0.0)
    x = a / exp2(count)
    x2 = matmul(x, x)
    x4, eye = matmul(x2, x2), np.eye(a.shape[-1])
    x6 = matmul(x4, x2)
    even, odd = [
        matmul(x6, c[6] * x6 + c[5] * x4 + c[4] * x2) + c[3] * x6 + c[2] * x4 + c[1] * x2 + c[0] * eye
        for c in (_PADE[::2], _PADE[1::2])
    ]
    odd = matmul(x, odd)
    made = solve(even - odd, even + odd)
    for k in range(_SQUARINGS):
        made = where(k < count, matmul(made, made), made)
    return where(count > _SQUARINGS, math.nan, made)
