"""Fits of many groups on Dask (``pip install 'jitgrad[dask]'``)."""

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
    from narwhals.stable.v1.typing import IntoDataFrame

    from jitgrad.curvefit.curve import Model
    from jitgrad.groupfit.job import Job

__all__ = ["fit_groups", "predict"]


_TYPES = {"float64": np.float64, "int64": np.int64, "str": pd.Series([""]).dtype}


def fit_groups(
    model: Model,
    df: dd.DataFrame,
    y: str,
    *,
    by: str | Sequence[str],
    threads: int = 1,
    partitions: int | None = None,
    **options: Any,
) -> dd.DataFrame:
    """Fit a model to each group of rows of a Dask DataFrame, on the workers of Dask.

    Parameters
    ----------
    model : str, Formula, NamedModel or callable
        The model, as for `jitgrad.fit_groups`.
    df : dask.dataframe.DataFrame
        The data. They are read when the result is computed.
    y : str
        The name of the response.
    by : str or sequence of str
        The names of the key columns.
    threads : int, default 1
        The number of threads per task. Dask runs as many tasks at once as its workers have threads.
    partitions : int, optional
        The number of partitions into which rows are shuffled by their keys, by default the number of partitions of `df`.
    **options : object
        Options of `jitgrad.fit_groups`, such as `p0`, `sigma`, `bounds` and `loss`.

    Returns
    -------
    dask.dataframe.DataFrame
        One row per group in no particular order, with the columns of `GroupFits.frame`. Each fit is bit-identical to the
        result of `jitgrad.fit_groups` for the rows in the order of `df`.

    Raises
    ------
    ArgumentError, DataError, FormulaError
        If the model, a column or an option is invalid, before any data are read.

    See Also
    --------
    predict : Evaluate the model with the parameters of each group.
    jitgrad.fit_groups : Fit groups in memory.

    Examples
    --------
    >>> from jitgrad.distributed import dask  # doctest: +SKIP
    >>> df = dd.read_parquet("readings.parquet")  # doctest: +SKIP
    >>> fits = dask.fit_groups("a * exp(-k * t) + c", df, "od", by=["plate", "well"])  # doctest: +SKIP
    >>> fits.to_parquet("fits")  # doctest: +SKIP
    """
    check_kind(df, dd.DataFrame, "a Dask DataFrame")
    job = job_for(model, list(df.columns), y, by=by, **options)
    rows = _shuffled(_numbered(df[job.columns]), job.by, partitions)
    measures = {name: pd.Series([], dtype=_TYPES[kind]) for name, kind in job.schema().items()}
    meta = df._meta[list(job.by)].iloc[:0].reset_index(drop=True).assign(**measures)
    return rows.map_partitions(_fit, job, threads, meta, meta=meta)


def predict(
    model: Model,
    df: dd.DataFrame,
    fits: dd.DataFrame | GroupFits | IntoDataFrame,
    *,
    by: str | Sequence[str],
    y: str | None = None,
    x: str | Sequence[str] | None = None,
    partitions: int | None = None,
) -> dd.DataFrame:
    """Evaluate a model for the rows of a Dask DataFrame, with the parameters of each group.

    Parameters
    ----------
    model : str, Formula, NamedModel or callable
        The model that was fitted.
    df : dask.dataframe.DataFrame
        The rows.
    fits : dask.dataframe.DataFrame, GroupFits or frame
        The parameters of each group: the result of ``fit_groups``, from this engine or from memory.
    by : str or sequence of str
        The names of the key columns.
    y : str, optional
        The name of the response if `df` contains it, so that it is not mistaken for a column of the model.
    x : str or sequence of str, optional
        The columns of the model, as for `jitgrad.fit_groups`.
    partitions : int, optional
        As for ``fit_groups``.

    Returns
    -------
    dask.dataframe.DataFrame
        The columns of `df` and ``predicted``, which is nan if the group has no fit.

    Examples
    --------
    >>> predicted = dask.predict("a * exp(-k * t) + c", df, fits, by=["plate", "well"])  # doctest: +SKIP
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
    """Return the DataFrame with a column of row positions."""
    return df.map_partitions(_with_places, meta=df._meta.assign(**{ORDER: np.int64(0)}))


def _with_places(part: pd.DataFrame, partition_info: dict[str, int] | None = None) -> pd.DataFrame:
    assert partition_info is not None
    return part.assign(**{ORDER: (partition_info["number"] << 40) + np.arange(len(part))})


def _shuffled(df: dd.DataFrame, by: Sequence[str], partitions: int | None) -> dd.DataFrame:
    """Return the DataFrame with the rows of each group in one partition."""
    return df.shuffle(on=list(by), npartitions=partitions)
