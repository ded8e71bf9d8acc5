"""The native least squares, as Python calls them: fits of one model, from a start each, in one call."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.lowered_model import LoweredModel
from jitgrad.errors import ArgumentError
from jitgrad.program.context import Context
from jitgrad.vm import fit_plan
from jitgrad.vm.fit_plan import (
    ARCTAN,
    CAUCHY,
    FIT,
    HEAD,
    HUBER,
    LINEAR_LOSS,
    LOSS,
    LOWER,
    N_FIGURES,
    ROOM_HEAD,
    SOFT_L1,
    SOLVES,
    leading,
    room_size,
)  # fmt: skip
from jitgrad.vm.records import address

LOSSES = {"linear": LINEAR_LOSS, "soft_l1": SOFT_L1, "huber": HUBER, "cauchy": CAUCHY, "arctan": ARCTAN}
"""How residuals may count, by name."""

MOST_ROWS = 1024
"""Of a block: what a model of some ten instructions makes of it fits into the second cache."""

CHUNK_SECONDS = 0.075
"""About how long a call of native code may take."""
FEWEST_BLOCKS = 1
"""Of rows, which a call of native code computes at least."""

MOST_KEPT = 1 << 20
"""Rows times fits of a solver that is kept for the next call."""


class Settings(NamedTuple):
    """When a fit ends, and how residuals count.

    Attributes:
        ftol: where a step is expected to lower the cost by less, relative to it, and does so.
        xtol: where a step is shorter, relative to the parameters, both scaled.
        gtol: where the cosine of the residual with each column of the Jacobian is smaller.
        most: computations of the model.
        scale: of residuals, beside which those count as small that robust losses square.
        loss: a name of LOSSES.
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
        figures: (F, 5): the cost, how often the model and its derivatives were computed, how the fit ended (``vm.fit_plan``),
            and the smallest beside the largest pivot of its Jacobian, the columns scaled to norm one.
        factors: (F, n, n), the upper triangular factor of each one's Jacobian, weighted.
    """

    parameters: np.ndarray
    figures: np.ndarray
    factors: np.ndarray

    @property
    def costs(self) -> np.ndarray:
        """(F,), inf where the model or its derivatives were not finite."""
        failed = np.isin(self.ended, (fit_plan.NOT_FINITE, fit_plan.NO_DERIVATIVE))
        return np.where(failed, np.inf, self.figures[:, 0])

    @property
    def ended(self) -> np.ndarray:
        """(F,), how each ended."""
        return self.figures[:, 3]

    @property
    def pivots(self) -> np.ndarray:
        """(F,), the smallest beside the largest pivot of each one's Jacobian: 0 where it is singular."""
        return self.figures[:, 4]


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


