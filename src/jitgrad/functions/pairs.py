"""Elements together with their indices, recorded as one op, see ``tape.composite``.

Only the selected element receives the gradient, even if other elements are equal to it.
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
    """Return the first largest element along an axis, and its index; ``differs`` if a gradient may be requested."""
    return _kept(x, argmax(x, axis, True), axis, keepdims, differs, max)


@composite
def smallest(x: Tensor, axis: int, keepdims: bool, differs: bool) -> Pair:
    """Return the first smallest element along an axis, and its index."""
    return _kept(x, argmin(x, axis, True), axis, keepdims, differs, min)


@composite
def ranked(x: Tensor, rank: int, axis: int, keepdims: bool) -> Pair:
    """Return the element with position ``rank`` in ascending order, and its index."""
    places = moveaxis(moveaxis(argsort(x, axis), axis, 0)[rank : rank + 1], 0, axis)
    return _kept(x, places, axis, keepdims, True, None)


@composite
def ordered(x: Tensor, axis: int, descending: bool) -> Pair:
    """Sort along an axis, and return the permutation. The sort is stable."""
    places = argsort(-x if descending else x, axis)
    return take_along_axis(x, places, axis), places


@composite
def top(x: Tensor, k: int, axis: int, descending: bool) -> Pair:
    """Return the first ``k`` elements of ``ordered``, and their indices."""
    places = moveaxis(moveaxis(argsort(-x if descending else x, axis), axis, 0)[:k], 0, axis)
    return take_along_axis(x, places, axis), places
