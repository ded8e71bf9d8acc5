"""A multilayer perceptron as plain arrays: initial weights, training and prediction."""

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
"""For each of scikit-learn's names, the name in ``jitgrad.layers`` and the function for arrays."""


def squared_error(target: Any, prediction: Any) -> Any:
    """Return half the squared error of each row."""
    return 0.5 * reductions.sum(square(target - prediction), -1)


LOSSES: dict[str, Any] = {
    "squared_error": squared_error,
    "binary": functools.partial(losses.binary_crossentropy, from_logits=True),
    "classes": functools.partial(losses.sparse_categorical_crossentropy, from_logits=True),
}


@dataclass(frozen=True)
class Weights:
    """The state of a network as arrays.

    Attributes
    ----------
    kernels, biases : list of ndarray
        The parameters of each layer.
    state : dict or None
        The optimizer state to continue from; None for a new one.
    epochs : int
        The number of epochs so far.
    """

    kernels: list[np.ndarray]
    biases: list[np.ndarray]
    state: dict[str, Any] | None = None
    epochs: int = 0


def first_weights(sizes: Sequence[int], dtype: np.dtype[Any], seed: int) -> Weights:
    """Return initial weights: Glorot-uniform kernels, as in ``layers.Dense``, and zero biases."""
    draw, glorot = np.random.default_rng(seed), initializers.get("glorot_uniform")
    kernels = [np.asarray(glorot(shape, draw), dtype) for shape in itertools.pairwise(sizes)]
    return Weights(kernels, [np.zeros(kernel.shape[1], dtype) for kernel in kernels])


def outputs(weights: Weights, activation: str, x: np.ndarray) -> np.ndarray:
    """Return the outputs of the last layer before its activation, (rows, outputs)."""
    _, function = ACTIVATIONS[activation]
    last = len(weights.kernels) - 1
    for number, (kernel, bias) in enumerate(zip(weights.kernels, weights.biases, strict=True)):
        x = x @ kernel + bias
        x = x if number == last else function(x)
    return x


class Perceptron(Sequential):
    """Dense layers with an L2 penalty ``strength/2·Σ w²`` on their kernels."""

    def __init__(self, sizes: Sequence[int], activation: str, dtype: np.dtype[Any]) -> None:
        layers = [Dense(size, activation, kernel_initializer="zeros", dtype=dtype) for size in sizes[1:-1]]
        super().__init__([Input((sizes[0],)), *layers, Dense(sizes[-1], kernel_initializer="zeros", dtype=dtype)], dtype=dtype)
        self.strength = Variable(np.zeros((), dtype), name="strength", trainable=False)

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        """Return the loss of a batch including the penalty."""
        penalty = sum(reductions.sum(square(layer.kernel)) for layer in self.dense)
        return super().compute_loss(*args, **kwargs) + 0.5 * self.strength * penalty

    @property
    def dense(self) -> list[Any]:
        """The layers."""
        return self.layers

    def take(self, weights: Weights) -> None:
        """Set the weights, and the optimizer state if given."""
        for layer, kernel, bias in zip(self.dense, weights.kernels, weights.biases, strict=True):
            layer.kernel.assign(kernel)
            layer.bias.assign(bias)
        if weights.state is not None:
            self.optimizer.set_state(weights.state, self.trainable_variables)

    def given(self) -> Weights:
        """Return the current weights and optimizer state."""
        kernels, biases = ([np.array(getattr(layer, of)) for layer in self.dense] for of in ("kernel", "bias"))
        return Weights(kernels, biases, self.optimizer.get_state(self.trainable_variables))


@dataclass(frozen=True)
class Settings:
    """Settings of a fit.

    Attributes
    ----------
    activation : str
        The activation of the hidden layers, in ``ACTIVATIONS``.
    loss : str
        The loss, in ``LOSSES``.
    solver : str or Optimizer
        An optimizer, or the name of one, to which ``learning_rate`` is passed.
    learning_rate : float
        The learning rate of a solver given by name.
    alpha : float
        The strength of the penalty ``alpha/2·Σ w²`` on kernels, relative to the sum of the losses of a batch.
    batch_size : int or str
        The number of rows per step; "auto" stands for at most 200.
    epochs : int
        The number of epochs.
    shuffle, seed, verbose : bool, int and int
        See ``Model.fit``.
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
    """Fit weights to rows and return them with the history; ``held_out`` rows are evaluated after each epoch."""
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
"""Models that are not in use, by configuration. They are reused without being traced again."""


@contextmanager
def _lent(start: Weights, settings: Settings) -> Iterator[Perceptron]:
    """Lend a model with these weights and a new optimizer state for exclusive use."""
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
