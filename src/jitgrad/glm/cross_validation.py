"""The penalty of a path, chosen by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from jitgrad import arguments
from jitgrad.errors import ArgumentError, DataError, ShapeError
from jitgrad.glm.blas import one_thread
from jitgrad.glm.folds import drawn_folds
from jitgrad.glm.notebook import path_html
from jitgrad.glm.path import Kept, Path
from jitgrad.glm.penalised import PenalisedFit, begin, follow
from jitgrad.glm.penalised_data import Options, Table

RULES = {"min": "the smallest deviance", "1se": "the largest penalty within one standard error of it"}

FOLD_TOLERANCE = 1e-6
"""Of the fits without a fold, of which nothing is kept but a deviance, whose standard error is some percent of it."""


@dataclass(frozen=True)
class CrossValidated:
    """A path with the deviance of rows that were held out.

    Attributes
    ----------
    path : Path
        Of all rows.
    mean : float64 (alphas,)
        The mean deviance of a held-out row, over folds: for numbers their squared error.
    standard_error : float64 (alphas,)
        Of the mean, from the means of folds.
    folds : int64 (rows,)
        The fold in which each row was held out.
    rule : str
        By which the penalty was chosen.
    """

    path: Path
    mean: np.ndarray
    standard_error: np.ndarray
    folds: np.ndarray
    rule: str

    def _repr_html_(self) -> str:
        return path_html(self.path, self)

    @property
    def minimum(self) -> int:
        """The number of the penalty with the least mean, of equal ones the largest."""
        return int(self.mean.argmin())

    @property
    def one_standard_error(self) -> int:
        """The number of the largest penalty whose mean is within one standard error of the least."""
        return int(np.argmax(self.mean <= self.mean[self.minimum] + self.standard_error[self.minimum]))

    @property
    def chosen(self) -> int:
        """The number of the penalty that the rule chooses."""
        return self.minimum if self.rule == "min" else self.one_standard_error

    @property
    def alpha(self) -> float:
        """The penalty that was chosen."""
        return float(self.path.alphas[self.chosen])

    @property
    def coefficients(self) -> np.ndarray:
        """Those of all rows for the chosen penalty, (features,), of classes (features, classes)."""
        found: np.ndarray = self.path.coefficients[self.chosen]
        return found

    @property
    def intercept(self) -> np.ndarray:
        """That of all rows for the chosen penalty, a number, of classes one each."""
        found: np.ndarray = self.path.intercepts[self.chosen]
        return found


@one_thread()
def cross_validated(
    x: Any,
    y: Any,
    family: str = "gaussian",
    *,
    cv: Any = 10,
    seed: int = 0,
    rule: str = "min",
    l1_ratio: float = 1.0,
    alphas: Any = None,
    n_alphas: int = 100,
    eps: float = 1e-3,
    intercept: bool = True,
    standardize: bool = True,
    weights: Any = None,
    offset: Any = None,
    penalty_factor: Any = None,
    tol: float = 1e-10,
    max_iter: int = 10_000,
) -> CrossValidated:
    """Fit a path to all rows, and choose its penalty by the deviance of rows that were held out.

    The penalties are those of all rows for each fold, and what ``standardize`` divides by is computed without the rows that are
    held out. The path of all rows is fitted to ``tol``, and those without a fold to 10⁻⁶ where ``tol`` is smaller. All fits go
    along the path together, on as many threads as are set; the result does not depend on these.

    Parameters
    ----------
    x, y, family, l1_ratio, alphas, n_alphas, eps, intercept, standardize, weights, offset, penalty_factor, tol, max_iter
        See `path`.
    cv : int or int (rows,), default 10
        How many folds, or the fold of each row, so that rows which belong together are held out together.
    seed : int, default 0
        Of the order in which rows go to folds. Classes go to all folds alike.
    rule : {"min", "1se"}, default "min"
        Which penalty is chosen: that with the least mean deviance, or the largest one within one standard error of it.

    Returns
    -------
    CrossValidated
        The path, what came of cross-validation, and the chosen penalty. A mean weighs folds by the weights of their rows,
        and its standard error is that of their means (Friedman, Hastie and Tibshirani, 2010, as R's ``cv.glmnet``).

    Raises
    ------
    DataError, ArgumentError
        As `path`; and where a fold has no rows, or all of those of a class.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad.glm.cross_validation import cross_validated
    >>> x = np.random.default_rng(0).normal(size=(100, 20))
    >>> found = cross_validated(x, x[:, 3] - x[:, 5] + 0.1 * x[:, 7], l1_ratio=0.9)
    >>> np.flatnonzero(found.coefficients).tolist()
    [3, 5, 7]
    """
    arguments.by_name("rule", rule, RULES)
    options = Options.checked(l1_ratio, alphas, n_alphas, eps, intercept, standardize, penalty_factor, tol, max_iter)
    table = Table(x, y, family, options, weights, offset)
    folds = _folds(table, cv, seed)
    held = [folds == k for k in range(int(folds.max()) + 1)]
    fits = table.fits([table.weights])
    fits += table.fits([np.where(rows, 0.0, table.weights) for rows in held], FOLD_TOLERANCE)
    begin(fits)
    kept, deviances = Kept(table, fits[0]), []
    for _ in follow(fits, kept.alphas):
        kept.keep()
        deviances.append([_mean_deviance(fit, table, rows) for fit, rows in zip(fits[1:], held, strict=True)])
    shares = np.array([table.weights[rows].sum() for rows in held])
    found = np.array(deviances)
    mean = np.average(found, axis=1, weights=shares)
    spread = np.average((found - mean[:, None]) ** 2, axis=1, weights=shares)
    return CrossValidated(kept.path(), mean, np.sqrt(spread / (len(held) - 1)), folds, rule)


def _mean_deviance(fit: PenalisedFit, table: Table, rows: np.ndarray) -> float:
    return float(np.average(fit.loss.deviance(fit.eta)[rows], weights=table.weights[rows]))


def _folds(table: Table, cv: Any, seed: int) -> np.ndarray:
    """The fold of each row."""
    if np.ndim(cv) == 0:
        count = arguments.count("cv", cv, low=2, high=table.rows)
        classes = table.family == "multinomial" or (table.family == "binomial" and bool(np.isin(table.y, (0, 1)).all()))
        folds = drawn_folds(table.y, count, seed, classes)
    else:
        folds = np.unique(np.asarray(cv), return_inverse=True)[1].astype(np.int64)
        if folds.shape != (table.rows,):
            raise ShapeError(
                f"cv has shape {np.shape(cv)}. Give the number of folds, or the fold of each of the {table.rows} rows."
            )
        if folds.max() == 0:
            raise ArgumentError("{argument} puts all rows in one fold. Give at least two folds.", argument="cv")
    _check(table, folds)
    return folds


def _check(table: Table, folds: np.ndarray) -> None:
    for k in range(int(folds.max()) + 1):
        inside, outside = (rows & (table.weights > 0) for rows in (folds == k, folds != k))
        if not inside.any():
            raise DataError(f"All rows of fold {k} have weight 0. Use fewer or different folds.")
        y = table.y[outside]
        lacks_class = table.family == "multinomial" and len(np.unique(y)) < table.outputs
        if lacks_class or (table.family in ("binomial", "poisson") and (y.max() == 0 or y.min() == y.max() == 1)):
            raise DataError(f"Without fold {k}, a class has no rows or all counts are 0. Use fewer or different folds.")
