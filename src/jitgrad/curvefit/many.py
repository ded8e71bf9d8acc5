"""Fits of one model to many groups of rows, one start each, in one call: small groups in bundles, on all cores."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from jitgrad.curvefit import bundles
from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.given import DEFAULTS
from jitgrad.curvefit.least_squares import Data, Limits, Solution, SolverOptions, solve
from jitgrad.curvefit.lowered_model import LoweredModel
from jitgrad.curvefit.text_model import TextModel
from jitgrad.vm.cores import cores
from jitgrad.vm.least_squares.problem import OUTCOME
from jitgrad.vm.least_squares.systems import MOST_PARAMETERS

FITS_AT_ONCE = 1024
"""The number of bundled fits that a thread takes at once."""
SINGLES_AT_ONCE = 16
"""The number of other fits that a thread takes at once."""
LEAST_EQUAL = 8
"""The smallest number of groups of equally many rows for which a model that mixes rows is traced for bundles."""
ROWS_AT_ONCE = 1 << 18
"""The number of rows that are checked for edges at once."""
MOST_EXACT = 8
"""The largest number of distinct group sizes for which the model is traced individually. With more, sizes are rounded."""


class StoppedError(KeyboardInterrupt):
    """Ctrl-C during ``solve_many``. ``solution`` holds the finished fits; the other fits have the status 0."""

    def __init__(self, solution: Solution) -> None:
        super().__init__()
        self.solution = solution


def solve_many(
    curve: Curve,
    free: Sequence[int],
    groups: Groups,
    starts: np.ndarray,
    limits: Limits | None = None,
    options: SolverOptions = DEFAULTS,
    *,
    linear: bool = False,
    threads: int | None = None,
    done: Callable[[int], None] | None = None,
) -> Solution:
    """Fit each group from its start.

    Parameters
    ----------
    curve : Curve
        The model.
    free : sequence of int
        The indices of the n fitted parameters.
    groups : Groups
        The rows.
    starts : ndarray, shape (G, p)
        Values of all parameters, in float64; parameters that are not free keep these values.
    limits : Limits or None
        The bounds of the free parameters, (n,) each for all groups, or (G, n).
    options : SolverOptions
        Tolerances and the loss.
    linear : bool, default False
        Whether linear parameters start at their best values.
    threads : int, optional
        The number of threads, by default the number of cores. The result does not depend on it.
    done : callable, optional
        Called regularly, from any thread, with the number of groups that are done.

    Returns
    -------
    Solution
        G fits of the free parameters.

    Raises
    ------
    StoppedError
        On Ctrl-C.
    """
    many = _Many(curve, list(free), groups, starts, limits, options, linear)
    work = _Work(many.tasks(), done)
    helpers = [threading.Thread(target=work.go_on) for _ in range((cores() if threads is None else threads) - 1)]
    try:
        for helper in helpers:
            helper.start()
        work.go_on()
        for helper in helpers:
            helper.join()
    except KeyboardInterrupt as error:
        work.stop(error)
        for helper in helpers:
            if helper.ident is not None:  # only threads that were started
                helper.join()
    if work.errors:
        if isinstance(work.errors[0], KeyboardInterrupt):
            raise StoppedError(many.finished()) from None
        raise work.errors[0]
    return many.finished()


class Task(NamedTuple):
    """Some fits that one thread runs.

    Attributes
    ----------
    run : callable
        Runs them; takes a function that returns whether to stop.
    fits : int
        The number of fits.
    """

    run: Callable[[Callable[[], bool]], None]
    fits: int


@dataclass
class _Work:
    """Tasks that threads share."""

    tasks: Iterator[Task]
    done: Callable[[int], None] | None
    stopped: bool = False
    errors: list[BaseException] = field(default_factory=list)
    n_done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def go_on(self) -> None:
        """Run tasks until none are left. An exception in any thread is stored for the waiting thread."""
        try:
            while not self.stopped:
                with self.lock:
                    task = next(self.tasks, None)
                if task is None:
                    return
                task.run(lambda: self.stopped)
                with self.lock:
                    self.n_done += task.fits
                    if self.done is not None and not self.stopped:
                        self.done(self.n_done)
        except BaseException as error:
            self.stop(error)

    def stop(self, error: BaseException) -> None:
        """Make all threads end soon because of an error."""
        self.errors.append(error)
        self.stopped = True


class _Many:
    """The fits of one call."""

    def __init__(
        self,
        curve: Curve,
        free: list[int],
        groups: Groups,
        starts: np.ndarray,
        limits: Limits | None,
        options: SolverOptions,
        linear: bool,
    ) -> None:
        self._curve, self._free, self._groups, self._starts = curve, free, _in_order(groups), np.asarray(starts, np.float64)
        self._limits = None if limits is None else Limits(*[np.asarray(side, np.float64) for side in limits])
        self._options, self._linear = options, linear
        self._counts = groups.parts[:, 1].astype(np.int64)
        n, count = len(free), len(starts)
        self._solution = Solution(self._starts[:, free], np.zeros(count, OUTCOME), np.zeros((count, n, n)))
        self._bundled: list[tuple[np.ndarray, bundles.BundledFits]] = []

    def finished(self) -> Solution:
        """Return the results."""
        if len(self._bundled) == 1 and len(self._bundled[0][0]) == len(self._counts):
            return self._bundled[0][1].solution
        for numbers, bundled in self._bundled:
            for to, found in zip(self._solution, bundled.solution, strict=True):
                to[numbers] = found
        self._bundled.clear()
        return self._solution

    def tasks(self) -> Iterator[Task]:
        """Yield all fits as tasks for one thread each."""
        rest = np.ones(len(self._counts), bool)
        if 0 < len(self._free) <= MOST_PARAMETERS:
            for lowered, counts in self._alike():
                chosen = np.isin(self._counts, counts)
                rest &= ~chosen
                edges = self._edges(lowered, counts)
                for rows, some in _sizes(counts):
                    for with_edges in (False, True):
                        numbers = np.flatnonzero(np.isin(self._counts, some) & (edges == with_edges))
                        if len(numbers):
                            yield from self._bundle(lowered, numbers, rows, with_edges)
            for lowered, rows, numbers in self._of_equal_size(rest):
                rest[numbers] = False
                edges = np.array([lowered.edges.needed(self._columns_of(g)) for g in numbers.tolist()])
                for with_edges in (False, True):
                    if len(some := numbers[edges == with_edges]):
                        yield from self._bundle(lowered, some, rows, with_edges)
        numbers = np.flatnonzero(rest)
        for first in range(0, len(numbers), SINGLES_AT_ONCE):
            few = numbers[first : first + SINGLES_AT_ONCE]
            yield Task(functools.partial(self._fit_singly, few), len(few))

    def _columns(self, rows: int) -> list[np.ndarray]:
        """Return columns with the given number of rows and arbitrary values."""
        return [c[:rows] for c in self._groups.columns]

    def _alike(self) -> Iterator[tuple[LoweredModel, list[int]]]:
        """Yield models that compute rows independently, each with the numbers of rows for which it is valid."""
        counts = np.unique(self._counts[self._counts <= bundles.MOST_ROWS]).tolist()
        if isinstance(self._curve.model, TextModel):  # records the same for any number of rows
            first = [self._curve.recorded(self._columns(rows), self._free, rows) for rows in counts[:1]]
            yield from [(lowered, counts) for lowered in first if lowered.by_rows]
            return
        found: dict[Any, tuple[LoweredModel, list[int]]] = {}
        for rows in counts:
            lowered = self._curve.recorded(self._columns(rows), self._free, rows)
            if lowered.by_rows:
                found.setdefault((lowered.structure, repr(lowered.closed_over())), (lowered, []))[1].append(rows)
        yield from found.values()

    def _of_equal_size(self, rest: np.ndarray) -> Iterator[tuple[LoweredModel, int, np.ndarray]]:
        """Yield solutions of equations, which mix rows, for those of the remaining groups that have equally many."""
        for rows, count in zip(*np.unique(self._counts[rest], return_counts=True), strict=True):
            if count < LEAST_EQUAL or rows > bundles.MOST_ROWS:
                continue
            lowered = self._curve.recorded(self._columns(rows), self._free, int(rows))
            numbers = np.flatnonzero(rest & (self._counts == rows))
            alike = all(self._curve.suited(self._columns_of(g)) is self._curve for g in numbers.tolist())
            if alike and lowered.solves_equations and not lowered.by_rows:
                yield lowered, int(rows), numbers

    def _columns_of(self, g: int) -> list[np.ndarray]:
        """Return the columns of a group."""
        first, rows = self._groups.parts[g].tolist()
        return [c if self._groups.shared else c[first : first + rows] for c in self._groups.columns]

    def _edges(self, lowered: LoweredModel, counts: list[int]) -> np.ndarray:
        """Return which groups of these sizes have rows at edges, see ``edges.py``; False for the other groups."""
        columns, parts = self._groups.columns, self._groups.parts.astype(np.int64)
        if self._groups.shared or not columns:
            return np.full(len(parts), lowered.edges.needed(columns))
        found = np.zeros(len(parts), bool)
        for rows in counts if lowered.edges.may_be else ():
            edges = self._curve.recorded(self._columns(rows), self._free, rows).edges
            numbers = np.flatnonzero(self._counts == rows)
            for few in np.array_split(numbers, -(-rows * len(numbers) // ROWS_AT_ONCE)):
                places = parts[few, :1] + np.arange(rows)
                found[few] = edges.needed_by([c[places] for c in columns])
        return found

    def _bundle(self, lowered: LoweredModel, numbers: np.ndarray, rows: int, edges: bool) -> Iterator[Task]:
        """Yield the fits that run in bundles."""
        groups, lanes = self._groups, bundles.lanes_for(rows, len(numbers))
        starts, limits = self._starts, self._limits
        if len(numbers) < len(starts):
            groups, starts = groups._replace(parts=groups.parts[numbers]), starts[numbers]
            if limits is not None and limits.low.ndim == 2:
                limits = Limits(limits.low[numbers], limits.high[numbers])
        bundle = self._curve.bundled(lowered, rows, lanes, groups.shared, edges)
        bundled = bundles.BundledFits(bundle, lowered, groups, starts, limits, self._options, self._linear)
        self._bundled.append((numbers, bundled))
        at_once = max(lanes, min(FITS_AT_ONCE, len(numbers) // 8))
        for first in range(0, len(numbers), at_once):
            stop = min(first + at_once, len(numbers))
            yield Task(functools.partial(bundled.run, first, stop), stop - first)

    def _fit_singly(self, numbers: np.ndarray, stopped: Callable[[], bool]) -> None:
        """Fit groups one by one: large groups, and groups of models that have many parameters or mix rows."""
        groups = self._groups
        for g in numbers.tolist():
            if stopped():
                return
            first, rows = groups.parts[g].tolist()
            part = slice(first, first + rows)
            columns = self._columns_of(g)
            limits = self._limits
            if limits is not None and limits.low.ndim == 2:
                limits = Limits(limits.low[g], limits.high[g])
            data = Data(columns, groups.y[part], None if groups.weights is None else groups.weights[part])
            start = self._starts[g]
            lowered = self._curve.traced(columns, self._free, rows)
            one = solve(lowered, data, start, limits, start[None, self._free], self._options, self._linear)
            for to, found in zip(self._solution, one, strict=True):
                to[g] = found[0]


def _in_order(groups: Groups) -> Groups:
    """Return groups with contiguous arrays."""
    columns = [np.ascontiguousarray(c, np.float64) for c in groups.columns]
    weights = None if groups.weights is None else np.ascontiguousarray(groups.weights, np.float64)
    return groups._replace(columns=columns, y=np.ascontiguousarray(groups.y, np.float64), weights=weights)


def _sizes(counts: list[int]) -> Iterator[tuple[int, list[int]]]:
    """Yield, for each bundle size, the largest number of rows and all numbers of rows that use it."""
    if len(counts) <= MOST_EXACT:
        yield from [(rows, [rows]) for rows in counts]
        return
    for _, some in itertools.groupby(counts, _rounded):
        together = list(some)
        yield together[-1], together


def _rounded(rows: int) -> int:
    """Return a number of rows rounded up by at most an eighth or four."""
    by = max(4, 1 << max(rows.bit_length() - 4, 0))
    return -(-rows // by) * by
