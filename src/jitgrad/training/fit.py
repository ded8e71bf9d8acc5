"""``fit``: minimize a cost over rows of data with an optimizer, in epochs of the native loop."""

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
from jitgrad.training.progress import Verbose, progress
from jitgrad.training.rows import Batches, as_rows
from jitgrad.training.step import STEPS_AT_ONCE, Updater, make_step
from jitgrad.typing import ArrayLike


@dataclass(frozen=True)
class History:
    """The history of a fit: the metrics of each epoch.

    Parameters
    ----------
    loss : ndarray of float64, shape (epochs,)
        Mean loss of each epoch.
    seconds : float
        Duration of the epochs in seconds, without compilation and other preparation.
    metrics : dict of str to ndarray
        Additional metrics of each epoch by name: the compiled metrics of the model, ``val_loss`` and the
        other metrics of the validation data, and ``learning_rate`` if there are callbacks.
    first : int, default 0
        Number of the first epoch.

    See Also
    --------
    fit : Returns a history.
    Model.fit : Returns a history.

    Notes
    -----
    The loss of an epoch is the mean over its rows of the losses that were computed during the epoch, each
    before the update by its batch. In a notebook, a history is displayed as a table with a sparkline for each
    metric.

    Examples
    --------
    >>> x = np.linspace(-1.0, 1.0, 64)[:, None]
    >>> model = jg.Sequential([jg.layers.Dense(1)])
    >>> model.compile(jg.optimizers.SGD(0.1), "mse", metrics=["mae"])
    >>> history = model.fit(x, 2.0 * x, epochs=3, validation_split=0.25, seed=0)
    >>> history.epochs
    3
    >>> sorted(history.metrics)
    ['mae', 'val_loss', 'val_mae']
    >>> history.loss.shape
    (3,)
    """

    loss: np.ndarray
    seconds: float
    metrics: dict[str, np.ndarray] = field(default_factory=dict)
    first: int = 0

    @property
    def history(self) -> dict[str, list[Any]]:
        """All metrics by name as lists, as in Keras."""
        return {"loss": self.loss.tolist(), **{name: values.tolist() for name, values in self.metrics.items()}}

    @property
    def epoch(self) -> list[int]:
        """The numbers of the epochs, starting with ``first``."""
        return list(range(self.first, self.first + len(self.loss)))

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        return len(self.loss)

    def _repr_html_(self) -> str:
        """Return a table with the first, last, smallest and largest value of each metric, and a sparkline."""
        rows = []
        for name, values in {"loss": self.loss, **self.metrics}.items():
            if np.ndim(values) == 1 and len(values):
                ends = [number(float(value)) for value in (values[0], values[-1], np.min(values), np.max(values))]
                rows.append([name, *ends, html.sparkline(values.tolist())])
        said = f"{self.epochs} {'epoch' if self.epochs == 1 else 'epochs'} in {self.seconds:.2f} s"
        return html.fragment(html.heading(said), html.table(["", "first", "last", "min", "max", "course"], rows, texts=(5,)))


def fit(
    cost: Callable[..., Tensor],
    data: ArrayLike | Sequence[ArrayLike],
    optimizer: Updater,
    variables: Sequence[Variable] | Variable | None = None,
    *,
    epochs: int = 1,
    batch_size: int | None = 32,
    shuffle: bool = True,
    seed: int | None = None,
    verbose: Verbose = None,
) -> History:
    """Fit Variables to rows of data by minimizing a cost over batches.

    All epochs run natively, without returning to Python.

    Parameters
    ----------
    cost : callable
        ``cost(*batch)`` returns a scalar Tensor for a batch of rows of each array. It is traced once for full
        batches, and once for a smaller last batch.
    data : array_like or sequence of array_like
        An array, or several arrays with the same number of rows along their first axis.
    optimizer : Optimizer
        An optimizer such as ``jitgrad.optimizers.Adam()``.
    variables : Variable or sequence of Variable, optional
        Variables to fit. By default, all trainable Variables that the cost depends on.
    epochs : int, default 1
        Number of passes over the rows.
    batch_size : int or None, default 32
        Rows per step; None for all rows.
    shuffle : bool, default True
        Whether each epoch processes the rows in a new random order.
    seed : int, optional
        Seed of the shuffling. By default, it is drawn from ``jitgrad.random``. The same seed gives the same
        result, to the bit.
    verbose : {0, 1, 2, "auto"}, optional
        Progress on stderr: 0 for none, 1 for a bar, 2 for one line per epoch. By default, a bar if stderr is a
        terminal.

    Returns
    -------
    History
        The loss of each epoch.

    Raises
    ------
    ShapeError
        If the cost is not a scalar.
    DataError
        If arrays differ in the number of rows, have no rows, or contain nan or inf.
    ArgumentError
        If `epochs`, `batch_size` or `seed` is out of range, or the cost changes other Variables in the last
        batch.
    FitError
        If a loss becomes nan or infinite. The Variables keep their values from the last finite chunk.
    KeyboardInterrupt
        After Ctrl-C. The Variables then have their values from the last finished chunk.

    See Also
    --------
    Model.fit : Fit a model, with metrics, validation and callbacks.
    jitgrad.curve_fit : Least squares with standard errors.
    jitgrad.optimizers.Optimizer.minimize : Minimize a cost without data.

    Examples
    --------
    A straight line through points:

    >>> x = np.linspace(0.0, 1.0, 50)
    >>> y = 3.0 * x + 1.0
    >>> slope, intercept = jg.Variable(0.0), jg.Variable(0.0)
    >>> def cost(x, y):
    ...     return jg.mean((slope * x + intercept - y) ** 2)
    >>> history = jg.fit(cost, (x, y), jg.optimizers.Adam(0.1), epochs=500, batch_size=None)
    >>> round(float(slope), 2), round(float(intercept), 2)
    (3.0, 1.0)
    """
    several = isinstance(data, (tuple, list)) and not (data and np.isscalar(data[0]))
    values: Any = data if several else [data]
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
    """Return batches of checked arrays. The seed of the shuffling is drawn if it is None."""
    size = len(arrays[0]) if batch_size is None else count("batch_size", batch_size)
    return Batches(arrays, size, shuffle, make_seed(seed), names)


def make_seed(seed: int | None) -> int:
    """Return the seed, or draw one."""
    return int(random.generator().integers(MAX_SEED)) if seed is None else count("seed", seed, 0, MAX_SEED)


def make_pass(
    cost: Callable[..., Any],
    batches: Batches,
    levels: Sequence[int],
    optimizer: Updater | None,
    variables: Sequence[Variable] | Variable | None = None,
) -> Pass:
    """Return the steps for ``batches``, whose arrays have these levels.

    Raises ArgumentError if they change different Variables, and DataError or IndexingError if the cost is
    undefined for a row.
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
            f"The cost changes different Variables for the last batch of {batches.tail} rows than for one of {batches.size}. "
            f"Make it independent of the number of rows, or give a batch_size that divides {batches.rows}."
        )
    return Pass(step, tail, batches)
