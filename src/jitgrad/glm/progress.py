"""Progress of slow fits on stderr: iterations and deviance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from jitgrad.training.progress import is_shown

PATIENCE = 1.0
"""Seconds before progress is shown."""


@contextmanager
def progress(verbose: bool | int | str | None) -> Iterator[Callable[[int, float], None] | None]:
    """Provide a function to report each iteration and its deviance, or None if nothing is shown."""
    if not is_shown(verbose):
        yield None
        return
    started = time.perf_counter()
    with ExitStack() as stack:
        lines: list[Callable[[str], None]] = []

        def report(step: int, deviance: float) -> None:
            if not lines and time.perf_counter() - started > PATIENCE:
                lines.append(stack.enter_context(_line()))
            for show in lines:
                show(f"step {step}, deviance {deviance:.6g}")

        yield report


@contextmanager
def _line() -> Iterator[Callable[[str], None]]:
    """Provide a function that shows text on a line that is rewritten."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("")
        yield lambda text: shown.update(task, description=text)
