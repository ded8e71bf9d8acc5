"""``tf.data.Dataset``: a chain of steps, each a function that begins a new pass over the elements."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from jitgrad import random
from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.arguments import integer
from jitgrad.compat.tensorflow.data import elements, steps
from jitgrad.compat.tensorflow.data.elements import Row
from jitgrad.compat.tensorflow.data.slices import Slices
from jitgrad.compat.tensorflow.errors import ConversionError, InvalidArgumentError
from jitgrad.compat.tensorflow.tensor import Tensor, convert, wrap_array

AUTOTUNE = -1
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2


class Options:
    """Options of a dataset, which have no effect."""

    def __init__(self) -> None:
        self.deterministic: bool | None = None


class OwnedIterator:
    """An iterator over one pass of a dataset."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._elements = dataset._begin()

    def __iter__(self) -> OwnedIterator:
        return self

    def __next__(self) -> Any:
        return elements.shown(next(self._elements))

    def get_next(self) -> Any:
        """Return the next element. Raises StopIteration at the end."""
        return next(self)

    @property
    def element_spec(self) -> Any:
        """The specification of the elements."""
        return self._dataset.element_spec


class Dataset:
    """A sequence of elements, each a tensor or a nest of tensors, created by ``from_tensor_slices`` and similar functions.

    Parameters
    ----------
    begin : function
        Begins a pass over the elements.
    count : int
        Number of elements; -1 if infinite, -2 if unknown.
    kind : str
        Name of the step that created it, for the printed form.
    spec : nested TensorSpec or function, optional
        Specification of the elements, or a function that returns it; by default the specification of the first element.
    slices : Slices, optional
        The arrays, if the elements are their slices.
    """

    def __init__(
        self, begin: Callable[[], Iterator[Any]], count: int, kind: str, spec: Any = None, slices: Slices | None = None
    ) -> None:
        self._begin = begin
        self._count = count
        self._kind = kind
        self._spec = spec
        self._slices = slices

    def __iter__(self) -> OwnedIterator:
        return OwnedIterator(self)

    def __len__(self) -> int:
        if self._count < 0:
            raise TypeError(
                "The dataset is infinite." if self._count == INFINITE_CARDINALITY else "The dataset length is unknown."
            )
        return self._count

    def __bool__(self) -> bool:
        return True

    def cardinality(self, name: str | None = None) -> Tensor:
        """Return the number of elements; -1 if infinite, -2 if unknown."""
        return wrap_array(np.int64(self._count))

    @property
    def element_spec(self) -> Any:
        """The specification of the elements."""
        if callable(self._spec):
            self._spec = self._spec()
        if self._spec is None:
            first = next(self._begin(), None)
            if first is None:
                raise InvalidArgumentError("The elements of an empty dataset are unknown. Add elements to the dataset.")
            self._spec = elements.spec_of(first)
        return self._spec

    def __repr__(self) -> str:
        return f"<{self._kind} element_spec={self.element_spec!r}>"

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Iterate over the elements as arrays."""
        return (elements.map_leaves(steps.numpy_of, element) for element in self._begin())

    def get_single_element(self, name: str | None = None) -> Any:
        """Return the only element. Raises InvalidArgumentError if there are none or several."""
        found = [element for _, element in zip(range(2), self, strict=False)]
        if len(found) != 1:
            raise InvalidArgumentError(f"Dataset {'had more than one element' if found else 'was empty'}. It must have one.")
        return found[0]

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """Create a dataset of the slices of arrays along their first axis."""
        whole = elements.rows(tensors)
        n = elements.length(whole)
        return Dataset._of_slices(Slices(whole, lambda: np.arange(n)), n, "_TensorSliceDataset")

    @staticmethod
    def _of_slices(slices: Slices, count: int, kind: str) -> Dataset:
        return Dataset(slices.rows, count, kind, slices.spec(), slices)

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """Create a dataset with one element."""
        whole = elements.rows(tensors)
        return Dataset(lambda: iter([whole]), 1, "_TensorDataset")

    @staticmethod
    def range(*args: Any, **kwargs: Any) -> Dataset:
        """Create a dataset of integers, like Python's ``range``."""
        kind = kwargs.get("output_type", dtypes.int64)
        made = Dataset.from_tensor_slices(wrap_array(np.arange(*[integer(a) for a in args]), kind))
        made._kind = "_RangeDataset"
        return made

    @staticmethod
    def from_generator(
        generator: Callable[..., Iterable[Any]], output_types: Any = None, output_shapes: Any = None, args: Any = None,
        output_signature: Any = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Create a dataset from a Python generator, with the dtypes and shapes of ``output_signature``."""
        if output_signature is None:
            if output_types is None:
                raise ConversionError("Either `output_types` or `output_signature` must be specified. Give the latter.")
            shapes = elements.map_leaves(lambda _: None, output_types) if output_shapes is None else output_shapes
            output_signature = steps.specs_of(output_types, shapes)
        given = () if args is None else tuple(convert(a).numpy() for a in args)
        spec = output_signature

        def begin() -> Iterator[Any]:
            return (elements.typed(element, spec) for element in generator(*given))

        return Dataset(begin, UNKNOWN_CARDINALITY, "_FlatMapDataset", spec)

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Combine the elements of several datasets into tuples, up to the end of the shortest."""
        nest = (args[0] if len(args) == 1 else tuple(args)) if datasets is None else datasets
        parts = elements.leaves(nest)

        def begin() -> Iterator[Any]:
            for row in zip(*[part._begin() for part in parts], strict=False):
                yield elements.refilled(nest, row)

        counts = [part._count for part in parts]
        finite = [c for c in counts if c >= 0]
        count = UNKNOWN_CARDINALITY if UNKNOWN_CARDINALITY in counts else min(finite) if finite else INFINITE_CARDINALITY
        return Dataset(begin, count, "_ZipDataset")

    def _step(self, begin: Callable[[], Iterator[Any]], count: int, kind: str, spec: Any = None) -> Dataset:
        return Dataset(begin, count, kind, spec)

    def map(
        self, map_func: Callable[..., Any], num_parallel_calls: Any = None, deterministic: Any = None, synchronous: Any = None,
        use_unbounded_threadpool: bool = False, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Apply ``map_func`` to each element; a tuple is passed as several arguments."""
        call = steps.called(map_func)
        return self._step(
            lambda: (steps.result(call(e)) for e in self._begin()), self._count, steps.parallel(num_parallel_calls, "Map")
        )

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """Keep the elements for which ``predicate`` is true."""
        call = steps.called(predicate)
        return self._step(lambda: (e for e in self._begin() if call(e)), UNKNOWN_CARDINALITY, "_FilterDataset", self._spec)

    def batch(
        self, batch_size: Any, drop_remainder: bool = False, num_parallel_calls: Any = None, deterministic: Any = None,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Stack ``batch_size`` elements into one; the last batch may be smaller."""
        n = steps.positive("batch_size", batch_size)

        slices = self._slices

        def begin() -> Iterator[Any]:
            if slices is not None:
                return slices.batches(n, drop_remainder)
            return (elements.stacked(group) for group in steps.groups(self._begin(), n, drop_remainder))

        spec = functools.partial(steps.batched_spec, self, n if drop_remainder else None)
        return self._step(
            begin, steps.batches(self._count, n, drop_remainder), steps.parallel(num_parallel_calls, "Batch"), spec
        )

    def padded_batch(
        self, batch_size: Any, padded_shapes: Any = None, padding_values: Any = None, drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Stack elements of different shapes, padded to the largest."""
        n = steps.positive("batch_size", batch_size)

        def begin() -> Iterator[Any]:
            groups = steps.groups(self._begin(), n, drop_remainder)
            return (elements.padded(group, padded_shapes, padding_values) for group in groups)

        return self._step(begin, steps.batches(self._count, n, drop_remainder), "_PaddedBatchDataset")

    def unbatch(self, name: str | None = None) -> Dataset:
        """Split each element into its slices."""

        def begin() -> Iterator[Any]:
            for e in self._begin():
                for i in range(elements.length(e)):
                    yield elements.cut(e, i)

        return self._step(begin, UNKNOWN_CARDINALITY, "_UnbatchDataset")

    def shuffle(
        self, buffer_size: Any, seed: Any = None, reshuffle_each_iteration: bool | None = None, name: str | None = None
    ) -> Dataset:
        """Shuffle the elements: each is drawn from a buffer of ``buffer_size`` elements, in a different order in each pass."""
        size = steps.positive("buffer_size", buffer_size)
        again = reshuffle_each_iteration is not False
        fixed = seed if seed is not None else int(random.generator().integers(2**31))
        source = steps.draws(seed, fixed, again)
        if self._slices is not None:
            return Dataset._of_slices(self._slices.shuffled(size, source), self._count, "_ShuffleDataset")
        return self._step(lambda: steps.shuffled(self._begin(), size, source()), self._count, "_ShuffleDataset", self._spec)

    def repeat(self, count: Any = None, name: str | None = None) -> Dataset:
        """Repeat all elements ``count`` times, by default indefinitely."""
        times = -1 if count is None else integer(count)
        total = times * self._count if times >= 0 <= self._count else INFINITE_CARDINALITY if times < 0 else self._count

        def begin() -> Iterator[Any]:
            done = 0
            while done != times:
                some = False
                for e in self._begin():
                    some = True
                    yield e
                if not some:
                    return
                done += 1

        return self._step(begin, total if self._count else 0, "_RepeatDataset", self._spec)

    def take(self, count: Any, name: str | None = None) -> Dataset:
        """Keep the first elements."""
        n = integer(count)
        total = n if self._count == INFINITE_CARDINALITY else min(n, self._count) if self._count >= 0 else self._count
        total = self._count if n < 0 else total
        stop = None if n < 0 else n
        if self._slices is not None:
            return Dataset._of_slices(self._slices.part(slice(0, stop)), total, "_TakeDataset")
        return self._step(lambda: steps.sliced(self._begin(), 0, stop), total, "_TakeDataset", self._spec)

    def skip(self, count: Any, name: str | None = None) -> Dataset:
        """Skip the first elements."""
        n = integer(count)
        total = max(0, self._count - n) if self._count >= 0 <= n else 0 if n < 0 else self._count
        if self._slices is not None:
            return Dataset._of_slices(self._slices.part(slice(self._count - total, None)), total, "_SkipDataset")
        return self._step(
            lambda: iter(()) if n < 0 else steps.sliced(self._begin(), n, None), total, "_SkipDataset", self._spec
        )

    def shard(self, num_shards: Any, index: Any, name: str | None = None) -> Dataset:
        """Keep every ``num_shards``-th element, starting with ``index``."""
        n, at = integer(num_shards), integer(index)
        total = len(range(at, self._count, n)) if self._count >= 0 else self._count
        return self._step(lambda: (e for i, e in enumerate(self._begin()) if i % n == at), total, "_ShardDataset", self._spec)

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """Append the elements of another dataset."""

        def begin() -> Iterator[Any]:
            yield from self._begin()
            yield from dataset._begin()

        counts = (self._count, dataset._count)
        total = (
            sum(counts) if min(counts) >= 0 else INFINITE_CARDINALITY if INFINITE_CARDINALITY in counts else UNKNOWN_CARDINALITY
        )
        return self._step(begin, total, "_ConcatenateDataset", self._spec)

    def enumerate(self, start: Any = 0, name: str | None = None) -> Dataset:
        """Number the elements."""

        def begin() -> Iterator[Any]:
            return ((Row(np.asarray(i), dtypes.int64), e) for i, e in enumerate(self._begin(), integer(start)))

        return self._step(begin, self._count, "_ZipDataset")

    def cache(self, filename: str = "", name: str | None = None) -> Dataset:
        """Store the elements of the first pass for later passes."""
        if filename:
            raise ConversionError("jitgrad stores a dataset's cache in memory, not in a file. Omit the name.")
        kept: list[Any] = []
        whole = [False]

        def begin() -> Iterator[Any]:
            if whole[0]:
                yield from kept
                return
            found = []
            for e in self._begin():
                found.append(e)
                yield e
            kept[:], whole[0] = found, True

        return self._step(begin, self._count, "CacheDataset", self._spec)

    def prefetch(self, buffer_size: Any, name: str | None = None) -> Dataset:
        """Return the same elements; prefetching has no effect."""
        return self._step(self._begin, self._count, "_PrefetchDataset", self._spec)

    def window(
        self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: bool = False, name: str | None = None
    ) -> Dataset:
        """Divide the elements into datasets of ``size`` elements, which start ``shift`` elements apart."""
        n, apart, step = integer(size), integer(size if shift is None else shift), integer(stride)

        def begin() -> Iterator[Any]:
            every = list(self._begin())
            for start in range(0, len(every), apart):
                part = every[start : start + n * step : step]
                if len(part) == n or not drop_remainder:
                    yield _window(part)

        return self._step(begin, UNKNOWN_CARDINALITY, "_WindowDataset")

    def flat_map(self, map_func: Callable[..., Dataset], name: str | None = None) -> Dataset:
        """Concatenate the datasets that ``map_func`` returns for each element."""
        call = steps.called(map_func)
        return self._step(
            lambda: (inner for e in self._begin() for inner in call(e)._begin()), UNKNOWN_CARDINALITY, "_FlatMapDataset"
        )

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None) -> Any:
        """Combine the elements with ``reduce_func``."""
        state = elements.shown(elements.rows(initial_state))
        for e in self:
            state = reduce_func(state, e)
        return elements.map_leaves(lambda x: convert(x), state)

    def scan(self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """Apply ``scan_func`` to a state and each element; it returns the next state and an element."""

        def begin() -> Iterator[Any]:
            state = elements.shown(elements.rows(initial_state))
            for e in self:
                state, out = scan_func(state, e)
                yield steps.result(out)

        return self._step(begin, self._count, "_ScanDataset")

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """Keep the elements before the first for which ``predicate`` is false."""
        call = steps.called(predicate)

        def begin() -> Iterator[Any]:
            for e in self._begin():
                if not call(e):
                    return
                yield e

        return self._step(begin, UNKNOWN_CARDINALITY, "_TakeWhileDataset", self._spec)

    def apply(self, transformation_func: Callable[[Dataset], Dataset], name: str | None = None) -> Dataset:
        """Apply a function to the dataset and return its result."""
        return transformation_func(self)

    def options(self) -> Options:
        """Return the options."""
        return Options()

    def with_options(self, options: Options, name: str | None = None) -> Dataset:
        """Return the dataset: options have no effect."""
        return self


def _window(part: list[Any]) -> Any:
    """Return a dataset of each window of elements; for tuples, a tuple of datasets."""
    columns = list(zip(*[elements.leaves(e) for e in part], strict=True))
    return elements.refilled(part[0], [Dataset(functools.partial(iter, c), len(part), "_VariantDataset") for c in columns])
