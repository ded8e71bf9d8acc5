"""Maximum-likelihood fits of generalized linear models."""

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
from jitgrad.training.progress import Verbose
from jitgrad.typing import ArrayLike

TOL = 1e-10
MAX_ITER = 100
MOST_PRODUCTS = 2e11
"""Number of multiplications allowed per iteration, which take a few seconds."""


@one_thread()
def fit(
    x: ArrayLike,
    y: ArrayLike,
    family: str = "gaussian",
    link: str | None = None,
    *,
    intercept: bool = True,
    offset: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    freq_weights: ArrayLike | None = None,
    trials: ArrayLike | None = None,
    theta: float | None = None,
    start: ArrayLike | None = None,
    classes: Sequence[str] | None = None,
    tol: float = TOL,
    max_iter: int = MAX_ITER,
    verbose: Verbose = None,
) -> Fit:
    """Fit a generalized linear model by maximum likelihood.

    The mean μ of the target depends on the features through a link function g::

        g(μ) = η = offset + intercept + x · coefficients

    Parameters
    ----------
    x : array_like, shape (n, p)
        The features, without a column of ones.
    y : array_like, shape (n,)
        The target: numbers, counts, proportions of ``trials``, or, for "multinomial", class numbers from 0.
    family : str, default "gaussian"
        The distribution of the target: "gaussian", "binomial", "poisson", "gamma", "inverse_gaussian", "negative_binomial",
        "quasi_poisson", "quasi_binomial" or "multinomial".
    link : str, optional
        The link function: "identity", "log", "logit", "probit", "cloglog", "cauchit", "inverse", "inverse_squared" or "sqrt".
        By default, "identity" for "gaussian", "logit" for binomial families, "log" for counts, "inverse" for "gamma" and
        "inverse_squared" for "inverse_gaussian". "multinomial" has no link argument; the log-odds against class 0 are linear.
    intercept : bool, default True
        Whether to fit an intercept.
    offset : array_like, shape (n,), optional
        A term added to η with coefficient 1, such as the logarithm of an exposure.
    weights : array_like, shape (n,), optional
        Precision weights, like R's ``weights``: the variance of a row is divided by its weight. Rows with weight 0 are ignored.
    freq_weights : array_like, shape (n,), optional
        Frequency weights: the number of identical rows that each row represents.
    trials : array_like, shape (n,), optional
        For binomial families, the numbers of trials of which ``y`` are the proportions of successes. By default, 1.
    theta : float, optional
        The parameter of "negative_binomial", with variance μ + μ² / theta. By default, it is estimated.
    start : array_like, shape (1 + p, outputs), optional
        Starting values of the coefficients, the intercept first.
    classes : sequence of str, optional
        Names of the classes of "multinomial", for messages. By default, their numbers.
    tol : float, default 1e-10
        Convergence tolerance: the fit stops when a step is smaller than ``tol`` standard errors.
    max_iter : int, default 100
        Maximum number of iterations. If it is reached, ``converged`` is False.
    verbose : bool, int or str, optional
        Whether to show the iterations on stderr once a fit takes more than a second. By default, only in a terminal.

    Returns
    -------
    Fit
        The coefficients, their covariance, log-likelihood and deviance.

    Raises
    ------
    DataError
        If an array has the wrong shape or is not finite, or if the family does not allow a value of ``y``.
    ArgumentError
        If the family or link is unknown, or an argument does not apply to the family.
    FitError
        If there are too many coefficients for an exact fit, no valid starting values are found, or theta cannot be estimated.

    See Also
    --------
    jitgrad.fit_table : Fit a table, with formulas, categorical columns and missing values.
    estimates : Standard errors, tests and confidence intervals.
    covariance : Robust and cluster-robust covariances.
    path : Ridge, lasso and elastic net.

    Notes
    -----
    The likelihood is maximized by Fisher scoring, also known as iteratively reweighted least squares [1]_, with step halving.
    For a canonical link, this is Newton's method. For other links, it is accelerated [2]_. Iterations run in coordinates that
    are orthonormalized by a QR decomposition, so collinear features lose no accuracy. Features that are linear combinations of
    preceding ones are aliased and have nan as their coefficient, as in R.

    If a linear combination of the features separates the classes, the maximum-likelihood estimates are infinite [3]_. The fit
    then does not converge, and ``separated`` describes the separation.

    References
    ----------
    .. [1] P. McCullagh and J. A. Nelder, *Generalized Linear Models*, 2nd ed., Chapman and Hall, 1989.
    .. [2] D. G. Anderson, "Iterative procedures for nonlinear integral equations", *J. ACM* 12, 1965.
    .. [3] A. Albert and J. A. Anderson, "On the existence of maximum likelihood estimates in logistic regression models",
       *Biometrika* 71, 1984.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> y = np.array([1, 3, 4, 8])
    >>> fit = glm.fit(x, y, family="poisson")
    >>> fit.coefficients.round(4)
    array([[0.2607],
           [0.6051]])
    >>> fit.predict([[4.0]]).round(2)
    array([14.6])
    """
    positive("tol", tol)
    count("max_iter", max_iter)
    features, rows = _given(x, y, offset, weights, freq_weights, trials)
    with unlimited(), progress(verbose) as report:
        search = Search(tol, max_iter, report)
        if family == "multinomial":
            if offset is not None or trials is not None or theta is not None or link is not None:
                raise ArgumentError("Family 'multinomial' does not support link, offset, trials or theta. Leave them out.")
            return _fit_classes(_names_of_classes(rows.y, classes), *_counted(features, rows), intercept, start, search)
        of = family_of(family, theta)
        check_target(of, rows.y, "Divide the target by the number of trials" if trials is not None else "Choose another family")
        if trials is not None and not of.proportion:
            raise ArgumentError(f"Family {family!r} does not support trials. Leave them out, or choose 'binomial'.")
        return _fit_means(of, link_of(link or of.link), *_counted(features, rows), intercept, start, search)


