"""The likelihood of a family with one mean, row by row."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from jitgrad.glm.families import Family
from jitgrad.glm.links import Link
from jitgrad.glm.newton import NEARLY, Point
from jitgrad.glm.rows import Mean, Rows


@dataclass(frozen=True)
class Working:
    """A family's derivatives, row by row, as if each stood for itself: ``rows.frequency`` is in none of them.

    The dispersion is in none of them, either: divided by it they are those of the likelihood.

    Attributes:
        rows: the rows.
        eta: the linear predictor (rows,).
        mean: its means.
        score: by η, (rows,): w (y - μ) μ′ / V(μ).
        weights: the expected second derivative, W = w μ′² / V(μ), (rows,).
    """

    rows: Rows
    eta: np.ndarray
    mean: Mean
    score: np.ndarray
    weights: np.ndarray

    @property
    def residual(self) -> np.ndarray:
        """Of η, score / W: what R calls working residuals."""
        with np.errstate(divide="ignore", invalid="ignore"):
            made: np.ndarray = self.score / self.weights
        return made

    def pearson(self, family: Family) -> np.ndarray:
        """Pearson's residuals, with the weights, (rows,)."""
        made: np.ndarray = family.residual(self.rows.y, self.mean) * np.sqrt(self.rows.prior / family.variance(self.mean))
        return made


def unlimited() -> np.errstate:
    """While it lasts, what is out of range is infinite or nan without a word: it is looked for where it matters."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


def mean_of(link: Link, eta: np.ndarray) -> Mean:
    """The means of linear predictors, of arrays or recorded of Tensors."""
    return Mean(link.inverse(eta), link.rest(eta))


def possible(family: Family, link: Link, eta: np.ndarray, mean: Mean) -> np.ndarray:
    """Which rows have a mean that may be; of arrays or recorded of Tensors.

    A canonical link has no others, whatever underflows.
    """
    if family.canonical == link.name:
        return np.abs(eta) < np.inf
    return link.is_possible(eta) & family.is_possible(mean)


def derivatives(family: Family, link: Link, y: np.ndarray, eta: np.ndarray, mean: Mean) -> tuple[np.ndarray, np.ndarray]:
    """Score and weights of rows with weight one, of arrays or recorded of Tensors."""
    if family.canonical == link.name:  # μ′ is the variance
        return family.residual(y, mean), family.variance(mean)
    slope = link.derivative(eta)
    by_variance = np.where(slope == 0, 0.0, slope / family.variance(mean))
    return by_variance * family.residual(y, mean), by_variance * slope


def working(family: Family, link: Link, rows: Rows, eta: np.ndarray) -> Working:
    """The derivatives at some linear predictors."""
    with unlimited():
        mean = mean_of(link, eta)
        score, weights = derivatives(family, link, rows.y, eta, mean)
    return Working(rows, eta, mean, rows.prior * score, rows.prior * weights)


class OneMean:
    """A likelihood to maximise, see ``newton.Problem``.

    Args:
        family: of the targets.
        link: of their means.
        inputs: (rows, p), the first of ones where there is an intercept.
        rows: of all that has a row.
        intercept: whether there is one.
    """

    is_foretold = False

    def __init__(self, family: Family, link: Link, inputs: np.ndarray, rows: Rows, intercept: bool) -> None:
        self.family, self.link, self.inputs, self.rows, self.intercept = family, link, inputs, rows, intercept
        self._simplest = family.simplest(rows.y)
        self.nearly = NEARLY if family.may_be_unbounded(link.name) else ""
        self.is_canonical, self.n = family.canonical == link.name, rows.n
        self._free = max(rows.n - inputs.shape[1], 1.0)
        self._total = rows.total

    def at(self, coefficients: np.ndarray) -> Point:
        """What is known at some coefficients."""
        eta = self.eta(coefficients)
        mean = mean_of(self.link, eta)
        if not possible(self.family, self.link, eta, mean).all():
            return Point.impossible(coefficients)
        y, total, family = self.rows.y, self._total, self.family
        score, weights = derivatives(family, self.link, y, eta, mean)
        weights = total * weights
        return Point(
            coefficients,
            float(total @ self._simplest.unit_deviance(y, mean)),
            self.inputs.T @ (total * score),
            self.inputs.T @ (self.inputs * weights[:, None]),
            float(weights @ eta**2),
            float(total @ (family.residual(y, mean) ** 2 / family.variance(mean))),
        )

    def eta(self, coefficients: np.ndarray) -> np.ndarray:
        """The linear predictor (rows,)."""
        made: np.ndarray = self.inputs @ coefficients + self.rows.offset
        return made

    def start(self) -> Point:
        """Where one step leads from means near the targets; or the best constant, if that is better or the step fails."""
        near = self._near()
        if near is None or not near.deviance <= self.constant_deviance:
            return self._constant() or near or self.at(np.zeros(self.inputs.shape[1]))
        return near

    @functools.cached_property
    def constant_deviance(self) -> float:
        """Of the mean of all targets for each row."""
        return self.family.deviance(self.rows, self.rows.constant)

    def _constant(self) -> Point | None:
        """The mean of all targets, where the offset is the mean one."""
        if not self.intercept:
            return None
        first, rows = np.zeros(self.inputs.shape[1]), self.rows
        first[0] = self.link.function(rows.constant.value[0]) - rows.average(rows.offset)
        return _if_possible(self.at(first)) if np.isfinite(first[0]) else None

    def _near(self) -> Point | None:
        """One step from means near the targets."""
        rows = self.rows
        eta = self.link.function(self.family.start(rows))
        if not self.link.is_possible(eta).all():
            return None
        score, weights = derivatives(self.family, self.link, rows.y, eta, mean_of(self.link, eta))
        target = self.inputs.T @ (self._total * (weights * (eta - rows.offset) + score))
        information = self.inputs.T @ (self.inputs * (self._total * weights)[:, None])
        try:
            return _if_possible(self.at(np.linalg.solve(information, target)))
        except np.linalg.LinAlgError:
            return None

    def dispersion(self, deviance: float) -> float:
        """The variance of errors beside the family's."""
        return 1.0 if self.family.dispersion_known else deviance / self._free

    def unbounded(self, coefficients: np.ndarray) -> str:
        """See ``Family.unbounded``."""
        return self.family.unbounded(self.rows.y, self.inputs @ coefficients, self.link.name)


def _if_possible(point: Point) -> Point | None:
    return point if np.isfinite(point.deviance) else None
