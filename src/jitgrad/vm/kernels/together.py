"""Runs of instructions that are independent of one another, shared between the thread that fits and its helpers.

Who wants a run clears its bit by compare-and-swap. The thread that fits takes runs like the others, so it waits only for
those that a helper has begun: on a busy machine, where no helper comes, it does them all itself. Each thread begins at a
place of its own among the runs: what it worked on last time, as the rows of a matrix, is then still in its cache.
"""

from __future__ import annotations

from numba import carray, types
from numpy import uint64

from jitgrad.vm.jit import Native, address, call_execute, inline, nowhere, pointer
from jitgrad.vm.kernels.atomics import exchange, give_way, increment, load, pause, store
from jitgrad.vm.kernels.flush import FLUSH, flush_mode
from jitgrad.vm.team import (
    ARENA,
    CODE,
    COUNT,
    DONE,
    EXECUTE,
    FIRST,
    LEAVE,
    LENGTH,
    MOST_RUNS,
    TABLE,
    TEAM_SIZE,
    THREADS,
    TICKET,
)

_LEFT = 2**MOST_RUNS - 1
_PATIENCE = 2000  # pauses, some tens of microseconds, before another thread may have the core


@inline
def _wait(turns):
    """A moment, the longer the more turns it was; returns the number of turns."""
    if turns < uint64(_PATIENCE):
        pause()
    else:
        give_way()
    return turns + uint64(1)


@inline
def _take(team, ticket, thread, numbers, arena):
    """Do one of the runs that are left, unless another thread was faster."""
    alone, once, one = uint64(0), uint64(0), uint64(1)
    execute, first, length = team[uint64(EXECUTE)], team[uint64(FIRST)], team[uint64(LENGTH)]
    code, table, place = team[uint64(CODE)], team[uint64(TABLE)], team[uint64(ARENA)]
    left, threads = ticket & uint64(_LEFT), team[uint64(THREADS)]
    run = thread % threads * team[uint64(COUNT)] // threads  # a helper may be of a larger team that was before
    while left >> run & one == alone:
        run = (run + one) % uint64(MOST_RUNS)
    if exchange(team, uint64(TICKET), ticket, ticket ^ (one << run)):
        start = first + run * length
        call_execute(
            execute, pointer(code, numbers), pointer(table, numbers), pointer(place, arena), start, start + length, alone,
            once, once, nowhere(),
        )  # fmt: skip
        increment(team, uint64(DONE))


@inline
def together(team_address, code, table, arena, i, count, length):
    """Share the ``count`` runs that follow instruction ``i``; returns the number of instructions that are done.

    Without a team it is 0: the interpreter goes on with the runs, one after the other.
    """
    nothing, one = uint64(0), uint64(1)
    if team_address == nothing:
        return nothing
    team = carray(pointer(team_address, code), TEAM_SIZE)
    team[uint64(CODE)], team[uint64(TABLE)], team[uint64(ARENA)] = address(code), address(table), address(arena)
    team[uint64(FIRST)], team[uint64(COUNT)], team[uint64(LENGTH)] = i + one, count, length
    store(team, uint64(DONE), nothing)
    half = uint64(MOST_RUNS)
    ticket = (((load(team, uint64(TICKET)) >> half) + one) << half) | ((one << count) - one)
    store(team, uint64(TICKET), ticket)
    while ticket & uint64(_LEFT) != nothing:
        _take(team, ticket, nothing, code, arena)
        ticket = load(team, uint64(TICKET))
    turns = nothing
    while load(team, uint64(DONE)) != count:
        turns = _wait(turns)
    return count * length


def _assist(team_pointer, arena, thread):
    """Take runs until LEAVE, as the thread of this number, from 1 on. Subnormal numbers count as zero, as in ``train``."""
    mode = flush_mode(uint64(FLUSH))
    team = carray(team_pointer, TEAM_SIZE)
    turns = uint64(0)
    while load(team, uint64(LEAVE)) == uint64(0):
        ticket = load(team, uint64(TICKET))
        if ticket & uint64(_LEFT) == uint64(0):
            turns = _wait(turns)
        else:
            _take(team, ticket, thread, team_pointer, arena)
            turns = uint64(0)
    flush_mode(mode)


assist = Native(
    _assist, lambda dtype: ((types.CPointer(types.uint64), types.CPointer(dtype), types.uint64), types.void)
)  # fmt: skip
