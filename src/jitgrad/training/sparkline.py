"""Numbers as a line of blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BLOCKS = "▁▂▃▄▅▆▇█"
_SAME = 1e-9
"""Numbers that differ by less of themselves are level."""


def sparkline(values: Sequence[float] | np.ndarray, width: int) -> str:
    """As many blocks as there are values, at most ``width``, the lowest one for the smallest and the highest for the largest.

    More values are thinned out evenly, the first and the last stay. Blocks are logarithmic where all values are positive; what
    is not finite is blank, and values that are all the same are in the middle.
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
