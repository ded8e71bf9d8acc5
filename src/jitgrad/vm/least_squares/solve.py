"""``least_squares`` fits one model to many sets of rows, each from its own starting values.

The method is Levenberg-Marquardt in a trust region scaled by the norms of the columns of the Jacobian (Moré, "The
Levenberg-Marquardt algorithm: implementation and theory", 1978). Earlier, larger scales are forgotten as the residual
decreases. The Jacobian is triangulated in blocks of rows. This avoids normal equations, which would lose half of the digits,
and many rows need no more memory than a block. When the cost has reached its minimum, undamped steps continue for as long as
they become shorter, because the cost is flat to half of its digits there, while the gradient is not.

A fit is a sequence of phases. Each requests the model or its derivatives and names the next phase, so the complete state is in
the workspace. The call returns after a number of blocks of rows, which lets Python handle Ctrl-C and does not affect results.
The problem is only read, so several threads with a workspace each can solve parts of it.
"""

from __future__ import annotations

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import after, compiled
from jitgrad.vm.compiler.types import UINT64, Records
from jitgrad.vm.least_squares import codes, end, trust_region
from jitgrad.vm.least_squares.model import ONE, ZERO, ask, column, compute, go_to, load, move
from jitgrad.vm.least_squares.problem import Problem, Workspace
from jitgrad.vm.least_squares.steps import ALL, factor, hold, take_step


@compiled
def begin(problem, work):
    """Begin the next fit: its rows, and its starting values."""
    part, n, arena, apart = problem.parts[work.fit], problem.n, work.context.arena, work.fit * problem.limits_apart
    work.first, work.count = part.first, part.count
    work.lower, work.upper = after(problem.lower, apart), after(problem.upper, apart)
    move(work.theta, after(problem.parameters, work.fit * n), n)
    for k in range(problem.n_held):
        arena[problem.held_slots[k] + work.lane] = problem.held[work.fit * problem.n_held + k]
    work.cost, work.nfev, work.njev, work.status = 0.0, ZERO, ZERO, 0
    work.turns, work.follows = ZERO, False
    if work.count <= problem.block:
        load(problem, work, ZERO)
    ask(work, codes.VALUE, work.theta, codes.STARTED)


@compiled
def _rcond(problem, work):
    """Return the smallest / largest pivot of the Jacobian with columns scaled to norm one, or 0 if singular."""
    n, T = problem.n, work.triangle
    if work.fair:
        least = 1.0
        for k in range(n):
            least = min(least, abs(column(problem, work, k)[k]))
        return least
    hold(problem, work, ALL)
    _, rank = factor(problem, work)
    return abs(T[n * n - ONE]) / abs(T[ZERO]) if n > ZERO and rank == n else 0.0


@compiled
def _store(problem, work):
    """Store the results of the fit, and advance to the next."""
    n, i, known = problem.n, work.fit, work.njev > ZERO
    outcome, factors = problem.outcomes[i], after(problem.factors, i * n * n)
    outcome.cost, outcome.nfev, outcome.njev, outcome.status = work.cost, work.nfev, work.njev, work.status
    outcome.rcond = _rcond(problem, work) if known else 0.0
    move(after(problem.parameters, i * n), work.theta, n)
    for k in range(n):
        for j in range(n):
            factors[j * n + k] = column(problem, work, k)[j] * work.norms[k] if j <= k and known else 0.0
    work.fit += ONE
    go_to(work, codes.BEGINNING)


@compiled
def advance(problem, work):
    """Run the current phase of a fit, whose request is complete."""
    phase = work.phase
    if phase == codes.STARTED:
        trust_region.started(problem, work)
    elif phase == codes.SOLVING:
        trust_region.solve_linear(problem, work)
    elif phase == codes.SOLVED:
        trust_region.solved(problem, work)
    elif phase == codes.DESCENDING:
        trust_region.descend(problem, work)
    elif phase == codes.TRYING:
        trust_region.try_step(problem, work)
    elif phase == codes.STEPPED:
        trust_region.stepped(problem, work)
    elif phase == codes.FOLLOWED:
        trust_region.follow(problem, work)
    elif phase == codes.TRIED:
        trust_region.judge(problem, work)
    elif phase == codes.THERE:
        trust_region.arrive(problem, work)
    elif phase == codes.GOING_ON:
        trust_region.go_on(problem, work)
    elif phase == codes.POLISHING:
        end.polish(problem, work)
    elif phase == codes.STEPPED_FULLY:
        end.stepped_fully(problem, work)
    elif phase == codes.TRIED_FULLY:
        end.judge_fully(problem, work)
    elif phase == codes.THERE_FULLY:
        end.arrive_fully(problem, work)
    elif phase == codes.CONCLUDING:
        end.conclude(problem, work)
    elif phase == codes.PROBED:
        end.probed(problem, work)
    else:
        _store(problem, work)


def _least_squares(problem, work, stop, most):
    """Continue with fits up to number ``stop``, for at most ``most`` blocks of rows. Return the number of blocks.

    The fits are done when the next one in the workspace is number ``stop``.
    """
    blocks = ZERO
    while True:
        if work.asked == codes.STEP:
            take_step(problem, work)
        elif work.asked != codes.NOTHING:
            if blocks == most:
                return blocks
            blocks += ONE
            if not compute(problem, work):
                continue
        if work.phase != codes.BEGINNING:
            advance(problem, work)
        elif work.fit == stop:
            return blocks
        else:
            begin(problem, work)


least_squares = Native(_least_squares, lambda element: (Records(Problem, element), Records(Workspace, element), UINT64, UINT64))
