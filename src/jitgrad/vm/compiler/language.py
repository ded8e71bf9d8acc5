"""What functions for the compiler are written with, beside Python's own: how they are marked, and what only they call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numpy import uint64, where

F = TypeVar("F", bound=Callable[..., Any])


_ATTRIBUTES: dict[Any, str] = {}
"""LLVM's attributes of the functions that are for the compiler."""


def compiled(function: F) -> F:
    """A function for the compiler. Its products and sums may become one FMA."""
    _ATTRIBUTES[function] = ""
    return function


def elementwise(function: F) -> F:
    """The same, for what a loop does with each element: it becomes a part of the loop, which may then vectorise."""
    _ATTRIBUTES[function] = "alwaysinline"
    return function


def noinline(function: F) -> F:
    """The same, with memory of its own: its code is not put into its callers."""
    _ATTRIBUTES[function] = "noinline"
    return function


def attributes(function: Any) -> str | None:
    """LLVM's attributes of a function; None if it is not one for the compiler."""
    return _ATTRIBUTES.get(function) if callable(function) else None


class Emitted:
    """A function whose code is emitted by Python: ``emit(emitter, *arguments)`` of llvmlite's values, see ``emitter.py``.

    Args:
        emit: returns the result. Its emitter is for the floats that the first pointer points to.
        name: in LLVM's code.
        result: ``element`` for such a float, ``boolean``, ``uint64``, or nothing.
        inline: whether its code goes into its callers.
    """

    def __init__(self, emit: Callable[..., Any], name: str, result: str = "", inline: bool = True) -> None:
        self.emit, self.name, self.result, self.inline = emit, name, result, inline

    def __call__(self, *arguments: Any) -> Any:
        raise NotImplementedError(f"{self.name} is for compiled code alone")


def emitted(result: str = "", inline: bool = True) -> Callable[[Callable[..., Any]], Emitted]:
    """Make an ``Emitted`` of a function."""
    return lambda emit: Emitted(emit, emit.__name__, result, inline)


class Room:
    """A function that gives a pointer, like the one it is given, to some bytes on the stack of the caller."""

    def __init__(self, size: int, cleared: bool = False) -> None:
        self.size, self.cleared = size, cleared

    def __call__(self, like: Any) -> Any:
        raise NotImplementedError("memory on the stack is for compiled code alone")


unrolled = range
"""A range of a number that is known, whose loop has no jumps: in compiled code its statements stand that often."""


def after(pointer, n):  # type: ignore[no-untyped-def]
    """The pointer ``n`` elements on."""
    return pointer[n:]


def number(pointer, x):  # type: ignore[no-untyped-def]
    """``x`` as a number of those that the pointer points to."""
    return type(pointer[0])(x)


def itemsize(pointer):  # type: ignore[no-untyped-def]
    """The bytes of one of the numbers that the pointer points to."""
    return uint64(pointer.itemsize)


def put(pointer, k, flags, x):  # type: ignore[no-untyped-def]
    """Write ``x`` to the lanes of vector ``k`` whose flags hold."""
    pointer[k] = where(flags, x, pointer[k])


def numbers(pointer):  # type: ignore[no-untyped-def]
    """The pointer to the first of the numbers in the vectors that a pointer points to."""
    return pointer.reshape(-1)


def is_null(pointer):  # type: ignore[no-untyped-def]
    """Whether a pointer points nowhere."""
    raise NotImplementedError


def call_kernel(address, arena, table, t, d, s):  # type: ignore[no-untyped-def]
    """Call the kernel at an address, see the instruction ``call``."""
    raise NotImplementedError


def call_execute(context, start, stop):  # type: ignore[no-untyped-def]
    """Run the instructions start ≤ i < stop of a context. The interpreter is not compiled into its caller."""
    raise NotImplementedError
