"""Constraints on weights, which are enforced after each update as part of the step."""

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

__all__ = ["CONSTRAINTS", "Constraint", "MaxNorm", "MinMaxNorm", "NonNegative", "UnitNorm", "get"]

_EPSILON = 1e-7  # prevents overflow in the division by a norm, as in Keras


class Constraint(Described, ABC):
    """Base class of constraints.

    See Also
    --------
    NonNegative : The simplest constraint.

    Examples
    --------
    >>> isinstance(jg.layers.constraints.MaxNorm(), jg.layers.constraints.Constraint)
    True
    """

    def __init__(self) -> None:
        pass

    @abstractmethod
    def change(self, weight: Variable) -> StateUpdate:
        """Return the update that enforces the constraint.

        Parameters
        ----------
        weight : Variable
            The weight.

        Returns
        -------
        StateUpdate
            The update, which is part of a step.
        """


class NonNegative(Constraint):
    """Set negative elements to 0.

    Examples
    --------
    >>> layer = jg.layers.Dense(1, kernel_constraint="non_neg")
    """

    def change(self, weight: Variable) -> StateUpdate:
        """Return the update that enforces the constraint.

        Parameters
        ----------
        weight : Variable
            The weight.

        Returns
        -------
        StateUpdate
            The update, which is part of a step.
        """
        return StateUpdate("nonnegative", (weight,), ())


class _Norms(Constraint):
    """Bounds on the norms along one axis."""

    low, high, rate, axis = 0.0, math.inf, 1.0, 0

    def change(self, weight: Variable) -> StateUpdate:
        """Return the update that enforces the constraint.

        Parameters
        ----------
        weight : Variable
            The weight.

        Returns
        -------
        StateUpdate
            The update, which is part of a step.
        """
        shape = weight.shape
        if not -len(shape) <= self.axis < len(shape):
            raise ShapeError(
                f"{type(self).__name__}: weight {weight.name!r} has shape {shape} and no axis {self.axis}. Choose another axis."
            )
        at = self.axis % len(shape)
        sizes = (("outer", math.prod(shape[:at])), ("reduced", shape[at]), ("inner", math.prod(shape[at + 1 :])))
        high = min(self.high, float(np.finfo(weight.dtype).max))
        numbers: Tensor = as_tensor(np.array([self.low, high, self.rate, _EPSILON], weight.dtype))
        return StateUpdate("bound_norms", (weight,), (numbers,), sizes)


class MaxNorm(_Norms):
    """Limit the norms along an axis to at most a value.

    Parameters
    ----------
    max_value : float, default 2.0
        Largest norm, positive.
    axis : int, default 0
        Axis along which norms are computed. For the kernel of a Dense layer, axis 0 limits the norm of the
        inputs of each unit.

    Notes
    -----
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to
    prevent neural networks from overfitting", 2014.

    Examples
    --------
    >>> layer = jg.layers.Dense(1, kernel_constraint=jg.layers.constraints.MaxNorm(3.0))
    """

    def __init__(self, max_value: float = 2.0, axis: int = 0) -> None:
        self.high, self.axis = positive("max_value", max_value), axis


class UnitNorm(_Norms):
    """Scale the weight so that its norms along an axis are 1.

    Parameters
    ----------
    axis : int, default 0
        Axis along which norms are computed.

    Examples
    --------
    >>> layer = jg.layers.Dense(1, kernel_constraint="unit_norm")
    """

    low = high = 1.0

    def __init__(self, axis: int = 0) -> None:
        self.axis = axis


class MinMaxNorm(_Norms):
    """Keep the norms along an axis between two bounds.

    Parameters
    ----------
    min_value : float, default 0.0
        Smallest norm.
    max_value : float, default 1.0
        Largest norm.
    rate : float, default 1.0
        Fraction of the correction that each update applies, in (0, 1].
    axis : int, default 0
        Axis along which norms are computed.

    Raises
    ------
    ArgumentError
        If the bounds or the rate are out of range.

    Examples
    --------
    >>> constraint = jg.layers.constraints.MinMaxNorm(0.5, 2.0)
    >>> layer = jg.layers.Dense(1, kernel_constraint=constraint)
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: int = 0) -> None:
        self.low, self.high, self.rate, self.axis = (
            float(min_value),
            positive("max_value", max_value),
            positive("rate", rate),
            axis,
        )
        if not 0 <= self.low <= self.high or self.rate > 1:
            raise ArgumentError(
                f"MinMaxNorm has min_value {min_value}, max_value {max_value} and rate {rate}. "
                "Give 0 ≤ min ≤ max and 0 < rate ≤ 1."
            )


CONSTRAINTS: dict[str, Callable[[], Constraint]] = {
    "non_neg": NonNegative,
    "max_norm": MaxNorm,
    "unit_norm": UnitNorm,
    "min_max_norm": MinMaxNorm,
}
"""The constraints by name."""


def get(constraint: str | Constraint | None) -> Constraint | None:
    """Return a constraint.

    Parameters
    ----------
    constraint : str, Constraint or None
        Name of a constraint (a key of ``CONSTRAINTS``), for one with default arguments; a constraint; or None.

    Returns
    -------
    Constraint or None
        The constraint.

    Raises
    ------
    ArgumentError
        If no constraint has this name.

    Examples
    --------
    >>> jg.layers.constraints.get("max_norm").high
    2.0
    """
    return made_by_name("constraint", constraint, Constraint, CONSTRAINTS)  # type: ignore[type-abstract]
