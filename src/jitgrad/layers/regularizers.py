"""Penalties of weights that are added to a model's loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from jitgrad.arguments import Described, made_by_name, nonnegative
from jitgrad.functions.reductions import sum
from jitgrad.ops.elementwise import abs, square


class Regularizer(Described, ABC):
    """Base class: a function of a weight that returns one number."""

    @abstractmethod
    def __call__(self, weight: Any) -> Any:
        """The penalty."""


class L1(Regularizer):
    """``l1·Σ|w|``. Tibshirani, "Regression shrinkage and selection via the lasso", 1996."""

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = nonnegative("l1", l1)

    def __call__(self, weight: Any) -> Any:
        return self.l1 * sum(abs(weight))


class L2(Regularizer):
    """``l2·Σw²``. Hoerl and Kennard, "Ridge regression", 1970."""

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = nonnegative("l2", l2)

    def __call__(self, weight: Any) -> Any:
        return self.l2 * sum(square(weight))


class L1L2(Regularizer):
    """``l1·Σ|w| + l2·Σw²``. Zou and Hastie, "Regularization and variable selection via the elastic net", 2005."""

    def __init__(self, l1: float = 0.01, l2: float = 0.01) -> None:
        self.l1, self.l2 = nonnegative("l1", l1), nonnegative("l2", l2)

    def __call__(self, weight: Any) -> Any:
        return self.l1 * sum(abs(weight)) + self.l2 * sum(square(weight))


REGULARIZERS: dict[str, Callable[[], Regularizer]] = {"l1": L1, "l2": L2, "l1_l2": L1L2}


def get(regularizer: str | Regularizer | None) -> Regularizer | None:
    """A regularizer by name, with its default weight, or one itself. Raises ArgumentError for anything else."""
    return made_by_name("regularizer", regularizer, Regularizer, REGULARIZERS)  # type: ignore[type-abstract]
