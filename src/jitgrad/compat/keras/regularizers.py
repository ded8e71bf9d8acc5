"""Keras's regularizers: penalties on weights or outputs that are added to the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.arguments import Described
from jitgrad.compat.keras.border import bordered, is_plain, unwrap, wrap
from jitgrad.compat.keras.configs import config_of, deserialized, found_by_name, made_with_config, serialized
from jitgrad.compat.modules import missing
from jitgrad.layers import regularizers as library


class Regularizer(library.Regularizer):
    """Base class: a function of a weight that returns a scalar."""

    family = "keras.regularizers"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__call__" in vars(cls) and not cls.__module__.startswith("jitgrad."):
            cls.__call__ = _seen_wrapped(cls.__call__)  # type: ignore[method-assign]

    def __call__(self, weight: Any) -> Any:
        made = super().__call__(unwrap(weight))  # type: ignore[safe-super]
        return made if is_plain(weight) else wrap(made)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return config_of(self, {})

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Create a regularizer from the result of ``get_config``."""
        return made_with_config(cls, config)


def _seen_wrapped(call: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a user's ``__call__``, which the library calls with a weight."""

    def inside(self: Any, weight: Any) -> Any:
        return unwrap(call(self, wrap(weight)))

    return inside


class L1(Regularizer, library.L1):
    """``l1 * sum(abs(w))``."""


class L2(Regularizer, library.L2):
    """``l2 * sum(w ** 2)``."""


class L1L2(Regularizer, library.L1L2):
    """``l1 * sum(abs(w)) + l2 * sum(w ** 2)``."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        super().__init__(l1 or 0.0, l2 or 0.0)


l1, l2 = L1, L2


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """Return L1L2 with Keras 2's defaults."""
    return L1L2(l1, l2)


class _Called(library.Regularizer, Described):
    """A user's function as a regularizer."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, weight: Any) -> Any:
        return bordered(self.function)(weight._read())


def get(identifier: Any) -> Any:
    """Return a regularizer by name or config; objects and functions are returned unchanged."""
    if identifier is None or isinstance(identifier, library.Regularizer):
        return identifier
    if callable(identifier):
        return _Called(identifier)
    return found_by_name("regularizer", identifier, {"L1": L1, "L2": L2, "L1L2": L1L2, "l1_l2": l1_l2})


def serialize(regularizer: Any) -> Any:
    """Return the config of a regularizer."""
    return serialized(regularizer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """Return the regularizer for a config."""
    return deserialized(config, custom_objects)


__all__ = ["L1", "L1L2", "L2", "Regularizer", "deserialize", "get", "l1", "l1_l2", "l2", "serialize"]
__getattr__ = missing("keras.regularizers", __all__)
