"""The likelihood of a family with one mean, by the rows of arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jitgrad.glm.coordinates import Coordinates
from jitgrad.glm.families import Family, Mean, Rows
from jitgrad.glm.links import Link
from jitgrad.glm.newton import NEARLY, Point

EPS = float(np.finfo(np.float64).eps)


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


def mean_of(link: Link, eta: np.ndarray) -> Mean:
    """The means of linear predictors."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return Mean(link.inverse(eta), link.rest(eta))


def working(family: Family, link: Link, rows: Rows, eta: np.ndarray) -> Working:
    """The derivatives at some linear predictors."""
    mean = mean_of(link, eta)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        slope = link.derivative(eta)
        by_variance = np.where(slope == 0, 0.0, rows.prior * slope / family.variance(mean))
        return Working(rows, eta, mean, by_variance * family.residual(rows.y, mean), by_variance * slope)


class OneMean:
    """A likelihood to maximise, see ``newton.Problem``."""

    def __init__(self, family: Family, link: Link, coordinates: Coordinates, rows: Rows) -> None:
        self.family, self.link, self.inputs, self.rows = family, link, coordinates.inputs, rows
        self.intercept = bool(coordinates.estimated[0])
        self.nearly = NEARLY if family.may_be_unbounded(link.name) else ""
        self._free = max(rows.n - self.inputs.shape[1], 1.0)

    def at(self, coefficients: np.ndarray) -> Point:
        """What is known at some coefficients."""
        linear: np.ndarray = self.inputs @ coefficients
        eta = linear + self.rows.offset
        size = len(coefficients)
        nothing = Point(coefficients, np.inf, np.zeros(size), np.full((size, size), np.nan), 0.0)
        if not self.link.allows(eta):
            return nothing
        of = working(self.family, self.link, self.rows, eta)
        if not self.family.allows(of.mean):
            return nothing
        weights = of.weights * self.rows.frequency
        return Point(
            coefficients,
            self.family.deviance(self.rows, of.mean),
            self.inputs.T @ (of.score * self.rows.frequency),
            self.inputs.T @ (self.inputs * weights[:, None]),
            (8 * EPS) ** 2 * float(weights @ (linear**2 + self.rows.offset**2 + 1e-300)),
        )

    def eta(self, coefficients: np.ndarray) -> np.ndarray:
        """The linear predictor (rows,)."""
        made: np.ndarray = self.inputs @ coefficients + self.rows.offset
        return made

    def start(self) -> Point:
        """Where one step leads from means near the targets; or the best constant, if that is better or the step fails."""
        rows, constant = self.rows, None
        if self.intercept:
            first = np.zeros(self.inputs.shape[1])
            with np.errstate(divide="ignore", invalid="ignore"):
                first[0] = self.link.function(np.average(rows.y, weights=rows.total)) - np.average(
                    rows.offset, weights=rows.total
                )
            constant = self.at(first) if np.isfinite(first[0]) else None
        with np.errstate(divide="ignore", invalid="ignore"):
            eta = self.link.function(self.family.start(rows))
        if self.link.allows(eta):
            of = working(self.family, self.link, rows, eta)
            weights = of.weights * rows.frequency
            target = self.inputs.T @ (weights * (eta - rows.offset) + of.score * rows.frequency)
            with np.errstate(all="ignore"):
                try:
                    near = self.at(np.linalg.solve(self.inputs.T @ (self.inputs * weights[:, None]), target))
                except np.linalg.LinAlgError:
                    near = None
            if near is not None and np.isfinite(near.deviance) and (constant is None or near.deviance <= constant.deviance):
                return near
        if constant is None or not np.isfinite(constant.deviance):
            return self.at(np.zeros(self.inputs.shape[1]))
        return constant

    def dispersion(self, deviance: float) -> float:
        """The variance of errors beside the family's."""
        return 1.0 if self.family.dispersion_known else deviance / self._free

    def unbounded(self, coefficients: np.ndarray) -> str:
        """See ``Family.unbounded``."""
        return self.family.unbounded(self.rows.y, self.inputs @ coefficients, self.link.name)
