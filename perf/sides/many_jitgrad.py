"""jitgrad in perf/many_fits.py: the jobs, and a file of many groups in constant memory."""

from __future__ import annotations

import functools
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import many_jobs
import numpy as np
from many_jobs import Job

ROWS = 25
_ALL = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
BATCH = 100_000
"""The number of groups drawn at once."""


def fits(job: Job, threads: int | None = None) -> Callable[[], Any]:
    import jitgrad

    options: dict[str, Any] = {"ftol": job.tolerance, "xtol": job.tolerance}
    if job.most:
        options["max_nfev"] = job.most + 1  # the first evaluation is not an iteration
    y = np.asarray(job.y, np.float64)

    def run() -> np.ndarray:
        found = jitgrad.fit_groups(
            job.model, job.columns, y, p0=dict(zip(job.names, job.starts.T, strict=True)), threads=threads, **options
        )
        return np.column_stack([found.parameters[name] for name in job.names])

    return run


def write(path: str, groups: int) -> None:
    """Write a Parquet file of decays with 25 rows each, sorted by sensor."""
    import polars as pl

    with tempfile.TemporaryDirectory(dir=Path(path).parent) as place:
        for first in range(0, groups, BATCH):
            count, draw = min(BATCH, groups - first), np.random.default_rng(first)
            t = np.sort(draw.uniform(0, 4, (count, ROWS)), axis=1)
            a, k, c = (draw.uniform(*ends, (count, 1)) for ends in ((1, 3), (0.5, 2), (0, 1)))
            y = a * np.exp(-k * t) + c + draw.normal(0, 0.02, t.shape)
            sensor = np.repeat(np.arange(first, first + count), ROWS)
            frame = pl.DataFrame({"sensor": sensor, "t": t.ravel(), "y": y.ravel()})
            frame.write_parquet(Path(place) / f"{first:09d}.parquet")
        pl.scan_parquet(Path(place) / "*.parquet").sink_parquet(path, row_group_size=500_000)


def read(path: str) -> None:
    """Fit such a file, and print the time, the solver's share of the processor time, and the peak memory.

    A small file is fitted first, to exclude what a process imports and loads once. The process that reads Parquet counts
    towards time and memory.
    """
    from jitgrad.curvefit import bundles
    from jitgrad.groupfit.stream import fit_file

    solver, run = [0.0], bundles._Bundle.run

    def timed(*args: Any) -> None:
        start = time.thread_time()
        run(*args)
        solver[0] += time.thread_time() - start

    fit = functools.partial(fit_file, model="a * exp(-k * t) + c", by="sensor", y="y", p0={"a": 1, "k": 1, "c": 0})
    bundles._Bundle.run = timed  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory(dir=Path(path).parent) as place:
        write(str(Path(place) / "small.parquet"), 1000)
        fit(str(Path(place) / "small.parquet"), str(Path(place) / "small_fits.parquet"))
        solver[0], start, processor = 0.0, time.perf_counter(), _processor_time()
        summary = fit(path, str(Path(place) / "fits.parquet")).summary
        seconds, processor = time.perf_counter() - start, _processor_time() - processor
    memory = sum(resource.getrusage(who).ru_maxrss * 1024 for who in _ALL)
    print(json.dumps({"groups": summary.groups, "seconds": seconds, "solver": solver[0] / processor, "memory": memory}))


def _processor_time() -> float:
    """Return the processor time of this process and its finished children, in seconds."""
    used = [resource.getrusage(who) for who in _ALL]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1] == "read":
        read(sys.argv[2])
    else:
        many_jobs.main({"jitgrad": fits, "jitgrad, 1 thread": functools.partial(fits, threads=1)})
