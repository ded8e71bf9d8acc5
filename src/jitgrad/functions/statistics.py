"""Covariances, correlations and counts."""

from __future__ import annotations

import builtins
import operator
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, DTypeError, ShapeError
from jitgrad.functions.diagonals import diagonal
from jitgrad.functions.joining import concatenate
from jitgrad.functions.products import matmul
from jitgrad.functions.reductions import average, sum
from jitgrad.functions.shapes import broadcast_to, reshape, transpose
from jitgrad.ops.elementwise import abs, sqrt, where
from jitgrad.ops.linear import scatter
from jitgrad.tape import dtypes
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor, cast
from jitgrad.tape.values import peek
from jitgrad.typing import ArrayLike


@public(np.cov)
def cov(
    m: ArrayLike, y: ArrayLike | None = None, rowvar: bool = True, bias: bool = False, ddof: float | None = None,
    fweights: ArrayLike | None = None, aweights: ArrayLike | None = None,
) -> Tensor:  # fmt: skip
    """Covariance matrix of variables.

    Parameters
    ----------
    m : array_like, shape (n,) or (k, n)
        One variable, or a matrix with one variable per row and one observation per column.
    y : array_like, optional
        More variables with the same observations.
    rowvar : bool, default True
        Whether the rows are the variables. If False, the columns are.
    bias : bool, default False
        Whether to divide by the number of observations n instead of n - 1.
    ddof : float, optional
        Divide by ``n - ddof``, which overrides ``bias``.
    fweights : array_like, shape (n,), optional
        Number of times that each observation occurs.
    aweights : array_like, shape (n,), optional
        Weights that express the relative importance of the observations.

    Returns
    -------
    Tensor
        The covariance matrix, or a scalar for a single variable.

    See Also
    --------
    corrcoef, var

    Examples
    --------
    >>> jg.cov([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0]])
    <Tensor shape=(2, 2) dtype=float64
    [[1.  0.5]
     [0.5 1. ]]>
    """
    x = _variables(m, rowvar)
    if y is not None:
        x = concatenate([x, _variables(y, rowvar)])
    n = x.shape[1]
    reduced = (0.0 if bias else 1.0) if ddof is None else float(ddof)
    f = as_tensor(1.0 if fweights is None else fweights)
    w = broadcast_to(f * as_tensor(1.0 if aweights is None else aweights), (n,))
    total = sum(w)
    free = total - reduced
    if aweights is not None:
        free = total - reduced * sum(w * as_tensor(aweights)) / total
    apart = x - reshape(average(x, 1, w), (-1, 1))
    made = matmul(apart * w, transpose(apart)) / free
    return reshape(made, ()) if made.shape == (1, 1) else made


@public(np.corrcoef)
def corrcoef(x: ArrayLike, y: ArrayLike | None = None, rowvar: bool = True) -> Tensor:
    """Matrix of Pearson correlation coefficients.

    Parameters
    ----------
    x : array_like, shape (n,) or (k, n)
        One variable, or a matrix with one variable per row and one observation per column.
    y : array_like, optional
        More variables with the same observations.
    rowvar : bool, default True
        Whether the rows are the variables. If False, the columns are.

    Returns
    -------
    Tensor
        The coefficients, from -1 to 1; nan for a variable that is constant.

    See Also
    --------
    cov

    Examples
    --------
    >>> jg.corrcoef([1.0, 2.0, 3.0], [1.0, 3.0, 2.0])
    <Tensor shape=(2, 2) dtype=float64
    [[1.  0.5]
     [0.5 1. ]]>
    """
    c = cov(x, y, rowvar)
    if c.ndim == 0:
        return c / c
    size = sqrt(diagonal(c))
    r = c / reshape(size, (-1, 1)) / size
    return where(abs(r) > 1, r / abs(r), r)


def _variables(x: Any, rowvar: bool) -> Tensor:
    x = as_tensor(x) * 1.0
    if x.ndim > 2:
        raise ShapeError(
            f"cov: shape {x.shape} has more than two axes. Pass a vector, or a matrix of variables and observations."
        )
    x = reshape(x, (1, x.size)) if x.ndim < 2 else x
    return x if rowvar or x.shape[0] == 1 else transpose(x)


@public(np.bincount)
def bincount(x: ArrayLike, weights: ArrayLike | None = None, minlength: int = 0) -> Tensor:
    """Count occurrences of nonnegative integers, or sum their weights.

    Parameters
    ----------
    x : array_like of int, shape (n,)
        Nonnegative integers.
    weights : array_like, shape (n,), optional
        Weights to sum instead of counting.
    minlength : int, default 0
        Minimum length of the result.

    Returns
    -------
    Tensor
        Element ``i`` is the number of times that ``i`` occurs in ``x``, or the sum of its weights. Gradients flow to the
        weights.

    Raises
    ------
    DTypeError
        If ``x`` is not a vector of integers.
    ArgumentError
        If an integer is negative.
    TracingError
        If a traced function calls it on a value that is not known yet, because the length of the result depends on values.

    See Also
    --------
    unique, digitize

    Examples
    --------
    >>> jg.bincount([0, 2, 2])
    <Tensor shape=(3,) dtype=int64 [1 0 2]>
    >>> jg.bincount([0, 2, 2], weights=[0.5, 1.0, 1.0])
    <Tensor shape=(3,) dtype=float64 [0.5 0.  2. ]>
    """
    x = as_tensor(x)
    if x.ndim != 1 or (x.level > dtypes.INTEGER and x.size):
        raise DTypeError(
            f"bincount: shape {x.shape} of dtype {x.dtype} is not a vector of integers. Pass a vector of nonnegative integers."
        )
    values = np.asarray(peek(x))
    if values.size and values.min() < 0:
        raise ArgumentError(f"bincount: {values.min():.0f} is negative. Pass nonnegative integers.")
    rows = builtins.max(operator.index(minlength), int(values.max(initial=-1)) + 1)
    if weights is None:
        return cast(scatter(np.ones(x.size), x, axis=0, rows=rows), dtypes.INTEGER)
    made: Tensor = scatter(as_tensor(weights) * 1.0, x, axis=0, rows=rows)
    return made
