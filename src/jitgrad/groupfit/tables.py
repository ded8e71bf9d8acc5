"""Conversion of long tables to groups of consecutive rows: keys and their order."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import narwhals.stable.v1 as nw
import numpy as np

from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.rows import logarithms
from jitgrad.errors import DataError, listed, near_name
from jitgrad.groupfit.measures import Measures, measures_of

ROW, ROW_OF_GROUP = "__row", "__row_of_group"
"""Temporary columns of row numbers for sorting and joining."""


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of many groups, group after group.

    Attributes
    ----------
    keys : frame or None
        One row per group, in order; None for arrays.
    shape : tuple of int
        The number of groups, or the leading shape of arrays.
    groups : Groups
        The rows. Weights are computed from sigma.
    sigma : ndarray, shape (rows,), or None
        As given, in float64.
    extra : dict of str to ndarray, shape (rows,)
        Additional columns.
    remarks : sequence of str
        Remarks on the rows, a clause each.
    response : ndarray, shape (rows,), or None
        The response as given, if the groups have its logarithm.
    """

    keys: Any
    shape: tuple[int, ...]
    groups: Groups
    sigma: np.ndarray | None
    extra: Mapping[str, np.ndarray]
    remarks: Sequence[str] = ()
    response: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.groups.parts)

    def rows_of(self, g: int) -> slice:
        """Return the rows of a group."""
        first, count = self.groups.parts[g].tolist()
        return slice(first, first + count)

    def columns_of(self, g: int) -> list[np.ndarray]:
        """Return the columns of the model for a group."""
        part = self.rows_of(g)
        return [column if self.groups.shared else column[part] for column in self.groups.columns]

    def part(self, chosen: np.ndarray) -> Table:
        """Return some of the groups, in this order, with only their rows."""
        groups = self.groups
        first, count = groups.parts[chosen].astype(np.int64).T
        stop = np.cumsum(count)
        rows = np.repeat(first - (stop - count), count) + np.arange(int(count.sum()))
        groups = Groups(
            groups.columns if groups.shared else [column[rows] for column in groups.columns],
            groups.y[rows],
            None if groups.weights is None else groups.weights[rows],
            np.column_stack([stop - count, count]).astype(np.uint64),
            groups.shared,
        )
        return Table(
            None if self.keys is None else nw.maybe_reset_index(self.keys[chosen]),
            (len(chosen),),
            groups,
            None if self.sigma is None else self.sigma[rows],
            {name: column[rows] for name, column in self.extra.items()},
            response=None if self.response is None else self.response[rows],
        )

    def logarithmic(self) -> Table:
        """Return the table with the logarithm of the response. Raises DataError if it is not positive."""
        if self.response is not None:
            return self
        y = self.groups.y
        logs = np.full(len(y), np.nan)
        logs[~np.isnan(y)] = logarithms(y[~np.isnan(y)])
        return replace(self, groups=self.groups._replace(y=logs), response=y)

    def response_of(self, g: int) -> np.ndarray:
        """Return the response of a group as given."""
        return (self.groups.y if self.response is None else self.response)[self.rows_of(g)]

    @functools.cached_property
    def measures(self) -> Measures:
        """The measures of the rows of each group."""
        return measures_of(self.groups)


def frame_of(data: Any) -> nw.DataFrame[Any]:
    """Return a frame of any library, or a mapping of columns, as a narwhals frame. Raises DataError for other data."""
    import polars as pl

    if isinstance(data, Mapping):
        try:
            data = pl.DataFrame(
                {name: column if isinstance(column, list) else np.asarray(column) for name, column in data.items()}
            )
        except pl.exceptions.ShapeError as error:
            raise DataError(f"The columns have different lengths: {error}. Give all columns the same number of rows.") from None
    names = [] if hasattr(data, "collect") else list(getattr(data, "columns", ()))
    for name in names:
        if isinstance(name, str) and names.count(name) > 1:
            raise DataError(f"The data have several columns named {name!r}. Rename them.")
    try:
        return nw.from_native(data, eager_only=True)
    except TypeError:
        advice = "Give a frame of pandas, Polars or PyArrow, or a dict of columns"
        if hasattr(data, "collect"):
            advice = "Collect it"
        elif hasattr(data, "compute"):
            advice = "Compute it, or use jitgrad.distributed.dask"
        raise DataError(f"The data are of type {type(data).__name__}. {advice}.") from None


def check_column(name: str, names: Sequence[str]) -> None:
    """Raise DataError for a name that is not among these."""
    if name not in names:
        raise DataError(f"There is no column {name!r}.{near_name(name, names)} The columns are {listed(names)}.")


def column_of(frame: nw.DataFrame[Any], name: str) -> Any:
    """Return a column by its name. Raises DataError if it is missing."""
    check_column(name, frame.columns)
    return frame.get_column(name)


