"""The base of all losses: averaging over rows, weights, and checks of shapes."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.reductions import mean
from jitgrad.functions.shapes import expand_dims, reshape
from jitgrad.losses.targets import SPARSE, meaningful
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike

LossFunction: TypeAlias = Callable[[Any, Any], Any]
"""A loss, or a function of targets and predictions that returns one number, or one per row."""

SMALLEST = 1e-7
"""Probabilities are clipped to [SMALLEST, 1 - SMALLEST], as in Keras."""


class Loss(Protocol):
    """The type of the losses in `jitgrad.losses`.

    A loss is a function of targets and predictions with an attribute ``by_row``, a function with the same arguments except
    ``sample_weight`` that returns the loss of each row. Any function that returns one number, or one per row, can be
    used in place of a loss.
    """

    by_row: Callable[..., Tensor]
    __name__: str

    def __call__(
        self, target: ArrayLike, prediction: ArrayLike, *args: Any, sample_weight: ArrayLike | None = None, **kwargs: Any
    ) -> Tensor:
        """Return the mean loss over the rows."""


def loss(by_row: Callable[..., Tensor], by_element: Callable[..., Tensor] | None = None) -> Loss:
    """Make a loss from a function of two Tensors that returns the loss of each row.

    ``by_element`` returns the losses of the elements, if the loss of a row is their mean.
    """

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
            raise ShapeError(
                f"{name}: sample_weight has shape {weight.shape} for rows of shape {rows.shape}. Give one weight per row."
            )
        return mean(rows * weight)

    function.by_row = rows_of  # type: ignore[attr-defined]
    function.__signature__ = _with_weights(inspect.signature(by_row))  # type: ignore[attr-defined]
    _LOSSES.append(function)
    return function  # type: ignore[return-value]


_LOSSES: list[Any] = []


def _with_weights(signature: inspect.Signature) -> inspect.Signature:
    """Return the public signature, which accepts arrays and has the argument ``sample_weight``."""
    named = [p.replace(annotation="ArrayLike") if p.annotation == "Tensor" else p for p in signature.parameters.values()]
    weight = inspect.Parameter("sample_weight", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="ArrayLike | None")
    return signature.replace(parameters=[*named, weight])


def by_row_of(f: Any) -> Callable[..., Any]:
    """Return the function that computes the loss of each row. Functions from outside this package are returned unchanged.

    A wrapper made with ``functools.wraps`` copies the attributes of the wrapped loss, so attributes do not identify a loss.
    """
    if isinstance(f, functools.partial):
        return functools.partial(by_row_of(f.func), *f.args, **f.keywords)
    rows: Callable[..., Any] = f.by_row if any(f is loss for loss in _LOSSES) else f
    return rows


def _told(name: str, target: Tensor, prediction: Tensor) -> Tensor:
    """Return the targets, with nan for targets outside the range of the loss. Classes are checked when their shape is known."""
    told: Tensor = target if name == SPARSE else meaningful(name, target, prediction, target)
    return told


def aligned(target: Any, prediction: Tensor) -> Tensor:
    """Return the target with a last axis of size 1 added or removed if that makes its shape equal to the
    prediction's.
    """
    target = as_tensor(target)
    if prediction.shape == (*target.shape, 1):
        return expand_dims(target, -1)
    return reshape(target, prediction.shape) if target.shape == (*prediction.shape, 1) else target


def classes_of(name: str, target: Tensor, prediction: Tensor) -> Tensor:
    """Return targets with one class for each row of predictions. Raises ShapeError for other shapes."""
    if target.shape == (*prediction.shape[:-1], 1):
        return reshape(target, prediction.shape[:-1])
    if target.shape != prediction.shape[:-1]:
        raise ShapeError(
            f"{name}: the target has shape {target.shape} and the prediction {prediction.shape}. "
            f"Give one class per row in the target, and one number per class in the prediction."
        )
    return target


def mean_of_row(x: Tensor) -> Tensor:
    """Average over all axes but the first."""
    return mean(reshape(x, (x.shape[0], math.prod(x.shape[1:]))), -1) if x.ndim > 1 else x


def alike(name: str, target: Tensor, prediction: Tensor) -> None:
    """Raise ShapeError if the shapes of the target and the prediction differ."""
    if target.shape != prediction.shape:
        raise ShapeError(
            f"{name}: the target has shape {target.shape} and the prediction {prediction.shape}. Give them the same shape."
        )


def elementwise(by_element: Callable[..., Tensor]) -> Loss:
    """Make a loss from a function that returns the loss of each element."""

    @functools.wraps(by_element)
    def by_row(target: Tensor, prediction: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        alike(by_element.__name__, target, prediction)
        return mean_of_row(by_element(target, prediction, *args, **kwargs))

    return loss(by_row, by_element)


def weighted(cost: Callable[..., Any], target: Any, prediction: Any, sample_weight: Any) -> Tensor:
    """Return the scalar loss of a loss of this package, or of a function that returns one number in total or one
    per row.

    Raises ArgumentError if there are sample weights and the function returns a single number.
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
            f"The loss {name_of(cost)} returns one number for all rows, so rows cannot be weighted. Return one number per row."
        )
    return made


def name_of(cost: Callable[..., Any]) -> str:
    """Return the name of a loss, with or without bound options."""
    return getattr(_plain(cost), "__name__", type(cost).__name__)


def _plain(cost: Callable[..., Any]) -> Callable[..., Any]:
    return cost.func if isinstance(cost, functools.partial) else cost


def is_own(cost: Any) -> bool:
    """Return whether a function is a loss of this package, with or without bound options."""
    return hasattr(_plain(cost), "by_row")
