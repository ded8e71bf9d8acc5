"""Nonlinear least squares in native code: ``least_squares`` fits one model to many sets of rows, from a start each.

The method is Levenberg and Marquardt's in a trust region scaled by the columns of the Jacobian (Moré, "The
Levenberg-Marquardt algorithm: implementation and theory", 1978); a scale that a column had before is forgotten as the residual
falls. The Jacobian is triangulated by blocks of rows: no normal equations lose half of the digits, and many rows need no more
room than a block. When the cost has come to its minimum, undamped steps go on for as long as they become shorter: the cost is
flat to half of the digits there, the gradient is not.

A fit is a sequence of phases. Each has the model or its derivatives computed and names the phase that follows, so that all that
is needed to go on stands in the plan and in the room: the call returns after so many blocks of rows, for Python to take a
Ctrl-C, and where it is cut changes nothing.

Functions take P, the plan, W, the room to work in, and A, the arena of the Program; ``fit_plan.py`` says what stands where.
"""

from __future__ import annotations

from numba import carray, types
from numpy import uint64

from jitgrad.vm import fit_descent, fit_end
from jitgrad.vm import fit_plan as plan
from jitgrad.vm.context import ContextDescriptor
from jitgrad.vm.fit_model import ONE, TWO, ZERO, ask, column, compute, go_to, load, triangle, vector
from jitgrad.vm.fit_steps import ALL, factor, hold
from jitgrad.vm.jit import Native, inline, pointer
from jitgrad.vm.kernels.tiles import pointer_to
from jitgrad.vm.record_types import RecordPointer


@inline
def _begin(P, W, A):
    """Begin the fit whose number the plan has: its rows, and its starting values."""
    at, theta = pointer_to(A, ZERO), vector(P, plan.THETA)
    rows, parameters = carray(pointer(P[plan.ROWS], pointer_to(P, ZERO)), 1), carray(pointer(P[plan.PARAMETERS], at), 1)
    P[plan.FIRST], P[plan.COUNT] = rows[TWO * P[plan.FIT]], rows[TWO * P[plan.FIT] + ONE]
    for k in range(P[plan.N]):
        W[theta + k] = parameters[P[plan.FIT] * P[plan.N] + k]
    for k in range(plan.N_FIGURES):
        W[plan.FIRST_FIGURE + k] = 0.0
    P[plan.TURNS], P[plan.FOLLOWS] = ZERO, ZERO
    if P[plan.COUNT] <= P[plan.BLOCK]:
        load(P, A, at, ZERO)
    ask(P, W, plan.VALUE, plan.THETA, plan.STARTED)


@inline
def _pivots(P, W):
    """The smallest beside the largest pivot of the Jacobian, its columns scaled to norm one: 0 where it is singular."""
    n, T = P[plan.N], triangle(P)
    hold(P, W, ALL)
    _, rank = factor(P, W)
    return abs(W[T + n * n - ONE]) / abs(W[T]) if n > ZERO and rank == n else 0.0


@inline
def _store(P, W, A):
    """Write what came of the fit where the caller looks for it, and go to the next."""
    n, i, at = P[plan.N], P[plan.FIT], pointer_to(A, ZERO)
    parameters = carray(pointer(P[plan.PARAMETERS], at), 1)
    figures, factors = carray(pointer(P[plan.FIGURES], at), 1), carray(pointer(P[plan.FACTORS], at), 1)
    W[plan.PIVOTS] = _pivots(P, W) if W[plan.JACOBIANS] > 0.0 else 0.0
    for k in range(n):
        parameters[i * n + k] = W[vector(P, plan.THETA) + k]
        for j in range(n):
            factors[(i * n + j) * n + k] = W[column(P, k) + j] * W[vector(P, plan.NORM) + k] if j <= k else 0.0
    for k in range(uint64(plan.N_FIGURES)):
        figures[i * uint64(plan.N_FIGURES) + k] = W[uint64(plan.FIRST_FIGURE) + k]
    P[plan.FIT] += ONE
    go_to(P, plan.BEGINNING)


def _least_squares(plan_pointer, reals, context, fits, most):
    """Go on with the first ``fits`` fits of a plan, for ``most`` blocks of rows at most. Returns how many were computed.

    ``reals`` is the room. All fits are done when the plan says that the next is number ``fits``.
    """
    P, W = carray(plan_pointer, 1), carray(reals, 1)
    A, blocks = carray(pointer(P[plan.ARENA], reals), 1), ZERO
    while True:
        if P[plan.WORK] != uint64(plan.NOTHING):
            if blocks == most:
                return blocks
            blocks += ONE
            if not compute(P, W, A, context):
                continue
        phase = P[plan.PHASE]
        if phase == uint64(plan.BEGINNING):
            if P[plan.FIT] == fits:
                return blocks
            _begin(P, W, A)
        elif phase == uint64(plan.STARTED):
            fit_descent.started(P, W, A)
        elif phase == uint64(plan.SOLVING):
            fit_descent.solve_linear(P, W)
        elif phase == uint64(plan.SOLVED):
            fit_descent.solved(P, W)
        elif phase == uint64(plan.DESCENDING):
            fit_descent.descend(P, W)
        elif phase == uint64(plan.TRYING):
            fit_descent.try_step(P, W)
        elif phase == uint64(plan.FOLLOWED):
            fit_descent.follow(P, W)
        elif phase == uint64(plan.TRIED):
            fit_descent.judge(P, W)
        elif phase == uint64(plan.THERE):
            fit_descent.arrive(P, W)
        elif phase == uint64(plan.GOING_ON):
            fit_descent.go_on(P, W)
        elif phase == uint64(plan.POLISHING):
            fit_end.polish(P, W)
        elif phase == uint64(plan.TRIED_FULLY):
            fit_end.judge_fully(P, W)
        elif phase == uint64(plan.THERE_FULLY):
            fit_end.arrive_fully(P, W)
        elif phase == uint64(plan.CONCLUDING):
            fit_end.conclude(P, W)
        elif phase == uint64(plan.PROBED):
            fit_end.probed(P, W)
        else:
            _store(P, W, A)


least_squares = Native(
    _least_squares,
    lambda dtype: (
        (
            types.CPointer(types.uint64),
            types.CPointer(dtype),
            RecordPointer(ContextDescriptor, dtype),
            types.uint64,
            types.uint64,
        ),
        types.uint64,
    ),
)
