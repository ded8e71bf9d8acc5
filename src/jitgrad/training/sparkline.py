"""Numbers as a line of block characters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BLOCKS = "▁▂▃▄▅▆▇█"
_SAME = 1e-9
"""Relative differences below this count as equal."""


def sparkline(values: Sequence[float] | np.ndarray, width: int) -> str:
    """Return one block per value, at most ``width`` blocks, the lowest for the smallest value and the highest for the largest.

    If there are more values, evenly spaced ones are selected, including the first and last. The scale is
    logarithmic if all values are positive. Values that are not finite are blank, and constant values have
    medium height.
    """
    chosen = np.asarray(values, np.float64)
    if len(chosen) > width:
        chosen = chosen[np.linspace(0, len(chosen) - 1, width).round().astype(int)]
    finite = np.isfinite(chosen)
    known = chosen[finite]
    if not len(known):
        return " " * len(chosen)
    known = np.log(known) if known.min() > 0 else known / (np.abs(known).max() or 1.0)
    low, high = known.min(), known.max()
    heights = np.full(len(chosen), len(BLOCKS) // 2 - 1)
    if high - low > _SAME:
        heights[finite] = np.minimum((known - low) / (high - low) * len(BLOCKS), len(BLOCKS) - 1)
    return "".join(BLOCKS[height] if there else " " for height, there in zip(heights, finite, strict=True))
