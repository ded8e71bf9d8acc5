"""Standard errors and goodness of fit of many groups, without a loop over groups."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.least_squares import Solution
from jitgrad.curvefit.result import BEYOND, WORSE
from jitgrad.groupfit.measures import ROWS, blocks, sums_by
from jitgrad.groupfit.predict import predictions
from jitgrad.groupfit.status import Status
from jitgrad.groupfit.tables import Table

BLOCK = 1 << 13
"""The number of groups per block, for which all arrays fit into the L2 cache."""


class Quality(NamedTuple):
    """The goodness of fit of each group, shape (G,) each.

    Attributes
    ----------
    chisqr : ndarray
        The sum of the squared residuals over sigma.
    r2 : ndarray
        The fraction of the (weighted) variance of y that the model explains; nan if y is constant.
    """

    chisqr: np.ndarray
    r2: np.ndarray


def standard_errors(factors: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return the standard errors of fits, (F, n).

    They are the square roots of the diagonal of (RᵀR)⁻¹, computed from the sums of squares of the rows of R⁻¹.

    Parameters
    ----------
    factors : ndarray, shape (F, n, n)
        The upper triangles R.
    scales : ndarray, shape (F,)
        The scales of the covariances.
    """
    errors = np.empty(factors.shape[:2])
    with np.errstate(all="ignore"):  # for singular factors, whose results are not used
        for first in range(0, len(factors), BLOCK):
            part = slice(first, first + BLOCK)
            errors[part] = _roots(factors[part]) * np.sqrt(scales[part])[:, None]
    return errors


def _roots(factors: np.ndarray) -> np.ndarray:
    n = factors.shape[1]
    r = np.array(factors.transpose(1, 2, 0), order="C")  # a matrix of vectors over fits, always a copy
    largest = np.abs(r).max(axis=0, initial=0.0)  # squares may overflow
    r /= largest
    norms = np.sqrt(np.einsum("jkf,jkf->kf", r, r))
    r /= norms
    squares = np.zeros((n, r.shape[2]))
    for k in range(n):  # a column of the inverse, from the diagonal upward
        column = [np.zeros(0)] * n
        column[k] = 1.0 / r[k, k]
        squares[k] += column[k] ** 2
        for j in range(k - 1, -1, -1):
            column[j] = -sum(r[j, i] * column[i] for i in range(j + 1, k + 1)) / r[j, j]
            squares[j] += column[j] ** 2
    return np.asarray((np.sqrt(squares) / norms / largest).T)


