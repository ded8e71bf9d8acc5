"""The native loop: epochs over rows in memory, in chunks of 50 to 100 ms, without returning to Python in between.

Between two chunks, progress is reported, and the loop checks that the state is finite. Ctrl-C is handled only there,
because native code does not check for it. No matter how the loop ends, the arena contains the state of a finished
chunk, which is copied to the Variables.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from jitgrad.errors import FitError
from jitgrad.program.context import Context, helpers
from jitgrad.training.data_pass import NO_PASS, BoundPass, Pass, PassMetrics
from jitgrad.vm.descriptors import PassDescriptor, Position
from jitgrad.vm.records import address

CHUNK_SECONDS = 0.075

Report = Callable[["Loop"], None]
"""Called after each chunk."""


class Between(Protocol):
    """A callable that runs between epochs.

    Attributes
    ----------
    shares : bool
        Whether it reads or changes the Variables. If not, they are assigned only at the end.
    """

    shares: bool

    def ahead(self) -> int:
        """Return the number of epochs to run before it is called."""

    def __call__(self, loop: Loop) -> bool:
        """Run after epochs, and return whether to continue."""


class Loop:
    """A running fit.

    Attributes
    ----------
    epoch : int
        The next epoch, or the one that failed.
    done : float
        Number of finished epochs, including a fraction.
    training, evaluation : PassMetrics
        The metrics so far; 0 for epochs that have not begun.
    not_finite : bool
        Whether a loss or the state was not finite in the last chunk.
    state : ndarray
        The Variables that the steps change, in the arena.
    step_loss, step_epoch : float, int
        Loss and epoch of the last step, if each step is a chunk.
    """

    step_loss = 0.0
    step_epoch = 0

    def __init__(self, context: Context, training: Pass, evaluation: Pass | None, epochs: int, first: int = 0) -> None:
        self._step, self._context = training.step, context
        self._training, self._evaluation = BoundPass(training, context, epochs), None
        if evaluation is not None:
            self._evaluation = BoundPass(evaluation, Context(evaluation.step.program), epochs, self._step)
        self._position = Position(epoch=first)
        work = training.step.program.work / max(1, training.step.trips)
        self._steps = max(1, int(CHUNK_SECONDS * 1e9 / 4 / max(1, work)))
        self.state = context.arena[: training.step.program.state_size]

    @property
    def training(self) -> PassMetrics:
        return self._training.metrics

    @property
    def evaluation(self) -> PassMetrics | None:
        return None if self._evaluation is None else self._evaluation.metrics

    @property
    def epoch(self) -> int:
        return self._position.epoch

    @property
    def done(self) -> float:
        return self.epoch + (1.0 if self.is_evaluating else self._position.row / max(1, self._training.rows))

    @property
    def is_evaluating(self) -> bool:
        """Whether the next step is an evaluation."""
        return self._position.evaluates

    @property
    def not_finite(self) -> bool:
        return self._position.not_finite

    def _run(self, training: PassDescriptor, evaluation: PassDescriptor, epochs: int, steps: int) -> int:
        passes = [self._training] if self._evaluation is None else [self._training, self._evaluation]
        with helpers([context for bound in passes for context in bound.contexts]):
            records = address(training), address(evaluation), address(self._position)
            return int(self._context.train.call(*records, epochs, steps))

    def chunk(self, epochs: int, most: int | None = None) -> bool:
        """Run for about CHUNK_SECONDS, or ``most`` steps, within ``epochs``. Return whether everything stayed finite."""
        start = time.perf_counter()
        before = self.epoch
        evaluation = NO_PASS if self._evaluation is None else self._evaluation.descriptor
        done = self._run(self._training.descriptor, evaluation, epochs, self._steps if most is None else most)
        seconds = max(time.perf_counter() - start, 1e-9)
        if most == 1:
            self.step_epoch = before
            self.step_loss = self._training.last_loss(after=self._position.row)
        elif self.epoch < epochs:
            self._steps = max(1, min(self._steps * 8, int(done * CHUNK_SECONDS / seconds)))
        if not self.not_finite:
            return True
        bad = np.flatnonzero(~np.isfinite(self.training.losses[before : self.epoch + 1]))
        self._position.epoch = before + int(bad[0]) if len(bad) else max(before, self.epoch - 1)
        return False

    def evaluate_only(self) -> None:
        """Evaluate the rows of the training pass once, without changing anything."""
        self._position.evaluates = True
        while self.epoch < 1:
            self._run(self._training.descriptor, self._training.descriptor, 1, self._steps)

    def end_training(self) -> None:
        """End the training pass of an epoch. Its evaluation pass, or the next epoch, follows."""
        if self._evaluation is None:
            self._position.epoch += 1
        else:
            self._evaluation.take(self._context)
            self._position.evaluates = True

    def store(self) -> None:
        """Assign the values to all Variables. If Ctrl-C interrupts this, it starts again."""
        try:
            self._step.executable.store(self._context)
        except KeyboardInterrupt:
            self._step.executable.store(self._context)
            raise

    def reload(self) -> None:
        """Load the Variables' values again."""
        self._training.load()
        if self._evaluation is not None:
            self._evaluation.load()


def run_epochs(training: Pass, epochs: int, report: Report | None = None) -> tuple[Loop, float]:
    """Call ``run`` on a new loop; return the loop and the time of the steps in seconds."""
    with training.step.executable.context() as context:
        loop = Loop(context, training, None, epochs)
        return loop, run(loop, epochs, report)


def run(
    loop: Loop,
    epochs: int,
    report: Report | None = None,
    between: Between | None = None,
    after_step: Report | None = None,
) -> float:
    """Run to the end of ``epochs`` and assign the Variables; return the time of the steps in seconds.

    Parameters
    ----------
    loop : Loop
        The loop, at its first epoch.
    epochs : int
        Epoch at which to end.
    report : callable, optional
        Called after each chunk.
    between : Between, optional
        Called between epochs. A chunk ends at each of these calls.
    after_step : callable, optional
        Called after each step. Each step is then a chunk.

    Raises
    ------
    FitError
        If a loss or a parameter becomes nan or infinite. The Variables then have their values from the last finite
        chunk.
    KeyboardInterrupt
        After Ctrl-C. The Variables then have their values from the last finished chunk.
    """
    good = loop.state.copy()
    most = None if after_step is None else 1
    started = time.perf_counter()
    try:
        while loop.epoch < epochs:
            good[:] = loop.state
            before, trained = loop.epoch, not loop.is_evaluating
            if not loop.chunk(epochs if between is None else min(epochs, before + between.ahead()), most):
                failed = FitError(
                    f"The loss or a parameter became nan or infinite in epoch {loop.epoch + 1}. "
                    f"Use a smaller learning rate, or check the scale of the data."
                )
                failed.add_note("The Variables have their values of the last finite chunk.")
                raise failed
            if report is not None:
                report(loop)
            if after_step is not None and trained:
                loop.store()
                after_step(loop)
                loop.reload()
            if between is not None and loop.epoch > before:
                if between.shares:
                    loop.store()
                go_on = between(loop)
                if between.shares:
                    loop.reload()
                if not go_on:
                    break
    except BaseException:
        if loop.not_finite:
            loop.state[:] = good
        loop.store()
        raise
    seconds = time.perf_counter() - started
    loop.store()
    return seconds


def evaluate_pass(pass_: Pass) -> PassMetrics:
    """Return the metrics of one pass that changes nothing."""
    with pass_.step.executable.context() as context:
        loop = Loop(context, pass_, None, 1)
        loop.evaluate_only()
        return loop.training
