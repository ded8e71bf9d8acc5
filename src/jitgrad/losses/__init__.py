"""Losses: scalar costs of predictions, made of the ops of the table.

Each takes ``(target, prediction)``, has the rows along the first axis, and returns the mean over rows of a row's loss, which is
the mean over its elements; with ``sample_weight``, an array of a number a row, the mean of the weighted losses. The names are
Keras's. ``loss.by_row(target, prediction)`` gives each row's loss. Options of a loss are bound with
``functools.partial(losses.huber, delta=0.1)``.

Cross-entropies of a softmax or sigmoid that was just computed are those of its logits, without overflow.
"""

from collections.abc import Callable
from typing import Any

from jitgrad.arguments import by_name
from jitgrad.losses.classes import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    kl_divergence,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from jitgrad.losses.loss import Loss, aligned, alike, by_row_of, classes_of, is_own, loss, name_of, weighted
from jitgrad.losses.numbers import (
    cosine_similarity,
    gamma,
    gaussian_nll,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    quantile,
    smooth_l1,
)
from jitgrad.losses.targets import meaningful

LOSSES: dict[str, Loss] = {
    "mse": mean_squared_error, "mean_squared_error": mean_squared_error,
    "mae": mean_absolute_error, "mean_absolute_error": mean_absolute_error,
    "huber": huber, "log_cosh": log_cosh, "quantile": quantile, "poisson": poisson, "gamma": gamma,
    "gaussian_nll": gaussian_nll, "cosine_similarity": cosine_similarity, "binary_crossentropy": binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy, "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
    "kl_divergence": kl_divergence, "hinge": hinge, "squared_hinge": squared_hinge, "categorical_hinge": categorical_hinge,
    "mape": mean_absolute_percentage_error, "mean_absolute_percentage_error": mean_absolute_percentage_error,
    "msle": mean_squared_logarithmic_error, "mean_squared_logarithmic_error": mean_squared_logarithmic_error,
    "smooth_l1": smooth_l1, "binary_focal_crossentropy": binary_focal_crossentropy,
    "categorical_focal_crossentropy": categorical_focal_crossentropy,
}  # fmt: skip


def get(name: str | Callable[..., Any]) -> Callable[..., Any]:
    """A loss by name, or a function itself. Raises ArgumentError for an unknown name."""
    if callable(name):
        return name
    return by_name("loss", name, LOSSES, also=", or a function of targets and predictions")


__all__ = [
    "LOSSES",
    "Loss",
    "aligned",
    "alike",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "by_row_of",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "classes_of",
    "cosine_similarity",
    "gamma",
    "gaussian_nll",
    "get",
    "hinge",
    "huber",
    "is_own",
    "kl_divergence",
    "log_cosh",
    "loss",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "meaningful",
    "name_of",
    "poisson",
    "quantile",
    "smooth_l1",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "weighted",
]
