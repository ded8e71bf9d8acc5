"""How a table is fitted: what the user chose, and the defaults of the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from jitgrad import optimizers
from jitgrad.arguments import MAX_SEED, by_name, count, in_unit_interval, positive
from jitgrad.errors import ArgumentError, DataError
from jitgrad.tabular.encoding import has_classes

MODELS = {
    "linear": "numbers, by least squares",
    "logistic": "two or more classes",
    "poisson": "counts, whose logarithm of the mean is linear",
    "mlp": "numbers or classes, by a multilayer perceptron",
}
"""The models by name, and what they are for."""
FULL_BATCH_ROWS = 4096
HIDDEN = (64, 32)
LEARNING_RATES = {
    "sgd": (0.1, 0.01), "adam": (0.05, 0.003), "adamw": (0.05, 0.003), "amsgrad": (0.05, 0.003), "nadam": (0.01, 0.003),
    "rmsprop": (0.005, 0.001), "adagrad": (0.5, 0.05), "adadelta": (1.0, 1.0), "lbfgs": (1.0, 0.1),
    "radam": (0.05, 0.003), "adamax": (0.05, 0.003), "lion": (0.002, 0.0003), "adafactor": (0.1, 0.01), "asgd": (0.1, 0.01),
    "rprop": (0.01, 0.001),
}  # fmt: skip
"""By optimizer, for steps on all rows and on batches of them."""
LARGEST_RATE = 1e38
"""A network's numbers are float32."""


@dataclass(frozen=True)
class Settings:
    """How to fit. None stands for a default that depends on the model and the table.

    Attributes:
        model: a name of ``MODELS``; by default found out from the target and ``hidden``.
        hidden: widths of the hidden layers of a network.
        epochs, batch_size, lr, optimizer: of gradient descent. A linear model is fitted exactly where none of these and the
            next two is given.
        validation_split: the part of the rows that are fitted which is evaluated after each epoch instead.
        early_stopping: after how many epochs in which these rows are not fitted better it ends, with the best weights so far.
        test_split: the part of all rows that is kept for scores.
        seed: of the splits, the first weights and the order of rows.
    """

    model: str | None = None
    hidden: tuple[int, ...] = ()
    epochs: int | None = None
    batch_size: int | None = None
    lr: float | None = None
    optimizer: str | None = None
    validation_split: float = 0.0
    early_stopping: int | None = None
    test_split: float = 0.2
    seed: int = 0

    def check(self) -> None:
        """Raise ArgumentError for a setting outside its range, or that does not go with another."""
        if self.model is not None:
            by_name("model", self.model, MODELS)
        if self.optimizer is not None:
            by_name("optimizer", self.optimizer, optimizers.OPTIMIZERS)
        if self.hidden and self.model not in (None, "mlp"):
            raise ArgumentError(
                f"Model {self.model!r} has no hidden layers. Leave {{argument}} out, or choose model 'mlp'.", argument="hidden"
            )
        for name, value in (("epochs", self.epochs), ("batch_size", self.batch_size), ("early_stopping", self.early_stopping)):
            if value is not None:
                count(name, value)
        if self.lr is not None and positive("lr", self.lr) > LARGEST_RATE:
            raise ArgumentError(f"{{argument}} is {self.lr:g}, beyond float32. Give at most {LARGEST_RATE:g}.", argument="lr")
        for width in self.hidden:
            count("a width of hidden", width, high=100_000)
        in_unit_interval("test_split", self.test_split)
        in_unit_interval("validation_split", self.validation_split)
        if self.early_stopping is not None and not self.validation_split:
            raise ArgumentError("early_stopping has no rows to look at. Give validation_split too, for example 0.1.")
        count("seed", self.seed, 0, MAX_SEED)

    @property
    def by_descent(self) -> bool:
        """Whether gradient descent is asked for: a network, or one of its settings."""
        given = (self.epochs, self.batch_size, self.lr, self.optimizer, self.early_stopping)
        return self.model == "mlp" or self.validation_split > 0 or any(value is not None for value in given)

    def for_target(self, column: pl.Series, classify: bool) -> Settings:
        """With the model found out, and the hidden layers of a network.

        Raises DataError or ArgumentError where the model is not one for this target.
        """
        classes = classify or has_classes(column)
        model = self.model or ("mlp" if self.hidden else "logistic" if classes else "linear")
        if model in ("linear", "poisson") and classify:
            raise ArgumentError(
                f"Model {model!r} is no model of classes. Leave {{argument}} out, or choose model 'logistic'.",
                argument="classify",
            )
        if model in ("linear", "poisson") and classes:
            raise DataError(
                f"Column {column.name!r} is of type {column.dtype}, and model {model!r} needs numbers. Choose model 'logistic'."
            )
        if model == "logistic" and not classes:
            raise DataError(
                f"Column {column.name!r} has numbers, and model 'logistic' needs classes. "
                f"Give {{argument}}, so that its numbers are taken as classes, or choose model 'linear'.",
                argument="classify",
            )
        if model == "poisson":
            _check_counts(column)
        return replace(self, model=model, hidden=(self.hidden or HIDDEN) if model == "mlp" else ())

    def for_descent(self, rows: int) -> Settings:
        """With the defaults of gradient descent: a linear model takes full batches of a small table, a network of 32 rows."""
        network, optimizer = self.model == "mlp", self.optimizer or "adam"
        full = optimizer == "lbfgs" or (not network and rows <= FULL_BATCH_ROWS)
        epochs = 1000 if full else 200 if network else 50
        batch = rows if full else 32 if network else 256
        lr = LEARNING_RATES[optimizer][0 if full else 1]
        return replace(
            self,
            epochs=self.epochs or epochs,
            batch_size=min(self.batch_size or batch, rows),
            lr=self.lr or lr,
            optimizer=optimizer,
        )


def _check_counts(column: pl.Series) -> None:
    """Raise DataError for a target that has other numbers than counts."""
    if not column.dtype.is_numeric():
        return
    bad = ((column < 0) | (column != column.cast(pl.Float64).round(0))).fill_null(False)
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise DataError(
            f"Column {column.name!r} has {column[row]} in row {row + 1}, and model 'poisson' needs counts: 0, 1, 2, …. "
            f"Correct it, or choose model 'linear'."
        )
