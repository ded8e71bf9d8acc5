"""``fit``: a cost over rows of data, an optimizer, and epochs of the native loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jitgrad import html, random
from jitgrad.arguments import MAX_SEED, count
from jitgrad.errors import ArgumentError
from jitgrad.summary import number
from jitgrad.tape.tensor import Tensor, placeholder
from jitgrad.tape.variable import Variable
from jitgrad.training.data_pass import Pass
from jitgrad.training.epochs import run_epochs
from jitgrad.training.progress import progress
from jitgrad.training.rows import Batches, as_rows
from jitgrad.training.step import STEPS_AT_ONCE, Updater, make_step


@dataclass(frozen=True)
class History:
    """How a fit went.

    Attributes:
        loss: float64 (epochs,), the mean loss of each epoch.
        seconds: the time of the epochs, without what comes before the first step.
        metrics: further ones of each epoch by name, of a model those it was compiled with, and ``val_loss``.
        first: the number of the first epoch.
    """

    loss: np.ndarray
    seconds: float
    metrics: dict[str, np.ndarray] = field(default_factory=dict)
    first: int = 0

    @property
    def history(self) -> dict[str, list[Any]]:
        """All metrics by name, as Keras has them."""
        return {"loss": self.loss.tolist(), **{name: values.tolist() for name, values in self.metrics.items()}}

    @property
    def epoch(self) -> list[int]:
        """The numbers of the epochs."""
        return list(range(self.first, self.first + len(self.loss)))

    @property
    def epochs(self) -> int:
        """How many epochs there were."""
        return len(self.loss)

    def _repr_html_(self) -> str:
        """A row for each figure, with how it went; figures of several numbers an epoch have none."""
        rows = []
        for name, values in {"loss": self.loss, **self.metrics}.items():
            if np.ndim(values) == 1 and len(values):
                ends = [number(float(value)) for value in (values[0], values[-1], np.min(values), np.max(values))]
                rows.append([name, *ends, html.sparkline(values.tolist())])
        said = f"{self.epochs} {'epoch' if self.epochs == 1 else 'epochs'} in {self.seconds:.2f} s"
        return html.fragment(
            html.heading(said), html.table(["", "first", "last", "least", "most", "by epoch"], rows, texts=(5,))
        )


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
    verbose: bool | int | str | None = None,
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
        verbose: whether to show progress on stderr; by default where that is a terminal. 2 for a line an epoch.

    Returns:
        The loss of each epoch. The Variables have their new values.

    Raises:
        DataError: where arrays differ in rows, have none, or hold nan or inf.
        ArgumentError: for epochs, batch_size or seed out of range, or a cost that changes other Variables for the last batch.
        FitError: where a loss becomes nan or infinite; the Variables keep their values of the last finite chunk.
        KeyboardInterrupt: on Ctrl-C; the Variables then have the values of the last finished chunk.
    """
    several = isinstance(data, (tuple, list)) and not (data and np.isscalar(data[0]))
    values = data if several else [data]
    names = [f"Data array {number}" for number in range(len(values))]
    arrays, levels = as_rows(values, names)
    epochs = count("epochs", epochs)
    batches = make_batches(arrays, names, batch_size, shuffle, seed)
    pass_ = make_pass(cost, batches, levels, optimizer, variables)
    with progress(0, epochs, verbose) as report:
        loop, seconds = run_epochs(pass_, epochs, report)
    return History(loop.training.losses, seconds)


def make_batches(
    arrays: Sequence[np.ndarray], names: Sequence[str], batch_size: int | None, shuffle: bool, seed: int | None
) -> Batches:
    """Batches of checked arrays; the seed of the shuffling is drawn where none is given."""
    size = len(arrays[0]) if batch_size is None else count("batch_size", batch_size)
    return Batches(arrays, size, shuffle, make_seed(seed), names)


def make_seed(seed: int | None) -> int:
    """A seed as given, or drawn."""
    return int(random.generator().integers(MAX_SEED)) if seed is None else count("seed", seed, 0, MAX_SEED)


def make_pass(
    cost: Callable[..., Any],
    batches: Batches,
    levels: Sequence[int],
    optimizer: Updater | None,
    variables: Sequence[Variable] | Variable | None = None,
) -> Pass:
    """The steps for ``batches``, whose arrays have these levels.

    Raises ArgumentError where they change different Variables, and DataError or IndexingError where the cost has no meaning for
    a row.
    """

    def like(rows: int) -> list[Tensor]:
        return [placeholder((rows, *a.shape[1:]), level) for a, level in zip(batches.arrays, levels, strict=True)]

    trips = STEPS_AT_ONCE if batches.full and optimizer is not None else 0
    step = make_step(cost, like(batches.size), optimizer, variables, trips)
    step.check(batches.arrays, batches.names)
    if not batches.tail:
        return Pass(step, None, batches)
    tail = make_step(cost, like(batches.tail), optimizer, None if optimizer is None else step.chosen)
    if not tail.has_state_of(step):
        raise ArgumentError(
            f"The cost changes other Variables for the last batch of {batches.tail} rows than for one of {batches.size}. "
            f"Make it the same for any number of rows, or give a batch_size that divides {batches.rows}."
        )
    return Pass(step, tail, batches)
