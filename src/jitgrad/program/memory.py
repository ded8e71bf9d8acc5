"""Where each value lives: offsets into the arena by liveness.

Order of the arena: updated state, other inputs, literals, temporaries. Inputs, literals and outputs keep their place for good;
a temporary's place is free again after its last use. No result is written over an operand that it is computed from, so
that every loop may be vectorised.
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
"""Elements to which the place of anything larger than one of them is aligned: a cache line of float32."""


class Memory(NamedTuple):
    """Where everything stands.

    Attributes:
        places: the offset of each step's value.
        scratch: what a step's kernel works in, where it needs some.
        size: elements of the arena.
    """

    places: list[int]
    scratch: dict[int, Slot]
    size: int


def owners(expression: Expression) -> list[int]:
    """For each step the one whose place its value lies in: itself, or what it is a view of."""
    owner = list(range(len(expression.steps)))
    views = {op for op in {step.op for step in expression.steps} if lowered(op).view is not None}
    if views:
        for i, step in enumerate(expression.steps):
            if step.op in views:
                owner[i] = owner[step.args[0]]
    return owner


def assign_memory(expression: Expression, placed: Collection[int] = ()) -> Memory:
    """The place of each step's value, and of what its kernel works in.

    Steps that are ``placed`` have theirs elsewhere; here it is 0, and that of a view of one its distance from there.
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
    """For each owner, the step that uses it last; a number past all steps where it is kept."""
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
    """A growing arena with a list of free blocks, kept in order and merged."""

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
        """The smallest free block that holds n elements, or new room at the end."""
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
    """Blocks of more than one line are whole lines, so that what is freed can be taken again."""
    return n if n < ALIGNMENT else n + -n % ALIGNMENT
