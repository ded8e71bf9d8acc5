"""Which groups stand next to each other, in a row or in an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

IN_A_ROW = (-1, 1, -2, 2)
"""How far the neighbours in a row are."""


def neighbours_of(shape: Sequence[int], places: np.ndarray) -> np.ndarray:
    """The neighbours of each group, int64 (G, k), numbers of groups, and -1 where there is none.

    Args:
        shape: of the image. In a row, (length,), four are neighbours, else those before and after along each axis.
        places: where each group stands in it, (G,), flat.
    """
    length = int(np.prod(shape))
    at = np.full(length, -1)
    at[places] = np.arange(len(places))
    found = []
    for axis, size in enumerate(shape):
        stride = int(np.prod(shape[axis + 1 :]))
        index = places // stride % size
        for step in IN_A_ROW if len(shape) == 1 else (-1, 1):
            inside = (index + step >= 0) & (index + step < size)
            found.append(np.where(inside, at[np.where(inside, places + step * stride, 0)], -1))
    return np.stack(found, axis=1)
