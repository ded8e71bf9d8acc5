"""Validation of axes and shapes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.errors import AxisError, ShapeError
from jitgrad.ops import Shape

Axis = int | Sequence[int] | None


def axes_of(name: str, axis: Axis, ndim: int) -> tuple[int, ...]:
    """Return the axes as nonnegative integers in ascending order; None stands for all axes."""
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis % ndim,)
    if type(axis) is tuple and len(axis) == 1:
        return (axis_of(name, axis[0], ndim),)
    given = [operator.index(a) for a in sequence(axis)]
    axes = sorted(axis_of(name, a, ndim) for a in given)
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{name}: axis {axis} contains an axis twice. Pass each axis once.")
    return tuple(axes)


def axis_of(name: str, axis: Any, ndim: int) -> int:
    """Return an axis as a nonnegative integer. Raise AxisError if it is out of range."""
    i = operator.index(axis)
    if not -ndim <= i < ndim:
        advice = f"Use {-ndim} to {ndim - 1}." if ndim else "Reshape it first."
        raise AxisError(f"{name}: axis {i} is out of range for {ndim} {'axis' if ndim == 1 else 'axes'}. {advice}")
    return i % ndim


def sequence(value: Any) -> tuple[Any, ...]:
    """Return a number or a sequence of numbers as a tuple."""
    return tuple(value) if isinstance(value, (tuple, list, range)) or np.ndim(value) else (value,)


def shape_of(shape: int | Sequence[int], inferred: bool = False) -> Shape:
    """Return a shape as a tuple. The size -1 is allowed if sizes may be ``inferred``."""
    sizes = tuple(operator.index(n) for n in sequence(shape))
    if any(n < (-1 if inferred else 0) for n in sizes):
        raise ShapeError(f"A shape of {sizes} has a negative size. Pass sizes of at least 0.")
    return sizes
