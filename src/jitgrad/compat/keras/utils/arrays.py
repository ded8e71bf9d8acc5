"""Arrays and batches: ``to_categorical``, ``normalize``, ``Sequence``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitgrad.compat.keras.border import values_of
from jitgrad.errors import ArgumentError


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """One-hot encode integer classes."""
    classes = np.asarray(values_of(x))
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes[..., 0]
    whole = classes.astype(np.int64)
    if (whole != classes).any() or (whole < 0).any():
        raise ArgumentError("to_categorical takes classes as integers starting with 0. Encode the classes first.")
    count = int(whole.max(initial=-1)) + 1 if num_classes is None else num_classes
    if whole.size and whole.max() >= count:
        raise ArgumentError(f"The largest class is {whole.max()}, but num_classes is {count}. Increase num_classes.")
    return np.eye(count)[whole]


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """Divide by the norms along an axis; norms of 0 count as 1."""
    array = np.asarray(values_of(x), float)
    norms = (
        np.linalg.norm(array, order, axis, keepdims=True) if array.ndim <= 2 else np.sqrt((array**2).sum(axis, keepdims=True))
    )
    made: np.ndarray = array / np.where(norms == 0, 1, norms)
    return made


class PyDataset:
    """Base class of custom batches: ``__len__``, and ``__getitem__`` with the number of a batch."""

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    @property
    def num_batches(self) -> int:
        """Return the number of batches."""
        return len(self)

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__. Define it.")

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__. Define it.")

    def on_epoch_begin(self) -> None:
        """Called before an epoch."""

    def on_epoch_end(self) -> None:
        """Called after an epoch."""


Sequence = PyDataset


def split_dataset(
    dataset: Any, left_size: Any = None, right_size: Any = None, shuffle: bool = False, seed: int | None = None
) -> Any:
    """Split arrays into two parts along their rows. Sizes are numbers of rows or fractions."""
    arrays = [np.asarray(values_of(a)) for a in (dataset if isinstance(dataset, (list, tuple)) else [dataset])]
    n = len(arrays[0])

    def rows(size: Any) -> int:
        return math.floor(size * n) if isinstance(size, float) else int(size)

    at = rows(left_size) if left_size is not None else n - rows(right_size)
    order = np.random.default_rng(seed).permutation(n) if shuffle else np.arange(n)
    parts = [tuple(a[order[piece]] for a in arrays) for piece in (slice(at), slice(at, None))]
    return tuple(part if len(part) > 1 else part[0] for part in parts)
