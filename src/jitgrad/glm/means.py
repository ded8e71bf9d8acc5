"""The likelihood of a family with one mean per row."""

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
    """The derivatives of the log-likelihood of each row, without dispersion and frequency.

    Attributes
    ----------
    rows : Rows
        The rows.
    eta : ndarray, shape (rows,)
        The linear predictors.
    mean : Mean
        The means.
    score : ndarray, shape (rows,)
        The derivatives with respect to η: w (y - μ) μ′ / V(μ).
    weights : ndarray, shape (rows,)
        The expected second derivatives: W = w μ′² / V(μ).
    """

    rows: Rows
    eta: np.ndarray
    mean: Mean
    score: np.ndarray
    weights: np.ndarray

    @property
    def residual(self) -> np.ndarray:
        """Working residuals on the scale of η, score / W."""
        with np.errstate(divide="ignore", invalid="ignore"):
            made: np.ndarray = self.score / self.weights
        return made

    def pearson(self, family: Family) -> np.ndarray:
        """Return Pearson residuals including the weights, (rows,)."""
        made: np.ndarray = family.residual(self.rows.y, self.mean) * np.sqrt(self.rows.prior / family.variance(self.mean))
        return made


def unlimited() -> np.errstate:
    """Silence floating-point warnings. Values that are not finite are detected elsewhere if they matter."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


def mean_of(link: Link, eta: np.ndarray) -> Mean:
    """Return the means of linear predictors, for arrays or recorded Tensors."""
    return Mean(link.inverse(eta), link.rest(eta))


def possible(family: Family, link: Link, eta: np.ndarray, mean: Mean) -> np.ndarray:
    """Return which rows have a valid mean, for arrays or recorded Tensors.

    With a canonical link, all means are valid, even if they underflow.
    """
    if family.canonical == link.name:
        return np.abs(eta) < np.inf
    return link.is_possible(eta) & family.is_possible(mean)


def derivatives(family: Family, link: Link, y: np.ndarray, eta: np.ndarray, mean: Mean) -> tuple[np.ndarray, np.ndarray]:
    """Return score and weights of rows with weight 1, for arrays or recorded Tensors."""
    if family.canonical == link.name:  # for a canonical link, the derivative μ′ equals the variance
        return family.residual(y, mean), family.variance(mean)
    slope = link.derivative(eta)
    by_variance = np.where(slope == 0, 0.0, slope / family.variance(mean))
    return by_variance * family.residual(y, mean), by_variance * slope


def working(family: Family, link: Link, rows: Rows, eta: np.ndarray) -> Working:
    """Return the derivatives at some linear predictors."""
    with unlimited():
        mean = mean_of(link, eta)
        score, weights = derivatives(family, link, rows.y, eta, mean)
    return Working(rows, eta, mean, rows.prior * score, rows.prior * weights)


class OneMean:
    """A likelihood to maximize; see ``newton.Problem``.

    Parameters
    ----------
    family : Family
        The family.
    link : Link
        The link.
    inputs : ndarray, shape (rows, p)
        The inputs. The first column is all ones if there is an intercept.
    rows : Rows
        The rows.
    intercept : bool
        Whether there is an intercept.
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
        """Evaluate the likelihood at some coefficients."""
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
        """Return the linear predictor (rows,)."""
        made: np.ndarray = self.inputs @ coefficients + self.rows.offset
        return made

    def start(self) -> Point:
        """Return the result of a step from means near the targets, or the best constant if that is better or the step fails."""
        near = self._near()
        if near is None or not near.deviance <= self.constant_deviance:
            return self._constant() or near or self.at(np.zeros(self.inputs.shape[1]))
        return near

    @functools.cached_property
    def constant_deviance(self) -> float:
        """The deviance of the mean of all targets."""
        return self.family.deviance(self.rows, self.rows.constant)

    def _constant(self) -> Point | None:
        """Return the point at which all means are the mean of the targets, for the average offset."""
        if not self.intercept:
            return None
        first, rows = np.zeros(self.inputs.shape[1]), self.rows
        first[0] = self.link.function(rows.constant.value[0]) - rows.average(rows.offset)
        return _if_possible(self.at(first)) if np.isfinite(first[0]) else None

    def _near(self) -> Point | None:
        """Return the result of one step from means near the targets."""
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
        """Return the estimated dispersion."""
        return 1.0 if self.family.dispersion_known else deviance / self._free

    def unbounded(self, coefficients: np.ndarray) -> str:
        """See ``Family.unbounded``."""
        return self.family.unbounded(self.rows.y, self.inputs @ coefficients, self.link.name)


def _if_possible(point: Point) -> Point | None:
    return point if np.isfinite(point.deviance) else None
