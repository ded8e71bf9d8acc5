"""``fit_groups``: a model, many small data sets, and the parameters of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jitgrad.errors import ArgumentError
from jitgrad.groupfit.arrays import RESPONSE, read_arrays
from jitgrad.groupfit.job import make_job
from jitgrad.groupfit.result import GroupFits
from jitgrad.groupfit.tables import frame_of


def fit_groups(
    model: Any,
    data: Any,
    y: Any = None,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    *,
    by: str | Sequence[str] | None = None,
    x: str | Sequence[str] | None = None,
    threads: int | None = None,
    progress: bool = False,
    **options: Any,
) -> Any:
    """Fit a model to each of many groups of rows, by least squares."""
    if type(data).__module__.partition(".")[0] == "xarray":
        from jitgrad.groupfit.labelled import fit_labelled

        for name, given in {"y": y, "by": by, "x": x}.items():
            if given is not None:
                raise ArgumentError(
                    "{argument} is for frames. Name what a DataArray is a function of by coords=.", argument=name
                )
        return fit_labelled(model, data, p0=p0, sigma=sigma, absolute_sigma=absolute_sigma, threads=threads, **options)
    if by is not None:
        frame = frame_of(data)
        job = make_job(model, frame.columns, by=by, y=y, x=x, p0=p0, sigma=sigma, absolute_sigma=absolute_sigma, **options)
        return job.fit(frame.to_native(), threads=threads, progress=progress)
    return fit_arrays(
        model, data, y, sigma, threads=threads, progress=progress, p0=p0, absolute_sigma=absolute_sigma, **options
    )


def fit_arrays(
    model: Any, x: Any, y: Any, sigma: Any = None, *, threads: int | None = None, progress: bool = False, **options: Any
) -> GroupFits:
    """Fit a model to many curves of equally many rows, y of shape (…, rows); see ``fit_groups``."""
    columns, table = read_arrays(x, y, sigma, options.get("nan_policy"))
    job = make_job(model, [*columns, RESPONSE], by=(), y=RESPONSE, x=list(columns), **options)
    table = replace(table, groups=table.groups._replace(columns=job.chosen(list(columns), table.groups.columns)))
    return job.fit_table(table, threads=threads, progress=progress)
