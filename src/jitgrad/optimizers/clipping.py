"""Gradients kept from being too large: by element, by the norm of each, or of all together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.arguments import positive
from jitgrad.errors import ArgumentError, near_name
from jitgrad.functions.elementwise import clip
from jitgrad.functions.reductions import sum
from jitgrad.ops.elementwise import maximum, sqrt, square

Pairs = list[tuple[Any, Any]]
_KINDS = ("clipvalue", "clipnorm", "global_clipnorm")


def clipper(**clipping: float | None) -> Callable[[Pairs], Pairs]:
    """From pairs of gradients and Variables to the same with gradients clipped. Raises ArgumentError for more than one way."""
    for name in clipping:
        if name not in _KINDS:
            raise TypeError(f"There is no argument {name!r}.{near_name(name, _KINDS)} Use {', '.join(_KINDS)}.")
    given = {name: positive(name, value) for name, value in clipping.items() if value is not None}
    if len(given) > 1:
        raise ArgumentError(f"Gradients are to be clipped by {' and '.join(given)}. Choose one of them.")
    for name, most in given.items():
        return {"clipvalue": _by_value, "clipnorm": _by_norm, "global_clipnorm": _by_global_norm}[name](most)
    return lambda pairs: pairs


def _by_value(most: float) -> Callable[[Pairs], Pairs]:
    return lambda pairs: [(clip(g, -most, most), v) for g, v in pairs]


def _by_norm(most: float) -> Callable[[Pairs], Pairs]:
    return lambda pairs: [(g * (most / maximum(sqrt(sum(square(g))), most)), v) for g, v in pairs]


def _by_global_norm(most: float) -> Callable[[Pairs], Pairs]:
    """Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013."""

    def clipped(pairs: Pairs) -> Pairs:
        total: Any = 0.0
        for g, _ in pairs:
            total = total + sum(square(g))
        factor = most / maximum(sqrt(total), most)
        return [(g * factor, v) for g, v in pairs]

    return clipped
