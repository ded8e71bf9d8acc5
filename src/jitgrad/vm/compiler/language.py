"""What functions for the compiler are written with, beside Python's own: how they are marked, and what only they call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])


class Mark(NamedTuple):
    """How a function is compiled.

    Attributes:
        flags: LLVM's, of its arithmetic. nnan and ninf are never among them: nan and inf are handled.
        attributes: LLVM's, of the function.
    """

    flags: str
    attributes: str = ""


_MARKS: dict[Any, Mark] = {}


def compiled(function: F) -> F:
    """A function for the compiler. Its products and sums may become one FMA."""
    _MARKS[function] = Mark("contract")
    return function


def elementwise(function: F) -> F:
    """The same, for what a loop does with each element: it becomes a part of the loop, which may then vectorise."""
    _MARKS[function] = Mark("contract", "alwaysinline")
    return function


def rounded(function: F) -> F:
    """A function whose operations are each rounded by itself: no FMA."""
    _MARKS[function] = Mark("")
    return function


def reduction(function: F) -> F:
    """The same with additions in any order, so that it vectorises."""
    _MARKS[function] = Mark("contract reassoc")
    return function


def mark(function: Any) -> Mark | None:
    """How a function is compiled; None if it is not one for the compiler."""
    return _MARKS.get(function) if callable(function) else None


def after(pointer, n):  # type: ignore[no-untyped-def]
    """The pointer ``n`` elements on."""
    return pointer[n:]


def call_execute(context, start, stop):  # type: ignore[no-untyped-def]
    """Run the instructions start ≤ i < stop of a context. The interpreter is not compiled into its caller."""
    raise NotImplementedError


def flush_mode(mode):  # type: ignore[no-untyped-def]
    """Set the bits of the mode for subnormal numbers, FLUSH or 0, in this thread; returns those that were there."""
    raise NotImplementedError


def number(pointer, x):  # type: ignore[no-untyped-def]
    """A literal as a number of the type that a pointer points to."""
    return pointer.dtype.type(x)


def epsilon(pointer):  # type: ignore[no-untyped-def]
    """The distance of 1 from the next number of the type that a pointer points to."""
    return np.finfo(pointer.dtype).eps


def integer(pointer, place, k):  # type: ignore[no-untyped-def]
    """The number k of the 32-bit integers that begin with element ``place``."""
    return np.uint64(pointer[place:].view(np.int32)[k])


class Routine(NamedTuple):
    """A routine of LAPACK, ``routine(arena, arguments)`` in compiled code, which returns its info.

    Attributes:
        name: without the letter of the dtype.
        form: for each of the arguments, unsigned numbers in a tuple: ``p`` for the place in the arena of an array, ``i`` for an
            integer, ``c`` for a letter. The routine's last argument is info.
    """

    name: str
    form: str

    def __call__(self, arena: Any, arguments: Any) -> int:
        raise NotImplementedError
