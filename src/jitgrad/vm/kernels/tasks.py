"""The lanes of a loop as tasks, shared between the thread that fits and its helpers.

Who wants a task clears its bit by compare-and-swap. The thread that fits takes tasks like the others, so it waits only for
those that a helper has begun: on a busy machine, where no helper comes, it does them all itself. Each thread begins at a
place of its own among the tasks: what it worked on last time, as the rows of a matrix, is then still in its cache.
"""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import compiled
from jitgrad.vm.compiler.types import UINT64, Records
from jitgrad.vm.context import MOST_TASKS, Pool
from jitgrad.vm.kernels.atomics import exchange, give_way, increment, load, pause, store
from jitgrad.vm.kernels.lanes import run_lane
from jitgrad.vm.subnormals import FLUSH, flush_mode

_LEFT = 2**MOST_TASKS - 1
_PATIENCE = 2000  # pauses, some tens of microseconds, before another thread may have the core


@compiled
def share(context, i, count):
    """Share the tasks of the loop at instruction ``i``, and wait until they are done."""
    nothing, one, half, pool = uint64(0), uint64(1), uint64(MOST_TASKS), context.pool
    alone = pool.context
    alone.code, alone.table, alone.arena, alone.lanes = context.code, context.table, context.arena, context.lanes
    pool.loop, pool.count = i, count
    store(pool.done, nothing)
    ticket = (((load(pool.ticket) >> half) + one) << half) | ((one << count) - one)
    store(pool.ticket, ticket)
    while ticket & uint64(_LEFT) != nothing:
        _take(pool, ticket, nothing)
        ticket = load(pool.ticket)
    turns = nothing
    while load(pool.done) != count:
        turns = _wait(turns)


@compiled
def _take(pool, ticket, thread):
    """Do one of the tasks that are left, unless another thread was faster."""
    one, i, left = uint64(1), pool.loop, ticket & uint64(_LEFT)
    task = thread % pool.threads * pool.count // pool.threads  # a helper may be of a larger pool that was before
    while left >> task & one == uint64(0):
        task = (task + one) % uint64(MOST_TASKS)
    if exchange(pool.ticket, ticket, ticket ^ (one << task)):
        run_lane(pool.context, i, task)
        increment(pool.done)


@compiled
def _wait(turns):
    """A moment, the longer the more turns it was; returns the number of turns."""
    if turns < uint64(_PATIENCE):
        pause()
    else:
        give_way()
    return turns + uint64(1)


@compiled
def _assist(pool, thread):
    """Take tasks until it is time to leave, as the thread of this number, from 1 on.

    Subnormal numbers count as zero, as in ``train``.
    """
    mode = flush_mode(uint64(FLUSH))
    turns = uint64(0)
    while load(pool.leave) == uint64(0):
        ticket = load(pool.ticket)
        if ticket & uint64(_LEFT) == uint64(0):
            turns = _wait(turns)
        else:
            _take(pool, ticket, thread)
            turns = uint64(0)
    flush_mode(mode)


assist = Native(_assist, lambda element: (Records(Pool, element), UINT64))
