"""Shapes, axes and sizes in the forms that TensorFlow accepts: numbers, lists, and tensors."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from jitgrad.compat.tensorflow.errors import InvalidArgumentError
from jitgrad.compat.tensorflow.operands import translated
from jitgrad.errors import ArgumentError, IndexingError, ShapeError
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import public

P = ParamSpec("P")
R = TypeVar("R")


def sizes(shape: Any) -> tuple[int, ...]:
    """Convert a number, a list that may contain tensors, or a tensor to a shape."""
    if type(shape) is int:
        return (shape,)
    if isinstance(shape, Operators):
        return tuple(np.asarray(shape._value()).reshape(-1).tolist())
    if isinstance(shape, np.ndarray) or np.isscalar(shape):
        return tuple(int(n) for n in np.ravel(np.asarray(shape)))
    try:
        return tuple(operator.index(n) for n in shape)
    except TypeError:
        raise InvalidArgumentError(f"A shape is {shape!r}. Give integers.") from None


def axes(axis: Any) -> Any:
    """Convert an axis to an integer, or several axes to a tuple; None stays None."""
    if axis is None or type(axis) is int:
        return axis
    if isinstance(axis, (Operators, np.ndarray)):
        axis = np.asarray(axis).tolist()
    return tuple(operator.index(a) for a in axis) if isinstance(axis, (list, tuple, range)) else operator.index(axis)


def integer(value: Any) -> int:
    """Convert a number or tensor to an integer."""
    return value if type(value) is int else operator.index(value)


def integers(value: Any) -> np.ndarray:
    """Convert a tensor, array or list with known values to an array of integers."""
    array = np.asarray(value.numpy() if isinstance(value, Operators) else value)
    if array.dtype.kind not in "iu" and array.size:
        raise InvalidArgumentError(f"Indices have dtype {array.dtype}. Give int32 or int64.")
    return array.astype(np.int64)


def named(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Wrap a function to raise TensorFlow's errors for shapes and indices; calls on symbols are deferred."""

    def decorate(f: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(f)
        def function(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return f(*args, **kwargs)
            except (ShapeError, IndexingError, ArgumentError) as error:
                raise translated(name, error) from None

        return public()(function)

    return decorate
