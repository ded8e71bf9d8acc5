"""Models: layers put together, and fitted by the native loop."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from jitgrad.arguments import by_name, count
from jitgrad.callbacks import Callback
from jitgrad.errors import ArgumentError
from jitgrad.layers.layer import Layer
from jitgrad.layers.owned import all_owned
from jitgrad.layers.shapes import zeros_of
from jitgrad.models import fitting
from jitgrad.models.costs import Compiled, ModelCost, compiled
from jitgrad.models.data import as_data, as_inputs, names_of, without_frames
from jitgrad.models.sources import EVALUATION_ROWS, FitArguments
from jitgrad.models.steps import Steps
from jitgrad.models.summary import summary, summary_html
from jitgrad.optimizers import Optimizer
from jitgrad.saving import load_weights, save_model, save_weights
from jitgrad.tape.function import Function, function
from jitgrad.tape.recording import no_grad
from jitgrad.tape.tensor import as_tensor
from jitgrad.tape.tree import tree_leaves, tree_map, tree_pack
from jitgrad.training.fit import History
from jitgrad.training.progress import bar, is_shown, progress


class Model(Steps):
    """A layer of layers. A subclass makes its layers in ``__init__`` and computes in ``call``.

    It may override ``compute_loss``, ``train_step``, ``test_step`` and ``predict_step``.

    Attributes:
        stop_training: set it in a callback to end a fit after the epoch.

    Example:
        >>> class Net(Model):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.hidden, self.out = Dense(16, "relu"), Dense(1)
        ...
        ...     def call(self, x):
        ...         return self.out(self.hidden(x))
    """

    compiled: Compiled | None = None
    stop_training = False
    fitted_columns: tuple[Any, Any] = (None, None)
    """The names in the inputs and targets that it was fitted to, see ``training.columns``."""
    evaluation_rows = EVALUATION_ROWS
    """How many rows a ``test_step`` gets at once while the model is fitted."""
    example: Any = None
    """Inputs of one row of zeros, known from the first call on."""
    _predict: tuple[Any, Function[..., Any]] | None = None

    def __call__(self, x: Any, *more: Any, training: bool | None = None, **options: Any) -> Any:
        x = without_frames(x, self.fitted_columns[0])
        y = super().__call__(x, *more, training=training, **options)
        if self.example is None:
            self.example = tree_map(lambda t: np.zeros((1, *t.shape[1:]), t.dtype), self._inputs(x))
        return y

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: without what was traced."""
        return {key: value for key, value in vars(self).items() if key != "_predict"}

    def build(self, input_shape: Any) -> None:
        """Make the Variables of all layers, by a call on zeros; open sizes behind the rows are taken for 1.

        Args:
            input_shape: with the rows in front, None for any number; a list or dict of shapes for several inputs.

        Example:
            >>> model = Sequential([Dense(2)])
            >>> model.build((None, 3))
            >>> model.count_params()
            8
        """
        self(zeros_of(input_shape, self.input_dtype))

    def built_for(self, shapes: Any) -> None:
        if shapes is not None and not self.built and type(self).build is Model.build:
            self.mark_built(shapes)  # the call that asks builds the layers
        else:
            super().built_for(shapes)

    def compile(
        self,
        optimizer: str | Optimizer = "adam",
        loss: Any = "mse",
        metrics: Any = None,
        weighted_metrics: Any = None,
    ) -> None:
        """Choose what ``fit`` and ``evaluate`` use. What was traced is traced anew: call it after changing a layer's options.

        Args:
            optimizer: a name, or an optimizer of its own learning rate.
            loss: a name, or a function of targets and predictions that returns one number, or one a row; for several outputs,
                whose losses are added, also a list or dict of them. Options are bound by ``functools.partial``.
            metrics: names, metrics, losses or functions, one or a list, for models of one output, without sample weights.
            weighted_metrics: the same with them.

        Raises ArgumentError for an unknown name.
        """
        self.compiled = compiled(optimizer, loss, metrics, weighted_metrics)
        self._predict = None

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer that it was compiled with."""
        return self.chosen.optimizer

    @property
    def chosen(self) -> Compiled:
        """What it was compiled with. Raises ArgumentError where it was not."""
        if self.compiled is None:
            raise ArgumentError(f"Model {self.name!r} has no optimizer and loss yet. Call compile(optimizer, loss) first.")
        return self.compiled

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = 32,
        epochs: int = 1,
        verbose: bool | int | str | None = None,
        callbacks: Sequence[Callback] | Callback | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        seed: int | None = None,
    ) -> History:
        """Fit the trainable Variables to rows of data; all epochs run natively, with validation and metrics.

        Args:
            x: the inputs, rows first: an array, a frame of pandas, Polars or Arrow, or a list or dict of them as ``call``
                takes. Without ``y``: an iterable of batches ``(x, y)`` or ``(x, y, sample_weight)``, which need not fit into
                memory, or a function that returns an iterator of them. It is gone through in its order, once an epoch.
            y: the targets.
            batch_size: rows a step; None for all of them.
            epochs: the number of the last epoch: how many, where it begins with the first.
            verbose: 0 for silence, 1 for a bar on stderr, 2 for a line an epoch; by default a bar where that is a terminal.
            callbacks: see ``jitgrad.callbacks``; with one, the fit returns to Python after each epoch.
            validation_split: the part of the rows, taken from their end, that is evaluated after each epoch, not fitted.
            validation_data: ``(x, y)`` or ``(x, y, sample_weight)`` to evaluate; then nothing is split off.
            shuffle: whether each epoch takes the rows in a new order.
            class_weight: from classes to weights of their rows, 1 where left out.
            sample_weight: a weight for each row's loss.
            initial_epoch: where to begin; the order of the rows depends on an epoch's number.
            seed: of the shuffling; by default drawn from ``jitgrad.random``, whose own seed (``jitgrad.random.seed``) decides
                the first weights and what layers draw, too. The same seeds give the same result to the bit.

        Returns:
            The loss and the metrics of each epoch, those of validation as ``val_…``.

        Raises:
            DataError: where arrays differ in rows, have none, hold nan, inf, missing values or texts, or targets that the loss
                has no meaning for.
            ArgumentError: for an argument out of range, or where the model was not compiled.
            ShapeError: where rows are not of the shape that the model was built for.
            FitError: where a loss becomes nan or infinite; the Variables keep their values of the last finite chunk.
            KeyboardInterrupt: on Ctrl-C; the Variables then have the values of the last finished chunk.
        """
        part = 0.0 if validation_data is not None and y is not None else validation_split
        given = FitArguments(batch_size, epochs, verbose, part, shuffle, initial_epoch, seed)
        runners = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        return fitting.fit(self, (x, y, sample_weight, class_weight), validation_data, runners, given)

    def train_on_batch(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step on all these rows. Returns the loss before it, or a list of it and the metrics, or a dict by name."""
        rows = as_data(x, y, sample_weight, class_weight, known=self.fitted_columns)
        return _returned(fitting.step(self, rows), return_dict)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 256,
        verbose: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss on rows of data, as ``fit`` reports it, with the layers as they predict.

        Arguments are ``fit``'s; nothing is shown, whatever ``verbose`` is. Returns a float, or a list of it and the metrics, or
        a dict of them by name.
        """
        return _returned(fitting.evaluate(self, x, y, sample_weight, batch_size), return_dict)

    def predict(self, x: Any, batch_size: int = 256, verbose: bool | int | str | None = 0) -> Any:
        """The results for rows of data, computed in batches, as an array or as many as ``call`` returns.

        Frames and dicts are taken by the names that the model was fitted to; what else they have is ignored.

        Raises DataError where a name is missing, ShapeError where rows are not of the shape that the model was built for.
        """
        inputs = as_inputs(x, self.fitted_columns[0])
        size, rows = count("batch_size", batch_size), len(tree_leaves(inputs)[0])
        predicting = self._predicting()
        own = self.has_own("predict_step")
        run: Callable[..., Any] = no_grad()(self._own_predictions if own else predicting if rows else self)
        if rows and not own:
            predicting.check(tree_leaves(inputs), names_of(inputs, "x"), tree_map(operator.itemgetter(slice(size)), inputs))
        if rows <= size:
            return tree_map(np.asarray, run(inputs))
        parts: list[list[np.ndarray]] = []
        with bar(rows, "rows") if is_shown(verbose) else nullcontext((None, None)) as (task, shown):
            for first in range(0, rows, size):
                made = run(tree_map(operator.itemgetter(slice(first, first + size)), inputs))
                parts.append([np.asarray(value) for value in tree_leaves(made)])
                if shown is not None:
                    shown.update(task, completed=min(rows, first + size))
        return tree_pack(made, [np.concatenate(column) for column in zip(*parts, strict=True)])

    def get_layer(self, name: str) -> Layer:
        """The layer of a name, among those that the model owns itself. Raises ArgumentError where there is none."""
        return by_name("layer", name, {layer.name: layer for layer in self.layers})

    def summary(self) -> str:
        """Print a table of the layers with their results' shapes and numbers of weights; returns it as text.

        Raises ArgumentError where the model was not called yet, so that shapes are not known.
        """
        return summary(self)

    def _repr_html_(self) -> str:
        return summary_html(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all of it to one file, for ``jitgrad.load_model``: architecture, weights, optimizer with its state.

        The file is whole or not there. Raises ArgumentError for a part without a name, as a lambda.
        """
        save_model(self, path)

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write the values of all Variables to a file, whole or not at all."""
        save_weights(self, path)

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Take the values of all Variables from a file. Raises DataError, and changes nothing, where they do not fit."""
        load_weights(self, path)

    def progress(self, first: int, epochs: int, verbose: Any, metrics: Any) -> AbstractContextManager[Any]:
        """What a fit shows while it runs, see ``training.progress``; a subclass may show it in another way."""
        return progress(first, epochs, verbose, metrics)

    def cost(self, nest: tuple[Any, ...], training: bool) -> ModelCost:
        """The cost on batches of this nesting, traced once for the same layers."""
        chosen = self.chosen
        key = (repr(nest), training, self._layout())
        if key not in chosen.costs:
            chosen.costs[key] = ModelCost(self, chosen, nest, training)
        return chosen.costs[key]

    def _predicting(self) -> Function[..., Any]:
        layout = self._layout()
        if self._predict is None or self._predict[0] != layout:
            self._predict = layout, function(self.__call__)
        return self._predict[1]

    def _own_predictions(self, inputs: Any) -> Any:
        return self.predict_step(tree_map(as_tensor, inputs))

    def _layout(self) -> tuple[Any, ...]:
        """What decides whether a trace still holds: the layers and Variables, and which are trainable."""
        return tuple((id(x), x.trainable) for x in all_owned(self))


def _returned(metrics: dict[str, Any], return_dict: bool) -> Any:
    if return_dict:
        return metrics
    values = list(metrics.values())
    return values if len(values) > 1 else values[0]
