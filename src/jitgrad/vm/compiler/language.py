"""What functions for the compiler are written with, beside Python's own: how they are marked, and what only they call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
_FLAGS: dict[Any, str] = {}
"""LLVM's flags of the arithmetic in each function. nnan and ninf are never among them: nan and inf are handled."""


def elementwise(function: F) -> F:
    """A function whose products and sums may become one FMA."""
    _FLAGS[function] = "contract"
    return function


def reduction(function: F) -> F:
    """A function whose additions may be done in any order, too, so that it vectorises."""
    _FLAGS[function] = "contract reassoc"
    return function


def flags(function: Any) -> str | None:
    """The flags of a function's arithmetic; None if it is not one for the compiler."""
    return _FLAGS.get(function) if callable(function) else None


def after(pointer, n):  # type: ignore[no-untyped-def]
    """The pointer ``n`` elements on."""
    return pointer[n:]


def call_execute(context, start, stop):  # type: ignore[no-untyped-def]
    """Run the instructions start ≤ i < stop of a context. The interpreter is not compiled into its caller."""
    raise NotImplementedError
