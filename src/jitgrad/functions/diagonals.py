"""Diagonals, triangles and the trace of matrices."""

from __future__ import annotations

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import reshape
from jitgrad.ops import linear
from jitgrad.ops.elementwise import where
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public(np.tril)
def tril(x: ArrayLike, k: int = 0) -> Tensor:
    """Lower triangle of the matrices in the last two axes.

    Parameters
    ----------
    x : array_like, shape (..., m, n)
        Matrices.
    k : int, default 0
        Diagonal above which elements become zero. 0 is the main diagonal, positive numbers are above it.

    Returns
    -------
    Tensor
        A copy of ``x`` with zeros above the diagonal.

    See Also
    --------
    triu, diag

    Examples
    --------
    >>> jg.tril([[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=(2, 2) dtype=float64
    [[1. 0.]
     [3. 4.]]>
    """
    x = as_tensor(x)
    return where(np.tril(np.ones(x.shape[-2:], bool), k), x, 0)


@public(np.triu)
def triu(x: ArrayLike, k: int = 0) -> Tensor:
    """Upper triangle of the matrices in the last two axes.

    Parameters
    ----------
    x : array_like, shape (..., m, n)
        Matrices.
    k : int, default 0
        Diagonal below which elements become zero. 0 is the main diagonal, positive numbers are above it.

    Returns
    -------
    Tensor
        A copy of ``x`` with zeros below the diagonal.

    See Also
    --------
    tril, diag

    Examples
    --------
    >>> jg.triu([[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=(2, 2) dtype=float64
    [[1. 2.]
     [0. 4.]]>
    """
    x = as_tensor(x)
    return where(np.triu(np.ones(x.shape[-2:], bool), k), x, 0)


@public(np.diag)
def diag(x: ArrayLike, k: int = 0) -> Tensor:
    """Construct a diagonal matrix, or extract a diagonal of a matrix.

    Parameters
    ----------
    x : array_like, shape (n,) or (m, n)
        A vector for the diagonal, or a matrix.
    k : int, default 0
        The diagonal. 0 is the main diagonal, positive numbers are above it.

    Returns
    -------
    Tensor
        For a vector, the square matrix with the vector on diagonal ``k`` and zeros elsewhere. For a matrix, its diagonal ``k``.

    Raises
    ------
    ShapeError
        If ``x`` is neither a vector nor a matrix.

    See Also
    --------
    diagonal, trace, eye

    Examples
    --------
    >>> jg.diag([1.0, 2.0])
    <Tensor shape=(2, 2) dtype=float64
    [[1. 0.]
     [0. 2.]]>
    >>> jg.diag([[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=(2,) dtype=float64 [1. 4.]>
    """
    x = as_tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag: shape {x.shape} is neither a vector nor a matrix. Use diagonal() for more axes.")
    n = x.shape[0] + abs(k)
    places = np.flatnonzero(np.eye(n, k=k))
    return reshape(linear.scatter(x, places, axis=0, rows=n * n), (n, n))


@public(np.diagonal)
def diagonal(x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Diagonals of the matrices in two axes.

    Parameters
    ----------
    x : array_like
        Array with at least two axes.
    offset : int, default 0
        The diagonal. 0 is the main diagonal, positive numbers are above it.
    axis1, axis2 : int, default 0 and 1
        The axes of the matrices.

    Returns
    -------
    Tensor
        The diagonals, along the last axis.

    Raises
    ------
    ShapeError
        If ``x`` has fewer than two axes.

    See Also
    --------
    diag, trace

    Examples
    --------
    >>> jg.diagonal([[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=(2,) dtype=float64 [1. 4.]>
    """
    x = as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"diagonal: shape {x.shape} has fewer than two axes. Pass a matrix.")
    places = np.diagonal(np.arange(x.size).reshape(x.shape), offset, axis1, axis2)
    return linear.gather(reshape(x, (x.size,)), places, axis=0)


@public(np.trace)
def trace(x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Sum of a diagonal of the matrices in two axes.

    Parameters
    ----------
    x : array_like
        Array with at least two axes.
    offset : int, default 0
        The diagonal. 0 is the main diagonal, positive numbers are above it.
    axis1, axis2 : int, default 0 and 1
        The axes of the matrices.

    Returns
    -------
    Tensor
        The sums.

    See Also
    --------
    diagonal

    Examples
    --------
    >>> jg.trace([[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=() dtype=float64 5.>
    """
    return sum(diagonal(x, offset, axis1, axis2), -1)
