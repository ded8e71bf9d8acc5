"""What is kept of work that was done for something of some kind: a number of results, those that were used last."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """Values by key. Of too many the one that was not used for longest is dropped. Threads may use it at once.

    Args:
        most: how many are kept.
        heaviest: how heavy they may be together; one is kept, however heavy. 0 for any.
        weight: of a value.
    """

    def __init__(self, most: int, heaviest: int = 0, weight: Callable[[V], int] = lambda value: 0) -> None:
        self._most = most
        self._heaviest = heaviest
        self._weight = weight
        self._clock = itertools.count()
        self._kept: dict[Any, list[Any]] = {}  # a value, and when it was used: to move it would hash a long key twice

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Any) -> V | None:
        """The value, or None. Raises TypeError for a key that cannot be hashed."""
        found = self._kept.get(key)
        if found is None:
            return None
        found[1] = next(self._clock)
        value: V = found[0]
        return value

    def put(self, key: Any, value: V) -> V:
        """Keep a value; returns it."""
        self._kept[key] = [value, next(self._clock)]
        while len(self._kept) > self._most or (self._heaviest and len(self._kept) > 1 and self._total() > self._heaviest):
            oldest = min(list(self._kept.items()), key=lambda item: item[1][1])
            self._kept.pop(oldest[0], None)  # or another thread has
        return value

    def _total(self) -> int:
        return sum(self._weight(value) for value, _ in list(self._kept.values()))

    def clear(self) -> None:
        """Drop all."""
        self._kept.clear()
