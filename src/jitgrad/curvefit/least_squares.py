"""The native least squares, as Python calls them: fits of one model, from a start each, in one call."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np

from jitgrad.curvefit.lowered_model import LoweredModel
from jitgrad.errors import ArgumentError
from jitgrad.program.context import Context
from jitgrad.program.program import Program
from jitgrad.vm.late import load
from jitgrad.vm.least_squares import codes
from jitgrad.vm.least_squares.problem import OUTCOME, Column, Output, Problem, leading, make_workspace
from jitgrad.vm.records import address, in_row

RESIDUAL_LOSSES = {
    "linear": codes.LINEAR_LOSS, "soft_l1": codes.SOFT_L1, "huber": codes.HUBER, "cauchy": codes.CAUCHY, "arctan": codes.ARCTAN,
}  # fmt: skip
"""How residuals may count, by name."""

MOST_ROWS = 1024
"""Of a block: what a model of some ten instructions makes of it fits into the second cache."""

CHUNK_SECONDS = 0.075
"""About how long a call of native code may take."""
FEWEST_BLOCKS = 1
"""Of rows, which a call of native code computes at least."""

MOST_KEPT = 1 << 20
"""Rows times fits of a solver that is kept for the next call."""


class SolverOptions(NamedTuple):
    """When a fit ends, and how residuals count.

    Attributes:
        ftol: where a step is expected to lower the cost by less, relative to it, and does so.
        xtol: where a step is shorter, relative to the parameters, both scaled.
        gtol: where the cosine of the residual with each column of the Jacobian is smaller.
        most: computations of the model.
        scale: of residuals, beside which those count as small that robust losses square.
        loss: a name of RESIDUAL_LOSSES.
    """

    ftol: float = 1e-12
    xtol: float = 1e-15
    gtol: float = 1e-15
    most: int = 2000
    scale: float = 1.0
    loss: str = "linear"


class Solution(NamedTuple):
    """What came of F fits of n parameters.

    Attributes:
        parameters: (F, n).
        outcomes: (F,) of OUTCOME, see ``vm.least_squares.problem``.
        factors: (F, n, n), the upper triangular factor of each one's Jacobian, weighted.
    """

    parameters: np.ndarray
    outcomes: np.ndarray
    factors: np.ndarray

    @property
    def costs(self) -> np.ndarray:
        """(F,), inf where the model or its derivatives were not finite."""
        return np.where(np.isin(self.status, (codes.NOT_FINITE, codes.NO_DERIVATIVE)), np.inf, self.outcomes["cost"])

    @property
    def status(self) -> np.ndarray:
        """(F,), how each ended."""
        return self.outcomes["status"]

    @property
    def rcond(self) -> np.ndarray:
        """(F,), the smallest beside the largest pivot of each one's Jacobian: 0 where it is singular."""
        return self.outcomes["rcond"]


class Data(NamedTuple):
    """The rows of all fits.

    Attributes:
        columns: float64, of shape (rows,), or of any shape where the model does not go by rows.
        y: float64 (rows,).
        weights: float64 (rows,), by which model - y is multiplied; None for ones.
        parts: uint64 (F, 2), each fit's first row and number of rows, at least 1; None where all fits have all rows.
    """

    columns: list[np.ndarray]
    y: np.ndarray
    weights: np.ndarray | None = None
    parts: np.ndarray | None = None


class Limits(NamedTuple):
    """What the parameters that are fitted may be: the lowest and the highest values, (n,) each."""

    low: np.ndarray
    high: np.ndarray


def block_of(rows: int, by_rows: bool) -> int:
    """For how many rows at once a model is traced."""
    return min(rows, MOST_ROWS) if by_rows else rows


def problem_of(program: Program, model: LoweredModel, rows: int, solution: Solution, **given: Any) -> Problem:
    """What the native code is told of a model, as a Program for so many rows, of where results go, and of what is ``given``."""
    n = len(model.free)
    return Problem(
        value_stop=program.entry("jacobian").start,
        stop=program.stop,
        slots=np.array([program.inputs[k].offset for k in model.free], np.uint64),
        n=n,
        block=rows,
        leading=leading(n, rows),
        linear=np.array(model.linear, np.uint64),
        n_linear=sum(model.linear),
        parameters=solution.parameters,
        outcomes=solution.outcomes,
        factors=solution.factors,
        **given,
    )


def as_fields(options: SolverOptions) -> dict[str, Any]:
    """Options as the native code has them."""
    ftol, xtol, gtol, most, scale, loss = options
    return {"ftol": ftol, "xtol": xtol, "gtol": gtol, "max_nfev": most, "scale": scale, "loss": RESIDUAL_LOSSES[loss]}


def next_chunk(done: int, started: float) -> int:
    """How much the next call of native code does in CHUNK_SECONDS, where one that ``started`` then has done so much."""
    return min(8 * done, int(done * CHUNK_SECONDS / max(time.perf_counter() - started, 1e-9)))


class Worker:
    """What one thread needs to take fits of a problem: an arena for the model, and a workspace."""

    def __init__(self, traced: LoweredModel, problem: Problem) -> None:
        self._fit = load("least_squares", traced.program.dtype)  # before the context: what is to be compiled is so in one wait
        self.context, self._problem = Context(traced.program), problem
        self._work = make_workspace(self.context.descriptor, problem.n, problem.leading)
        self._records = address(problem), address(self._work)
        self._blocks = max(FEWEST_BLOCKS, int(CHUNK_SECONDS * 1e9 / 4 / max(1, traced.program.work)))

    def run(self, first: int, stop: int) -> None:
        """Do the fits first ≤ i < stop, and return from native code now and then: Python takes a Ctrl-C only here."""
        self._work.set(fit=first, phase=codes.BEGINNING, asked=codes.NOTHING)
        while True:
            started = time.perf_counter()
            done = self._fit.call(*self._records, stop, self._blocks)
            if done < self._blocks:
                return
            self._blocks = max(FEWEST_BLOCKS, next_chunk(done, started))


