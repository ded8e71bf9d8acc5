"""Switches that enable and disable gradients."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Self

from jitgrad.tape import recording
from jitgrad.tape.recording import here


def is_grad_enabled() -> bool:
    """Return whether gradients are enabled."""
    return recording.grad_enabled()


class _Mode:
    """Base class of objects that are both context managers and decorators."""

    def __enter__(self) -> Self:
        raise NotImplementedError

    def __exit__(self, *error: object) -> None:
        raise NotImplementedError

    def _again(self) -> Self:
        """Return a context with the same mode. Each call of a decorated function enters a new one."""
        return type(self)()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generator(*args: Any, **kwargs: Any) -> Any:
                with self._again():
                    yield from function(*args, **kwargs)

            return generator

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return wrapped


class no_grad(_Mode):
    """Disable gradients inside. A context manager and a decorator."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        made = super().__new__(cls)
        return made if function is None else made(function)

    def __enter__(self) -> Self:
        self._block = recording.no_grad()
        self._block.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._block.__exit__(None, None, None)


class enable_grad(_Mode):
    """Enable gradients inside, even within ``no_grad``. A context manager and a decorator."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        made = super().__new__(cls)
        return made if function is None else made(function)

    def __enter__(self) -> Self:
        self._before = _switch(0)
        return self

    def __exit__(self, *error: object) -> None:
        _switch(self._before)


class set_grad_enabled(_Mode):
    """Enable or disable gradients from now on, or in a ``with`` block."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self._before = _switch(0 if mode else 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        _switch(self._before)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        _switch(self._before)
        return super().__call__(function)

    def _again(self) -> Self:
        return type(self)(self.mode)


class inference_mode(_Mode):
    """Equivalent to ``no_grad``, or to ``enable_grad`` if ``mode=False``."""

    _mode: bool

    def __new__(cls, mode: Any = True) -> Any:
        made = super().__new__(cls)
        made._mode = mode is not False
        return made(mode) if callable(mode) else made

    def __enter__(self) -> Self:
        self._before = _switch(1 if self._mode else 0)
        return self

    def __exit__(self, *error: object) -> None:
        _switch(self._before)

    def _again(self) -> Self:
        return type(self)(self._mode)


def _switch(no_grads: int) -> int:
    """Set the depth of nested blocks without gradients in this thread, and return the previous depth."""
    before, here.no_grads = here.no_grads, no_grads
    if bool(before) != bool(no_grads):
        here.path.step("no_grad" if no_grads else "grad")
    return before
