"""Rows of several experiments, which differ in initial values and constants, and are integrated one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from jitgrad.errors import DataError
from jitgrad.functions.cumulative import cumsum
from jitgrad.functions.joining import concatenate
from jitgrad.ops.elementwise import equal, minimum, not_equal
from jitgrad.ops.linear import gather
from jitgrad.ops.order import argmax, argsort
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor, cast
from jitgrad.transforms.vmap import vmap

Solve = Callable[[Mapping[str, Tensor], Tensor], Tensor]
"""Takes the value of each column in an experiment and the times, (m,), and returns the states, (n, m)."""


class Sizes(NamedTuple):
    """The number of experiments, and the largest number of rows of one."""

    experiments: int = 1
    rows: int = 0


def sizes_of(codes: np.ndarray) -> Sizes:
    """Return the sizes of experiments from the code of each row, (rows,)."""
    rows = np.unique(codes, return_counts=True)[1]
    return Sizes(len(rows), int(rows.max(initial=0)))


def codes_of(values: Any) -> np.ndarray:
    """Return a number for each label of a column, and nan for missing labels."""
    given = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
    if given.dtype.kind in "biuf":
        return given.astype(np.float64)
    labels = np.array(["" if value is None or value != value else str(value) for value in given.tolist()])
    found = np.unique(labels, return_inverse=True)[1].astype(np.float64)
    found[labels == ""] = np.nan
    return found


def check_constant(columns: Mapping[str, np.ndarray], by: str | None) -> None:
    """Raise DataError for a column that varies within an experiment."""
    for name, values in columns.items():
        if not (values == values[0]).all():
            other = values[np.argmax(values != values[0])]
            within, advice = ("a fit", "Name the column of experiments by by=, fit groups of rows in which it is constant,")
            if by is not None:
                within, advice = f"an experiment of {by!r}", "Give experiments in which it is constant,"
            raise DataError(
                f"Column {name!r} varies within {within} ({values[0]:g}, {other:g}, …), but the equations use one value. "
                f"{advice} or write it as a function of t."
            )


def states_of_experiments(codes: Tensor, times: Tensor, columns: Mapping[str, Tensor], sizes: Sizes, solve: Solve) -> Tensor:
    """Return the states of all rows, (n, rows).

    Parameters
    ----------
    codes : Tensor, shape (rows,)
        A number for each experiment.
    times : Tensor, shape (rows,)
        The times.
    columns : mapping of str to Tensor, shape (rows,)
        Columns that are constant within an experiment.
    sizes : Sizes
        The sizes of the experiments. Shorter ones repeat their last row.
    solve : callable
        Returns the states of an experiment.
    """
    (count, most), rows, order = sizes, codes.shape[0], argsort(codes)
    ordered = gather(codes, order, axis=0)
    number = cast(concatenate([np.zeros(1), cumsum(not_equal(ordered[1:], ordered[:-1]) * 1.0)]), dtypes.INTEGER)
    first = argmax(equal(number, np.arange(count)[:, None]) * 1.0)
    last = concatenate([first[1:], np.array([rows])]) - 1
    places = minimum(first.reshape(-1, 1) + np.arange(most), last.reshape(-1, 1))
    begins = gather(order, first, axis=0)
    constants = {name: gather(column, begins, axis=0) for name, column in columns.items()}
    found = vmap(solve)(constants, gather(gather(times, order, axis=0), places, axis=0))  # (count, n, most)
    flat = found.transpose(1, 0, 2).reshape(-1, count * most)
    at = number * most + np.arange(rows) - gather(first, number, axis=0)
    return gather(gather(flat, at, axis=1), argsort(order), axis=1)
