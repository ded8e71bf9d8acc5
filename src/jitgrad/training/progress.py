"""What a fit shows on stderr while it runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jitgrad.errors import ArgumentError
from jitgrad.training.loop import Loop, Report


def is_shown(verbose: bool | int | str | None) -> bool:
    """Whether to show progress: by default, "auto" or None, where stderr is a terminal. Raises ArgumentError for others."""
    if verbose in (None, "auto"):
        return sys.stderr.isatty()
    if verbose not in (0, 1, 2):
        raise ArgumentError(f"verbose is {verbose!r}. Give 0 for silence, 1 for a bar, 2 for a line an epoch, or 'auto'.")
    return bool(verbose)


@contextmanager
def progress(first: int, epochs: int, verbose: bool | int | str | None) -> Iterator[Report | None]:
    """A bar over epochs on stderr, with the loss; a line for each epoch where ``verbose`` is 2; or nothing."""
    if not is_shown(verbose):
        yield None
    elif verbose == 2 and verbose is not True:
        yield _Lines(first, epochs)
    else:
        with bar(epochs, "epoch", "loss {task.fields[loss]}", loss="…") as (task, shown):
            shown.update(task, completed=first)

            def report(loop: Loop) -> None:
                losses = loop.training.losses[: loop.epoch]
                shown.update(task, completed=loop.done, loss=f"{losses[-1]:.5g}" if len(losses) > first else "…")

            yield report


@contextmanager
def bar(total: float, what: str, *more: str, **fields: Any) -> Iterator[tuple[Any, Any]]:
    """A task and the bar that shows it on stderr, with further columns of text."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = [TextColumn(what), TextColumn("{task.completed:.0f}/{task.total:.0f}"), BarColumn(), TaskProgressColumn()]
    columns += [*map(TextColumn, more), TimeRemainingColumn()]
    with Progress(*columns, console=Console(stderr=True)) as shown:
        yield shown.add_task(what, total=total, **fields), shown


class _Lines:
    """Prints a line for each epoch that is done."""

    def __init__(self, first: int, epochs: int) -> None:
        self.shown, self.epochs = first, epochs

    def __call__(self, loop: Loop) -> None:
        for epoch in range(self.shown, loop.epoch):
            looked = "" if loop.looking is None else f" - val_loss: {loop.looking.losses[epoch]:.5g}"
            print(f"epoch {epoch + 1}/{self.epochs} - loss: {loop.training.losses[epoch]:.5g}{looked}", file=sys.stderr)
        self.shown = loop.epoch
