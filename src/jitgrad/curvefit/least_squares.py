"""The Python side of the native least-squares solver: fits of one model, from one start each, in one call."""

from __future__ import annotations

import time
from collections.abc import Callable
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
"""The losses of residuals, by name."""

MOST_ROWS = 1024
"""The largest number of rows of a block, for which the results of a model of ten instructions fit into the L2 cache."""

CHUNK_SECONDS = 0.075
"""The approximate duration of a call of native code, in seconds."""
FEWEST_BLOCKS = 1
"""The smallest number of blocks of rows that a call of native code computes."""

MOST_KEPT = 1 << 20
"""The largest product of rows and fits of a solver that is kept for the next call."""


class SolverOptions(NamedTuple):
    """Tolerances and the loss.

    Attributes
    ----------
    ftol : float
        A fit ends if both the expected and the actual reduction of the cost by a step are less than this fraction.
    xtol : float
        A fit ends if a step is shorter than this fraction of the parameters, both scaled.
    gtol : float
        A fit ends if the cosine of the residual with each column of the Jacobian is smaller than this.
    most : int
        The largest number of evaluations of the model.
    scale : float
        The scale of the residuals for robust losses.
    loss : str
        A key of ``RESIDUAL_LOSSES``.
    accuracy : float
        The error of the model's values, relative to y, beyond rounding errors.
    """

    ftol: float = 1e-12
    xtol: float = 1e-15
    gtol: float = 1e-15
    most: int = 2000
    scale: float = 1.0
    loss: str = "linear"
    accuracy: float = 0.0

    def within(self, accuracy: float) -> SolverOptions:
        """Return the options for a model whose values have relative errors of this size, below which no steps are taken."""
        if accuracy <= self.accuracy:
            return self
        return self._replace(accuracy=accuracy, ftol=max(self.ftol, 0.01 * accuracy), xtol=max(self.xtol, 0.01 * accuracy))


class Solution(NamedTuple):
    """The results of F fits of n parameters.

    Attributes
    ----------
    parameters : ndarray, shape (F, n)
        The estimates.
    outcomes : ndarray of OUTCOME, shape (F,)
        See ``vm.least_squares.problem``.
    factors : ndarray, shape (F, n, n)
        The upper triangular factors of the weighted Jacobians.
    """

    parameters: np.ndarray
    outcomes: np.ndarray
    factors: np.ndarray

    @property
    def costs(self) -> np.ndarray:
        """The costs, (F,); inf if the model or its derivatives were not finite."""
        return np.where(np.isin(self.status, (codes.NOT_FINITE, codes.NO_DERIVATIVE)), np.inf, self.outcomes["cost"])

    @property
    def status(self) -> np.ndarray:
        """The status codes, (F,)."""
        return self.outcomes["status"]

    @property
    def rcond(self) -> np.ndarray:
        """The ratios of the smallest to the largest pivot of the Jacobians, (F,); 0 if singular."""
        return self.outcomes["rcond"]


class Data(NamedTuple):
    """The rows of all fits.

    Attributes
    ----------
    columns : list of ndarray
        float64 arrays of shape (rows,), or of any shape if the model does not compute rows independently.
    y : ndarray, shape (rows,)
        The response, in float64.
    weights : ndarray, shape (rows,), or None
        Weights of the residuals; None for ones.
    parts : ndarray of uint64, shape (F, 2), or None
        The first row and the number of rows, at least 1, of each fit; None if every fit has all rows.
    """

    columns: list[np.ndarray]
    y: np.ndarray
    weights: np.ndarray | None = None
    parts: np.ndarray | None = None


class Limits(NamedTuple):
    """The lower and upper bounds of the fitted parameters, (n,) each."""

    low: np.ndarray
    high: np.ndarray


def block_of(rows: int, by_rows: bool) -> int:
    """Return the number of rows of a block for which a model is traced."""
    return min(rows, MOST_ROWS) if by_rows else rows


def problem_of(program: Program, model: LoweredModel, rows: int, solution: Solution, **given: Any) -> Problem:
    """Return the native record of a problem: the model, the addresses of results, and the fields ``given``."""
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
    """Return options as fields of the native record."""
    ftol, xtol, gtol, most, scale, loss, _ = options
    return {"ftol": ftol, "xtol": xtol, "gtol": gtol, "max_nfev": most, "scale": scale, "loss": RESIDUAL_LOSSES[loss]}


