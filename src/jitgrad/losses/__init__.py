"""Loss functions: scalar measures of the error of predictions.

Each loss takes ``(target, prediction)`` with the rows along the first axis. It averages over the elements of a
row, then over the rows. With ``sample_weight``, an array with one weight per row, it returns the mean of the
weighted losses of the rows. ``loss.by_row(target, prediction)`` returns the loss of each row. The names
follow Keras. To set an option of a loss that is passed to ``compile``, bind it with ``functools.partial``:
``functools.partial(losses.huber, delta=0.1)``.

After a softmax or a sigmoid, the cross-entropy is computed from the logits, so it does not overflow.
"""

from jitgrad.arguments import by_name
from jitgrad.losses.classes import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    kl_divergence,
    sparse_categorical_crossentropy,
)
from jitgrad.losses.likelihoods import gamma, gaussian_nll, poisson
from jitgrad.losses.loss import Loss, LossFunction
from jitgrad.losses.margins import categorical_hinge, hinge, squared_hinge
from jitgrad.losses.numbers import (
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    quantile,
    smooth_l1,
)

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
"""The losses by name, as ``compile`` accepts them."""


def get(name: str | LossFunction) -> LossFunction:
    """Return a loss function.

    Parameters
    ----------
    name : str or callable
        Name of a loss (a key of ``LOSSES``), such as ``"mse"``; or a function of targets and predictions, which
        is returned unchanged.

    Returns
    -------
    callable
        The loss function.

    Raises
    ------
    ArgumentError
        If no loss has this name.

    Examples
    --------
    >>> jg.losses.get("mse") is jg.losses.mean_squared_error
    True
    """
    if callable(name):
        return name
    return by_name("loss", name, LOSSES, also=", or a function of targets and predictions")


__all__ = [
    "LOSSES",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "gamma",
    "gaussian_nll",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "quantile",
    "smooth_l1",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]
