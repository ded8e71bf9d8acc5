"""The native least squares, as Python calls them: fits of one model, from a start each, in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.trace import Traced
from jitgrad.program.machine import Machine
from jitgrad.tape.evaluate import leaf_values
from jitgrad.vm import fit_plan, native
from jitgrad.vm.fit_plan import ARCTAN, CAUCHY, HEAD, HUBER, LINEAR_LOSS, LOSS, N_FIGURES, SOFT_L1, leading, room_size

LOSSES = {"linear": LINEAR_LOSS, "soft_l1": SOFT_L1, "huber": HUBER, "cauchy": CAUCHY, "arctan": ARCTAN}
"""How residuals may count, by name."""

MOST_ROWS = 1024
"""Of a block: what a model of some ten instructions makes of it fits into the second cache."""

_FLOAT64 = np.dtype(np.float64)


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


class Data(NamedTuple):
    """The rows of all fits.

    Attributes:
        columns: float64, C-contiguous, of shape (rows,), or of any shape where the model goes not by rows.
        y, weights: float64 (rows,): residuals are (model - y) · weights.
        parts: uint64 (F, 2), each fit's first row and number of rows; where it is one, it holds for all fits.
    """

    columns: list[np.ndarray]
    y: np.ndarray
    weights: np.ndarray
    parts: np.ndarray


def block_of(rows: int, by_rows: bool) -> int:
    """For how many rows at once a model is traced."""
    return min(rows, MOST_ROWS) if by_rows else rows


class Solver:
    """A model with an arena and room to work in, ready for native fits by one thread.

    Args:
        traced: the model, for blocks of its rows.
    """

    def __init__(self, traced: Traced) -> None:
        self._traced, self._machine = traced, Machine(traced.program)
        program, free, n = traced.program, traced.free, len(traced.free)
        self._room = np.empty(room_size(n, traced.rows))
        self._first_column = traced.n_parameters
        slots = program.inputs[self._first_column : len(program.inputs) - len(traced.constants) - len(traced.literals)]
        self._last_column = self._first_column + len(slots)
        columns = slots if traced.by_rows else ()
        plan = [
            self._machine.execute.address, *self._machine.addresses, program.forward_stop, program.stop,
            n, len(columns), traced.rows, *(0,) * 7, self._room.ctypes.data, 0, 0, leading(n, traced.rows),
            *[program.inputs[k].offset for k in free],
            *(0,) * (2 * n),
            *[number for slot in program.outputs for number in (slot.offset, int(slot.size > 1))],
            *[number for slot in columns for number in (0, slot.offset)],
        ]  # fmt: skip
        self._plan = np.array(plan, np.uint64)
        self._addresses = (self._plan.ctypes.data, self._room.ctypes.data)

    def solve(
        self,
        data: Data,
        held: np.ndarray,
        bounds: tuple[np.ndarray, np.ndarray],
        starts: np.ndarray,
        settings: Settings,
        linear: bool = False,
    ) -> Solution:
        """Fit from ``starts``.

        Args:
            data: the rows. A model that does not go by rows takes all of its columns at once.
            held: values of all parameters; those that are not free keep them.
            bounds: lowest and highest values of the free ones, (n,) each.
            starts: float64 (F, n).
            settings: when fits end.
            linear: whether parameters in which the model is linear begin at their best values.
        """
        plan, n, fits, mask = self._plan, len(self._traced.free), len(starts), HEAD + len(self._traced.free)
        self._load(data, held)
        self._set_room(bounds, settings)
        solution = Solution(starts.copy(), np.empty((fits, N_FIGURES)), np.empty((fits, n, n)))
        parts = data.parts if len(data.parts) == fits else np.repeat(data.parts, fits, axis=0)
        arrays = (data.y, data.weights, parts, *solution)
        plan[LOSS : fit_plan.ROOM] = [LOSSES[settings.loss], *[array.ctypes.data for array in arrays]]
        plan[mask : mask + n] = self._traced.linear if linear else 0
        if self._traced.by_rows:
            plan[len(plan) - 2 * len(data.columns) :: 2] = [column.ctypes.data for column in data.columns]
        native.load("least_squares", _FLOAT64).call(*self._addresses, 0, fits)
        return solution

    def _load(self, data: Data, held: np.ndarray) -> None:
        """Put what all fits share into the arena: held parameters, constants, and columns unless they are read by blocks."""
        machine, traced = self._machine, self._traced
        if len(traced.free) < len(held):
            machine.load(held, 0, self._first_column)
        if not traced.by_rows:
            machine.load(data.columns, self._first_column, self._last_column)
        if len(machine.inputs) > self._last_column:
            machine.load([*leaf_values(traced.constants, _FLOAT64, replayed=True), *traced.literals], self._last_column)

    def _set_room(self, bounds: tuple[np.ndarray, np.ndarray], settings: Settings) -> None:
        n, at = len(self._traced.free), fit_plan.ROOM_HEAD + fit_plan.LOWER * len(self._traced.free)
        self._room[: fit_plan.COST] = settings[: fit_plan.COST]
        self._room[at : at + n], self._room[at + n : at + 2 * n] = bounds


def solve(
    traced: Traced,
    data: Data,
    held: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
    starts: np.ndarray,
    settings: Settings,
    linear: bool = False,
) -> Solution:
    """Fit from ``starts``, see ``Solver.solve``, by a solver that no other thread uses."""
    solver = traced.idle.pop() if traced.idle else Solver(traced)
    try:
        return solver.solve(data, held, bounds, starts, settings, linear)
    finally:
        traced.idle.append(solver)