def next_chunk(done: int, started: float) -> int:
    """Return the amount of work for CHUNK_SECONDS, given that ``done`` took the time since ``started``."""
    return min(8 * done, int(done * CHUNK_SECONDS / max(time.perf_counter() - started, 1e-9)))


class Worker:
    """The arena and the workspace with which one thread runs fits of a problem."""

    def __init__(self, traced: LoweredModel, problem: Problem) -> None:
        self._fit = load("least_squares", traced.program.dtype)  # before the context, so that everything is compiled together
        self.context, self._problem = Context(traced.program), problem
        self._work = make_workspace(self.context.descriptor, problem.n, problem.leading)
        self._records = address(problem), address(self._work)
        is_known = not (traced.solves_equations or traced.uses("while"))  # otherwise, the work depends on the values
        self._blocks = max(FEWEST_BLOCKS, int(CHUNK_SECONDS * 1e9 / 4 / max(1, traced.program.work)) if is_known else 0)

    def run(self, first: int, stop: int, done: Callable[[int], None] | None = None) -> None:
        """Run the fits first ≤ i < stop, returning from native code regularly so that Python can handle a Ctrl-C.

        ``done`` is then called with the number of fits that are done.
        """
        self._work.set(fit=first, phase=codes.BEGINNING, asked=codes.NOTHING)
        while True:
            started = time.perf_counter()
            blocks = self._fit.call(*self._records, stop, self._blocks)
            if blocks < self._blocks:
                return
            self._blocks = max(FEWEST_BLOCKS, next_chunk(blocks, started))
            if done is not None:
                done(int(self._work.fit) - first)


class Solver:
    """The memory for a number of fits of a model to a number of rows, and a worker.

    Data are copied into it, so that the addresses in the native records stay the same: asking NumPy for an address takes longer
    than copying a few thousand numbers. While fits run, only their results change, so other workers may run some of them.
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
        self._limited, self._parted = False, False  # the current contents of the memory
        self._options: SolverOptions | None = None

    def solve(
        self,
        data: Data,
        held: np.ndarray,
        limits: Limits | None,
        starts: np.ndarray,
        options: SolverOptions,
        linear: bool = False,
        done: Callable[[int], None] | None = None,
    ) -> Solution:
        """Fit from ``starts``.

        Parameters
        ----------
        data : Data
            The rows, as many as the solver was made for.
        held : ndarray, shape (p,)
            Values of all parameters; parameters that are not free keep these values.
        limits : Limits or None
            The bounds of the free parameters.
        starts : ndarray, shape (F, n)
            Starting values, in float64.
        options : SolverOptions
            Tolerances and the loss.
        linear : bool, default False
            Whether linear parameters start at their best values. They always do if all parameters are linear.
        done : callable, optional
            Called regularly with the number of fits that are done.

        Raises
        ------
        ArgumentError
            If parts are out of range, or the model does not compute rows independently.
        """
        self.load(data, limits, starts, options, linear)
        self.prepare(self._worker, data, held)
        self._worker.run(0, len(starts), done)
        return Solution(*[array.copy() for array in self.solution])

    def load(self, data: Data, limits: Limits | None, starts: np.ndarray, options: SolverOptions, linear: bool = False) -> None:
        """Copy the data that all fits share, and their starts; see ``solve``."""
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
        """Load the values that all fits share into a worker's arena: held parameters, constants, columns that are not rows."""
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
    done: Callable[[int], None] | None = None,
) -> Solution:
    """Fit from ``starts`` with a solver that no other thread uses; see ``Solver.solve``."""
    sizes = len(data.y), len(starts)
    try:
        solver = traced.idle.pop()
    except IndexError:  # no solver is idle, or another thread has taken it
        solver = None
    if solver is None or solver.sizes != sizes:
        solver = Solver(traced, *sizes)
    try:
        solution = solver.solve(data, held, limits, starts, options, linear, done)
        return _within_accuracy(solution, data, options.accuracy) if options.accuracy else solution
    finally:
        if sizes[0] * sizes[1] < MOST_KEPT:
            traced.idle.append(solver)


def _within_accuracy(solution: Solution, data: Data, accuracy: float) -> Solution:
    """Mark fits as exact whose residuals are errors of the model's values, among which no step reduces the cost."""
    stuck = solution.status == codes.STUCK
    if not stuck.any():
        return solution
    sizes = data.y if data.weights is None else data.y * data.weights
    exact = stuck & (solution.costs <= 0.5 * accuracy**2 * float(sizes @ sizes))
    solution.outcomes["status"][exact] = codes.EXACT
    return solution
