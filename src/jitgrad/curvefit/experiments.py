"""Rows of several experiments, which differ in initial values and constants, and are integrated one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jitgrad.errors import DataError
from jitgrad.functions.joining import concatenate
from jitgrad.ops.linear import gather
from jitgrad.ops.order import argsort
from jitgrad.tape.tensor import Tensor

Solve = Callable[[Mapping[str, Tensor], Tensor], Tensor]
"""Takes the value of each column in an experiment and the times, (m,), and returns the states, (n, m)."""


def counts_of(codes: np.ndarray) -> tuple[int, ...]:
    """Return the number of rows of each experiment, in the order of their codes, from the code of each row, (rows,)."""
    return tuple(np.unique(codes, return_counts=True)[1].tolist())


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
            within = "a fit"
            advice = "Fit each group of rows in which it is constant, fit all together with by= of curvefit.ode,"
            if by is not None:
                within, advice = f"an experiment of {by!r}", "Give experiments in which it is constant,"
            raise DataError(
                f"Column {name!r} varies within {within} ({values[0]:g}, {other:g}, …), but the equations use one value. "
                f"{advice} or write it as a function of t, as in where(t < 5, 70, 80)."
            )


def states_of_experiments(
    codes: Tensor, times: Tensor, columns: Mapping[str, Tensor], counts: Sequence[int], solve: Solve
) -> Tensor:
    """Return the states of all rows, (n, rows).

    Parameters
    ----------
    codes : Tensor, shape (rows,)
        A number for each experiment.
    times : Tensor, shape (rows,)
        The times.
    columns : mapping of str to Tensor, shape (rows,)
        Columns that are constant within an experiment.
    counts : sequence of int
        The number of rows of each experiment, in the order of the codes.
    solve : callable
        Returns the states of an experiment.
    """
    order, found, end = argsort(codes), [], 0
    for count in counts:
        rows, end = order[end : end + count], end + count
        found.append(solve({name: column[rows[0]] for name, column in columns.items()}, gather(times, rows, axis=0)))
    return gather(concatenate(found, axis=1), argsort(order), axis=1)
