"""Layers that normalise: by the batch, by the row, or by statistics of the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.arguments import in_unit_interval, positive
from jitgrad.errors import ArgumentError, DataError
from jitgrad.functions import networks
from jitgrad.layers.layer import Layer
from jitgrad.ops import Shape
from jitgrad.ops.elementwise import sqrt
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.variable import assign_together


class BatchNormalization(Layer):
    """Each feature (last axis) less its mean over its standard deviation, then times gamma plus beta.

    While training the mean and variance are the batch's, and the running ones move towards them: m·old + (1 - m)·new. Otherwise
    the running ones are used. Ioffe and Szegedy, "Batch normalization: accelerating deep network training …", 2015.

    Args:
        momentum: m, from 0 on and below 1.
        epsilon: added to the variance.
        unbiased: whether the running variance is that over n - 1, as PyTorch's; over n by default, as Keras's.
        name, dtype, trainable: as every layer's. While frozen, the running ones are used in training, too.
    """

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3, unbiased: bool = False, **common: Any) -> None:
        super().__init__(**common)
        self.momentum = in_unit_interval("momentum", momentum)
        self.epsilon = positive("epsilon", epsilon)
        self.unbiased = unbiased

    def fits(self, shape: Shape) -> bool:
        return shape[-1:] == (self.input_shape or ())[-1:]

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1:]
        self.gamma = self.add_weight("gamma", features, "ones")
        self.beta = self.add_weight("beta", features, "zeros")
        self.moving_mean = self.add_weight("moving_mean", features, "zeros", trainable=False)
        self.moving_variance = self.add_weight("moving_variance", features, "ones", trainable=False)

    def call(self, x: Tensor, training: bool = False) -> Tensor:
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


class LayerNormalization(Layer):
    """Each row's last axis less its mean over its standard deviation, then times gamma plus beta.

    Ba, Kiros and Hinton, "Layer normalization", 2016.
    """

    def __init__(self, epsilon: float = 1e-3, **common: Any) -> None:
        super().__init__(**common)
        self.epsilon = positive("epsilon", epsilon)

    def fits(self, shape: Shape) -> bool:
        return shape[-1:] == (self.input_shape or ())[-1:]

    def build(self, input_shape: Shape) -> None:
        self.gamma = self.add_weight("gamma", input_shape[-1:], "ones")
        self.beta = self.add_weight("beta", input_shape[-1:], "zeros")

    def call(self, x: Tensor) -> Tensor:
        y: Tensor = networks.layer_norm(x, self.gamma, self.beta, epsilon=self.epsilon)
        return y


class Normalization(Layer):
    """Each feature (last axis) less the mean and over the standard deviation that ``adapt`` found in data."""

    def __init__(self, **common: Any) -> None:
        super().__init__(**common)

    def fits(self, shape: Shape) -> bool:
        return shape[-1:] == (self.input_shape or ())[-1:]

    def build(self, input_shape: Shape) -> None:
        self.mean = self.add_weight("mean", input_shape[-1:], "zeros", trainable=False)
        self.variance = self.add_weight("variance", input_shape[-1:], "zeros", trainable=False)

    @property
    def adapted(self) -> bool:
        """Whether there are statistics: no variance is 0."""
        return bool(np.all(self.variance.leaf.value))

    def adapt(self, data: Any) -> None:
        """Take mean and variance of the features of ``data``, (rows, …, features); those that never change get variance 1.

        Raises DataError where there are no rows, or nan, inf or masked values among them.
        """
        array, _ = dtypes.as_data(data, np.float64, copy=False)
        if array.ndim < 2 or not array.size or not np.isfinite(array).all():
            raise DataError(f"adapt: data of shape {array.shape} has no rows of features, or nan or inf. Clean it first.")
        self.built_for(array.shape)
        rows = array.reshape(-1, array.shape[-1])
        variance = rows.var(0)
        self.mean.assign(rows.mean(0).astype(self.dtype))
        self.variance.assign(np.where(variance > 0, variance, 1.0).astype(self.dtype))

    def call(self, x: Tensor) -> Tensor:
        if not self.adapted:
            raise ArgumentError(f"Layer {self.name!r} has no statistics yet. Call adapt(data) first, or set_weights().")
        normalised: Tensor = (x - self.mean) / sqrt(self.variance)
        return normalised
