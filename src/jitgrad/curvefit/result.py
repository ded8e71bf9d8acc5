"""The result of a fit: its success, warnings and notes, and its printed form."""

from __future__ import annotations

import functools
import math

import numpy as np

from jitgrad.curvefit.fitted import OWN_LOSS, FittedCurve, Outliers
from jitgrad.curvefit.minimise import RHO
from jitgrad.curvefit.notebook import result_html
from jitgrad.curvefit.ode import OdeModel
from jitgrad.errors import enumerated

__all__ = ["BEYOND", "OWN_LOSS", "WORSE", "CurveFit", "Outliers"]

WORSE = 1e-6
"""A fit is worse than a constant if its sum of squares is larger by more than this fraction."""
BEYOND = 1e6
"""The standard error of a parameter that the model hardly depends on, as a multiple of the largest number in the fit."""
NEARLY = 1e-9
"""Pivots of the Jacobian below this fraction of the largest may hide a singular matrix, so the singular values are checked."""


class CurveFit(FittedCurve):
    """The result of `curve_fit`.

    It unpacks like SciPy's result, ``popt, pcov = fit``, prints as a table, and displays as HTML in notebooks.

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

    Attributes
    ----------
    names : list of str
        The parameters, in order.
    values : ndarray, shape (p,)
        Their values, fixed ones included.
    parameters : dict of str to float
        The values by name.
    stderr : ndarray, shape (p,)
        The standard errors: 0 for fixed parameters, inf for parameters that the data do not determine.
    covariance, correlation : ndarray, shape (p, p)
        The covariance and the correlation matrix of the parameters.
    cost : float
        Half of the sum of the squared weighted residuals, or of their loss.
    n_rows : int
        The number of fitted rows.
    dof : int
        The degrees of freedom: rows minus fitted parameters. For a group with shared parameters, those of the joint fit.
    nfev, njev : int
        The number of evaluations of the model and of its derivatives.
    n_starts : int
        The number of starting points.
    n_minima : int or None
        The number of different minima reached from the best starting points; None if starting values were given.
    status : Status
        How the fit ended, an integer with ``message`` and ``converged``.
    rcond : float
        The ratio of the smallest to the largest pivot of the Jacobian, with columns scaled to norm 1; 0 if it is singular.
    outliers : Outliers or None
        The rows that were excluded as outliers; None if outliers were not searched for.

    See Also
    --------
    curve_fit : Returns this result.
    jitgrad.curvefit.compare : Test which of two models describes the data better.
    jitgrad.pictures.curve_fit : Draw the fit.

    Notes
    -----
    Standard errors, confidence intervals and bands are based on the model linearized at the minimum, and scaled by the residual
    variance unless ``absolute_sigma`` is True [1]_.

    References
    ----------
    .. [1] Seber, G. A. F. and Wild, C. J., "Nonlinear Regression", Wiley, 1989, chapter 5.

    Examples
    --------
    >>> x = np.array([0.02, 0.06, 0.11, 0.22, 0.56, 1.10])
    >>> y = np.array([76, 97, 123, 159, 191, 207])
    >>> fit = jg.curve_fit("vmax * x / (km + x)", x, y)
    >>> {name: round(value, 3) for name, value in fit.parameters.items()}
    {'vmax': 210.857, 'km': 0.063}
    >>> fit.stderr.round(3)
    array([13.183,  0.016])
    >>> fit.confidence_intervals().round(2)[0]
    array([174.25, 247.46])
    >>> round(fit.r2, 3), fit.dof, fit.success
    (0.936, 4, True)
    >>> fit.predict([0.5]).round(1)
    array([187.4])
    """

    # How it ended.

    @functools.cached_property
    def at_bounds(self) -> list[str]:
        """The names of the parameters that ended at a bound."""
        if self._problem.bounds is None:
            return []
        low, high = self._problem.bounds
        return [self.names[k] for k in self.free if self.values[k] <= low[k] or self.values[k] >= high[k]]

    @property
    def converged(self) -> bool:
        """Whether the fit ended in a minimum of the cost."""
        return self.status.converged

    @property
    def success(self) -> bool:
        """Whether the fit can be used.

        It is True if the fit converged, the data determine all parameters, and the model fits better than a constant.
        """
        return self.converged and not self._loose_names and not self._names_adrift and not self._is_worse_than_a_constant

    @property
    def warnings(self) -> list[str]:
        """Issues to resolve before the result is used, as a list of clauses; empty for a good fit."""
        found = [] if self.converged else [self.status.message.capitalize()]
        loose, adrift = self._loose_names, self._names_adrift
        if self.dof <= 0 and not self._problem.absolute_sigma:
            found.append(
                f"{self.n_rows} rows and {len(self.free)} parameters leave no degrees of freedom: standard errors are undefined"
            )
        elif loose:
            names = enumerated(loose)
            one = "it" if len(loose) == 1 else "one of them"
            found.append(f"singular: the data do not determine {names}; fix {one}, or remove {one} from the model")
        elif adrift:
            names = enumerated(adrift)
            found.append(f"the model hardly depends on {names} where the fit ended; give other starting values")
        if self._is_worse_than_a_constant:
            found.append("worse than a constant: the model does not describe the data, or needs other starting values")
        if self._problem.bounds is not None and self.at_bounds:
            found.append(
                f"at a bound: {', '.join(self.at_bounds)}; standard errors are unreliable there, so move the bound, or fix the "
                f"parameter{'s' * (len(self.at_bounds) > 1)}"
            )
        return found

    @property
    def notes(self) -> list[str]:
        """The warnings, followed by remarks on the data and on how the result was obtained, a list of clauses."""
        return [*self.warnings, *self._problem.observed.remarks]

    @property
    def message(self) -> str:
        """How the fit ended, followed by the notes. For a fit that failed, the notes come first."""
        if not self.converged:
            return "; ".join(self.notes)
        if self._loose_names or self._names_adrift or self._is_worse_than_a_constant:
            return "; ".join([*self.notes, self.status.message.removeprefix("converged: ")])
        return "; ".join([self.status.message, *self.notes])

    @property
    def _loose_names(self) -> list[str]:
        """Return the parameters that the data do not determine, if the Jacobian is singular."""
        return self.undetermined if self.rcond <= NEARLY else []

    @property
    def _names_adrift(self) -> list[str]:
        """Return the parameters whose standard errors are huge because the model hardly depends on them."""
        least = min(map(abs, self.factor.diagonal().tolist()), default=math.inf)
        if math.sqrt(self.scale) < BEYOND * self.rcond * least:  # the usual case, which needs no decomposition
            return []
        numbers = [1.0, float(np.abs(self._problem.y).max(initial=0.0))]
        columns = [x for x in self._problem.columns if isinstance(x, np.ndarray) and x.dtype.kind in "biuf"]
        numbers += [float(np.abs(column).max(initial=0.0)) for column in columns]
        limit = np.maximum(np.abs(self.values), max(numbers))
        return [self.names[k] for k in self.free if limit[k] < self.stderr[k] / BEYOND < math.inf]

    @property
    def _is_worse_than_a_constant(self) -> bool:
        """Return whether the best constant has a lower cost than the fit.

        False if y is constant, as in fits of implicit equations. Robust losses are compared with the median.
        """
        y, options = self._problem.y, self._problem.options
        if options.loss == OWN_LOSS or self.n_rows < 2:
            return False
        if options.loss != "linear":
            scaled = self._problem.weighted(y - np.median(y)) / options.scale
            return self.cost > (1 + WORSE) * 0.5 * options.scale**2 * float(np.sum(RHO[options.loss](scaled**2))) > 0
        if self._problem.observed.sigma is None and 2.0 * self.cost < 0.5 * float(y[0] - y[-1]) ** 2:
            return False  # no constant is closer to these two rows
        constant, y = self._squares_beside_a_constant, self._problem.weighted(y)
        return 2.0 * self.cost > constant * (1 + WORSE) and constant > WORSE**2 * float(y @ y)

    def report(self) -> str:
        """Return a table of the parameters, the goodness of fit and the status of the fit as text.

        Returns
        -------
        str
            What ``print(fit)`` shows.

        Examples
        --------
        >>> fit = jg.curve_fit("a + b * x", [0, 1, 2, 3, 4], [1.1, 2.9, 5.2, 7.1, 8.8])
        >>> print(fit.report().splitlines()[0])
        parameter        estimate  std. error         t        p  95% CI
        """
        width = max(9, *map(len, self.names))
        equations = self.curve.model.lines if isinstance(self.curve.model, OdeModel) else []
        lines = [*equations, f"{'parameter':{width}} {'estimate':>15} {'std. error':>11} {'t':>9} {'p':>8}  95% CI"]
        for name, estimate, error, t, p, low, high in self.table():
            of = f"{error:11.4g} {t:9.3g} {p:8.2g}  [{low:.6g}, {high:.6g}]" if not math.isnan(error) else f"{'fixed':>11}"
            lines.append(f"{name:{width}} {estimate:15.8g} {of}")
        lines += ["log-normal errors: χ² and R² are those of log y"] * self.curve.log
        lines += [
            f"{self.n_rows} rows, {self.dof} degrees of freedom, χ² {self.chisqr:.6g}, reduced χ² {self.redchi:.6g}",
            f"R² {self.r2:.6g}, AIC {self.aic:.6g}, AICc {self.aicc:.6g}, BIC {self.bic:.6g}, "
            f"condition number {self.condition:.3g}",
            self.message,
        ]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.report()

    def _repr_html_(self) -> str:
        return result_html(self)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value:.6g}" for name, value in self.parameters.items())
        return f"CurveFit({shown}; {self.message})"
