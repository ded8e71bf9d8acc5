"""The progress that a fit shows on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Literal, TypeAlias

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.training.epochs import Loop, Report

LATE = 1.0
"""The number of seconds after which work without an argument ``verbose`` shows its progress."""


def is_shown(verbose: bool | int | str | None) -> bool:
    """Return whether to show progress; with None or "auto", if stderr is a terminal. Raises ArgumentError for other values."""
    if verbose in (None, "auto"):
        return sys.stderr is not None and sys.stderr.isatty()
    if verbose not in (0, 1, 2):
        raise ArgumentError(f"verbose is {verbose!r}. Use 0 for no output, 1 for a bar, 2 for one line per epoch, or 'auto'.")
    return bool(verbose)


Verbose: TypeAlias = bool | int | Literal["auto"] | None
"""What a fit shows: nothing, a bar, one line per epoch, or a bar if stderr is a terminal."""

EpochMetrics = Callable[[Loop, int], Mapping[str, Any]]
"""The metrics of an epoch by name."""


def loss_of(loop: Loop, epoch: int) -> Mapping[str, Any]:
    """Return the loss."""
    return {"loss": loop.training.losses[epoch]}


def _text(metrics: Mapping[str, Any]) -> str:
    return " ".join(f"{name} {value:.5g}" for name, value in metrics.items() if np.ndim(value) == 0)


@contextmanager
def progress(
    first: int, epochs: int, verbose: bool | int | str | None, metrics: EpochMetrics = loss_of
) -> Iterator[Report | None]:
    """Show a bar over epochs with a sparkline of the loss and the latest metrics, or one line per epoch, or nothing."""
    if not is_shown(verbose):
        yield None
    elif verbose == 2:
        yield _Lines(first, epochs, metrics)
    else:
        from jitgrad.training.line import FitProgress

        with FitProgress() as shown:
            task = shown.add_task("", total=epochs, completed=first, metrics={}, losses=())

            def report(loop: Loop) -> None:
                if loop.epoch > first:
                    losses = loop.training.losses[first : loop.epoch]
                    shown.update(task, metrics=metrics(loop, loop.epoch - 1), losses=losses)
                shown.update(task, completed=loop.done)

            try:
                yield report
            finally:
                shown.stop_task(task)


@contextmanager
def bar(total: float, what: str) -> Iterator[tuple[Any, Any]]:
    """Show a bar on stderr; yields the task and the bar."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = [TextColumn(what), TextColumn("{task.completed:.0f}/{task.total:.0f}"), BarColumn(), TaskProgressColumn()]
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as shown:
        yield shown.add_task(what, total=total), shown


@contextmanager
def late_bar(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr if it is a terminal and the work takes more than a second; yields a function of the number done."""
    if not is_shown(None):
        yield lambda done: None
        return
    started = time.monotonic()
    with ExitStack() as stack:
        shown: list[tuple[Any, Any]] = []

        def report(done: int) -> None:
            if not shown and time.monotonic() - started > LATE:
                shown.append(stack.enter_context(bar(total, what)))
            for task, own in shown:
                own.update(task, completed=done)

        yield report


class _Lines:
    """Prints a line for each finished epoch."""

    def __init__(self, first: int, epochs: int, metrics: EpochMetrics) -> None:
        self.shown, self.epochs, self.metrics = first, epochs, metrics

    def __call__(self, loop: Loop) -> None:
        for epoch in range(self.shown, loop.epoch):
            print(f"epoch {epoch + 1}/{self.epochs} {_text(self.metrics(loop, epoch))}", file=sys.stderr)
        self.shown = loop.epoch
