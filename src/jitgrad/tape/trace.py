"""Tracing: calling a function once with placeholders, to have its expression and the changes it makes to Variables.

While a function is traced no value can be asked for, and assignments change no Variable: they are noted, and become the
updates of the Program.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jitgrad.errors import TracingError
from jitgrad.ops.linear import reshape
from jitgrad.tape.recording import Recording, clock

if TYPE_CHECKING:
    from jitgrad.tape.tensor import Tensor
    from jitgrad.tape.variable import Variable


class StateUpdate(NamedTuple):
    """An update: the instruction, the Variables it changes, what it reads, and the rest of its fields."""

    op: str
    targets: tuple[Variable, ...]
    args: tuple[Tensor, ...]
    attrs: tuple[tuple[str, int], ...] = ()


Check = Callable[[str, np.ndarray], None]
"""Raises where an array, of this name, has what a traced function gives no meaning."""


class Trace:
    """What was noted while a function was traced.

    Attributes:
        inputs: the places of placeholders, by id, whose values whoever traces will check; see ``checked``.
        checks: which of them is to be checked, and how.
    """

    def __init__(self) -> None:
        self.inputs: dict[int, int] = {}
        self.checks: list[tuple[int, Check]] = []
        self.recording = Recording()
        self.start = 0
        self._assigned: dict[Variable, Tensor] = {}
        self._updated: dict[int, Variable] = {}
        self._updates: list[StateUpdate] = []
        self._draws: dict[Variable, int] = {}

    def will_check(self, inputs: Sequence[Tensor]) -> None:
        """Whoever traces promises to make the ``checks`` on what is given for these placeholders."""
        self.inputs = {id(t): place for place, t in enumerate(inputs)}

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

    def update(self, changes: list[StateUpdate]) -> None:
        """Note an optimizer's updates."""
        self._updates += changes
        self._updated |= {id(v): v for change in changes for v in change.targets}

    @property
    def changes(self) -> list[StateUpdate]:
        """All changes, assignments first."""
        return [StateUpdate("assign", (v,), (t,)) for v, t in self._assigned.items()] + self._updates


class _Local(threading.local):
    trace: Trace | None = None


_local = _Local()


def current() -> Trace | None:
    """The trace that this thread is in, if any."""
    return _local.trace


def checked(tensor: Tensor, check: Check, name: str) -> bool:
    """Have the values of ``tensor`` checked: now where they are known, or each time that they are given to what is traced.

    Returns False where they are computed, so that whoever asks has to see to them.
    """
    while tensor.value is None and tensor.op is reshape and tensor.shape[:1] == tensor.inputs[0].shape[:1]:
        tensor = tensor.inputs[0]
    if tensor.value is not None:
        check(name, np.asarray(tensor.value))
        return True
    tracing = current()
    if tracing is None or id(tensor) not in tracing.inputs:
        return False
    tracing.checks.append((tracing.inputs[id(tensor)], check))
    return True


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
