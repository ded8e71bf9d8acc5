"""The line that a fit shows in a terminal, shortened to its width."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from rich.console import Console
from rich.progress import Progress, Task
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from jitgrad.training.sparkline import sparkline

_BLOCKS = 16
_SHORTEST, _LONGEST = 6, 40
"""Characters of the bar."""
_LEFT_OUT_FIRST = 1000


class FitProgress(Progress):
    """Lines on stderr, one per task, whose fields are ``metrics`` by name and ``losses`` of all epochs so far."""

    def __init__(self) -> None:
        super().__init__(console=Console(stderr=True))

    def get_renderables(self) -> Iterable[Table]:
        """Yield the lines for the current width of the terminal."""
        for task in self.tasks:
            yield line(task, self.console.width, self.console.options.ascii_only)


def line(task: Task, width: int, ascii_only: bool) -> Table:
    """Return the number of epochs, a bar, a sparkline of the loss, the latest metrics and the remaining time.

    Parts that do not fit into ``width`` characters are omitted, the least important first. Without Unicode,
    there is no sparkline.
    """
    parts = _parts(task, ascii_only)
    kept: list[int] = []
    room = width
    for priority in sorted(parts):
        if priority == 0 or _width(parts[priority]) < room:
            kept.append(priority)
            room -= _width(parts[priority]) + (priority > 0)
    shown = Table.grid(padding=(0, 1))
    chosen = [part for priority, part in parts.items() if priority in kept]
    for part in chosen:
        shown.add_column(no_wrap=True)
        if isinstance(part, ProgressBar):
            part.width = min(_SHORTEST + room, _LONGEST)
    shown.add_row(*chosen)
    return shown


def _parts(task: Task, ascii_only: bool) -> dict[int, Text | ProgressBar]:
    """Return all parts in order, by priority. Parts with higher numbers are omitted first."""
    metrics = {name: value for name, value in task.fields["metrics"].items() if np.ndim(value) == 0}
    total = f"{task.total:.0f}"
    priorities = {name: 6 + number for number, name in enumerate(metrics)} | {"loss": 1, "val_loss": 4}
    return {
        0: Text(f"epoch {int(task.completed):{len(total)}}/{total}"),
        5: ProgressBar(task.total, task.completed, _SHORTEST),
        _LEFT_OUT_FIRST: Text(f"{task.percentage:.0f}%", "progress.percentage"),
        **({} if ascii_only else {3: Text(sparkline(task.fields["losses"], _BLOCKS).ljust(_BLOCKS), "cyan")}),
        **{priorities[name]: Text(f"{name} {value:#.4g}".rstrip(".")) for name, value in metrics.items()},
        2: Text(_time(task), "progress.remaining"),
    }


def _width(part: Text | ProgressBar) -> int:
    return _SHORTEST if isinstance(part, ProgressBar) else part.cell_len


def _time(task: Task) -> str:
    """Return the remaining time, if known; at the end, the elapsed time."""
    seconds = task.time_remaining if task.stop_time is None else task.elapsed
    if seconds is None:
        return "--:--"
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours}:{minutes:02}:{int(seconds) % 60:02}" if hours else f"{minutes:02}:{int(seconds) % 60:02}"
