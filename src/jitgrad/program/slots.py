"""The parts of a Program that have names or shapes: places of values, and ranges of instructions."""

from __future__ import annotations

import math
from typing import NamedTuple

from jitgrad.ops import Shape


class Slot(NamedTuple):
    """A value's place in the arena."""

    offset: int
    shape: Shape

    @property
    def size(self) -> int:
        """Elements of the value."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        return f"[{self.offset}:{self.offset + self.size}] {self.shape}"


NOWHERE = Slot(0, (0,))
"""The place of nothing."""


class Entry(NamedTuple):
    """The instructions start ≤ i < stop: what an entry computes beyond what those before it do."""

    name: str
    start: int
    stop: int


GRADIENT, UPDATE = "gradient", "update"
"""The last entries of a Program with updates: what they take, and they themselves, which change state."""

STEPS = "steps"
"""The entry of a loop whose body has updates."""
