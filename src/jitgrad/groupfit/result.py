"""The fits of many groups: a row each."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals.stable.v1 as nw
import numpy as np

from jitgrad.criteria import Criteria, information_criteria
from jitgrad.curvefit.formula import Formula
from jitgrad.curvefit.least_squares import Data, Solution
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.result import CurveFit
from jitgrad.curvefit.rows import Observations
from jitgrad.errors import ArgumentError, FitError, near_name
from jitgrad.groupfit.given import Setting, is_frame, of_groups
from jitgrad.groupfit.predict import predict_arrays, predict_groups
from jitgrad.groupfit.statistics import covariances, judged, log_likelihoods, quality, scales_of, standard_errors
from jitgrad.groupfit.status import BY_CODE, WORDS, Status
from jitgrad.groupfit.summary import Summary, counted, summary_of
from jitgrad.groupfit.tables import Table

if TYPE_CHECKING:
    from jitgrad.groupfit.job import Job


class Found(NamedTuple):
    """What is known of each group; the first axis of all is the groups'.

    Attributes:
        codes: of Status, uint8 (G,).
        parameters: of all, float64 (G, p), also of fits that failed.
        outcomes, factors: of the solver, see ``Solution``.
        scales: what covariances are multiplied by, (G,).
        values, stderr: parameters and standard errors, (G, p); nan where a fit failed, as in the next:
        chisqr, r2: (G,).
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
    """What the fits of a job say, from what the solver found; ``joint`` of groups that share parameters, see ``CurveFit``."""
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


