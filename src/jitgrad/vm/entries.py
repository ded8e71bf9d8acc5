"""The two functions that Python calls: ``run`` a stretch of a Program once, and ``train`` whole epochs of it.

``train`` returns every so many steps, so that Python can show progress and take a Ctrl-C. All it needs to go on stands in
its arguments, and the order of the rows depends on the seed and the epoch alone: where the loop is cut changes nothing.
"""

from __future__ import annotations

from numba import types
from numpy import isfinite, uint64

from jitgrad.vm.jit import Entry, call_native, device

# The columns of ``feeds``, one row for each array of data.
FEED_DATA, FEED_WIDTH, FEED_FULL, FEED_TAIL = range(4)


@device
def _execute(interpreter, code, table, A, start, stop):
    call_native(
        uint64(interpreter), uint64(code.ctypes.data), uint64(table.ctypes.data), uint64(A.ctypes.data),
        uint64(start), uint64(stop),
    )  # fmt: skip


def _run(interpreter, code, table, A, start, stop):
    """Instructions start ≤ i < stop of ``code`` on the arena ``A``, by the interpreter at the address ``interpreter``."""
    _execute(interpreter, code, table, A, start, stop)


@device
def _mix(state):
    """The output function of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014)."""
    z = state
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    return z ^ (z >> uint64(31))


@device
def _permute(order, seed, epoch):
    """A permutation of the rows from the seed and the epoch alone (Fisher and Yates's shuffle)."""
    n = uint64(order.shape[0])
    for i in range(n):
        order[i] = i
    state = _mix(_mix(seed + uint64(0x9E3779B97F4A7C15)) + epoch)
    for left in range(uint64(1), n):
        i = n - left
        state += uint64(0x9E3779B97F4A7C15)
        j = ((_mix(state) >> uint64(32)) * (i + uint64(1))) >> uint64(32)
        order[i], order[j] = order[j], order[i]


@device
def _load(A, data, feeds, place, order, first, count):
    """Gather ``count`` rows, from position ``first`` of the order on, of every array of data into its slot."""
    for f in range(uint64(feeds.shape[0])):
        source, width, slot = feeds[f, FEED_DATA], feeds[f, FEED_WIDTH], feeds[f, place]
        for r in range(count):
            p, q = source + order[first + r] * width, slot + r * width
            for k in range(width):
                A[q + k] = data[p + k]


@device
def _step(interpreter, code, table, A, stop, loss):
    _execute(interpreter, code, table, A, uint64(0), stop)
    return A[loss]


def _train(interpreter, code, table, A, tail_code, tail_table, B, data, feeds, order, plan, state, losses, max_steps):
    """At most ``max_steps`` steps; returns how many were done.

    A full batch runs ``code`` on ``A``; the smaller last one of an epoch ``tail_code`` on ``B``, whose first ``n_state``
    elements are the same state. ``state`` is the epoch, the row in it, and whether a loss was not finite; ``plan`` is what
    does not change, as the first lines take it apart. ``losses[e]`` gathers the mean over the rows of epoch e. Without rows,
    a step is an epoch.
    """
    full_stop, tail_stop, full_loss, tail_loss = plan[0], plan[1], plan[2], plan[3]
    n_state, rows, batch, shuffle, seed = plan[4], plan[5], plan[6], plan[7], plan[8]
    epochs = uint64(losses.shape[0])
    epoch, row = state[0], state[1]
    steps = uint64(0)
    while epoch < epochs and steps < uint64(max_steps):
        if rows == batch:  # the data are in their slots already, and nothing is gathered
            loss = _step(interpreter, code, table, A, full_stop, full_loss)
            losses[epoch] = loss
            epoch += uint64(1)
        else:
            if row == uint64(0) and shuffle != uint64(0):
                _permute(order, seed, epoch)
            count = min(batch, rows - row)
            if count == batch:
                _load(A, data, feeds, FEED_FULL, order, row, count)
                loss = _step(interpreter, code, table, A, full_stop, full_loss)
            else:
                for k in range(n_state):
                    B[k] = A[k]
                _load(B, data, feeds, FEED_TAIL, order, row, count)
                loss = _step(interpreter, tail_code, tail_table, B, tail_stop, tail_loss)
                for k in range(n_state):
                    A[k] = B[k]
            losses[epoch] += float(loss) * float(count) / float(rows)
            row += count
            if row == rows:
                row = uint64(0)
                epoch += uint64(1)
        steps += uint64(1)
        if not isfinite(loss):
            state[2] = uint64(1)
            break
    state[0], state[1] = epoch, row
    return steps


_CODE = types.Array(types.uint64, 2, "C", readonly=True)
_TABLE = types.Array(types.uint64, 1, "C", readonly=True)

run = Entry(_run, lambda dtype: (types.int64, _CODE, _TABLE, dtype[::1], types.int64, types.int64))
train = Entry(
    _train,
    lambda dtype: (
        types.int64, _CODE, _TABLE, dtype[::1], _CODE, _TABLE, dtype[::1],
        dtype[::1], types.uint64[:, ::1], types.uint64[::1], types.uint64[::1], types.uint64[::1],
        types.float64[::1], types.int64,
    ),
)  # fmt: skip
