"""The native loop: ``train`` runs whole epochs of a Program, each with a pass over other rows that only looks, if there is one.

It returns every so many steps, so that Python can show progress and take a Ctrl-C. All it needs to go on stands in
its arguments, and the order of the rows depends on the seed and the epoch alone: where the loop is cut changes nothing.

A pass over rows is a Program for full batches, one for the smaller last one, and the rows, given as numbers (``plan.py``).
"""

from __future__ import annotations

from numba import carray, types
from numpy import isfinite, uint64

from jitgrad.vm.jit import Native, call_execute, inline, nowhere, pointer
from jitgrad.vm.kernels.flush import FLUSH, flush_mode
from jitgrad.vm.kernels.tiles import after
from jitgrad.vm.plan import (
    ARENA,
    BATCH,
    CODE,
    COPIES,
    COPY_FROM,
    COPY_PART,
    COPY_SIZE,
    COPY_TO,
    EPOCH,
    FEED_DATA,
    FEED_FULL,
    FEED_TAIL,
    FEED_WIDTH,
    FEEDS,
    LOOKING,
    LOSS,
    LOSSES,
    N_COPIES,
    N_FEEDS,
    N_STATE,
    N_SUMS,
    NOT_FINITE,
    ORDER,
    RECORDS,
    ROW,
    ROWS,
    SEED,
    SHUFFLE,
    STOP,
    SUMS,
    TABLE,
    TAIL,
)


@inline
def _mix(state):
    """The output function of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014)."""
    z = state
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    return z ^ (z >> uint64(31))


@inline
def _permute(order, n, seed, epoch):
    """A permutation of the rows from the seed and the epoch alone (Fisher and Yates's shuffle)."""
    for i in range(n):
        order[i] = i
    state = _mix(_mix(seed + uint64(0x9E3779B97F4A7C15)) + epoch)
    for left in range(uint64(1), n):
        i = n - left
        state += uint64(0x9E3779B97F4A7C15)
        j = ((_mix(state) >> uint64(32)) * (i + uint64(1))) >> uint64(32)
        order[i], order[j] = order[j], order[i]


@inline
def _load(A, floats, feeds, n_feeds, place, order, first, count):
    """Gather ``count`` rows, from position ``first`` of the order on, of every array of data into its slot."""
    for f in range(n_feeds):
        data = carray(pointer(feeds[f, FEED_DATA], floats), 1)
        width, slot = feeds[f, FEED_WIDTH], feeds[f, place]
        for r in range(count):
            p, q = order[first + r] * width, slot + r * width
            for k in range(width):
                A[q + k] = data[p + k]


@inline
def _record(A, plan, part, like, epoch, count):
    """Add what a batch of ``count`` rows says to its epoch: its part of the mean loss, and its sums. Returns the loss."""
    losses, records = carray(pointer(plan[LOSSES], like), 1), carray(pointer(plan[RECORDS], like), 1)
    loss, n, sums = A[plan[part + LOSS]], plan[N_SUMS], plan[part + SUMS]
    losses[epoch] += float(loss) * float(count) / float(plan[ROWS])
    for k in range(n):
        records[epoch * n + k] += float(A[sums + k])
    return loss


@inline
def _run(execute, team, plan, part, numbers, arena):
    """Run one of a pass's two Programs."""
    code, table = pointer(plan[part + CODE], numbers), pointer(plan[part + TABLE], numbers)
    zero = uint64(0)
    call_execute(execute, code, table, arena, zero, plan[part + STOP], team, zero, zero, nowhere())


@inline
def _batch(execute, team, plan, numbers, reals, floats, epoch, row):
    """Gather the rows of the batch that starts at ``row``, run its Program and record its loss, which is returned.

    The smaller last batch has an arena of its own, whose first elements are the same state.
    """
    zero, count = uint64(0), min(plan[BATCH], plan[ROWS] - row)
    part, slot = (zero, uint64(FEED_FULL)) if count == plan[BATCH] else (uint64(TAIL), uint64(FEED_TAIL))
    arena = pointer(plan[part + uint64(ARENA)], floats)
    order = carray(pointer(plan[ORDER], numbers), 1)
    feeds, n_state = carray(pointer(plan[FEEDS], numbers), (1, 4)), plan[N_STATE] if part != zero else zero
    A, B = carray(pointer(plan[ARENA], floats), 1), carray(arena, 1)
    if row == zero and plan[SHUFFLE] != zero:
        _permute(order, plan[ROWS], plan[SEED], epoch)
    for k in range(n_state):
        B[k] = A[k]
    _load(B, floats, feeds, plan[N_FEEDS], slot, order, row, count)
    _run(execute, team, plan, part, numbers, arena)
    for k in range(n_state):
        A[k] = B[k]
    return _record(B, plan, part, reals, epoch, count)


