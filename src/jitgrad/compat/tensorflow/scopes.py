"""Name scopes: prefixes of the names of Variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_scopes: list[str] = []


@contextmanager
def name_scope(name: str) -> Iterator[str]:
    """A context in which names of new Variables begin with ``layer/``: ``with tf.name_scope("layer"):``."""
    absolute = name.endswith("/")
    _scopes.append(name if absolute else named(name) + "/")
    try:
        yield _scopes[-1]
    finally:
        _scopes.pop()


def named(name: str) -> str:
    """Return a name in the current scope."""
    return (_scopes[-1] if _scopes else "") + name
