"""Outlier detection by the ROUT method: a robust fit, followed by a test of each row that controls the false discovery rate.

Motulsky and Brown, "Detecting outliers when fitting data with nonlinear regression - a new method based on robust nonlinear
regression and the false discovery rate", BMC Bioinformatics 7:123, 2006.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jitgrad.curvefit.least_squares import Data
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.result import CurveFit, Outliers
from jitgrad.curvefit.search import fit_from, mended
from jitgrad.errors import ArgumentError

Q = 0.01
"""The default false discovery rate."""
PART = 0.6827
"""The probability of a normal distribution within one standard deviation."""
TESTED = 0.7
"""The fraction of the rows nearest to the curve that are never outliers."""
MOST_ROUNDS, ALIKE = 50, 1e-4
"""The maximum number of robust fits, each with the spread of the last, and the relative change of the spread that ends them."""
SMALLEST = 1e-12
"""The spread, as a fraction of the largest y, that counts as rounding error."""
SHOWN = 5
"""The largest number of rows listed in a note."""


def without_outliers(problem: Problem, first: CurveFit, q: float) -> CurveFit:
    """Return the fit without outliers.

    Parameters
    ----------
    problem : Problem
        All rows.
    first : CurveFit
        A fit of them.
    q : float
        The false discovery rate.

    Raises
    ------
    ArgumentError
        If the rate is invalid, or the problem is not a least-squares fit of independent rows.
    """
    _check(problem, first, q)
    robust, spread = _robust(problem, first)
    sizes = np.abs(problem.weighted(robust.residuals))
    rows = outlying(sizes / spread, len(problem.free), q)
    problem.observed.remarks.append(_said(problem, rows, q))
    found = first
    if len(rows):
        part, start = _part(problem, np.delete(np.arange(len(sizes)), rows)), robust.values[list(problem.free)]
        found = mended(part, start, None)
    found.outliers = Outliers(rows, [column[..., rows] for column in problem.columns], problem.observed.response[rows], q)
    return found


def outlying(scaled: np.ndarray, parameters: int, q: float) -> np.ndarray:
    """Return the indices of the outliers among residuals over their robust spread, (rows,).

    Among the largest 30%, in ascending order, the outliers are the first one whose p-value by Student's t is below the limit of
    Benjamini and Hochberg, and all larger ones.
    """
    from scipy.special import stdtr

    n = len(scaled)
    order = np.argsort(scaled, kind="stable")
    p = 2.0 * stdtr(n - parameters, -scaled[order])
    rank = np.arange(1, n + 1)
    found = np.flatnonzero((p < q * (n - (rank - 1)) / n) & (rank >= int(TESTED * n)))
    return np.sort(order[found[0] :]) if len(found) else np.empty(0, np.int64)


def spread_of(sizes: np.ndarray, parameters: int) -> float:
    """Return the robust standard deviation of residuals of these sizes, (rows,)."""
    n = len(sizes)
    return float(np.quantile(sizes, PART)) * n / (n - parameters)


def _check(problem: Problem, first: CurveFit, q: float) -> None:
    if not (isinstance(q, float | int) and 0 < q < 1):
        raise ArgumentError(
            f"{{argument}} is {q!r}. Give a false discovery rate between 0 and 1, such as 0.01.", argument="outliers"
        )
    if problem.options.loss != "linear" or problem.whitening is not None:
        raise ArgumentError(
            "Outliers can only be detected in least-squares fits with independent errors. "
            "Use loss 'linear', and a sigma that is not a matrix."
        )
    if not problem.columns or not first.by_rows:
        raise ArgumentError(
            "Outliers can only be detected if the model computes each row independently. Remove them before the fit."
        )
    if first.dof <= 0:
        raise ArgumentError(
            f"{first.n_rows} rows and {len(problem.free)} parameters leave no degrees of freedom to detect outliers. "
            "Give more rows."
        )


def _robust(problem: Problem, first: CurveFit) -> tuple[CurveFit, float]:
    """Return the fit for Cauchy-distributed errors, whose width is the spread of its residuals, and this spread."""
    found, free = first, list(problem.free)
    smallest = SMALLEST * float(np.abs(problem.weighted(problem.y)).max(initial=0.0)) or 1.0
    spread = max(spread_of(np.abs(problem.weighted(found.residuals)), len(free)), smallest)
    for _ in range(MOST_ROUNDS):
        robust = replace(problem, options=problem.options._replace(loss="cauchy", scale=spread))
        found = fit_from(robust, found.values[free])
        last, spread = spread, max(spread_of(np.abs(problem.weighted(found.residuals)), len(free)), smallest)
        if abs(spread - last) <= ALIKE * last:
            break
    return found, spread


def _part(problem: Problem, kept: np.ndarray) -> Problem:
    """Return the problem with some of its rows."""
    observed, data = problem.observed, problem.data
    sigma = observed.sigma if observed.sigma is None or observed.sigma.ndim == 0 else observed.sigma[kept]
    columns = [column[..., kept] for column in observed.columns]
    x = columns[0] if problem.curve.columns == [""] else dict(zip(problem.curve.columns, columns, strict=True))
    part = observed._replace(columns=columns, y=observed.y[kept], sigma=sigma, x=x, response=observed.response[kept])
    weights = None if data.weights is None else data.weights[kept]
    return replace(problem, observed=part, data=Data(columns, part.y, weights))


def _said(problem: Problem, rows: np.ndarray, q: float) -> str:
    """Return a note on the excluded rows. They are identified by their values, since their numbers may have changed."""
    method = f"(ROUT, Q = {100 * q:g}%)"
    if not len(rows):
        return f"no outliers were found {method}"
    names = [name or "x" for name in problem.curve.columns]
    shown = []
    for row in rows[:SHOWN].tolist():
        values = [f"{name} = {column[row]:g}" for name, column in zip(names, problem.columns, strict=True) if column.ndim == 1]
        shown.append(f"({', '.join([*values, f'y = {problem.observed.response[row]:g}'])})")
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    were = "was excluded as an outlier" if len(rows) == 1 else "were excluded as outliers"
    which = f"{len(rows)} of {len(problem.y)} rows {were} {method}"
    return f"{which}: {', '.join(shown)}{more}"
