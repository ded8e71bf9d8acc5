"""Generalised linear models: the maximum of the likelihood, with what statistics says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jitgrad.arguments import count, positive
from jitgrad.errors import ArgumentError, DataError, FitError
from jitgrad.glm.coordinates import Coordinates, make_coordinates
from jitgrad.glm.families import FAMILIES, Family, Mean, NegativeBinomial, Rows, as_rows, family_of
from jitgrad.glm.links import Link, link_of
from jitgrad.glm.means import OneMean, mean_of, working
from jitgrad.glm.multinomial import Classes, Multinomial
from jitgrad.glm.newton import Maximum, maximise
from jitgrad.glm.result import Fit
from jitgrad.glm.theta import theta_of

TOL = 1e-10
MAX_ITER = 100
MOST_PRODUCTS = 2e11
"""Products that a step may take: some seconds."""


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
    array([[0.2258],
           [0.6142]])
    """
    positive("tol", tol)
    count("max_iter", max_iter)
    x, rows = _given(x, y, offset, weights, freq_weights, trials)
    search = Search(tol, max_iter)
    if family == "multinomial":
        if offset is not None or trials is not None or theta is not None or link is not None:
            raise ArgumentError("Family 'multinomial' takes no link, offset, trials or theta. Leave them out.")
        names = _names_of_classes(rows.y, classes)
        x, rows = _counted(x, rows)
        coordinates = _coordinates(x, rows, intercept, len(names) - 1)
        return _fit_classes(names, coordinates, rows, _begin(coordinates, x, start, len(names) - 1), search)
    of, by = family_of(family, theta), link_of(link or family_of(family, theta).link)
    check_target(of, rows.y)
    if trials is not None and not of.proportion:
        raise ArgumentError(f"Family {family!r} has no trials. Leave them out, or choose 'binomial'.")
    x, rows = _counted(x, rows)
    coordinates = _coordinates(x, rows, intercept, 1)
    return _fit_means(of, by, coordinates, rows, _begin(coordinates, x, start, 1), search)


class Search(NamedTuple):
    """When a search for a maximum ends."""

    tol: float
    max_iter: int


