"""Structures of lists, tuples and dicts: flattening and rebuilding them. Also the order of a graph."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from jitgrad.errors import ArgumentError

T = TypeVar("T")


def tree_leaves(nest: Any) -> list[Any]:
    """Return the leaves of ``nest`` in order; dicts are in insertion order."""
    if not isinstance(nest, (list, tuple, dict)):
        return [nest]
    return [leaf for item in (nest.values() if isinstance(nest, dict) else nest) for leaf in tree_leaves(item)]


def contains(value: Any, kind: type) -> bool:
    """Return whether ``value`` is of a type, or a list with such a value. Long lists of numbers are checked by type.

    An array of objects is treated like a list.
    """
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        return isinstance(value, kind)
    types = set(map(type, value))
    if any(issubclass(t, kind) for t in types):
        return True
    return any(issubclass(t, (list, tuple)) for t in types) and any(contains(item, kind) for item in value)


def tree_leaves_as(like: Any, nest: Any, name: str) -> list[Any]:
    """Return the leaves of ``nest`` in the order of the leaves of ``like``, with dicts matched by key.

    A value in the position of a leaf of ``like`` is a leaf, even a list. Raise ArgumentError, with ``name``, for another
    structure.
    """
    if isinstance(like, dict):
        if not isinstance(nest, dict) or set(nest) != set(like):
            given = f"keys {list(nest)}" if isinstance(nest, dict) else f"a {type(nest).__name__}"
            raise ArgumentError(f"{name} has {given} in the place of a dict with keys {list(like)}. Give the same structure.")
        pairs = [(item, nest[key]) for key, item in like.items()]
    elif isinstance(like, (list, tuple)):
        if not isinstance(nest, (list, tuple)) or len(nest) != len(like):
            given = f"{len(nest)} items" if isinstance(nest, (list, tuple)) else f"a {type(nest).__name__}"
            raise ArgumentError(f"{name} has {given} in the place of a sequence of {len(like)}. Give the same structure.")
        pairs = list(zip(like, nest, strict=True))
    else:
        return [nest]
    return [leaf for inner, given in pairs for leaf in tree_leaves_as(inner, given, name)]


def tree_map(function: Callable[[Any], Any], nest: Any) -> Any:
    """Return ``nest`` with each leaf replaced by ``function(leaf)``."""
    if isinstance(nest, tuple) and hasattr(nest, "_fields"):
        return type(nest)(*[tree_map(function, item) for item in nest])
    if isinstance(nest, (list, tuple)):
        return type(nest)(tree_map(function, item) for item in nest)
    if isinstance(nest, dict):
        mapped = copy.copy(nest)  # keeps the type of the dict
        mapped.update((key, tree_map(function, item)) for key, item in nest.items())
        return mapped
    return function(nest)


def tree_pack(nest: Any, leaves: list[Any]) -> Any:
    """Return ``leaves`` in the structure of ``nest``."""
    left = iter(leaves)
    return tree_map(lambda _: next(left), nest)


def operands_first(roots: Sequence[T], below: Callable[[T], Iterable[T]]) -> list[T]:
    """Return ``roots`` and everything below them, each node once and after the nodes below it, without recursion."""
    order: list[T] = []
    done: set[int] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, entered = stack.pop()
        if entered:
            order.append(node)
        elif id(node) not in done:
            done.add(id(node))
            stack.append((node, True))
            stack += [(x, False) for x in reversed(tuple(below(node))) if id(x) not in done]
    return order
