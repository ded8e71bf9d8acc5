"""Choose the penalty of a regularization path by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from jitgrad import arguments
from jitgrad.errors import ArgumentError, DataError, ShapeError
from jitgrad.glm.blas import one_thread
from jitgrad.glm.folds import drawn_folds
from jitgrad.glm.notebook import path_html
from jitgrad.glm.path import Kept, Path
from jitgrad.glm.penalised import PenalisedFit, begin, follow
from jitgrad.glm.penalised_data import Options, Table
from jitgrad.typing import ArrayLike

RULES = {"min": "the smallest deviance", "1se": "the largest penalty within one standard error of it"}

FOLD_TOLERANCE = 1e-6
"""Tolerance of fits that leave out a fold. Only their deviances are used, whose standard errors are a few percent."""


@dataclass(frozen=True)
class CrossValidated:
    """A regularization path with cross-validated deviances, as returned by `jitgrad.glm.cross_validated`.

    Parameters
    ----------
    path : Path
        The path fitted to all rows.
    mean : ndarray, shape (k,)
        The mean deviance of held-out rows for each penalty; the mean squared error for "gaussian".
    standard_error : ndarray, shape (k,)
        The standard error of the mean, from the means of the folds.
    folds : ndarray of int, shape (n,)
        The fold in which each row was held out.
    rule : {"min", "1se"}
        The rule by which the penalty is chosen.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x = np.random.default_rng(0).normal(size=(100, 20))
    >>> found = glm.cross_validated(x, x[:, 3] - x[:, 5] + 0.1 * x[:, 7], l1_ratio=0.9)
    >>> found.chosen == found.minimum, found.coefficients.shape
    (True, (20,))
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
        """Index of the penalty with the smallest mean deviance; the largest penalty in case of ties."""
        return int(self.mean.argmin())

    @property
    def one_standard_error(self) -> int:
        """Index of the largest penalty whose mean deviance is within one standard error of the smallest."""
        return int(np.argmax(self.mean <= self.mean[self.minimum] + self.standard_error[self.minimum]))

    @property
    def chosen(self) -> int:
        """Index of the penalty chosen by the rule."""
        return self.minimum if self.rule == "min" else self.one_standard_error

    @property
    def alpha(self) -> float:
        """The chosen penalty."""
        return float(self.path.alphas[self.chosen])

    @property
    def coefficients(self) -> np.ndarray:
        """Coefficients fitted to all rows with the chosen penalty, shape (p,) or (p, classes)."""
        found: np.ndarray = self.path.coefficients[self.chosen]
        return found

    @property
    def intercept(self) -> np.ndarray:
        """Intercept fitted to all rows with the chosen penalty: a number, or one for each class."""
        found: np.ndarray = self.path.intercepts[self.chosen]
        return found


@one_thread()
def cross_validated(
    x: ArrayLike,
    y: ArrayLike,
    family: Literal["gaussian", "binomial", "poisson", "multinomial"] = "gaussian",
    *,
    cv: ArrayLike = 10,
    seed: int = 0,
    rule: Literal["min", "1se"] = "min",
    l1_ratio: float = 1.0,
    alphas: ArrayLike | None = None,
    n_alphas: int = 100,
    eps: float = 1e-3,
    intercept: bool = True,
    standardize: bool = True,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    penalty_factor: ArrayLike | None = None,
    tol: float = 1e-10,
    max_iter: int = 10_000,
) -> CrossValidated:
    """Fit a regularization path and choose its penalty by cross-validation.

    Parameters
    ----------
    x : array_like, shape (n, p)
        The features, without a column of ones.
    y : array_like, shape (n,)
        The target; see `path`.
    family : {"gaussian", "binomial", "poisson", "multinomial"}, default "gaussian"
        The distribution of the target.
    cv : int or array_like of int, shape (n,), default 10
        The number of folds, or the fold of each row, for rows that must be held out together.
    seed : int, default 0
        Random seed for the assignment of rows to folds. Classes are spread evenly over the folds.
    rule : {"min", "1se"}, default "min"
        Choose the penalty with the smallest mean deviance, or the largest penalty within one standard error of it.
    l1_ratio : float, default 1.0
        The lasso share of the penalty, from 0 (ridge) to 1 (lasso).
    alphas : float or array_like, optional
        The penalties. By default, they are chosen from all rows; see `path`.
    n_alphas : int, default 100
        The number of penalties if ``alphas`` is not given.
    eps : float, default 1e-3
        The ratio of the smallest to the largest penalty.
    intercept : bool, default True
        Whether to fit an intercept.
    standardize : bool, default True
        Whether the penalty applies to standardized columns. Standard deviations are computed without the held-out rows.
    weights : array_like, shape (n,), optional
        Weights of the rows.
    offset : array_like, shape (n,) or (n, classes), optional
        A term added to the linear predictor.
    penalty_factor : array_like, shape (p,), optional
        Factors for the penalty of each column.
    tol : float, default 1e-10
        Convergence tolerance of the path. Fits that leave out a fold use at least 1e-6.
    max_iter : int, default 10000
        Maximum number of coordinate descent sweeps per penalty.

    Returns
    -------
    CrossValidated
        The path, the cross-validated deviances and the chosen penalty.

    Raises
    ------
    DataError
        As for `path`, and also if a fold has no rows with positive weight or contains all rows of a class.
    ArgumentError
        If an option is out of range.

    See Also
    --------
    path : The path without cross-validation.
    cross_validate : Cross-validated predictions of an unpenalized fit.

    Notes
    -----
    Means over folds are weighted by the weights of their rows, and standard errors follow R's ``cv.glmnet`` [1]_. All
    fits proceed along the path together, in parallel; results do not depend on the number of threads.

    References
    ----------
    .. [1] J. Friedman, T. Hastie and R. Tibshirani, "Regularization paths for generalized linear models via coordinate
       descent", *J. Statist. Software* 33(1), 2010.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x = np.random.default_rng(0).normal(size=(100, 20))
    >>> found = glm.cross_validated(x, x[:, 3] - x[:, 5] + 0.1 * x[:, 7], l1_ratio=0.9)
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


def _folds(table: Table, cv: ArrayLike, seed: int) -> np.ndarray:
    """Return the fold of each row."""
    given = np.asarray(cv)
    if given.ndim == 0:
        count = arguments.count("cv", given.item(), low=2, high=table.rows)
        classes = table.family == "multinomial" or (table.family == "binomial" and bool(np.isin(table.y, (0, 1)).all()))
        folds = drawn_folds(table.y, count, seed, classes)
    else:
        folds = np.unique(given, return_inverse=True)[1].astype(np.int64)
        if folds.shape != (table.rows,):
            raise ShapeError(
                f"cv has shape {given.shape}. Give the number of folds, or the fold of each of the {table.rows} rows."
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
