"""The lanes of a loop as tasks, shared between the fitting thread and its helpers.

A thread claims a task by clearing its bit with compare-and-swap. The fitting thread also claims tasks, so it waits only for
tasks that a helper has begun. On a busy machine where no helper runs, it executes all tasks itself. Each thread starts at its
own place among the tasks, so that its data from the previous loop, such as rows of a matrix, is still in its cache.
"""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import compiled, noinline
from jitgrad.vm.compiler.types import UINT64, Records
from jitgrad.vm.context import MOST_TASKS, Pool
from jitgrad.vm.kernels.atomics import exchange, give_way, increment, load, pause, store
from jitgrad.vm.kernels.lanes import run_lane
from jitgrad.vm.subnormals import FLUSH, flush_mode

_LEFT = 2**MOST_TASKS - 1
_PATIENCE = 2000  # pauses (tens of microseconds) before yielding the core to another thread


@noinline
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
    """Claim and run one of the remaining tasks, unless another thread is faster."""
    one, i, left = uint64(1), pool.loop, ticket & uint64(_LEFT)
    task = thread % pool.threads * pool.count // pool.threads  # a helper may belong to an earlier, larger pool
    while left >> task & one == uint64(0):
        task = (task + one) % uint64(MOST_TASKS)
    if exchange(pool.ticket, ticket, ticket ^ (one << task)):
        run_lane(pool.context, i, task)
        increment(pool.done)


@compiled
def _wait(turns):
    """Wait for a time that grows with the number of turns, and return that number."""
    if turns < uint64(_PATIENCE):
        pause()
    else:
        give_way()
    return turns + uint64(1)


@compiled
def _assist(pool, thread):
    """Run tasks as the thread of this number, counted from 1, until helpers should return to Python.

    Subnormal numbers are flushed to zero, as in ``train``.
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
