"""A pass over rows for native code: contexts, memory, and records that point to them (``vm/descriptors.py``)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from jitgrad.program.context import Context
from jitgrad.program.slots import Slot
from jitgrad.training.rows import Batches
from jitgrad.training.step import TrainingStep
from jitgrad.vm.descriptors import BatchDescriptor, Copy, Feed, PassDescriptor
from jitgrad.vm.records import in_row


class Pass(NamedTuple):
    """A pass over rows: the step for full batches, the step for a smaller last batch if there is one, and the rows."""

    step: TrainingStep
    tail: TrainingStep | None
    batches: Batches


class PassMetrics(NamedTuple):
    """The metrics of each epoch of a pass.

    Attributes
    ----------
    losses : ndarray of float64, shape (epochs,)
        Mean over the rows of the losses that the steps computed before their updates.
    sums : ndarray of float64, shape (epochs, n)
        Sums over the batches of an epoch of the step's second output.
    """

    losses: np.ndarray
    sums: np.ndarray


class _Taken(NamedTuple):
    """A Variable whose value a pass copies from the training arena: its place there, the batch, and its place in the pass."""

    there: Slot
    batch: int
    here: Slot


class BoundPass:
    """A pass with its contexts, its memory, and its descriptor for native code."""

    def __init__(self, pass_: Pass, context: Context, epochs: int, source: TrainingStep | None = None) -> None:
        step, tail, batches = pass_
        self.rows, program = batches.rows, step.program
        self._steps = [step] if tail is None else [step, tail]
        self.contexts = [context] if tail is None else [context, Context(tail.program)]
        n_sums = program.outputs[1].size // max(1, step.trips) if len(program.outputs) > 1 else 0
        self.metrics = PassMetrics(np.zeros(epochs), np.zeros((epochs if n_sums else 0, n_sums)))
        feeds = []
        if not batches.full:
            arrays = [np.ascontiguousarray(array) for array in batches.cast(program.dtype)]
            feeds = [Feed(rows=array, width=math.prod(array.shape[1:])) for array in arrays]
        elif batches.arrays:
            context.load(batches.cast(program.dtype), stop=step.executable.n_given)
        described = [_describe(s, m, len(feeds)) for s, m in zip(self._steps, self.contexts, strict=True)]
        self.descriptor = PassDescriptor(
            full=described[0], tail=described[-1], rows=batches.rows, size=batches.size, n_state=program.state_size,
            losses=self.metrics.losses,
        )  # fmt: skip
        if n_sums:
            self.descriptor.set(n_sums=n_sums, sums=self.metrics.sums)
        if feeds:
            order = np.arange(batches.rows, dtype=np.uint64)
            self.descriptor.set(
                feeds=in_row(Feed, feeds), n_feeds=len(feeds), order=order, shuffles=batches.shuffle, seed=batches.seed
            )
        self._taken = [] if source is None else list(_taken(source, self._steps))
        if self._taken:
            copies = [
                Copy(source=t.there.offset, batch=described[t.batch], place=t.here.offset, size=t.here.size)
                for t in self._taken
            ]
            self.descriptor.set(copies=in_row(Copy, copies), n_copies=len(copies))
        self.load()

    def load(self) -> None:
        """Load the values of all inputs that are not part of the batch."""
        for step, context in zip(self._steps, self.contexts, strict=True):
            step.executable.load(context)

    def take(self, source: Context) -> None:
        """Copy the Variables' values from the training arena, as native code does when an evaluation pass begins."""
        for there, batch, here in self._taken:
            self.contexts[batch].arena[here.offset : here.offset + here.size] = source.arena[there.offset :][: there.size]

    def last_loss(self, after: int) -> float:
        """Return the loss of the step that ended at row ``after``, 0 at the end of the epoch."""
        return float(self.contexts[-1 if after == 0 else 0].outputs[0].flat[0])


def _describe(step: TrainingStep, context: Context, n_feeds: int) -> BatchDescriptor:
    """Return the descriptor of a Program and its arena. The first inputs of the Program are the arrays of the batch."""
    outputs = context.program.outputs
    batch = BatchDescriptor(
        context=context.descriptor, stop=context.program.stop, trips=step.trips, loss=outputs[0].offset, sums=outputs[-1].offset
    )
    if n_feeds:
        batch.set(slots=np.array([slot.offset for slot in context.program.inputs[:n_feeds]], np.uint64))
    return batch


def _taken(source: TrainingStep, steps: Sequence[TrainingStep]) -> Iterator[_Taken]:
    """Yield the values that the steps of an evaluation pass copy from the training step."""
    there = dict(_slots(source))
    for number, step in enumerate(steps):
        for key, slot in _slots(step):
            if key in there:
                yield _Taken(there[key], number, slot)


def _slots(step: TrainingStep) -> list[tuple[int, Slot]]:
    """Return each Variable, by id, and its place."""
    pairs = zip(step.executable.leaves, step.program.inputs, strict=True)
    return [(id(leaf.variable), slot) for leaf, slot in pairs if leaf.variable is not None]


NO_PASS = PassDescriptor()
"""A pass without any rows."""
