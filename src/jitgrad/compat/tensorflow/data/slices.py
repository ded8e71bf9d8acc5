"""Slices of arrays in some order of rows, from which whole batches are taken at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow.data import elements, steps
from jitgrad.compat.tensorflow.spec import TensorSpec


class Slices:
    """Slices of nested arrays.

    Parameters
    ----------
    whole : nested Row
        The arrays.
    order : function
        Returns the row indices for a pass.
    """

    def __init__(self, whole: Any, order: Callable[[], np.ndarray]) -> None:
        self.whole = whole
        self.order = order

    def rows(self) -> Iterator[Any]:
        """Iterate over the slices."""
        return (elements.cut(self.whole, i) for i in self.order())

    def spec(self) -> Any:
        """Return the specification of a slice."""
        return elements.map_leaves(lambda x: TensorSpec(x.array.shape[1:], x.dtype), self.whole)

    def part(self, kept: slice) -> Slices:
        """Return some of the slices."""
        return Slices(self.whole, lambda: self.order()[kept])

    def shuffled(self, size: int, source: Callable[[], np.random.Generator]) -> Slices:
        """Return the slices in random order, each drawn from the next ``size`` slices."""

        def order() -> np.ndarray:
            before, draw = self.order(), source()
            if size >= len(before):
                return before[draw.permutation(len(before))]
            return np.array(list(steps.shuffled(iter(before), size, draw)), np.int64)

        return Slices(self.whole, order)

    def batches(self, n: int, whole_only: bool) -> Iterator[Any]:
        """Return batches of ``n`` slices."""
        order = self.order()
        stop = len(order) // n * n if whole_only else len(order)
        return (elements.cut(self.whole, order[start : start + n]) for start in range(0, stop, n))
