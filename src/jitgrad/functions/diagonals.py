"""Diagonals, triangles and the trace of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import reshape
from jitgrad.ops import linear
from jitgrad.ops.elementwise import where
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor


@public(np.tril)
def tril(x: Any, k: int = 0) -> Tensor:
    """The last two axes with zeros above diagonal ``k``."""
    x = as_tensor(x)
    return where(np.tril(np.ones(x.shape[-2:], bool), k), x, 0)


@public(np.triu)
def triu(x: Any, k: int = 0) -> Tensor:
    """The last two axes with zeros below diagonal ``k``."""
    x = as_tensor(x)
    return where(np.triu(np.ones(x.shape[-2:], bool), k), x, 0)


@public(np.diag)
def diag(x: Any, k: int = 0) -> Tensor:
    """The matrix with a vector as diagonal ``k``, or diagonal ``k`` of a matrix."""
    x = as_tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag: shape {x.shape} is neither a vector nor a matrix. Use diagonal() for more axes.")
    n = x.shape[0] + abs(k)
    places = np.flatnonzero(np.eye(n, k=k))
    return reshape(linear.scatter(x, places, axis=0, rows=n * n), (n, n))


@public(np.diagonal)
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonals of the matrices in two axes, along a last axis."""
    x = as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"diagonal: shape {x.shape} has no two axes. Give a matrix.")
    places = np.diagonal(np.arange(x.size).reshape(x.shape), offset, axis1, axis2)
    return linear.gather(reshape(x, (x.size,)), places, axis=0)


@public(np.trace)
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of a diagonal of the matrices in two axes."""
    return sum(diagonal(x, offset, axis1, axis2), -1)
