"""A warning for functions that are traced on every call."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from jitgrad.errors import RetracingWarning, users_level

MANY_TRACES = 12
"""The number of consecutive calls that must be traced before the warning."""


class Retraces:
    """Counts the traced calls of a function, and warns once if an argument causes a new trace each time."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.in_a_row = 0
        self._last: dict[str, Any] = {}
        self._changing: set[str] = set()

    def note(self, args: Any, kwargs: Mapping[str, Any], kind: Callable[[Any], Any]) -> None:
        """Note that a call is traced. ``kind`` returns what a trace depends on in an argument."""
        kinds = {name: kind(value) for name, value in self._named(args, kwargs).items()}
        changed = {name for name in kinds if name not in self._last or kinds[name] != self._last[name]}
        self._changing = self._changing & changed if self.in_a_row > 1 else changed
        self._last = kinds
        self.in_a_row += 1
        if self.in_a_row == MANY_TRACES and self._changing:
            self._warn({name: value for name, value in self._named(args, kwargs).items() if name in self._changing})

    def _named(self, args: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return dict(inspect.signature(self._function).bind(*args, **kwargs).arguments)
        except (TypeError, ValueError):  # there is no signature, or it does not match
            return {str(number): value for number, value in enumerate(args)} | dict(kwargs)

    def _warn(self, changing: dict[str, Any]) -> None:
        name = getattr(self._function, "__name__", repr(self._function))
        listed = ", ".join(map(repr, changing))
        last = ", ".join(_described(value) for value in changing.values())
        warnings.warn(
            f"{name} was traced again in each of its last {self.in_a_row} calls, because the argument {listed} changed each "
            f"time; in the last call it was {last}. Pass changing numbers as floats or arrays, arrays of one shape, and the "
            f"same object rather than an equal one.",
            RetracingWarning,
            stacklevel=users_level(),
        )


def _described(value: Any) -> str:
    shape = getattr(value, "shape", None)
    text = repr(value) if shape is None else f"an array of shape {tuple(shape)}"
    return text if len(text) < 60 else f"{text[:57]}..."
