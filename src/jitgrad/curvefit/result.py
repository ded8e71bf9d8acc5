"""What a fit found out: the parameters, how certain they are, and how it ended."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.arguments import in_unit_interval
from jitgrad.vm import fit_plan

if TYPE_CHECKING:
    from jitgrad.curvefit.problem import Problem

_ENDED = {
    fit_plan.BY_COST: "converged: no step lowers the cost any more",
    fit_plan.BY_STEP: "converged: steps no longer change the parameters",
    fit_plan.BY_GRADIENT: "converged: the gradient is zero",
    fit_plan.EXACT: "converged: the model meets the data to rounding",
    fit_plan.TOO_MANY: "not converged: the evaluations were used up; raise max_nfev, or give other starting values",
    fit_plan.NO_DERIVATIVE: "not converged: a derivative became infinite or nan; keep the parameters from there by bounds",
}
OWN = "own"
"""The loss of a fit by a function of the user's."""
_EPSILON = float(np.finfo(float).eps)
_UNDETERMINED = 1e-12
"""A singular value of the Jacobian, its columns scaled to norm one, beside the largest: smaller ones are rounding."""


class CurveFit:
    """The result of ``curve_fit``. Unpacks as SciPy's: ``popt, pcov = result``.

    Attributes:
        names: of all parameters, those that were fixed too.
        values: float64 (p,), the parameters.
        free: the numbers of those that were fitted.
        cost: half the sum of the squared weighted residuals, or what a robust loss makes of them.
        n_rows: how many rows were fitted.
        dof: degrees of freedom, rows minus fitted parameters.
        nfev, njev: how often the model and its derivatives were computed.
        minima: in how many different minima the starts ended; None where starting values were given.
        starts: how many starts there were.
        ended: how the fit ended, a number of ``vm.fit_plan``.
        pivots: the smallest beside the largest pivot of the Jacobian, its columns scaled to norm one.
    """

    def __init__(self, problem: Problem, values: np.ndarray, figures: np.ndarray, factor: np.ndarray) -> None:
        self._problem, self._factor = problem, factor
        self.names = problem.curve.names
        self.values = values
        self.free = problem.free
        self.cost, nfev, njev, ended, self.pivots = figures.tolist()
        self.nfev, self.njev, self.ended = int(nfev), int(njev), int(ended)
        self.n_rows = len(problem.data.y)
        self.dof = self.n_rows - len(self.free)
        self.minima: int | None = None
        self.starts = 1

    # As SciPy has it.

    @property
    def popt(self) -> np.ndarray:
        """The parameters, (p,)."""
        return self.values

    @property
    def pcov(self) -> np.ndarray:
        """Their covariance, (p, p)."""
        return self.covariance

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter((self.popt, self.pcov))

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> np.ndarray:
        return (self.popt, self.pcov)[index]

    # The parameters.

    @functools.cached_property
    def parameters(self) -> dict[str, float]:
        """The parameters by name."""
        return dict(zip(self.names, self.values.tolist(), strict=True))

    @functools.cached_property
    def covariance(self) -> np.ndarray:
        """The covariance of the parameters, (p, p): that of the linear model at the minimum.

        Rows and columns of fixed parameters are 0. It is inf where there are no degrees of freedom to tell the scale from, and
        huge for what the data do not determine.
        """
        p, k = len(self.values), np.array(self.free, int)
        covariance = np.zeros((p, p))
        if self.free:
            covariance[np.ix_(k, k)] = self._inverse * self.scale if self.scale < math.inf else math.inf
        return covariance

    @property
    def scale(self) -> float:
        """What the inverse of JᵀJ is multiplied by: χ² over the degrees of freedom, or 1 where sigma is absolute."""
        if self._problem.absolute_sigma:
            return 1.0
        return 2.0 * self.cost / self.dof if self.dof > 0 else math.inf

    @functools.cached_property
    def _singular(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The norms of the Jacobian's columns, and the singular values and right vectors of it with those scaled to one."""
        norms = np.linalg.norm(self._factor, axis=0)
        norms[norms == 0] = 1.0
        _, s, v = np.linalg.svd(self._factor / norms)
        return norms, s, v

    @functools.cached_property
    def _inverse(self) -> np.ndarray:
        norms, s, v = self._singular
        half = v.T / np.maximum(s, _EPSILON * s[:1].max(initial=1.0)) / norms[:, None]
        return half @ half.T

    @functools.cached_property
    def stderr(self) -> np.ndarray:
        """The standard errors, (p,); 0 for what was fixed."""
        return np.sqrt(np.diag(self.covariance))

    @functools.cached_property
    def correlation(self) -> np.ndarray:
        """The correlation of the parameters, (p, p); nan where a standard error is 0 or inf."""
        errors = np.where((self.stderr > 0) & (self.stderr < math.inf), self.stderr, math.nan)
        return self.covariance / errors / errors[:, None]

    @property
    def condition(self) -> float:
        """The condition number of the Jacobian, its columns scaled to norm one."""
        s = self._singular[1]
        return float(s[0] / s[-1]) if len(s) and s[-1] > 0 else math.inf if len(s) else 1.0

    @functools.cached_property
    def undetermined(self) -> list[str]:
        """Parameters that the data do not determine, because a change of one is made up for by others or changes nothing."""
        _, s, v = self._singular
        null = v[s <= _UNDETERMINED * s[:1].max(initial=1.0)]
        return [self.names[k] for j, k in enumerate(self.free) if (np.abs(null[:, j]) > 1e-6).any()]

    @functools.cached_property
    def at_bounds(self) -> list[str]:
        """Parameters that ended at a bound."""
        if self._problem.bounds is None:
            return []
        low, high = self._problem.bounds
        return [self.names[k] for k in self.free if self.values[k] <= low[k] or self.values[k] >= high[k]]

    def confidence_intervals(self, level: float = 0.95) -> np.ndarray:
        """Student's intervals of the parameters, (p, 2); normal ones where sigma is absolute."""
        half = self._quantile(level) * self.stderr
        return np.column_stack([self.values - half, self.values + half])

    def _quantile(self, level: float) -> float:
        from scipy.special import ndtri, stdtrit

        upper = 0.5 + 0.5 * in_unit_interval("level", level)
        if self._problem.absolute_sigma:
            return float(ndtri(upper))
        return float(stdtrit(self.dof, upper)) if self.dof > 0 else math.inf

    # The model.

    def predict(self, x: Any = None) -> np.ndarray:
        """What the model says for each row of ``x``, (rows,); by default for the rows that were fitted."""
        return self._problem.evaluate(self.values, x)[0]

    def band(self, x: Any = None, level: float = 0.95, prediction: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """The lower and the upper limit, (rows,) each, of what the model says, or of a new measurement with ``prediction``.

        A new measurement has the residual standard deviation, so with weights it is one of weight 1.
        """
        value, jacobian = self._problem.evaluate(self.values, x)
        k = np.array(self.free, int)
        variance = np.einsum("ij,jk,ik->i", jacobian, self.covariance[np.ix_(k, k)], jacobian)
        half = self._quantile(level) * np.sqrt(np.maximum(variance, 0.0) + (self.scale if prediction else 0.0))
        return value - half, value + half

    @functools.cached_property
    def residuals(self) -> np.ndarray:
        """y minus what the model says, (rows,)."""
        return self._problem.y - self.predict()

    # How well it fits.

    @functools.cached_property
    def chisqr(self) -> float:
        """χ²: the sum of the squares of residuals over sigma."""
        if self._problem.settings.loss == "linear":
            return 2.0 * self.cost
        return float(np.sum(self._problem.weighted(self.residuals) ** 2))

    @property
    def redchi(self) -> float:
        """χ² over the degrees of freedom; nan without any."""
        return self.chisqr / self.dof if self.dof > 0 else math.nan

    @functools.cached_property
    def r2(self) -> float:
        """The part of the variance of y that the model explains; nan where y is constant."""
        y = self._problem.y
        total = float(np.sum((y - y.mean()) ** 2))
        return 1.0 - float(np.sum(self.residuals**2)) / total if total > 0 else math.nan

    @property
    def aic(self) -> float:
        """Akaike's criterion: n · log(χ² / n) + 2 · p; of a loss of your own 2 · cost + 2 · p."""
        return self._log_likelihood + 2 * len(self.free)

    @property
    def bic(self) -> float:
        """The Bayesian criterion: n · log(χ² / n) + log(n) · p."""
        return self._log_likelihood + math.log(self.n_rows) * len(self.free)

    @property
    def _log_likelihood(self) -> float:
        """-2 times it, but for a constant."""
        if self._problem.settings.loss == OWN:
            return 2.0 * self.cost
        return self.n_rows * math.log(self.chisqr / self.n_rows) if self.chisqr > 0 else -math.inf

    # How it ended.

    @property
    def success(self) -> bool:
        """Whether the fit converged."""
        return self.ended not in (fit_plan.TOO_MANY, fit_plan.NO_DERIVATIVE)

    @property
    def notes(self) -> list[str]:
        """What to know before using the result, a sentence each; none where all is well."""
        found = [] if self.success else [_ENDED[self.ended].capitalize()]
        if self.dof <= 0 and not self._problem.absolute_sigma:
            found.append(f"{self.n_rows} rows and {len(self.free)} parameters leave no degrees of freedom: no standard errors")
        elif self.pivots <= _UNDETERMINED and self.undetermined:
            names = " and ".join(self.undetermined)
            found.append(f"singular: the data do not determine {names}; fix one of them, or leave it out of the model")
        if self._problem.bounds is not None and self.at_bounds:
            found.append(
                f"at a bound: {', '.join(self.at_bounds)}; standard errors mean little there, so move the bound or fix it"
            )
        return found

    @property
    def status(self) -> str:
        """How the fit ended, in words, and what to do."""
        notes = self.notes if not self.success else [_ENDED[self.ended], *self.notes]
        return "; ".join(notes)

    def report(self) -> str:
        """A table of the parameters, and how well the model fits."""
        from scipy.special import stdtr

        interval, width = self.confidence_intervals(), max(9, *map(len, self.names))
        lines = [f"{'parameter':{width}} {'estimate':>15} {'std. error':>11} {'t':>9} {'p':>8}  95 % interval"]
        for k, name in enumerate(self.names):
            if k not in self.free:
                lines.append(f"{name:{width}} {self.values[k]:15.8g} {'fixed':>11}")
                continue
            error = self.stderr[k]
            t = self.values[k] / error if error > 0 else math.nan
            p = 2 * stdtr(self.dof, -abs(t)) if self.dof > 0 else math.nan
            low, high = interval[k]
            lines.append(f"{name:{width}} {self.values[k]:15.8g} {error:11.4g} {t:9.3g} {p:8.2g}  [{low:.6g}, {high:.6g}]")
        lines += [
            f"{self.n_rows} rows, {self.dof} degrees of freedom, χ² {self.chisqr:.6g}, reduced {self.redchi:.6g}",
            f"R² {self.r2:.6g}, AIC {self.aic:.6g}, BIC {self.bic:.6g}, condition {self.condition:.3g}",
            self.status,
        ]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.report()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value:.6g}" for name, value in self.parameters.items())
        return f"CurveFit({shown}; {self.status})"
