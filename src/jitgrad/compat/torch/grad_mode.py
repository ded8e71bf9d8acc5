"""Whether results of tensors that require gradients require them too."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Self

from jitgrad.tape import recording
from jitgrad.tape.recording import here


def is_grad_enabled() -> bool:
    """Whether they do now."""
    return recording.grad_enabled()


class _Mode:
    """Base of what is both a context and a decorator."""

    def __enter__(self) -> Self:
        raise NotImplementedError

    def __exit__(self, *error: object) -> None:
        raise NotImplementedError

    def _again(self) -> Self:
        """A context of the same mode: one is entered for each call of what it decorates."""
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
    """Inside, no result requires a gradient. A context and a decorator."""

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
    """Inside, results require gradients as their operands do, in ``no_grad`` too. A context and a decorator."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        made = super().__new__(cls)
        return made if function is None else made(function)

    def __enter__(self) -> Self:
        self._before = _switch(0)
        return self

    def __exit__(self, *error: object) -> None:
        _switch(self._before)


class set_grad_enabled(_Mode):
    """From now on, or in a ``with`` block, gradients are required or not."""

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
    """As ``no_grad``; with ``mode=False`` as ``enable_grad``."""

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
    """Set how many blocks without gradients this thread is in; returns how many it was in before."""
    before, here.no_grads = here.no_grads, no_grads
    if bool(before) != bool(no_grads):
        here.path.step("no_grad" if no_grads else "grad")
    return before
