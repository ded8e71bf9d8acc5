"""How an axis goes: evenly, by decades, or by decades with 0 among them, as doses do."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

DECADES, CROWDED = 1000.0, 30.0
"""An axis goes by decades over so many times its smallest number, where half of all would stand in such a part of it else."""


class Scale(NamedTuple):
    """The scale of an axis.

    Attributes:
        kind: "linear", "log" or "symlog".
        smallest: the smallest number above 0, up to which "symlog" goes evenly.
    """

    kind: str
    smallest: float

    def set(self, axis: Any) -> None:
        """Give the x axis of a panel this scale."""
        if self.kind == "symlog":
            axis.set_xscale("symlog", linthresh=self.smallest, linscale=0.5)
        elif self.kind == "log":
            axis.set_xscale("log")

    def points(self, low: float, high: float, count: int) -> np.ndarray:
        """Where to compute a curve between two numbers so that it looks smooth."""
        if self.kind == "log" and low > 0:
            return np.geomspace(low, high, count)
        if self.kind == "symlog" and high > self.smallest:
            near = max(2, count // 6) if low < self.smallest else 0
            return np.unique(
                np.concatenate(
                    [
                        np.linspace(low, self.smallest, near),
                        np.geomspace(max(low, self.smallest), high, count - near),
                    ]
                )
            )
        return np.linspace(low, high, count)


def scale_of(x: np.ndarray) -> Scale:
    """The scale on which numbers can be told apart."""
    positive = x[x > 0]
    if not len(positive) or x.min() < 0:
        return Scale("linear", 0.0)
    low, high = float(positive.min()), float(positive.max())
    if DECADES * low < high and np.median(x) < high / CROWDED:
        return Scale("symlog" if len(positive) < len(x) else "log", low)
    return Scale("linear", low)
