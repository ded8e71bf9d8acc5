"""Targets as classes."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from jitgrad import losses
from jitgrad.errors import DataError
from jitgrad.functions.extremes import argmax
from jitgrad.functions.shapes import expand_dims
from jitgrad.losses import classes_of
from jitgrad.ops.elementwise import equal, greater, where
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import checked


def kind_of(target: Tensor, prediction: Tensor) -> str:
    """Which kind of classification: "binary", "categorical" or "sparse"."""
    if prediction.ndim < 2 or prediction.shape[-1] == 1:
        return "binary"
    return "categorical" if target.shape == prediction.shape else "sparse"


def known_classes(name: str, target: Tensor, prediction: Tensor) -> Tensor:
    """One class a row. Raises DataError for a number that is none."""
    classes = classes_of(name, target, prediction)
    told: Tensor = losses.meaningful("sparse_categorical_crossentropy", classes, prediction, classes)
    return told


def largest(name: str, target: Tensor) -> Tensor:
    """The class of each row of targets with a number for each class: that of the largest.

    Raises DataError for a row with several that are equally large, where it is known; else its class is nan.
    """
    classes = argmax(target, -1) * 1.0
    if checked(target, functools.partial(_check_one_largest, name), "The target"):
        return classes
    return where(greater(_times_largest(target), 1), math.nan, classes)


def _times_largest(target: Any) -> Any:
    """How often the largest number of each row is in it."""
    return np.sum(np.equal(target, np.max(target, axis=-1, keepdims=True)), axis=-1)


def _check_one_largest(metric: str, name: str, target: np.ndarray) -> None:
    rows = np.argwhere(_times_largest(target) > 1)
    if len(rows):
        raise DataError(
            f"{name} has several classes in row {rows[0][0]}, and {metric} counts one class a row. "
            f"Give one class a row, or compute the metric for each column."
        )


def one_hot(classes: Tensor, n: int) -> Tensor:
    return equal(expand_dims(classes, -1), np.arange(n)) * 1.0
