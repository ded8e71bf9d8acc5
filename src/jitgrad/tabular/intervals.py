"""Checks whether a model provides the requested intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jitgrad.errors import ArgumentError
from jitgrad.tabular.inference import Inference

if TYPE_CHECKING:
    from jitgrad.tabular.model import TableModel


def checked(model: TableModel, interval: str, level: float | None) -> tuple[Inference, float, float]:
    """Return the inference of a model, the level, and the variance of a new observation about its mean, or 0.

    Raises ArgumentError if the model does not provide the interval.
    """
    inference, level = model.inference, model.settings.level if level is None else level
    if inference is None or len(inference.outputs) > 1:
        what = "more than two classes" if inference is not None else "no standard errors"
        raise ArgumentError(f"Intervals are not available for a model with {what}. Predict without intervals.")
    if not 0 < level < 1:
        raise ArgumentError(f"{{argument}} is {level:g}. Give a number between 0 and 1, such as 0.95.", argument="level")
    if interval == "confidence":
        return inference, level, 0.0
    if interval != "prediction":
        raise ArgumentError(f"{{argument}} is {interval!r}. Use 'confidence' or 'prediction'.", argument="interval")
    if model.family != "gaussian" or model.link != "identity":
        raise ArgumentError(
            f"Model {model.kind!r} has no prediction intervals, only confidence intervals for the mean. "
            f"Use 'confidence' as {{argument}}.",
            argument="interval",
        )
    return inference, level, inference.dispersion
