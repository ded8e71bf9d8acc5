"""Neighboring groups, in a row or in an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

IN_A_ROW = (-1, 1, -2, 2)
"""The offsets of the neighbors in a row."""


def neighbours_of(shape: Sequence[int], places: np.ndarray) -> np.ndarray:
    """Return the neighbors of each group, int64 (G, k), as indices of groups, with -1 for none.

    Parameters
    ----------
    shape : sequence of int
        The shape of the image. In a row, (length,), each group has four neighbors, otherwise two along each axis.
    places : ndarray of int, shape (G,)
        The flat position of each group.
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
