"""Generalised linear models: the maximum of the likelihood, with what statistics says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.arguments import count, positive
from jitgrad.errors import ArgumentError, DataError, FitError
from jitgrad.glm.blas import one_thread
from jitgrad.glm.families import Family, NegativeBinomial, family_of
from jitgrad.glm.links import Link, link_of
from jitgrad.glm.means import unlimited
from jitgrad.glm.multinomial import Multinomial
from jitgrad.glm.progress import progress
from jitgrad.glm.result import Fit
from jitgrad.glm.rows import Rows, as_rows
from jitgrad.glm.searches import Search, found, found_of_classes, null

TOL = 1e-10
MAX_ITER = 100
MOST_PRODUCTS = 2e11
"""Products that a step may take: some seconds."""


@one_thread()
def fit(
    x: Any,
    y: Any,
    family: str = "gaussian",
    link: str | None = None,
    *,
    intercept: bool = True,
    offset: Any = None,
    weights: Any = None,
    freq_weights: Any = None,
    trials: Any = None,
    theta: float | None = None,
    start: Any = None,
    classes: Sequence[str] | None = None,
    tol: float = TOL,
    max_iter: int = MAX_ITER,
    verbose: bool | int | str | None = None,
) -> Fit:
    """Fit a generalised linear model by maximum likelihood.

    The method is scoring (iteratively reweighted least squares; McCullagh and Nelder, "Generalized linear models", 1989) in
    decorrelated coordinates, so that a least-squares fit of features that are nearly alike keeps its digits.

    Parameters
    ----------
    x : array_like of shape (rows, features)
        The features, without a column of ones.
    y : array_like of shape (rows,)
        The target: numbers, proportions of ``trials``, or positions of classes for "multinomial".
    family : str, default "gaussian"
        A name of ``FAMILIES``, or "multinomial".
    link : str, optional
        A name of ``LINKS``; by default the family's.
    intercept : bool, default True
        Whether to add a column of ones.
    offset : array_like of shape (rows,), optional
        What is added to the linear predictor.
    weights : array_like of shape (rows,), optional
        Precisions, R's ``weights``: the variance of a row is divided by its weight. A row with weight 0 does not count.
    freq_weights : array_like of shape (rows,), optional
        How many equal rows each one stands for.
    trials : array_like of shape (rows,), optional
        Of which ``y`` are proportions, for the binomial families.
    theta : float, optional
        Of the negative binomial, whose variance is μ + μ² / theta; by default it is estimated.
    start : array_like of shape (1 + features, outputs), optional
        Coefficients to begin with.
    classes : sequence of str, optional
        The names of classes, for messages; by default their positions.
    tol : float, default 1e-10
        How large the last step may be, in standard errors.
    max_iter : int, default 100
        The most steps. A fit that needs more has ``converged`` False.
    verbose : bool, optional
        Whether a fit that takes more than a second shows its steps on stderr; by default where that is a terminal.

    Returns
    -------
    Fit
        Coefficients, their covariance, likelihoods and deviances.

    Raises
    ------
    DataError
        Where an array has another shape, a number that is not finite, or a target that the family cannot have.
    ArgumentError
        For an unknown family or link, or one that does not go with the other arguments.
    FitError
        Where there are too many columns to solve for, or theta has no estimate.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad import glm
    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> result = glm.fit(x, [1, 3, 4, 8], family="poisson")
    >>> result.coefficients.round(4)
    array([[0.2607],
           [0.6051]])
    """
    positive("tol", tol)
    count("max_iter", max_iter)
    x, rows = _given(x, y, offset, weights, freq_weights, trials)
    with unlimited(), progress(verbose) as report:
        search = Search(tol, max_iter, report)
        if family == "multinomial":
            if offset is not None or trials is not None or theta is not None or link is not None:
                raise ArgumentError("Family 'multinomial' does not support link, offset, trials or theta. Leave them out.")
            return _fit_classes(_names_of_classes(rows.y, classes), *_counted(x, rows), intercept, start, search)
        of = family_of(family, theta)
        check_target(of, rows.y, "Divide the target by the number of trials" if trials is not None else "Choose another family")
        if trials is not None and not of.proportion:
            raise ArgumentError(f"Family {family!r} does not support trials. Leave them out, or choose 'binomial'.")
        return _fit_means(of, link_of(link or of.link), *_counted(x, rows), intercept, start, search)


def _given(x: Any, y: Any, *others: Any) -> tuple[np.ndarray, Rows]:
    """Features and rows as arrays. Raises DataError where they do not fit together or are not finite."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise DataError(f"x has shape {x.shape} and y has shape {y.shape}. Give x as (rows, features) and y as (rows,).")
    for name, values in (("x", x), ("y", y)):
        if not np.isfinite(values).all():
            place = np.argwhere(~np.isfinite(values))[0].tolist()
            raise DataError(f"{name} has {values[tuple(place)]} in row {place[0]}. Correct it, or leave the row out.")
    return x, as_rows(y, *others)


def check_target(family: Family, y: np.ndarray, advice: str = "Choose another family") -> None:
    """Raise DataError for a target that the family cannot have."""
    needs, allowed = family.targets(y)
    if not allowed.all():
        row = int(allowed.argmin())
        raise DataError(f"y has {y[row]:g} in row {row}, but family {family.name!r} needs {needs}. {advice}.")


