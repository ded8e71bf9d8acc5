"""Conversion of data in Keras's forms (arrays, tensors, DataFrames, datasets and generators) to the library's."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from jitgrad.compat.keras.border import values_of
from jitgrad.errors import ArgumentError, DataError
from jitgrad.tape.operators import Operators
from jitgrad.tape.tree import tree_leaves, tree_map, tree_pack
from jitgrad.training.columns import is_frame


class Nested(NamedTuple):
    """The structure of a model's inputs and outputs: functions that convert data given by name."""

    inputs: Callable[[Any], Any]
    outputs: Callable[[Any], Any]
    needs_targets: bool = True

    def batch(self, given: Any) -> Any:
        """Convert a batch of inputs, targets and weights."""
        if not isinstance(given, tuple) or len(given) < 2:
            x = given[0] if isinstance(given, tuple) else given
            return self.inputs(x), self.no_targets(x)
        return (self.inputs(given[0]), self.outputs(given[1]), *given[2:])

    def no_targets(self, x: Any) -> np.ndarray:
        """Return a placeholder for missing targets. Raises DataError if the model's loss requires targets."""
        if self.needs_targets:
            raise DataError("The loss requires targets. Give y, or batches of (x, y).")
        return np.zeros(count_rows(x))


class Rows(NamedTuple):
    """Data for the library.

    Attributes
    ----------
    x, y, weight : ndarray, or nested ndarrays
        Nested arrays; or, for `x` alone, a function that returns an iterator over batches.
    steps : int or None
        Number of batches, if known.
    batch_size : int or None
        Rows per batch; None for batches.
    """

    x: Any
    y: Any
    weight: Any
    steps: int | None
    batch_size: int | None


def is_batches(x: Any) -> bool:
    """Return whether data yield batches, like a Dataset, a generator or a Keras Sequence."""
    if isinstance(x, (np.ndarray, list, tuple, dict, Operators)) or is_frame(x) or hasattr(x, "__array__"):
        return False
    return hasattr(x, "__iter__") or hasattr(x, "__next__") or hasattr(x, "__getitem__")


def as_rows(x: Any, y: Any, weight: Any, batch_size: int | None, steps: int | None, nested: Nested, fitted: bool) -> Rows:
    """Convert data to the library's form, nested as the model requires. A fit inspects the first batch before it begins.

    Raises ArgumentError if targets are given in addition to batches.
    """
    if not is_batches(x):
        size = 32 if batch_size is None else batch_size
        x, weight = nested.inputs(plain(x)), plain(weight)
        y = nested.no_targets(x) if y is None else nested.outputs(plain(y))
        rows = count_rows(x)
        whole = math.ceil(rows / size) if size > 0 else 0
        if steps is not None and steps < whole:
            used = steps * size
            x, y, weight = (tree_map(lambda a: a[:used], nest) if nest is not None else None for nest in (x, y, weight))
            whole = steps
        return Rows(x, y, weight, whole, size)
    if y is not None or weight is not None:
        raise ArgumentError(
            "x yields batches, so y and sample_weight must not be given. Include targets and weights in the batches."
        )
    begin, known = batches(x, steps)
    counted = Counted(Again(begin) if fitted and goes_on(x, steps) else begin, nested)
    return Rows(counted, None, None, known, None)


def batches(x: Any, steps: int | None) -> tuple[Callable[[], Iterator[Any]], int | None]:
    """Return a function that starts an epoch of batches of arrays, and the number of batches."""
    known = steps if steps is not None else length_of(x)
    if is_indexed(x):
        return lambda: (as_batch(x[i]) for i in range(len(x))), known
    if steps is not None:
        going = iter(x if iter(x) is x else Around(x))
        return lambda: map(as_batch, itertools.islice(going, steps)), known
    return lambda: map(as_batch, iter(x)), known


