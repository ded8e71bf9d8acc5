"""A cache of the most recently used results."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """A thread-safe cache of values by key. The least recently used value is dropped when there are too many.

    Parameters
    ----------
    most : int
        The largest number of values.
    heaviest : float
        The largest total weight; 0 for no limit. The last value is kept regardless of its weight.
    weight : callable
        The weight of a value.
    """

    def __init__(self, most: int, heaviest: int = 0, weight: Callable[[V], int] = lambda value: 0) -> None:
        self._most = most
        self._heaviest = heaviest
        self._weight = weight
        self._clock = itertools.count()
        self._kept: dict[Any, list[Any]] = {}  # a value and the time of its last use; reordering would hash a long key twice

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Any) -> V | None:
        """Return the value, or None. Raise TypeError for a key that cannot be hashed."""
        found = self._kept.get(key)
        if found is None:
            return None
        found[1] = next(self._clock)
        value: V = found[0]
        return value

    def put(self, key: Any, value: V) -> V:
        """Keep a value, and return it."""
        self._kept[key] = [value, next(self._clock)]
        while len(self._kept) > self._most or (self._heaviest and len(self._kept) > 1 and self._total() > self._heaviest):
            oldest = min(list(self._kept.items()), key=lambda item: item[1][1])
            self._kept.pop(oldest[0], None)  # another thread may have dropped it
        return value

    def _total(self) -> int:
        return sum(self._weight(value) for value, _ in list(self._kept.values()))

    def clear(self) -> None:
        """Drop all values."""
        self._kept.clear()
