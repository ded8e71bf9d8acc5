"""A multilayer perceptron as plain arrays: its first weights, its fit by a Sequential, and what it makes of rows."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit

from jitgrad import losses, optimizers
from jitgrad.arguments import count, positive
from jitgrad.callbacks import Callback
from jitgrad.functions import reductions
from jitgrad.layers import Dense, initializers
from jitgrad.models import Input, Sequential
from jitgrad.ops.elementwise import square
from jitgrad.optimizers import Optimizer
from jitgrad.sklearn.data import Rows
from jitgrad.tape.lru import Recent
from jitgrad.tape.variable import Variable
from jitgrad.training.fit import History

ACTIVATIONS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "identity": ("linear", lambda x: x),
    "logistic": ("sigmoid", expit),
    "tanh": ("tanh", np.tanh),
    "relu": ("relu", lambda x: np.maximum(x, 0)),
}
"""By scikit-learn's name: the name in ``jitgrad.layers``, and the function of arrays."""


def squared_error(target: Any, prediction: Any) -> Any:
    """Half the squared distance of each row."""
    return 0.5 * reductions.sum(square(target - prediction), -1)


LOSSES: dict[str, Any] = {
    "squared_error": squared_error,
    "binary": functools.partial(losses.binary_crossentropy, from_logits=True),
    "classes": functools.partial(losses.sparse_categorical_crossentropy, from_logits=True),
}


@dataclass(frozen=True)
class Weights:
    """All that a network has learnt, as arrays.

    Attributes:
        kernels, biases: of each layer.
        state: of the optimizer, to go on with; None to begin anew.
        epochs: how many there were.
    """

    kernels: list[np.ndarray]
    biases: list[np.ndarray]
    state: dict[str, Any] | None = None
    epochs: int = 0


def first_weights(sizes: Sequence[int], dtype: np.dtype[Any], seed: int) -> Weights:
    """Kernels by Glorot and Bengio's rule, as those of ``layers.Dense``, and biases of zero."""
    draw, glorot = np.random.default_rng(seed), initializers.get("glorot_uniform")
    kernels = [np.asarray(glorot(shape, draw), dtype) for shape in itertools.pairwise(sizes)]
    return Weights(kernels, [np.zeros(kernel.shape[1], dtype) for kernel in kernels])


def outputs(weights: Weights, activation: str, x: np.ndarray) -> np.ndarray:
    """What the last layer makes of rows, before any activation: (rows, outputs)."""
    _, function = ACTIVATIONS[activation]
    last = len(weights.kernels) - 1
    for number, (kernel, bias) in enumerate(zip(weights.kernels, weights.biases, strict=True)):
        x = x @ kernel + bias
        x = x if number == last else function(x)
    return x


class Perceptron(Sequential):
    """Dense layers, with a penalty ``strength/2·Σ w²`` of their kernels."""

    def __init__(self, sizes: Sequence[int], activation: str, dtype: np.dtype[Any]) -> None:
        layers = [Dense(size, activation, kernel_initializer="zeros", dtype=dtype) for size in sizes[1:-1]]
        super().__init__([Input((sizes[0],)), *layers, Dense(sizes[-1], kernel_initializer="zeros", dtype=dtype)], dtype=dtype)
        self.strength = Variable(np.zeros((), dtype), name="strength", trainable=False)

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        """The loss of a batch with the penalty."""
        penalty = sum(reductions.sum(square(layer.kernel)) for layer in self.dense)
        return super().compute_loss(*args, **kwargs) + 0.5 * self.strength * penalty

    @property
    def dense(self) -> list[Any]:
        """The layers."""
        return self.layers

    def take(self, weights: Weights) -> None:
        """Begin with these weights, and with the optimizer's state if there is one."""
        for layer, kernel, bias in zip(self.dense, weights.kernels, weights.biases, strict=True):
            layer.kernel.assign(kernel)
            layer.bias.assign(bias)
        if weights.state is not None:
            self.optimizer.set_state(weights.state, self.trainable_variables)

    def given(self) -> Weights:
        """The weights now, with the optimizer's state."""
        kernels, biases = ([np.array(getattr(layer, of)) for layer in self.dense] for of in ("kernel", "bias"))
        return Weights(kernels, biases, self.optimizer.get_state(self.trainable_variables))


