"""A Program with an arena of its own, ready to run: the one door to the vm."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.program.program import Program
from jitgrad.program.slots import Slot
from jitgrad.vm.late import load
from jitgrad.vm.threads import team

if TYPE_CHECKING:
    from jitgrad.vm.native import Function

_ALIGNMENT = 64
ALONE = 0
"""The team of native code that works without helpers."""
ONCE = (ALONE, 0, 0, None)
"""Further arguments of the interpreter, to run instructions once and in this thread."""


class Context:
    """An arena for ``program``, its literals in place.

    Attributes:
        addresses: of the instructions, the table and the arena.
        execute: the interpreter.
        inputs, outputs: the places of the Program's inputs and outputs, as arrays that share the arena's memory.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.arena = _aligned(program.size, program.dtype)
        for offset, value in program.literals:
            self.arena[offset] = value
        self.inputs = [self._view(slot) for slot in program.inputs]
        self.outputs = [self._view(slot) for slot in program.outputs]
        self.execute = load("execute", program.dtype)
        self.addresses = (*program.addresses, self.arena.ctypes.data)

    def load(self, values: Iterable[Any], first: int = 0, stop: int | None = None) -> None:
        """Copy the values of the inputs first ≤ i < stop, all by default, to their places, cast to the program's dtype."""
        for place, value in zip(self.inputs[first:stop], values, strict=True):
            place[...] = value

    def run(self, start: int = 0, stop: int | None = None) -> None:
        """Run the instructions start ≤ i < stop; all of them by default."""
        self.execute.call(*self.addresses, start, self.program.stop if stop is None else stop, *ONCE)

    def team(self) -> AbstractContextManager[int]:
        """Helpers while it lasts, if the Program has work to share: yields what native code is given as its team."""
        return team(self.execute, self.program.dtype) if self.program.shares else nullcontext(ALONE)

    @functools.cached_property
    def train(self) -> Function:
        """The native loop over epochs."""
        return load("train", self.program.dtype)

    @functools.cached_property
    def least_squares(self) -> Function:
        """The native least squares, of float64 alone."""
        return load("least_squares", self.program.dtype)

    def _view(self, slot: Slot) -> np.ndarray:
        return self.arena[slot.offset : slot.offset + slot.size].reshape(slot.shape)


def _aligned(size: int, dtype: np.dtype[Any]) -> np.ndarray:
    """Zeros that start on a cache line."""
    raw = np.zeros(size * dtype.itemsize + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size * dtype.itemsize].view(dtype)
