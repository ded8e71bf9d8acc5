"""A warning where each call of a traced function is traced anew."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from jitgrad.errors import RetracingWarning, users_level

MANY_TRACES = 12
"""Calls in a row that are all traced: then there is a warning."""


class Retraces:
    """Notes which calls of a function are traced, and warns once where an argument makes it be traced each time."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.in_a_row = 0
        self._last: dict[str, Any] = {}
        self._changing: set[str] = set()

    def note(self, args: Any, kwargs: Mapping[str, Any], kind: Callable[[Any], Any]) -> None:
        """A call is traced. ``kind`` gives what an argument is traced for: its shape and dtype, or its value."""
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
        except (TypeError, ValueError):  # it has no signature, or another one
            return {str(number): value for number, value in enumerate(args)} | dict(kwargs)

    def _warn(self, changing: dict[str, Any]) -> None:
        name = getattr(self._function, "__name__", repr(self._function))
        listed = ", ".join(map(repr, changing))
        last = ", ".join(_described(value) for value in changing.values())
        warnings.warn(
            f"{name} was traced anew in each of its last {self.in_a_row} calls, since the argument {listed} was another one "
            f"each time, at last {last}. Give numbers that change as floats or arrays, arrays of one shape, "
            f"and the same object instead of an equal one.",
            RetracingWarning,
            stacklevel=users_level(),
        )


def _described(value: Any) -> str:
    shape = getattr(value, "shape", None)
    text = repr(value) if shape is None else f"an array of shape {tuple(shape)}"
    return text if len(text) < 60 else f"{text[:57]}..."
