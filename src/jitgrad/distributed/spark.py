"""Fits of many groups on Spark (``pip install 'jitgrad[spark]'``)."""

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
    from narwhals.stable.v1.typing import IntoDataFrame

    from jitgrad.curvefit.curve import Model

    Batches = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]

__all__ = ["fit_groups", "predict"]


_TYPES = {"float64": types.DoubleType(), "int64": types.LongType(), "str": types.StringType()}


def fit_groups(
    model: Model,
    df: DataFrame,
    y: str,
    *,
    by: str | Sequence[str],
    threads: int = 1,
    partitions: int | None = None,
    **options: Any,
) -> DataFrame:
    """Fit a model to each group of rows of a Spark DataFrame, on the workers of Spark.

    Parameters
    ----------
    model : str, Formula, NamedModel or callable
        The model, as for `jitgrad.fit_groups`.
    df : pyspark.sql.DataFrame
        The data. They are read when the result is used.
    y : str
        The name of the response.
    by : str or sequence of str
        The names of the key columns.
    threads : int, default 1
        The number of threads per task. Spark runs as many tasks at once as it has cores.
    partitions : int, optional
        The number of partitions into which rows are sorted by their keys, by default chosen by Spark.
    **options : object
        Options of `jitgrad.fit_groups`, such as `p0`, `sigma`, `bounds` and `loss`.

    Returns
    -------
    pyspark.sql.DataFrame
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
    >>> from jitgrad.distributed import spark  # doctest: +SKIP
    >>> df = session.read.parquet("readings.parquet")  # doctest: +SKIP
    >>> fits = spark.fit_groups("a * exp(-k * t) + c", df, "od", by=["plate", "well"])  # doctest: +SKIP
    >>> fits.write.parquet("fits.parquet")  # doctest: +SKIP
    """
    check_kind(df, DataFrame, "a Spark DataFrame")
    job = job_for(model, df.columns, y, by=by, **options)
    rows = df.select(*map(_column, job.columns), functions.monotonically_increasing_id().alias(ORDER))
    measures = [types.StructField(name, _TYPES[kind]) for name, kind in job.schema().items()]
    schema = types.StructType([*(df.schema[name] for name in job.by), *measures])
    return _by_group(rows, job.by, partitions, partial(fit_batches, job, threads=threads), schema)


def predict(
    model: Model,
    df: DataFrame,
    fits: DataFrame | GroupFits | IntoDataFrame,
    *,
    by: str | Sequence[str],
    y: str | None = None,
    x: str | Sequence[str] | None = None,
    partitions: int | None = None,
) -> DataFrame:
    """Evaluate a model for the rows of a Spark DataFrame, with the parameters of each group.

    Parameters
    ----------
    model : str, Formula, NamedModel or callable
        The model that was fitted.
    df : pyspark.sql.DataFrame
        The rows.
    fits : pyspark.sql.DataFrame, GroupFits or frame
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
    pyspark.sql.DataFrame
        The columns of `df` and ``predicted``, which is nan if the group has no fit.

    Examples
    --------
    >>> predicted = spark.predict("a * exp(-k * t) + c", df, fits, by=["plate", "well"])  # doctest: +SKIP
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
    """Return a column by its name, which may contain dots."""
    return functions.col("`" + name.replace("`", "``") + "`")


def _by_group(
    rows: DataFrame, by: Sequence[str], partitions: int | None, function: Batches, schema: types.StructType
) -> DataFrame:
    """Apply a function of record batches to rows; the rows of a group are consecutive and in their original order."""
    keys, names = [_column(name) for name in by], [name for name in rows.columns if name != ORDER]
    apart = rows.repartition(*([] if partitions is None else [partitions]), *keys)
    ordered = apart.sortWithinPartitions(*keys, ORDER).drop(ORDER)

    def over(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return function(batch.rename_columns(names) for batch in batches)

    plain = ordered.toDF(*(f"column{number}" for number in range(len(names))))  # mapInArrow does not support names with dots
    return plain.mapInArrow(over, schema)
