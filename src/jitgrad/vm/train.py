"""The native loop: ``train`` runs whole epochs of a Program.

It returns every so many steps, so that Python can show progress and take a Ctrl-C. All it needs to go on stands in
its arguments, and the order of the rows depends on the seed and the epoch alone: where the loop is cut changes nothing.
"""

from __future__ import annotations

from numba import carray, types
from numpy import isfinite, uint64

from jitgrad.vm.jit import Native, call_execute, device

# The columns of ``feeds``, one row for each array of data.
FEED_DATA, FEED_WIDTH, FEED_FULL, FEED_TAIL = range(4)


@device
def _mix(state):
    """The output function of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014)."""
    z = state
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    return z ^ (z >> uint64(31))


@device
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


@device
def _load(A, data, feeds, n_feeds, place, order, first, count):
    """Gather ``count`` rows, from position ``first`` of the order on, of every array of data into its slot."""
    for f in range(n_feeds):
        source, width, slot = feeds[f, FEED_DATA], feeds[f, FEED_WIDTH], feeds[f, place]
        for r in range(count):
            p, q = source + order[first + r] * width, slot + r * width
            for k in range(width):
                A[q + k] = data[p + k]


def _train(
    execute, code, table, arena, tail_code, tail_table, tail_arena, data_pointer, feeds_pointer, order_pointer,
    control_pointer, losses_pointer, epochs, max_steps,
):  # fmt: skip
    """At most ``max_steps`` steps, up to the end of ``epochs``; returns how many were done.

    A full batch runs ``code`` on ``arena``; the smaller last one of an epoch ``tail_code`` on ``tail_arena``, whose first
    ``n_state`` elements are the same state. ``control`` is the position (the epoch, the row in it, whether something was not
    finite) and then what does not change, as the first lines take it apart. ``losses[e]`` gathers the mean over the rows of
    epoch e. Without rows, a step is an epoch.
    """
    control, losses = carray(control_pointer, 1), carray(losses_pointer, 1)
    epoch, row = control[0], control[1]
    full_stop, tail_stop, full_loss, tail_loss, n_state = control[3], control[4], control[5], control[6], control[7]
    rows, batch, shuffle, seed, n_feeds = control[8], control[9], control[10], control[11], control[12]
    A, B, data = carray(arena, 1), carray(tail_arena, 1), carray(data_pointer, 1)
    feeds, order = carray(feeds_pointer, (1, 4)), carray(order_pointer, 1)
    first, one = uint64(0), uint64(1)
    steps = first
    while epoch < epochs and steps < max_steps:
        if rows == batch:  # the data are in their slots already, and nothing is gathered
            call_execute(execute, code, table, arena, first, full_stop)
            loss = A[full_loss]
            losses[epoch] = loss
            epoch += one
        else:
            if row == first and shuffle != first:
                _permute(order, rows, seed, epoch)
            count = min(batch, rows - row)
            if count == batch:
                _load(A, data, feeds, n_feeds, FEED_FULL, order, row, count)
                call_execute(execute, code, table, arena, first, full_stop)
                loss = A[full_loss]
            else:
                for k in range(n_state):
                    B[k] = A[k]
                _load(B, data, feeds, n_feeds, FEED_TAIL, order, row, count)
                call_execute(execute, tail_code, tail_table, tail_arena, first, tail_stop)
                loss = B[tail_loss]
                for k in range(n_state):
                    A[k] = B[k]
            losses[epoch] += float(loss) * float(count) / float(rows)
            row += count
            if row == rows:
                row = first
                epoch += one
        steps += one
        if not isfinite(loss):
            control[2] = one
            break
    for k in range(n_state):
        if not isfinite(A[k]):
            control[2] = one
    control[0], control[1] = epoch, row
    return steps


_NUMBERS = types.CPointer(types.uint64)

train = Native(
    _train,
    lambda dtype: (
        (
            types.uint64, _NUMBERS, _NUMBERS, types.CPointer(dtype), _NUMBERS, _NUMBERS, types.CPointer(dtype),
            types.CPointer(dtype), _NUMBERS, _NUMBERS, _NUMBERS, types.CPointer(types.float64),
            types.uint64, types.uint64,
        ),
        types.uint64,
    ),
)  # fmt: skip
