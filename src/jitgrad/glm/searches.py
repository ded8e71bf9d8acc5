"""Search for maxima: of a model, of the null model, and alternately with theta of the negative binomial."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from jitgrad.errors import FitError
from jitgrad.glm.blocks import pays
from jitgrad.glm.coordinates import Coordinates, orthonormal
from jitgrad.glm.families import FAMILIES, Family, NegativeBinomial
from jitgrad.glm.links import Link
from jitgrad.glm.means import OneMean, mean_of
from jitgrad.glm.multinomial import Classes
from jitgrad.glm.newton import Maximum, Point, maximise
from jitgrad.glm.recorded import AnyRecorded, Recorded, RecordedClasses, prepared
from jitgrad.glm.rows import Mean, Rows
from jitgrad.glm.theta import theta_of

MOST_RECORDED = 12
"""Maximum number of classes of recorded likelihoods, because lowering a product for each pair of classes takes a long time."""


@dataclass(frozen=True)
class Search:
    """Stopping criteria, and the function that reports progress."""

    tol: float
    max_iter: int
    report: Callable[[int, float], None] | None = None

    def maximum(self, problem: OneMean | Classes | AnyRecorded | InterceptAlone, start: Point | None) -> Maximum:
        """Maximize from a starting point if it is valid, otherwise from the default one."""
        if start is None or not np.isfinite(start.deviance):
            start = problem.start()
        if not np.isfinite(start.deviance):
            raise FitError("No starting values were found for which all means are valid. Choose another link, or give start.")
        return maximise(problem, start, self.tol, self.max_iter, self.report)


class Found(NamedTuple):
    """The maximum of a family with one mean.

    Attributes
    ----------
    family : Family
        The family, with theta if it was estimated.
    maximum : Maximum
        The maximum.
    coordinates : Coordinates
        The coordinates of the coefficients.
    theta_error : float
        The standard error of theta if it was estimated, otherwise nan.
    null_deviance : float or None
        The deviance of the model with only the intercept and offset, if known.
    """

    family: Family
    maximum: Maximum
    coordinates: Coordinates
    theta_error: float
    null_deviance: float | None


def found(
    family: Family, link: Link, x: np.ndarray, rows: Rows, intercept: bool, start: np.ndarray | None, search: Search
) -> Found:
    """Find the maximum for features (rows, features), starting from coefficients (1 + features, 1) if given."""
    if pays(x) and not is_estimated(family):
        of_many = prepared(functools.partial(Recorded, family, link, rows=rows), x, rows.total, intercept)
        if of_many is not None:
            problem, constant = of_many
            coordinates = problem.blocks.coordinates
            point = constant if start is None else problem.at(coordinates.forth(start)[:, 0])
            maximum, known = search.maximum(problem, point), None
            if intercept:
                known = (
                    search.maximum(InterceptAlone(problem, constant), None).last.deviance
                    if rows.has_offset
                    else constant.deviance
                )
            return Found(family, maximum, coordinates, np.nan, known)
    inputs, coordinates = orthonormal(x, rows.total, intercept)
    begin = None if start is None else coordinates.forth(start)[:, 0]
    error = np.nan
    if isinstance(family, NegativeBinomial) and family.estimated:
        family, begin, error = _with_theta(family, link, inputs, rows, intercept, begin, search)
    own = OneMean(family, link, inputs, rows, intercept)
    return Found(family, search.maximum(own, None if begin is None else own.at(begin)), coordinates, error, None)


def is_estimated(family: Family) -> bool:
    """Return whether theta of the family is estimated."""
    return isinstance(family, NegativeBinomial) and family.estimated


class InterceptAlone:
    """The likelihood as a function of the intercept, with all other coefficients 0; see ``newton.Problem``.

    Parameters
    ----------
    problem : Recorded or RecordedClasses
        The likelihood of all coefficients.
    constant : Point
        A starting intercept.
    """

    def __init__(self, problem: AnyRecorded, constant: Point) -> None:
        self._problem, self._constant = problem, constant
        self.nearly, self.n = problem.nearly, problem.n
        self.is_canonical, self.is_foretold = problem.is_canonical, problem.is_foretold

    def at(self, coefficients: np.ndarray) -> Point:
        """Evaluate the likelihood at an intercept (1,)."""
        return self._first(self._problem.at(np.r_[coefficients, np.zeros(len(self._constant.coefficients) - 1)]))

    def _first(self, point: Point) -> Point:
        part = slice(1)
        return replace(
            point,
            coefficients=point.coefficients[part],
            score=point.score[part],
            information=point.information[part, part],
        )

    def start(self) -> Point:
        """Return the given intercept."""
        return self._first(self._constant)

    def dispersion(self, deviance: float) -> float:
        """Return the estimated dispersion."""
        return self._problem.dispersion(deviance)

    def unbounded(self, coefficients: np.ndarray) -> str:
        """Return an empty string; separation is checked for the whole model."""
        return ""


def found_of_classes(
    names: Sequence[str], x: np.ndarray, rows: Rows, intercept: bool, start: np.ndarray | None, search: Search
) -> tuple[Maximum, Coordinates]:
    """Find the maximum for classes and features (rows, features), starting from coefficients (1 + features, classes - 1)."""
    problem: Classes | AnyRecorded
    of_many = None
    if pays(x) and len(names) <= MOST_RECORDED:
        products = len(names) * (len(names) - 1) // 2
        of_many = prepared(functools.partial(RecordedClasses, names, rows=rows), x, rows.total, intercept, products)
    if of_many is None:
        inputs, coordinates = orthonormal(x, rows.total, intercept)
        problem, point = Classes(names, inputs, rows), None
    else:
        problem, point = of_many
        coordinates = problem.blocks.coordinates
    if start is not None:
        point = problem.at(coordinates.forth(start).T.ravel())
    return search.maximum(problem, point), coordinates


class Null(NamedTuple):
    """The model with only the intercept and offset, or only the offset.

    Attributes
    ----------
    family : Family
        The family, with the theta of the null model if theta is estimated.
    deviance : float
        The deviance at that theta.
    deviance_in_family : float
        The deviance at the theta of the model with features.
    """

    family: Family
    deviance: float
    deviance_in_family: float


def null(found: Found, link: Link, rows: Rows, intercept: bool, search: Search) -> Null:
    """Return the null model, for comparison with a fit."""
    family = found.family
    if found.null_deviance is not None:
        return Null(family, found.null_deviance, found.null_deviance)
    mean = _null_mean(family, link, rows, intercept, search)
    deviance = family.deviance(rows, mean)
    if not (isinstance(family, NegativeBinomial) and family.estimated):
        return Null(family, deviance, deviance)
    if not intercept or not rows.has_offset:  # the mean does not depend on theta
        own: Family = family.given(theta_of(rows, mean.value)[0])
        return Null(own, own.deviance(rows, mean), deviance)
    ones = np.ones((len(rows.y), 1))
    own, _, _ = _with_theta(family, link, ones, rows, True, None, search)
    return Null(own, own.deviance(rows, _null_mean(own, link, rows, True, search)), deviance)


def _null_mean(family: Family, link: Link, rows: Rows, intercept: bool, search: Search) -> Mean:
    if not intercept:
        return mean_of(link, rows.offset)
    if not rows.has_offset:
        return rows.constant
    problem = OneMean(family, link, np.ones((len(rows.y), 1)), rows, True)
    return mean_of(link, problem.eta(search.maximum(problem, None).coefficients))


def _with_theta(
    family: NegativeBinomial,
    link: Link,
    inputs: np.ndarray,
    rows: Rows,
    intercept: bool,
    begin: np.ndarray | None,
    search: Search,
) -> tuple[NegativeBinomial, np.ndarray, float]:
    """Return the family with its maximum-likelihood theta, the coefficients, and the standard error of theta.

    Coefficients and theta are estimated alternately, as by ``glm.nb`` in Venables and Ripley, *Modern Applied Statistics with
    S*, 2002. Their expected information is block diagonal, so few iterations are needed.
    """
    problem = OneMean(FAMILIES["poisson"], link, inputs, rows, intercept)
    for _ in range(search.max_iter):
        begin = search.maximum(problem, None if begin is None else problem.at(begin)).coefficients
        theta, error = theta_of(rows, mean_of(link, problem.eta(begin)).value)
        settled = isinstance(problem.family, NegativeBinomial) and abs(theta - problem.family.theta) <= search.tol * error
        problem = OneMean(family.given(theta), link, inputs, rows, intercept)
        if settled:
            break
    assert begin is not None
    return family.given(theta), begin, error
