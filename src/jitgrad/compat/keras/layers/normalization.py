"""Layers that normalise."""

from __future__ import annotations

from typing import Any

from jitgrad import layers as library
from jitgrad.compat.keras.border import values_of
from jitgrad.compat.keras.layers.core import weight_options
from jitgrad.compat.keras.layers.layer import Layer
from jitgrad.compat.keras.models.data import collected, is_batches, plain
from jitgrad.errors import ArgumentError


def _scaling(given: dict[str, Any]) -> dict[str, Any]:
    """The options of beta and gamma as the library takes them, taken out of ``given``."""
    found: dict[str, Any] = {}
    for name, first in (("beta", "zeros"), ("gamma", "ones")):
        kinds = [f"{name}_{kind}" for kind in ("initializer", "regularizer", "constraint")]
        values = [given.pop(kind, first if kind.endswith("initializer") else None) for kind in kinds]
        found |= dict(zip(kinds, weight_options(*values), strict=True))
    return found


class BatchNormalization(Layer, library.BatchNormalization):
    """Each feature less its mean over its standard deviation, times gamma plus beta."""

    def __init__(
        self, axis: int = -1, momentum: float = 0.99, epsilon: float = 0.001, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones", beta_regularizer: Any = None, gamma_regularizer: Any = None,
        beta_constraint: Any = None, gamma_constraint: Any = None, renorm: bool = False, synchronized: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        if renorm:
            raise ArgumentError("BatchNormalization: renorm is not supported. Leave it out.")
        moving = [weight_options(first, None, None)[0] for first in (moving_mean_initializer, moving_variance_initializer)]
        beta = {"initializer": beta_initializer, "regularizer": beta_regularizer, "constraint": beta_constraint}
        gamma = {"initializer": gamma_initializer, "regularizer": gamma_regularizer, "constraint": gamma_constraint}
        given = {f"{name}_{kind}": value for name, of in (("beta", beta), ("gamma", gamma)) for kind, value in of.items()}
        options = _scaling(given)
        super().__init__(momentum, epsilon, False, axis, center, scale, *moving, **options, **kwargs)


class LayerNormalization(Layer, library.LayerNormalization):
    """Each row's last axis less its mean over its standard deviation, times gamma plus beta."""

    def __init__(self, axis: Any = -1, epsilon: float = 0.001, center: bool = True, scale: bool = True, **kwargs: Any) -> None:
        super().__init__(epsilon, axis, center, scale, **_scaling(kwargs), **kwargs)


class GroupNormalization(Layer, library.GroupNormalization):
    """The features of each row in groups, less the group's mean over its standard deviation, times gamma plus beta."""

    def __init__(
        self, groups: int = 32, axis: int = -1, epsilon: float = 0.001, center: bool = True, scale: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(groups, axis, epsilon, center, scale, **_scaling(kwargs), **kwargs)


class RMSNormalization(Layer, library.RMSNormalization):
    """Each row over the root of the mean of its squares, times a scale."""

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(epsilon, axis, **kwargs)


class UnitNormalization(Layer, library.UnitNormalization):
    """Each row over its norm."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(axis, **kwargs)


class Normalization(Layer, library.Normalization):
    """Each feature less the mean and over the standard deviation that ``adapt`` found, or that are given."""

    def __init__(self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any) -> None:
        super().__init__(axis, values_of(mean), values_of(variance), invert, **kwargs)

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Take mean and variance of data: arrays, tensors, a frame, or batches."""
        super().adapt(collected(data, steps)[0] if is_batches(data) else plain(data))
