"""The estimates of many groups, as arrays."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jitgrad.criteria import Criteria, information_criteria
from jitgrad.curvefit.least_squares import Solution
from jitgrad.groupfit.given import Setting
from jitgrad.groupfit.statistics import covariances, judged, log_likelihoods, quality, scales_of, standard_errors
from jitgrad.groupfit.status import WORDS, Status
from jitgrad.groupfit.tables import Table

if TYPE_CHECKING:
    from jitgrad.groupfit.job import Job


class Found(NamedTuple):
    """The numbers found for each group. The first axis indexes the groups.

    Attributes
    ----------
    codes : ndarray of uint8, shape (G,)
        Codes of `Status`.
    parameters : ndarray, shape (G, p)
        All parameters, including those of failed fits.
    outcomes, factors : ndarray
        From the solver; see `Solution`.
    scales : ndarray, shape (G,)
        The scales of the covariances.
    values, stderr : ndarray, shape (G, p)
        Parameters and standard errors, nan for failed fits.
    chisqr, r2 : ndarray, shape (G,)
        Measures of fit, nan for failed fits.
    """

    codes: np.ndarray
    parameters: np.ndarray
    outcomes: np.ndarray
    factors: np.ndarray
    scales: np.ndarray
    values: np.ndarray
    stderr: np.ndarray
    chisqr: np.ndarray
    r2: np.ndarray


def found_by(
    job: Job, table: Table, setting: Setting, solution: Solution, codes: np.ndarray, joint: tuple[float, int] | None
) -> Found:
    """Return the estimates of a job from the result of the solver; see `GroupEstimates` for ``joint``."""
    free, rows = list(job.free), table.groups.parts[:, 1].astype(np.float64)
    parameters, errors = setting.starts.copy(), np.zeros(setting.starts.shape)
    parameters[:, free] = solution.parameters
    scales = scales_of(solution, rows, job.absolute_sigma) if joint is None else np.full(len(table), joint[0])
    errors[:, free] = standard_errors(solution.factors, scales)
    codes = judged(table, codes, solution, scales, errors[:, free], joint is None and job.options.loss == "linear")
    converged = codes == Status.CONVERGED
    values = np.where(converged[:, None], parameters, math.nan)
    errors[~converged] = math.nan
    chisqr, r2 = quality(table, job.curve, values, np.where(converged, solution.outcomes["cost"], math.nan), job.options.loss)
    return Found(codes, parameters, solution.outcomes, solution.factors, scales, values, errors, chisqr, r2)


class GroupEstimates:
    """The part of `GroupFits` that holds the estimates.

    Parameters
    ----------
    job : Job
        The model and the options.
    table : Table
        The rows.
    setting : Setting
        The starting values and the bounds.
    found : Found
        The estimates.
    joint : tuple of float and int, optional
        For groups that share parameters: the scale of the covariance, and the degrees of freedom of all rows.
    """

    def __init__(self, job: Job, table: Table, setting: Setting, found: Found, joint: tuple[float, int] | None = None) -> None:
        self.job, self._table, self._setting, self._found, self._joint = job, table, setting, found, joint
        self.remarks = [*job.curve.remarks, *table.remarks]

    def __len__(self) -> int:
        return len(self._found.codes)

    # By group.

    @property
    def names(self) -> list[str]:
        """The names of the parameters."""
        return self.job.names

    @property
    def keys(self) -> Any:
        """The keys of the groups, a frame in the library of the data; None if arrays were fitted."""
        return None if self._table.keys is None else self._table.keys.to_native()

    def _shaped(self, array: np.ndarray) -> np.ndarray:
        return array.reshape((*self._table.shape, *array.shape[1:]))

    @property
    def values(self) -> np.ndarray:
        """The parameters, shape (G, p); nan for failed fits."""
        return self._shaped(self._found.values)

    @property
    def stderr(self) -> np.ndarray:
        """The standard errors, shape (G, p): 0 for fixed parameters, inf without degrees of freedom, nan for failed fits."""
        return self._shaped(self._found.stderr)

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The parameters by name, a dict of arrays of shape (G,)."""
        return {name: self.values[..., k] for k, name in enumerate(self.names)}

    @property
    def chisqr(self) -> np.ndarray:
        """χ², shape (G,): the sums of the squared residuals divided by sigma."""
        return self._shaped(self._found.chisqr)

    @property
    def r2(self) -> np.ndarray:
        """R², shape (G,): the fractions of the (weighted) variance of y that the model explains; nan for a constant y."""
        return self._shaped(self._found.r2)

    @functools.cached_property
    def log_likelihood(self) -> np.ndarray:
        """The log-likelihoods, shape (G,), as in `CurveFit.log_likelihood`; nan if groups share parameters."""
        loss = "joint" if self._joint is not None else self.job.options.loss
        return self._shaped(log_likelihoods(self._table, self._found.chisqr, self.job.absolute_sigma, loss, self.job.curve.log))

    @property
    def aic(self) -> np.ndarray:
        """Akaike's information criterion, shape (G,); see `jitgrad.criteria`."""
        return np.asarray(self._criteria.aic)

    @property
    def aicc(self) -> np.ndarray:
        """Akaike's information criterion corrected for small samples, shape (G,); nan unless rows > parameters + 1."""
        return np.asarray(self._criteria.aicc)

    @property
    def bic(self) -> np.ndarray:
        """The Bayesian information criterion, shape (G,)."""
        return np.asarray(self._criteria.bic)

    @property
    def _criteria(self) -> Criteria:
        return information_criteria(
            self.log_likelihood, len(self.job.free) + (not self.job.absolute_sigma), np.float64(self.n_rows)
        )

    @property
    def n_rows(self) -> np.ndarray:
        """The number of rows of each group, shape (G,)."""
        return self._shaped(self._table.groups.parts[:, 1].astype(np.int64))

    @property
    def nfev(self) -> np.ndarray:
        """The number of evaluations of the model for each group, shape (G,)."""
        return self._shaped(self._found.outcomes["nfev"].astype(np.int64))

    @property
    def status(self) -> np.ndarray:
        """How each fit ended, an array of str, shape (G,), such as ``"converged"`` or ``"too few rows"``."""
        return self._shaped(WORDS[self._found.codes])

    @property
    def converged(self) -> np.ndarray:
        """Which fits converged, an array of bool, shape (G,)."""
        return self._shaped(self._found.codes == Status.CONVERGED)

    @property
    def covariances(self) -> np.ndarray:
        """The covariance matrices of the parameters, shape (G, p, p): 0 for fixed parameters, nan for failed fits."""
        count, p = len(self), len(self.names)
        fitted, free = self._found.codes == Status.CONVERGED, list(self.job.free)
        found = np.zeros((count, p, p))
        found[np.ix_(fitted, free, free)] = covariances(self._found.factors[fitted], self._found.scales[fitted])
        found[~fitted] = math.nan
        return self._shaped(found)