@dataclass(frozen=True)
class Settings:
    """How to fit.

    Attributes:
        activation: of the hidden layers, one of ACTIVATIONS.
        loss: one of LOSSES.
        solver: an optimizer, or the name of one, which gets ``learning_rate``.
        alpha: of the penalty ``alpha/2·Σ w²`` of kernels, beside the sum of a batch's losses.
        batch_size: rows a step, or "auto" for 200 at most.
        epochs: how many.
        shuffle, seed, verbose: see ``Model.fit``.
    """

    activation: str
    loss: str
    solver: str | Optimizer
    learning_rate: float
    alpha: float
    batch_size: int | str
    epochs: int
    shuffle: bool
    seed: int
    verbose: bool | int


def fit(
    start: Weights, rows: Rows, held_out: Rows | None, settings: Settings, callbacks: Sequence[Callback] = ()
) -> tuple[Weights, History]:
    """Weights fitted to rows, and how the fit went; ``held_out`` are evaluated after each epoch."""
    with _lent(start, settings) as model:
        return _fitted(model, start, rows, held_out, settings, callbacks)


def _fitted(
    model: Perceptron, start: Weights, rows: Rows, held_out: Rows | None, settings: Settings, callbacks: Sequence[Callback]
) -> tuple[Weights, History]:
    n = len(rows.x)
    size = min(n, 200 if settings.batch_size == "auto" else count("batch_size", settings.batch_size))
    mean_weight = 1.0 if rows.weights is None else float(rows.weights.mean())
    model.strength.assign(settings.alpha / (size * mean_weight))
    model.take(start)
    history = model.fit(
        rows.x,
        rows.y,
        sample_weight=None if rows.weights is None else rows.weights / mean_weight,
        batch_size=None if size == n else size,
        epochs=start.epochs + settings.epochs,
        initial_epoch=start.epochs,
        validation_data=None
        if held_out is None
        else (held_out.x, held_out.y, held_out.weights)[: 2 + (held_out.weights is not None)],
        shuffle=settings.shuffle,
        seed=settings.seed,
        verbose=settings.verbose,
        callbacks=callbacks,
    )
    return replace(model.given(), epochs=start.epochs + history.epochs), history


_IDLE: Recent[list[Perceptron]] = Recent(32)
"""Models that nobody fits now, by what they are. One that was traced is fitted again without being traced again."""


@contextmanager
def _lent(start: Weights, settings: Settings) -> Iterator[Perceptron]:
    """A model for these weights that nobody else has, its optimizer as new."""
    sizes, dtype = [len(start.kernels[0]), *map(len, start.biases)], start.kernels[0].dtype
    if isinstance(settings.solver, Optimizer):
        yield _perceptron(sizes, dtype, settings, copy.deepcopy(settings.solver))
        return
    key = *sizes, dtype, settings.activation, settings.loss, settings.solver
    idle = _IDLE.get(key)
    if idle is None:
        idle = _IDLE.put(key, [])
    try:
        model = idle.pop()
        model.optimizer.reset()
    except IndexError:
        model = _perceptron(sizes, dtype, settings, optimizers.get(settings.solver))
    model.optimizer.learning_rate = positive("learning_rate_init", settings.learning_rate)
    yield model
    idle.append(model)


def _perceptron(sizes: Sequence[int], dtype: np.dtype[Any], settings: Settings, optimizer: Optimizer) -> Perceptron:
    model = Perceptron(sizes, ACTIVATIONS[settings.activation][0], dtype)
    model.compile(optimizer, LOSSES[settings.loss])
    return model
