"""What the native least squares are given, work in and return, see ``solve.py``."""

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
    lane: Count  # distance of the lanes of a bundle


@record
class Output(Record):
    """Where the model is computed, or one of its derivatives."""

    slot: Count  # place in the arena
    stride: Count  # 1, or 0 for one number that all rows share
    lane: Count  # distance of the lanes of a bundle


@record
class Outcome(Record):
    """What came of a fit, beside its parameters and its factor."""

    cost: Real  # half of the sum of squares
    nfev: Count  # computations of the model
    njev: Count  # computations of its derivatives
    status: Choice  # how it ended
    rcond: Real  # the smallest beside the largest pivot of the Jacobian, its columns scaled to norm one; 0 where it is singular


@record
class Problem(Record):
    """What all fits share. Nothing in it changes while they run, so that several threads may take fits of one problem."""

    # the Program, run in the context of a workspace: the model's values come first, then its derivatives
    value_stop: Count  # instruction
    stop: Count  # instruction
    slots: Counts  # place in the arena of each parameter; lanes stand side by side
    held_slots: Counts  # and of each that is not fitted
    outputs: Annotated[int, pointer_to("Output")]  # the model, then its derivatives by each parameter
    columns: Annotated[int, pointer_to("Column")]
    # sizes
    n: Count  # parameters that are fitted
    n_held: Count  # others, whose values differ from fit to fit
    n_columns: Count  # of data, 0 where they stand in the arena already
    block: Count  # rows that are computed at once
    leading: Count  # distance of the columns of the Jacobian
    # the data
    y: Reals  # response of each row
    weights: Reals  # of each row; null for ones
    parts: Annotated[int, pointer_to("Part")]  # of each fit
    lower: Reals  # bound of each parameter
    upper: Reals  # bound of each parameter
    limits_apart: Count  # distance of the bounds of two fits, 0 where all have the same
    held: Reals  # values of the parameters that are not fitted, n_held of each fit
    linear: Counts  # whether the model is linear in each parameter
    n_linear: Count  # in how many parameters it is
    # the options, see ``curvefit.least_squares.SolverOptions``
    ftol: Real
    xtol: Real
    gtol: Real
    max_nfev: Count
    scale: Real
    loss: Choice
    solves_linear: Flag  # whether parameters in which the model is linear are solved for first
    # where results go, a place for each fit
    parameters: Reals  # n, starting values before
    outcomes: Annotated[int, pointer_to("Outcome")]
    factors: Reals  # n × n, the triangular factor of the weighted Jacobian, by rows


@record
class Workspace(Record):
    """What one thread works in: the fit at work, and all that is needed to go on with it."""

    context: Annotated[int, pointer_to("ContextDescriptor")]
    lane: Count  # of the bundle
    # the fit
    fit: Count  # its number
    first: Count  # row
    count: Count  # rows
    phase: Choice  # what comes next, when what is asked for is computed
    asked: Choice  # what it asks for
    point: Reals  # for which parameters
    block: Count  # how many blocks of rows that is done for
    finite: Flag  # whether the derivatives are
    fair: Flag  # whether the Jacobian is well conditioned, as far as is known
    total: Real  # cost of these blocks, doubled
    new_cost: Real  # what was computed last; inf where the model is not finite
    cost: Real  # at the parameters
    exact_cost: Real  # one that is nothing but rounding
    begun_cost: Real  # what it was when steps in the trust region began
    reached_cost: Real  # and when they ended
    residual: Real  # norm
    nfev: Count
    njev: Count
    status: Choice
    # steps
    turns: Count  # how many were tried in the trust region
    full_turns: Count  # how many full ones were made at the end
    radius: Real  # of the trust region
    within: Real  # radius of the step that is asked for
    damping: Real
    length: Real  # of the last step, scaled, and so on:
    slope: Real  # of the cost along it
    square: Real  # of the change of the residual that the linear model foretells
    expected: Real  # fall of the cost
    led_to: Real  # cost
    gain: Real  # fall of the cost beside what was expected
    accepted: Flag
    first_step: Flag
    stopped: Flag  # at bounds
    full: Flag  # whether the columns that move have full rank
    flat: Flag  # whether it led to where the cost is flat
    short: Flag
    follows: Flag  # whether linear parameters follow the others
    last_length: Real  # of the full step before
    stretch: Real  # by which the last full step was stretched
    lower: Reals  # bounds
    upper: Reals
    # vectors, a number for each parameter
    theta: Reals  # the parameters
    trial: Reals  # where a step leads
    saved: Reals  # the parameters before
    step: Reals
    last_step: Reals  # the full one before
    gradient: Reals  # of the cost by scaled parameters
    scales: Reals  # of the trust region
    norms: Reals  # of the columns of the Jacobian
    held: Counts  # whether a parameter stays where it is
    scratch: Reals
    # the triangle of the columns that may move, in the order of pivots
    chosen: Counts  # the columns that may move
    order: Counts  # the parameter at each place of the triangle
    ratios: Reals  # scale beside norm, in this order, and so on:
    scaled: Reals  # step of normalised parameters
    right: Reals  # side of the triangle
    damped_right: Reals
    triangle: Reals  # n + 1 columns of n
    damped: Reals  # n columns of n
    # the Jacobian, its columns below the triangle of the blocks before
    jacobian: Reals  # n columns of norm one
    residuals: Reals  # one more column
    row_weights: Reals  # one more column; residuals first


OUTCOME = np.dtype(Outcome)


def leading(n: int, block: int) -> int:
    """Rows of a column of the Jacobian: a block, below the triangle of the blocks before it."""
    return (block + n + 1 + 7) // 8 * 8


_LINE = 8
"""Numbers on a cache line."""


def make_workspace(context: Record, n: int, leading: int) -> Workspace:
    """A workspace with memory for all of its vectors and matrices."""
    sizes = {name: n for name, kind in Workspace.kinds.items() if kind.points and kind.of in ("uint64", "float64")}
    sizes |= {"point": 0, "lower": 0, "upper": 0, "triangle": (n + 1) * n, "damped": n * n}
    sizes |= {"jacobian": n * leading, "residuals": leading, "row_weights": leading}
    work, memory = Workspace(context=context), np.zeros(sum(sizes.values()) + _LINE)
    place = address(memory)
    for name, size in sizes.items():
        if name == "jacobian":  # its columns, and those that follow it, begin on cache lines
            place += -place % (memory.itemsize * _LINE)
        setattr(work, name, place)
        place += memory.itemsize * size
    work.memory = memory  # is kept
    return work