def _given(x: Any, y: Any, *others: Any) -> tuple[np.ndarray, Rows]:
    """Features and rows as arrays. Raises DataError where they do not fit together or are not finite."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise DataError(f"x has shape {x.shape} and y {y.shape}. Give a row of features, and one target, for each row.")
    for name, values in (("x", x), ("y", y)):
        if not np.isfinite(values).all():
            place = np.argwhere(~np.isfinite(values))[0].tolist()
            raise DataError(
                f"{name} has {values[tuple(place)]} in row {place[0]}. Give finite numbers, and leave other rows out."
            )
    return x, as_rows(y, *others)


def check_target(family: Family, y: np.ndarray) -> None:
    """Raise DataError for a target that the family cannot have."""
    needs, allowed = family.targets(y)
    if not allowed.all():
        row = int(allowed.argmin())
        raise DataError(
            f"y has {y[row]:g} in row {row}, and family {family.name!r} needs numbers {needs}. Choose another family."
        )


def _names_of_classes(y: np.ndarray, names: Sequence[str] | None) -> list[str]:
    """The names of classes, of which the target has positions. Raises DataError where it has others."""
    n_classes = int(y.max()) + 1 if names is None and len(y) else len(names or ())
    allowed = (y >= 0) & (y < n_classes) & (y == np.rint(y))
    if n_classes < 2 or not allowed.all():
        row = int(allowed.argmin()) if len(y) else 0
        found = f"{y[row]:g} in row {row}" if not allowed.all() else "a single class"
        raise DataError(f"y has {found}. Give positions of at least two classes, from 0 on.")
    return [str(k) for k in range(n_classes)] if names is None else list(names)


def _counted(x: np.ndarray, rows: Rows) -> tuple[np.ndarray, Rows]:
    """Without rows that count nothing. Raises DataError where none is left."""
    counted = rows.total > 0
    if not counted.any():
        raise DataError("There are no rows to fit to. Give some, with weights above 0.")
    return (x, rows) if counted.all() else (x[counted], rows.where(counted))


def _coordinates(x: np.ndarray, rows: Rows, intercept: bool, outputs: int) -> Coordinates:
    """The coordinates of a fit. Raises FitError where there are too many coefficients to solve for."""
    coefficients = (x.shape[1] + intercept) * outputs
    if max(len(x), coefficients) * coefficients**2 > MOST_PRODUCTS:
        raise FitError(
            f"There are {coefficients} coefficients for {len(x)} rows, too many to solve for exactly. Choose a penalty, for "
            f"example 'ridge' or 'elastic-net', or leave columns out."
        )
    return make_coordinates(x, rows.total, intercept)


def _begin(coordinates: Coordinates, x: np.ndarray, start: Any, outputs: int) -> np.ndarray | None:
    """Coefficients in the coordinates of the fit, (outputs · p,), from those of the features."""
    if start is None:
        return None
    given, expected = np.asarray(start, np.float64), (len(coordinates.estimated), outputs)
    if given.shape != expected:
        raise DataError(f"start has shape {given.shape}. Give coefficients of shape {expected}, the intercept first.")
    known = np.where(np.isfinite(given), given, 0.0)
    return coordinates.forth(known, x).T.ravel()


def _fit_means(
    family: Family, link: Link, coordinates: Coordinates, rows: Rows, begin: np.ndarray | None, search: Search
) -> Fit:
    """The fit of a family with one mean."""
    error = np.nan
    if isinstance(family, NegativeBinomial) and family.estimated:
        family, begin, error = _with_theta(family, link, coordinates, rows, begin, search)
    problem = OneMean(family, link, coordinates, rows)
    maximum = _searched(problem, begin, search)
    of = working(family, link, rows, problem.eta(maximum.coefficients))
    null = _null(family, link, rows, problem.intercept, search)
    pearson = float(np.sum(rows.frequency * of.pearson(family) ** 2))
    df_resid = rows.n - len(maximum.coefficients)
    dispersion = 1.0 if family.dispersion_known else pearson / df_resid if df_resid > 0 else np.nan
    return Fit(
        family=family,
        link=link,
        intercept=problem.intercept,
        coefficients=coordinates.coefficients(maximum.coefficients[:, None]),
        covariance=coordinates.covariance(maximum.covariance, 1) * dispersion,
        aliased=~coordinates.estimated[1:],
        dispersion=dispersion,
        dispersion_estimated=not family.dispersion_known,
        theta=family.theta if isinstance(family, NegativeBinomial) else np.nan,
        theta_standard_error=error,
        n=rows.n,
        df_model=len(maximum.coefficients) - problem.intercept,
        df_resid=df_resid,
        log_likelihood=family.log_likelihood(rows, of.mean),
        null_log_likelihood=null.family.log_likelihood(rows, null.mean),
        deviance=family.deviance(rows, of.mean),
        null_deviance=family.deviance(rows, null.mean),
        pearson_chi2=pearson,
        n_iter=maximum.n_iter,
        converged=maximum.converged,
        separated=maximum.separated,
    )


class _Null(NamedTuple):
    """The model of an intercept and the offset, or of the offset alone; with a theta of its own, where that is estimated."""

    family: Family
    mean: Mean


def _null(family: Family, link: Link, rows: Rows, intercept: bool, search: Search) -> _Null:
    constant = bool((rows.offset == rows.offset[0]).all())
    if not intercept:
        mean = mean_of(link, rows.offset)
    elif constant:
        value = np.full(len(rows.y), np.average(rows.y, weights=rows.total))
        mean = Mean(value, 1 - value)
    else:
        coordinates = make_coordinates(np.empty((len(rows.y), 0)), rows.total, True)
        problem = OneMean(family, link, coordinates, rows)
        mean = mean_of(link, problem.eta(_searched(problem, None, search).coefficients))
    if not (isinstance(family, NegativeBinomial) and family.estimated):
        return _Null(family, mean)
    if constant or not intercept:
        return _Null(family.given(theta_of(rows, mean.value)[0]), mean)
    family, _, _ = _with_theta(family, link, coordinates, rows, None, search)
    problem = OneMean(family, link, coordinates, rows)
    return _Null(family, mean_of(link, problem.eta(_searched(problem, None, search).coefficients)))


def _with_theta(
    family: NegativeBinomial, link: Link, coordinates: Coordinates, rows: Rows, begin: np.ndarray | None, search: Search
) -> tuple[NegativeBinomial, np.ndarray, float]:
    """The family with its most likely theta, coefficients there, and theta's standard error.

    Coefficients and theta in turn, as ``glm.nb`` of Venables and Ripley, "Modern applied statistics with S", 2002. Both have
    expected information without a common part, so few turns are needed.
    """
    problem = OneMean(FAMILIES["poisson"], link, coordinates, rows)
    for _ in range(search.max_iter):
        coefficients = _searched(problem, begin, search).coefficients
        theta, error = theta_of(rows, mean_of(link, problem.eta(coefficients)).value)
        settled = isinstance(problem.family, NegativeBinomial) and abs(theta - problem.family.theta) <= search.tol * error
        problem, begin = OneMean(family.given(theta), link, coordinates, rows), coefficients
        if settled:
            break
    return family.given(theta), coefficients, error


def _searched(problem: OneMean | Classes, begin: np.ndarray | None, search: Search) -> Maximum:
    """The maximum from some coefficients on, where their likelihood is finite, or from where the problem starts."""
    point = None if begin is None else problem.at(begin)
    if point is None or not np.isfinite(point.deviance):
        point = problem.start()
    if not np.isfinite(point.deviance):
        raise FitError(
            "No coefficients to begin with were found at which all means are possible. Choose another link, or give start."
        )
    return maximise(problem, point, *search)


def _fit_classes(names: Sequence[str], coordinates: Coordinates, rows: Rows, begin: np.ndarray | None, search: Search) -> Fit:
    """The fit of classes."""
    family, outputs = Multinomial(len(names)), len(names) - 1
    problem = Classes(names, coordinates.inputs, rows)
    maximum = _searched(problem, begin, search)
    log_likelihood, null = -problem.at(maximum.coefficients).deviance / 2, _null_of_classes(rows, names, coordinates)
    return Fit(
        family=family,
        link=None,
        intercept=bool(coordinates.estimated[0]),
        coefficients=coordinates.coefficients(maximum.coefficients.reshape(outputs, -1).T),
        covariance=coordinates.covariance(maximum.covariance, outputs),
        aliased=~coordinates.estimated[1:],
        dispersion=1.0,
        dispersion_estimated=False,
        theta=np.nan,
        theta_standard_error=np.nan,
        n=rows.n,
        df_model=len(maximum.coefficients) - outputs * int(coordinates.estimated[0]),
        df_resid=rows.n - len(maximum.coefficients),
        log_likelihood=log_likelihood,
        null_log_likelihood=null,
        deviance=-2 * log_likelihood,
        null_deviance=-2 * null,
        pearson_chi2=np.nan,
        n_iter=maximum.n_iter,
        converged=maximum.converged,
        separated=maximum.separated,
    )


def _null_of_classes(rows: Rows, names: Sequence[str], coordinates: Coordinates) -> float:
    """The logarithm of the likelihood of the classes' parts, or without an intercept of equal parts."""
    from scipy.special import xlogy

    counts = np.bincount(rows.y.astype(np.int64), rows.total, len(names))
    if not coordinates.estimated[0]:
        return float(-counts.sum() * np.log(len(names)))
    return float(np.sum(xlogy(counts, counts / counts.sum())))
