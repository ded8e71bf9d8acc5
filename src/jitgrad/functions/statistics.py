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


# Covariances and counts.
@public(np.cov)
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: float | None = None,
    fweights: Any = None, aweights: Any = None,
) -> Tensor:  # fmt: skip
    """The covariances of variables, whose observations stand along the last axis.

    Parameters
    ----------
    m : array_like
        A variable, or a matrix of one a row.
    y : array_like, optional
        More of them.
    rowvar : bool, default True
        Whether a row is a variable; else a column is one.
    bias : bool, default False
        Whether products are divided by the number of observations, instead of one less.
    ddof : float, optional
        What the number is reduced by, instead.
    fweights, aweights : array_like, optional
        How often each observation was made, and its weight.
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
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Tensor:
    """The coefficients of correlation of variables, see ``cov``; nan for a variable that is constant."""
    c = cov(x, y, rowvar)
    if c.ndim == 0:
        return c / c
    size = sqrt(diagonal(c))
    r = c / reshape(size, (-1, 1)) / size
    return where(abs(r) > 1, r / abs(r), r)


def _variables(x: Any, rowvar: bool) -> Tensor:
    x = as_tensor(x) * 1.0
    if x.ndim > 2:
        raise ShapeError(f"cov: shape {x.shape} has more than two axes. Give a matrix of variables and observations.")
    x = reshape(x, (1, x.size)) if x.ndim < 2 else x
    return x if rowvar or x.shape[0] == 1 else transpose(x)


@public(np.bincount)
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each number from 0 on is in ``x``, or the sum of the ``weights`` of its places, to which gradients pass.

    Raises TracingError where a function is traced and ``x`` is not known, and so not how long the result is.
    """
    x = as_tensor(x)
    if x.ndim != 1 or (x.level > dtypes.INTEGER and x.size):
        raise DTypeError(f"bincount: shape {x.shape} of dtype {x.dtype}. Give a vector of integers from 0 on.")
    values = np.asarray(peek(x))
    if values.size and values.min() < 0:
        raise ArgumentError(f"bincount: there is a number {values.min():.0f}. Give numbers from 0 on.")
    rows = builtins.max(operator.index(minlength), int(values.max(initial=-1)) + 1)
    if weights is None:
        return cast(scatter(np.ones(x.size), x, axis=0, rows=rows), dtypes.INTEGER)
    made: Tensor = scatter(as_tensor(weights) * 1.0, x, axis=0, rows=rows)
    return made
