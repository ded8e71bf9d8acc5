"""Fit a table: a linear model or a multilayer perceptron on standardised features, and its scores."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from jitgrad import losses, optimizers, random
from jitgrad.arguments import MAX_SEED, count, in_unit_interval, positive
from jitgrad.errors import ArgumentError, near_name
from jitgrad.ops.elementwise import relu
from jitgrad.tabular.columns import Design, make_design
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.variable import Variable
from jitgrad.training.fit import History, fit

OPTIMIZERS = {"adam": optimizers.Adam, "sgd": optimizers.SGD}
FULL_BATCH_ROWS = 4096
CROSS_ENTROPY = functools.partial(losses.categorical_crossentropy, from_logits=True)


@dataclass(frozen=True)
class Settings:
    """How to fit. None stands for a default that depends on the model and the table."""

    hidden: tuple[int, ...] = ()
    epochs: int | None = None
    batch_size: int | None = None
    lr: float | None = None
    optimizer: str = "adam"
    seed: int = 0
    test_split: float = 0.2

    def resolved(self, rows: int) -> Settings:
        """With every default filled in: a linear fit takes full batches of a small table, a network batches of 32."""
        full = not self.hidden and rows <= FULL_BATCH_ROWS
        batch = rows if full else 32 if self.hidden else 256
        epochs = 1000 if full else 200 if self.hidden else 50
        lr = {"adam": 0.05 if full else 0.003, "sgd": 0.1 if full else 0.01}[self.optimizer]
        return replace(self, epochs=self.epochs or epochs, batch_size=min(self.batch_size or batch, rows), lr=self.lr or lr)


@dataclass(frozen=True)
class TableFit:
    """A fitted table.

    Attributes:
        target: the name of the target column.
        design: the table as arrays.
        settings: how it was fitted, defaults filled in.
        coefficients: of a linear model, float64 (features, outputs), in the units of the table; None for a network. A
            regression has one output, a classification one for each class.
        intercept: of a linear model, float64 (outputs,).
        scores: for "train", and for "test" if there is one: "rows" and "r2" (None where the target is constant),
            "rmse" (in the target's units) or "accuracy".
        history: the losses.
    """

    target: str
    design: Design
    settings: Settings
    coefficients: np.ndarray | None
    intercept: np.ndarray | None
    scores: dict[str, dict[str, float | None]]
    history: History


def fit_table(
    frame: pl.DataFrame,
    target: str,
    features: Sequence[str] | None = None,
    *,
    classify: bool = False,
    drop_missing: bool = True,
    settings: Settings | None = None,
    verbose: bool | None = None,
) -> TableFit:
    """Fit a target column by the others, or by ``features``.

    Raises:
        DataError: where a column cannot be used, see ``make_design``.
        ArgumentError: for a setting outside its range.
        FitError: where the fit diverges.
    """
    settings = settings or Settings()
    _check(settings)
    design = make_design(frame, target, features, classify, drop_missing)
    train, test = _split(design, settings)
    settings = settings.resolved(len(train))
    scale = _Scale(design, train, decorrelate=not settings.hidden)
    x, y = scale.inputs(design.x), scale.targets(design)
    network = _Network([x.shape[1], *settings.hidden, y.shape[1]], settings.seed)
    loss = CROSS_ENTROPY if design.classes else losses.mean_squared_error
    history = fit(
        lambda xs, ys: loss(ys, network(xs)),
        (x[train], y[train]),
        OPTIMIZERS[settings.optimizer](settings.lr or 0.0),
        network.variables,
        epochs=settings.epochs or 0,
        batch_size=settings.batch_size,
        seed=settings.seed,
        verbose=verbose,
    )
    parts = {"train": train, "test": test} if len(test) else {"train": train}
    scores = {name: _score(design, scale.outputs(network(x[rows]).numpy()), rows) for name, rows in parts.items()}
    coefficients, intercept = (None, None) if settings.hidden else scale.undone(*network.layers[0])
    return TableFit(target, design, settings, coefficients, intercept, scores, history)


def _check(settings: Settings) -> None:
    if settings.optimizer not in OPTIMIZERS:
        raise ArgumentError(
            f"There is no optimizer {settings.optimizer!r}.{near_name(settings.optimizer, OPTIMIZERS)} "
            f"Use one of {', '.join(OPTIMIZERS)}."
        )
    for name, value in (("epochs", settings.epochs), ("batch_size", settings.batch_size)):
        if value is not None:
            count(name, value)
    if settings.lr is not None:
        positive("lr", settings.lr)
    for width in settings.hidden:
        count("a width of hidden", width, high=100_000)
    in_unit_interval("test_split", settings.test_split)
    count("seed", settings.seed, 0, MAX_SEED)


def _split(design: Design, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Rows to fit and rows to test with: at random, class by class where there are classes."""
    draw = random.generator(settings.seed)
    groups = [np.flatnonzero(design.y == k) for k in range(len(design.classes))] or [np.arange(len(design.y))]
    train, test = [], []
    for group in groups:
        mixed = draw.permutation(group)
        count = min(round(settings.test_split * len(group)), len(group) - 1)
        test.append(mixed[:count])
        train.append(mixed[count:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(test))


class _Scale:
    """Mean 0 and standard deviation 1 over the rows that are fitted, for features and for a target of numbers.

    For a linear model the features are also decorrelated, so that gradient descent goes straight to the minimum however alike
    they are; what the table does not determine (a constant column, the sum of two) gets the coefficients of least norm.
    """

    def __init__(self, design: Design, rows: np.ndarray, decorrelate: bool) -> None:
        self.classes = len(design.classes)
        self.x_mean, x_std = _mean_and_std(design.x[rows])
        self.x_map = np.diag(1 / x_std)
        if decorrelate:
            z = (design.x[rows] - self.x_mean) / x_std
            values, vectors = np.linalg.eigh(z.T @ z / len(rows))
            kept = values > 1e-10 * values.max(initial=0)
            self.x_map = (vectors[:, kept] / np.sqrt(values[kept])) / x_std[:, None]
        self.y_mean: Any = 0.0
        self.y_std: Any = 1.0
        if not self.classes:
            self.y_mean, self.y_std = _mean_and_std(design.y[rows])

    def inputs(self, x: np.ndarray) -> np.ndarray:
        return (x - self.x_mean) @ self.x_map

    def targets(self, design: Design) -> np.ndarray:
        """(rows, classes) of 0 and 1, or (rows, 1) standardised."""
        if self.classes:
            return np.eye(self.classes)[design.y.astype(np.int64)]
        return ((design.y - self.y_mean) / self.y_std)[:, None]

    def outputs(self, raw: np.ndarray) -> np.ndarray:
        """What the model says, as ``Design.y``: numbers in the target's units, or positions of classes."""
        return raw.argmax(1) if self.classes else raw[:, 0] * self.y_std + self.y_mean

    def undone(self, weights: Variable, bias: Variable) -> tuple[np.ndarray, np.ndarray]:
        """A linear model's coefficients and intercept in the units of the table."""
        coefficients = self.x_map @ weights.numpy() * self.y_std
        return coefficients, bias.numpy() * self.y_std + self.y_mean - self.x_mean @ coefficients


def _mean_and_std(values: np.ndarray) -> tuple[Any, Any]:
    """A constant column has standard deviation 1 here, so that it is merely centred."""
    std = values.std(0)
    return values.mean(0), np.where(std > 0, std, 1.0)


class _Network:
    """Dense layers with ReLU between them; a single layer is the linear model, which starts from zero."""

    def __init__(self, widths: list[int], seed: int) -> None:
        draw = random.generator(seed)
        dtype = np.float32 if len(widths) > 2 else np.float64
        self.layers: list[tuple[Variable, Variable]] = []
        for number, (m, n) in enumerate(itertools.pairwise(widths)):
            # He et al., "Delving deep into rectifiers", 2015
            weights = draw.normal(0, np.sqrt(2 / m), (m, n)) if len(widths) > 2 else np.zeros((m, n))
            layer = Variable(weights.astype(dtype), name=f"w{number}"), Variable(np.zeros(n, dtype), name=f"b{number}")
            self.layers.append(layer)

    @property
    def variables(self) -> list[Variable]:
        return [v for layer in self.layers for v in layer]

    def __call__(self, x: Any) -> Tensor:
        h = as_tensor(x)
        for number, (weights, bias) in enumerate(self.layers):
            h = (relu(h) if number else h) @ weights + bias
        return h


def _score(design: Design, predicted: np.ndarray, rows: np.ndarray) -> dict[str, float | None]:
    y = design.y[rows]
    if design.classes:
        return {"rows": len(rows), "accuracy": float(np.mean(predicted == y))}
    error = float(np.sum((predicted - y) ** 2))
    total = float(np.sum((y - y.mean()) ** 2))
    return {"rows": len(rows), "r2": 1 - error / total if total > 0 else None, "rmse": (error / len(y)) ** 0.5}
