"""``tf.Module``: an object that finds the Variables on its attributes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from jitgrad.compat.tensorflow import scopes
from jitgrad.compat.tensorflow.errors import ConversionError
from jitgrad.tape.variable import Variable as LibraryVariable


class Module:
    """Base class of objects with Variables and Modules on their attributes, also in lists and dicts.

    Parameters
    ----------
    name : str
        A valid Python name; by default the name of the class in lower case.
    """

    def __init__(self, name: str | None = None) -> None:
        given = name if name is not None else _snake(type(self).__name__)
        if not given.isidentifier():
            raise ConversionError(f"{given!r} is not a valid module name. Module names must be valid Python identifiers.")
        self._name = given
        self._scope_name = scopes.named(given) + "/"

    @property
    def name(self) -> str:
        """The name."""
        return str(vars(self).get("_name", _snake(type(self).__name__)))

    @property
    def name_scope(self) -> AbstractContextManager[str]:
        """A context in which the names of new Variables begin with the name of this Module."""
        return scopes.name_scope(str(vars(self).get("_scope_name", self.name + "/")))

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate a method so that it runs in the Module's name scope."""

        def scoped(self: Any, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        scoped.__name__, scoped.__doc__ = method.__name__, method.__doc__
        return scoped

    @property
    def variables(self) -> tuple[Any, ...]:
        """All Variables in the order of the attributes' names, followed by those of submodules."""
        return tuple(_distinct(_leaves(self, set(), lambda x: isinstance(x, LibraryVariable))))

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """The Variables that a tape watches automatically."""
        return tuple(v for v in self.variables if v.trainable)

    @property
    def non_trainable_variables(self) -> tuple[Any, ...]:
        """The Variables that a tape does not watch automatically."""
        return tuple(v for v in self.variables if not v.trainable)

    @property
    def submodules(self) -> tuple[Any, ...]:
        """All Modules on attributes, recursively."""
        return tuple(_distinct(_leaves(self, set(), is_module)))

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        waiting = vars(self).get("_restored")
        if waiting:
            waiting(name, value)


def is_module(value: Any) -> bool:
    """Return whether an object is a Module, a layer or a model."""
    return isinstance(value, Module) or (hasattr(value, "trainable_variables") and not isinstance(value, type))


def _snake(name: str) -> str:
    return re.sub(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))", r"_\1", name).lower()


def attributes(module: Any) -> Iterator[tuple[str, Any]]:
    """Return the attributes of a Module and the items of lists and dicts among them, by name and in order."""
    for name in sorted(vars(module)):
        if name not in ("_name", "_scope_name", "_restored"):
            yield from _items(name, vars(module)[name])


def _items(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key in sorted(value, key=str):
            yield from _items(f"{path}/{key}", value[key])
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _items(f"{path}/{i}", item)
    else:
        yield path, value


def _leaves(module: Any, seen: set[int], wanted: Callable[[Any], bool]) -> Iterator[Any]:
    """Return the requested objects on the attributes of a Module, then on the attributes of its submodules."""
    seen.add(id(module))
    if not isinstance(module, Module):  # a layer or model lists its own Variables
        yield from (v for v in module.variables if wanted(v))
        return
    inner = []
    for _, value in attributes(module):
        if wanted(value):
            yield value
        if is_module(value) and id(value) not in seen:
            seen.add(id(value))
            inner.append(value)
    for value in inner:
        yield from _leaves(value, seen, wanted)


def _distinct(values: Iterator[Any]) -> list[Any]:
    return list({id(value): value for value in values}.values())


__all__ = ["Module"]