class Solver:
    """A model with the memory of a number of fits of so many rows, and a worker for them.

    Data are copied into it, so that the native code's addresses are the same for every call: to ask NumPy for one takes longer
    than to copy some thousand numbers. While fits run nothing of it changes but their results: other workers may do some.
    """

    def __init__(self, traced: LoweredModel, rows: int, fits: int) -> None:
        program, n = traced.program, len(traced.free)
        self.sizes, self._traced = (rows, fits), traced
        self._first_column = traced.n_parameters
        self._last_column = traced.executable.n_given
        slots = program.inputs[self._first_column : self._last_column] if traced.by_rows else ()
        self._limits, self._y, self._weights = np.tile(_NO_LIMITS, n), np.empty(rows), np.empty(rows)
        self._columns, self._parts = np.empty((len(slots), rows)), np.full((fits, 2), (0, rows), np.uint64)
        self.solution = Solution(np.empty((fits, n)), np.empty(fits, OUTCOME), np.empty((fits, n, n)))
        self.problem = problem_of(
            program,
            traced,
            traced.rows,
            self.solution,
            outputs=in_row(Output, [Output(slot=to.offset, stride=to.size > 1) for to in program.outputs]),
            columns=in_row(Column, [Column(data=x, slot=to.offset) for x, to in zip(self._columns, slots, strict=True)]),
            n_columns=len(slots),
            y=self._y,
            parts=self._parts,
            lower=self._limits[0],
            upper=self._limits[1],
        )
        self._worker = Worker(traced, self.problem)
        self._address_of_weights = address(self._weights)
        self._limited, self._parted = False, False  # what the memory holds
        self._options: SolverOptions | None = None

    def solve(
        self,
        data: Data,
        held: np.ndarray,
        limits: Limits | None,
        starts: np.ndarray,
        options: SolverOptions,
        linear: bool = False,
    ) -> Solution:
        """Fit from ``starts``.

        Args:
            data: as many rows as the solver is for. A model that does not go by rows takes all of its columns at once.
            held: values of all parameters; those that are not free keep them.
            limits: of the free ones; None for no bounds.
            starts: float64 (F, n).
            options: when fits end.
            linear: whether parameters in which the model is linear begin at their best values. They do if all are such.

        Raises ArgumentError for parts that are none of the rows, or of a model that does not go by rows.
        """
        self.load(data, limits, starts, options, linear)
        self.prepare(self._worker, data, held)
        self._worker.run(0, len(starts))
        return Solution(*[array.copy() for array in self.solution])

    def load(self, data: Data, limits: Limits | None, starts: np.ndarray, options: SolverOptions, linear: bool = False) -> None:
        """Copy what all fits share, see ``solve``, and their starts."""
        traced, rows = self._traced, self.sizes[0]
        self._y[:] = data.y
        if data.weights is not None:
            self._weights[:] = data.weights
        self.problem.weights = 0 if data.weights is None else self._address_of_weights
        if data.parts is not None or self._parted:
            self._parts[:] = (0, rows) if data.parts is None else data.parts
            self._parted = data.parts is not None
        if data.parts is not None:
            first, count = self._parts.astype(np.int64).T
            if not traced.by_rows or count.min() < 1 or first.min() < 0 or (first + count).max() > rows:
                raise ArgumentError(
                    "Parts are out of range, or the model does not compute each row independently. "
                    "Give parts of at least one row."
                )
        for to, column in zip(self._columns, data.columns, strict=False):
            to[:] = column
        if limits is not None or self._limited:
            self._limits[:] = _NO_LIMITS if limits is None else limits
            self._limited = limits is not None
        if options is not self._options:
            self.problem.set(**as_fields(options))
            self._options = options
        self.problem.solves_linear = linear or all(traced.linear)
        self.solution.parameters[:] = starts

    def prepare(self, worker: Worker, data: Data, held: np.ndarray) -> None:
        """Put what all fits share into a worker's arena: held parameters, constants, columns that are not rows."""
        context, traced = worker.context, self._traced
        if len(traced.free) < len(held):
            context.load(held, 0, self._first_column)
        if not traced.by_rows:
            context.load(data.columns, self._first_column, self._last_column)
        if len(context.inputs) > self._last_column:
            traced.executable.load(context)


_NO_LIMITS = np.array([[-np.inf], [np.inf]])


def solve(
    traced: LoweredModel,
    data: Data,
    held: np.ndarray,
    limits: Limits | None,
    starts: np.ndarray,
    options: SolverOptions,
    linear: bool = False,
) -> Solution:
    """Fit from ``starts``, see ``Solver.solve``, by a solver that no other thread uses."""
    sizes = len(data.y), len(starts)
    try:
        solver = traced.idle.pop()
    except IndexError:  # there is none, or another thread took it just now
        solver = None
    if solver is None or solver.sizes != sizes:
        solver = Solver(traced, *sizes)
    try:
        return solver.solve(data, held, limits, starts, options, linear)
    finally:
        if sizes[0] * sizes[1] < MOST_KEPT:
            traced.idle.append(solver)
