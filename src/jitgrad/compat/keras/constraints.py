"""Keras's constraints, which are enforced after each step of a fit."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.keras.border import values_of
from jitgrad.compat.keras.configs import config_of, deserialized, found_by_name, made_with_config, serialized
from jitgrad.compat.keras.variable import Variable
from jitgrad.compat.modules import missing
from jitgrad.errors import UnsupportedError
from jitgrad.layers import constraints as library
from jitgrad.tape.pending import apply
from jitgrad.tape.trace import StateUpdate


class Constraint(library.Constraint):
    """Base class. jitgrad's steps are native, so custom constraints are not supported."""

    family = "keras.constraints"

    def change(self, weight: Any) -> StateUpdate:
        raise UnsupportedError(
            f"{type(self).__name__} is a custom constraint, which jitgrad's native steps do not support. Use one of "
            f"keras.constraints, or change the weight in a callback."
        )

    def __call__(self, w: Any) -> Any:
        """Return the constrained weight."""
        brought = Variable(values_of(w))
        apply([self.change(brought)])
        return brought.value

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return config_of(self, {})

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Create a constraint from the result of ``get_config``."""
        return made_with_config(cls, config)


class NonNeg(Constraint):
    """Set negative elements to 0."""

    change = library.NonNegative.change


class MaxNorm(Constraint, library.MaxNorm):
    """Limit the norms along ``axis`` to ``max_value``."""

    change = library.MaxNorm.change

    def __init__(self, max_value: float = 2, axis: int = 0) -> None:
        library.MaxNorm.__init__(self, max_value, axis)


class UnitNorm(Constraint, library.UnitNorm):
    """Scale the norms along ``axis`` to 1."""

    change = library.UnitNorm.change

    def __init__(self, axis: int = 0) -> None:
        library.UnitNorm.__init__(self, axis)


class MinMaxNorm(Constraint, library.MinMaxNorm):
    """Keep the norms along ``axis`` between two values."""

    change = library.MinMaxNorm.change

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: int = 0) -> None:
        library.MinMaxNorm.__init__(self, min_value, max_value, rate, axis)


non_neg, max_norm, unit_norm, min_max_norm = NonNeg, MaxNorm, UnitNorm, MinMaxNorm
_NAMED = {"NonNeg": NonNeg, "MaxNorm": MaxNorm, "UnitNorm": UnitNorm, "MinMaxNorm": MinMaxNorm}


def get(identifier: Any) -> Any:
    """Return a constraint by name or config; objects are returned unchanged."""
    if identifier is None or isinstance(identifier, library.Constraint):
        return identifier
    return found_by_name("constraint", identifier, _NAMED)


def serialize(constraint: Any) -> Any:
    """Return the config of a constraint."""
    return serialized(constraint)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """Return the constraint for a config."""
    return deserialized(config, custom_objects)


__all__ = [
    "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize", "get", "max_norm", "min_max_norm", "non_neg",
    "serialize", "unit_norm",
]  # fmt: skip
__getattr__ = missing("keras.constraints", __all__)
