"""The Python side of bundles of small fits; see ``vm/least_squares/bundle.py``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.least_squares import Limits, Solution, SolverOptions, as_fields, next_chunk, problem_of
from jitgrad.curvefit.lowered_model import LoweredBundle, LoweredModel
from jitgrad.program.context import Context
from jitgrad.vm.compiler.types import LANE_COUNT
from jitgrad.vm.late import load
from jitgrad.vm.least_squares import codes
from jitgrad.vm.least_squares.problem import OUTCOME, Column, Output, Problem, Workspace, make_workspace
from jitgrad.vm.least_squares.systems import Bundle, Place, make_systems
from jitgrad.vm.records import address, in_row

MOST_ROWS = 512
"""The largest number of rows of a bundled fit. Longer fits fill vectors and the L2 cache by themselves."""
LANE_ROWS = 2048
"""The approximate rows times lanes of a bundle, for which a model of ten instructions fills half of the L2 cache."""
MOST_LANES = 32
FIRST_COMPUTATIONS = 100
"""The number of evaluations of the model in the first call of native code."""


def lanes_for(rows: int, fits: int) -> int:
    """Return the number of lanes of a bundle for fits of this many rows."""
    most = min(MOST_LANES, LANE_ROWS // max(rows, 1), fits)
    return max(LANE_COUNT, most // LANE_COUNT * LANE_COUNT)


class Groups(NamedTuple):
    """The rows of many groups.

    Attributes
    ----------
    columns : list of ndarray
        float64 arrays of shape (rows,); if they are shared, of shape (R,), the same R rows for each group.
    y : ndarray, shape (rows,)
        The response, in float64, of one group after another if columns are shared.
    weights : ndarray, shape (rows,), or None
        Weights of the residuals; None for ones.
    parts : ndarray of uint64, shape (G, 2)
        The first row and the number of rows, at least 1, of each group.
    shared : bool
        Whether all groups have the same columns. The first rows are then multiples of R.
    """

    columns: list[np.ndarray]
    y: np.ndarray
    weights: np.ndarray | None
    parts: np.ndarray
    shared: bool = False


class BundledFits:
    """Fits of a model, each with at most as many rows as the bundle was traced for.

    Parameters
    ----------
    bundle : LoweredBundle
        The model for a bundle.
    lowered : LoweredModel
        The model for one fit.
    groups : Groups
        The rows.
    starts : ndarray, shape (G, p)
        Starting values of all parameters, in float64.
    limits : Limits or None
        The bounds of the fitted parameters, (n,) each or (G, n).
    options : SolverOptions
        The tolerances and the loss.
    solves_linear : bool
        Whether linear parameters start at their best values.
    """

    def __init__(
        self,
        bundle: LoweredBundle,
        lowered: LoweredModel,
        groups: Groups,
        starts: np.ndarray,
        limits: Limits | None,
        options: SolverOptions,
        solves_linear: bool,
    ) -> None:
        fits, p = starts.shape
        free, n, rows, program = list(lowered.free), len(lowered.free), bundle.rows, bundle.executable.program
        self._bundle, self._first_column, self._idle = bundle, p, list[_Bundle]()
        self._shared = [np.pad(c, (0, rows - len(c)), mode="edge") for c in groups.columns] if groups.shared else []
        held = [k for k in range(p) if k not in free]
        slots = () if groups.shared else program.inputs[p : bundle.executable.n_given]
        low, high = (np.full(n, -np.inf), np.full(n, np.inf)) if limits is None else limits
        outputs = zip(program.outputs, bundle.along, bundle.across, strict=True)
        columns = zip(groups.columns, slots, strict=False)
        self.solution = Solution(np.ascontiguousarray(starts[:, free]), np.zeros(fits, OUTCOME), np.zeros((fits, n, n)))
        self._problem = problem_of(
            program,
            lowered,
            rows,
            self.solution,
            held_slots=np.array([program.inputs[k].offset for k in held], np.uint64),
            held=np.ascontiguousarray(starts[:, held]),
            n_held=len(held),
            outputs=in_row(Output, [Output(slot=to.offset, stride=along, lane=across) for to, along, across in outputs]),
            columns=in_row(Column, [Column(data=x, slot=to.offset, lane=rows) for x, to in columns]),
            n_columns=len(slots),
            y=groups.y,
            weights=0 if groups.weights is None else groups.weights,
            parts=np.ascontiguousarray(groups.parts, np.uint64),
            lower=np.ascontiguousarray(low),
            upper=np.ascontiguousarray(high),
            limits_apart=n if low.ndim == 2 else 0,
            solves_linear=solves_linear or all(lowered.linear),
            **as_fields(options),
        )

    def run(self, first: int, stop: int, stopped: Callable[[], bool]) -> None:
        """Run the fits first ≤ i < stop, unless ``stopped()`` returns True. Threads may run different fits."""
        try:
            lanes = self._idle.pop()
        except IndexError:  # no worker is idle, or another thread has taken it
            lanes = self._lanes()
        lanes.run(first, stop, stopped)
        self._idle.append(lanes)

    def _lanes(self) -> _Bundle:
        executable = self._bundle.executable
        context = Context(executable.program)
        executable.load(context)
        if self._shared:
            context.load(self._shared, self._first_column, executable.n_given)
        return _Bundle(context, self._problem, self._bundle.lanes)


class _Bundle:
    """The lanes of a bundle with their memory, for one thread."""

    def __init__(self, context: Context, problem: Problem, lanes: int) -> None:
        self._fit = load("bundled_least_squares", context.program.dtype)
        made = [make_workspace(context.descriptor, problem.n, problem.leading) for _ in range(lanes)]
        self._lanes = in_row(Workspace, made)
        for k, work in enumerate(self._lanes):
            work.lane = k
        systems = make_systems(problem.n, lanes // LANE_COUNT)
        columns = in_row(Place, [Place() for _ in range(problem.n + 1)])
        self._bundle = Bundle(context=context.descriptor, lanes=self._lanes, systems=systems, columns=columns, n_lanes=lanes)
        self._context, self._records, self._most = context, (address(problem), address(self._bundle)), FIRST_COMPUTATIONS

    def run(self, first: int, stop: int, stopped: Callable[[], bool]) -> None:
        """Run the fits first ≤ i < stop, unless ``stopped()`` returns True."""
        self._bundle.set(next=first, busy=len(self._lanes))
        for work in self._lanes:
            work.phase, work.asked = codes.BEGINNING, codes.NOTHING
        while not stopped():
            started = time.perf_counter()
            done = self._fit.call(*self._records, stop, self._most)
            if done < self._most:
                return
            self._most = max(1, next_chunk(done, started))
