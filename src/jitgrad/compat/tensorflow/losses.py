"""Losses and other functions in ``tf.nn`` that operate on the outputs of layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.arguments import axes as axes_of
from jitgrad.compat.tensorflow.arguments import named, sizes
from jitgrad.compat.tensorflow.constants import cast
from jitgrad.compat.tensorflow.errors import ConversionError, InvalidArgumentError
from jitgrad.compat.tensorflow.indices import gather
from jitgrad.compat.tensorflow.operands import FLOATS, agreed, numbers
from jitgrad.compat.tensorflow.tensor import Tensor, convert, made
from jitgrad.functions import reductions as library
from jitgrad.functions import selection, shapes, softmax
from jitgrad.ops import elementwise as ew
from jitgrad.tape.protocol import public


@named("SoftmaxCrossEntropyWithLogits")
def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """Return ``-sum(labels * log_softmax(logits))`` for each row."""
    p, z = (t._read() for t in agreed("SoftmaxCrossEntropyWithLogits", (cast(labels, convert(logits).dtype), logits), FLOATS))
    if len(p.shape) != len(z.shape):
        raise InvalidArgumentError(
            f"logits and labels must be broadcastable: {z.shape} vs {p.shape}. Give both the same shape."
        )
    return made(-library.sum(p * softmax.log_softmax(z, axis=axis), axis=axis))


@named("SparseSoftmaxCrossEntropyWithLogits")
def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Tensor:
    """Return the softmax cross-entropy of integer labels for each row."""
    z = numbers("SparseSoftmaxCrossEntropyWithLogits", logits, FLOATS)._read()
    places = convert(labels)
    k = places._read()
    if not places.dtype.is_integer:
        raise InvalidArgumentError(f"Labels have dtype {places.dtype.name}. Give int32 or int64: tf.cast(labels, tf.int32).")
    if k.shape != z.shape[:-1]:
        raise ConversionError(
            f"`labels.shape` must equal `logits.shape` except for the last dimension: {k.shape} and {z.shape}."
        )
    if k.value is not None and k.size and not 0 <= np.min(k.value) <= np.max(k.value) < z.shape[-1]:
        raise InvalidArgumentError(
            f"Received a label value outside the valid range of [0, {z.shape[-1]}) [Op:SparseSoftmaxCrossEntropyWithLogits]. "
            f"Label values: {np.asarray(k.value, int).tolist()}."
        )
    own = selection.take_along_axis(softmax.log_softmax(z, axis=-1), shapes.expand_dims(k, -1), -1)
    return made(-shapes.squeeze(own, -1))


@named("SigmoidCrossEntropyWithLogits")
def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Tensor:
    """Return the cross-entropy of ``sigmoid(logits)``, element by element."""
    return weighted_cross_entropy_with_logits(labels, logits, 1.0)


@named("WeightedCrossEntropyWithLogits")
def weighted_cross_entropy_with_logits(labels: Any, logits: Any, pos_weight: Any, name: str | None = None) -> Tensor:
    """Return the sigmoid cross-entropy with positive labels weighted by ``pos_weight``."""
    y, z, weight = (t._read() for t in agreed("LogisticLoss", (labels, logits, pos_weight), FLOATS))
    if y.shape != z.shape:
        raise ConversionError(f"`logits` and `labels` must have the same shape, received ({z.shape} vs {y.shape}).")
    if pos_weight == 1:
        return made(ew.relu(z) - z * y + ew.log1p(ew.exp(-ew.abs(z))))
    factor = 1.0 + (weight - 1.0) * y
    return made((1.0 - y) * z + factor * (ew.log1p(ew.exp(-ew.abs(z))) + ew.relu(-z)))


@public()
def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """Return half the sum of squares."""
    return made(library.sum(ew.square(numbers("L2Loss", t, FLOATS)._read())) / 2.0)


@named("LogPoissonLoss")
def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None) -> Tensor:
    """Return ``exp(log_input) - log_input * targets``, element by element."""
    if compute_full_loss:
        raise InvalidArgumentError("tf.nn.log_poisson_loss(compute_full_loss=True) is not supported. Omit it.")
    t, z = (x._read() for x in agreed("LogPoissonLoss", (targets, log_input), FLOATS))
    return made(ew.exp(z) - z * t)


@named("Moments")
def moments(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance over axes."""
    value = numbers("Moments", x, FLOATS)._read()
    over = axes_of(axes)
    return made(library.mean(value, over, keepdims)), made(library.var(value, over, 0, keepdims))


@named("BatchNormalization")
def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any, name: str | None = None
) -> Tensor:
    """Return ``(x - mean) / sqrt(variance + variance_epsilon) * scale + offset``; scale and offset may be None."""
    value, m, v = (t._read() for t in agreed("BatchNormalization", (x, mean, variance), FLOATS))
    factor = 1.0 / ew.sqrt(v + float(variance_epsilon))
    factor = factor if scale is None else factor * convert(scale)._read()
    moved = -m * factor if offset is None else convert(offset)._read() - m * factor
    return made(value * factor + moved)


@named("BiasAdd")
def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """Return ``value + bias``, with one bias for each element of the last axis."""
    x, b = agreed("BiasAdd", (value, bias))
    if len(b._plain_shape) != 1 or b._plain_shape != x._plain_shape[-1:]:
        raise InvalidArgumentError(
            f"Must provide as many biases as the last dimension of {x.shape}, not {b.shape} [Op:BiasAdd]."
        )
    return made(x._read() + b._read(), x._integer)


@named("Dropout")
def dropout(x: Any, rate: Any, noise_shape: Any = None, seed: Any = None, name: str | None = None) -> Tensor:
    """Set elements to 0 with probability ``rate``, and divide the remaining ones by ``1 - rate``."""
    from jitgrad.compat.tensorflow.random import uniform

    value = numbers("Dropout", x, FLOATS)
    if not 0 <= float(rate) < 1:
        raise ConversionError(f"`rate` must be a scalar tensor or a float in the range [0, 1). Received: rate={rate}.")
    if float(rate) == 0:
        return value
    shape = value._plain_shape if noise_shape is None else sizes(noise_shape)
    kept = ew.greater_equal(uniform(shape, dtype=dtypes.float32, seed=seed)._read(), float(rate))
    return made(ew.where(kept, value._read() / (1.0 - float(rate)), 0.0))


@named("EmbeddingLookup")
def embedding_lookup(params: Any, ids: Any, max_norm: Any = None, name: str | None = None) -> Tensor:
    """Return the rows of ``params`` at ``ids``."""
    if max_norm is not None:
        raise InvalidArgumentError("tf.nn.embedding_lookup does not support max_norm. Use tf.clip_by_norm on the rows.")
    return gather(params, ids)
