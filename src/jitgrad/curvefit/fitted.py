"""A fit and its data: predictions, bands, residuals and measures of the goodness of fit."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jitgrad.criteria import Criteria, information_criteria
from jitgrad.curvefit.estimates import Estimates, Row
from jitgrad.curvefit.inverse import Inverse
from jitgrad.curvefit.least_squares import Solution
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.status import Status, status_of
from jitgrad.errors import ArgumentError

if TYPE_CHECKING:
    from jitgrad.curvefit.data import Columns
    from jitgrad.typing import ArrayLike

OWN_LOSS = "own"
"""The name of a custom loss."""


class Outliers(NamedTuple):
    """Rows that were excluded from a fit as outliers.

    Parameters
    ----------
    rows : ndarray of int
        The indices of these rows among the given rows, not counting rows with nan.
    columns : list of ndarray
        The columns of the model in these rows.
    y : ndarray
        The response in these rows.
    q : float
        The false discovery rate that was requested.

    Examples
    --------
    >>> x = np.arange(12.0)
    >>> y = 1 + 2 * x + 0.1 * np.sin(5 * x)
    >>> y[7] += 3
    >>> fit = jg.curve_fit("a + b * x", x, y, outliers=0.01)
    >>> fit.outliers.rows
    array([7])
    >>> fit.notes
    ['1 of 12 rows was excluded as an outlier (ROUT, Q = 1%): (x = 7, y = 17.9572)']
    """

    rows: np.ndarray
    columns: list[np.ndarray]
    y: np.ndarray
    q: float


class FittedCurve(Estimates):
    """The part of `CurveFit` that describes the data and the goodness of fit.

    Parameters
    ----------
    problem : Problem
        The model and the data.
    solution : Solution
        The result of the solver, for one fit or several.
    i : int, default 0
        The index of the fit in `solution`.
    n_starts : int, default 1
        The number of starting points.
    n_minima : int or None, default None
        The number of different minima reached from the best starting points.
    joint : tuple of float and int, optional
        For a group of a fit with shared parameters: the scale of the covariance, and the degrees of freedom of all groups.
    """

    def __init__(
        self,
        problem: Problem,
        solution: Solution,
        i: int = 0,
        *,
        n_starts: int = 1,
        n_minima: int | None = None,
        joint: tuple[float, int] | None = None,
    ) -> None:
        self.cost, self.nfev, self.njev, code, self.rcond = solution.outcomes[i].tolist()
        factor = solution.factors[i]
        self.status = status_of(code, factor)
        self.n_rows, self.n_starts, self.n_minima = len(problem.y), n_starts, n_minima
        self._is_joint = joint is not None
        self.dof = self.n_rows - len(problem.free) if joint is None else joint[1]
        self._problem = problem
        self.outliers: Outliers | None = None
        absolute = problem.absolute_sigma
        scale = 1.0 if absolute else 2.0 * self.cost / self.dof if self.dof > 0 else math.inf
        scale = scale if joint is None else joint[0]
        values = problem.with_free(solution.parameters[i])
        super().__init__(problem.curve, values, problem.free, factor, scale, math.inf if absolute else self.dof)

    # SciPy's interface.

    @property
    def popt(self) -> np.ndarray:
        """The parameters, shape (p,), as in SciPy."""
        return self.values.copy()

    @property
    def pcov(self) -> np.ndarray:
        """The covariance matrix, shape (p, p), as in SciPy.

        All entries are inf if the model does not depend on a parameter; `covariance` keeps the finite ones.
        """
        all_count = self.factor.any(axis=0).all()
        return self.covariance if all_count else np.full_like(self.covariance, np.inf)

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter((self.popt, self.pcov))

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> np.ndarray:
        return (self.popt, self.pcov)[index]

    @property
    def errors(self) -> str:
        """The distribution of the errors, ``"normal"`` or ``"lognormal"``."""
        return "lognormal" if self.curve.log else "normal"

    @property
    def loss(self) -> str:
        """The name of the loss; ``"own"`` for a custom function."""
        return self._problem.options.loss

    def table(self, level: float = 0.95) -> list[Row]:
        """Return the estimates with standard errors, tests and confidence limits.

        There are no tests if the model fits the data to rounding error.

        Parameters
        ----------
        level : float, default 0.95
            The confidence level of the limits.

        Returns
        -------
        list of Row
            One row per parameter, with ``name``, ``estimate``, ``stderr``, ``t``, ``p``, ``low`` and ``high``. For fixed
            parameters all but the first two are nan.

        Examples
        --------
        >>> fit = jg.curve_fit("a + b * x", [0, 1, 2, 3, 4], [1.1, 2.9, 5.2, 7.1, 8.8])
        >>> for row in fit.table():
        ...     print(f"{row.name}: {row.estimate:.2f} ± {row.stderr:.2f}, p = {row.p:.1g}")
        a: 1.10 ± 0.14, p = 0.004
        b: 1.96 ± 0.06, p = 5e-05
        """
        rows = super().table(level)
        return [row._replace(t=math.nan, p=math.nan) for row in rows] if self.status is Status.EXACT else rows

    # The fitted rows.

    @property
    def x(self) -> dict[str, np.ndarray]:
        """The fitted columns by name; an array that a function takes as its first argument is called ``""``."""
        return dict(zip(self.curve.columns, self._problem.columns, strict=True))

    @property
    def y(self) -> np.ndarray:
        """The fitted response, shape (rows,)."""
        return self._problem.observed.response

    @functools.cached_property
    def _values_fitted(self) -> np.ndarray:
        """Return the values of the curve for the fitted rows."""
        return self.curve.values(self.values, self.free, self._problem.columns, self.n_rows)

    @functools.cached_property
    def sigma(self) -> np.ndarray | None:
        """The standard deviations of the response, shape (rows,), or None if they were not given."""
        sigma = self._problem.observed.sigma
        if sigma is None:
            return None
        return np.sqrt(np.diag(sigma)) if sigma.ndim == 2 else np.broadcast_to(sigma, self.n_rows)

    @functools.cached_property
    def by_rows(self) -> bool:
        """Whether the model computes each row from that row alone; False if it uses, for example, the mean of a column."""
        return self.curve.goes_by_rows(self._problem.columns, self.free, self.n_rows)

    def predict(self, x: Columns | None = None) -> np.ndarray:
        """Evaluate the fitted model.

        Parameters
        ----------
        x : array_like, mapping or frame, optional
            The independent data, as for `curve_fit`. By default, the data of the fit.

        Returns
        -------
        ndarray, shape (rows,)
            The predicted response.

        Examples
        --------
        >>> fit = jg.curve_fit("a + b * x", [0, 1, 2, 3, 4], [1.1, 2.9, 5.2, 7.1, 8.8])
        >>> fit.predict([5.0, 6.0]).round(2)
        array([10.9 , 12.86])
        """
        if x is None:
            return self.curve.responses(self._values_fitted)
        return super().predict(x)

    def band(
        self, x: Columns | None = None, level: float = 0.95, prediction: bool = False, sigma: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a confidence or prediction band around the curve.

        The variance of the prediction is computed by the delta method: from the covariance of the parameters and the
        derivatives of the model with respect to them.

        Parameters
        ----------
        x : array_like, mapping or frame, optional
            Where to evaluate the band, as for `curve_fit`. By default, the data of the fit, with their sigma.
        level : float, default 0.95
            The confidence level of each point of the band.
        prediction : bool, default False
            Whether the band is for a new measurement rather than for the curve. A new measurement has the residual standard
            deviation, unless the fit used sigma.
        sigma : float or array_like, optional
            The standard deviation of the new measurements, a number or shape (rows,). Required for `prediction` at new `x` if
            the fit used sigma.

        Returns
        -------
        low, high : ndarray, shape (rows,)
            The limits.

        Raises
        ------
        ArgumentError
            If the fit used sigma and `sigma` is missing.

        Examples
        --------
        >>> fit = jg.curve_fit("a + b * x", [0, 1, 2, 3, 4], [1.1, 2.9, 5.2, 7.1, 8.8])
        >>> low, high = fit.band([2.0])
        >>> print(low.round(2), high.round(2))
        [4.77] [5.27]
        >>> low, high = fit.band([2.0], prediction=True)
        >>> print(low.round(2), high.round(2))
        [4.41] [5.63]
        """
        if prediction and sigma is None and self.sigma is not None:
            if x is not None:
                raise ArgumentError("band: the fit used sigma. Give sigma of the new measurements, a number or one per row.")
            sigma = self.sigma
        if x is None:
            return self._band(self._problem.columns, self.n_rows, level, prediction, sigma)
        return super().band(x, level, prediction, sigma)

    def inverse(
        self,
        y: ArrayLike,
        within: tuple[float, float] | None = None,
        level: float = 0.95,
        replicates: float = 1,
        sigma: ArrayLike | None = None,
    ) -> Inverse:
        """Return the x at which the curve reaches given values of y, with confidence limits.

        This is inverse prediction, or calibration. The limits are the points at which y leaves the prediction band.

        Parameters
        ----------
        y : float or array_like, shape (rows,)
            Measured values, or means of several measurements.
        within : tuple of float, optional
            The range of x to search, ``(low, high)``. The curve should reach each value once there. By default, the range of
            the data.
        level : float, default 0.95
            The confidence level.
        replicates : float, default 1
            The number of measurements averaged in each y; ``math.inf`` for a y without error, such as half of a
            maximum.
        sigma : float or array_like, optional
            The standard deviation of a measurement. Required if the fit used sigma.

        Returns
        -------
        Inverse
            ``x``, ``stderr``, ``low``, ``high``, ``solutions`` (the number of places with this y) and ``notes``. All are
            numbers if `y` is a number. x is nan unless there is exactly one solution.

        Raises
        ------
        ArgumentError
            If the model has several columns, `within` or `replicates` is invalid, or `sigma` is missing.

        Notes
        -----
        For a straight line the limits are Fieller's [1]_. For curves they are the inversion intervals of [2]_.

        References
        ----------
        .. [1] Fieller, E. C., "Some problems in interval estimation", J. R. Stat. Soc. B 16, 1954.
        .. [2] Greenwell, B. M. and Schubert Kabban, C. M., "investr: An R package for inverse estimation", R Journal 6, 2014.

        Examples
        --------
        >>> fit = jg.curve_fit("a + b * x", [0, 1, 2, 3, 4], [1.1, 2.9, 5.2, 7.1, 8.8])
        >>> found = fit.inverse(6.0)
        >>> print(f"{found.x:.2f} ({found.low:.2f} to {found.high:.2f})")
        2.50 (2.19 to 2.82)
        """
        if within is None:
            x = next(iter(self.x.values()))
            within = float(np.min(x)), float(np.max(x))
        if sigma is None and self.sigma is not None and replicates < math.inf:
            raise ArgumentError(
                "inverse: the fit used sigma. Give sigma of the new measurements, a number or one per value of y."
            )
        return super().inverse(y, within, level, replicates, sigma)

    @functools.cached_property
    def residuals(self) -> np.ndarray:
        """The observed minus the predicted response, or of their logarithms for log-normal errors, shape (rows,)."""
        return self._problem.y - self._values_fitted

    # Goodness of fit.

    @functools.cached_property
    def chisqr(self) -> float:
        """χ²: the sum of the squared residuals divided by sigma."""
        if self._problem.options.loss == "linear":
            return 2.0 * self.cost
        return float(np.sum(self._problem.weighted(self.residuals) ** 2))

    @property
    def redchi(self) -> float:
        """The reduced χ²: χ² divided by the degrees of freedom; nan without degrees of freedom."""
        return self.chisqr / self.dof if self.dof > 0 else math.nan

    @functools.cached_property
    def r2(self) -> float:
        """The coefficient of determination R²: the fraction of the (weighted) variance of y that the model explains.

        It is nan if y is constant, and negative if a constant fits better, as in R. For log-normal errors, it is that of log y.
        """
        total = self._squares_beside_a_constant
        return 1.0 - self.chisqr / total if total > 0 else math.nan

    @functools.cached_property
    def _squares_beside_a_constant(self) -> float:
        """Return the weighted sum of squares of y minus the constant that fits best."""
        one, y = self._problem.weighted(np.ones(self.n_rows)), self._problem.weighted(self._problem.y)
        return float(np.sum((y - one * ((one @ y) / (one @ one))) ** 2))

    @functools.cached_property
    def log_likelihood(self) -> float:
        """The log-likelihood for normal errors, including its constants, as in R's ``logLik``.

        Unless ``absolute_sigma`` is True, the error scale is its maximum-likelihood estimate. For a custom loss the
        log-likelihood is -cost. It is nan for named losses other than ``"linear"``, and for groups that share parameters.
        Log-normal errors contribute -Σ log y, so that it is a density of y and comparable with that of normal errors.
        """
        n, options = self.n_rows, self._problem.options
        if options.loss == OWN_LOSS:
            return -self.cost
        if options.loss != "linear" or self._is_joint:
            return math.nan
        logs = (
            self._problem.log_weights - (self._problem.y.sum() if self.curve.log else 0.0) - 0.5 * n * math.log(2.0 * math.pi)
        )
        if self._problem.absolute_sigma:
            return logs - self.cost
        return logs - 0.5 * n * (1.0 + math.log(self.chisqr / n)) if self.chisqr > 0 else math.inf

    @functools.cached_property
    def _criteria(self) -> Criteria:
        scale_is_known = self._problem.absolute_sigma  # including for a custom loss
        return information_criteria(self.log_likelihood, len(self.free) + (not scale_is_known), self.n_rows)

    @property
    def aic(self) -> float:
        """Akaike's information criterion.

        The error scale counts as a parameter, unless ``absolute_sigma`` is True. See `jitgrad.criteria`.
        """
        return float(self._criteria.aic)

    @property
    def aicc(self) -> float:
        """Akaike's information criterion corrected for small samples; nan unless rows > parameters + 1."""
        return float(self._criteria.aicc)

    @property
    def bic(self) -> float:
        """The Bayesian information criterion."""
        return float(self._criteria.bic)
