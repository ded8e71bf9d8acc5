"""``tf.layers`` of TensorFlow 1: functions that create Variables with ``tf.get_variable``."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.linear import tensordot
from jitgrad.compat.tensorflow.shapes import reshape
from jitgrad.compat.tensorflow.v1 import nn
from jitgrad.compat.tensorflow.v1.graph import get_default_graph
from jitgrad.compat.tensorflow.v1.initializers import zeros
from jitgrad.compat.tensorflow.v1.scopes import get_variable, variable_scope
from jitgrad.compat.tensorflow.v1.staging import staged
from jitgrad.errors import ArgumentError


def dense(
    inputs: Any, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None,
    bias_initializer: Any = zeros, kernel_regularizer: Any = None, bias_regularizer: Any = None,
    activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True,
    name: str | None = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """Return ``activation(inputs @ kernel + bias)``."""
    if activity_regularizer is not None:
        raise ArgumentError("dense does not support activity_regularizer. Add the penalty to the loss.")
    size = inputs.get_shape().as_list()[-1]
    if size is None:
        raise ArgumentError("The last dimension of the inputs to `Dense` should be defined. Give the placeholder its size.")
    graph = get_default_graph()
    with variable_scope(name or graph.unique_name("dense", mark_as_used=False).rpartition("/")[2], reuse=reuse):
        kernel = get_variable(
            "kernel",
            [size, units],
            inputs.dtype,
            kernel_initializer,
            kernel_regularizer,
            trainable,
            constraint=kernel_constraint,
        )
        made = staged("MatMul", _product)(inputs, kernel)
        if use_bias:
            bias = get_variable(
                "bias", [units], inputs.dtype, bias_initializer, bias_regularizer, trainable, constraint=bias_constraint
            )
            made = nn.bias_add(made, bias)
        return made if activation is None else activation(made)


def _product(x: Any, w: Any) -> Any:
    return x @ w if len(x.shape) == 2 else tensordot(x, w, 1)


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Any:
    """Flatten each row."""

    def flat(x: Any) -> Any:
        return reshape(x, [x.shape[0], -1] if len(x.shape) > 1 else [-1, 1])

    return staged("flatten", flat)(inputs, name=name)


def dropout(
    inputs: Any, rate: Any = 0.5, noise_shape: Any = None, seed: Any = None, training: Any = False, name: str | None = None
) -> Any:
    """Set elements to 0 with probability ``rate`` if ``training``, which is True or False."""
    if not isinstance(training, bool):
        raise ArgumentError(f"training is {training!r}. Give True or False, or use tf.nn.dropout with a placeholder keep_prob.")
    return nn.dropout(inputs, noise_shape=noise_shape, name=name, rate=rate) if training else inputs


_IMAGES = "Convolutions and pooling are not part of jitgrad, which fits tables: use tf.layers.dense."
__all__ = ["dense", "dropout", "flatten"]
__getattr__ = missing(
    "tensorflow.v1.layers", __all__,
    dict.fromkeys(["conv1d", "conv2d", "conv3d", "max_pooling2d", "average_pooling2d", "conv2d_transpose"], _IMAGES)
    | {"batch_normalization": "Use tf.nn.moments and tf.nn.batch_normalization, or keras.layers.BatchNormalization."},
)  # fmt: skip
