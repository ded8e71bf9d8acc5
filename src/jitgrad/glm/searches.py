"""Searches for maxima: of a model, of the one without features, and with theta of the negative binomial in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from jitgrad.errors import FitError
from jitgrad.glm.coordinates import Coordinates, orthonormal
from jitgrad.glm.families import FAMILIES, Family, Mean, NegativeBinomial, Rows
from jitgrad.glm.links import Link
from jitgrad.glm.means import OneMean, mean_of
from jitgrad.glm.multinomial import Classes
from jitgrad.glm.newton import Maximum, Point, maximise
from jitgrad.glm.recorded import Recorded, pays, recorded
from jitgrad.glm.theta import theta_of


@dataclass(frozen=True)
class Search:
    """When a search ends, and who is told of its steps."""

    tol: float
    max_iter: int
    report: Callable[[int, float], None] | None = None

    def maximum(self, problem: OneMean | Recorded | Classes, start: Point | None) -> Maximum:
        """The maximum from some point on, where that is possible, or from where the problem starts."""
        if start is None or not np.isfinite(start.deviance):
            start = problem.start()
        if not np.isfinite(start.deviance):
            raise FitError(
                "No coefficients to begin with were found at which all means are possible. Choose another link, or give start."
            )
        return maximise(problem, start, self.tol, self.max_iter, self.report)


class Found(NamedTuple):
    """A maximum of a family with one mean.

    Attributes:
        family: with theta, where that was estimated.
        theta_error: theta's standard error then; else nan.
        constant_deviance: that of the mean of all targets for each row, where it is known.
    """

    family: Family
    maximum: Maximum
    coordinates: Coordinates
    theta_error: float
    constant_deviance: float | None


def found(
    family: Family, link: Link, x: np.ndarray, rows: Rows, intercept: bool, start: np.ndarray | None, search: Search
) -> Found:
    """The maximum for features (rows, features), from coefficients (1 + features, 1), where they are given."""
    if pays(x) and not is_estimated(family):
        of_many = recorded(family, link, x, rows, intercept)
        if of_many is not None:
            problem, constant = of_many
            point = constant if start is None else problem.at(problem.coordinates.forth(start)[:, 0])
            known = None if rows.has_offset or not intercept else constant.deviance
            return Found(family, search.maximum(problem, point), problem.coordinates, np.nan, known)
    inputs, coordinates = orthonormal(x, rows.total, intercept)
    begin = None if start is None else coordinates.forth(start)[:, 0]
    error = np.nan
    if isinstance(family, NegativeBinomial) and family.estimated:
        family, begin, error = _with_theta(family, link, inputs, rows, intercept, begin, search)
    own = OneMean(family, link, inputs, rows, intercept)
    return Found(family, search.maximum(own, None if begin is None else own.at(begin)), coordinates, error, None)


def is_estimated(family: Family) -> bool:
    """Whether its theta is."""
    return isinstance(family, NegativeBinomial) and family.estimated


class Null(NamedTuple):
    """The model with an intercept and the offset alone, or with the offset alone.

    Attributes:
        family: with a theta of its own, where that is estimated.
        deviance: at that theta.
        deviance_in_family: at the theta of the model that it is compared with.
    """

    family: Family
    deviance: float
    deviance_in_family: float


def null(found: Found, link: Link, rows: Rows, intercept: bool, search: Search) -> Null:
    """The model without features, for comparison with one that was found."""
    family = found.family
    if found.constant_deviance is not None:
        return Null(family, found.constant_deviance, found.constant_deviance)
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
    """The family with its most likely theta, coefficients there, and theta's standard error.

    Coefficients and theta in turn, as ``glm.nb`` of Venables and Ripley, "Modern applied statistics with S", 2002. Their
    expected information has no part in common, so few turns are needed.
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
