"""Parameter estimates of a curve, their uncertainty, and predictions for other data."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jitgrad.arguments import in_unit_interval
from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.inverse import Inverse, invert
from jitgrad.errors import ArgumentError

if TYPE_CHECKING:
    from jitgrad.curvefit.data import Columns
    from jitgrad.typing import ArrayLike

UNDETERMINED = 1e-12
"""Singular values of the scaled Jacobian below this fraction of the largest count as rounding errors."""
NOTHING = 1e-6
"""The largest component of a unit vector that counts as 0."""


class Row(NamedTuple):
    """A row of `CurveFit.table`. For a fixed parameter, all fields except ``name`` and ``estimate`` are nan.

    Parameters
    ----------
    name : str
        The parameter.
    estimate : float
        Its value.
    stderr : float
        Its standard error.
    t : float
        The estimate divided by its standard error.
    p : float
        The two-sided p-value of the hypothesis that the parameter is 0.
    low, high : float
        The confidence limits.

    Examples
    --------
    >>> fit = jg.curve_fit("a + b * x", [0, 1, 2, 3, 4], [1.1, 2.9, 5.2, 7.1, 8.8])
    >>> row = fit.table()[1]
    >>> row.name, round(row.estimate, 2), round(row.stderr, 2)
    ('b', 1.96, 0.06)
    """

    name: str
    estimate: float
    stderr: float
    t: float
    p: float
    low: float
    high: float


class Estimates:
    """Parameters of a curve with their uncertainty.

    Parameters
    ----------
    curve : Curve
        The model.
    values : ndarray, shape (p,)
        The values of all parameters.
    free : sequence of int
        The indices of the parameters that were fitted.
    factor : ndarray, shape (n, n)
        R with RᵀR = JᵀJ, where J is the weighted Jacobian with respect to the fitted parameters.
    scale : float
        The factor of (JᵀJ)⁻¹ in the covariance: χ² over the degrees of freedom, or 1.
    dof : float
        The degrees of freedom of Student's t; inf for the normal distribution.
    """

    def __init__(
        self, curve: Curve, values: np.ndarray, free: Sequence[int], factor: np.ndarray, scale: float, dof: float
    ) -> None:
        self.curve, self.names, self.values, self.free = curve, curve.names, values, free
        self.factor, self.scale, self.student_dof = factor, scale, dof

    @functools.cached_property
    def parameters(self) -> dict[str, float]:
        """The values of the parameters by name, as a dict of float."""
        return dict(zip(self.names, self.values.tolist(), strict=True))

    @functools.cached_property
    def covariance(self) -> np.ndarray:
        """The covariance matrix of the parameters, shape (p, p).

        It is scale · (JᵀJ)⁻¹, the covariance of the linearized model at the minimum. Rows and columns of fixed parameters are
        0. Rows and columns of parameters that the data do not determine are inf. Without degrees of freedom to estimate the
        scale, all entries of the fitted parameters are inf.
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
        """Return the norms of the columns of the Jacobian, without overflow; 1 for columns of zeros."""
        largest = np.abs(self.factor).max(axis=0, initial=0.0)
        largest[largest == 0] = 1.0
        norms = largest * np.linalg.norm(self.factor / largest, axis=0)
        return np.where(norms > 0, norms, 1.0)

    @functools.cached_property
    def _singular(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the singular values and right singular vectors of the Jacobian with columns scaled to norm 1."""
        scaled = self.factor / self._norms
        if not np.isfinite(scaled).all():  # LAPACK would print a message
            return np.full(len(scaled), math.nan), np.eye(len(scaled))
        _, s, v = np.linalg.svd(scaled)
        return s, v

    @functools.cached_property
    def _null(self) -> np.ndarray:
        """Return the directions of the scaled parameters that do not change the model, (k, n)."""
        s, v = self._singular
        return np.asarray(v[s <= UNDETERMINED * s[:1].max(initial=1.0)])

    @functools.cached_property
    def _loose(self) -> np.ndarray:
        """Return which of the free parameters the data do not determine, (n,)."""
        return (np.abs(self._null) > NOTHING).any(axis=0)

    @functools.cached_property
    def _root(self) -> np.ndarray:
        """Return H, (n, r), with HHᵀ = (JᵀJ)⁻¹ for J with columns scaled to norm 1; the pseudoinverse if J is singular."""
        s, v = self._singular
        rank = len(s) - len(self._null)
        return np.asarray(v[:rank].T / s[:rank])

    @functools.cached_property
    def stderr(self) -> np.ndarray:
        """The standard errors, shape (p,): 0 for fixed parameters, inf for parameters that the data do not determine."""
        errors = np.zeros(len(self.values))
        with np.errstate(over="ignore", invalid="ignore"):  # inf times 0 without degrees of freedom
            free = math.sqrt(self.scale) * np.linalg.norm(self._root, axis=1) / self._norms
        errors[np.array(self.free, int)] = np.where(self._loose, math.inf, free)
        return errors

    @functools.cached_property
    def correlation(self) -> np.ndarray:
        """The correlation matrix of the parameters, shape (p, p); nan if a standard error is 0 or inf."""
        p, k = len(self.values), np.array(self.free, int)
        correlation, errors = np.full((p, p), math.nan), np.linalg.norm(self._root, axis=1)
        known = (self.stderr > 0) & (self.stderr < math.inf)
        with np.errstate(invalid="ignore"):
            correlation[np.ix_(k, k)] = self._root @ self._root.T / errors / errors[:, None]
        return np.where(known & known[:, None], correlation, math.nan)

    @property
    def condition(self) -> float:
        """The condition number of the Jacobian with columns scaled to norm 1; large if parameters are nearly redundant."""
        s = self._singular[0]
        return float(s[0] / s[-1]) if len(s) and s[-1] > 0 else math.inf if len(s) else 1.0

    @functools.cached_property
    def undetermined(self) -> list[str]:
        """The names of the parameters that the data do not determine."""
        return [self.names[k] for k, loose in zip(self.free, self._loose.tolist(), strict=True) if loose]

    def confidence_intervals(self, level: float = 0.95) -> np.ndarray:
        """Return confidence intervals of the parameters.

        They are the estimates plus and minus a quantile times the standard error (Wald intervals). The quantile is Student's t
        with `dof` degrees of freedom, or the normal one if ``absolute_sigma`` is True.

        Parameters
        ----------
        level : float, default 0.95
            The confidence level, between 0 and 1.

        Returns
        -------
        ndarray, shape (p, 2)
            The lower and the upper limit of each parameter.
        """
        half = self._quantile(level) * self.stderr
        return np.column_stack([self.values - half, self.values + half])

    def _quantile(self, level: float) -> float:
        """Return the quantile of the two-sided interval with this confidence level."""
        from scipy.special import ndtri, stdtrit

        upper = 0.5 + 0.5 * in_unit_interval("level", level)
        if self.student_dof == math.inf:
            return float(ndtri(upper))
        return float(stdtrit(self.student_dof, upper)) if self.student_dof > 0 else math.inf

    def table(self, level: float = 0.95) -> list[Row]:
        """Return the estimates with standard errors, tests and confidence limits.

        Parameters
        ----------
        level : float, default 0.95
            The confidence level of the limits.

        Returns
        -------
        list of Row
            One row per parameter, with ``name``, ``estimate``, ``stderr``, ``t``, ``p``, ``low`` and ``high``.
        """
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

    def predict(self, x: Columns) -> np.ndarray:
        """Evaluate the model.

        Parameters
        ----------
        x : array_like, mapping or frame
            The independent data, as for `curve_fit`.

        Returns
        -------
        ndarray, shape (rows,)
            The predicted response.
        """
        return self.curve.responses(self.curve.values(self.values, self.free, self.curve.arrays(x)))

    def band(
        self, x: Columns, level: float = 0.95, prediction: bool = False, sigma: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a confidence or prediction band around the curve.

        Parameters
        ----------
        x : array_like, mapping or frame
            Where to evaluate the band, as for `curve_fit`.
        level : float, default 0.95
            The confidence level of each point of the band.
        prediction : bool, default False
            Whether the band is for a new measurement rather than for the curve. A new measurement has the residual standard
            deviation, unless the fit used sigma.
        sigma : float or array_like, optional
            The standard deviation of the new measurements, a number or shape (rows,). Required if the fit used sigma.

        Returns
        -------
        low, high : ndarray, shape (rows,)
            The limits.
        """
        return self._band(self.curve.arrays(x), None, level, prediction, sigma)

    def _band(
        self, columns: list[np.ndarray], rows: int | None, level: float, prediction: bool, sigma: ArrayLike | None
    ) -> tuple[np.ndarray, np.ndarray]:
        value, variance = self._value_and_variance(columns, rows)
        own = np.square(1.0 if sigma is None else np.asarray(sigma)) if prediction else 0.0
        half = self._quantile(level) * np.sqrt(self.scale * (variance + own))
        return self.curve.responses(value - half), self.curve.responses(value + half)

    def _value_and_variance(self, columns: list[np.ndarray], rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the value of the curve and its variance divided by ``scale``, (rows,) each."""
        value, jacobian = self.curve.evaluate(self.values, self.free, columns, rows)
        with np.errstate(over="ignore", invalid="ignore"):  # if the model is not finite
            scaled = jacobian / self._norms
            variance = np.sum(
                (scaled @ self._root) ** 2, axis=1
            )  # computing it from the covariance would amplify rounding errors
            depends = np.linalg.norm(scaled @ self._null.T, axis=1) > NOTHING * np.linalg.norm(scaled, axis=1)
        variance[depends] = math.inf  # on parameters that the data do not determine
        return value, variance

    def inverse(
        self,
        y: ArrayLike,
        within: tuple[float, float],
        level: float = 0.95,
        replicates: float = 1,
        sigma: ArrayLike | None = None,
    ) -> Inverse:
        """Return the x at which the curve reaches given values of y, with confidence limits.

        This is inverse prediction, or calibration. The limits are the points at which y leaves the band around the curve.

        Parameters
        ----------
        y : float or array_like, shape (rows,)
            Measured values, or means of several measurements.
        within : tuple of float
            The range of x to search, ``(low, high)``. The curve should reach each value exactly once in this range.
        level : float, default 0.95
            The confidence level.
        replicates : float, default 1
            The number of measurements averaged in each y; ``math.inf`` for a y without error.
        sigma : float or array_like, optional
            The standard deviation of a measurement. Required if the fit used sigma.

        Returns
        -------
        Inverse
            x, its standard error and limits, and the number of solutions.

        Raises
        ------
        ArgumentError
            If the model has several columns, or `within` or `replicates` is invalid.
        """
        if len(self.curve.columns) != 1:
            raise ArgumentError(
                f"inverse needs a model of one column, and this one has {len(self.curve.columns)}. "
                "Solve for x with a root finder."
            )
        return invert(self, y, within, level, replicates, sigma, self.curve.columns[0] or "x")
