"""Name scopes of Variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_scopes: list[str] = []


@contextmanager
def name_scope(name: str) -> Iterator[str]:
    """``with tf.name_scope("layer"):`` Variables made inside get names that begin with ``layer/``."""
    absolute = name.endswith("/")
    _scopes.append(name if absolute else named(name) + "/")
    try:
        yield _scopes[-1]
    finally:
        _scopes.pop()


def named(name: str) -> str:
    """Return a name in the current scope."""
    return (_scopes[-1] if _scopes else "") + name
