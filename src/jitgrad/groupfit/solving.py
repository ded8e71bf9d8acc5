"""From a job and a table to the fit of each group."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jitgrad.curvefit.least_squares import Limits, Solution
from jitgrad.curvefit.many import solve_many
from jitgrad.errors import FitWarning, users_level
from jitgrad.groupfit.given import by_group, limits_by_group
from jitgrad.groupfit.result import GroupFits
from jitgrad.groupfit.statistics import unfit
from jitgrad.groupfit.status import Status, codes_of
from jitgrad.groupfit.tables import Table
from jitgrad.training.progress import bar
from jitgrad.vm.least_squares.problem import OUTCOME

if TYPE_CHECKING:
    from jitgrad.groupfit.job import Job

FIRST_CHUNK, CHUNK_SECONDS = 1024, 0.25
"""Groups that are fitted at first in one call, and how long later calls may take: what is lost to a Ctrl-C."""


class Setting(NamedTuple):
    """What a table's groups start from and may become.

    Attributes:
        starts: float64 (G, p), values of all parameters; nan for those to be found.
        limits: of the free ones, (n,) or (G, n); None without bounds.
        codes: uint8 (G,), why a group cannot be fitted; CONVERGED where it can.
    """

    starts: np.ndarray
    limits: Limits | None
    codes: np.ndarray


def fit_table(job: Job, table: Table, *, threads: int | None = None, progress: bool = False) -> GroupFits:
    """Fit each group of a table. A Ctrl-C keeps what is done, and warns."""
    setting = _setting(job, table)
    wanted = np.flatnonzero(setting.codes == Status.CONVERGED)
    count, n = len(table), len(job.free)
    solution = Solution(setting.starts[:, list(job.free)], np.zeros(count, OUTCOME), np.zeros((count, n, n)))
    codes = setting.codes
    codes[wanted] = Status.INTERRUPTED
    try:
        if progress:
            with bar(len(wanted), "groups") as (task, shown):
                _run(job, table, setting, wanted, solution, threads, lambda done: shown.update(task, completed=done))
        else:
            _run(job, table, setting, wanted, solution, threads, lambda done: None)
    except KeyboardInterrupt:
        done = len(wanted) - int((codes[wanted] == Status.INTERRUPTED).sum())
        warnings.warn(
            f"Interrupted: {done} of {len(wanted)} groups are fitted. refit('interrupted') goes on with the others.",
            FitWarning,
            stacklevel=users_level(),
        )
    return GroupFits.made(job, table, setting.starts, solution, codes)


def _run(
    job: Job,
    table: Table,
    setting: Setting,
    wanted: np.ndarray,
    solution: Solution,
    threads: int | None,
    show: Callable[[int], None],
) -> None:
    """Fit the groups that are wanted, some at a time, and put what is found in its place."""
    free = list(job.free)
    groups, at, size = table.groups, 0, FIRST_CHUNK
    while at < len(wanted):
        chosen = wanted[at : at + size]
        began = time.perf_counter()
        limits = setting.limits
        if limits is not None and limits.low.ndim == 2:
            limits = Limits(limits.low[chosen], limits.high[chosen])
        part = groups._replace(parts=groups.parts[chosen])

        def done(k: int, before: int = at) -> None:
            show(before + k)

        found = solve_many(job.curve, free, part, setting.starts[chosen], limits, job.options, threads=threads, done=done)
        for to, new in zip(solution, found, strict=True):
            to[chosen] = new
        setting.codes[chosen] = codes_of(found)
        at += len(chosen)
        seconds = max(time.perf_counter() - began, 1e-6)
        size = max(FIRST_CHUNK, min(16 * size, int(size * CHUNK_SECONDS / seconds)))
        show(at)


def _setting(job: Job, table: Table) -> Setting:
    """What the groups start from, and which of them cannot be fitted."""
    count, free = len(table), list(job.free)
    starts = np.broadcast_to(by_group("p0", job.p0, job.names, table), (count, len(job.names))).copy()
    if job.has_fixed_values:
        fixed = np.broadcast_to(by_group("fixed", job.fixed, job.names, table), starts.shape)
        starts = np.where(np.isnan(fixed), starts, fixed)
    limits = limits_by_group(job.bounds, job.names, table)
    wrong, bad_sigma = unfit(table.groups, table)
    no_start = np.isnan(starts).any(axis=1)
    bad_bounds, outside = np.zeros(count, bool), np.zeros(count, bool)
    if limits is not None:
        limits = Limits(*(side[..., free] for side in limits))
        own = starts[:, free]
        bad_bounds |= ~(limits.low < limits.high).all(axis=-1)
        outside |= ((own < limits.low) | (own > limits.high)).any(axis=1)
    codes = np.select(
        [table.groups.parts[:, 1] < max(1, len(free)), bad_sigma, wrong, no_start, bad_bounds, outside],
        [Status.TOO_FEW, Status.BAD_SIGMA, Status.NOT_FINITE, Status.NO_START, Status.BAD_BOUNDS, Status.OUTSIDE],
        Status.CONVERGED,
    ).astype(np.uint8)
    return Setting(starts, limits, codes)
