"""Fits of many groups on Ray (``pip install 'jitgrad[ray]'``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jitgrad.distributed.core import ORDER, check_kind, fit_table, fitted_names, job_for, local_table, predict_table
from jitgrad.errors import MissingError
from jitgrad.groupfit.result import GroupFits

if TYPE_CHECKING:
    from narwhals.stable.v1.typing import IntoDataFrame

    from jitgrad.curvefit.curve import Model

__all__ = ["fit_groups", "predict"]


try:
    import ray.data
    from ray.data.expressions import monotonically_increasing_id
except ImportError as error:
    raise MissingError("jitgrad.distributed.ray needs Ray's data sets. Run: pip install 'jitgrad[ray]'.") from error


def fit_groups(
    model: Model,
    ds: ray.data.Dataset,
    y: str,
    *,
    by: str | Sequence[str],
    threads: int = 1,
    partitions: int | None = None,
    **options: Any,
) -> ray.data.Dataset:
    """Fit a model to each group of rows of a Ray Dataset, on the workers of Ray.

    Parameters
    ----------
    model : str, Formula, NamedModel or callable
        The model, as for `jitgrad.fit_groups`.
    ds : ray.data.Dataset
        The data. Only their schema is read before the result is consumed.
    y : str
        The name of the response.
    by : str or sequence of str
        The names of the key columns.
    threads : int, default 1
        The number of threads per task. The same number of Ray's CPUs is reserved for each task.
    partitions : int, optional
        The number of blocks into which rows are shuffled by their keys, by default the number in Ray's context.
    **options : object
        Options of `jitgrad.fit_groups`, such as `p0`, `sigma`, `bounds` and `loss`.

    Returns
    -------
    ray.data.Dataset
        One row per group in no particular order, with the columns of `GroupFits.frame`. Each fit is bit-identical to the
        result of `jitgrad.fit_groups` for the rows in the order of `ds`.

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
    >>> from jitgrad.distributed import ray as groups  # doctest: +SKIP
    >>> ds = ray.data.read_parquet("readings.parquet")  # doctest: +SKIP
    >>> fits = groups.fit_groups("a * exp(-k * t) + c", ds, "od", by=["plate", "well"])  # doctest: +SKIP
    >>> fits.write_parquet("fits")  # doctest: +SKIP
    """
    check_kind(ds, ray.data.Dataset, "a Ray Dataset")
    job = job_for(model, ds.columns(), y, by=by, **options)
    rows = _shuffled(_numbered(ds.select_columns(job.columns)), job.by, partitions)
    return _over(rows, fit_table, {"job": job, "threads": threads}, threads)


def predict(
    model: Model,
    ds: ray.data.Dataset,
    fits: ray.data.Dataset | GroupFits | IntoDataFrame,
    *,
    by: str | Sequence[str],
    y: str | None = None,
    x: str | Sequence[str] | None = None,
    partitions: int | None = None,
) -> ray.data.Dataset:
    """Evaluate a model for the rows of a Ray Dataset, with the parameters of each group.

    Parameters
    ----------
    model : str, Formula, NamedModel or callable
        The model that was fitted.
    ds : ray.data.Dataset
        The rows.
    fits : ray.data.Dataset, GroupFits or frame
        The parameters of each group: the result of ``fit_groups``, from this engine or from memory.
    by : str or sequence of str
        The names of the key columns.
    y : str, optional
        The name of the response if `ds` contains it, so that it is not mistaken for a column of the model.
    x : str or sequence of str, optional
        The columns of the model, as for `jitgrad.fit_groups`.
    partitions : int, optional
        As for ``fit_groups``.

    Returns
    -------
    ray.data.Dataset
        The columns of `ds` and ``predicted``, which is nan if the group has no fit.

    Examples
    --------
    >>> predicted = groups.predict("a * exp(-k * t) + c", ds, fits, by=["plate", "well"])  # doctest: +SKIP
    """
    check_kind(ds, ray.data.Dataset, "a Ray Dataset")
    job = job_for(model, ds.columns(), y, by=by, x=x)
    names = fitted_names(job)
    if not isinstance(fits, ray.data.Dataset):
        fits = ray.data.from_arrow(local_table(fits))
    own = fits.select_columns([*job.by, *names.values()]).rename_columns({name: to for to, name in names.items()})
    blocks = _blocks(ds, partitions)
    joined = _numbered(ds).join(own, "left_outer", blocks, on=job.by)
    return _over(_shuffled(joined, job.by, blocks), predict_table, {"job": job}, 1)


def _numbered(ds: ray.data.Dataset) -> ray.data.Dataset:
    """Return the data with a column of row positions."""
    numbered = ds.with_column(ORDER, monotonically_increasing_id())
    numbered.context.execution_options.preserve_order = True
    return numbered


def _blocks(ds: ray.data.Dataset, partitions: int | None) -> int:
    return ds.context.default_hash_shuffle_parallelism if partitions is None else partitions


def _shuffled(ds: ray.data.Dataset, by: Sequence[str], partitions: int | None) -> ray.data.Dataset:
    """Return the data with the rows of each group in one block."""
    return ds.repartition(_blocks(ds, partitions), keys=list(by))


def _over(rows: ray.data.Dataset, function: Any, given: dict[str, Any], threads: int) -> ray.data.Dataset:
    """Apply a function to each block."""
    return rows.map_batches(
        function, batch_size=None, batch_format="pyarrow", zero_copy_batch=True, fn_kwargs=given, num_cpus=threads
    )
