"""The vocabulary of compiled functions beyond Python: decorators, and functions that only compiled code calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numpy import uint64, where

F = TypeVar("F", bound=Callable[..., Any])


_ATTRIBUTES: dict[Any, str] = {}
"""LLVM attributes of compiled functions."""


def compiled(function: F) -> F:
    """Mark a function for the compiler. Products and sums may be contracted to FMAs."""
    _ATTRIBUTES[function] = ""
    return function


def elementwise(function: F) -> F:
    """Mark a function that a loop applies to each element. It is always inlined, so that the loop can be vectorized."""
    _ATTRIBUTES[function] = "alwaysinline"
    return function


def noinline(function: F) -> F:
    """Mark a function that is never inlined: it has its own stack memory, or it would take registers from its caller.

    The interpreter's loop calls its kernels in this way, except sums and ``zero``, whose calls would take longer than they do.
    """
    _ATTRIBUTES[function] = "noinline"
    return function


def attributes(function: Any) -> str | None:
    """Return the LLVM attributes of a function, or None if it is not compiled."""
    return _ATTRIBUTES.get(function) if callable(function) else None


class Emitted:
    """A function whose code is emitted by Python: ``emit(emitter, *arguments)`` of llvmlite's values, see ``emitter.py``.

    Parameters
    ----------
    emit : callable
        Returns the result. Its emitter is for the floats that the first pointer points to.
    name : str
        Name in LLVM IR.
    result : str
        ``element`` for a float of that type, ``boolean``, ``uint64``, or empty.
    inline : bool
        Whether it is inlined into its callers.
    """

    def __init__(self, emit: Callable[..., Any], name: str, result: str = "", inline: bool = True) -> None:
        self.emit, self.name, self.result, self.inline = emit, name, result, inline

    def __call__(self, *arguments: Any) -> Any:
        raise NotImplementedError(f"{self.name} can only be called in compiled code")


def emitted(result: str = "", inline: bool = True) -> Callable[[Callable[..., Any]], Emitted]:
    """Convert a function to an ``Emitted`` (a decorator)."""
    return lambda emit: Emitted(emit, emit.__name__, result, inline)


class Room:
    """A function that returns a pointer, of the type of its argument, to memory on the caller's stack."""

    def __init__(self, size: int, cleared: bool = False) -> None:
        self.size, self.cleared = size, cleared

    def __call__(self, like: Any) -> Any:
        raise NotImplementedError("stack memory is only available in compiled code")


unrolled = range
"""A range of a known number of iterations, which compiled code unrolls completely."""


def after(pointer, n):  # type: ignore[no-untyped-def]
    """Return the pointer ``n`` elements later."""
    return pointer[n:]


def number(pointer, x):  # type: ignore[no-untyped-def]
    """Convert ``x`` to the element type of the pointer."""
    return type(pointer[0])(x)


def itemsize(pointer):  # type: ignore[no-untyped-def]
    """Return the size in bytes of an element of the pointer."""
    return uint64(pointer.itemsize)


def put(pointer, k, flags, x):  # type: ignore[no-untyped-def]
    """Store ``x`` to the lanes of vector ``k`` whose flags are set."""
    pointer[k] = where(flags, x, pointer[k])


def numbers(pointer):  # type: ignore[no-untyped-def]
    """Return the pointer to the first number of the vectors that a pointer points to."""
    return pointer.reshape(-1)


def is_null(pointer):  # type: ignore[no-untyped-def]
    """Return whether a pointer is null."""
    raise NotImplementedError


def call_kernel(address, arena, table, t, d, s):  # type: ignore[no-untyped-def]
    """Call the kernel at an address, see the instruction ``call``."""
    raise NotImplementedError


def call_region(address, context, i, length):  # type: ignore[no-untyped-def]
    """Call the kernel at an address for the bodies after instruction ``i``; return their ``length``."""
    raise NotImplementedError


def call_execute(context, start, stop):  # type: ignore[no-untyped-def]
    """Run the instructions start ≤ i < stop of a context. The interpreter is not inlined."""
    raise NotImplementedError
