"""Which targets a loss has a meaning for."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.errors import DataError
from jitgrad.ops.elementwise import where
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import checked

SPARSE = "sparse_categorical_crossentropy"


_TARGETS: dict[str, tuple[Callable[[Any, int], Any], str]] = {
    "sparse_categorical_crossentropy": (
        lambda y, classes: (y < 0) | (y >= classes) | (y != np.floor(y)),
        "no class from 0 to {last}: the model predicts {classes}",
    ),
    "categorical_crossentropy": (lambda y, _: (y < 0) | (y > 1), "no probability"),
    "kl_divergence": (lambda y, _: (y < 0) | (y > 1), "no probability"),
    "binary_crossentropy": (lambda y, _: (y < 0) | (y > 1), "not between 0 and 1"),
    "hinge": (lambda y, _: (y != 0) & (y != 1) & (y != -1), "not -1, 0 or 1"),
    "squared_hinge": (lambda y, _: (y != 0) & (y != 1) & (y != -1), "not -1, 0 or 1"),
    "categorical_hinge": (lambda y, _: (y != 0) & (y != 1), "not 0 or 1"),
    "binary_focal_crossentropy": (lambda y, _: (y < 0) | (y > 1), "not between 0 and 1"),
    "categorical_focal_crossentropy": (lambda y, _: (y < 0) | (y > 1), "no probability"),
    "poisson": (lambda y, _: y < 0, "negative"),
    "gamma": (lambda y, _: y <= 0, "not positive"),
}  # fmt: skip
"""Which targets a loss has no meaning for, beside nan."""


def meaningful(name: str, target: Tensor, prediction: Tensor, value: Any) -> Any:
    """``value``, for targets that the loss ``name`` has a meaning for.

    Where they are known, or the inputs of what is traced, another is a DataError with its row; else its value is nan.
    """
    if name not in _TARGETS:
        return value
    has_none, _ = _TARGETS[name]
    classes = prediction.shape[-1] if prediction.ndim else 0
    if checked(target, functools.partial(_check_targets, name, classes), "The target"):
        return value
    return where(has_none(target, classes), math.nan, value)


def _check_targets(loss_name: str, classes: int, name: str, target: np.ndarray) -> None:
    has_none, what = _TARGETS[loss_name]
    wrong = has_none(target, classes)
    if wrong.any():
        found = np.argwhere(wrong)
        said = what.format(last=classes - 1, classes=classes)
        row = f" in row {found[0][0]}" if target.ndim else ""
        raise DataError(
            f"{name} has {target[tuple(found[0])]}{row}, which is {said}. Correct it, or choose another loss than {loss_name}."
        )