class Solver:
    """A model with all the memory that fits of it need, for one thread and a number of rows and fits.

    Data are copied into it, so that the native code's addresses are the same for every call: to ask NumPy for one takes longer
    than to copy some thousand numbers.
    """

    def __init__(self, traced: LoweredModel, rows: int, fits: int) -> None:
        program, n = traced.program, len(traced.free)
        self.sizes = rows, fits
        self._traced, self._context = traced, Context(program)
        self._first_column = traced.n_parameters
        self._last_column = traced.executable.n_given
        slots = program.inputs[self._first_column : self._last_column] if traced.by_rows else ()
        self._room = np.zeros(room_size(n, traced.rows))
        self._limits = self._room[ROOM_HEAD + LOWER * n : ROOM_HEAD + (LOWER + 2) * n].reshape(2, n)
        self._y, self._weights, self._columns = np.empty(rows), np.ones(rows), np.empty((len(slots), rows))
        self._parts = np.full((fits, 2), (0, rows), np.uint64)
        self._solution = Solution(np.empty((fits, n)), np.empty((fits, N_FIGURES)), np.empty((fits, n, n)))
        arrays = (self._y, self._weights, self._parts, *self._solution)
        plan = [
            0, 0, 0, address(self._context.arena), program.entry("jacobian").start, program.stop,
            n, len(slots), traced.rows, 0, 0,
            *[array.ctypes.data for array in arrays], leading(n, traced.rows), *(0,) * (HEAD - FIT),
            *[program.inputs[k].offset for k in traced.free],
            *[int(linear) for linear in traced.linear], *(0,) * n,
            *[number for slot in program.outputs for number in (slot.offset, int(slot.size > 1))],
            *[number for slot, to in zip(slots, self._columns, strict=True) for number in (to.ctypes.data, slot.offset)],
        ]  # fmt: skip
        self._plan = np.array(plan, np.uint64)
        self._weighted, self._limited, self._linear, self._parted = False, True, False, False  # what the memory holds
        self._settings: Settings | None = None
        self._blocks = max(FEWEST_BLOCKS, int(CHUNK_SECONDS * 1e9 / 4 / max(1, program.work)))
        self._addresses = (self._plan.ctypes.data, self._room.ctypes.data, address(self._context.descriptor))

    def solve(
        self, data: Data, held: np.ndarray, limits: Limits | None, starts: np.ndarray, settings: Settings, linear: bool = False
    ) -> Solution:
        """Fit from ``starts``.

        Args:
            data: as many rows as the solver is for. A model that does not go by rows takes all of its columns at once.
            held: values of all parameters; those that are not free keep them.
            limits: of the free ones; None for no bounds.
            starts: float64 (F, n).
            settings: when fits end.
            linear: whether parameters in which the model is linear begin at their best values. They do if all are such.

        Raises ArgumentError for parts that are none of the rows, or of a model that does not go by rows.
        """
        plan, room = self._plan, self._room
        self._load(data, held)
        if limits is not None or self._limited:
            self._limits[:] = _NO_LIMITS if limits is None else limits
            self._limited = limits is not None
        if settings is not self._settings:
            room[: len(settings) - 1], plan[LOSS] = settings[:-1], LOSSES[settings.loss]
            self._settings = settings
        linear = linear or all(self._traced.linear)
        if linear != self._linear:
            plan[SOLVES] = self._linear = linear
        self._solution.parameters[:] = starts
        self._run(len(starts))
        return Solution(*[array.copy() for array in self._solution])

    def _run(self, fits: int) -> None:
        """Run the native code to the end, and return from it now and then: Python takes a Ctrl-C only here."""
        self._plan[FIT:HEAD] = 0
        call = self._context.least_squares.call
        while True:
            started = time.perf_counter()
            done = call(*self._addresses, fits, self._blocks)
            if done < self._blocks:
                return
            seconds = max(time.perf_counter() - started, 1e-9)
            self._blocks = max(FEWEST_BLOCKS, min(8 * self._blocks, int(done * CHUNK_SECONDS / seconds)))

    def _load(self, data: Data, held: np.ndarray) -> None:
        """Copy the data, and put what all fits share into the arena: held parameters, constants, columns that are not rows."""
        context, traced, rows = self._context, self._traced, self.sizes[0]
        self._y[:] = data.y
        if data.weights is not None or self._weighted:
            self._weights[:] = 1.0 if data.weights is None else data.weights
            self._weighted = data.weights is not None
        if data.parts is not None or self._parted:
            self._parts[:] = (0, rows) if data.parts is None else data.parts
            self._parted = data.parts is not None
        if data.parts is not None:
            first, count = self._parts.astype(np.int64).T
            if not traced.by_rows or count.min() < 1 or first.min() < 0 or (first + count).max() > rows:
                raise ArgumentError(
                    "Parts are none of the rows, or the model does not go by rows. Give parts of at least one row."
                )
        for to, column in zip(self._columns, data.columns, strict=False):
            to[:] = column
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
    settings: Settings,
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
        return solver.solve(data, held, limits, starts, settings, linear)
    finally:
        if sizes[0] * sizes[1] < MOST_KEPT:
            traced.idle.append(solver)
