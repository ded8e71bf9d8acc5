"""Memory assignment: offsets into the arena by live ranges.

The order in the arena is: updated state, other inputs, literals, temporaries. Inputs, literals and outputs keep their places.
The place of a temporary is free again after its last use. A result never overlaps an operand of its own step, so every loop can
be vectorized.
"""

from __future__ import annotations

import bisect
from collections.abc import Collection
from typing import NamedTuple

from jitgrad.ops.table import size_of
from jitgrad.program.expression import Expression
from jitgrad.program.lowering_rules.table import lowered
from jitgrad.program.slots import Slot

ALIGNMENT = 16
"""Alignment, in elements, of every value larger than one element: a cache line of float32."""


class Memory(NamedTuple):
    """The memory layout of an Expression.

    Attributes
    ----------
    places : list of int
        The offset of each step's value.
    scratch : list of int
        The scratch memory of each step's kernel, if it needs any.
    size : int
        Number of elements of the arena.
    """

    places: list[int]
    scratch: dict[int, Slot]
    size: int


def owners(expression: Expression) -> list[int]:
    """Return, for each step, the step that owns its memory: itself, or the base of a view."""
    owner = list(range(len(expression.steps)))
    views = {op for op in {step.op for step in expression.steps} if lowered(op).view is not None}
    if views:
        for i, step in enumerate(expression.steps):
            if step.op in views:
                owner[i] = owner[step.args[0]]
    return owner


def assign_memory(expression: Expression, placed: Collection[int] = ()) -> Memory:
    """Assign a place to the value of each step, and to the scratch memory of its kernel.

    The ``placed`` steps are stored elsewhere. They are 0 here, and a view of one is its distance from the base.
    """
    steps, rows = expression.steps, {op: lowered(op) for op in {step.op for step in expression.steps}}
    owner, sizes = owners(expression), [size_of(step.shape) for step in steps]
    last = _last_uses(expression, owner)
    arena, places = _Arena(), [0] * len(steps)
    scratch: dict[int, Slot] = {}
    state = expression.state
    inputs = [i for i, step in enumerate(steps) if step.op == "input"]
    first = sorted(state, key=lambda i: steps[i].attrs)
    literals = [i for i, step in enumerate(steps) if step.op == "literal"]
    for i in [*first, *(i for i in inputs if i not in state), *literals]:
        places[i] = 0 if i in placed else arena.append(sizes[i])
    for i, step in enumerate(steps):
        row, args = rows[step.op], step.args
        room = 0 if row.scratch is None else row.scratch(step, expression.shapes(args))
        if room:
            scratch[i] = Slot(arena.take(room), (room,))
        if row.view is not None:
            places[i] = places[args[0]] + row.view(step, expression.shapes(args))
        elif not row.leaf and i not in placed:
            places[i] = arena.take(sizes[i])
        for j in args:
            j = owner[j]
            if last[j] == i:
                last[j] = _GIVEN_BACK
                if j not in placed:
                    arena.give(places[j], sizes[j])
        if room:
            arena.give(scratch[i].offset, room)
    return Memory(places, scratch, arena.size)


_GIVEN_BACK = -1


def _last_uses(expression: Expression, owner: list[int]) -> list[int]:
    """Return the last use of each owner; a number beyond all steps if its value is kept."""
    steps, kept = expression.steps, len(expression.steps)
    last = list(range(kept))
    for i, step in enumerate(steps):
        for j in step.args:
            last[owner[j]] = i
    for i in [*expression.outputs, *(i for u in expression.updates for i in u.targets + u.args)]:
        last[owner[i]] = kept
    leaves = {op for op in {step.op for step in steps} if lowered(op).leaf}
    for i, step in enumerate(steps):
        if step.op in leaves:
            last[i] = kept
    return last


class _Arena:
    """A growing arena with a sorted list of free blocks, in which neighbors are merged."""

    def __init__(self) -> None:
        self.size = 0
        self.free: list[tuple[int, int]] = []

    def append(self, n: int) -> int:
        if n >= ALIGNMENT:
            self.size += -self.size % ALIGNMENT
        offset = self.size
        self.size += n
        return offset

    def take(self, n: int) -> int:
        """Allocate the smallest free block of at least n elements, or extend the arena."""
        n = _rounded(n)
        fits = [(length, offset) for offset, length in self.free if length >= n > 0]
        if not fits:
            return self.append(n)
        length, offset = min(fits)
        self.free.remove((offset, length))
        if length > n:
            bisect.insort(self.free, (offset + n, length - n))
        return offset

    def give(self, offset: int, n: int) -> None:
        n = _rounded(n)
        if n == 0:
            return
        place = bisect.bisect(self.free, (offset, n))
        self.free.insert(place, (offset, n))
        for i in (place, place - 1):
            if 0 <= i < len(self.free) - 1 and sum(self.free[i]) == self.free[i + 1][0]:
                self.free[i : i + 2] = [(self.free[i][0], self.free[i][1] + self.free[i + 1][1])]


def _rounded(n: int) -> int:
    """Round blocks of more than a cache line up to whole lines, so that freed blocks can be reused."""
    return n if n < ALIGNMENT else n + -n % ALIGNMENT