def covariances(factors: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return the covariances of fits whose parameters are all determined, (F, n, n); inf without degrees of freedom.

    Parameters
    ----------
    factors : ndarray, shape (F, n, n)
        The upper triangles R.
    scales : ndarray, shape (F,)
        The factors of (RᵀR)⁻¹.
    """
    largest = np.abs(factors).max(axis=1, initial=0.0)  # squares may overflow
    factors = factors / largest[:, None, :]
    norms = np.sqrt(np.einsum("fjk,fjk->fk", factors, factors))
    roots = np.linalg.inv(factors / norms[:, None, :]) / norms[:, :, None] / largest[:, :, None]
    roots *= np.sqrt(np.where(scales < math.inf, scales, math.nan))[:, None, None]
    found = roots @ roots.transpose(0, 2, 1)
    return np.where(np.isnan(found), math.inf, found)


def scales_of(solution: Solution, rows: np.ndarray, absolute: bool) -> np.ndarray:
    """Return the scales of the covariances, (F,): χ² over the degrees of freedom, inf without any; or 1."""
    dof = rows - solution.parameters.shape[1]
    if absolute:
        return np.ones(len(rows))
    return np.where(dof > 0, 2.0 * solution.outcomes["cost"] / np.maximum(dof, 1), math.inf)


def judged(
    table: Table, codes: np.ndarray, solution: Solution, scales: np.ndarray, errors: np.ndarray, may_be_worse: bool
) -> np.ndarray:
    """Return the codes of ``Status``, (G,), with fits that ended in a meaningless minimum marked as failed.

    Parameters
    ----------
    codes : ndarray
        The codes of the solver.
    errors : ndarray, shape (G, n)
        The standard errors of the free parameters.
    may_be_worse : bool
        Whether fits are compared with a constant, only for least squares.
    """
    codes = codes.copy()
    codes[_adrift(table, codes == Status.CONVERGED, solution, scales, errors)] = Status.SINGULAR
    if may_be_worse:
        codes[(codes == Status.CONVERGED) & _worse(table, solution.outcomes["cost"])] = Status.WORSE
    return codes


def _worse(table: Table, costs: np.ndarray) -> np.ndarray:
    """Return which groups, bool (G,), have a higher cost than the best constant, as ``CurveFit`` defines it."""
    spread, squares = table.measures.spread, table.measures.squares
    with np.errstate(invalid="ignore"):
        return (2.0 * costs > spread * (1.0 + WORSE)) & (spread > WORSE**2 * squares)


def _adrift(table: Table, which: np.ndarray, solution: Solution, scales: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Return which of these groups, bool (G,), have a huge standard error, as ``CurveFit`` defines it."""
    if not errors.shape[1]:
        return np.zeros(len(which), bool)
    with np.errstate(all="ignore"):
        pivots = np.abs(np.einsum("gkk->gk", solution.factors)).min(axis=1)
        found = which & ~(np.sqrt(scales) < BEYOND * solution.rcond * pivots)
        suspects = np.flatnonzero(found)
        if len(suspects):
            largest = np.ones(len(suspects))
            for array in [*table.groups.columns, table.groups.y]:
                largest = np.maximum(largest, _largest(array, table, suspects))
            limit = np.maximum(np.abs(solution.parameters[suspects]), largest[:, None])
            beyond = errors[suspects] / BEYOND
            found[suspects] = ((limit < beyond) & (beyond < math.inf)).any(axis=1)
    return found


def _largest(array: np.ndarray, table: Table, which: np.ndarray) -> np.ndarray:
    """Return the largest absolute value of a column in each of these groups, none of which is empty."""
    if len(array) < len(table.groups.y):  # the columns are shared
        return np.full(len(which), np.abs(array).max())
    first, count = table.groups.parts[which].astype(np.intp).T
    between = np.column_stack([first, first + count]).ravel()
    padded = np.append(np.abs(array), 0.0)  # the last part may end where the array ends
    return np.maximum.reduceat(padded, between)[::2]


def quality(table: Table, curve: Curve, values: np.ndarray, costs: np.ndarray, loss: str) -> Quality:
    """Return the goodness of fit of parameters, (G, p); ``costs``, (G,), are half of χ² for a linear loss."""
    groups, spread = table.groups, table.measures.spread
    chisqr = 2.0 * costs
    with np.errstate(all="ignore"):
        if loss != "linear":
            counts = groups.parts[:, 1].astype(np.int64)
            for part, rows, first, said in predictions(curve, groups, values):
                residuals = groups.y[rows] - said
                weighted = residuals if groups.weights is None else residuals * groups.weights[rows]
                chisqr[part] = sums_by(weighted * weighted, first, counts[part])
        return Quality(chisqr, np.where(spread > 0, 1.0 - chisqr / spread, math.nan))


def log_likelihoods(table: Table, chisqr: np.ndarray, absolute: bool, loss: str, log: bool) -> np.ndarray:
    """Return the log-likelihoods, (G,), as in ``CurveFit.log_likelihood``."""
    groups, n = table.groups, table.groups.parts[:, 1].astype(np.float64)
    if loss != "linear":
        return np.full(len(n), math.nan)
    logs = -0.5 * n * math.log(2.0 * math.pi)
    if groups.weights is not None:
        counts = groups.parts[:, 1].astype(np.int64)
        for part, rows, first in blocks(counts, ROWS):
            logs[part] += sums_by(np.log(groups.weights[rows]), first, counts[part])
    if log:
        counts = groups.parts[:, 1].astype(np.int64)
        for part, rows, first in blocks(counts, ROWS):
            logs[part] -= sums_by(groups.y[rows], first, counts[part])
    with np.errstate(all="ignore"):
        return np.asarray(logs - (0.5 * chisqr if absolute else 0.5 * n * (1.0 + np.log(chisqr / n))))
