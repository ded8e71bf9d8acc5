"""Structures of values, as arguments and results of a body: nested tuples, lists and dicts. None has no value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jitgrad.errors import ArgumentError
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.tree import tree_leaves, tree_map


def leaves(nest: Any) -> list[Tensor]:
    """Return the values in a structure as Tensors."""
    return [as_tensor(x) for x in tree_leaves(nest) if x is not None]


def packed(nest: Any, values: Sequence[Any]) -> Any:
    """Return ``values`` in the structure of ``nest``."""
    left = iter(values)
    return tree_map(lambda x: None if x is None else next(left), nest)


def names(nest: Any, root: str) -> list[str]:
    """Return the name of each value, for example ``carry['level'][0]``."""
    parts = _parts(nest)
    if parts is None:
        return [] if nest is None else [root]
    return [name for place, item in parts for name in names(item, root + place)]


def leaves_like(like: Any, nest: Any, what: str, root: str) -> list[Tensor]:
    """Return the values of ``nest`` in the order of ``like``. Raise ArgumentError if it has another structure."""
    expected, given = _parts(like), _parts(nest)
    if expected is None and given is None and (like is None) == (nest is None):
        return [] if nest is None else [as_tensor(nest)]
    wanted, found = dict(expected or ()), dict(given or ())
    if expected is None or given is None or isinstance(like, dict) != isinstance(nest, dict) or wanted.keys() != found.keys():
        raise ArgumentError(
            f"{what}: {root} is {_shown(like)} and becomes {_shown(nest)}. Keep the structure of the first trip."
        )
    return [x for place in wanted for x in leaves_like(wanted[place], found[place], what, root + place)]


def _parts(nest: Any) -> list[tuple[str, Any]] | None:
    """Return the items of a structure, with their places as text; None for a value."""
    if isinstance(nest, dict):
        return [(f"[{key!r}]", item) for key, item in nest.items()]
    if isinstance(nest, tuple) and hasattr(nest, "_fields"):
        return [(f".{name}", item) for name, item in zip(nest._fields, nest, strict=True)]
    if isinstance(nest, (list, tuple)):
        return [(f"[{k}]", item) for k, item in enumerate(nest)]
    return None


def _shown(nest: Any) -> str:
    if nest is None:
        return "None"
    if isinstance(nest, dict):
        return f"a dict with the keys {', '.join(map(repr, nest))}" if nest else "an empty dict"
    if isinstance(nest, (list, tuple)):
        return f"a {type(nest).__name__} of {len(nest)}"
    return "a value"
