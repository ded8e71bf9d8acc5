"""``tf.nn`` of TensorFlow 1."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import math as _math
from jitgrad.compat.tensorflow import nn as _nn
from jitgrad.compat.tensorflow.constants import stop_gradient
from jitgrad.compat.tensorflow.v1.functions import all_in_graph
from jitgrad.compat.tensorflow.v1.staging import staged

_functions = all_in_graph(_nn, _nn.__all__, ["dropout", "softmax_cross_entropy_with_logits"])
globals().update(_functions)


def softmax_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, dim: int = -1, name: str | None = None, axis: int | None = None
) -> Any:
    """Return the cross-entropy of each row of logits, without a gradient for the labels."""

    def loss(labels: Any, logits: Any, axis: int) -> Any:
        return _nn.softmax_cross_entropy_with_logits(stop_gradient(labels), logits, axis)

    return staged("softmax_cross_entropy_with_logits", loss)(labels, logits, dim if axis is None else axis, name=name)


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Any:
    """Return the cross-entropy of each row of logits."""
    chosen = dim if axis is None else axis
    stage = staged("softmax_cross_entropy_with_logits", _nn.softmax_cross_entropy_with_logits)
    return stage(labels, logits, -1 if chosen is None else chosen, name=name)


def dropout(
    x: Any, keep_prob: Any = None, noise_shape: Any = None, seed: Any = None, name: str | None = None, rate: Any = None
) -> Any:
    """Set elements to 0 with probability ``1 - keep_prob``, or ``rate``, and scale the remaining ones up."""
    keep = keep_prob if rate is None else 1.0 - rate
    return staged("dropout", _dropped, draws=True)(x, keep, noise_shape, name=name)


def _dropped(x: Any, keep: Any, noise_shape: Any) -> Any:
    from jitgrad.compat.tensorflow.random import uniform

    drawn = uniform(x.shape if noise_shape is None else noise_shape, dtype=x.dtype)
    return x / keep * _math.floor(drawn + keep)


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """Return ``x @ weights + biases``."""
    return staged("xw_plus_b", lambda x, w, b: x @ w + b)(x, weights, biases, name=name)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """Return ``relu(x @ weights + biases)``."""
    return staged("relu_layer", lambda x, w, b: _nn.relu(x @ w + b))(x, weights, biases, name=name)


__all__ = [
    *_functions,
    "dropout",
    "relu_layer",
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
    "xw_plus_b",
]
__getattr__ = missing("tensorflow.v1.nn", __all__, _nn._REASONS)