def _names_of_classes(y: np.ndarray, names: Sequence[str] | None) -> list[str]:
    """The names of classes, of which the target has positions. Raises DataError where it has others."""
    n_classes = int(y.max()) + 1 if names is None and len(y) else len(names or ())
    allowed = (y >= 0) & (y < n_classes) & (y == np.rint(y))
    if n_classes < 2 or not allowed.all():
        row = int(allowed.argmin()) if len(y) else 0
        found = f"{y[row]:g} in row {row}" if not allowed.all() else "a single class"
        raise DataError(f"y has {found}. Give the classes as integers starting at 0, with at least two classes.")
    return [str(k) for k in range(n_classes)] if names is None else list(names)


def _counted(x: np.ndarray, rows: Rows) -> tuple[np.ndarray, Rows]:
    """Without rows that count nothing. Raises DataError where none is left."""
    counted = rows.total > 0
    if not counted.any():
        raise DataError("No row has a positive weight. Give at least one such row.")
    return (x, rows) if counted.all() else (x[counted], rows.where(counted))


def _check_size(x: np.ndarray, intercept: bool, outputs: int) -> None:
    """Raise FitError where there are too many coefficients to solve for."""
    coefficients = (x.shape[1] + intercept) * outputs
    if max(len(x), coefficients) * coefficients**2 > MOST_PRODUCTS:
        raise FitError(
            f"{coefficients} coefficients with {len(x)} rows are too many for an exact fit. "
            f"Add a penalty, see jitgrad.glm.path, "
            f"or leave columns out."
        )


def _coefficients(start: Any, x: np.ndarray, outputs: int) -> np.ndarray | None:
    """Coefficients to begin with, (1 + features, outputs). Raises DataError for another shape."""
    if start is None:
        return None
    given, expected = np.asarray(start, np.float64), (1 + x.shape[1], outputs)
    if given.shape != expected:
        raise DataError(f"start has shape {given.shape}. Give coefficients of shape {expected}, with the intercept first.")
    return np.where(np.isfinite(given), given, 0.0)


def _fit_means(family: Family, link: Link, x: np.ndarray, rows: Rows, intercept: bool, start: Any, search: Search) -> Fit:
    """The fit of a family with one mean."""
    _check_size(x, intercept, 1)
    own = found(family, link, x, rows, intercept, _coefficients(start, x, 1), search)
    family, maximum, coordinates = own.family, own.maximum, own.coordinates
    without, last, size = null(own, link, rows, intercept, search), maximum.last, len(maximum.coefficients)
    df_resid = rows.n - size
    dispersion = 1.0 if family.dispersion_known else last.pearson / df_resid if df_resid > 0 else np.nan
    return Fit(
        family=family,
        link=link,
        intercept=intercept,
        coefficients=coordinates.coefficients(maximum.coefficients[:, None]),
        covariance=coordinates.covariance(maximum.covariance, 1) * dispersion,
        aliased=~coordinates.estimated[1:],
        dispersion=dispersion,
        dispersion_estimated=not family.dispersion_known,
        theta=family.theta if isinstance(family, NegativeBinomial) else np.nan,
        theta_standard_error=own.theta_error,
        n=rows.n,
        df_model=size - intercept,
        df_resid=df_resid,
        log_likelihood=family.log_likelihood(rows, last.deviance),
        null_log_likelihood=without.family.log_likelihood(rows, without.deviance),
        deviance=last.deviance,
        null_deviance=without.deviance_in_family,
        pearson_chi2=last.pearson,
        n_iter=maximum.n_iter,
        converged=maximum.converged,
        separated=maximum.separated,
    )


def _fit_classes(names: Sequence[str], x: np.ndarray, rows: Rows, intercept: bool, start: Any, search: Search) -> Fit:
    """The fit of classes."""
    family, outputs = Multinomial(len(names)), len(names) - 1
    _check_size(x, intercept, outputs)
    maximum, coordinates = found_of_classes(names, x, rows, intercept, _coefficients(start, x, outputs), search)
    size, deviance = len(maximum.coefficients), maximum.last.deviance
    null_deviance = _null_deviance_of_classes(rows, len(names), intercept)
    return Fit(
        family=family,
        link=None,
        intercept=intercept,
        coefficients=coordinates.coefficients(maximum.coefficients.reshape(outputs, -1).T),
        covariance=coordinates.covariance(maximum.covariance, outputs),
        aliased=~coordinates.estimated[1:],
        dispersion=1.0,
        dispersion_estimated=False,
        theta=np.nan,
        theta_standard_error=np.nan,
        n=rows.n,
        df_model=size - outputs * intercept,
        df_resid=rows.n - size,
        log_likelihood=-deviance / 2,
        null_log_likelihood=-null_deviance / 2,
        deviance=deviance,
        null_deviance=null_deviance,
        pearson_chi2=np.nan,
        n_iter=maximum.n_iter,
        converged=maximum.converged,
        separated=maximum.separated,
    )


def _null_deviance_of_classes(rows: Rows, n_classes: int, intercept: bool) -> float:
    """That of the classes' parts, or without an intercept of equal parts."""
    counts = np.bincount(rows.y.astype(np.int64), rows.total, n_classes)
    there = counts > 0
    parts = counts / counts.sum() if intercept else np.full(n_classes, 1 / n_classes)
    return float(-2 * np.sum(counts[there] * np.log(parts[there])))
