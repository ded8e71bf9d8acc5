"""Default names of objects: ``dense``, ``dense_1``, as in Keras."""

from __future__ import annotations

import re

_used: dict[str, int] = {}


def snake_case(name: str) -> str:
    """Convert a class name to snake case: ``batch_normalization`` for BatchNormalization, ``re_lu`` for ReLU."""
    parted = re.sub(r"\W+", "", name)
    parted = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", parted)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", parted).lower()


def numbered(kind: str) -> str:
    """Return a name for the next object of a class."""
    return unique(snake_case(kind))


def unique(base: str) -> str:
    """Return ``base`` for the first call, and ``base`` with a number for later calls."""
    number = _used.get(base, 0)
    _used[base] = number + 1
    return f"{base}_{number}" if number else base


def forget() -> None:
    """Restart the numbering, as ``keras.backend.clear_session`` does."""
    _used.clear()
