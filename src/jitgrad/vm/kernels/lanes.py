"""A lane, some of the trips of a loop that threads share, on a copy of the body; and what all loops need: places that move."""

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
    """Instruction ``i``."""
    return after(code, i * uint64(WIDTH))


@compiled
def begin(code, following, trips):
    """Begin the first of some trips, at the end of which the instruction ``following`` stands."""
    end = row(code, following)
    end[_LEFT], end[_ALL] = trips, trips


@compiled
def move(code, table, first, t, moves, trips, lanes):
    """Move the places in the body that begins with the instruction ``first`` on, by some trips and some lanes."""
    body = row(code, first)
    for m in range(moves):
        one = after(table, t + uint64(MOVE) * m)
        body[one[uint64(WORD)]] += one[uint64(BY_TRIP)] * trips + one[uint64(BY_LANE)] * lanes


@noinline
def run_lane(context, i, lane):
    """Run one of the lanes of the loop at instruction ``i``, or, after them all, its tail."""
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
