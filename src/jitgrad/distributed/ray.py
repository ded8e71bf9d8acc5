"""Many small fits on Ray (``pip install 'jitgrad[ray]'``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jitgrad.distributed.core import ORDER, check_kind, fit_table, fitted_names, job_for, local_table, predict_table
from jitgrad.errors import MissingError
from jitgrad.groupfit.result import GroupFits

__all__ = ["fit_groups", "predict"]


try:
    import ray.data
    from ray.data.expressions import monotonically_increasing_id
except ImportError as error:
    raise MissingError("jitgrad.distributed.ray needs Ray's data sets. Run: pip install 'jitgrad[ray]'.") from error


def fit_groups(
    model: Any,
    ds: ray.data.Dataset,
    y: str,
    *,
    by: str | Sequence[str],
    threads: int = 1,
    partitions: int | None = None,
    **options: Any,
) -> ray.data.Dataset:
    """Fit a model to each group of rows of a Ray Dataset, on Ray's workers.

    Parameters
    ----------
    model, y, by, **options
        As for ``jitgrad.fit_groups``.
    ds : ray.data.Dataset
        The data. Only its schema is asked for until the result is.
    threads : int, default 1
        How many threads fit in a task, for which so many of Ray's CPUs are reserved.
    partitions : int, optional
        Into how many blocks rows are brought by their keys; by default as many as Ray's context says.

    Returns
    -------
    ray.data.Dataset
        A row for each group, as ``GroupFits.frame`` has them, in no order. A fit has the same bits as ``jitgrad.fit_groups``
        gives for rows in the order of ``ds``.

    Raises
    ------
    ArgumentError, DataError, FormulaError
        For what cannot be used, whatever the data.

    Examples
    --------
    >>> from jitgrad.distributed import ray as groups
    >>> ds = ray.data.read_parquet("readings.parquet")  # doctest: +SKIP
    >>> groups.fit_groups("a * exp(-k * t) + c", ds, "od", by=["plate", "well"]).write_parquet("fits")  # doctest: +SKIP
    """
    check_kind(ds, ray.data.Dataset, "a Ray Dataset")
    job = job_for(model, ds.columns(), y, by=by, **options)
    rows = _shuffled(_numbered(ds.select_columns(job.columns)), job.by, partitions)
    return _over(rows, fit_table, {"job": job, "threads": threads}, threads)


def predict(
    model: Any,
    ds: ray.data.Dataset,
    fits: ray.data.Dataset | GroupFits | Any,
    *,
    by: str | Sequence[str],
    y: str | None = None,
    x: str | Sequence[str] | None = None,
    partitions: int | None = None,
) -> ray.data.Dataset:
    """Predict the rows of a Ray Dataset, each by the parameters of its group.

    Parameters
    ----------
    model, by, x
        As they were fitted.
    ds : ray.data.Dataset
        The rows.
    fits : ray.data.Dataset or GroupFits or a frame
        The parameters of each group: what ``fit_groups`` returned, here or on this machine.
    y : str, optional
        The response, where ``ds`` has it, for the model not to take it for a column of its own.
    partitions : int, optional
        As for ``fit_groups``.

    Returns
    -------
    ray.data.Dataset
        The columns of ``ds`` and ``predicted``, which is nan where the group has no fit.
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
    """The data with the places of their rows."""
    numbered = ds.with_column(ORDER, monotonically_increasing_id())
    numbered.context.execution_options.preserve_order = True
    return numbered


def _blocks(ds: ray.data.Dataset, partitions: int | None) -> int:
    return ds.context.default_hash_shuffle_parallelism if partitions is None else partitions


def _shuffled(ds: ray.data.Dataset, by: Sequence[str], partitions: int | None) -> ray.data.Dataset:
    """The rows of each group in one block."""
    return ds.repartition(_blocks(ds, partitions), keys=list(by))


def _over(rows: ray.data.Dataset, function: Any, given: dict[str, Any], threads: int) -> ray.data.Dataset:
    """What a function makes of each block."""
    return rows.map_batches(
        function, batch_size=None, batch_format="pyarrow", zero_copy_batch=True, fn_kwargs=given, num_cpus=threads
    )
