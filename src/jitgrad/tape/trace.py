"""Tracing: calling a function once with placeholders, to have its expression and the changes it makes to Variables.

While a function is traced no value can be asked for, and assignments change no Variable: they are noted, and become the
updates of the Program.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from jitgrad.errors import TracingError
from jitgrad.tape.recording import Recording, clock

if TYPE_CHECKING:
    from jitgrad.tape.tensor import Tensor
    from jitgrad.tape.variable import Variable


class Change(NamedTuple):
    """An update: the instruction, the Variables it changes, what it reads, and the rest of its fields."""

    op: str
    targets: tuple[Variable, ...]
    args: tuple[Tensor, ...]
    attrs: tuple[tuple[str, int], ...] = ()


class Trace:
    """What was noted while a function was traced."""

    def __init__(self) -> None:
        self.recording = Recording()
        self.start = 0
        self._assigned: dict[Variable, Tensor] = {}
        self._updated: dict[int, Variable] = {}
        self._updates: list[Change] = []
        self._draws: dict[Variable, int] = {}

    def read(self, variable: Variable) -> Tensor:
        """The value of a Variable at this point of the traced function."""
        if id(variable) in self._updated:
            raise TracingError(
                f"Variable {variable.name!r} is read after an optimizer changed it in the same traced function. "
                f"Read it before, or in a second function."
            )
        return self._assigned.get(variable, variable.leaf)

    def count_draw(self, state: Variable) -> int:
        """How many draws of random numbers from ``state`` there were before this one."""
        self._draws[state] = self._draws.get(state, -1) + 1
        return self._draws[state]

    def assign(self, variable: Variable, value: Tensor) -> None:
        """Note that a Variable takes a value when the function ends."""
        self._assigned[variable] = value

    def update(self, changes: list[Change]) -> None:
        """Note an optimizer's updates."""
        self._updates += changes
        self._updated |= {id(v): v for change in changes for v in change.targets}

    @property
    def changes(self) -> list[Change]:
        """All changes, assignments first."""
        return [Change("assign", (v,), (t,)) for v, t in self._assigned.items()] + self._updates


_local = threading.local()


def current() -> Trace | None:
    """The trace that this thread is in, if any."""
    return getattr(_local, "trace", None)


@contextmanager
def tracing() -> Iterator[Trace]:
    """Note what happens in this thread into a new Trace."""
    outer = current()
    noted = _local.trace = Trace()
    noted.recording.start()
    noted.start = next(clock)
    try:
        yield noted
    finally:
        noted.recording.stop()
        _local.trace = outer
