"""Arguments: checks that return the value or raise ArgumentError with its name, and objects that remember theirs."""

from __future__ import annotations

import functools
import inspect
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from jitgrad.errors import ArgumentError, near_name

T = TypeVar("T")


def count(name: str, value: Any, low: int = 1, high: int = 10**9) -> int:
    """A whole number from ``low`` to ``high``."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise ArgumentError(f"{{argument}} is {value!r}. Give a whole number.", argument=name)
    if number < low:
        raise ArgumentError(f"{{argument}} is {number}. Give at least {low}.", argument=name)
    if number > high:
        raise ArgumentError(f"{{argument}} is {number}. Give at most {high}.", argument=name)
    return number


def positive(name: str, value: Any) -> float:
    """A positive finite number."""
    given = number(name, value)
    if not (math.isfinite(given) and given > 0):
        raise ArgumentError(f"{{argument}} is {value}. Give a positive number.", argument=name)
    return given


def nonnegative(name: str, value: Any) -> float:
    """A finite number from 0 on."""
    given = number(name, value)
    if not (math.isfinite(given) and given >= 0):
        raise ArgumentError(f"{{argument}} is {value}. Give a number from 0 on.", argument=name)
    return given


def in_unit_interval(name: str, value: Any) -> float:
    """A number from 0 on and below 1."""
    given = number(name, value)
    if not 0 <= given < 1:
        raise ArgumentError(f"{{argument}} is {value}. Give a number from 0 on and below 1.", argument=name)
    return given


def by_name(what: str, name: Any, known: Mapping[str, T], also: str = "") -> T:
    """What ``known`` has under a name. Raises ArgumentError for another, with the near one and ``also`` as advice."""
    if not isinstance(name, str):
        raise ArgumentError(f"The {what} is {name!r}. Give one of {', '.join(known)}{also}.")
    if name not in known:
        raise ArgumentError(f"There is no {what} {name!r}.{near_name(str(name), known)} Use one of {', '.join(known)}{also}.")
    return known[name]


def made_by_name(what: str, given: Any, kind: type[T], known: Mapping[str, Callable[[], T]]) -> T | None:
    """What is of a kind, or None, itself; a new one by name. Raises ArgumentError for anything else."""
    if given is None or isinstance(given, kind):
        return given
    if not isinstance(given, str):
        raise ArgumentError(f"The {what} is {given!r}. Give a name, or an object of a subclass of {kind.__name__}.")
    return by_name(what, given, known)()


def function_name(f: Callable[..., Any]) -> str:
    """What errors call a function; of a ``functools.partial`` or another callable object, what it stands for or its class."""
    while isinstance(f, functools.partial):
        f = f.func
    return str(getattr(f, "__name__", type(f).__name__))


def number(name: str, value: Any) -> float:
    """A number, finite or not."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ArgumentError(f"{{argument}} is {value!r}. Give a number.", argument=name) from None


MAX_SEED = 2**63 - 1
"""Seeds are from 0 to this."""


class Described:
    """Base of what remembers the arguments that it was made with, so that it can be saved and made again.

    Attributes:
        arguments: by name, those that were given.
    """

    classes: dict[str, type[Described]] = {}  # noqa: RUF012  (one for all, by name; a user's begin with "custom:")

    arguments: dict[str, Any]
    family = ""
    """What stands before the name in files where classes of another library have the same one, as "keras"."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Described.classes[class_name(cls)] = cls

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__new__(cls)
        signature = _signature(cls)  # type: ignore[arg-type]
        bound = signature.bind_partial(made, *args, **kwargs).arguments
        for name, parameter in signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                bound |= bound.pop(name, {})
        made.arguments = dict(list(bound.items())[1:])
        return made

    @classmethod
    def made_with(cls, arguments: dict[str, Any]) -> Any:
        """Another one with these arguments."""
        positional: list[Any] = []
        for name, parameter in _signature(cls).parameters.items():  # type: ignore[arg-type]
            if parameter.kind is parameter.VAR_POSITIONAL:
                arguments = dict(arguments)
                positional = list(arguments.pop(name, ()))
        return cls(*positional, **arguments)


@functools.lru_cache(maxsize=256)  # classes may be made again and again
def _signature(cls: Any) -> inspect.Signature:
    return inspect.signature(cls.__init__)


def class_name(cls: type) -> str:
    """The name under which a class is known in files."""
    family = getattr(cls, "family", "") if cls.__module__.startswith("jitgrad.") else "custom"
    return f"{family}:{cls.__name__}" if family else cls.__name__
