"""``tf.nest``: nested lists, tuples and dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.errors import ConversionError


def is_nested(seq: Any) -> bool:
    """Return whether a value is a list, tuple or dict."""
    return isinstance(seq, (list, tuple, dict))


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """Return the leaves in order. Dicts are sorted by key."""
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten(item)]
    return [structure]


def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """Return a nest with the structure of ``structure`` and the given leaves."""
    leaves = list(flat_sequence)
    if len(leaves) != len(flatten(structure)):
        raise ConversionError(f"There are {len(leaves)} leaves for {len(flatten(structure))} positions. Give as many leaves.")
    left = iter(leaves)
    return _packed(structure, lambda: next(left))


def _packed(structure: Any, following: Callable[[], Any]) -> Any:
    if isinstance(structure, dict):
        found = {key: _packed(structure[key], following) for key in sorted(structure)}
        return type(structure)((key, found[key]) for key in structure)
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*[_packed(item, following) for item in structure])
    if isinstance(structure, (list, tuple)):
        return type(structure)(_packed(item, following) for item in structure)
    return following()


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Apply ``func`` to the leaves of nests with the same structure."""
    for other in structure[1:]:
        assert_same_structure(structure[0], other)
    rows = zip(*[flatten(s) for s in structure], strict=True)
    return pack_sequence_as(structure[0], [func(*row) for row in rows])


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False) -> None:
    """Raise ValueError if the structures of two nests differ."""
    if not _same(nest1, nest2):
        raise ConversionError("The two structures don't have the same nested structure. Use the same nesting.")


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict) or isinstance(b, dict):
        return isinstance(a, dict) and isinstance(b, dict) and set(a) == set(b) and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) or isinstance(b, (list, tuple)):
        alike = type(a) is type(b) and len(a) == len(b)
        return alike and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return True


__all__ = ["assert_same_structure", "flatten", "is_nested", "map_structure", "pack_sequence_as"]
__getattr__ = missing("tensorflow.nest", __all__)
