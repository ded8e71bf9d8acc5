"""The result of ``fit_groups``: tables, single fits, pictures, predictions and refits."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import narwhals.stable.v1 as nw
import numpy as np

from jitgrad.curvefit.least_squares import Data, Solution
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.result import CurveFit
from jitgrad.curvefit.rows import Observations
from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import ArgumentError, FitError, near_name
from jitgrad.groupfit.estimates import Found, GroupEstimates
from jitgrad.groupfit.given import Setting, is_frame, of_groups
from jitgrad.groupfit.predict import predict_arrays, predict_groups
from jitgrad.groupfit.status import BY_CODE, WORDS, Status
from jitgrad.groupfit.summary import Summary, counted, summary_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jitgrad.curvefit.data import Columns

Index: TypeAlias = int | np.integer[Any] | tuple[int | np.integer[Any], ...]
"""The number of a group, or one for each axis."""


class GroupFits(GroupEstimates):
    """The result of `fit_groups`, with one fit per group in the order of the keys.

    Arrays have shape (G,), or (G, p) with an element for each parameter. If arrays were fitted, with y of shape (..., rows), G
    stands for the leading shape. Failed fits have nan, and ``status`` and ``failures`` give the reasons. ``fits[i]``, or
    ``fits[i, j]`` for arrays, is the fit of a group as a `CurveFit`. The result prints as a summary.

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

    Attributes
    ----------
    names : list of str
        The parameters.
    keys : frame or None
        The keys of the groups.
    values, stderr : ndarray, shape (G, p)
        Estimates and standard errors.
    parameters : dict of str to ndarray, shape (G,)
        The estimates by name.
    covariances : ndarray, shape (G, p, p)
        The covariance matrices.
    chisqr, r2, log_likelihood, aic, aicc, bic : ndarray, shape (G,)
        Measures of fit.
    n_rows, nfev : ndarray of int, shape (G,)
        The numbers of rows and of evaluations of the model.
    status : ndarray of str, shape (G,)
        How each fit ended.
    converged : ndarray of bool, shape (G,)
        Whether each fit converged.
    job : Job
        The model and the options.
    remarks : list of str
        Remarks on the model and the data.

    See Also
    --------
    fit_groups : Returns this result.
    jitgrad.pictures.group_fits : Draw a page of fits.
    jitgrad.pictures.distributions : Draw the distributions of the parameters.
    jitgrad.pictures.parameter_maps : Draw maps of the parameters of an image.

    Examples
    --------
    >>> t = np.linspace(0, 3, 7)
    >>> y = np.stack([np.exp(-rate * t) for rate in (0.5, 1.0, 1.5)])
    >>> fits = jg.fit_groups("a * exp(-k * t)", {"t": t}, y)
    >>> fits.status.tolist()
    ['converged', 'converged', 'converged']
    >>> fits.parameters["k"].round(3)
    array([0.5, 1. , 1.5])
    >>> fits[1].r2
    1.0
    >>> fits.predict({"t": np.array([0.0, 1.0])}).round(3)
    array([[1.   , 0.607],
           [1.   , 0.368],
           [1.   , 0.223]])
    """

    # As tables.

    def frame(self) -> Any:
        """Return a table with one row per group.

        Returns
        -------
        frame
            In the library of the data, Polars for arrays. The columns are the keys (``index0``, ... for arrays), the
            parameters, their standard errors as ``<name>_stderr``, ``chisqr``, ``r2``, ``rows``, ``nfev`` and ``status``.

        Examples
        --------
        >>> t = np.linspace(0, 3, 7)
        >>> fits = jg.fit_groups("a * exp(-k * t)", {"t": t}, np.exp(-np.array([[0.5], [1.0]]) * t))
        >>> fits.frame().columns
        ['index0', 'a', 'k', 'a_stderr', 'k_stderr', 'chisqr', 'r2', 'rows', 'nfev', 'status']
        """
        found = self._found
        columns = {name: found.values[:, k] for k, name in enumerate(self.names)}
        columns |= {f"{name}_stderr": found.stderr[:, k] for k, name in enumerate(self.names)}
        columns |= {"chisqr": found.chisqr, "r2": found.r2, "rows": self.n_rows.ravel(), "nfev": self.nfev.ravel()}
        return self._with_keys(columns, {"status": WORDS}, found.codes)

    @property
    def failures(self) -> Any:
        """The groups that failed, a frame with the keys, ``rows``, ``status`` and ``reason``, which includes advice."""
        failed = np.flatnonzero(self._found.codes != Status.CONVERGED)
        reasons = np.array([status.reason for status in Status])
        rows = {"rows": self.n_rows.ravel()[failed]}
        return self._with_keys(rows, {"status": WORDS, "reason": reasons}, self._found.codes[failed], failed)

    def _with_keys(
        self, columns: dict[str, np.ndarray], texts: dict[str, np.ndarray], codes: np.ndarray, which: np.ndarray | None = None
    ) -> Any:
        """Return columns preceded by the keys of the groups. Codes are replaced by the elements of ``texts``."""
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
        """Return the number of groups, the failures by reason, and the quartiles of each parameter.

        Returns
        -------
        Summary
            The summary, which prints as text and displays as HTML.
        """
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
            model.text
            if isinstance(model, TextModel)
            else f"{getattr(model, '__name__', 'a function')}({', '.join(self.names)})"
        )
        by = f" by {', '.join(self.job.by)}" if self.job.by else ""
        rows = int(self._table.groups.parts[:, 1].sum())
        return summary_of(f"{text}{by}", self.names, found.values, found.codes, rows, remarks)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    # One group.

    def _number(self, index: Index) -> int:
        """Return the flat index of a group. Raises IndexError if it is out of range."""
        numbers = np.arange(len(self)).reshape(self._table.shape)[index]
        if np.ndim(numbers):
            raise ArgumentError(f"The groups have shape {self._table.shape}. Give one index for each axis, as in fits[0, 1].")
        return int(numbers)

    def label(self, index: Index) -> str:
        """Return the keys of a group as text.

        Parameters
        ----------
        index : int or tuple of int
            The number of the group, one integer per axis if arrays were fitted.

        Returns
        -------
        str
            Such as ``"plate=1, well=B7"``; the indices if arrays were fitted.
        """
        g = self._number(index)
        if self._table.keys is None:
            return ", ".join(str(int(k)) for k in np.unravel_index(g, self._table.shape)) if self._table.shape else ""
        return ", ".join(f"{name}={value}" for name, value in zip(self.job.by, self._table.keys.row(g), strict=True))

    def __getitem__(self, index: Index) -> CurveFit:
        """Return the fit of a group, even if it failed.

        Parameters
        ----------
        index : int or tuple of int
            The number of the group, one integer per axis if arrays were fitted.

        Returns
        -------
        CurveFit
            The fit.

        Raises
        ------
        FitError
            If the group was not fitted, for example because it has too few rows.
        """
        g = self._number(index)
        status, found = BY_CODE[self._found.codes[g]], self._found
        if not found.outcomes["status"][g]:
            raise FitError(f"Group {self.label(index)} was not fitted: {status.reason}.")
        free = list(self.job.free)
        of_one = Solution(found.parameters[g : g + 1, free], found.outcomes[g : g + 1], found.factors[g : g + 1])
        return CurveFit(self._problem(g), of_one, joint=self._joint)

    def rows(self, index: Index) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return the data of a group.

        Parameters
        ----------
        index : int or tuple of int
            The number of the group, one integer per axis if arrays were fitted.

        Returns
        -------
        columns : dict of str to ndarray
            The columns of the model.
        y : ndarray, shape (rows,)
            The response.
        """
        g = self._number(index)
        columns = dict(zip(self.job.x, self._table.columns_of(g), strict=True))
        return columns, self._table.response_of(g)

    def plot(self, groups: Any = None, path: str | os.PathLike[str] | None = None, **options: Any) -> Figure:
        """Draw one fit, or a page of fits.

        Parameters
        ----------
        groups : index, {"best", "worst", "failed"} or sequence of indices, optional
            A single index draws that fit with its residuals, using `pictures.curve_fit`. Everything else draws a page, using
            `pictures.group_fits`. By default, twelve fits are drawn, from the best to the worst.
        path : str or PathLike, optional
            Where to write the picture. The extension determines the format.
        **options : object
            Options of these functions.

        Returns
        -------
        matplotlib.figure.Figure
            The picture.
        """
        from jitgrad import pictures

        is_place = isinstance(groups, tuple) and len(groups) == len(self._table.shape)
        if is_place or isinstance(groups, int | np.integer):
            return pictures.curve_fit(self[groups], path, **{"name": self.job.y, "title": self.label(groups)} | options)
        return pictures.group_fits(self, groups, path, **options)

    def _problem(self, g: int) -> Problem:
        """Return the problem that was fitted in a group."""
        job, groups = self.job, self._table.groups
        part, columns = self._table.rows_of(g), self._table.columns_of(g)
        weights = None if groups.weights is None else groups.weights[part]
        sigma = None if self._table.sigma is None else self._table.sigma[part]
        observed = Observations(columns, groups.y[part], sigma, columns[0] if columns else None, [], self._table.response_of(g))
        limits = of_groups(self._setting.limits, g)
        data, held = Data(columns, observed.y, weights), self._found.parameters[g].copy()
        return Problem(job.curve, observed, data, None, held, list(job.free), limits, job.options, job.absolute_sigma)

    def covariance(self, index: Index) -> np.ndarray:
        """Return the covariance matrix of the parameters of a group.

        Parameters
        ----------
        index : int or tuple of int
            The number of the group, one integer per axis if arrays were fitted.

        Returns
        -------
        ndarray, shape (p, p)
            The matrix; nan if the fit failed.
        """
        g, p = self._number(index), len(self.names)
        return self[index].covariance if self._found.codes[g] == Status.CONVERGED else np.full((p, p), math.nan)

    # Predictions and refits.

    def predict(self, data: Columns | None = None) -> Any:
        """Evaluate the model with the parameters of each group.

        Parameters
        ----------
        data : frame, array_like or mapping, optional
            A frame with the keys and the columns of the model; or x for all groups, as for `fit_groups` with arrays. By
            default, if arrays were fitted, their x.

        Returns
        -------
        frame or ndarray, shape (G, rows)
            The frame with a column ``predicted``, which is nan for unknown groups and failed fits; or an array.

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
        where : str, sequence of str, or array_like
            A status such as ``"not converged"``, or several; a mask of shape (G,); or the numbers of groups.
        starts : sequence, mapping, frame or array_like, optional
            Starting values, as `p0` of `fit_groups`. By default, interrupted groups use those of the first run; for other
            groups starting values are searched for.
        threads : int, optional
            The number of threads, by default the number of cores.
        progress : bool, default False
            Whether to show the progress on stderr.

        Returns
        -------
        GroupFits
            A new result. The other groups are unchanged.

        Raises
        ------
        ArgumentError
            If no such groups exist, or the groups share parameters.

        Examples
        --------
        >>> t = np.linspace(0, 3, 7)
        >>> fits = jg.fit_groups("a * exp(-k * t)", {"t": t}, np.exp(-np.array([[0.5], [1.0]]) * t), max_nfev=2)
        >>> again = fits.refit("not converged", [1.0, 1.0])
        >>> len(again)
        2
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
        """Return the flat indices of groups."""
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
