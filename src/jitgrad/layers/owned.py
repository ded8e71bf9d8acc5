"""The Variables and other owners in the attributes of an object, including lists, tuples and dicts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jitgrad.tape.variable import Variable

_NOT_OWNED = {
    "arguments", "compiled", "example", "dtype", "input_shape", "output_shape", "declared_shape", "_built_shapes", "_taken",
    "_kernel", "_bias", "_frozen", "_penalties", "_predict", "_running", "_given", "_moving", "_options",
    "_all_owned",
}  # fmt: skip
"""Attributes that own no Variables."""
_PLAIN = {str, int, float, bool, type(None), np.ndarray, type(np.dtype(np.float32)), type(np.dtype(np.float64))}
"""Types of attributes that own no Variables."""


class _Changes:
    """A marker, replaced whenever an attribute that may own something is set."""

    last = object()


class Owner:
    """Base class of objects that own Variables. Setting an attribute invalidates the stored result of a search."""

    def __setattr__(self, name: str, value: Any) -> None:
        before = vars(self).get(name)
        object.__setattr__(self, name, value)
        if name not in _NOT_OWNED and (type(value) not in _PLAIN or type(before) not in _PLAIN):
            _Changes.last = object()

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        _Changes.last = object()


class _Found(NamedTuple):
    """The contents of an owner, valid until an attribute is set or the items of a container change."""

    when: object
    containers: list[Any]
    items: list[list[int]]  # the ids of the containers' items
    owned: list[Any]
    kept: list[Any]  # the items, which must live as long as their ids are compared


def owned(owner: Owner) -> list[Any]:
    """Return the Variables and owners in the attributes, each once."""
    return _on_attributes(owner, [])


def all_owned(owner: Owner) -> list[Any]:
    """Return the Variables and owners in the attributes, recursively, each once, in order."""
    known: _Found | None = vars(owner).get("_all_owned")
    if known is None or known.when is not _Changes.last or known.items != list(map(_items, known.containers)):
        when = _Changes.last
        containers: list[Any] = []
        found = _walked(owner, containers)
        kept = [[*c.values()] if isinstance(c, dict) else [*c] for c in containers]
        known = _Found(when, containers, list(map(_items, kept)), found, kept)
        vars(owner)["_all_owned"] = known
    return known.owned[:]


def own_variables(owner: Owner) -> list[Variable]:
    """Return the Variables in an owner's own attributes."""
    return [x for x in owned(owner) if isinstance(x, Variable)]


def _walked(owner: Owner, containers: list[Any]) -> list[Any]:
    found: dict[int, Any] = {id(owner): owner}
    stack = _on_attributes(owner, containers)[::-1]
    while stack:
        x = stack.pop()
        if id(x) not in found:
            found[id(x)] = x
            stack += _on_attributes(x, containers)[::-1] if isinstance(x, Owner) else []
    del found[id(owner)]
    return list(found.values())


def _on_attributes(owner: Owner, containers: list[Any]) -> list[Any]:
    """Return the Variables and owners in the attributes; append the lists, tuples and dicts visited to ``containers``."""
    held: dict[int, Any] = {}
    for value in [value for key, value in vars(owner).items() if type(value) not in _PLAIN and key not in _NOT_OWNED]:
        _gather(value, held, containers)
    return list(held.values())


def _gather(value: Any, held: dict[int, Any], containers: list[Any]) -> None:
    """Add the Variables and owners in ``value``, by id."""
    if isinstance(value, (Variable, Owner)):
        held[id(value)] = value
    elif isinstance(value, (list, tuple, dict)):
        containers.append(value)
        for x in value.values() if isinstance(value, dict) else value:
            if type(x) not in _PLAIN:
                _gather(x, held, containers)


def _items(container: Any) -> list[int]:
    """Return the ids of the items of a list, a tuple or a dict."""
    return list(map(id, container.values() if isinstance(container, dict) else container))