def numbers(frame: nw.DataFrame[Any], name: str) -> np.ndarray:
    """Return a column as float64 with nan for missing values, without a copy if possible. Raises DataError for text."""
    column = column_of(frame, name)
    if not (column.dtype.is_numeric() or column.dtype == nw.Boolean):
        raise DataError(f"Column {name!r} has type {column.dtype}, which is not numeric. Convert it to float.")
    column = column if column.dtype == nw.Float64 else column.cast(nw.Float64)
    return np.asarray(column.to_numpy(), np.float64)


class Grouping(NamedTuple):
    """How the rows of a frame form groups.

    Attributes
    ----------
    keys : frame
        One row per group.
    order : ndarray of int or None
        The rows sorted by key; None if they are sorted.
    parts : ndarray of uint64, shape (G, 2)
        The first row and the number of rows of each group.
    without : int
        The number of rows without a key.
    """

    keys: nw.DataFrame[Any]
    order: np.ndarray | None
    parts: np.ndarray
    without: int


def grouping(frame: nw.DataFrame[Any], by: Sequence[str]) -> Grouping:
    """Return the groups of equal keys, sorted by key; rows keep their order in a group. Rows without a key are dropped."""
    keys = frame.select([_sortable(column_of(frame, name)) for name in by])
    missing = [own for own in (_missing(keys.get_column(name)) for name in by) if own is not None]
    order = np.flatnonzero(~np.logical_or.reduce(missing)) if missing else None
    without = 0 if order is None else len(keys) - len(order)
    if order is not None:
        keys = keys[order]
    changes, falls = _steps(keys, by)
    if falls:
        keys = keys.with_row_index(ROW).sort(*by, ROW)
        own = keys.get_column(ROW).to_numpy().astype(np.int64)
        order = own if order is None else order[own]
        changes, _ = _steps(keys, by)
    count = len(keys)
    first = np.concatenate([[0], changes]) if count else np.empty(0, np.int64)
    parts = np.column_stack([first, np.diff(np.append(first, count))]).astype(np.uint64)
    firsts = frame.select(list(by))[first if order is None else order[first]]
    return Grouping(nw.maybe_reset_index(firsts), order, parts, without)


def _sortable(column: Any) -> Any:
    """Return a column of keys that can be sorted, categories as text."""
    return column.cast(nw.String) if column.dtype in (nw.Categorical, nw.Enum) else column


def _missing(column: Any) -> np.ndarray | None:
    """Return which rows of a column are null or nan, or None if there are none."""
    missing = np.asarray(column.is_null().to_numpy(), bool) if column.null_count() else None
    if column.dtype in (nw.Float64, nw.Float32):
        nan = np.isnan(column.to_numpy())
        missing = nan if missing is None else missing | nan
    return missing if missing is not None and missing.any() else None


def _steps(keys: nw.DataFrame[Any], by: Sequence[str]) -> tuple[np.ndarray, bool]:
    """Return the rows whose key differs from the previous row's, and whether the keys are unsorted."""
    import polars as pl

    count = max(0, len(keys) - 1)
    changes, falls = np.zeros(count, bool), False
    for name in by:
        column = keys.get_column(name)
        try:
            differs = np.asarray((column[1:] != column[:count]).to_numpy(), bool) & ~changes
            places = np.flatnonzero(differs)
            falls = falls or bool((column[places + 1] < column[places]).any())
        except (TypeError, pl.exceptions.PolarsError) as error:
            raise DataError(
                f"Column {name!r} has keys that cannot be sorted: {error}. Use numbers, strings or dates."
            ) from None
        changes |= differs
    return np.flatnonzero(changes) + 1, falls


def places_of(what: str, keys: nw.DataFrame[Any], among: nw.DataFrame[Any]) -> np.ndarray:
    """Return the row of each key among those of ``what``, int64 (G,), with -1 for missing ones.

    Raises DataError if ``what`` has a duplicate key, or keys of another type.
    """
    by, places = keys.columns, np.full(len(keys), -1)
    own, theirs = _in_polars(keys), _in_polars(among.select(list(by))).with_row_index(ROW)
    if not (len(own) and len(theirs)):
        return places
    for name in by:
        theirs = _as_type(what, theirs, name, own.schema[name])
    if theirs.n_unique(subset=by) < len(theirs):
        raise DataError(f"{what} has a duplicate key. Give one row per key.")
    joined = own.with_row_index(ROW_OF_GROUP).join(theirs, on=by, how="inner")
    places[joined[ROW_OF_GROUP].to_numpy()] = joined[ROW].to_numpy()
    return places


