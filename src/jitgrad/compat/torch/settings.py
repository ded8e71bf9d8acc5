"""Settings that programs make at their beginning: what they ask for holds without them."""

from __future__ import annotations

from typing import Any

from jitgrad.errors import ArgumentError

_PRECISIONS = ("highest", "high", "medium")
_precision = "highest"


def compile(model: Any = None, **options: Any) -> Any:
    """The module or function as it is, for what it records is compiled anyway; options are PyTorch's and change nothing."""
    return (lambda function: function) if model is None else model


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Nothing: all algorithms are deterministic."""


def are_deterministic_algorithms_enabled() -> bool:
    """Always True."""
    return True


def set_float32_matmul_precision(precision: str) -> None:
    """Allow products of float32 to be less precise, which they are not: they are always those of "highest"."""
    global _precision
    if precision not in _PRECISIONS:
        raise ArgumentError(f"The precision is {precision!r}. Give 'highest', 'high' or 'medium'.")
    _precision = precision


def get_float32_matmul_precision() -> str:
    """What was allowed."""
    return _precision