class GroupFits:
    """The result of ``fit_groups``: a row for each group, in the order of the keys.

    Its arrays have a number for each group, (G,), or one for each group and parameter, (G, p). Where arrays were fitted, y of
    shape (…, rows), G stands for their leading shape. A fit that failed has nan, and ``status`` says why. ``fits[i]``, or
    ``fits[i, j]`` of arrays, is the fit of a group as a ``CurveFit``, also where it failed, unless none was made.

    Parameters
    ----------
    job : Job
        What was fitted, without its data.
    table : Table
        The rows.
    setting : Setting
        What fits started from, and bounds.
    found : Found
        What came of it.
    joint : (float, int), optional
        Of groups that share parameters, what covariances are multiplied by, and the degrees of freedom of all rows.

    Attributes
    ----------
    job : Job
        What was fitted.
    remarks : list of str
        What is to be said of the model and the data, a clause each.
    """

    def __init__(self, job: Job, table: Table, setting: Setting, found: Found, joint: tuple[float, int] | None = None) -> None:
        self.job, self._table, self._setting, self._found, self._joint = job, table, setting, found, joint
        self.remarks = [*job.curve.remarks, *table.remarks]

    def __len__(self) -> int:
        return len(self._found.codes)

    # By group.

    @property
    def names(self) -> list[str]:
        """The parameters."""
        return self.job.names

    @property
    def keys(self) -> Any:
        """The keys, a frame in the library that the data came in; None of arrays."""
        return None if self._table.keys is None else self._table.keys.to_native()

    def _shaped(self, array: np.ndarray) -> np.ndarray:
        return array.reshape((*self._table.shape, *array.shape[1:]))

    @property
    def values(self) -> np.ndarray:
        """The parameters, (G, p)."""
        return self._shaped(self._found.values)

    @property
    def stderr(self) -> np.ndarray:
        """The standard errors, (G, p); 0 for what was fixed, inf where there are no degrees of freedom."""
        return self._shaped(self._found.stderr)

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The parameters by name, (G,) each."""
        return {name: self.values[..., k] for k, name in enumerate(self.names)}

    @property
    def chisqr(self) -> np.ndarray:
        """χ², (G,): the sums of squares of residuals over sigma."""
        return self._shaped(self._found.chisqr)

    @property
    def r2(self) -> np.ndarray:
        """The part of the variance of y, over sigma, that the model explains, (G,); nan where y is constant."""
        return self._shaped(self._found.r2)

    @functools.cached_property
    def log_likelihood(self) -> np.ndarray:
        """The logarithms of the likelihoods, (G,), see ``CurveFit.log_likelihood``; nan where groups share parameters."""
        loss = "joint" if self._joint is not None else self.job.options.loss
        return self._shaped(log_likelihoods(self._table, self._found.chisqr, self.job.absolute_sigma, loss))

    @property
    def aic(self) -> np.ndarray:
        """Akaike's criterion, (G,), by the conventions of ``jitgrad.criteria``, as the next two."""
        return np.asarray(self._criteria.aic)

    @property
    def aicc(self) -> np.ndarray:
        """Akaike's criterion for few rows, (G,); nan for fewer than two rows more than parameters."""
        return np.asarray(self._criteria.aicc)

    @property
    def bic(self) -> np.ndarray:
        """The Bayesian criterion, (G,)."""
        return np.asarray(self._criteria.bic)

    @property
    def _criteria(self) -> Criteria:
        return information_criteria(
            self.log_likelihood, len(self.job.free) + (not self.job.absolute_sigma), np.float64(self.n_rows)
        )

    @property
    def n_rows(self) -> np.ndarray:
        """How many rows each group has, (G,)."""
        return self._shaped(self._table.groups.parts[:, 1].astype(np.int64))

    @property
    def nfev(self) -> np.ndarray:
        """How often the model was computed for each group, (G,)."""
        return self._shaped(self._found.outcomes["nfev"].astype(np.int64))

    @property
    def status(self) -> np.ndarray:
        """How each fit ended, in words, (G,)."""
        return self._shaped(WORDS[self._found.codes])

    @property
    def converged(self) -> np.ndarray:
        """Which fits converged, bool (G,)."""
        return self._shaped(self._found.codes == Status.CONVERGED)

    # As tables.

    def frame(self) -> Any:
        """A table with a row for each group, in the library that the data came in; of arrays in Polars.

        Its columns are the keys, or ``index0`` … of arrays; the parameters; their standard errors, ``<name>_stderr``;
        ``chisqr``, ``r2``, ``rows``, ``nfev`` and ``status``.
        """
        found = self._found
        columns = {name: found.values[:, k] for k, name in enumerate(self.names)}
        columns |= {f"{name}_stderr": found.stderr[:, k] for k, name in enumerate(self.names)}
        columns |= {"chisqr": found.chisqr, "r2": found.r2, "rows": self.n_rows.ravel(), "nfev": self.nfev.ravel()}
        return self._with_keys(columns, {"status": WORDS}, found.codes)

    @property
    def failures(self) -> Any:
        """A table of the groups that failed: keys, ``rows``, ``status``, and ``reason``, which says what to do."""
        failed = np.flatnonzero(self._found.codes != Status.CONVERGED)
        reasons = np.array([status.reason for status in Status])
        rows = {"rows": self.n_rows.ravel()[failed]}
        return self._with_keys(rows, {"status": WORDS, "reason": reasons}, self._found.codes[failed], failed)

    def _with_keys(
        self, columns: dict[str, np.ndarray], texts: dict[str, np.ndarray], codes: np.ndarray, which: np.ndarray | None = None
    ) -> Any:
        """Columns of these groups, of all by default, beside their keys; of texts those with these numbers."""
        import polars as pl

        keys, library = self._table.keys, pl
        if keys is not None:
            keys, library = keys if which is None else keys[which], nw.get_native_namespace(keys)
        else:
            places, shape = np.arange(len(self)) if which is None else which, self._table.shape
            axes = np.unravel_index(places, shape) if shape else ()
            columns = {f"index{k}": place for k, place in enumerate(axes)} | columns
        given: dict[str, Any] = {name: np.ascontiguousarray(column) for name, column in columns.items()}
        for name, text in texts.items():
            words = nw.new_series(name, text.tolist(), nw.String, native_namespace=library)[codes]
            given[name] = nw.maybe_reset_index(words).to_native()
        made = nw.from_dict(given, native_namespace=library)
        return (made if keys is None else nw.concat([nw.maybe_reset_index(keys), made], how="horizontal")).to_native()

    def summary(self) -> Summary:
        """Groups, failures by reason, and quartiles of each parameter; ``print`` shows them."""
        found, remarks = self._found, list(self.remarks)
        bounds = self._setting.limits
        if bounds is not None:
            free = list(self.job.free)
            ended = ((found.values <= bounds.low) | (found.values >= bounds.high))[:, free].any(axis=1)
            remarks += [f"{counted(int(ended.sum()), 'group')} ended at a bound; standard errors are unreliable there"] * bool(
                ended.any()
            )
        negative = int((found.r2 < 0).sum())
        if negative and self.job.shared:
            remarks.append(f"{counted(negative, 'group')} fit worse than a constant: r2 < 0")
        model = self.job.curve.model
        text = (
            model.text if isinstance(model, Formula) else f"{getattr(model, '__name__', 'a function')}({', '.join(self.names)})"
        )
        by = f" by {', '.join(self.job.by)}" if self.job.by else ""
        rows = int(self._table.groups.parts[:, 1].sum())
        return summary_of(f"{text}{by}", self.names, found.values, found.codes, rows, remarks)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    # One group.

    def _number(self, index: Any) -> int:
        """The number of a group. Raises IndexError where there is none."""
        numbers = np.arange(len(self)).reshape(self._table.shape)[index]
        if np.ndim(numbers):
            raise ArgumentError(f"The groups have shape {self._table.shape}. Give one index for each axis, as in fits[0, 1].")
        return int(numbers)

    def label(self, index: Any) -> str:
        """The keys of a group, ``"plate=1, well=B7"``; of arrays its place."""
        g = self._number(index)
        if self._table.keys is None:
            return ", ".join(str(int(k)) for k in np.unravel_index(g, self._table.shape)) if self._table.shape else ""
        return ", ".join(f"{name}={value}" for name, value in zip(self.job.by, self._table.keys.row(g), strict=True))

    def __getitem__(self, index: Any) -> CurveFit:
        """The fit of a group as ``curve_fit`` gives it, also where it failed. Raises FitError where none could be made."""
        g = self._number(index)
        status, found = BY_CODE[self._found.codes[g]], self._found
        if not found.outcomes["status"][g]:
            raise FitError(f"Group {self.label(index)} was not fitted: {status.reason}.")
        free = list(self.job.free)
        of_one = Solution(found.parameters[g : g + 1, free], found.outcomes[g : g + 1], found.factors[g : g + 1])
        return CurveFit(self._problem(g), of_one, joint=self._joint)

    def rows(self, index: Any) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The columns that the model takes, by name, and the response of a group, whether it was fitted or not."""
        g = self._number(index)
        columns = dict(zip(self.job.x, self._table.columns_of(g), strict=True))
        return columns, self._table.groups.y[self._table.rows_of(g)]

    def plot(self, groups: Any = None, path: Any = None, **options: Any) -> Any:
        """Draw one fit, or a page of fits.

        Parameters
        ----------
        groups : index, str or sequence of indices, optional
            One index draws that fit, with its residuals, see ``pictures.curve_fit``. Otherwise "best", "worst", "failed", some
            indices, or, by default, twelve fits from the best to the worst, see ``pictures.group_fits``.
        path : str or PathLike, optional
            Where to write the picture; its ending says the kind.
        **options
            Of these functions.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from jitgrad import pictures

        is_place = isinstance(groups, tuple) and len(groups) == len(self._table.shape)
        if is_place or isinstance(groups, int | np.integer):
            return pictures.curve_fit(self[groups], path, **{"name": self.job.y, "title": self.label(groups)} | options)
        return pictures.group_fits(self, groups, path, **options)

    def _problem(self, g: int) -> Problem:
        """What was fitted in a group."""
        job, groups = self.job, self._table.groups
        part, columns = self._table.rows_of(g), self._table.columns_of(g)
        weights = None if groups.weights is None else groups.weights[part]
        sigma = None if self._table.sigma is None else self._table.sigma[part]
        observed = Observations(columns, groups.y[part], sigma, columns[0] if columns else None, [])
        limits = of_groups(self._setting.limits, g)
        data, held = Data(columns, observed.y, weights), self._found.parameters[g].copy()
        return Problem(job.curve, observed, data, None, held, list(job.free), limits, job.options, job.absolute_sigma)

    @property
    def covariances(self) -> np.ndarray:
        """The covariances of the parameters, (G, p, p): 0 for what was fixed, nan where a fit failed."""
        count, p = len(self), len(self.names)
        fitted, free = self._found.codes == Status.CONVERGED, list(self.job.free)
        found = np.zeros((count, p, p))
        found[np.ix_(fitted, free, free)] = covariances(self._found.factors[fitted], self._found.scales[fitted])
        found[~fitted] = math.nan
        return self._shaped(found)

    def covariance(self, index: Any) -> np.ndarray:
        """The covariance of the parameters of a group, (p, p); nan where its fit failed."""
        g, p = self._number(index), len(self.names)
        return self[index].covariance if self._found.codes[g] == Status.CONVERGED else np.full((p, p), math.nan)

    # What the fits are good for.

    def predict(self, data: Any = None) -> Any:
        """What the model says, with each group's parameters.

        Parameters
        ----------
        data : frame, array or mapping of columns, optional
            A frame with the keys and the columns that the model takes; or x for all groups, as it is given to ``fit_groups``
            beside arrays. By default, where arrays were fitted, their own x.

        Returns
        -------
        frame or array
            The frame with a column ``predicted``, which is nan where a group is unknown or its fit failed; or an array,
            (G, rows).

        Raises
        ------
        DataError
            If a column is missing, or the data already have a column ``predicted``.
        """
        groups = self._table.groups
        if data is None:
            rows = np.unique(groups.parts[:, 1])
            if self._table.keys is not None or len(rows) != 1:
                raise ArgumentError(
                    "The groups have different rows. Pass predict a frame with the keys, or one x for all groups."
                )
            return predict_groups(self.job.curve, groups, self._found.values).reshape(*self._table.shape, int(rows[0]))
        if self._table.keys is not None and (
            is_frame(data) or set(self.job.by) <= set(data if isinstance(data, Mapping) else ())
        ):
            return self.job.predict(data, self.frame())
        return predict_arrays(self.job, data, self.values)

    def refit(self, where: Any, starts: Any = None, *, threads: int | None = None, progress: bool = False) -> GroupFits:
        """Fit some groups again.

        Parameters
        ----------
        where : str, sequence of str, mask (G,), or numbers of groups
            Those of a status such as ``"not converged"``, or of several; those that are marked; or those with these numbers.
        starts : sequence, mapping, frame or array, optional
            Their starting values, as ``p0`` of ``fit_groups``. By default, interrupted groups start from the values of the
            first run, and starting values of other groups are searched for.
        threads : int, optional
            As of ``fit_groups``.
        progress : bool, default: False
            As of ``fit_groups``.

        Returns
        -------
        GroupFits
            A new result; the other groups are unchanged.

        Raises
        ------
        ArgumentError
            If there are no such groups, or the groups share parameters.
        """
        if self.job.shared:
            names = ", ".join(self.names[k] for k in self.job.shared)
            raise ArgumentError(f"The groups share {names} and are fitted together. Call fit_groups again with all groups.")
        chosen = self._chosen(where)
        part = self._table.part(chosen)
        if starts is not None:
            held = [k for k in range(len(self.names)) if k not in self.job.free]
            own = self.job.starts_of(starts, part)
            own[:, held] = self._setting.starts[chosen][:, held]
        else:
            own = self._setting.starts[chosen].copy()
            begun = self._found.codes[chosen] != Status.INTERRUPTED
            own[np.ix_(begun, list(self.job.free))] = math.nan
        limits = of_groups(self._setting.limits, chosen)
        again = self.job.fit_table(part, Setting(own, limits), threads=threads, progress=progress)
        found = Found(*[array.copy() for array in self._found])
        for to, new in zip(found, again._found, strict=True):
            to[chosen] = new
        setting = self._setting._replace(starts=self._setting.starts.copy())
        setting.starts[chosen] = own
        return GroupFits(self.job, self._table, setting, found)

    def _chosen(self, where: Any) -> np.ndarray:
        """The numbers of groups."""
        if isinstance(where, str):
            where = [where]
        if isinstance(where, Sequence) and all(isinstance(word, str) for word in where):
            words = WORDS.tolist()
            for word in where:
                if word not in words:
                    raise ArgumentError(
                        f"There is no status {word!r}.{near_name(word, words)} The statuses are {', '.join(words)}."
                    )
            return np.flatnonzero(np.isin(WORDS[self._found.codes], list(where)))
        array = np.asarray(where)
        if array.dtype == bool and array.shape == self._table.shape:
            return np.flatnonzero(array)
        numbers = np.arange(len(self))
        if array.dtype.kind not in "iu" or array.ndim > 1:
            raise ArgumentError(
                f"where is {where!r}. Give a status, a mask of shape {self._table.shape}, or numbers of groups."
            )
        try:
            return np.atleast_1d(numbers[array])
        except IndexError:
            raise ArgumentError(
                f"where contains a number out of range for {len(self)} groups. Give numbers from 0 to {len(self) - 1}."
            ) from None
