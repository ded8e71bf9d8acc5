"""Tracing: calling a function once with placeholders, to obtain its expression and its changes of Variables.

While a function is traced, no value can be requested. Assignments do not change Variables; they are noted and become the
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
    """An update: the instruction, the Variables that it changes, its operands, and its other fields."""

    op: str
    targets: tuple[Variable, ...]
    args: tuple[Tensor, ...]
    attrs: tuple[tuple[str, int], ...] = ()


Check = Callable[[str, np.ndarray], None]
"""Raises an error if an array, with this name, is outside the domain of a traced function."""


class Trace:
    """The state of a trace.

    Attributes
    ----------
    inputs : dict
        The positions of the placeholders whose values the caller will check, by id; see ``checked``.
    checks : list
        Which of them are checked, and how.
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
        """Announce that the caller will run the ``checks`` on the values of these placeholders."""
        self.inputs = {id(t): place for place, t in enumerate(inputs)}

    def read(self, variable: Variable) -> Tensor:
        """Return the value of a Variable at this point of the traced function."""
        if id(variable) in self._updated:
            raise TracingError(
                f"Variable {variable.name!r} is read after an optimizer changed it in the same traced function. "
                f"Read it before the update, or in another function."
            )
        return self._assigned.get(variable, variable.leaf)

    def count_draw(self, state: Variable) -> int:
        """Return the number of draws of random numbers from ``state`` before this one."""
        self._draws[state] = self._draws.get(state, -1) + 1
        return self._draws[state]

    def assign(self, variable: Variable, value: Tensor) -> None:
        """Note that a Variable is assigned when the function ends."""
        self._assigned[variable] = value

    def update(self, changes: list[StateUpdate]) -> None:
        """Note the updates of an optimizer."""
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
    """Return the active trace of this thread, or None."""
    return _local.trace


def checked(tensor: Tensor, check: Check, name: str) -> bool:
    """Check the values of ``tensor``: now if they are known, or whenever they are given to the traced function.

    Return False if they are computed; the caller must then handle them.
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
    """Trace the operations of this thread."""
    outer = current()
    noted = _local.trace = Trace()
    noted.recording.start()
    noted.start = next(clock)
    try:
        yield noted
    finally:
        noted.recording.stop()
        _local.trace = outer
