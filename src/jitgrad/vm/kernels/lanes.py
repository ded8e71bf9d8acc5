"""Lanes: ranges of trips of a loop that threads share, which run on copies of the body; and moving places."""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.compiler.language import after, call_execute, compiled, noinline
from jitgrad.vm.instructions import BY_LANE, BY_TRIP, MOVE, WIDTH, WORD, column

_ZERO, _ONE, _TWO = uint64(0), uint64(1), uint64(2)
TRIPS, _LENGTH, _TAIL = column("loop", "trips"), column("loop", "length"), column("loop", "tail")
_LANES, _T, _MOVES = column("loop", "lanes"), column("loop", "t"), column("loop", "moves")
_LEFT, _ALL = column("next", "left"), column("next", "trips")


@compiled
def row(code, i):
    """Return instruction ``i``."""
    return after(code, i * uint64(WIDTH))


@compiled
def begin(code, following, trips):
    """Begin the first of several trips that end at the instruction ``following``."""
    end = row(code, following)
    end[_LEFT], end[_ALL] = trips, trips


@compiled
def move(code, table, first, t, moves, trips, lanes):
    """Advance the places in the body that begins with instruction ``first`` by some trips and lanes."""
    body = row(code, first)
    for m in range(moves):
        one = after(table, t + uint64(MOVE) * m)
        body[one[uint64(WORD)]] += one[uint64(BY_TRIP)] * trips + one[uint64(BY_LANE)] * lanes


@noinline
def run_lane(context, i, lane):
    """Run a lane of the loop at instruction ``i``, or, as the last one, its tail."""
    code, table, loop = context.code, context.table, row(context.code, i)
    trips, length, tail, lanes = loop[TRIPS], loop[_LENGTH], loop[_TAIL], loop[_LANES]
    if lane == lanes:
        start = i + length + _TWO
        call_execute(context, start, start + tail)
        return
    first, end = lane * trips // lanes, (lane + _ONE) * trips // lanes
    size = length + _ONE
    start = context.lanes + lane * size
    body, copy = row(code, i + _ONE), row(code, start)
    for word in range(size * uint64(WIDTH)):
        copy[word] = body[word]
    move(code, table, start, loop[_T], loop[_MOVES], first, lane)
    begin(code, start + length, end - first)
    call_execute(context, start, start + size)
