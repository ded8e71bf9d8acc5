"""The scale of an axis: linear, logarithmic, or logarithmic with zeros, as for doses."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

DECADES, CROWDED = 1000.0, 30.0
"""An axis is logarithmic above this ratio of its ends if the median lies in the lowest of this many equal parts."""


class Scale(NamedTuple):
    """The scale of an axis.

    Attributes
    ----------
    kind : {"linear", "log", "symlog"}
        The kind of scale.
    smallest : float
        The smallest positive value, up to which "symlog" is linear.
    """

    kind: str
    smallest: float

    def set(self, axis: Any) -> None:
        """Apply the scale to the x axis of a panel."""
        if self.kind == "symlog":
            axis.set_xscale("symlog", linthresh=self.smallest, linscale=0.5)
        elif self.kind == "log":
            axis.set_xscale("log")

    def points(self, low: float, high: float, count: int) -> np.ndarray:
        """Return points between two numbers at which a curve looks smooth."""
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
    """Return the scale on which the values can be distinguished."""
    positive = x[x > 0]
    if not len(positive) or x.min() < 0:
        return Scale("linear", 0.0)
    low, high = float(positive.min()), float(positive.max())
    if DECADES * low < high and np.median(x) < high / CROWDED:
        return Scale("symlog" if len(positive) < len(x) else "log", low)
    return Scale("linear", low)