def is_indexed(x: Any) -> bool:
    """Return whether batches are accessed by index, as in ``keras.utils.Sequence``."""
    return not hasattr(x, "__iter__") or (hasattr(x, "on_epoch_end") and hasattr(x, "__getitem__"))


def goes_on(x: Any, steps: int | None) -> bool:
    """Return whether an epoch begins where the previous one ended, so that an inspected batch must be yielded again."""
    return not is_indexed(x) and (steps is not None or iter(x) is x)


class Again:
    """A function that starts an epoch of batches. The first batch can be inspected; the next call yields it again."""

    def __init__(self, begin: Callable[[], Iterator[Any]]) -> None:
        self._begin, self._shown = begin, False
        self._first: Iterator[Any] | None = None

    def __call__(self) -> Iterator[Any]:
        if not self._shown:
            self._shown, going = True, self._begin()
            first = list(itertools.islice(going, 1))
            self._first = itertools.chain(first, going)
            return iter(first)
        given, self._first = self._first, None
        return self._begin() if given is None else given


class Counted:
    """A function that starts an epoch of batches, and counts the batches of the last epoch."""

    def __init__(self, begin: Callable[[], Iterator[Any]], nested: Nested) -> None:
        self._begin, self._nested, self.steps = begin, nested, 0
        self.inputs_alone = False

    def __call__(self) -> Iterator[Any]:
        for number, batch in enumerate(self._begin(), 1):
            self.steps = number
            self.inputs_alone = not isinstance(batch, tuple)
            yield self._nested.batch(batch)


class Around:
    """An iterable that is repeated indefinitely; each epoch begins where the previous one ended."""

    def __init__(self, of: Any) -> None:
        self._of, self._left = of, iter(())

    def __iter__(self) -> Iterator[Any]:
        while True:
            item = next(self._left, self)
            if item is self:
                self._left = iter(self._of)
                item = next(self._left, self)
                if item is self:
                    return
            yield item


def length_of(x: Any) -> int | None:
    """Return the number of batches of an iterable, or None if it is unknown."""
    try:
        return len(x)
    except (TypeError, AttributeError):
        return None


def as_batch(batch: Any) -> Any:
    """Convert a batch to arrays: ``(x, y)`` or ``(x, y, sample_weight)``."""
    return plain(tuple(batch) if isinstance(batch, list) else batch)


def plain(nest: Any) -> Any:
    """Convert tensors and lists of numbers to arrays; DataFrames stay unchanged."""
    if nest is None or is_frame(nest):
        return nest
    if isinstance(nest, (list, tuple)) and not any(hasattr(leaf, "shape") or is_frame(leaf) for leaf in tree_leaves(nest)):
        return np.asarray(nest)
    return values_of(nest)


def count_rows(nest: Any) -> int:
    """Return the number of rows in arrays."""
    leaves = [nest] if is_frame(nest) else tree_leaves(nest)
    if not leaves or not (hasattr(leaves[0], "__len__") or is_frame(leaves[0])):
        raise DataError("There are no rows of data. Give arrays with the rows along their first axis.")
    return len(leaves[0])


def collected(x: Any, steps: int | None = None) -> tuple[Any, ...]:
    """Concatenate all batches as ``(x, y)`` or ``(x, y, sample_weight)``. Raises DataError if there are none."""
    begin, _ = batches(x, steps)
    found = list(begin())
    if not found:
        raise DataError("There are no batches. Give at least one.")
    first = found[0]
    columns = zip(*[tree_leaves(batch) for batch in found], strict=True)
    joined = tree_pack(first, [np.concatenate(column) for column in columns])
    return joined if isinstance(joined, tuple) else (joined,)


def inputs_alone(x: Any, steps: int | None, nested: Nested) -> tuple[Any, int]:
    """Return the inputs for a prediction, without any targets in the batches, and the number of rows."""
    made = nested.inputs(collected(x, steps)[0] if is_batches(x) else plain(x))
    return made, count_rows(made)
