"""Many small fits on Spark (``pip install 'jitgrad[spark]'``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from jitgrad.distributed.core import (
    ORDER,
    PREDICTED,
    check_kind,
    fit_batches,
    fitted_names,
    job_for,
    local_table,
    predict_batches,
)
from jitgrad.errors import MissingError
from jitgrad.groupfit.result import GroupFits

try:
    from pyspark.sql import DataFrame, functions, types
except ModuleNotFoundError as error:
    raise MissingError("jitgrad.distributed.spark needs PySpark and PyArrow. Run: pip install 'jitgrad[spark]'.") from error

if TYPE_CHECKING:
    import pyarrow as pa

    Batches = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]

__all__ = ["fit_groups", "predict"]


_TYPES = {"float64": types.DoubleType(), "int64": types.LongType(), "str": types.StringType()}


def fit_groups(
    model: Any,
    df: DataFrame,
    y: str,
    *,
    by: str | Sequence[str],
    threads: int = 1,
    partitions: int | None = None,
    **options: Any,
) -> DataFrame:
    """Fit a model to each group of rows of a Spark DataFrame, on Spark's workers.

    Parameters
    ----------
    model, y, by, **options
        As for ``jitgrad.fit_groups``.
    df : pyspark.sql.DataFrame
        The data. Nothing is read of it until the result is asked for something.
    threads : int, default 1
        How many threads fit in a task. Spark runs as many tasks at once as it has cores.
    partitions : int, optional
        Into how many partitions rows are sorted by their keys; by default Spark's choice.

    Returns
    -------
    pyspark.sql.DataFrame
        A row for each group, as ``GroupFits.frame`` has them, in no order. A fit has the same bits as ``jitgrad.fit_groups``
        gives for rows in the order of ``df``.

    Raises
    ------
    ArgumentError, DataError, FormulaError
        For what cannot be used, whatever the data.

    Examples
    --------
    >>> from jitgrad.distributed import spark
    >>> df = session.read.parquet("readings.parquet")  # doctest: +SKIP
    >>> spark.fit_groups("a * exp(-k * t) + c", df, "od", by=["plate", "well"]).write.parquet("fits.parquet")  # doctest: +SKIP
    """
    check_kind(df, DataFrame, "a Spark DataFrame")
    job = job_for(model, df.columns, y, by=by, **options)
    rows = df.select(*map(_column, job.columns), functions.monotonically_increasing_id().alias(ORDER))
    measures = [types.StructField(name, _TYPES[kind]) for name, kind in job.schema().items()]
    schema = types.StructType([*(df.schema[name] for name in job.by), *measures])
    return _by_group(rows, job.by, partitions, partial(fit_batches, job, threads=threads), schema)


def predict(
    model: Any,
    df: DataFrame,
    fits: DataFrame | GroupFits | Any,
    *,
    by: str | Sequence[str],
    y: str | None = None,
    x: str | Sequence[str] | None = None,
    partitions: int | None = None,
) -> DataFrame:
    """Predict the rows of a Spark DataFrame, each by the parameters of its group.

    Parameters
    ----------
    model, by, x
        As they were fitted.
    df : pyspark.sql.DataFrame
        The rows.
    fits : pyspark.sql.DataFrame or GroupFits or a frame
        The parameters of each group: what ``fit_groups`` returned, here or on this machine.
    y : str, optional
        The response, where ``df`` has it, for the model not to take it for a column of its own.
    partitions : int, optional
        As for ``fit_groups``.

    Returns
    -------
    pyspark.sql.DataFrame
        The columns of ``df`` and ``predicted``, which is nan where the group has no fit.
    """
    check_kind(df, DataFrame, "a Spark DataFrame")
    job = job_for(model, df.columns, y, by=by, x=x)
    found: Any = fits if hasattr(fits, "sparkSession") else df.sparkSession.createDataFrame(local_table(fits))
    own = found.select(*map(_column, job.by), *(_column(name).alias(to) for to, name in fitted_names(job).items()))
    joined = df.withColumn(ORDER, functions.monotonically_increasing_id()).join(own, on=list(job.by), how="left")

    rows = joined.select(*map(_column, [*df.columns, *fitted_names(job), ORDER]))
    schema = types.StructType([*df.schema, types.StructField(PREDICTED, types.DoubleType())])
    return _by_group(rows, job.by, partitions, partial(predict_batches, job), schema)


def _column(name: str) -> Any:
    """A column by its name, which may have dots."""
    return functions.col("`" + name.replace("`", "``") + "`")


def _by_group(
    rows: DataFrame, by: Sequence[str], partitions: int | None, function: Batches, schema: types.StructType
) -> DataFrame:
    """What a function of record batches makes of rows; those of a group come one after the other, in their order."""
    keys, names = [_column(name) for name in by], [name for name in rows.columns if name != ORDER]
    apart = rows.repartition(*([] if partitions is None else [partitions]), *keys)
    ordered = apart.sortWithinPartitions(*keys, ORDER).drop(ORDER)

    def over(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return function(batch.rename_columns(names) for batch in batches)

    plain = ordered.toDF(*(f"column{number}" for number in range(len(names))))  # mapInArrow knows no names with dots
    return plain.mapInArrow(over, schema)
