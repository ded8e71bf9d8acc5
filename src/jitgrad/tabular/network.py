"""Gradient descent on a stack of dense layers; a single layer is a linear model."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad import optimizers, random
from jitgrad.callbacks import EarlyStopping
from jitgrad.layers import Dense
from jitgrad.models import Input, Sequential
from jitgrad.tabular.objectives import Objective
from jitgrad.tabular.settings import Settings
from jitgrad.training.fit import History

Layers = tuple[tuple[np.ndarray, np.ndarray], ...]
"""The kernel and bias of each layer."""
Examples = tuple[np.ndarray, np.ndarray]
"""Inputs and targets."""


def results(layers: Layers, x: np.ndarray) -> np.ndarray:
    """Return the outputs of the layers for inputs (n, inputs), with ReLU between them: float64 (n, outputs)."""
    return np.asarray(stacked(layers, x.astype(layers[0][0].dtype)), np.float64)


def stacked(layers: Layers, x: Any) -> Any:
    """Apply the layers to an array or a Tensor, in their dtype."""
    for number, (kernel, bias) in enumerate(layers):
        x = (np.maximum(x, 0) if number else x) @ kernel + bias
    return x


def descend(
    objective: Objective,
    rows: Examples,
    validation: Examples | None,
    settings: Settings,
    start: Layers,
    first: int,
    verbose: Any,
) -> tuple[Layers, History]:
    """Fit the layers by gradient descent.

    Parameters
    ----------
    objective : Objective
        The objective to minimize.
    rows : Examples
        Training inputs and targets.
    validation : Examples or None
        Validation inputs and targets.
    settings : Settings
        The settings, with all defaults filled in.
    start : Layers
        The initial weights.
    first : int
        The number of the first epoch, which determines the order of rows.
    verbose : bool, int, str or None
        See ``jitgrad.fit``.

    Returns
    -------
    Layers, History
        The weights and the losses.

    Raises
    ------
    FitError
        If the fit diverges.
    """
    optimizer = optimizers.get(settings.optimizer or "")
    optimizer.learning_rate = settings.lr or 0.0
    model = _stack(start)
    model.compile(optimizer, objective.loss)
    patience = settings.early_stopping
    history = model.fit(
        *rows,
        batch_size=settings.batch_size,
        epochs=first + (settings.epochs or 0),
        verbose=verbose,
        callbacks=[] if patience is None else EarlyStopping("val_loss", patience=patience, restore_best_weights=True),
        validation_data=validation,
        initial_epoch=first,
        seed=settings.seed,
    )
    weights = model.get_weights()
    return tuple(zip(weights[::2], weights[1::2], strict=True)), history


def first_layers(widths: Sequence[int], seed: int) -> Layers:
    """Return initial weights for inputs, hidden layers and outputs of the given widths.

    A linear model starts from zero in float64, and a network from random weights in float32: He, Zhang, Ren and Sun, "Delving
    deep into rectifiers", 2015.
    """
    shapes = list(itertools.pairwise(widths))
    if len(shapes) == 1:
        return ((np.zeros(shapes[0]), np.zeros(shapes[0][1])),)
    draw = random.generator(seed)
    kernels = [draw.normal(0, np.sqrt(2 / shape[0]), shape).astype(np.float32) for shape in shapes]
    return tuple((kernel, np.zeros(kernel.shape[1], np.float32)) for kernel in kernels)


def _stack(layers: Layers) -> Sequential:
    """Return a model with these weights."""
    first, dtype = layers[0][0], layers[0][0].dtype
    hidden = [Dense(len(bias), "relu", kernel_initializer="zeros", dtype=dtype) for _, bias in layers[:-1]]
    out = Dense(len(layers[-1][1]), kernel_initializer="zeros", dtype=dtype)
    model = Sequential([Input((len(first),)), *hidden, out], dtype=dtype)
    model.set_weights([array for layer in layers for array in layer])
    return model
