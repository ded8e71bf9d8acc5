"""DataLoader: batches of a data set."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from jitgrad.compat.torch.random import Generator
from jitgrad.compat.torch.tensor import Tensor, constant
from jitgrad.compat.torch.utils.data.collate import default_collate, default_convert
from jitgrad.compat.torch.utils.data.dataset import Dataset, IterableDataset, Subset, TensorDataset
from jitgrad.compat.torch.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from jitgrad.errors import ArgumentError

_AT_ONCE = 4096
"""The number of rows of a TensorDataset that one indexing operation takes, before they are cut into batches."""


class DataLoader:
    """Batches of a data set, drawn anew for each iteration.

    All data are loaded in this process, so ``num_workers``, ``pin_memory``, ``prefetch_factor`` and similar arguments have no
    effect. The rows of a TensorDataset are taken many at a time.
    """

    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None, sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[list[Any]] | None = None, num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None, pin_memory: bool = False, drop_last: bool = False, timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None, multiprocessing_context: Any = None,
        generator: Generator | None = None, *, prefetch_factor: int | None = None, persistent_workers: bool = False,
        pin_memory_device: str = "", in_order: bool = True,
    ) -> None:  # fmt: skip
        self.dataset = dataset
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self._iterable = isinstance(dataset, IterableDataset)
        _check(self._iterable, batch_size, shuffle, sampler, batch_sampler, drop_last)
        if sampler is None and not self._iterable:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler = sampler
        self.batch_size = batch_size if batch_sampler is None else None
        self.drop_last = drop_last
        if batch_sampler is None and batch_size is not None and sampler is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        elif batch_size is not None and self._iterable and (not isinstance(batch_size, int) or batch_size <= 0):
            raise ArgumentError(f"batch_size should be a positive integer value, but got batch_size={batch_size}.")
        self.batch_sampler = batch_sampler
        batched = batch_sampler is not None or batch_size is not None
        self.collate_fn = collate_fn or (default_collate if batched else default_convert)

    def __len__(self) -> int:
        if self._iterable:
            rows = len(self.dataset)
            if self.batch_size is None:
                return rows
            return rows // self.batch_size if self.drop_last else -(-rows // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        if self._iterable:
            return self._of_iterable()
        if self.batch_sampler is None:
            assert self.sampler is not None
            return (self.collate_fn(self.dataset[index]) for index in self.sampler)
        if self.collate_fn is default_collate and type(self.batch_sampler) is BatchSampler:
            found = _columns(self.dataset)
            if found is not None:
                return _slices(*found, self.batch_sampler)
        return self._of_rows()

    def _of_iterable(self) -> Iterator[Any]:
        rows = iter(self.dataset)
        if self.batch_size is None:
            yield from map(self.collate_fn, rows)
            return
        while batch := list(itertools.islice(rows, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield self.collate_fn(batch)

    def _of_rows(self) -> Iterator[Any]:
        many = getattr(self.dataset, "__getitems__", None)
        assert self.batch_sampler is not None
        for batch in self.batch_sampler:
            yield self.collate_fn([self.dataset[index] for index in batch] if many is None else many(batch))


def _check(iterable: bool, batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: bool) -> None:
    """Raise ArgumentError for mutually exclusive arguments."""
    if iterable and (shuffle or sampler is not None or batch_sampler is not None):
        raise ArgumentError(
            "DataLoader with IterableDataset does not support shuffle, sampler and batch_sampler. Shuffle in its __iter__."
        )
    if sampler is not None and shuffle:
        raise ArgumentError("sampler option is mutually exclusive with shuffle. Omit one of them.")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ArgumentError(
            "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last. Omit those."
        )
    if batch_size is None and batch_sampler is None and drop_last:
        raise ArgumentError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last.")


def _columns(dataset: Dataset[Any]) -> tuple[tuple[Tensor, ...], np.ndarray | None] | None:
    """Return the tensors behind a data set and the selected rows (None for all), or None for a data set read row by row."""
    if type(dataset) is TensorDataset:
        return None if any(tensor.requires_grad for tensor in dataset.tensors) else (dataset.tensors, None)
    if type(dataset) is Subset:
        found = _columns(dataset.dataset)
        if found is not None:
            chosen = np.asarray(dataset.indices, np.int64)
            return found[0], chosen if found[1] is None else found[1][chosen]
    return None


def _slices(tensors: tuple[Tensor, ...], chosen: np.ndarray | None, batches: BatchSampler) -> Iterator[list[Tensor]]:
    """Yield batches in the order of the sampler. Rows of many batches are gathered at once, and sliced."""
    size = batches.batch_size
    arrays = [(tensor._read().force(), tensor) for tensor in tensors]
    rows = iter(batches.sampler)
    together = max(1, _AT_ONCE // size) * size
    while len(taken := np.fromiter(itertools.islice(rows, together), np.int64)):
        at = taken if chosen is None else chosen[taken]
        blocks = [array[at] for array, _ in arrays]
        for block in blocks:
            block.setflags(write=False)
        for begin in range(0, len(taken), size):
            if begin + size <= len(taken) or not batches.drop_last:
                yield [constant(block[begin : begin + size], like) for block, (_, like) in zip(blocks, arrays, strict=True)]
