"""The native training loop: ``train`` runs whole epochs of a Program, each with an optional evaluation pass over other rows.

It returns after a number of steps, so that Python can show progress and handle Ctrl-C. Its whole state is in its arguments, and
the order of the rows depends only on the seed and the epoch. Results do not depend on where the loop is interrupted.
"""

from __future__ import annotations

from numpy import isfinite, uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import after, call_execute, compiled
from jitgrad.vm.compiler.types import UINT64, Number, Records, Type
from jitgrad.vm.descriptors import PassDescriptor, Position
from jitgrad.vm.kernels.lanes import TRIPS
from jitgrad.vm.subnormals import FLUSH, flush_mode

_ZERO, _ONE = uint64(0), uint64(1)


@compiled
def _mix(state):
    """Mix a state (the output function of SplitMix64; Steele, Lea and Flood, "Fast splittable PRNGs", 2014)."""
    z = state
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    return z ^ (z >> uint64(31))


@compiled
def _permute(order, n, seed, epoch):
    """Fill ``order`` with a permutation that depends only on the seed and the epoch (Fisher-Yates shuffle)."""
    for i in range(n):
        order[i] = i
    state = _mix(_mix(seed + uint64(0x9E3779B97F4A7C15)) + epoch)
    for left in range(_ONE, n):
        i = n - left
        state += uint64(0x9E3779B97F4A7C15)
        j = ((_mix(state) >> uint64(32)) * (i + _ONE)) >> uint64(32)
        order[i], order[j] = order[j], order[i]


@compiled
def _move(to, source, n):
    for k in range(n):
        to[k] = source[k]


@compiled
def _load(passing, batch, first, count):
    """Gather ``count`` rows, from position ``first`` of the order on, of each data array into its slot."""
    arena, order = batch.context.arena, after(passing.order, first)
    for f in range(passing.n_feeds):
        feed = passing.feeds[f]
        rows, width, to = feed.rows, feed.width, after(arena, batch.slots[f])
        for r in range(count):
            _move(after(to, r * width), after(rows, order[r] * width), width)


@compiled
def _record(passing, batch, epoch, count):
    """Add the results of a batch of ``count`` rows to its epoch: its part of the mean loss, and its sums. Return the loss."""
    arena, n = batch.context.arena, passing.n_sums
    loss, found, sums = arena[batch.loss], after(arena, batch.sums), after(passing.sums, epoch * n)
    passing.losses[epoch] += float(loss) * float(count) / float(passing.rows)
    for k in range(n):
        sums[k] += float(found[k])
    return loss


@compiled
def _step(passing, epoch, row):
    """Gather the rows of the batch that starts at ``row``, run its Program, record and return its loss.

    The last, smaller batch has its own arena, which begins with the same state.
    """
    count = min(passing.size, passing.rows - row)
    batch, n_state = passing.full, _ZERO
    if count != passing.size:
        batch, n_state = passing.tail, passing.n_state
    state, arena = passing.full.context.arena, batch.context.arena
    if row == _ZERO and passing.shuffles:
        _permute(passing.order, passing.rows, passing.seed, epoch)
    _move(arena, state, n_state)
    _load(passing, batch, row, count)
    _run(batch, _ONE)
    _move(state, arena, n_state)
    return _record(passing, batch, epoch, count)


@compiled
def _copy(evaluation, arena):
    """Copy the current values of Variables to the evaluation pass."""
    for c in range(evaluation.n_copies):
        copy = evaluation.copies[c]
        _move(after(copy.batch.context.arena, copy.place), after(arena, copy.source), copy.size)


@compiled
def _run(batch, steps):
    """Run a Program; if it is a loop of steps, run that many trips. The loop is its first instruction."""
    if batch.trips != _ZERO:
        batch.context.code[TRIPS] = steps
    call_execute(batch.context, _ZERO, batch.stop)


@compiled
def _whole_steps(training, position, epochs, max_steps):
    """Run steps on all rows, which are in their slots. Nothing but the Program runs."""
    batch, n, epoch, steps = training.full, training.n_sums, position.epoch, _ZERO
    losses, sums = after(batch.context.arena, batch.loss), after(batch.context.arena, batch.sums)
    while epoch < epochs and steps < max_steps and not position.not_finite:
        count = min(min(epochs - epoch, max_steps - steps), max(batch.trips, _ONE))
        _run(batch, count)
        _move(after(training.losses, epoch), losses, count)
        _move(after(training.sums, epoch * n), sums, count * n)
        finite = True
        for k in range(count):
            finite &= isfinite(losses[k])
        position.not_finite = not finite
        epoch += count
        steps += count
    position.epoch = epoch
    return steps


@compiled
def _steps(training, evaluation, position, epochs, max_steps):
    """Run steps on gathered rows, in both passes."""
    epoch, row, evaluates, steps = position.epoch, position.row, position.evaluates, _ZERO
    while epoch < epochs and steps < max_steps:
        current = evaluation if evaluates else training
        loss = _step(current, epoch, row)
        steps += _ONE
        row += current.size
        if not evaluates and not isfinite(loss):
            position.not_finite = True
            max_steps = steps
        if row >= current.rows:
            row = _ZERO
            if not evaluates and evaluation.rows != _ZERO:
                evaluates = True
                _copy(evaluation, training.full.context.arena)
            else:
                evaluates = False
                epoch += _ONE
    position.epoch, position.row, position.evaluates = epoch, row, evaluates
    return steps


@compiled
def _train(training, evaluation, position, epochs, max_steps):
    """Run at most ``max_steps`` steps, until the end of ``epochs``; return the number of steps.

    An epoch is a pass over the training rows, followed by a pass over the rows of ``evaluation``, if any. Without rows, a step
    is an epoch. Meanwhile, subnormal numbers are flushed to zero, whatever the mode of the thread.
    """
    mode = flush_mode(uint64(FLUSH))
    if training.size == training.rows and evaluation.rows == _ZERO:
        steps = _whole_steps(training, position, epochs, max_steps)
    else:
        steps = _steps(training, evaluation, position, epochs, max_steps)
    state = training.full.context.arena
    for k in range(training.n_state):
        if not isfinite(state[k]):
            position.not_finite = True
    flush_mode(mode)
    return steps


def _arguments(element: Number) -> tuple[Type, ...]:
    """Return the argument types of ``train``."""
    descriptor = Records(PassDescriptor, element)
    return descriptor, descriptor, Records(Position, element), UINT64, UINT64


train = Native(_train, _arguments)
