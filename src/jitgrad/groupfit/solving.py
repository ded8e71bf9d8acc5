"""Fit each group of a table, for a given job."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.arguments import count
from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.least_squares import Limits, Solution
from jitgrad.curvefit.many import StoppedError, solve_many
from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import FitWarning, UnsupportedError, UntraceableError, users_level
from jitgrad.groupfit.estimates import found_by
from jitgrad.groupfit.given import Setting, by_group, limits_by_group, of_groups
from jitgrad.groupfit.result import GroupFits
from jitgrad.groupfit.shared import fit_shared
from jitgrad.groupfit.starts import search_groups
from jitgrad.groupfit.status import Status, codes_of
from jitgrad.groupfit.tables import Table
from jitgrad.training.progress import bar
from jitgrad.vm.least_squares.problem import OUTCOME

if TYPE_CHECKING:
    from jitgrad.groupfit.job import Job

SEARCHED = 1 << 16
"""The number of groups that are searched together. It is constant, because groups also start from one another's estimates."""


def fit_table(job: Job, table: Table, setting: Setting, *, threads: int | None = None, progress: bool = False) -> GroupFits:
    """Fit each group of a table. Ctrl-C keeps the finished fits and issues a warning."""
    if threads is not None:
        count("threads", threads)
    codes = _codes(job, table, setting)
    wanted = np.flatnonzero(codes == Status.CONVERGED)
    codes[wanted] = Status.INTERRUPTED
    work = _Work(job, table, setting, codes, threads)
    try:
        if progress:
            with bar(len(wanted), "groups") as (task, shown):
                work.run(wanted, lambda done: shown.update(task, completed=done))
        else:
            work.run(wanted, None)
    except KeyboardInterrupt:
        if job.shared:  # separate estimates are not part of a joint fit
            codes[wanted], work.found, work.joint = Status.INTERRUPTED, [], None
        warnings.warn(_interrupted(job, codes[wanted]), FitWarning, stacklevel=users_level())
    return GroupFits(job, table, setting, found_by(job, table, setting, work.solution(), codes, work.joint), work.joint)


def _interrupted(job: Job, codes: np.ndarray) -> str:
    """Return a message with the number of groups fitted and instructions to fit the rest."""
    if job.shared:
        return "Interrupted: groups that share parameters are fitted together, so no group was fitted. Run the fit again."
    done = len(codes) - int((codes == Status.INTERRUPTED).sum())
    return f"Interrupted: {done} of {len(codes)} groups were fitted. Call refit('interrupted') to fit the others."


