"""``keras.utils.Progbar``: a line of progress for custom loops."""

from __future__ import annotations

import time
from typing import Any

from jitgrad.compat.keras.border import plain_number
from jitgrad.compat.keras.models.progress import Lines


class Progbar:
    """A progress line over ``target`` steps, with the means of values."""

    def __init__(
        self, target: int | None, width: int = 20, verbose: int = 1, interval: float = 0.05, stateful_metrics: Any = None,
        unit_name: str = "step",
    ) -> None:  # fmt: skip
        self.target, self._stateful = target, set(stateful_metrics or ())
        self._lines = Lines(verbose, target)
        self._done, self._sums = 0, {}  # type: ignore[var-annotated]
        self._began = time.perf_counter()

    def update(self, current: int, values: Any = None, finalize: bool | None = None) -> None:
        """Show the number of finished steps; ``values`` are pairs of a name and a number."""
        new = max(1, current - self._done)
        for name, value in values or ():
            total, count = self._sums.get(name, (0.0, 0)) if name not in self._stateful else (0.0, 0)
            self._sums[name] = (total + float(plain_number(value)) * new, count + new)
        self._done = current
        metrics = {name: total / count for name, (total, count) in self._sums.items()}
        if finalize or (finalize is None and self.target is not None and current >= self.target):
            self._lines.steps = self.target or current
            self._lines.finish(time.perf_counter() - self._began, metrics)
        else:
            self._lines.advance(current, metrics)

    def add(self, n: int, values: Any = None) -> None:
        """Increase the number of finished steps, and show it."""
        self.update(self._done + n, values)
