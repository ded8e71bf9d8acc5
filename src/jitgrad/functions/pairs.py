"""Elements together with where they stand, each pair recorded as one op, see ``tape.composite``.

A gradient goes to the element that was taken alone, where elements are equal, too.
"""

from __future__ import annotations

from typing import Any

from jitgrad.functions.extremes import argmax, argmin, max, min
from jitgrad.functions.selection import argsort, take_along_axis
from jitgrad.functions.shapes import moveaxis, squeeze
from jitgrad.tape.composite import composite
from jitgrad.tape.tensor import Tensor

Pair = tuple[Tensor, Tensor]


def _kept(x: Tensor, places: Tensor, axis: int, keepdims: bool, differs: bool, values: Any) -> Pair:
    taken = take_along_axis(x, places, axis) if differs else values(x, axis, True)
    return (taken, places) if keepdims else (squeeze(taken, axis), squeeze(places, axis))


@composite
def largest(x: Tensor, axis: int, keepdims: bool, differs: bool) -> Pair:
    """The largest element along an axis, the first of equal ones; ``differs`` where a gradient may be asked for."""
    return _kept(x, argmax(x, axis, True), axis, keepdims, differs, max)


@composite
def smallest(x: Tensor, axis: int, keepdims: bool, differs: bool) -> Pair:
    """The smallest element along an axis, the first of equal ones."""
    return _kept(x, argmin(x, axis, True), axis, keepdims, differs, min)


@composite
def ranked(x: Tensor, rank: int, axis: int, keepdims: bool) -> Pair:
    """The element along an axis that ``rank`` others come before in ascending order."""
    places = moveaxis(moveaxis(argsort(x, axis), axis, 0)[rank : rank + 1], 0, axis)
    return _kept(x, places, axis, keepdims, True, None)


@composite
def ordered(x: Tensor, axis: int, descending: bool) -> Pair:
    """The elements along an axis in order; of equal ones the first comes first."""
    places = argsort(-x if descending else x, axis)
    return take_along_axis(x, places, axis), places


@composite
def top(x: Tensor, k: int, axis: int, descending: bool) -> Pair:
    """The first ``k`` of ``ordered``."""
    places = moveaxis(moveaxis(argsort(-x if descending else x, axis), axis, 0)[:k], 0, axis)
    return take_along_axis(x, places, axis), places
