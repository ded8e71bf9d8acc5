"""Named parts of a Program: places of values, and ranges of instructions."""

from __future__ import annotations

import math
from typing import NamedTuple

from jitgrad.ops import Shape


class Slot(NamedTuple):
    """The place of a value in the arena."""

    offset: int
    shape: Shape

    @property
    def size(self) -> int:
        """Number of elements of the value."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        return f"[{self.offset}:{self.offset + self.size}] {self.shape}"


NOWHERE = Slot(0, (0,))
"""The place of an empty value."""


class Entry(NamedTuple):
    """The instructions start ≤ i < stop that an entry needs in addition to previous entries."""

    name: str
    start: int
    stop: int


GRADIENT, UPDATE = "gradient", "update"
"""The last entries of a Program with updates: computation of their arguments, and the updates themselves."""

STEPS = "steps"
"""The entry of a loop whose body has updates."""
