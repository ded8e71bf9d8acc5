"""Normalization layers."""

from __future__ import annotations

from typing import Any

from jitgrad import layers as library
from jitgrad.compat.keras.border import values_of
from jitgrad.compat.keras.layers.core import weight_options
from jitgrad.compat.keras.layers.layer import Layer
from jitgrad.compat.keras.models.data import collected, is_batches, plain
from jitgrad.errors import ArgumentError


def _scaling(given: dict[str, Any]) -> dict[str, Any]:
    """Remove the options for beta and gamma from ``given``, and return them in the library's form."""
    found: dict[str, Any] = {}
    for name, first in (("beta", "zeros"), ("gamma", "ones")):
        kinds = [f"{name}_{kind}" for kind in ("initializer", "regularizer", "constraint")]
        values = [given.pop(kind, first if kind.endswith("initializer") else None) for kind in kinds]
        found |= dict(zip(kinds, weight_options(*values), strict=True))
    return found


class BatchNormalization(Layer, library.BatchNormalization):
    """Normalize each feature by its mean and variance over the batch, then scale and shift it."""

    def __init__(
        self, axis: int = -1, momentum: float = 0.99, epsilon: float = 0.001, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones", beta_regularizer: Any = None, gamma_regularizer: Any = None,
        beta_constraint: Any = None, gamma_constraint: Any = None, renorm: bool = False, synchronized: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        if renorm:
            raise ArgumentError("BatchNormalization: renorm is not supported. Omit it.")
        moving = [weight_options(first, None, None)[0] for first in (moving_mean_initializer, moving_variance_initializer)]
        beta = {"initializer": beta_initializer, "regularizer": beta_regularizer, "constraint": beta_constraint}
        gamma = {"initializer": gamma_initializer, "regularizer": gamma_regularizer, "constraint": gamma_constraint}
        given = {f"{name}_{kind}": value for name, of in (("beta", beta), ("gamma", gamma)) for kind, value in of.items()}
        options = _scaling(given)
        super().__init__(momentum, epsilon, False, axis, center, scale, *moving, **options, **kwargs)


class LayerNormalization(Layer, library.LayerNormalization):
    """Normalize the last axis of each row by its mean and variance, then scale and shift it."""

    def __init__(self, axis: Any = -1, epsilon: float = 0.001, center: bool = True, scale: bool = True, **kwargs: Any) -> None:
        super().__init__(epsilon, axis, center, scale, **_scaling(kwargs), **kwargs)


class GroupNormalization(Layer, library.GroupNormalization):
    """Normalize groups of features of each row by their mean and variance, then scale and shift the features."""

    def __init__(
        self, groups: int = 32, axis: int = -1, epsilon: float = 0.001, center: bool = True, scale: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(groups, axis, epsilon, center, scale, **_scaling(kwargs), **kwargs)


class RMSNormalization(Layer, library.RMSNormalization):
    """Divide each row by its root mean square, then scale it."""

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(epsilon, axis, **kwargs)


class UnitNormalization(Layer, library.UnitNormalization):
    """Divide each row by its norm."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(axis, **kwargs)


class Normalization(Layer, library.Normalization):
    """Standardize each feature with a mean and a variance that are given or computed by ``adapt``."""

    def __init__(self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any) -> None:
        super().__init__(axis, values_of(mean), values_of(variance), invert, **kwargs)

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Compute the mean and variance of the data, which may be arrays, tensors, a DataFrame or batches."""
        super().adapt(collected(data, steps)[0] if is_batches(data) else plain(data))
