"""The fits of many groups: a row each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v1 as nw
import numpy as np

from jitgrad.curvefit.least_squares import Data, Solution
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.result import CurveFit
from jitgrad.curvefit.rows import Observations
from jitgrad.errors import FitError
from jitgrad.groupfit.statistics import quality, scales_of, standard_errors
from jitgrad.groupfit.status import BY_CODE, WORDS, Status
from jitgrad.groupfit.tables import Table

if TYPE_CHECKING:
    from jitgrad.groupfit.job import Job


class GroupFits:
    """The result of ``fit_groups``: a row for each group, in the order of the keys."""

    def __init__(
        self, job: Job, table: Table, solution: Solution, codes: np.ndarray, values: np.ndarray, stderr: np.ndarray,
        chisqr: np.ndarray, r2: np.ndarray,
    ) -> None:  # fmt: skip
        self.job, self._table, self._solution, self._codes = job, table, solution, codes
        self._values, self._stderr, self._chisqr, self._r2 = values, stderr, chisqr, r2
        self.remarks = list(table.remarks)

    @classmethod
    def made(cls, job: Job, table: Table, starts: np.ndarray, solution: Solution, codes: np.ndarray) -> GroupFits:
        """The result of fits, from what the solver found."""
        failed = codes != Status.CONVERGED
        free = list(job.free)
        starts[:, free] = solution.parameters
        scales = scales_of(solution, table.groups.parts[:, 1].astype(np.float64), job.absolute_sigma)
        errors = np.zeros(starts.shape)
        errors[:, free] = standard_errors(solution.factors, scales)
        values = starts.copy()
        chisqr, r2 = quality(table, job.curve, values, solution.outcomes["cost"], job.options.loss)
        for array in (values, errors, chisqr, r2):
            array[failed] = np.nan
        return cls(job, table, solution, codes, values, errors, chisqr, r2)

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def names(self) -> list[str]:
        """The parameters."""
        return self.job.names

    @property
    def keys(self) -> Any:
        """The keys, a frame in the library that the data came in; None of arrays."""
        return None if self._table.keys is None else self._table.keys.to_native()

    def _shaped(self, array: np.ndarray) -> np.ndarray:
        return array.reshape(*self._table.shape, *array.shape[1:])

    @property
    def values(self) -> np.ndarray:
        """The parameters, (G, p); nan where a fit failed. Of arrays G is the leading shape, as everywhere."""
        return self._shaped(self._values)

    @property
    def stderr(self) -> np.ndarray:
        """The standard errors, (G, p); 0 for what was fixed, inf without degrees of freedom."""
        return self._shaped(self._stderr)

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The parameters by name, (G,) each."""
        return {name: self.values[..., k] for k, name in enumerate(self.names)}

    @property
    def chisqr(self) -> np.ndarray:
        """χ², (G,): the sums of squares of residuals over sigma."""
        return self._shaped(self._chisqr)

    @property
    def r2(self) -> np.ndarray:
        """The part of the variance of y that the model explains, (G,)."""
        return self._shaped(self._r2)

    @property
    def n_rows(self) -> np.ndarray:
        """How many rows each group has, (G,)."""
        return self._shaped(self._table.groups.parts[:, 1].astype(np.int64))

    @property
    def nfev(self) -> np.ndarray:
        """How often the model was computed for each group, (G,)."""
        return self._shaped(self._solution.outcomes["nfev"].astype(np.int64))

    @property
    def status(self) -> np.ndarray:
        """How each fit ended, (G,), in words."""
        return self._shaped(WORDS[self._codes])

    @property
    def converged(self) -> np.ndarray:
        """Which fits converged, bool (G,)."""
        return self._shaped(self._codes == Status.CONVERGED)

    def frame(self) -> Any:
        """A table with a row for each group, in the library that the data came in; of arrays in Polars.

        Its columns are the keys, or indices ``index0`` … of arrays; the parameters; their standard errors, ``<name>_stderr``;
        ``chisqr``, ``r2``, ``rows``, ``nfev`` and ``status``.
        """
        columns: dict[str, Any] = {name: self._values[:, k] for k, name in enumerate(self.names)}
        columns |= {f"{name}_stderr": self._stderr[:, k] for k, name in enumerate(self.names)}
        columns |= {"chisqr": self._chisqr, "r2": self._r2, "rows": self.n_rows.ravel(), "nfev": self.nfev.ravel()}
        keys = self._table.keys
        if keys is None:
            import polars as pl

            places = np.unravel_index(np.arange(len(self)), self._table.shape)
            columns = {f"index{k}": place for k, place in enumerate(places)} | columns
            return pl.DataFrame(columns | {"status": WORDS[self._codes].tolist()})
        made = nw.from_dict(
            {name: np.ascontiguousarray(column) for name, column in columns.items()} | {"status": WORDS[self._codes].tolist()},
            native_namespace=nw.get_native_namespace(keys),
        )
        return nw.concat([keys, made], how="horizontal").to_native()

    def __getitem__(self, index: Any) -> CurveFit:
        """The fit of a group as a CurveFit. Raises FitError where none was made."""
        g = int(np.arange(len(self)).reshape(self._table.shape)[index])
        status = BY_CODE[self._codes[g]]
        if not self._solution.outcomes["status"][g]:
            raise FitError(f"Group {index} was not fitted: {status.word}, {status.reason}.")
        return CurveFit(self._problem(g), self._solution, g)

    def _problem(self, g: int) -> Problem:
        """What was fitted in a group."""
        job, table = self.job, self._table
        part, columns, free = table.rows_of(g), table.columns_of(g), list(job.free)
        y = table.groups.y[part]
        weights = None if table.groups.weights is None else table.groups.weights[part]
        sigma = None if table.sigma is None else table.sigma[part]
        observed = Observations(columns, y, sigma, columns[0] if columns else None, [])
        data, held = Data(columns, y, weights), self._values[g].copy()
        return Problem(job.curve, observed, data, None, held, free, None, job.options, job.absolute_sigma)
