"""The range of valid targets of each loss."""

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
        "not a class from 0 to {last}; the number of predicted classes is {classes}",
    ),
    "categorical_crossentropy": (lambda y, _: (y < 0) | (y > 1), "not a probability"),
    "kl_divergence": (lambda y, _: (y < 0) | (y > 1), "not a probability"),
    "binary_crossentropy": (lambda y, _: (y < 0) | (y > 1), "not between 0 and 1"),
    "hinge": (lambda y, _: (y != 0) & (y != 1) & (y != -1), "not -1, 0 or 1"),
    "squared_hinge": (lambda y, _: (y != 0) & (y != 1) & (y != -1), "not -1, 0 or 1"),
    "categorical_hinge": (lambda y, _: (y != 0) & (y != 1), "not 0 or 1"),
    "binary_focal_crossentropy": (lambda y, _: (y < 0) | (y > 1), "not between 0 and 1"),
    "categorical_focal_crossentropy": (lambda y, _: (y < 0) | (y > 1), "not a probability"),
    "poisson": (lambda y, _: y < 0, "negative"),
    "gamma": (lambda y, _: y <= 0, "not positive"),
}  # fmt: skip
"""For each loss, a test for targets outside its range (nan aside), and their description in the error message."""


def meaningful(name: str, target: Tensor, prediction: Tensor, value: Any) -> Any:
    """Return ``value`` if the targets are in the range of the loss ``name``.

    If the targets are known, or are inputs of a trace, a target outside the range raises DataError with its
    row. Otherwise its value becomes nan.
    """
    if name not in _TARGETS:
        return value
    is_outside, _ = _TARGETS[name]
    classes = prediction.shape[-1] if prediction.ndim else 0
    if checked(target, functools.partial(_check_targets, name, classes), "The target"):
        return value
    return where(is_outside(target, classes), math.nan, value)


def _check_targets(loss_name: str, classes: int, name: str, target: np.ndarray) -> None:
    is_outside, what = _TARGETS[loss_name]
    wrong = is_outside(target, classes)
    if wrong.any():
        found = np.argwhere(wrong)
        said = what.format(last=classes - 1, classes=classes)
        row = f" in row {found[0][0]}" if target.ndim else ""
        raise DataError(
            f"{name} has {target[tuple(found[0])]}{row}, which is {said}. Correct it, or choose a loss other than {loss_name}."
        )
