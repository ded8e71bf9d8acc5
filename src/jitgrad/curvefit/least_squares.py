"""The native least squares, called: fits of one model, from a start each, in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.trace import Traced
from jitgrad.tape.evaluate import machine_for
from jitgrad.vm import fit_plan, native
from jitgrad.vm.fit_plan import ARCTAN, CAUCHY, HEAD, HUBER, LINEAR_LOSS, N_FIGURES, SOFT_L1, VECTORS, leading, room_size

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
        figures: (F, 4): the cost, how often the model and its derivatives were computed, how the fit ended (``vm.fit_plan``).
        factors: (F, n, n), the upper triangular factor of each one's Jacobian, weighted.
    """

    parameters: np.ndarray
    figures: np.ndarray
    factors: np.ndarray


class Data(NamedTuple):
    """The rows of all fits.

    Attributes:
        columns: float64, C-contiguous, of shape (rows,), or of any shape where the model goes not by rows.
        y, weights: float64 (rows,): residuals are (model - y) · weights.
        parts: uint64 (F, 2), each fit's first row and number of rows.
    """

    columns: list[np.ndarray]
    y: np.ndarray
    weights: np.ndarray
    parts: np.ndarray


def block_of(rows: int, by_rows: bool) -> int:
    """For how many rows at once a model is traced."""
    return min(rows, MOST_ROWS) if by_rows else rows


def solve(
    traced: Traced,
    free: list[int],
    data: Data,
    starts: np.ndarray,
    held: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
    settings: Settings,
    linear: bool = False,
) -> Solution:
    """Fit from ``starts``.

    Args:
        traced: the model, for blocks of its rows.
        free: the numbers of the parameters that are fitted.
        data: the rows. A model that goes not by rows takes all of its columns at once.
        starts: (F, n), float64.
        held: values of all parameters; those that are not free keep them.
        bounds: lowest and highest values, (n,) each.
        settings: see there.
        linear: whether parameters in which the model is linear begin at their best values.
    """
    n, block = len(free), traced.rows
    solution = Solution(starts.copy(), np.zeros((len(starts), N_FIGURES)), np.zeros((len(starts), n, n)))
    room = np.empty(room_size(n, block))
    room[:5] = settings.ftol, settings.xtol, settings.gtol, settings.most, settings.scale
    at = fit_plan.ROOM_HEAD + fit_plan.LOWER * n
    room[at : at + n], room[at + n : at + 2 * n] = bounds
    with machine_for(traced.program) as machine:
        n_held = len(held)
        machine.load(held, 0, n_held)
        by_rows = traced.by_rows
        if not by_rows:
            machine.load(data.columns, n_held, n_held + len(data.columns))
        machine.load(traced.literals, n_held + len(data.columns))
        slots = machine.program.inputs
        outputs = machine.program.outputs
        columns = list(zip(data.columns, slots[n_held:], strict=False)) if by_rows else []
        plan = np.array(
            [
                machine.execute.address, *machine.addresses, machine.program.forward_stop, machine.program.stop,
                n, len(columns), block, LOSSES[settings.loss],
                data.y.ctypes.data, data.weights.ctypes.data, data.parts.ctypes.data,
                *(a.ctypes.data for a in solution), room.ctypes.data,
                0, 0, leading(n, block),
                *(slots[k].offset for k in free),
                *(traced.linear if linear else (0,) * n),
                *(0,) * n,
                *(number for slot in outputs for number in (slot.offset, int(slot.size > 1))),
                *(number for column, slot in columns for number in (column.ctypes.data, slot.offset)),
            ],
            np.uint64,
        )  # fmt: skip
        native.load("least_squares", _FLOAT64).call(plan.ctypes.data, room.ctypes.data, 0, len(starts))
    return solution
