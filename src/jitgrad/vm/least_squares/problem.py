"""Records of native least squares: inputs, workspaces and results, see ``solve.py``."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from jitgrad.vm.records import Choice, Count, Counts, Flag, Real, Reals, Record, address, pointer_to, record


@record
class Part(Record):
    """The rows of a fit."""

    first: Count
    count: Count


@record
class Column(Record):
    """A column of the data."""

    data: Reals
    slot: Count  # place in the arena
    lane: Count  # stride of the lanes of a bundle


@record
class Output(Record):
    """The place of the model or of one of its derivatives."""

    slot: Count  # place in the arena
    stride: Count  # 1, or 0 for one number for all rows
    lane: Count  # stride of the lanes of a bundle


@record
class Outcome(Record):
    """The results of a fit besides its parameters and its factor."""

    cost: Real  # half of the sum of squares
    nfev: Count  # number of evaluations of the model
    njev: Count  # number of evaluations of its derivatives
    status: Choice  # how it ended
    rcond: Real  # smallest / largest pivot of the Jacobian with columns scaled to norm one; 0 if singular


@record
class Problem(Record):
    """The data and options that all fits share.

    They are constant during the fits, so several threads may work on one problem.
    """

    # the Program, which runs in the context of a workspace: first the model, then its derivatives
    value_stop: Count  # instruction
    stop: Count  # instruction
    slots: Counts  # place in the arena of each parameter; lanes are adjacent
    held_slots: Counts  # and of each parameter that is not fitted
    outputs: Annotated[int, pointer_to("Output")]  # the model, then its derivatives with respect to each parameter
    columns: Annotated[int, pointer_to("Column")]
    # sizes
    n: Count  # number of fitted parameters
    n_held: Count  # number of other parameters whose values differ between fits
    n_columns: Count  # of the data; 0 if they are in the arena already
    block: Count  # rows computed at once
    leading: Count  # stride of the columns of the Jacobian
    # the data
    y: Reals  # response of each row
    weights: Reals  # of each row; null for ones
    parts: Annotated[int, pointer_to("Part")]  # of each fit
    lower: Reals  # bound of each parameter
    upper: Reals  # bound of each parameter
    limits_apart: Count  # stride of the bounds of fits, 0 if all are equal
    held: Reals  # values of the parameters that are not fitted, n_held for each fit
    linear: Counts  # whether the model is linear in each parameter
    n_linear: Count  # number of linear parameters
    # options, see ``curvefit.least_squares.SolverOptions``
    ftol: Real
    xtol: Real
    gtol: Real
    max_nfev: Count
    scale: Real
    loss: Choice
    solves_linear: Flag  # whether to solve for linear parameters first
    # results, one for each fit
    parameters: Reals  # n; initially the starting values
    outcomes: Annotated[int, pointer_to("Outcome")]
    factors: Reals  # n × n, the triangular factor of the weighted Jacobian, by rows


@record
class Workspace(Record):
    """The state of one thread: the current fit, and everything needed to continue it."""

    context: Annotated[int, pointer_to("ContextDescriptor")]
    lane: Count  # of the bundle
    # the fit
    fit: Count  # its number
    first: Count  # row
    count: Count  # number of rows
    phase: Choice  # the next phase after the request
    asked: Choice  # the request
    point: Reals  # its parameters
    block: Count  # number of finished blocks of rows
    finite: Flag  # whether the derivatives are finite
    fair: Flag  # whether the Jacobian is well conditioned, as far as known
    total: Real  # twice the cost of the finished blocks
    new_cost: Real  # of the last request; inf if the model is not finite
    cost: Real  # at the parameters
    exact_cost: Real  # at the level of rounding errors
    begun_cost: Real  # at the beginning of steps in the trust region
    reached_cost: Real  # and at their end
    residual: Real  # norm
    nfev: Count
    njev: Count
    status: Choice
    # steps
    turns: Count  # number of steps tried in the trust region
    full_turns: Count  # number of full steps at the end
    radius: Real  # of the trust region
    within: Real  # radius of the requested step
    damping: Real
    length: Real  # of the last step, scaled, and so on:
    slope: Real  # of the cost along it
    square: Real  # of the predicted change of the residual
    expected: Real  # predicted decrease of the cost
    led_to: Real  # cost
    gain: Real  # ratio of the actual to the predicted decrease of the cost
    accepted: Flag
    first_step: Flag
    stopped: Flag  # at bounds
    full: Flag  # whether the free columns have full rank
    flat: Flag  # whether the cost was flat at its end
    short: Flag
    follows: Flag  # whether linear parameters follow the others
    last_length: Real  # of the previous full step
    stretch: Real  # factor by which the last full step was stretched
    lower: Reals  # bounds
    upper: Reals
    # vectors, one number for each parameter
    theta: Reals  # the parameters
    trial: Reals  # the end of a step
    saved: Reals  # the previous parameters
    step: Reals
    last_step: Reals  # the previous full step
    gradient: Reals  # of the cost with respect to scaled parameters
    scales: Reals  # of the trust region
    norms: Reals  # of the columns of the Jacobian
    held: Counts  # whether a parameter is held
    scratch: Reals
    # the triangle of the free columns, in the order of pivots
    chosen: Counts  # the free columns
    order: Counts  # the parameter at each position of the triangle
    ratios: Reals  # scale / norm, in this order, and so on:
    scaled: Reals  # step of normalized parameters
    right: Reals  # side of the triangle
    damped_right: Reals
    triangle: Reals  # n + 1 columns of n
    damped: Reals  # n columns of n
    # the Jacobian, its columns below the triangle of the blocks before
    jacobian: Reals  # n columns of norm one
    residuals: Reals  # one more column
    row_weights: Reals  # one more column; first the residuals


OUTCOME = np.dtype(Outcome)


def leading(n: int, block: int) -> int:
    """Return the length of a column of the Jacobian: a block, below the triangle of the blocks before it."""
    return (block + n + 1 + 7) // 8 * 8


_LINE = 8
"""Numbers on a cache line."""


def make_workspace(context: Record, n: int, leading: int) -> Workspace:
    """Allocate a workspace with all of its vectors and matrices."""
    sizes = {name: n for name, kind in Workspace.kinds.items() if kind.points and kind.of in ("uint64", "float64")}
    sizes |= {"point": 0, "lower": 0, "upper": 0, "triangle": (n + 1) * n, "damped": n * n}
    sizes |= {"jacobian": n * leading, "residuals": leading, "row_weights": leading}
    work, memory = Workspace(context=context), np.zeros(sum(sizes.values()) + _LINE)
    place = address(memory)
    for name, size in sizes.items():
        if name == "jacobian":  # its columns, and those after it, are aligned to cache lines
            place += -place % (memory.itemsize * _LINE)
        setattr(work, name, place)
        place += memory.itemsize * size
    work.memory = memory  # keeps it alive
    return work
