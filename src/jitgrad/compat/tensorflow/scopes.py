"""Names: what ``tf.name_scope`` puts in front of those of Variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_scopes: list[str] = []


@contextmanager
def name_scope(name: str) -> Iterator[str]:
    """``with tf.name_scope("layer"):`` names of Variables that are made inside begin with ``layer/``."""
    absolute = name.endswith("/")
    _scopes.append(name if absolute else named(name) + "/")
    try:
        yield _scopes[-1]
    finally:
        _scopes.pop()


def named(name: str) -> str:
    """A name in the scope of now."""
    return (_scopes[-1] if _scopes else "") + name
