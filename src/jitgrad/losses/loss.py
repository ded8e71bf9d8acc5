"""What every loss is: a function of rows of targets and predictions, and what is made of it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, Protocol

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.reductions import mean
from jitgrad.functions.shapes import expand_dims, reshape
from jitgrad.losses.targets import SPARSE, meaningful
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor

SMALLEST = 1e-7
"""Probabilities are kept this far from 0 and 1, as Keras does."""


class Loss(Protocol):
    """What a loss is."""

    by_row: Callable[..., Tensor]
    __name__: str

    def __call__(self, target: Any, prediction: Any, *args: Any, sample_weight: Any = None, **kwargs: Any) -> Tensor:
        """The mean over rows."""


def loss(by_row: Callable[..., Tensor], by_element: Callable[..., Tensor] | None = None) -> Loss:
    """Make a loss of a function of Tensors that returns the losses of the rows; of elements, if it is their mean."""

    name = by_row.__name__

    @public()
    @functools.wraps(by_row)
    def rows_of(target: Any, prediction: Any, *args: Any, **kwargs: Any) -> Tensor:
        target, prediction = as_tensor(target), as_tensor(prediction)
        return by_row(_told(name, target, prediction), prediction, *args, **kwargs)

    @public()
    @functools.wraps(by_row)
    def function(target: Any, prediction: Any, *args: Any, sample_weight: Any = None, **kwargs: Any) -> Tensor:
        prediction = as_tensor(prediction)
        target = aligned(target, prediction)
        if sample_weight is None and by_element is not None:
            alike(name, target, prediction)
            return mean(by_element(_told(name, target, prediction), prediction, *args, **kwargs))
        rows = rows_of(target, prediction, *args, **kwargs)
        if sample_weight is None:
            return mean(rows)
        weight = as_tensor(sample_weight)
        if weight.shape != rows.shape:
            raise ShapeError(f"{name}: sample_weight has shape {weight.shape} for {rows.shape} rows. Give one a row.")
        return mean(rows * weight)

    function.by_row = rows_of  # type: ignore[attr-defined]
    _LOSSES.append(function)
    return function  # type: ignore[return-value]


_LOSSES: list[Any] = []


def by_row_of(f: Any) -> Callable[..., Any]:
    """Of a loss, with options bound or not, the function that returns the losses of the rows; anything else itself.

    A wrapper made by ``functools.wraps`` has the attributes of the loss that it wraps, and is another function.
    """
    if isinstance(f, functools.partial):
        return functools.partial(by_row_of(f.func), *f.args, **f.keywords)
    rows: Callable[..., Any] = f.by_row if any(f is loss for loss in _LOSSES) else f
    return rows


def _told(name: str, target: Tensor, prediction: Tensor) -> Tensor:
    """Targets that the loss has a meaning for, or nan. Classes are seen to where their shape is known."""
    told: Tensor = target if name == SPARSE else meaningful(name, target, prediction, target)
    return told


def aligned(target: Any, prediction: Tensor) -> Tensor:
    """The target with the prediction's last axis of one number, or without its own, where only that tells them apart."""
    target = as_tensor(target)
    if prediction.shape == (*target.shape, 1):
        return expand_dims(target, -1)
    return reshape(target, prediction.shape) if target.shape == (*prediction.shape, 1) else target


def classes_of(name: str, target: Tensor, prediction: Tensor) -> Tensor:
    """Targets as one class a row of predictions, which have a number for each. Raises ShapeError for another shape."""
    if target.shape == (*prediction.shape[:-1], 1):
        return reshape(target, prediction.shape[:-1])
    if target.shape != prediction.shape[:-1]:
        raise ShapeError(
            f"{name}: the target has shape {target.shape} and the prediction {prediction.shape}. "
            f"Give one class a row, and a number for each class."
        )
    return target


def mean_of_row(x: Tensor) -> Tensor:
    """The mean over all axes but the first."""
    return mean(reshape(x, (x.shape[0], math.prod(x.shape[1:]))), -1) if x.ndim > 1 else x


def alike(name: str, target: Tensor, prediction: Tensor) -> None:
    """Raise ShapeError where two shapes differ."""
    if target.shape != prediction.shape:
        raise ShapeError(
            f"{name}: the target has shape {target.shape} and the prediction {prediction.shape}. Give them the same shape."
        )


def elementwise(by_element: Callable[..., Tensor]) -> Loss:
    """A loss of a function of elements."""

    @functools.wraps(by_element)
    def by_row(target: Tensor, prediction: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        alike(by_element.__name__, target, prediction)
        return mean_of_row(by_element(target, prediction, *args, **kwargs))

    return loss(by_row, by_element)


def weighted(cost: Callable[..., Any], target: Any, prediction: Any, sample_weight: Any) -> Tensor:
    """One number of a loss of this module, or of a function of a target and a prediction that returns one, or one a row.

    Raises ArgumentError where there are weights for the rows and the function returns one number for all of them.
    """
    if is_own(cost):
        made: Tensor = cost(target, prediction, sample_weight=sample_weight)
        return made
    if isinstance(prediction, Operators):
        target = aligned(target, as_tensor(prediction))
    made = as_tensor(cost(target, prediction))
    if made.ndim and sample_weight is None:
        return mean(made)
    if made.ndim:
        return mean(mean_of_row(made) * as_tensor(sample_weight))
    if sample_weight is not None:
        raise ArgumentError(
            f"The loss {name_of(cost)} returns one number for all rows, so they cannot be weighted. Return one a row."
        )
    return made


def name_of(cost: Callable[..., Any]) -> str:
    """The name of a loss, with its options bound or not."""
    return getattr(_plain(cost), "__name__", type(cost).__name__)


def _plain(cost: Callable[..., Any]) -> Callable[..., Any]:
    return cost.func if isinstance(cost, functools.partial) else cost


def is_own(cost: Any) -> bool:
    """Whether it is a loss of this module, with options bound or not."""
    return hasattr(_plain(cost), "by_row")
