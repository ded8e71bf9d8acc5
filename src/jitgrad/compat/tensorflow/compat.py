"""``tf.compat``: ``tf.compat.v1`` is TensorFlow 1; see ``jitgrad.compat.tensorflow.v1``."""

from __future__ import annotations

import importlib
from typing import Any

from jitgrad.compat.modules import missing


def as_str(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Convert to a string."""
    return bytes_or_text.decode(encoding) if isinstance(bytes_or_text, bytes) else str(bytes_or_text)


__all__ = ["as_str"]
_missing = missing("tensorflow.compat", __all__)


def __getattr__(name: str) -> Any:
    modules = {"v1": "jitgrad.compat.tensorflow.v1", "v2": "jitgrad.compat.tensorflow"}
    return importlib.import_module(modules[name]) if name in modules else _missing(name)
