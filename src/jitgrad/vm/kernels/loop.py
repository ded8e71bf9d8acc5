"""Loops of instructions: a body runs again and again, and places in it move on from trip to trip.

``loop`` stands before the body and ``next`` behind it. The table has for each place that moves where it stands, in words from
the first of the body, and how far it moves with a trip and with a lane. The body is changed where it stands, and is at the end
what it was at the beginning.
"""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.jit import inline

WIDTH = uint64(16)
TRIPS, LENGTH = uint64(1), uint64(2)
LEFT = uint64(1)
ZERO, ONE, TWO, THREE = uint64(0), uint64(1), uint64(2), uint64(3)


@inline
def begin(code, i, trips, length):
    """Have the body run ``trips`` times; returns how many instructions are left out, as all are where there is no trip."""
    if trips == ZERO:
        return length + ONE
    code[i + length + ONE, LEFT] = trips
    return ZERO


@inline
def next_trip(code, table, i, left, length, t, moves):
    """Go back to the beginning of the body for the next trip, if there is one: returns how far, a negative number."""
    first, left = i - length, left - ONE
    steps = ONE
    if left == ZERO:
        steps = ONE - code[first - ONE, TRIPS]  # all the way back
    for m in range(moves):
        word = table[t + THREE * m]
        code[first + word // WIDTH, word % WIDTH] += table[t + THREE * m + ONE] * steps
    code[i, LEFT] = left
    return ZERO if left == ZERO else ZERO - length - ONE
