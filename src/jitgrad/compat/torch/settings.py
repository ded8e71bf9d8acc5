"""Global settings of PyTorch, which have no effect."""

from __future__ import annotations

from typing import Any

from jitgrad.errors import ArgumentError

_PRECISIONS = ("highest", "high", "medium")
_precision = "highest"


def compile(model: Any = None, **options: Any) -> Any:
    """Return the module or function unchanged: recorded operations are always compiled, and the options have no effect."""
    return (lambda function: function) if model is None else model


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Do nothing: all algorithms are deterministic."""


def are_deterministic_algorithms_enabled() -> bool:
    """Return True."""
    return True


def set_float32_matmul_precision(precision: str) -> None:
    """Accept a lower precision of float32 products; the precision is always "highest"."""
    global _precision
    if precision not in _PRECISIONS:
        raise ArgumentError(f"The precision is {precision!r}. Give 'highest', 'high' or 'medium'.")
    _precision = precision


def get_float32_matmul_precision() -> str:
    """Return the precision that was set."""
    return _precision
