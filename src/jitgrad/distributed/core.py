"""Functions from record batches to record batches, which fit groups and predict rows as they arrive.

An engine runs only these functions. It sends its workers a Job, whose model is a formula or a recorded function, never
machine code.
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
"""A column of row positions, which restores the order of the rows of a group because engines do not preserve it."""
PREDICTED = "predicted"


def fit_batches(job: Job, batches: Iterable[pa.RecordBatch], threads: int = 1) -> Iterator[pa.RecordBatch]:
    """Fit each group of the rows that arrive in record batches.

    Parameters
    ----------
    job : Job
        The model and the options.
    batches : iterable of pyarrow.RecordBatch
        The columns ``job.columns``; others are ignored. The rows of a group are consecutive, across any number of batches.
    threads : int, default 1
        The number of threads.

    Yields
    ------
    pyarrow.RecordBatch
        One row per group, with its keys and the columns of ``job.schema()``.

    Raises
    ------
    DataError
        If the rows of a group are not consecutive, and in the same cases as ``Job.fit``.
    """
    import pyarrow as pa

    for table in whole_groups((pa.Table.from_batches([batch]).select(job.columns) for batch in batches), job.by):
        fits = job.fit(table, threads=threads).frame()
        yield from fits.cast(fitted_schema(job, table.schema)).to_batches()


def fitted_schema(job: Job, rows: pa.Schema) -> pa.Schema:
    """Return the schema of the results of ``fit_batches``, given the schema of the rows."""
    import pyarrow as pa

    types = {"float64": pa.float64(), "int64": pa.int64(), "str": pa.string()}
    measures = [pa.field(name, types[kind]) for name, kind in job.schema().items()]
    return pa.schema([*(rows.field(name).remove_metadata() for name in job.by), *measures])


def predict_batches(job: Job, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Predict the rows that arrive in record batches, each with the parameters of its group.

    Parameters
    ----------
    job : Job
        The model that was fitted. Its response is ignored.
    batches : iterable of pyarrow.RecordBatch
        As for ``fit_batches``, with the parameters of the group in the columns of ``fitted_names``, which are null or nan if
        the group has none.

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
    """Return the columns of a DataFrame that contain parameters, with the names of these parameters."""
    return {f"__jitgrad_fitted_{name}": name for name in job.names}


def fit_table(rows: pa.Table, job: Job, threads: int = 1) -> pa.Table:
    """Apply ``fit_batches`` to a table of whole groups, sorted by ``ORDER``."""
    import pyarrow as pa

    rows = _in_order(rows)
    return pa.Table.from_batches(fit_batches(job, rows.to_batches(), threads), fitted_schema(job, rows.schema))


def predict_table(rows: pa.Table, job: Job) -> pa.Table:
    """Apply ``predict_batches`` to a table of whole groups, sorted by ``ORDER``."""
    import pyarrow as pa

    rows = _in_order(rows)
    given = [field for field in rows.schema if field.name not in fitted_names(job)]
    schema = pa.schema([*given, pa.field(PREDICTED, pa.float64())])
    return pa.Table.from_batches(predict_batches(job, rows.to_batches()), schema)


def _in_order(rows: pa.Table) -> pa.Table:
    return rows.replace_schema_metadata(None).sort_by(ORDER).drop_columns(ORDER).combine_chunks()


def job_for(model: Any, names: Sequence[str], y: str | None, **options: Any) -> Job:
    """Return the Job for a DataFrame. Raises ArgumentError for shared parameters, and the errors of ``make_job``."""
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
    """Raise DataError for data that are not a DataFrame of the engine."""
    if not isinstance(data, kind):
        raise DataError(
            f"The data are of type {type(data).__name__}. Give {what}, or use jitgrad.fit_groups for data in memory."
        )


def local_table(fits: Any) -> pa.Table:
    """Return fits in memory, a GroupFits or a DataFrame, as an Arrow table."""
    return nw.from_native(fits.frame() if isinstance(fits, GroupFits) else fits, eager_only=True).to_arrow()
