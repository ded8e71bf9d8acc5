"""Clipping of gradients: by element, by the norm of each gradient, or by the norm of all gradients together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.arguments import positive
from jitgrad.errors import ArgumentError
from jitgrad.functions.elementwise import clip
from jitgrad.functions.reductions import sum
from jitgrad.ops.elementwise import maximum, sqrt, square

Gradients = list[tuple[Any, Any]]


class Clipper:
    """Clips the gradients in pairs of gradients and Variables.

    Raises ArgumentError if more than one kind of clipping is requested.
    """

    def __init__(self, **clipping: float | None) -> None:
        given = {name: positive(name, value) for name, value in clipping.items() if value is not None}
        if len(given) > 1:
            raise ArgumentError(f"The options {' and '.join(given)} exclude each other. Choose one of them.")
        self.kind: str | None
        self.kind, self.most = next(iter(given.items()), (None, 0.0))

    def __call__(self, pairs: Gradients) -> Gradients:
        return pairs if self.kind is None else CLIPPING[self.kind](pairs, self.most)


def _by_value(pairs: Gradients, most: float) -> Gradients:
    return [(clip(g, -most, most), v) for g, v in pairs]


def _by_norm(pairs: Gradients, most: float) -> Gradients:
    return [(g * (most / maximum(sqrt(sum(square(g))), most)), v) for g, v in pairs]


def _by_global_norm(pairs: Gradients, most: float) -> Gradients:
    """Clip by the norm of all gradients (Pascanu, Mikolov and Bengio, 2013)."""
    total: Any = 0.0
    for g, _ in pairs:
        total = total + sum(square(g))
    factor = most / maximum(sqrt(total), most)
    return [(g * factor, v) for g, v in pairs]


CLIPPING: dict[str, Callable[[Gradients, float], Gradients]] = {
    "clipvalue": _by_value,
    "clipnorm": _by_norm,
    "global_clipnorm": _by_global_norm,
}