def _as_type(what: str, frame: Any, name: str, dtype: Any) -> Any:
    """Return the rows of a Polars frame whose keys have equal values of another type, such as 1 and 1.0."""
    import polars as pl

    known = frame.filter(pl.col(name).is_not_null())
    if known.schema[name] == dtype:
        return known
    temporal = known.schema[name].is_temporal(), dtype.is_temporal()
    try:
        cast = known.with_columns(pl.col(name).cast(dtype, strict=False))
        same = cast[name].cast(known.schema[name], strict=False) == known[name]
        if known.schema[name].is_float() and dtype.is_float():  # 0.1 equals 0.1 in both precisions
            same = cast[name].is_not_null()
        if temporal[0] != temporal[1] and pl.String not in (known.schema[name], dtype):  # a date is not a number
            same = pl.repeat(False, len(known), eager=True)
    except pl.exceptions.PolarsError:
        same = pl.repeat(False, len(known), eager=True)
    if len(known) and not same.any():
        raise DataError(
            f"Column {name!r} of {what} has keys of type {known.schema[name]}, but the data have {dtype}. Convert one of them."
        )
    return cast.filter(same.fill_null(False)) if len(known) else known.cast({name: dtype})


def _in_polars(keys: nw.DataFrame[Any]) -> Any:
    """Return keys of any library as a Polars frame, categories as text."""
    import polars as pl

    keys = keys.select([_sortable(keys.get_column(name)) for name in keys.columns])
    native = keys.to_native()
    return native if isinstance(native, pl.DataFrame) else pl.DataFrame({c: keys.get_column(c).to_list() for c in keys.columns})


def read_frame(
    frame: nw.DataFrame[Any],
    by: Sequence[str],
    columns: Sequence[str],
    y: str,
    sigma: Any,
    extra: Sequence[str],
    policy: str | None,
) -> Table:
    """Return the rows of a frame as a Table.

    Parameters
    ----------
    frame : frame
        The data.
    by : sequence of str
        The key columns.
    columns : sequence of str
        The columns of the model.
    y : str
        The response.
    sigma : str, float or None
        The standard deviation, a column or a number.
    extra : sequence of str
        Additional columns.
    policy : {"omit", "raise"} or None
        What to do with rows that contain nan.

    Raises
    ------
    DataError
        If a column is missing or not numeric, or for nan with the policy ``"raise"``.
    """
    found = grouping(frame, by)
    used = [*columns, y, *([sigma] if isinstance(sigma, str) else [])]
    order = found.order
    keeps = frame.implementation.is_polars() or frame.implementation.is_pyarrow()  # pandas frames may be modified later

    def rows(name: str) -> np.ndarray:
        values = numbers(frame, name)
        if order is not None:
            return values[order]
        return np.ascontiguousarray(values) if keeps else values.copy()

    arrays = {name: rows(name) for name in dict.fromkeys([*used, *extra])}
    parts, remarks = found.parts, []
    if found.without:
        remarks.append(left_out(found.without, "without a key"))
    if policy is not None:
        arrays, parts, said = without_nan(arrays, used, parts, policy)
        remarks += said
    spread = arrays[sigma] if isinstance(sigma, str) else None if sigma is None else np.full(len(arrays[y]), float(sigma))
    groups = Groups([arrays[name] for name in columns], arrays[y], weights_of(spread), parts)
    return Table(found.keys, (len(parts),), groups, spread, {name: arrays[name] for name in extra}, remarks)


def left_out(count: int, which: str) -> str:
    """Return a clause with the number of rows that were dropped."""
    return f"{count} row{'' if count == 1 else 's'} {which} {'was' if count == 1 else 'were'} left out"


def weights_of(sigma: np.ndarray | None) -> np.ndarray | None:
    """Return the weights of residuals; nan if sigma is not positive."""
    if sigma is None:
        return None
    with np.errstate(divide="ignore"):
        weights = 1.0 / sigma
    if not (len(sigma) == 0 or (sigma.min() > 0 and sigma.max() < math.inf)):
        weights[~((sigma > 0) & (sigma < math.inf))] = math.nan
    return np.asarray(weights)


def without_nan(
    arrays: dict[str, np.ndarray], used: Sequence[str], parts: np.ndarray, policy: str
) -> tuple[dict[str, np.ndarray], np.ndarray, list[str]]:
    """Return the data without rows with nan in a used column, and a remark."""
    kept = ~np.logical_or.reduce([np.isnan(arrays[name]) for name in used])
    if kept.all():
        return arrays, parts, []
    if policy == "raise":
        name = next(name for name in used if np.isnan(arrays[name]).any())
        count = int(np.isnan(arrays[name]).sum())
        rows, them = ("1 row", "it") if count == 1 else (f"{count} rows", "them")
        raise DataError(f"Column {name.strip()!r} has nan in {rows}. Remove {them}, or set nan_policy='omit'.")
    before = np.concatenate([[0], np.cumsum(kept)]).astype(np.uint64)
    first, stop = before[parts[:, 0].astype(np.intp)], before[parts.sum(axis=1).astype(np.intp)]
    shorter = {name: values[kept] for name, values in arrays.items()}
    return shorter, np.column_stack([first, stop - first]), [left_out(len(kept) - int(kept.sum()), "with nan")]
