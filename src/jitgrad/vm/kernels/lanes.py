"""A lane, some of the trips of a loop that threads share, on a copy of the body; and what all loops need: places that move."""

from __future__ import annotations

from numba import carray
from numpy import uint64

from jitgrad.vm.instructions import BY_LANE, BY_TRIP, MOVE, WIDTH, WORD, column
from jitgrad.vm.jit import call_execute, inline, noinline

_ZERO, _ONE, _TWO = uint64(0), uint64(1), uint64(2)
TRIPS, _LENGTH, _TAIL = column("loop", "trips"), column("loop", "length"), column("loop", "tail")
_LANES, _T, _MOVES = column("loop", "lanes"), column("loop", "t"), column("loop", "moves")
_LEFT, _ALL = column("next", "left"), column("next", "trips")


@inline
def begin(code, following, trips):
    """Begin the first of some trips, at the end of which the instruction ``following`` stands."""
    code[following, _LEFT], code[following, _ALL] = trips, trips


@inline
def move(code, table, first, t, moves, trips, lanes):
    """Move the places in the body that begins with the instruction ``first`` on, by some trips and some lanes."""
    for m in range(moves):
        at = t + uint64(MOVE) * m
        word, by_trip, by_lane = table[at + uint64(WORD)], table[at + uint64(BY_TRIP)], table[at + uint64(BY_LANE)]
        code[first + word // uint64(WIDTH), word % uint64(WIDTH)] += by_trip * trips + by_lane * lanes


@noinline
def run_lane(context, i, lane):
    """Run one of the lanes of the loop at instruction ``i``, or, after them all, its tail."""
    code, table = carray(context.code, (1, WIDTH)), carray(context.table, 1)
    trips, length, tail, lanes = code[i, TRIPS], code[i, _LENGTH], code[i, _TAIL], code[i, _LANES]
    if lane == lanes:
        start = i + length + _TWO
        call_execute(context, start, start + tail)
        return
    first, end = lane * trips // lanes, (lane + _ONE) * trips // lanes
    size = length + _ONE
    start = context.lanes + lane * size
    for k in range(size):
        for word in range(uint64(WIDTH)):
            code[start + k, word] = code[i + _ONE + k, word]
    move(code, table, start, code[i, _T], code[i, _MOVES], first, lane)
    begin(code, start + length, end - first)
    call_execute(context, start, start + size)
