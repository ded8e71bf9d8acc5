"""Constraints that a weight is brought back to after each update. They are updates of the step, as the optimizer's are."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from jitgrad.arguments import Described, made_by_name, positive
from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable

_EPSILON = 1e-7  # keeps the division by a norm from overflowing, as in Keras


class Constraint(Described, ABC):
    """Base class."""

    @abstractmethod
    def change(self, weight: Variable) -> StateUpdate:
        """The update that brings ``weight`` back."""


class NonNegative(Constraint):
    """No element is below 0."""

    def change(self, weight: Variable) -> StateUpdate:
        return StateUpdate("nonnegative", (weight,), ())


class _Norms(Constraint):
    """Norms along one axis between two bounds."""

    low, high, rate, axis = 0.0, math.inf, 1.0, 0

    def change(self, weight: Variable) -> StateUpdate:
        shape = weight.shape
        if not -len(shape) <= self.axis < len(shape):
            raise ShapeError(
                f"{type(self).__name__}: weight {weight.name!r} has shape {shape} and no axis {self.axis}. Choose another."
            )
        at = self.axis % len(shape)
        sizes = (("outer", math.prod(shape[:at])), ("reduced", shape[at]), ("inner", math.prod(shape[at + 1 :])))
        high = min(self.high, float(np.finfo(weight.dtype).max))
        numbers: Tensor = as_tensor(np.array([self.low, high, self.rate, _EPSILON], weight.dtype))
        return StateUpdate("bound_norms", (weight,), (numbers,), sizes)


class MaxNorm(_Norms):
    """The norms along ``axis`` are at most ``max_value``; for a Dense kernel, axis 0, those of each unit's inputs.

    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way …", 2014.
    """

    def __init__(self, max_value: float = 2.0, axis: int = 0) -> None:
        self.high, self.axis = positive("max_value", max_value), axis


class UnitNorm(_Norms):
    """The norms along ``axis`` are 1."""

    low = high = 1.0

    def __init__(self, axis: int = 0) -> None:
        self.axis = axis


class MinMaxNorm(_Norms):
    """The norms along ``axis`` are between two values; each update goes the part ``rate`` of the way."""

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: int = 0) -> None:
        self.low, self.high, self.rate, self.axis = (
            float(min_value),
            positive("max_value", max_value),
            positive("rate", rate),
            axis,
        )
        if not 0 <= self.low <= self.high or self.rate > 1:
            raise ArgumentError(
                f"MinMaxNorm: from {min_value} to {max_value} at rate {rate}. Give 0 ≤ min ≤ max and 0 < rate ≤ 1."
            )


CONSTRAINTS: dict[str, Callable[[], Constraint]] = {
    "non_neg": NonNegative,
    "max_norm": MaxNorm,
    "unit_norm": UnitNorm,
    "min_max_norm": MinMaxNorm,
}


def get(constraint: str | Constraint | None) -> Constraint | None:
    """A constraint by name, with its defaults, or one itself. Raises ArgumentError for anything else."""
    return made_by_name("constraint", constraint, Constraint, CONSTRAINTS)  # type: ignore[type-abstract]