def _given(x: Any, y: Any, *others: Any) -> tuple[np.ndarray, Rows]:
    """Convert features and rows to arrays. Raises DataError if shapes do not match or values are not finite."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise DataError(f"x has shape {x.shape} and y has shape {y.shape}. Give x as (rows, features) and y as (rows,).")
    for name, values in (("x", x), ("y", y)):
        if not np.isfinite(values).all():
            place = np.argwhere(~np.isfinite(values))[0].tolist()
            raise DataError(f"{name} has {values[tuple(place)]} in row {place[0]}. Correct it, or leave the row out.")
    return x, as_rows(y, *others)


def check_target(family: Family, y: np.ndarray, advice: str = "Choose another family") -> None:
    """Raise DataError for a target that the family does not allow."""
    needs, allowed = family.targets(y)
    if not allowed.all():
        row = int(allowed.argmin())
        raise DataError(f"y has {y[row]:g} in row {row}, but family {family.name!r} needs {needs}. {advice}.")


def _names_of_classes(y: np.ndarray, names: Sequence[str] | None) -> list[str]:
    """Return the names of the classes. Raises DataError if the target does not hold class numbers."""
    n_classes = int(y.max()) + 1 if names is None and len(y) else len(names or ())
    allowed = (y >= 0) & (y < n_classes) & (y == np.rint(y))
    if n_classes < 2 or not allowed.all():
        row = int(allowed.argmin()) if len(y) else 0
        found = f"{y[row]:g} in row {row}" if not allowed.all() else "a single class"
        raise DataError(f"y has {found}. Give the classes as integers starting at 0, with at least two classes.")
    return [str(k) for k in range(n_classes)] if names is None else list(names)


def _counted(x: np.ndarray, rows: Rows) -> tuple[np.ndarray, Rows]:
    """Drop rows without weight. Raises DataError if none are left."""
    counted = rows.total > 0
    if not counted.any():
        raise DataError("No row has a positive weight. Give at least one such row.")
    return (x, rows) if counted.all() else (x[counted], rows.where(counted))


def _check_size(x: np.ndarray, intercept: bool, outputs: int) -> None:
    """Raise FitError if there are too many coefficients for an exact fit."""
    coefficients = (x.shape[1] + intercept) * outputs
    if max(len(x), coefficients) * coefficients**2 > MOST_PRODUCTS:
        raise FitError(
            f"{coefficients} coefficients with {len(x)} rows are too many for an exact fit. "
            f"Add a penalty, see jitgrad.glm.path, "
            f"or leave columns out."
        )


def _coefficients(start: Any, x: np.ndarray, outputs: int) -> np.ndarray | None:
    """Return starting values of shape (1 + features, outputs), or None. Raises DataError for any other shape."""
    if start is None:
        return None
    given, expected = np.asarray(start, np.float64), (1 + x.shape[1], outputs)
    if given.shape != expected:
        raise DataError(f"start has shape {given.shape}. Give coefficients of shape {expected}, with the intercept first.")
    return np.where(np.isfinite(given), given, 0.0)


def _fit_means(family: Family, link: Link, x: np.ndarray, rows: Rows, intercept: bool, start: Any, search: Search) -> Fit:
    """Fit a family with one mean per row."""
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
    """Fit a multinomial model."""
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
    """Return the deviance of constant class probabilities: the class frequencies, or equal ones without an intercept."""
    counts = np.bincount(rows.y.astype(np.int64), rows.total, n_classes)
    there = counts > 0
    parts = counts / counts.sum() if intercept else np.full(n_classes, 1 / n_classes)
    return float(-2 * np.sum(counts[there] * np.log(parts[there])))
