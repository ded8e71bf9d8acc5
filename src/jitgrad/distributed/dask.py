"""Many small fits on Dask (``pip install 'jitgrad[dask]'``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.distributed.core import ORDER, PREDICTED, check_kind, fit_table, fitted_names, job_for, local_table, predict_table
from jitgrad.errors import MissingError
from jitgrad.groupfit.result import GroupFits

try:
    import dask.dataframe as dd
    import pandas as pd
    import pyarrow as pa
except ImportError as error:
    raise MissingError("jitgrad.distributed.dask needs Dask's data frames. Run: pip install 'jitgrad[dask]'.") from error

if TYPE_CHECKING:
    from jitgrad.groupfit.job import Job

__all__ = ["fit_groups", "predict"]


_TYPES = {"float64": np.float64, "int64": np.int64, "str": pd.Series([""]).dtype}


def fit_groups(
    model: Any,
    df: dd.DataFrame,
    y: str,
    *,
    by: str | Sequence[str],
    threads: int = 1,
    partitions: int | None = None,
    **options: Any,
) -> dd.DataFrame:
    """Fit a model to each group of rows of a Dask DataFrame, on Dask's workers.

    Parameters
    ----------
    model, y, by, **options
        As for ``jitgrad.fit_groups``.
    df : dask.dataframe.DataFrame
        The data. Nothing is read of it until the result is computed.
    threads : int, default 1
        How many threads fit in a task. Dask runs as many tasks at once as its workers have threads.
    partitions : int, optional
        Into how many partitions rows are brought by their keys; by default as many as ``df`` has.

    Returns
    -------
    dask.dataframe.DataFrame
        A row for each group, as ``GroupFits.frame`` has them, in no order. A fit has the same bits as ``jitgrad.fit_groups``
        gives for rows in the order of ``df``.

    Raises
    ------
    ArgumentError, DataError, FormulaError
        For what cannot be used, whatever the data.

    Examples
    --------
    >>> from jitgrad.distributed import dask
    >>> df = dd.read_parquet("readings.parquet")  # doctest: +SKIP
    >>> dask.fit_groups("a * exp(-k * t) + c", df, "od", by=["plate", "well"]).to_parquet("fits")  # doctest: +SKIP
    """
    check_kind(df, dd.DataFrame, "a Dask DataFrame")
    job = job_for(model, list(df.columns), y, by=by, **options)
    rows = _shuffled(_numbered(df[job.columns]), job.by, partitions)
    measures = {name: pd.Series([], dtype=_TYPES[kind]) for name, kind in job.schema().items()}
    meta = df._meta[list(job.by)].iloc[:0].reset_index(drop=True).assign(**measures)
    return rows.map_partitions(_fit, job, threads, meta, meta=meta)


def predict(
    model: Any,
    df: dd.DataFrame,
    fits: dd.DataFrame | GroupFits | Any,
    *,
    by: str | Sequence[str],
    y: str | None = None,
    x: str | Sequence[str] | None = None,
    partitions: int | None = None,
) -> dd.DataFrame:
    """Predict the rows of a Dask DataFrame, each by the parameters of its group.

    Parameters
    ----------
    model, by, x
        As they were fitted.
    df : dask.dataframe.DataFrame
        The rows.
    fits : dask.dataframe.DataFrame or GroupFits or a frame
        The parameters of each group: what ``fit_groups`` returned, here or on this machine.
    y : str, optional
        The response, where ``df`` has it, for the model not to take it for a column of its own.
    partitions : int, optional
        As for ``fit_groups``.

    Returns
    -------
    dask.dataframe.DataFrame
        The columns of ``df`` and ``predicted``, which is nan where the group has no fit.
    """
    check_kind(df, dd.DataFrame, "a Dask DataFrame")
    job = job_for(model, list(df.columns), y, by=by, x=x)
    names = fitted_names(job)
    if not isinstance(fits, dd.DataFrame):
        fits = dd.from_pandas(local_table(fits).to_pandas(), npartitions=1)
    own = fits[[*job.by, *names.values()]].rename(columns={name: to for to, name in names.items()})
    meta = df._meta.iloc[:0].reset_index(drop=True).assign(**{PREDICTED: pd.Series([], dtype=np.float64)})
    joined = _numbered(df).merge(own, on=list(job.by), how="left")
    return _shuffled(joined, job.by, partitions).map_partitions(_predict, job, meta, meta=meta)


def _fit(part: pd.DataFrame, job: Job, threads: int, like: pd.DataFrame) -> pd.DataFrame:
    return fit_table(_arrow(part), job, threads).to_pandas().astype(like.dtypes)


def _predict(part: pd.DataFrame, job: Job, like: pd.DataFrame) -> pd.DataFrame:
    return predict_table(_arrow(part), job).to_pandas().astype(like.dtypes)


def _arrow(part: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(part, preserve_index=False)


def _numbered(df: dd.DataFrame) -> dd.DataFrame:
    """The frame with the places of its rows."""
    return df.map_partitions(_with_places, meta=df._meta.assign(**{ORDER: np.int64(0)}))


def _with_places(part: pd.DataFrame, partition_info: dict[str, int] | None = None) -> pd.DataFrame:
    assert partition_info is not None
    return part.assign(**{ORDER: (partition_info["number"] << 40) + np.arange(len(part))})


def _shuffled(df: dd.DataFrame, by: Sequence[str], partitions: int | None) -> dd.DataFrame:
    """The rows of each group in one partition."""
    return df.shuffle(on=list(by), npartitions=partitions)
