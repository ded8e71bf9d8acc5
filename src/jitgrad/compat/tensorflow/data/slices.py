"""Datasets of arrays' slices: their order is shuffled and cut, and batches are taken at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jitgrad import random
from jitgrad.compat.tensorflow.arguments import integer
from jitgrad.compat.tensorflow.data import elements, steps
from jitgrad.compat.tensorflow.data.dataset import Dataset
from jitgrad.compat.tensorflow.spec import TensorSpec


class Slices(Dataset):
    """Slices of arrays by an order of rows, so that batches of them are cut at once."""

    def __init__(self, whole: Any, n: int, order: Callable[[], np.ndarray], count: int, kind: str) -> None:
        self._whole, self._n, self._order = whole, n, order
        spec = elements.map_leaves(lambda x: TensorSpec(x.array.shape[1:], x.dtype), whole)
        super().__init__(self._rows, count, kind, spec)

    def _rows(self) -> Iterator[Any]:
        whole = self._whole
        return (elements.cut(whole, i) for i in self._order())

    def shuffle(
        self, buffer_size: Any, seed: Any = None, reshuffle_each_iteration: bool | None = None, name: str | None = None
    ) -> Dataset:
        """As of any dataset; the order alone is shuffled."""
        size = steps.positive("buffer_size", buffer_size)
        fixed = seed if seed is not None else int(random.generator().integers(2**31))
        source = steps.draws(seed, fixed, reshuffle_each_iteration is not False)

        def order() -> np.ndarray:
            before, draw = self._order(), source()
            if size >= len(before):
                return before[draw.permutation(len(before))]
            return np.array(list(steps.shuffled(iter(before), size, draw)), np.int64)

        return Slices(self._whole, self._n, order, self._count, "_ShuffleDataset")

    def take(self, count: Any, name: str | None = None) -> Dataset:
        """The first elements."""
        n = integer(count)
        kept = self._count if n < 0 else min(n, self._count)
        return Slices(self._whole, self._n, lambda: self._order()[:kept], kept, "_TakeDataset")

    def skip(self, count: Any, name: str | None = None) -> Dataset:
        """The elements after the first ones."""
        gone = self._count if integer(count) < 0 else min(integer(count), self._count)
        return Slices(self._whole, self._n, lambda: self._order()[gone:], self._count - gone, "_SkipDataset")

    def batch(
        self, batch_size: Any, drop_remainder: bool = False, num_parallel_calls: Any = None, deterministic: Any = None,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """``batch_size`` elements as one, cut at once."""
        n, whole = steps.positive("batch_size", batch_size), self._whole

        def begin() -> Iterator[Any]:
            order = self._order()
            stop = len(order) // n * n if drop_remainder else len(order)
            for start in range(0, stop, n):
                yield elements.cut(whole, order[start : start + n])

        spec = steps.batched_spec(self, n if drop_remainder else None)
        return self._step(
            begin, steps.batches(self._count, n, drop_remainder), steps.parallel(num_parallel_calls, "Batch"), spec
        )
