"""A Program with its memory, ready to run: the only way into the vm."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.program.program import Program
from jitgrad.program.slots import Slot
from jitgrad.vm import forks
from jitgrad.vm.context import ContextDescriptor
from jitgrad.vm.instructions import WIDTH
from jitgrad.vm.late import load
from jitgrad.vm.records import address
from jitgrad.vm.threads import thread_pool

if TYPE_CHECKING:
    from jitgrad.vm.native import Function

_ALIGNMENT = 64
_LEAST_BYTES = 1 << 18
"""Size that is counted for a context in the pool, in addition to its arena."""


class Context:
    """Memory for ``program``, with its literals in place, in a new arena unless one is given.

    Attributes
    ----------
    size : int
        Approximate size in bytes.
    descriptor : ndarray
        The record that native code receives.
    inputs, outputs : list of ndarray
        The inputs and outputs of the Program, as views of the arena.
    """

    def __init__(self, program: Program, arena: np.ndarray | None = None) -> None:
        self.program = program
        self.arena = _aligned(program.size, program.dtype) if arena is None else arena
        self.size = self.arena.nbytes + _LEAST_BYTES
        for offset, value in program.literals:
            self.arena[offset] = value
        self.inputs = [self._view(slot) for slot in program.inputs]
        self.outputs = [self._view(slot) for slot in program.outputs]
        self._code = np.concatenate([program.code, np.zeros((program.lane_rows, WIDTH), np.uint64)])  # loops modify it
        self._held: list[Any] = [None] * len(program.inputs)
        self._execute = load("execute", program.dtype)
        self.descriptor = ContextDescriptor(
            execute=self._execute.address,
            code=self._code,
            table=program.table,
            arena=self.arena,
            lanes=program.stop,
        )
        self._address = address(self.descriptor)

    def forget(self) -> None:
        """Invalidate the record of loaded inputs, which may have been overwritten."""
        self._held = [None] * len(self.inputs)

    def load(self, values: Iterable[Any], first: int = 0, stop: int | None = None) -> None:
        """Copy the inputs first ≤ i < stop, by default all, into the arena, cast to the program's dtype."""
        for place, value in zip(self.inputs[first:stop], values, strict=True):
            place[...] = value

    def give(self, values: Sequence[Any]) -> None:
        """Load immutable values. A value that is already in place is not copied again."""
        held, inputs = self._held, self.inputs
        for number, value in enumerate(values):
            if held[number] is not value:
                inputs[number][...] = value
                held[number] = value

    def state(self, numbers: Sequence[int]) -> list[np.ndarray]:
        """Return immutable copies of the inputs that a run has changed."""
        inputs, held, made = self.inputs, self._held, []
        for number in numbers:
            value = inputs[number].copy()
            value.setflags(write=False)
            held[number] = value
            made.append(value)
        return made

    def run(self, start: int = 0, stop: int | None = None) -> None:
        """Run the instructions start ≤ i < stop, by default all."""
        self._execute.call(self._address, start, self.program.stop if stop is None else stop)

    @functools.cached_property
    def train(self) -> Function:
        """Run the native training loop over epochs."""
        return load("train", self.program.dtype)

    def _view(self, slot: Slot) -> np.ndarray:
        return self.arena[slot.offset : slot.offset + slot.size].reshape(slot.shape)


def helpers(contexts: Sequence[Context]) -> AbstractContextManager[None]:
    """Provide helper threads for contexts of the same dtype, if their Programs have work to share."""
    if not any(context.program.shares for context in contexts):
        return nullcontext()
    return thread_pool([context.descriptor for context in contexts], contexts[0].program.dtype)


def _aligned(size: int, dtype: np.dtype[Any]) -> np.ndarray:
    """Allocate zeros aligned to a cache line."""
    raw = np.zeros(size * dtype.itemsize + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size * dtype.itemsize].view(dtype)


class _Pool:
    """A pool of idle contexts for the next run of their Program. If their arenas exceed a limit, the oldest are dropped.

    It stays consistent if an interrupt occurs between any two lines.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._idle: dict[Program, list[Context]] = {}
        self._bytes = 0
        self._lock = forks.lock()

    def take(self, program: Program) -> Context | None:
        with self._lock:
            return self._drop(program) if program in self._idle else None

    def give(self, context: Context) -> None:
        with self._lock:
            self._idle[context.program] = [*self._idle.get(context.program, ()), context]
            self._bytes += context.size
            while self._idle and self._bytes > self._most_bytes:
                self._drop(next(iter(self._idle)))

    def _drop(self, program: Program) -> Context:
        idle = self._idle[program]
        context = idle.pop() if len(idle) > 1 else self._idle.pop(program)[0]
        self._bytes -= context.size
        return context


_pool = _Pool(most_bytes=1 << 26)


class _Last(threading.local):
    """The context that a thread used last. It is likely to be used next, so this avoids a lookup in the pool."""

    context: Context | None = None


_last = _Last()


def taken(program: Program) -> Context:
    """Take a context that no other thread uses, for immutable values. Return it with ``put_back``."""
    last = _last.context
    if last is not None:
        _last.context = None
        if last.program is program:
            return last
        _pool.give(last)
    return _pool.take(program) or Context(program)


def put_back(context: Context) -> None:
    """Return a context that the thread no longer uses."""
    _last.context = context


class lent:  # noqa: N801  (used like a function)
    """Lend a context that no other thread uses: ``with lent(program) as context``."""

    __slots__ = ("_context",)

    def __init__(self, program: Program) -> None:
        self._context = _pool.take(program) or Context(program)

    def __enter__(self) -> Context:
        return self._context

    def __exit__(self, *error: object) -> None:
        self._context.forget()
        _pool.give(self._context)
