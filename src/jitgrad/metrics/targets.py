"""Conversion of targets to classes."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from jitgrad.errors import DataError
from jitgrad.functions.extremes import argmax
from jitgrad.functions.shapes import expand_dims
from jitgrad.losses.loss import classes_of
from jitgrad.losses.targets import meaningful
from jitgrad.ops.elementwise import equal, greater, where
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import checked


def kind_of(target: Tensor, prediction: Tensor) -> str:
    """Return the kind of classification: "binary", "categorical" or "sparse"."""
    if prediction.ndim < 2 or prediction.shape[-1] == 1:
        return "binary"
    return "categorical" if target.shape == prediction.shape else "sparse"


def known_classes(name: str, target: Tensor, prediction: Tensor) -> Tensor:
    """Return one class per row. Raises DataError for a number that is not a class."""
    classes = classes_of(name, target, prediction)
    told: Tensor = meaningful("sparse_categorical_crossentropy", classes, prediction, classes)
    return told


def largest(name: str, target: Tensor) -> Tensor:
    """Return the position of the largest target of each row.

    If several are equally large, raises DataError if the targets are known; otherwise the class is nan.
    """
    classes = argmax(target, -1) * 1.0
    if checked(target, functools.partial(_check_one_largest, name), "The target"):
        return classes
    return where(greater(_times_largest(target), 1), math.nan, classes)


def _times_largest(target: Any) -> Any:
    """Return the number of times that the largest number of each row occurs in the row."""
    return np.sum(np.equal(target, np.max(target, axis=-1, keepdims=True)), axis=-1)


def _check_one_largest(metric: str, name: str, target: np.ndarray) -> None:
    rows = np.argwhere(_times_largest(target) > 1)
    if len(rows):
        raise DataError(
            f"{name} has several classes in row {rows[0][0]}, but {metric} takes one class per row. "
            f"Give one class per row, or compute the metric for each column."
        )


def one_hot(classes: Tensor, n: int) -> Tensor:
    """Convert classes to one-hot vectors."""
    return equal(expand_dims(classes, -1), np.arange(n)) * 1.0
