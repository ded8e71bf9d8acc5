"""The lines that Keras prints on standard output during a fit, an evaluation and a prediction."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError

WIDTH = 20
_interactive = [True]


def set_interactive(on: bool) -> None:
    """Set whether "auto" means a progress bar or one line per epoch."""
    _interactive[0] = on


def is_interactive() -> bool:
    """Return whether "auto" means a progress bar."""
    return _interactive[0]


def level(verbose: Any) -> int:
    """Return the level of ``verbose``: 0 for no output, 1 for a bar, 2 for a line. Raises ArgumentError for invalid values."""
    if verbose == "auto":
        return 1 if _interactive[0] else 2
    if verbose not in (0, 1, 2, True, False, None):
        raise ArgumentError(f"verbose is {verbose!r}. Use 0, 1, 2 or 'auto'.")
    return int(verbose or 0)


class Lines:
    """Prints the progress of a fit, an evaluation or a prediction.

    Parameters
    ----------
    verbose : int
        See ``level``.
    steps : int, optional
        Number of steps of an epoch, if known.
    counted : object, optional
        An object whose ``steps`` is the number of steps, if ``steps`` is unknown.
    """

    def __init__(self, verbose: int, steps: int | None = None, counted: Any = None) -> None:
        self.verbose, self.steps, self._counted = verbose, steps, counted
        self._live = sys.stdout is not None and sys.stdout.isatty()
        self._shown = 0
        self.began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Measures the time since the start or the last line."""
        return time.perf_counter() - self.began

    def header(self, epoch: int, epochs: int) -> None:
        """Print the header of an epoch, numbered from 0; a single epoch has no header."""
        if self.verbose and epochs > 1:
            print(f"Epoch {epoch + 1}/{epochs}", flush=True)
        self.began = time.perf_counter()

    def advance(self, done: int, metrics: Mapping[str, Any]) -> None:
        """Update the progress bar if the output is a terminal."""
        if self.verbose == 1 and self._live:
            text = self._line(done, time.perf_counter() - self.began, metrics, ended=False)
            print("\r" + text + " " * max(0, self._shown - len(text)), end="", flush=True)
            self._shown = len(text)

    def finish(self, seconds: float, metrics: Mapping[str, Any]) -> None:
        """Print the line of a finished epoch."""
        if self.verbose:
            done = getattr(self._counted, "steps", None) if self.steps is None else self.steps
            text = self._line(done, seconds, metrics, ended=True)
            print(("\r" if self._shown else "") + text + " " * max(0, self._shown - len(text)), flush=True)
            self._shown = 0
        self.began = time.perf_counter()

    def _line(self, done: int | None, seconds: float, metrics: Mapping[str, Any], ended: bool) -> str:
        total = self.steps if self.steps is not None else "Unknown" if not ended else done
        each = per_step(seconds / max(1, done or 1))
        shown = "".join(f" - {name}: {number_text(value)}" for name, value in metrics.items() if np.ndim(value) == 0)
        if self.verbose == 2:
            return f"{done}/{total} - {seconds:.0f}s - {each}{shown}"
        filled = WIDTH if ended or not self.steps else int(WIDTH * (done or 0) / self.steps)
        bar = "━" * filled + "─" * (WIDTH - filled)
        if ended or not self.steps or not done:
            return f"{done}/{total} {bar} {seconds:.0f}s {each}{shown}"
        return f"{done}/{total} {bar} {duration(seconds / done * (self.steps - done))} {each}{shown}"


def number_text(value: Any) -> str:
    """Format a metric as Keras does: with four digits, or in scientific notation if it is small."""
    number = float(value)
    return f"{number:.4f}" if abs(number) > 1e-3 else f"{number:.4e}"


def duration(seconds: float) -> str:
    """Format a time in seconds, minutes and hours."""
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole >= 60 else f"{whole}s"


def per_step(seconds: float) -> str:
    """Format the time per step."""
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/step"
    return f"{seconds * 1e3:.0f}ms/step" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/step"


class EpochLines(Lines):
    """Prints the reports of the native loop with ``Lines``.

    Parameters
    ----------
    first, epochs : int
        The first epoch, and the number of the last one.
    metrics : callable
        Returns the metrics of an epoch by name.
    asked : bool
        Whether the caller prints the header of each epoch, because callbacks may end the fit.
    """

    def __init__(
        self, verbose: int, steps: int | None, counted: Any, first: int, epochs: int,
        metrics: Callable[[Any, int], Mapping[str, Any]], asked: bool,
    ) -> None:  # fmt: skip
        super().__init__(verbose, steps, counted)
        self._next, self._epochs, self._metrics, self._asked = first, epochs, metrics, asked
        if not asked and first < epochs:
            self.header(first, epochs)

    def __call__(self, loop: Any) -> None:
        ended = loop.epoch - self._next
        seconds = (time.perf_counter() - self.began) / max(1, ended)
        for epoch in range(self._next, loop.epoch):
            self.finish(seconds, self._metrics(loop, epoch))
            if not self._asked and epoch + 1 < self._epochs:
                self.header(epoch + 1, self._epochs)
        self._next = loop.epoch
        if self.steps is not None and loop.epoch < self._epochs and loop.done > loop.epoch:
            self.advance(int((loop.done - loop.epoch) * self.steps), {})


def in_order(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Sort metrics as Keras does: by name, with the validation metrics last."""
    return {name: metrics[name] for name in sorted(metrics, key=lambda name: (name.startswith("val_"), name))}
