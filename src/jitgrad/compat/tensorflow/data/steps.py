"""Helpers for the steps of datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jitgrad import random
from jitgrad.compat.tensorflow.arguments import integer
from jitgrad.compat.tensorflow.data import elements
from jitgrad.compat.tensorflow.errors import InvalidArgumentError
from jitgrad.compat.tensorflow.function import Function
from jitgrad.compat.tensorflow.spec import TensorSpec


def numpy_of(leaf: Any) -> Any:
    if hasattr(leaf, "as_numpy_iterator"):
        return leaf.as_numpy_iterator()
    value = leaf.array.astype(leaf.dtype.dtype) if leaf.dtype.is_integer else leaf.array
    return value if value.ndim else value[()]


def called(f: Callable[..., Any]) -> Callable[[Any], Any]:
    """Convert a user's function of tensors to a function of Rows."""
    f = f.python_function if isinstance(f, Function) and f.input_signature is None else f

    def call(element: Any) -> Any:
        given = elements.shown(element)
        return f(*given) if type(given) is tuple else f(given)

    return call


def result(value: Any) -> Any:
    if isinstance(value, list):
        value = tuple(value)
    return elements.rows(value)


def parallel(calls: Any, kind: str) -> str:
    return f"_{kind}Dataset" if calls is None else f"_Parallel{kind}Dataset"


def positive(name: str, value: Any) -> int:
    n = integer(value)
    if n < 1:
        raise InvalidArgumentError(f"{name} must be greater than zero, but is {n}. Give 1 or more.")
    return n


def groups(every: Iterator[Any], n: int, whole_only: bool) -> Iterator[list[Any]]:
    group: list[Any] = []
    for element in every:
        group.append(element)
        if len(group) == n:
            yield group
            group = []
    if group and not whole_only:
        yield group


def batches(count: int, n: int, whole_only: bool) -> int:
    return count if count < 0 else count // n if whole_only else -(-count // n)


def batched_spec(dataset: Any, n: int | None) -> Any:
    specs = dataset.element_spec
    return elements.map_leaves(lambda s: TensorSpec([n, *s.shape] if s.shape.rank is not None else None, s.dtype), specs)


def sliced(every: Iterator[Any], start: int, stop: int | None) -> Iterator[Any]:
    for i, element in enumerate(every):
        if stop is not None and i >= stop:
            return
        if i >= start:
            yield element
            if stop is not None and i + 1 >= stop:
                return


def draws(seed: Any, fixed: int, again: bool) -> Callable[[], np.random.Generator]:
    """Return a function that returns a random number generator for each pass: the global one, or one with the given seed."""
    if not again:
        return lambda: np.random.default_rng(integer(fixed))
    if seed is None:
        return random.generator
    one = np.random.default_rng(integer(seed))
    return lambda: one


def shuffled(every: Iterator[Any], size: int, draw: np.random.Generator) -> Iterator[Any]:
    buffer: list[Any] = []
    for element in every:
        if len(buffer) < size:
            buffer.append(element)
            continue
        at = int(draw.integers(size))
        yield buffer[at]
        buffer[at] = element
    for at in draw.permutation(len(buffer)):
        yield buffer[at]


def specs_of(kinds: Any, shapes: Any) -> Any:
    if isinstance(kinds, (tuple, list)):
        return tuple(specs_of(k, s) for k, s in zip(kinds, shapes, strict=True))
    if isinstance(kinds, dict):
        return {key: specs_of(kinds[key], shapes[key]) for key in kinds}
    return TensorSpec(shapes, kinds)
