"""Nested lists, tuples and dicts of values: flatten, and build the same nesting again."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any


def flatten(nest: Any) -> list[Any]:
    """The leaves of ``nest``, in order; dicts in the order of their keys' insertion."""
    return list(_leaves(nest))


def _leaves(nest: Any) -> Iterator[Any]:
    if isinstance(nest, (list, tuple)):
        for item in nest:
            yield from _leaves(item)
    elif isinstance(nest, dict):
        for item in nest.values():
            yield from _leaves(item)
    else:
        yield nest


def map_structure(function: Callable[[Any], Any], nest: Any) -> Any:
    """``nest`` with each leaf replaced by ``function(leaf)``."""
    if isinstance(nest, tuple) and hasattr(nest, "_fields"):
        return type(nest)(*[map_structure(function, item) for item in nest])
    if isinstance(nest, (list, tuple)):
        return type(nest)(map_structure(function, item) for item in nest)
    if isinstance(nest, dict):
        mapped = copy.copy(nest)  # whichever kind of dict it is
        mapped.update((key, map_structure(function, item)) for key, item in nest.items())
        return mapped
    return function(nest)


def pack_as(nest: Any, leaves: list[Any]) -> Any:
    """The nesting of ``nest`` with ``leaves`` in it."""
    left = iter(leaves)
    return map_structure(lambda _: next(left), nest)
