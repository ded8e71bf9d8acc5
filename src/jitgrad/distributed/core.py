"""From record batches to record batches: groups are fitted, and rows predicted, as they come.

This is all that an engine runs. What it sends to its workers is a Job, in which the model is a formula or a function, and
never machine code.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import narwhals.stable.v1 as nw

from jitgrad.errors import ArgumentError, DataError, OptionError, near_name
from jitgrad.groupfit.job import Job, make_job
from jitgrad.groupfit.result import GroupFits
from jitgrad.groupfit.whole import whole_groups

if TYPE_CHECKING:
    import pyarrow as pa

ORDER = "__jitgrad_order"
"""A column of numbers by which the rows of a group stand as they did in the frame: engines do not keep their order."""
PREDICTED = "predicted"


def fit_batches(job: Job, batches: Iterable[pa.RecordBatch], threads: int = 1) -> Iterator[pa.RecordBatch]:
    """Fit each group of the rows that come in record batches.

    Parameters
    ----------
    job : Job
        What is fitted.
    batches : iterable of pyarrow.RecordBatch
        With ``job.columns``, perhaps among others. The rows of a group follow one another, through any number of batches.
    threads : int, default 1
        How many threads fit.

    Yields
    ------
    pyarrow.RecordBatch
        A row for each group: its keys and the columns of ``job.schema()``.

    Raises
    ------
    DataError
        For a group of which more rows come after others, and as ``Job.fit``.
    """
    import pyarrow as pa

    for table in whole_groups((pa.Table.from_batches([batch]).select(job.columns) for batch in batches), job.by):
        fits = job.fit(table, threads=threads).frame()
        yield from fits.cast(fitted_schema(job, table.schema)).to_batches()


def fitted_schema(job: Job, rows: pa.Schema) -> pa.Schema:
    """The schema of what ``fit_batches`` yields, from that of what it is given."""
    import pyarrow as pa

    types = {"float64": pa.float64(), "int64": pa.int64(), "str": pa.string()}
    measures = [pa.field(name, types[kind]) for name, kind in job.schema().items()]
    return pa.schema([*(rows.field(name).remove_metadata() for name in job.by), *measures])


def predict_batches(job: Job, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Predict the rows that come in record batches, each by the parameters of its group.

    Parameters
    ----------
    job : Job
        What was fitted; its response is not looked at.
    batches : iterable of pyarrow.RecordBatch
        As for ``fit_batches``; beside the columns of the data they have the group's parameters, as ``fitted_names`` calls them,
        null or nan where there are none.

    Yields
    ------
    pyarrow.RecordBatch
        The columns of the data and ``predicted``.
    """
    import pyarrow as pa

    names = fitted_names(job)
    for table in whole_groups((pa.Table.from_batches([batch]) for batch in batches), job.by):
        fits = table.select([*job.by, *names]).rename_columns([*job.by, *names.values()])
        own = nw.from_native(fits, eager_only=True).unique(job.by, keep="any").to_native()
        rows = table.drop_columns(list(names))
        predicted = job.predict(rows, own).column(PREDICTED)
        yield from rows.append_column(PREDICTED, predicted.cast(pa.float64())).to_batches()


def fitted_names(job: Job) -> dict[str, str]:
    """What parameters are called where they stand beside the data: their names by those."""
    return {f"__jitgrad_fitted_{name}": name for name in job.names}


def fit_table(rows: pa.Table, job: Job, threads: int = 1) -> pa.Table:
    """``fit_batches`` for a table that has whole groups, whose rows stand by their ``ORDER``."""
    import pyarrow as pa

    rows = _in_order(rows)
    return pa.Table.from_batches(fit_batches(job, rows.to_batches(), threads), fitted_schema(job, rows.schema))


def predict_table(rows: pa.Table, job: Job) -> pa.Table:
    """``predict_batches`` for a table that has whole groups, whose rows stand by their ``ORDER``."""
    import pyarrow as pa

    rows = _in_order(rows)
    given = [field for field in rows.schema if field.name not in fitted_names(job)]
    schema = pa.schema([*given, pa.field(PREDICTED, pa.float64())])
    return pa.Table.from_batches(predict_batches(job, rows.to_batches()), schema)


def _in_order(rows: pa.Table) -> pa.Table:
    return rows.replace_schema_metadata(None).sort_by(ORDER).drop_columns(ORDER).combine_chunks()


# What users give.


def job_for(model: Any, names: Sequence[str], y: str | None, **options: Any) -> Job:
    """The Job for a frame of an engine. Raises as ``make_job``, and ArgumentError for what needs all groups in one place."""
    if options.get("shared"):
        raise ArgumentError("Shared parameters need all groups in one place. Use jitgrad.fit_groups.")
    known = inspect.signature(make_job).parameters
    for name in options:
        if name not in known:
            raise OptionError(f"There is no option {name!r}.{near_name(name, known)} Leave it out.")
    if y is None:  # for predictions: no column is the response
        names, y = [*names, ""], ""
    return make_job(model, names, y=y, **options)


def check_kind(data: Any, kind: type, what: str) -> None:
    """Raise DataError for data that are not a frame of the engine."""
    if not isinstance(data, kind):
        raise DataError(f"The data are a {type(data).__name__}. Give {what}; jitgrad.fit_groups takes frames in memory.")


def local_table(fits: Any) -> pa.Table:
    """Fits that are here, as Arrow: those of ``jitgrad.fit_groups``, or a frame of them."""
    return nw.from_native(fits.frame() if isinstance(fits, GroupFits) else fits, eager_only=True).to_arrow()
