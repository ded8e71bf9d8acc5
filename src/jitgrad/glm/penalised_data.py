"""Validated arguments of penalized fits, and the designs made from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jitgrad import arguments
from jitgrad.errors import ArgumentError, DataError, ShapeError
from jitgrad.glm.canonical import LOSSES
from jitgrad.glm.penalised import Design, PenalisedFit, Penalty
from jitgrad.glm.ridge import RidgeFit

CONSTANT = 1e-12
"""A column is constant if its variance is below this fraction of its mean square."""
AT_ONCE = 256
"""Number of columns whose squares are computed at once."""


@dataclass(frozen=True)
class Options:
    """Options of a path; see ``path``."""

    l1_ratio: float
    alphas: np.ndarray | None
    n_alphas: int
    eps: float
    intercept: bool
    standardize: bool
    penalty_factor: np.ndarray | None
    tol: float
    max_iter: int

    @classmethod
    def checked(
        cls, l1_ratio: Any, alphas: Any, n_alphas: Any, eps: Any, intercept: Any, standardize: Any, penalty_factor: Any,
        tol: Any, max_iter: Any,
    ) -> Options:  # fmt: skip
        """Validate options."""
        ratio = arguments.nonnegative("l1_ratio", l1_ratio)
        if ratio > 1:
            raise ArgumentError(f"{{argument}} is {l1_ratio}. Give a number from 0 to 1.", argument="l1_ratio")
        least = arguments.positive("eps", eps)
        if least >= 1:
            raise ArgumentError(f"{{argument}} is {eps}. Give a number between 0 and 1.", argument="eps")
        values = None if alphas is None else np.sort(np.array(alphas, np.float64).ravel())[::-1]
        if values is not None and not (len(values) and np.all((values > 0) & (values < np.inf))):
            raise ArgumentError("{argument} must be one or more positive numbers.", argument="alphas")
        factor = None if penalty_factor is None else np.array(penalty_factor, np.float64)
        if factor is not None and not np.all((factor >= 0) & (factor < np.inf)):
            raise ArgumentError("{argument} must be finite nonnegative numbers, one per column.", argument="penalty_factor")
        return cls(
            ratio, values, arguments.count("n_alphas", n_alphas), least, bool(intercept), bool(standardize), factor,
            arguments.positive("tol", tol), arguments.count("max_iter", max_iter),
        )  # fmt: skip


class Table:
    """The rows of a fit with its options, and quantities shared by all fits.

    Attributes
    ----------
    y : ndarray, shape (rows,)
        The target; class numbers are integers.
    weights : ndarray, shape (rows,)
        The weights.
    offset : ndarray, shape (rows, outputs)
        The offset.
    factor : ndarray, shape (features,)
        The penalty factor of each column.
    design : Design
        The columns, centered by ``center`` and divided by ``scale``.
    """

    def __init__(self, x: Any, y: Any, family: str, options: Options, weights: Any, offset: Any) -> None:
        arguments.by_name("family", family, LOSSES)
        self.family, self.options = family, options
        given = np.asarray(x)
        if given.ndim != 2 or not given.size:
            raise ShapeError(f"x has shape {given.shape}. Give an array (rows, columns) with at least one of each.")
        self.rows, self.features = given.shape
        self.weights = self._numbers("weights", np.ones(self.rows) if weights is None else weights)
        if not (np.all(self.weights >= 0) and self.weights.any()):
            raise DataError("weights must be nonnegative, and at least one of them positive.")
        self.y = self._targets(y)
        self.outputs = LOSSES[family](self.y).outputs
        shape = (self.rows, self.outputs) if family == "multinomial" else (self.rows,)
        self.offset = self._numbers("offset", np.zeros(shape) if offset is None else offset, shape).reshape(self.rows, -1)
        self.factor = np.ones(self.features) if options.penalty_factor is None else options.penalty_factor
        if self.factor.shape != (self.features,):
            raise ShapeError(f"penalty_factor has shape {self.factor.shape}. Give {self.features} numbers, one per column.")
        self.center, self.scale, self.design = self._designed(given)

    def fits(self, weights: Sequence[np.ndarray], tolerance: float = 0.0) -> list[PenalisedFit]:
        """Return a fit for each of several weights, with the tolerance of the options or a larger one."""
        options, shares = self.options, [w / w.sum() for w in weights]
        design = replace(self.design, tolerance=max(options.tol, tolerance))
        squares, means = self._moments(np.stack(shares, axis=1))
        made = []
        for share, square, mean in zip(shares, squares.T, means.T, strict=True):
            variance = square - mean**2
            about = variance if options.intercept or options.standardize else square
            size = np.sqrt(np.maximum(variance, 0)) if options.standardize else 1 / self.scale
            usable = about > CONSTANT * square
            loss = LOSSES[self.family](self.y)
            kind = RidgeFit if self._is_closed else PenalisedFit
            penalty = Penalty(options.l1_ratio, self.factor, size, usable)
            made.append(kind(design, loss, share, self.offset, penalty))
        return made

    @property
    def _is_closed(self) -> bool:
        """Whether the fits have a closed form."""
        return self.family == "gaussian" and self.options.l1_ratio == 0 and bool(self.factor.all())

    def alphas(self, fit: PenalisedFit) -> np.ndarray:
        """Return the penalties, starting with the smallest one for which all coefficients are 0, for a fit that has begun."""
        options = self.options
        if options.alphas is not None:
            return options.alphas
        largest = fit.largest()
        if largest <= 0:
            raise DataError(
                "No column is correlated with y, so the largest penalty is undefined. Give alphas, or use other columns."
            )
        return np.geomspace(largest, options.eps * largest, options.n_alphas)

    def in_units(self, fit: PenalisedFit) -> tuple[np.ndarray, np.ndarray]:
        """Return the coefficients (outputs, features) and intercepts of a fit in the units of x."""
        coefficients = fit.coefficients / self.scale
        return coefficients, fit.intercepts - coefficients @ self.center

    def _numbers(self, name: str, given: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
        numbers = np.asarray(given, np.float64)
        shape = (self.rows,) if shape is None else shape
        if numbers.shape != shape:
            raise ShapeError(f"{name} has shape {numbers.shape}, but x has {self.rows} rows. Give an array of shape {shape}.")
        if not np.isfinite(numbers).all():
            raise DataError(
                f"{name} is not finite in row {int(np.flatnonzero(~np.isfinite(numbers))[0])}. "
                f"Correct it, or leave the row out."
            )
        return numbers

    def _targets(self, given: Any) -> np.ndarray:
        y = self._numbers("y", given)
        counted = y[self.weights > 0]
        if self.family == "multinomial":
            whole = y.astype(np.int64)
            if np.any(whole != y) or whole.min() < 0:
                raise DataError("y must hold class numbers. Give integers starting at 0.")
            if len(np.unique(counted)) != int(y.max()) + 1 or y.max() == 0:
                raise DataError("y must have at least two classes, numbered from 0 without gaps. Renumber the classes.")
            return whole
        if self.family == "binomial" and (np.any((y < 0) | (y > 1)) or counted.max() == 0 or counted.min() == 1):
            raise DataError("y must be proportions from 0 to 1, and neither all 0 nor all 1. Use another family.")
        if self.family == "poisson" and (y.min() < 0 or counted.max() == 0):
            raise DataError("y must be nonnegative counts that are not all 0. Use another family.")
        return y

    def _designed(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, Design]:
        columns = np.array(x.T, np.float64, order="C")
        if not np.isfinite(columns).all():
            column, row = (int(place) for place in np.argwhere(~np.isfinite(columns))[0])
            raise DataError(f"x is not finite in row {row}, column {column}. Correct it, or leave the row out.")
        share, constant = self.weights / self.weights.sum(), columns.min(1) == columns.max(1)
        center = np.zeros(self.features)
        if self.options.intercept:
            center = np.where(constant, columns[:, 0], columns @ share)
            columns -= center[:, None]
        scale = np.empty(self.features)
        for first in range(0, self.features, AT_ONCE):
            part = slice(first, first + AT_ONCE)
            scale[part] = np.sqrt(columns[part] ** 2 @ share)
        scale[scale == 0] = 1.0
        columns /= scale[:, None]
        options = self.options
        return center, scale, Design(columns, options.intercept, options.tol, options.max_iter)

    def _moments(self, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean squares and the means of the columns, (features, fits)."""
        columns = self.design.columns
        squares = [columns[first : first + AT_ONCE] ** 2 @ shares for first in range(0, self.features, AT_ONCE)]
        return np.concatenate(squares), columns @ shares
