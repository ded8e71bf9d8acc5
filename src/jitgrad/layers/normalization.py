"""Layers that normalise: by the batch, by the row, or by statistics of the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.arguments import in_unit_interval, positive
from jitgrad.errors import ArgumentError, DataError, ShapeError
from jitgrad.functions import networks
from jitgrad.functions.reductions import mean, sum
from jitgrad.functions.shapes import moveaxis, reshape
from jitgrad.layers.layer import Layer
from jitgrad.ops import Shape
from jitgrad.ops.elementwise import maximum, sqrt, square
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.variable import assign_together

Axes = int | Sequence[int]


class _Scaled(Layer):
    """A layer that multiplies what it has normalised with gamma and adds beta, of the sizes of some axes.

    Args:
        axis: one axis or several, counted with the rows.
        epsilon: added to the variance.
        center, scale: whether there are beta and gamma.
        options: ``beta_initializer``, ``gamma_initializer``, ``beta_regularizer``, ``gamma_regularizer``, ``beta_constraint``,
            ``gamma_constraint``; and name, dtype, trainable, as every layer's.
    """

    def __init__(self, axis: Axes, epsilon: float, center: bool, scale: bool, options: dict[str, Any]) -> None:
        kinds = ("initializer", "regularizer", "constraint")
        first = {"beta": "zeros", "gamma": "ones"}
        self._bias, self._kernel = (
            {"initializer": first[name]}
            | {kind: options.pop(f"{name}_{kind}") for kind in kinds if f"{name}_{kind}" in options}
            for name in ("beta", "gamma")
        )
        super().__init__(**options)
        self.axis = axis if isinstance(axis, int) else tuple(axis)
        self.epsilon = positive("epsilon", epsilon)
        self.center, self.scale = center, scale

    def axes(self, ndim: int) -> tuple[int, ...]:
        """The axes, in order, from 0 on. Raises ShapeError for an input that has them not."""
        axes = (self.axis,) if isinstance(self.axis, int) else self.axis
        if not all(-ndim <= axis < ndim for axis in axes):
            raise ShapeError(f"Layer {self.name!r} has axis {self.axis} and gets an input of {ndim} axes. Choose one of these.")
        return tuple(sorted(axis % ndim for axis in axes))

    def fits(self, shape: Shape) -> bool:
        built = self.input_shape or ()
        return (len(shape) == len(built) and all(shape[axis - 1] == built[axis - 1] for axis in self.axes(len(shape) + 1))) or (
            self.axis == -1 and shape[-1:] == built[-1:]
        )

    def build(self, input_shape: Shape) -> None:
        self.gamma = self.beta = None
        sizes = tuple(input_shape[axis] for axis in self.axes(len(input_shape)))
        if self.scale:
            self.gamma = self.add_weight("gamma", sizes, **self._kernel)
        if self.center:
            self.beta = self.add_weight("beta", sizes, **self._bias)

    def along(self, weight: Any, x: Any) -> Any:
        """A weight with sizes of 1 where ``x`` has other axes, if these are behind."""
        axes = self.axes(x.ndim)
        if axes == tuple(range(x.ndim - len(axes), x.ndim)):
            return weight
        return reshape(weight, tuple(size if axis in axes else 1 for axis, size in enumerate(x.shape)))

    def scaled(self, centered: Any, variance: Any) -> Any:
        """What is centred, with its variance, as a result."""
        root = sqrt(variance + self.epsilon)
        y = centered / root if self.gamma is None else centered * (self.along(self.gamma, centered) / root)
        return y if self.beta is None else y + self.along(self.beta, centered)


class BatchNormalization(_Scaled):
    """Each feature less its mean over its standard deviation, then times gamma plus beta.

    While training the mean and variance are the batch's, and the running ones move towards them: m·old + (1 - m)·new. Otherwise
    the running ones are used. Ioffe and Szegedy, "Batch normalization: accelerating deep network training …", 2015.

    Args:
        momentum: m, from 0 on and below 1.
        epsilon: added to the variance.
        unbiased: whether the running variance is that over n - 1, as PyTorch's; over n by default, as Keras's.
        axis: that of the features, counted with the rows.
        center, scale: whether there are beta and gamma.
        moving_mean_initializer, moving_variance_initializer: of the running ones.
        options: initializers, regularizers and constraints of beta and gamma, as ``beta_initializer``; and name, dtype,
            trainable, as every layer's. While frozen, the running ones are used in training, too.
    """

    def __init__(
        self, momentum: float = 0.99, epsilon: float = 1e-3, unbiased: bool = False, axis: int = -1, center: bool = True,
        scale: bool = True, moving_mean_initializer: Any = "zeros", moving_variance_initializer: Any = "ones", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(axis, epsilon, center, scale, options)
        self.momentum = in_unit_interval("momentum", momentum)
        self.unbiased = unbiased
        self._moving = (moving_mean_initializer, moving_variance_initializer)

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        features = (input_shape[self.axes(len(input_shape))[0]],)
        self.moving_mean = self.add_weight("moving_mean", features, self._moving[0], trainable=False)
        self.moving_variance = self.add_weight("moving_variance", features, self._moving[1], trainable=False)

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        if self.axes(x.ndim) == (x.ndim - 1,) and self.gamma is not None and self.beta is not None:
            return self._usual(x, training)
        if not (training and self.trainable):
            return self.scaled(x - self.along(self.moving_mean, x), self.along(self.moving_variance, x))
        (feature,) = self.axes(x.ndim)
        axes = tuple(axis for axis in range(x.ndim) if axis != feature)
        center = mean(x, axes)
        centered = x - self.along(center, x)
        variance = mean(square(centered), axes)
        n = x.size // x.shape[feature]
        spread = variance * (n / (n - 1)) if self.unbiased and n > 1 else variance
        for kept, new in ((self.moving_mean, center), (self.moving_variance, spread)):
            kept.assign(self.momentum * kept + (1 - self.momentum) * new.detach())
        return self.scaled(centered, self.along(variance, x))

    def _usual(self, x: Tensor, training: bool) -> Tensor:
        """The same, of the last axis with gamma and beta, recorded as one op."""
        center, variance = self.moving_mean, self.moving_variance
        y: Tensor
        if not (training and self.trainable):
            y = networks.fixed_norm(x, self.gamma, self.beta, center, variance, epsilon=self.epsilon)
            return y
        y, new_center, new_variance = networks.batch_norm(
            x, self.gamma, self.beta, center, variance, momentum=self.momentum, epsilon=self.epsilon, unbiased=self.unbiased
        )
        assign_together((center, new_center), (variance, new_variance))
        return y


class LayerNormalization(_Scaled):
    """Each row less its mean over its standard deviation, along one axis or several, then times gamma plus beta.

    Ba, Kiros and Hinton, "Layer normalization", 2016.

    Args:
        epsilon: added to the variance.
        axis: one or several, counted with the rows.
        center, scale, options: see BatchNormalization.
    """

    def __init__(self, epsilon: float = 1e-3, axis: Axes = -1, center: bool = True, scale: bool = True, **options: Any) -> None:
        super().__init__(axis, epsilon, center, scale, options)

    def call(self, x: Tensor) -> Tensor:
        axes = self.axes(x.ndim)
        if axes == (x.ndim - 1,) and self.gamma is not None and self.beta is not None:
            y: Tensor = networks.layer_norm(x, self.gamma, self.beta, epsilon=self.epsilon)
            return y
        centered = x - mean(x, axes, keepdims=True)
        return self.scaled(centered, mean(square(centered), axes, keepdims=True))

    def scaled(self, centered: Any, variance: Any) -> Any:
        y = centered / sqrt(variance + self.epsilon)
        y = y if self.gamma is None else y * self.along(self.gamma, y)
        return y if self.beta is None else y + self.along(self.beta, y)


class GroupNormalization(LayerNormalization):
    """As LayerNormalization, of groups of features, each with all other axes of a row; gamma and beta are the features'.

    Wu and He, "Group normalization", 2018.

    Args:
        groups: how many, a divisor of the number of features; -1 for one each.
        axis: that of the features, counted with the rows.
        epsilon, center, scale, options: see LayerNormalization.
    """

    def __init__(
        self, groups: int = 32, axis: int = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(epsilon, axis, center, scale, **options)
        self.groups = groups

    def build(self, input_shape: Shape) -> None:
        (axis,) = self.axes(len(input_shape))
        features = input_shape[axis]
        if self.groups != -1 and (self.groups < 1 or features % self.groups):
            raise ShapeError(f"Layer {self.name!r} has {self.groups} groups for {features} features. Give a divisor of that.")
        super().build(input_shape)

    def call(self, x: Tensor) -> Tensor:
        (axis,) = self.axes(x.ndim)
        last = moveaxis(x, axis, -1)
        features = x.shape[axis]
        groups = features if self.groups == -1 else self.groups
        grouped = reshape(last, (x.shape[0], -1, groups, features // groups))
        centered = grouped - mean(grouped, (1, 3), keepdims=True)
        normalised = centered / sqrt(mean(square(centered), (1, 3), keepdims=True) + self.epsilon)
        y = moveaxis(reshape(normalised, last.shape), -1, axis)
        y = y if self.gamma is None else y * self.along(self.gamma, y)
        return y if self.beta is None else y + self.along(self.beta, y)


class RMSNormalization(_Scaled):
    """Each row over the root of its mean square along one axis or several, then times ``gamma``.

    Zhang and Sennrich, "Root mean square layer normalization", 2019. Arguments are LayerNormalization's.
    """

    def __init__(self, epsilon: float = 1e-6, axis: Axes = -1, scale: bool = True, **options: Any) -> None:
        super().__init__(axis, epsilon, False, scale, options)

    def call(self, x: Tensor) -> Tensor:
        y = x / sqrt(mean(square(x), self.axes(x.ndim), keepdims=True) + self.epsilon)
        return y if self.gamma is None else y * self.along(self.gamma, y)


class UnitNormalization(Layer):
    """Each row over its norm along one axis or several; of zeros, zeros."""

    def __init__(self, axis: Axes = -1, **common: Any) -> None:
        super().__init__(**common)
        self.axis = axis if isinstance(axis, int) else tuple(axis)

    def call(self, x: Tensor) -> Tensor:
        made: Tensor = x / sqrt(maximum(sum(square(x), self.axis, keepdims=True), 1e-24))
        return made


class Normalization(Layer):
    """Each feature less the mean and over the standard deviation that ``adapt`` found in data, or that are given.

    Args:
        axis: those that have a mean for each place, counted with the rows; None for one of all.
        mean, variance: what is known already; then nothing is to be adapted.
        invert: whether to go back from what is normalised.
        common: name, dtype, trainable, as every layer's.
    """

    def __init__(
        self, axis: Axes | None = -1, mean: Any = None, variance: Any = None, invert: bool = False, **common: Any
    ) -> None:
        super().__init__(**common)
        self.axis = axis if axis is None or isinstance(axis, int) else tuple(axis)
        if (mean is None) != (variance is None):
            raise ArgumentError("Normalization has one of mean and variance. Give both, or none and call adapt(data).")
        self._given = None if mean is None else (np.asarray(mean), np.asarray(variance))
        self.invert = invert

    def _axes(self, ndim: int) -> tuple[int, ...]:
        axes = () if self.axis is None else (self.axis,) if isinstance(self.axis, int) else self.axis
        return tuple(sorted(axis % ndim for axis in axes))

    def fits(self, shape: Shape) -> bool:
        built = self.input_shape or ()
        if self.axis is None or (self.axis == -1 and shape[-1:] == built[-1:]):
            return True
        return len(shape) == len(built) and all(shape[axis - 1] == built[axis - 1] for axis in self._axes(len(shape) + 1))

    def build(self, input_shape: Shape) -> None:
        sizes = tuple(input_shape[axis] for axis in self._axes(len(input_shape)))
        self.mean = self.add_weight("mean", sizes, "zeros", trainable=False)
        self.variance = self.add_weight("variance", sizes, "zeros", trainable=False)
        if self._given is not None:
            for kept, value in zip((self.mean, self.variance), self._given, strict=True):
                kept.assign(
                    np.broadcast_to(np.reshape(value, sizes) if value.size == kept.size else value, sizes).astype(self.dtype)
                )

    @property
    def adapted(self) -> bool:
        """Whether there are statistics: no variance is 0."""
        return bool(np.all(self.variance.leaf.value))

    def adapt(self, data: Any) -> None:
        """Take mean and variance of ``data``, (rows, …); of what never changes the variance is 1.

        Raises DataError where there are no rows, or nan, inf or masked values among them.
        """
        array, _ = dtypes.as_data(data, np.float64, copy=False)
        if array.ndim < (1 if self.axis is None else 2) or not array.size or not np.isfinite(array).all():
            raise DataError(f"adapt: data of shape {array.shape} has no rows of features, or nan or inf. Clean it first.")
        self.built_for(array.shape)
        kept = self._axes(array.ndim)
        others = tuple(axis for axis in range(array.ndim) if axis not in kept)
        variance = array.var(others)
        self.mean.assign(np.asarray(array.mean(others), self.dtype))
        self.variance.assign(np.asarray(np.where(variance > 0, variance, 1.0), self.dtype))

    def call(self, x: Tensor) -> Tensor:
        if not self.adapted:
            raise ArgumentError(f"Layer {self.name!r} has no statistics yet. Call adapt(data) first, or set_weights().")
        center: Any = self.mean
        variance: Any = self.variance
        kept = self._axes(x.ndim)
        if kept != tuple(range(x.ndim - len(kept), x.ndim)):
            shape = tuple(size if axis in kept else 1 for axis, size in enumerate(x.shape))
            center, variance = reshape(center, shape), reshape(variance, shape)
        made: Tensor = x * sqrt(variance) + center if self.invert else (x - center) / sqrt(variance)
        return made