@dataclass
class _Work:
    """The fits to be made, and their results."""

    job: Job
    table: Table
    setting: Setting
    codes: np.ndarray
    threads: int | None
    found: list[tuple[np.ndarray, Solution]] = field(default_factory=list)
    joint: tuple[float, int] | None = None

    def run(self, wanted: np.ndarray, show: Callable[[int], None] | None) -> None:
        """Fit these groups, those with starting values first."""
        if not len(wanted):
            return
        self._trace(int(wanted[0]))
        unknown = np.isnan(self.setting.starts[:, list(self.job.free)]).any(axis=1)[wanted]
        known, searched = wanted[~unknown], wanted[unknown]
        if len(known) and not self.job.shared:
            self._fit(known, 0, show, False)
        for first in range(0, len(searched), SEARCHED):
            self._fit(searched[first : first + SEARCHED], len(known) + first, show, True)
        if self.job.shared:
            self._fit_jointly(wanted)

    def _fit_jointly(self, wanted: np.ndarray) -> None:
        """Fit groups that share parameters. Missing starting values are taken from separate fits of the groups."""
        job, groups = self.job, self.table.groups
        starts, free = self.setting.starts.copy(), list(job.free)
        for chosen, found in self.found:
            starts[chosen[:, None], free] = found.parameters
        limits = self._limits(wanted)
        groups = groups._replace(parts=groups.parts[wanted])
        fit = fit_shared(job.curve, free, job.shared, groups, starts[wanted], limits, job.options, threads=self.threads)
        self.found = [(wanted, fit.solution)]
        self.codes[wanted] = codes_of(fit.solution)
        scale = 1.0 if job.absolute_sigma else 2.0 * fit.cost / fit.dof if fit.dof > 0 else math.inf
        self.joint = scale, fit.dof

    def _limits(self, chosen: np.ndarray) -> Limits | None:
        """Return the bounds of the free parameters of these groups."""
        limits = of_groups(self.setting.limits, chosen)
        return None if limits is None else Limits(*[np.ascontiguousarray(side[..., list(self.job.free)]) for side in limits])

    def solution(self) -> Solution:
        """The results of all groups, with zeros for groups that were not fitted."""
        count, n = len(self.table), len(self.job.free)
        if len(self.found) == 1 and len(self.found[0][0]) == count:
            return self.found[0][1]
        whole = Solution(self.setting.starts[:, list(self.job.free)], np.zeros(count, OUTCOME), np.zeros((count, n, n)))
        for chosen, part in self.found:
            for to, new in zip(whole, part, strict=True):
                to[chosen] = new
        return whole

    def _trace(self, g: int) -> None:
        """Trace the model for a group. Raises UnsupportedError if this is not possible."""
        try:
            self.job.curve.traced(self.table.columns_of(g), self.job.free, int(self.table.groups.parts[g, 1]))
        except UntraceableError as error:
            several = self.job.by and len(self.job.x) > 1 and not isinstance(self.job.curve.model, TextModel)
            columns = (
                f" It is given a dict of the columns {', '.join(self.job.x)}: name one by x= for an array." if several else ""
            )
            raise UnsupportedError(
                f"{error}{columns} fit_groups needs a model that can be traced: write it as a formula, or with where() instead "
                f"of if. curve_fit takes functions that cannot be traced, too, for one group at a time."
            ) from error

    def _fit(self, chosen: np.ndarray, before: int, show: Callable[[int], None] | None, search: bool) -> None:
        """Fit these groups after ``before`` others. Ctrl-C keeps the groups whose last fit is done."""
        job, table, free = self.job, self.table, list(self.job.free)
        every = len(chosen) == len(table)
        limits = self._limits(chosen)
        groups = table.groups if every else table.groups._replace(parts=table.groups.parts[chosen])
        starts = self.setting.starts if every else self.setting.starts[chosen]
        done = None if show is None else lambda k: show(before + k)
        options: dict[str, Any] = {"threads": self.threads, "done": done}
        stopped: StoppedError | None = None
        try:
            if search:
                found = self._search(groups, starts, limits, chosen, options)
            else:
                found = solve_many(job.curve, free, groups, starts, limits, job.options, **options)
        except StoppedError as error:
            found, stopped = error.solution, error
        codes = np.where(found.status == 0, np.uint8(Status.INTERRUPTED), codes_of(found))
        self.codes[chosen] = np.where(codes == Status.NOT_FINITE_THERE, Status.NO_START, codes) if search else codes
        self.found.append((chosen, found))
        if stopped is not None:
            raise stopped

    def _search(
        self, groups: Groups, starts: np.ndarray, limits: Limits | None, chosen: np.ndarray, options: dict[str, Any]
    ) -> Solution:
        """Fit groups without starting values.

        With log-normal errors, a search with relative errors gives them; for differential equations, a rough search.
        """
        job, free = self.job, list(self.job.free)
        guess, log = None if job.named is None else job.named.guess, job.curve.log
        again = log or job.curve.restricts
        if log:
            y = np.exp(groups.y)
            weighted = groups._replace(y=y, weights=(1.0 if groups.weights is None else groups.weights) / y)
        found = search_groups(
            job.curve.of(log=False).rough() if again else job.curve, free, weighted if log else groups, starts, limits,
            job.options, guess=guess, shape=self.table.shape, places=chosen, **options,
        )  # fmt: skip
        if not again:
            return found
        begun = starts.copy()
        begun[:, free] = found.parameters
        return solve_many(job.curve, free, groups, begun, limits, job.options, **options)


def setting_of(job: Job, table: Table) -> Setting:
    """Return the starting values and bounds of the groups of a table."""
    starts = np.broadcast_to(by_group("p0", job.p0, job.names, table), (len(table), len(job.names))).copy()
    if job.has_fixed_values:
        held = [k for k in range(len(job.names)) if k not in job.free]
        starts[:, held] = by_group("fixed", job.fixed, job.names, table)[..., held]
    return Setting(starts, limits_by_group(job.bounds, job.names, table))


def _codes(job: Job, table: Table, setting: Setting) -> np.ndarray:
    """Return codes of the reasons why groups cannot be fitted, uint8 (G,); CONVERGED for groups that can be fitted."""
    starts, limits, count = setting.starts, setting.limits, len(table)
    bad_bounds, outside = np.zeros(count, bool), np.zeros(count, bool)
    if limits is not None:
        bad_bounds |= ~(limits.low < limits.high).all(axis=-1)
        outside |= ((starts < limits.low) | (starts > limits.high)).any(axis=1)
    held = [k for k in range(len(job.names)) if k not in job.free]
    few, measures = table.groups.parts[:, 1] < max(1, len(job.free) - len(job.shared)), table.measures
    constant = measures.constant & ~few & ~measures.wrong
    if job.shared:  # a group with a flat own part may still determine shared parameters
        constant[:] = False
    elif constant.any():
        g = int(np.argmax(constant))
        constant &= not all(job.curve.traced(table.columns_of(g), job.free, int(table.groups.parts[g, 1])).linear)
    reasons = {
        Status.TOO_FEW: few, Status.BAD_SIGMA: measures.bad_sigma, Status.NOT_FINITE: measures.wrong, Status.CONSTANT: constant,
        Status.NO_START: np.isnan(starts[:, held]).any(axis=1), Status.BAD_BOUNDS: bad_bounds, Status.OUTSIDE: outside,
    }  # fmt: skip
    return np.select(list(reasons.values()), list(reasons), Status.CONVERGED).astype(np.uint8)
