"""The line that a fit shows in a terminal: as much of it as there is room for."""

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
    """Lines on stderr, one a task, whose fields are ``metrics``, by name, and ``losses``, of all epochs so far."""

    def __init__(self) -> None:
        super().__init__(console=Console(stderr=True))

    def get_renderables(self) -> Iterable[Table]:
        """The lines for the terminal as wide as it is now."""
        for task in self.tasks:
            yield line(task, self.console.width, self.console.options.ascii_only)


def line(task: Task, width: int, ascii_only: bool) -> Table:
    """The epochs that are done, a bar, the course of the loss, its latest metrics and the time left.

    What does not fit into ``width`` characters is left out, the least important first; without Unicode there is no course.
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
    """All that there is to show in its order, by priority: the higher, the sooner it is left out."""
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
    """The time left, as far as it is known, and at the end the time that it took."""
    seconds = task.time_remaining if task.stop_time is None else task.elapsed
    if seconds is None:
        return "--:--"
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours}:{minutes:02}:{int(seconds) % 60:02}" if hours else f"{minutes:02}:{int(seconds) % 60:02}"