@inline
def _copy(plan, numbers, arena):
    """Give the looking pass the present values of the Variables that it reads."""
    A, copies = carray(arena, 1), carray(pointer(plan[COPIES], numbers), (1, 4))
    for c in range(plan[N_COPIES]):
        B = carray(pointer(plan[copies[c, COPY_PART] + uint64(ARENA)], arena), 1)
        p, q = copies[c, COPY_FROM], copies[c, COPY_TO]
        for k in range(copies[c, COPY_SIZE]):
            B[q + k] = A[p + k]


@inline
def _whole_steps(execute, team, plan, numbers, reals, arena, position, epochs, max_steps):
    """Steps on all rows, which are in their slots already: nothing but the Program runs."""
    code, table, stop = pointer(plan[CODE], numbers), pointer(plan[TABLE], numbers), plan[STOP]
    A, losses, records = carray(arena, 1), carray(reals, 1), carray(pointer(plan[RECORDS], reals), 1)
    loss_at, sums_at, n_sums = plan[LOSS], plan[SUMS], plan[N_SUMS]
    epoch, zero, one = position[EPOCH], uint64(0), uint64(1)
    if n_sums == zero:
        steps = min(epochs - epoch, max_steps)
        call_execute(execute, code, table, arena, zero, stop, team, steps, loss_at, after(reals, epoch))
        for k in range(epoch, epoch + steps):
            if not isfinite(losses[k]):
                position[NOT_FINITE] = one
        position[EPOCH] = epoch + steps
        return steps
    steps = zero
    while epoch < epochs and steps < max_steps:
        call_execute(execute, code, table, arena, zero, stop, team, one, loss_at, after(reals, epoch))
        loss = losses[epoch]
        for k in range(n_sums):
            records[epoch * n_sums + k] = A[sums_at + k]
        epoch += one
        steps += one
        if not isfinite(loss):
            position[NOT_FINITE] = one
            break
    position[EPOCH] = epoch
    return steps


@inline
def _steps(execute, team, plan, look, numbers, reals, arena, position, epochs, max_steps):
    """Steps on gathered rows, of the pass that is fitted and of the one that looks."""
    epoch, row, looking = position[EPOCH], position[ROW], position[LOOKING]
    zero, one = uint64(0), uint64(1)
    steps = zero
    while epoch < epochs and steps < max_steps:
        current = plan if looking == zero else look
        loss = _batch(execute, team, current, numbers, reals, arena, epoch, row)
        steps += one
        row += current[BATCH]
        if looking == zero and not isfinite(loss):
            position[NOT_FINITE] = one
            max_steps = steps
        if row >= current[ROWS]:
            row = zero
            if looking == zero and look[ROWS] != zero:
                looking = one
                _copy(look, numbers, arena)
            else:
                looking = zero
                epoch += one
    position[EPOCH], position[ROW], position[LOOKING] = epoch, row, looking
    return steps


def _train(execute, team, plan_pointer, look_pointer, position_pointer, arena, losses_pointer, epochs, max_steps):
    """At most ``max_steps`` steps, up to the end of ``epochs``; returns how many were done.

    An epoch is a pass of the rows that are fitted and one of those that are looked at, if there are any. A full batch runs on
    one arena, the smaller last one on another whose first ``N_STATE`` elements are the same state. Without rows, a step is an
    epoch.

    Subnormal numbers count as zero meanwhile, whatever the thread's mode is outside.
    """
    mode = flush_mode(uint64(FLUSH))
    plan, look, position = carray(plan_pointer, 1), carray(look_pointer, 1), carray(position_pointer, 1)
    if plan[BATCH] == plan[ROWS] and look[ROWS] == uint64(0):
        steps = _whole_steps(execute, team, plan, plan_pointer, losses_pointer, arena, position, epochs, max_steps)
    else:
        steps = _steps(execute, team, plan, look, plan_pointer, losses_pointer, arena, position, epochs, max_steps)
    A = carray(arena, 1)
    for k in range(plan[N_STATE]):
        if not isfinite(A[k]):
            position[NOT_FINITE] = uint64(1)
    flush_mode(mode)
    return steps


_NUMBERS = types.CPointer(types.uint64)

train = Native(
    _train,
    lambda dtype: (
        (
            types.uint64, types.uint64, _NUMBERS, _NUMBERS, _NUMBERS, types.CPointer(dtype), types.CPointer(types.float64),
            types.uint64, types.uint64,
        ),
        types.uint64,
    ),
)  # fmt: skip
