"""Argument checks, which return the value or raise ArgumentError, and a base class of objects that store their arguments."""

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
    """Return an integer from ``low`` to ``high``."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise ArgumentError(f"{{argument}} is {value!r}. Give an integer.", argument=name)
    if number < low:
        raise ArgumentError(f"{{argument}} is {number}. Give at least {low}.", argument=name)
    if number > high:
        raise ArgumentError(f"{{argument}} is {number}. Give at most {high}.", argument=name)
    return number


def positive(name: str, value: Any) -> float:
    """Return a positive finite number."""
    given = number(name, value)
    if not (math.isfinite(given) and given > 0):
        raise ArgumentError(f"{{argument}} is {value}. Give a positive number.", argument=name)
    return given


def nonnegative(name: str, value: Any) -> float:
    """Return a nonnegative finite number."""
    given = number(name, value)
    if not (math.isfinite(given) and given >= 0):
        raise ArgumentError(f"{{argument}} is {value}. Give a nonnegative number.", argument=name)
    return given


def in_unit_interval(name: str, value: Any) -> float:
    """Return a number in [0, 1)."""
    given = number(name, value)
    if not 0 <= given < 1:
        raise ArgumentError(f"{{argument}} is {value}. Give a number in [0, 1).", argument=name)
    return given


def by_name(what: str, name: Any, known: Mapping[str, T], also: str = "") -> T:
    """Return the item of ``known`` with a name, or raise ArgumentError with a similar name and ``also`` as advice."""
    if not isinstance(name, str):
        raise ArgumentError(f"The {what} is {name!r}. Give one of {', '.join(known)}{also}.")
    if name not in known:
        raise ArgumentError(f"There is no {what} {name!r}.{near_name(str(name), known)} Use one of {', '.join(known)}{also}.")
    return known[name]


def made_by_name(what: str, given: Any, kind: type[T], known: Mapping[str, Callable[[], T]]) -> T | None:
    """Return an object of the given kind, or None, unchanged, or create an object by name. Raise ArgumentError for other
    values."""
    if given is None or isinstance(given, kind):
        return given
    if not isinstance(given, str):
        raise ArgumentError(f"The {what} is {given!r}. Give a name, or an instance of a subclass of {kind.__name__}.")
    return by_name(what, given, known)()


def function_name(f: Callable[..., Any]) -> str:
    """Return the name of a function, a ``functools.partial`` or another callable object, for messages."""
    while isinstance(f, functools.partial):
        f = f.func
    return str(getattr(f, "__name__", type(f).__name__))


def number(name: str, value: Any) -> float:
    """Return a number, finite or not."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ArgumentError(f"{{argument}} is {value!r}. Give a number.", argument=name) from None


MAX_SEED = 2**63 - 1
"""The largest seed."""


class Described:
    """Base class of objects that store the arguments of their constructor, so that they can be saved and recreated.

    Attributes
    ----------
    arguments : dict
        The arguments that were given, by name.
    """

    classes: dict[str, type[Described]] = {}  # noqa: RUF012  (shared, by name; those of users begin with "custom:")

    arguments: dict[str, Any]
    family = ""
    """The prefix of the name in files, such as "keras" if the classes of another library have the same names."""

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
        """Create an object from the arguments of its constructor.

        Parameters
        ----------
        arguments : dict of str to object
            Arguments by name, as in a saved file.

        Returns
        -------
        object
            The new object.
        """
        positional: list[Any] = []
        for name, parameter in _signature(cls).parameters.items():  # type: ignore[arg-type]
            if parameter.kind is parameter.VAR_POSITIONAL:
                arguments = dict(arguments)
                positional = list(arguments.pop(name, ()))
        return cls(*positional, **arguments)


@functools.lru_cache(maxsize=256)  # bounded, because classes may be created repeatedly
def _signature(cls: Any) -> inspect.Signature:
    return inspect.signature(cls.__init__)


def class_name(cls: type) -> str:
    """Return the name of a class in files."""
    family = getattr(cls, "family", "") if cls.__module__.startswith("jitgrad.") else "custom"
    return f"{family}:{cls.__name__}" if family else cls.__name__
