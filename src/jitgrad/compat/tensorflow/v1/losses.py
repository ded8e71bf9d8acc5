"""``tf.losses`` of TensorFlow 1: losses that are weighted, reduced and collected in the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import math, nn
from jitgrad.compat.tensorflow.constants import cast, one_hot, ones_like, stop_gradient
from jitgrad.compat.tensorflow.elementwise import where
from jitgrad.compat.tensorflow.v1.graph import GraphKeys, get_default_graph
from jitgrad.compat.tensorflow.v1.staging import eager, staged
from jitgrad.errors import ArgumentError


class Reduction:
    """How the losses of the elements are combined."""

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS


def _reduced(losses: Any, weights: Any, reduction: str) -> Any:
    """Combine the weighted losses of elements into one number."""
    weighed = losses * weights
    if reduction == Reduction.NONE:
        return weighed
    total = math.reduce_sum(weighed)
    if reduction == Reduction.SUM:
        return total
    each = ones_like(losses) * weights
    count = {
        Reduction.SUM_OVER_BATCH_SIZE: ones_like(losses),
        Reduction.MEAN: each,
        Reduction.SUM_BY_NONZERO_WEIGHTS: cast(math.not_equal(each, 0.0), losses.dtype),
    }[reduction]
    return math.divide_no_nan(total, math.reduce_sum(count))


def _loss(name: str, f: Callable[..., Any], first: str, second: str) -> Callable[..., Any]:
    """Define a loss of two operands, with TensorFlow's argument names and options."""

    def loss(
        a: Any, b: Any, weights: Any = 1.0, scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
        reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS, **options: Any,
    ) -> Any:  # fmt: skip
        if reduction not in vars(Reduction).values():
            raise ArgumentError(f"Invalid Reduction Key {reduction!r}. Use one of tf.losses.Reduction.")
        each = staged(name, lambda a, b, w: _reduced(f(eager(a), eager(b), **options), w, reduction))
        made = each(a, b, weights, name=scope)
        if loss_collection is not None:
            get_default_graph().add_to_collection(loss_collection, made)
        return made

    def function(*args: Any, **kwargs: Any) -> Any:
        given = list(args)
        for place, key in enumerate((first, second)):
            if key in kwargs:
                given.insert(place, kwargs.pop(key))
        return loss(*given, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f.__doc__
    return function


def _as(x: Any, like: Any) -> Any:
    return x if x.dtype is like.dtype else cast(x, like.dtype)


def _squared(labels: Any, predictions: Any) -> Any:
    """Return the squared difference."""
    return math.squared_difference(predictions, _as(labels, predictions))


def _absolute(labels: Any, predictions: Any) -> Any:
    """Return the absolute difference."""
    return math.abs(predictions - _as(labels, predictions))


def _huber(labels: Any, predictions: Any, delta: float = 1.0) -> Any:
    """Return the Huber loss: quadratic up to ``delta``, linear beyond."""
    error = math.abs(predictions - _as(labels, predictions))
    return where(error <= delta, 0.5 * math.square(error), delta * error - 0.5 * delta * delta)


def _hinge(labels: Any, logits: Any) -> Any:
    """Return the hinge loss of labels 0 or 1 and logits."""
    return nn.relu(1.0 - (2.0 * _as(labels, logits) - 1.0) * logits)


def _log(labels: Any, predictions: Any, epsilon: float = 1e-7) -> Any:
    """Return the negative log-likelihood of labels, given probabilities."""
    y = _as(labels, predictions)
    return -y * math.log(predictions + epsilon) - (1.0 - y) * math.log(1.0 - predictions + epsilon)


def _sigmoid(multi_class_labels: Any, logits: Any, label_smoothing: float = 0) -> Any:
    """Return the cross-entropy of labels 0 or 1 and logits."""
    y = _as(multi_class_labels, logits)
    return nn.sigmoid_cross_entropy_with_logits(y * (1.0 - label_smoothing) + 0.5 * label_smoothing, logits)


def _softmax(onehot_labels: Any, logits: Any, label_smoothing: float = 0) -> Any:
    """Return the cross-entropy of one-hot labels and rows of logits."""
    y = stop_gradient(_as(onehot_labels, logits))
    if label_smoothing:
        y = y * (1.0 - label_smoothing) + label_smoothing / y.shape[-1]
    return nn.softmax_cross_entropy_with_logits(y, logits)


def _sparse(labels: Any, logits: Any) -> Any:
    """Return the cross-entropy of integer labels and rows of logits."""
    flat = labels[..., 0] if len(labels.shape) == len(logits.shape) else labels
    return nn.softmax_cross_entropy_with_logits(one_hot(flat, logits.shape[-1], dtype=logits.dtype), logits)


mean_squared_error = _loss("mean_squared_error", _squared, "labels", "predictions")
absolute_difference = _loss("absolute_difference", _absolute, "labels", "predictions")
huber_loss = _loss("huber_loss", _huber, "labels", "predictions")
hinge_loss = _loss("hinge_loss", _hinge, "labels", "logits")
log_loss = _loss("log_loss", _log, "labels", "predictions")
sigmoid_cross_entropy = _loss("sigmoid_cross_entropy", _sigmoid, "multi_class_labels", "logits")
softmax_cross_entropy = _loss("softmax_cross_entropy", _softmax, "onehot_labels", "logits")
sparse_softmax_cross_entropy = _loss("sparse_softmax_cross_entropy", _sparse, "labels", "logits")


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Any]:
    """Return the losses that were created in the graph."""
    return get_default_graph().get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    """Return the penalties that regularizers have added."""
    return get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_total_loss(add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None) -> Any:
    """Return the sum of the losses that were created in the graph."""
    found = get_losses(scope) + (get_regularization_losses(scope) if add_regularization_losses else [])
    if not found:
        raise ArgumentError("The graph has no losses. Create one with tf.losses first.")
    return staged("AddN", math.add_n)(found, name=name)


def add_loss(loss: Any, loss_collection: str = GraphKeys.LOSSES) -> None:
    """Add a loss to the sum that ``get_total_loss`` returns."""
    get_default_graph().add_to_collection(loss_collection, loss)


def compute_weighted_loss(
    losses: Any, weights: Any = 1.0, scope: str | None = None, loss_collection: str = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """Combine the losses of elements into one number."""
    made = staged("weighted_loss", lambda x, w: _reduced(x, w, reduction))(losses, weights, name=scope)
    get_default_graph().add_to_collection(loss_collection, made)
    return made


__all__ = [
    "Reduction", "absolute_difference", "add_loss", "compute_weighted_loss", "get_losses", "get_regularization_losses",
    "get_total_loss", "hinge_loss", "huber_loss", "log_loss", "mean_squared_error", "sigmoid_cross_entropy",
    "softmax_cross_entropy", "sparse_softmax_cross_entropy",
]  # fmt: skip
__getattr__ = missing("tensorflow.v1.losses", __all__)
