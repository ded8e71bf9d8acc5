"""What a fit found out: the parameters, how certain they are, how well they fit, and how the fit ended."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from jitgrad.criteria import Criteria, information_criteria
from jitgrad.curvefit.estimates import Estimates, Row
from jitgrad.curvefit.inverse import Inverse
from jitgrad.curvefit.least_squares import Solution
from jitgrad.curvefit.minimise import RHO
from jitgrad.curvefit.notebook import result_html
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.status import Status, status_of
from jitgrad.errors import ArgumentError

WORSE, BEYOND = 1e-6, 1e6
"""Of squares of residuals, and of the numbers of a fit: what is more is no matter of rounding."""
NEARLY = 1e-9
"""A pivot of the Jacobian beside the largest, below which its singular values are asked, which may be smaller."""
OWN_LOSS = "own"
"""The loss of a fit by a function of the user's."""


class Outliers(NamedTuple):
    """Rows that were left out of a fit.

    Attributes:
        rows: their numbers, among the rows that were given without nan.
        columns: of the model, what they have there.
        y: what was measured.
        q: the rate of false discoveries that was asked for.
    """

    rows: np.ndarray
    columns: list[np.ndarray]
    y: np.ndarray
    q: float


class CurveFit(Estimates):
    """The result of ``curve_fit``. Unpacks as SciPy's: ``popt, pcov = result``.

    ``converged`` says whether the fit ended in a minimum, ``success`` whether that says something about the data, ``warnings``
    what needs care, ``notes`` all there is to know, and ``message`` how the fit ended and the notes. Beside what all Estimates
    have:

    Args:
        problem: what was fitted.
        solution: of one fit or of several.
        i: which of them it is.
        joint: where it is part of a fit of more rows, what covariances are multiplied by, and the degrees of freedom.

    Attributes:
        cost: half the sum of the squared weighted residuals, or what another loss makes of them.
        n_rows: how many rows were fitted.
        dof: degrees of freedom, rows minus fitted parameters; those of all rows of a joint fit.
        nfev, njev: how often the model and its derivatives were computed.
        n_minima: in how many different minima the best starts ended; None where starting values were given.
        n_starts: how many starts there were.
        status: how the fit ended.
        rcond: the smallest beside the largest pivot of the Jacobian, its columns scaled to norm one.
        outliers: the rows that were left out; None where they were not looked for.
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

    # As SciPy has it.

    @property
    def popt(self) -> np.ndarray:
        """The parameters, (p,)."""
        return self.values.copy()

    @property
    def pcov(self) -> np.ndarray:
        """The covariance as SciPy has it, (p, p): all inf where a parameter has no influence, see ``covariance``."""
        all_count = self.factor.any(axis=0).all()
        return self.covariance if all_count else np.full_like(self.covariance, np.inf)

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter((self.popt, self.pcov))

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> np.ndarray:
        return (self.popt, self.pcov)[index]

    @property
    def loss(self) -> str:
        """How residuals counted: a name, "own" for a function of the user's."""
        return self._problem.options.loss

    def table(self, level: float = 0.95) -> list[Row]:
        """As ``Estimates.table``; nothing is tested where the model meets the data to rounding."""
        rows = super().table(level)
        return [row._replace(t=math.nan, p=math.nan) for row in rows] if self.status is Status.EXACT else rows

    # Of the rows that were fitted.

    @property
    def x(self) -> dict[str, np.ndarray]:
        """The columns that the model takes, by name; an array that a function takes as it is has the name ""."""
        return dict(zip(self.curve.columns, self._problem.columns, strict=True))

    @property
    def y(self) -> np.ndarray:
        """The response, (rows,)."""
        return self._problem.y

    @functools.cached_property
    def sigma(self) -> np.ndarray | None:
        """The standard deviations of the response, (rows,), as they were given; None where they were not."""
        sigma = self._problem.observed.sigma
        if sigma is None:
            return None
        return np.sqrt(np.diag(sigma)) if sigma.ndim == 2 else np.broadcast_to(sigma, self.n_rows)

    @functools.cached_property
    def by_rows(self) -> bool:
        """Whether the model takes rows one by one; not so where it has their mean in it, or an array of its own for them."""
        return self.curve.goes_by_rows(self._problem.columns, self.free, self.n_rows)

    def predict(self, x: Any = None) -> np.ndarray:
        """As ``Estimates.predict``; by default for the rows that were fitted."""
        if x is None:
            return self.curve.values(self.values, self.free, self._problem.columns, self.n_rows)
        return super().predict(x)

    def band(
        self, x: Any = None, level: float = 0.95, prediction: bool = False, sigma: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """As ``Estimates.band``; by default for the rows that were fitted, with their sigma."""
        if prediction and sigma is None and self.sigma is not None:
            if x is not None:
                raise ArgumentError("band: the fit used sigma. Give sigma of the new measurements, a number or one per row.")
            sigma = self.sigma
        if x is None:
            return self._band(self._problem.columns, self.n_rows, level, prediction, sigma)
        return super().band(x, level, prediction, sigma)

    def inverse(
        self,
        y: Any,
        within: tuple[float, float] | None = None,
        level: float = 0.95,
        replicates: float = 1,
        sigma: Any = None,
    ) -> Inverse:
        """As ``Estimates.inverse``; by default within the range of the data."""
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
        """y minus what the model says, (rows,)."""
        return self._problem.y - self.predict()

    # How well it fits.

    @functools.cached_property
    def chisqr(self) -> float:
        """χ²: the sum of the squares of residuals over sigma."""
        if self._problem.options.loss == "linear":
            return 2.0 * self.cost
        return float(np.sum(self._problem.weighted(self.residuals) ** 2))

    @property
    def redchi(self) -> float:
        """χ² over the degrees of freedom; nan without any."""
        return self.chisqr / self.dof if self.dof > 0 else math.nan

    @functools.cached_property
    def r2(self) -> float:
        """The part of the variance of y, over sigma, that the model explains; nan where y is constant. As R's, it is below 0
        where a constant is nearer to y."""
        total = self._squares_beside_a_constant
        return 1.0 - self.chisqr / total if total > 0 else math.nan

    @functools.cached_property
    def log_likelihood(self) -> float:
        """The logarithm of the likelihood of normal errors, with its constants, as R's ``logLik``.

        Where sigma is not absolute, the scale of the errors is the most likely one. That of a loss of your own is -cost; of
        a loss by name but "linear" there is none, and it is nan, as for one of several groups that share parameters.
        """
        n, options = self.n_rows, self._problem.options
        if options.loss == OWN_LOSS:
            return -self.cost
        if options.loss != "linear" or self._is_joint:
            return math.nan
        logs = self._problem.log_weights - 0.5 * n * math.log(2.0 * math.pi)
        if self._problem.absolute_sigma:
            return logs - self.cost
        return logs - 0.5 * n * (1.0 + math.log(self.chisqr / n)) if self.chisqr > 0 else math.inf

    @functools.cached_property
    def _criteria(self) -> Criteria:
        scale_is_known = self._problem.absolute_sigma  # also where the loss is the user's own
        return information_criteria(self.log_likelihood, len(self.free) + (not scale_is_known), self.n_rows)

    @property
    def aic(self) -> float:
        """Akaike's criterion, by the conventions of ``jitgrad.criteria``: a sigma that is not absolute is a parameter, too."""
        return float(self._criteria.aic)

    @property
    def aicc(self) -> float:
        """Akaike's criterion for few rows; nan for fewer than two rows more than parameters."""
        return float(self._criteria.aicc)

    @property
    def bic(self) -> float:
        """The Bayesian criterion."""
        return float(self._criteria.bic)

    # How it ended.

    @functools.cached_property
    def at_bounds(self) -> list[str]:
        """Parameters that ended at a bound."""
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
        """Whether the fit converged, to parameters that the data determine, and is no worse than a constant."""
        return self.converged and not self._loose_names and not self._names_adrift and not self._is_worse_than_a_constant

    @property
    def warnings(self) -> list[str]:
        """What needs care before using the result, a sentence each; none where all is well."""
        found = [] if self.converged else [self.status.message.capitalize()]
        loose, adrift = self._loose_names, self._names_adrift
        if self.dof <= 0 and not self._problem.absolute_sigma:
            found.append(
                f"{self.n_rows} rows and {len(self.free)} parameters leave no degrees of freedom: standard errors are undefined"
            )
        elif loose:
            names = " and ".join(loose)
            one = "it" if len(loose) == 1 else "one of them"
            found.append(f"singular: the data do not determine {names}; fix {one}, or remove {one} from the model")
        elif adrift:
            names = " and ".join(adrift)
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
        """What to know about the result, a sentence each: the warnings, and how it was come by where that matters."""
        return [*self.warnings, *self._problem.observed.remarks]

    @property
    def message(self) -> str:
        """How the fit ended, in words, and the notes. Of a fit that says nothing of the data, these come first."""
        if not self.converged:
            return "; ".join(self.notes)
        if self._loose_names or self._names_adrift or self._is_worse_than_a_constant:
            return "; ".join([*self.notes, self.status.message.removeprefix("converged: ")])
        return "; ".join([self.status.message, *self.notes])

    @property
    def _loose_names(self) -> list[str]:
        """Parameters that the data do not determine, where the Jacobian is singular."""
        return self.undetermined if self.rcond <= NEARLY else []

    @property
    def _names_adrift(self) -> list[str]:
        """Parameters whose standard errors are beyond all numbers of the fit: where it ended, the model hardly has them."""
        least = min(map(abs, self.factor.diagonal().tolist()), default=math.inf)
        if math.sqrt(self.scale) < BEYOND * self.rcond * least:  # the usual case, told without a decomposition
            return []
        numbers = [1.0, float(np.abs(self._problem.y).max(initial=0.0))]
        columns = [x for x in self._problem.columns if isinstance(x, np.ndarray) and x.dtype.kind in "biuf"]
        numbers += [float(np.abs(column).max(initial=0.0)) for column in columns]
        limit = np.maximum(np.abs(self.values), max(numbers))
        return [self.names[k] for k in self.free if limit[k] < self.stderr[k] / BEYOND < math.inf]

    @property
    def _is_worse_than_a_constant(self) -> bool:
        """Whether the squares of residuals over sigma are more than those of the best constant, or what another loss makes of
        them more than of the median.

        Not asked where y is constant, as in the fit of an implicit equation.
        """
        y, options = self._problem.y, self._problem.options
        if options.loss == OWN_LOSS or self.n_rows < 2:
            return False
        if options.loss != "linear":
            scaled = self._problem.weighted(y - np.median(y)) / options.scale
            return self.cost > (1 + WORSE) * 0.5 * options.scale**2 * float(np.sum(RHO[options.loss](scaled**2))) > 0
        if self._problem.observed.sigma is None and 2.0 * self.cost < 0.5 * float(y[0] - y[-1]) ** 2:
            return False  # no constant is nearer to these two rows alone
        constant, y = self._squares_beside_a_constant, self._problem.weighted(y)
        return 2.0 * self.cost > constant * (1 + WORSE) and constant > WORSE**2 * float(y @ y)

    @functools.cached_property
    def _squares_beside_a_constant(self) -> float:
        """The sum of squares of y minus the constant that is nearest to it, over sigma."""
        one, y = self._problem.weighted(np.ones(self.n_rows)), self._problem.weighted(self._problem.y)
        return float(np.sum((y - one * ((one @ y) / (one @ one))) ** 2))

    def report(self) -> str:
        """A table of the parameters, and how well the model fits."""
        width = max(9, *map(len, self.names))
        lines = [f"{'parameter':{width}} {'estimate':>15} {'std. error':>11} {'t':>9} {'p':>8}  95 % interval"]
        for name, estimate, error, t, p, low, high in self.table():
            of = f"{error:11.4g} {t:9.3g} {p:8.2g}  [{low:.6g}, {high:.6g}]" if not math.isnan(error) else f"{'fixed':>11}"
            lines.append(f"{name:{width}} {estimate:15.8g} {of}")
        lines += [
            f"{self.n_rows} rows, {self.dof} degrees of freedom, χ² {self.chisqr:.6g}, reduced {self.redchi:.6g}",
            f"R² {self.r2:.6g}, AIC {self.aic:.6g}, AICc {self.aicc:.6g}, BIC {self.bic:.6g}, condition {self.condition:.3g}",
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
