"""Normalization over a batch or over features."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from jitgrad.compat.torch import dtypes as types
from jitgrad.compat.torch.creation import check_device
from jitgrad.compat.torch.dtypes import as_dtype, int64
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.nn import functional as F  # noqa: N812  (as everybody calls it)
from jitgrad.compat.torch.nn import init
from jitgrad.compat.torch.nn.module import Module
from jitgrad.compat.torch.nn.parameter import Count, buffer, empty_parameter
from jitgrad.compat.torch.tensor import of_array
from jitgrad.errors import ArgumentError, ShapeError


class BatchNorm1d(Module):
    """Normalize each feature with the statistics of the batch in training, and with running statistics otherwise."""

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        check_device(device)
        self.num_batches_tracked: Any
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        size = (num_features,)
        self.register_parameter("weight", empty_parameter(size, device, dtype) if affine else None)
        self.register_parameter("bias", empty_parameter(size, device, dtype) if affine and bias else None)
        kind = types.default() if dtype is None else as_dtype(dtype)
        self.register_buffer("running_mean", buffer(np.zeros(size), kind) if track_running_stats else None)
        self.register_buffer("running_var", buffer(np.ones(size), kind) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", of_array(0, int64) if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Reset the running mean to 0 and the running variance to 1."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """Reset the weights to 1 and the biases to 0."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Any) -> Any:
        shape = input.shape
        if len(shape) not in (2, 3):
            raise ShapeError(f"expected 2D or 3D input (got {len(shape)}D input). Give (rows, {self.num_features}).")
        if shape[1] != self.num_features:
            raise TorchError(
                f"running_mean should contain {shape[1]} elements not {self.num_features}. Set num_features to {shape[1]}."
            )
        mean, training, momentum = self.running_mean, self.training, self.momentum
        if training and mean is not None:
            batches: Any = self.num_batches_tracked
            if type(batches) is not Count:
                batches = self.num_batches_tracked = Count(batches)
            batches.more += 1
            if momentum is None:
                momentum = 1.0 / batches.item()
        return F.batch_norm(
            input, mean, self.running_var, self.weight, self.bias, training or mean is None, momentum or 0.0, self.eps
        )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class LayerNorm(Module):
    """Normalize each row over the last axes."""

    def __init__(
        self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        has_bias = elementwise_affine and bias
        self.register_parameter("weight", empty_parameter(self.normalized_shape, device, dtype) if elementwise_affine else None)
        self.register_parameter("bias", empty_parameter(self.normalized_shape, device, dtype) if has_bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Reset the weights to 1 and the biases to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Any) -> Any:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divide each row by its root mean square over the last axes."""

    def __init__(
        self, normalized_shape: Any, eps: float | None = None, elementwise_affine: bool = True, device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.register_parameter("weight", empty_parameter(self.normalized_shape, device, dtype) if elementwise_affine else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Reset the weights to 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Any) -> Any:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Normalize each of ``num_groups`` groups of channels."""

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, device: Any = None,
        dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        if num_channels % num_groups != 0:
            raise ArgumentError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups}).")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self.register_parameter("weight", empty_parameter((num_channels,), device, dtype) if affine else None)
        self.register_parameter("bias", empty_parameter((num_channels,), device, dtype) if affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Reset the weights to 1 and the biases to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Any) -> Any:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={self.bias is not None}"


def _shape(given: Any) -> tuple[int, ...]:
    return tuple(given) if isinstance(given, (tuple, list)) else (operator.index(given),)
