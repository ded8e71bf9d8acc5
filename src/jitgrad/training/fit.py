"""``fit``: a cost over rows of data, an optimizer, and epochs of the native loop."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitgrad import random
from jitgrad.arguments import MAX_SEED, count
from jitgrad.errors import ArgumentError, DataError
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Operators, Tensor
from jitgrad.tape.variable import Variable
from jitgrad.training.loop import Batches, Report, run_epochs
from jitgrad.training.step import Updater, make_step


@dataclass(frozen=True)
class History:
    """How a fit went.

    Attributes:
        loss: float64 (epochs,), the mean loss of each epoch.
        seconds: the time of the epochs, without what comes before the first step.
    """

    loss: np.ndarray
    seconds: float

    @property
    def history(self) -> dict[str, list[float]]:
        """The losses by name, as Keras has them."""
        return {"loss": self.loss.tolist()}

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        return len(self.loss)


def fit(
    cost: Callable[..., Any],
    data: Any,
    optimizer: Updater,
    variables: Sequence[Variable] | Variable | None = None,
    *,
    epochs: int = 1,
    batch_size: int | None = 32,
    shuffle: bool = True,
    seed: int | None = None,
    verbose: bool | None = None,
) -> History:
    """Fit Variables to rows of data; all epochs run natively.

    Args:
        cost: ``cost(*batch)`` is a scalar Tensor for a batch of rows of each array. It is traced, once for full batches and
            once for a smaller last one.
        data: an array, or several with the same number of rows along their first axis.
        optimizer: for example ``jitgrad.optimizers.Adam()``.
        variables: what to fit; by default every trainable Variable that the cost uses.
        epochs: how often to go through the rows.
        batch_size: rows a step; None for all of them.
        shuffle: whether each epoch takes the rows in a new order.
        seed: of the shuffling; by default drawn from ``jitgrad.random``. The same seed gives the same result to the bit.
        verbose: whether to show progress on stderr; by default where that is a terminal.

    Returns:
        The loss of each epoch. The Variables have their new values.

    Raises:
        DataError: where arrays differ in rows, have none, or hold nan or inf.
        ArgumentError: for epochs, batch_size or seed out of range, or a cost that changes other Variables for the last batch.
        FitError: where a loss becomes nan or infinite; the Variables keep their values of the last finite chunk.
        KeyboardInterrupt: on Ctrl-C; the Variables then have the values of the last finished chunk.
    """
    arrays, ranks = _rows_of(data)
    rows = len(arrays[0])
    epochs = count("epochs", epochs)
    size = rows if batch_size is None else count("batch_size", batch_size)
    seed = int(random.generator().integers(MAX_SEED)) if seed is None else count("seed", seed, 0, MAX_SEED)
    batches = Batches(arrays, size, shuffle, seed)

    def like(count: int) -> list[Tensor]:
        return [Tensor(None, (), (), (count, *a.shape[1:]), rank) for a, rank in zip(arrays, ranks, strict=True)]

    step = make_step(cost, like(batches.size), optimizer, variables)
    tail = make_step(cost, like(batches.tail), optimizer, step.chosen) if batches.tail else None
    if tail is not None and (step.program.dtype != tail.program.dtype or _ids(step.state) != _ids(tail.state)):
        raise ArgumentError(
            f"The cost changes other Variables for the last batch of {batches.tail} rows than for one of {batches.size}. "
            f"Make it the same for any number of rows, or give a batch_size that divides {rows}."
        )
    with progress(epochs, sys.stderr.isatty() if verbose is None else verbose) as report:
        run = run_epochs(step, tail, batches, epochs, report)
    return History(run.losses, run.seconds)


def _ids(values: Sequence[object]) -> list[int]:
    return [id(value) for value in values]


def _rows_of(data: Any) -> tuple[list[np.ndarray], list[int]]:
    """The arrays of ``data``, checked, and the ranks of their dtypes."""
    several = isinstance(data, (tuple, list)) and not (data and np.isscalar(data[0]))
    arrays, ranks = [], []
    for number, value in enumerate(data if several else [data]):
        array, rank = dtypes.as_data(value.numpy() if isinstance(value, Operators) else value, copy=False)
        if array.ndim == 0 or len(array) == 0:
            raise DataError(f"Data array {number} has shape {array.shape} and so no rows. Give one row an example.")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            row = int(np.argwhere(~np.isfinite(array))[0][0])
            raise DataError(f"Data array {number} has nan or inf in row {row}. Drop such rows or fill them in first.")
        arrays.append(array)
        ranks.append(rank)
    if not arrays:
        raise DataError("There are no data arrays. Give at least one.")
    if len({len(a) for a in arrays}) > 1:
        raise DataError(
            f"The data arrays have {', '.join(str(len(a)) for a in arrays)} rows. Give all of them the same number."
        )
    return arrays, ranks


@contextmanager
def progress(epochs: int, shown: bool) -> Iterator[Report | None]:
    """A progress bar over epochs on stderr, with the loss; nothing where it is not shown."""
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("loss {task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("fit", total=epochs, loss="…")

        def report(done: int, losses: np.ndarray) -> None:
            bar.update(task, completed=done, loss=f"{losses[done - 1]:.5g}" if done else "…")

        yield report
