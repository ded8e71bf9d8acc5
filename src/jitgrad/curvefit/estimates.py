"""Estimated parameters of a curve: how certain they are, and what they say for other data."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jitgrad.arguments import in_unit_interval
from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.inverse import Inverse, invert
from jitgrad.errors import ArgumentError

UNDETERMINED = 1e-12
"""A singular value of the Jacobian, its columns scaled to norm one, beside the largest: smaller ones are rounding."""
NOTHING = 1e-6
"""Of a direction's part along another, at most, where it has none."""


class Row(NamedTuple):
    """What a table has of a parameter; of a fixed one the estimate alone, the others are nan."""

    name: str
    estimate: float
    stderr: float
    t: float
    p: float
    low: float
    high: float


class Estimates:
    """Parameters of a curve with their uncertainty.

    Args:
        curve: the model.
        values: float64 (p,), the parameters.
        free: the numbers of those that were fitted.
        factor: (n, n), R with RᵀR = JᵀJ of these, J the weighted Jacobian.
        scale: what the inverse of that is multiplied by for a covariance: χ² over the degrees of freedom, or 1.
        dof: degrees of freedom of Student's t; inf for the normal distribution.
    """

    def __init__(
        self, curve: Curve, values: np.ndarray, free: Sequence[int], factor: np.ndarray, scale: float, dof: float
    ) -> None:
        self.curve, self.names, self.values, self.free = curve, curve.names, values, free
        self.factor, self.scale, self.student_dof = factor, scale, dof

    @functools.cached_property
    def parameters(self) -> dict[str, float]:
        """The parameters by name."""
        return dict(zip(self.names, self.values.tolist(), strict=True))

    @functools.cached_property
    def covariance(self) -> np.ndarray:
        """The covariance of the parameters, (p, p): that of the linear model at the minimum.

        Rows and columns of fixed parameters are 0, and those of parameters that the data do not determine inf. All are inf
        where there are no degrees of freedom to tell the scale from.
        """
        p, k = len(self.values), np.array(self.free, int)
        covariance = np.zeros((p, p))
        if self.free:
            with np.errstate(over="ignore"):
                root = self._root / self._norms[:, None]
                free = root @ root.T * self.scale if self.scale < math.inf else np.full((len(k), len(k)), math.inf)
            free[self._loose] = free[:, self._loose] = math.inf
            covariance[np.ix_(k, k)] = free
        return covariance

    @functools.cached_property
    def _norms(self) -> np.ndarray:
        """The norms of the Jacobian's columns, 1 for those that are zero; also where squares of them are none for floats."""
        largest = np.abs(self.factor).max(axis=0, initial=0.0)
        largest[largest == 0] = 1.0
        norms = largest * np.linalg.norm(self.factor / largest, axis=0)
        return np.where(norms > 0, norms, 1.0)

    @functools.cached_property
    def _singular(self) -> tuple[np.ndarray, np.ndarray]:
        """The singular values and right vectors of the Jacobian, its columns scaled to norm one."""
        scaled = self.factor / self._norms
        if not np.isfinite(scaled).all():  # LAPACK would print a message
            return np.full(len(scaled), math.nan), np.eye(len(scaled))
        _, s, v = np.linalg.svd(scaled)
        return s, v

    @functools.cached_property
    def _null(self) -> np.ndarray:
        """Directions of the scaled parameters that change nothing, (k, n)."""
        s, v = self._singular
        return np.asarray(v[s <= UNDETERMINED * s[:1].max(initial=1.0)])

    @functools.cached_property
    def _loose(self) -> np.ndarray:
        """Which of the free parameters the data do not determine, (n,)."""
        return (np.abs(self._null) > NOTHING).any(axis=0)

    @functools.cached_property
    def _root(self) -> np.ndarray:
        """H, (n, r), with HHᵀ = (JᵀJ)⁻¹, the columns of J scaled to norm one; its pseudoinverse where J is singular."""
        s, v = self._singular
        rank = len(s) - len(self._null)
        return np.asarray(v[:rank].T / s[:rank])

    @functools.cached_property
    def stderr(self) -> np.ndarray:
        """The standard errors, (p,); 0 for what was fixed, inf for what the data do not determine."""
        errors = np.zeros(len(self.values))
        with np.errstate(over="ignore", invalid="ignore"):  # inf times 0 where there are no degrees of freedom
            free = math.sqrt(self.scale) * np.linalg.norm(self._root, axis=1) / self._norms
        errors[np.array(self.free, int)] = np.where(self._loose, math.inf, free)
        return errors

    @functools.cached_property
    def correlation(self) -> np.ndarray:
        """The correlation of the parameters, (p, p); nan where a standard error is 0 or inf."""
        p, k = len(self.values), np.array(self.free, int)
        correlation, errors = np.full((p, p), math.nan), np.linalg.norm(self._root, axis=1)
        known = (self.stderr > 0) & (self.stderr < math.inf)
        with np.errstate(invalid="ignore"):
            correlation[np.ix_(k, k)] = self._root @ self._root.T / errors / errors[:, None]
        return np.where(known & known[:, None], correlation, math.nan)

    @property
    def condition(self) -> float:
        """The condition number of the Jacobian, its columns scaled to norm one."""
        s = self._singular[0]
        return float(s[0] / s[-1]) if len(s) and s[-1] > 0 else math.inf if len(s) else 1.0

    @functools.cached_property
    def undetermined(self) -> list[str]:
        """Parameters that the data do not determine, because a change of one is made up for by others or changes nothing."""
        return [self.names[k] for k, loose in zip(self.free, self._loose.tolist(), strict=True) if loose]

    def confidence_intervals(self, level: float = 0.95) -> np.ndarray:
        """Student's intervals of the parameters, (p, 2); normal ones where sigma is absolute."""
        half = self._quantile(level) * self.stderr
        return np.column_stack([self.values - half, self.values + half])

    def _quantile(self, level: float) -> float:
        from scipy.special import ndtri, stdtrit

        upper = 0.5 + 0.5 * in_unit_interval("level", level)
        if self.student_dof == math.inf:
            return float(ndtri(upper))
        return float(stdtrit(self.student_dof, upper)) if self.student_dof > 0 else math.inf

    def table(self, level: float = 0.95) -> list[Row]:
        """A Row for each parameter: t is the estimate over its standard error, p the probability of a larger one by chance."""
        from scipy.special import ndtr, stdtr

        rows = []
        for k, (low, high) in enumerate(self.confidence_intervals(level).tolist()):
            estimate, error = float(self.values[k]), float(self.stderr[k])
            if k not in self.free:
                rows.append(Row(self.names[k], estimate, *(math.nan,) * 5))
                continue
            t = estimate / error if error > 0 else math.copysign(math.inf, estimate) if estimate else math.nan
            t = math.nan if error == math.inf else t
            if self.student_dof == math.inf:
                tail = float(ndtr(-abs(t)))
            else:
                tail = float(stdtr(self.student_dof, -abs(t))) if self.student_dof > 0 else math.nan
            rows.append(Row(self.names[k], estimate, error, t, 2 * tail, low, high))
        return rows

    def predict(self, x: Any) -> np.ndarray:
        """What the model says for each row of ``x``, (rows,)."""
        return self.curve.values(self.values, self.free, self.curve.arrays(x))

    def band(self, x: Any, level: float = 0.95, prediction: bool = False, sigma: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """The lower and the upper limit, (rows,) each, of what the model says, or of a new measurement with ``prediction``.

        A new measurement has the residual standard deviation. Where the fit was given sigma, its own is to be given too, a
        number or (rows,).
        """
        return self._band(self.curve.arrays(x), None, level, prediction, sigma)

    def _band(
        self, columns: list[np.ndarray], rows: int | None, level: float, prediction: bool, sigma: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        value, variance = self._value_and_variance(columns, rows)
        own = np.square(1.0 if sigma is None else sigma) if prediction else 0.0
        half = self._quantile(level) * np.sqrt(self.scale * (variance + own))
        return value - half, value + half

    def _value_and_variance(self, columns: list[np.ndarray], rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """What the model says, and the variance of that over ``scale``, (rows,) each."""
        value, jacobian = self.curve.evaluate(self.values, self.free, columns, rows)
        with np.errstate(over="ignore", invalid="ignore"):  # where the model is not finite
            scaled = jacobian / self._norms
            variance = np.sum((scaled @ self._root) ** 2, axis=1)  # by the covariance, rounding would be a multiple of it
            depends = np.linalg.norm(scaled @ self._null.T, axis=1) > NOTHING * np.linalg.norm(scaled, axis=1)
        variance[depends] = math.inf  # on what the data do not determine
        return value, variance

    def inverse(
        self,
        y: Any,
        within: tuple[float, float],
        level: float = 0.95,
        replicates: float = 1,
        sigma: Any = None,
    ) -> Inverse:
        """Where the curve has a given y, with limits: the inverse of a prediction, for calibrations.

        The limits are those at which y leaves the band around the curve, as of ``band``.

        Parameters
        ----------
        y : float or array_like of shape (rows,)
            Measured values, or the means of some.
        within : (float, float)
            Between which x is looked for: a range in which the curve has each value once.
        level : float, default 0.95
            The probability with which the limits hold x.
        replicates : float, default 1
            How many measurements y is the mean of; ``math.inf`` for a y without error, as half of a maximum.
        sigma : float or array_like, optional
            The standard deviation of a measurement, where the fit was given sigma.

        Returns
        -------
        Inverse
            x, its standard error, limits, and the number of solutions.

        Raises
        ------
        ArgumentError
            If the model has several columns, or for a range or number of replicates that is none.
        """
        if len(self.curve.columns) != 1:
            raise ArgumentError(
                f"inverse needs a model of one column, and this one has {len(self.curve.columns)}. "
                "Solve for x with a root finder."
            )
        return invert(self, y, within, level, replicates, sigma, self.curve.columns[0] or "x")
