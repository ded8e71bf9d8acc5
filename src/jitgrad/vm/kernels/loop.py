"""The instructions ``loop`` and ``next``: a body runs repeatedly, and places in it advance from trip to trip. And ``branch``.

``loop`` precedes the body, ``next`` follows it. The body is modified in place, and restored at the end.
"""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.compiler.language import compiled, is_null
from jitgrad.vm.instructions import column
from jitgrad.vm.kernels.lanes import begin, move, row
from jitgrad.vm.kernels.tasks import share

_ZERO, _ONE = uint64(0), uint64(1)
_LEFT = column("next", "left")


@compiled
def loop(context, code, i, trips, length, tail, lanes):
    """Begin the loop at instruction ``i``, or let threads run it; return the number of instructions to skip."""
    if lanes != _ZERO and not is_null(context.pool):
        share(context, i, lanes + uint64(tail != _ZERO))
        return length + _ONE + tail
    if trips == _ZERO:
        return length + _ONE
    begin(code, i + length + _ONE, trips)
    return _ZERO


@compiled
def next(code, table, i, left, trips, length, t, moves):
    """Jump back to the beginning of the body for the next trip, if any: return the distance, a negative number."""
    left -= _ONE
    row(code, i)[_LEFT] = left
    if left == _ZERO:
        move(code, table, i - length, t, moves, _ONE - trips, _ZERO)
        return _ZERO
    move(code, table, i - length, t, moves, _ONE, _ZERO)
    return _ZERO - length - _ONE


@compiled
def branch(A, p, length):
    """Return the number of instructions to skip: ``length`` if the number at ``p`` is 0."""
    return length if A[p] == 0 else _ZERO
