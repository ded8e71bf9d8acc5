"""A fit to batches from an iterator, which need not all fit into memory. Each batch is a step that runs natively."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from jitgrad.errors import ArgumentError, DataError
from jitgrad.program.context import Context
from jitgrad.training import epochs as native
from jitgrad.training.data_pass import NO_PASS, BoundPass, Pass
from jitgrad.training.epochs import Loop
from jitgrad.training.rows import Batches
from jitgrad.training.step import TrainingStep
from jitgrad.vm.descriptors import Position
from jitgrad.vm.records import address

KEPT_SIZES = 8
"""The number of batch sizes whose steps are kept. The oldest is dropped."""

Source = Callable[[], Iterator[Batches]]
"""A function that begins an epoch and returns its batches, each as the rows of one full batch."""


class StreamLoop(Loop):
    """A Loop that takes its batches from a Source. A batch whose size differs from the first has its own step."""

    def __init__(
        self, context: Context, training: Pass, evaluation: Pass | None, epochs: int, first: int,
        source: Source, make: Callable[[Batches], TrainingStep],
    ) -> None:  # fmt: skip
        super().__init__(context, training, evaluation, epochs, first)
        self._source, self._make = source, make
        self._steps_of = {_shapes(training.batches.arrays): _Single(training.step, context)}
        self._batches: Iterator[Batches] = iter(())
        self._taken: Batches | None = None  # the next batch, taken in advance to detect the end of an epoch
        self._seen = 0

    @property
    def done(self) -> float:
        return float(self.epoch)

    def chunk(self, epochs: int, most: int | None = None) -> bool:
        end = time.perf_counter() + native.CHUNK_SECONDS
        left = most or 2**62
        while self.epoch < epochs and left and not self.not_finite and time.perf_counter() < end:
            left -= 1
            if self.is_evaluating:
                super().chunk(self.epoch + 1)
                continue
            self._step_on(self._taken or self._begin_epoch())
            self._taken = next(self._batches, None)
            if self._taken is None and not self.not_finite:
                self.training.losses[self.epoch] /= self._seen
                self.end_training()
        if not np.isfinite(self.state).all():
            self._position.not_finite = True
        return not self.not_finite

    def reload(self) -> None:
        super().reload()
        for single in self._steps_of.values():
            single.load()

    def _step_on(self, batch: Batches) -> None:
        shapes = _shapes(batch.arrays)
        if shapes not in self._steps_of:
            step = self._checked(self._make(batch))
            if len(self._steps_of) == KEPT_SIZES:
                del self._steps_of[list(self._steps_of)[1]]  # the first one holds the state
            self._steps_of[shapes] = _Single(step, Context(step.program))
        single = self._steps_of[shapes]
        single.step.check(batch.arrays, batch.names)
        own = single.context.arena[: len(self.state)]
        if single.context is not self._context:
            own[:] = self.state
        self.step_loss, self.step_epoch = single.run(batch), self.epoch
        self.state[:] = own
        self.training.losses[self.epoch] += self.step_loss * batch.rows
        if self.training.sums.size:
            self.training.sums[self.epoch] += single.sums
        self._seen += batch.rows
        if not np.isfinite(self.step_loss):
            self._position.not_finite = True

    def _checked(self, step: TrainingStep) -> TrainingStep:
        """Return a step whose state has the layout of the first batch's. Raises ArgumentError otherwise."""
        if not step.has_state_of(self._step):
            raise ArgumentError(
                "The cost changes different Variables for this batch than for the first one. "
                "Make it independent of the number of rows."
            )
        return step

    def _begin_epoch(self) -> Batches:
        """Return the first batch of an epoch."""
        self._batches, self._seen = begun_epoch(self._source(), self.epoch), 0
        return next(self._batches)


def begun_epoch(batches: Iterator[Batches], epoch: int) -> Iterator[Batches]:
    """Return the batches of an epoch. Raises DataError if there are none."""
    first = next(batches, None)
    if first is None:
        raise DataError(
            f"Epoch {epoch + 1} has no batches. Give an iterable that can be iterated again, "
            f"or a function that returns an iterator."
        )
    return itertools.chain([first], batches)


class _Single(BoundPass):
    """A step of the native loop on the rows of one batch."""

    def __init__(self, step: TrainingStep, context: Context) -> None:
        super().__init__(Pass(step, None, Batches()), context, 1)
        self.step, self.context = step, context

    def run(self, batch: Batches) -> float:
        """Run the step; return the loss."""
        self.context.load(batch.cast(self.step.program.dtype), stop=self.step.executable.n_given)
        position = Position()
        self.context.train.call(address(self.descriptor), address(NO_PASS), address(position), 1, 1)
        return float(self.metrics.losses[0])

    @property
    def sums(self) -> np.ndarray:
        """The sums that the step contributes to an epoch."""
        return self.metrics.sums[0]


def _shapes(arrays: Sequence[np.ndarray]) -> tuple[tuple[int, ...], ...]:
    return tuple(a.shape for a in arrays)
