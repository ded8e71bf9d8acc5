"""Models: layers put together, and fitted by the native loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jitgrad import losses, optimizers
from jitgrad.arguments import count
from jitgrad.errors import ArgumentError
from jitgrad.layers.layer import Layer
from jitgrad.losses import Loss
from jitgrad.ops import Shape
from jitgrad.optimizers import Optimizer
from jitgrad.tape.function import function
from jitgrad.training.fit import History, fit


class Model(Layer):
    """A layer of layers. A subclass makes its layers in ``__init__`` and computes in ``call``.

    Example:
        >>> class Net(Model):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.hidden, self.out = Dense(16, "relu"), Dense(1)
        ...
        ...     def call(self, x):
        ...         return self.out(self.hidden(x))
    """

    _compiled: tuple[Optimizer, Loss] | None = None

    def compile(self, optimizer: str | Optimizer = "adam", loss: str | Loss = "mse") -> None:
        """Choose what ``fit`` uses.

        Args:
            optimizer: a name, or an optimizer of its own learning rate.
            loss: a name, or a function of targets and predictions that returns one number.
        """
        self._compiled = optimizers.get(optimizer), losses.get(loss)

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = 32,
        epochs: int = 1,
        shuffle: bool = True,
        seed: int | None = None,
        verbose: bool | None = None,
    ) -> History:
        """Fit the trainable Variables to rows of data; all epochs run natively. Arguments and errors are ``jitgrad.fit``'s.

        Raises ArgumentError where the model was not compiled.
        """
        optimizer, loss = self._choices()
        data = np.asarray(x), np.asarray(y)
        self(data[0][:1])  # makes the Variables

        def cost(rows: Any, targets: Any) -> Any:
            return loss(targets, self(rows, training=True))

        options: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "shuffle": shuffle, "seed": seed}
        return fit(cost, data, optimizer, self.trainable_variables, **options, verbose=verbose)

    def predict(self, x: Any, batch_size: int = 256) -> np.ndarray:
        """The results for rows of data, as an array."""
        rows = np.asarray(x)
        if len(rows) == 0:
            return np.asarray(self(rows))
        size = count("batch_size", batch_size)
        run = function(self)
        return np.concatenate([np.asarray(run(rows[i : i + size])) for i in range(0, len(rows), size)])

    def evaluate(self, x: Any, y: Any, batch_size: int = 256) -> float:
        """The loss on rows of data, as ``fit`` reports it, with the layers as they predict."""
        _, loss = self._choices()
        predicted = self.predict(x, batch_size)
        return float(loss(np.asarray(y), predicted))

    def _choices(self) -> tuple[Optimizer, Loss]:
        if self._compiled is None:
            raise ArgumentError(f"Model {self.name!r} has no optimizer and loss yet. Call compile(optimizer, loss) first.")
        return self._compiled

    def summary(self) -> str:
        """Print a table of the layers with their results' shapes and numbers of weights; returns it as text.

        Raises ArgumentError where the model was not called yet, so that shapes are not known.
        """
        from rich.console import Console
        from rich.table import Table

        if not all(layer.output_shape is not None for layer in self.layers):
            raise ArgumentError(
                f"Model {self.name!r} is not built, so its shapes are not known. Call it on an input, or begin with an Input."
            )
        table = Table(title=f"{type(self).__name__} {self.name}", title_justify="left")
        table.add_column("layer")
        table.add_column("kind")
        table.add_column("result")
        table.add_column("weights", justify="right")
        for layer in self.layers:
            shape = ", ".join(["None", *map(str, layer.output_shape or ())])
            table.add_row(layer.name, type(layer).__name__, f"({shape})", f"{sum(v.size for v in layer.variables):,}")
        table.add_section()
        total, trainable = sum(v.size for v in self.variables), sum(v.size for v in self.trainable_variables)
        table.add_row("total", "", "", f"{total:,}")
        table.add_row("trainable", "", "", f"{trainable:,}")
        console = Console(record=True, width=100, markup=False)
        console.print(table)
        return console.export_text()


class Input:
    """The shape of a row, as the first item of a Sequential, which is then built at once."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape: Shape = tuple(shape)


class Sequential(Model):
    """Layers one after the other.

    Args:
        layers: layers, after an Input if shapes should be known before the first call.
        name, dtype, trainable: as every layer's.

    Example:
        >>> model = Sequential([Input((28, 28)), Flatten(), Dense(128, "relu"), Dense(10, "softmax")])
        >>> model.count_params()
        101770
    """

    def __init__(self, layers: Iterable[Any] = (), **common: Any) -> None:
        super().__init__(**common)
        self._stack: list[Layer] = []
        self._rows_of: Shape | None = None
        for layer in layers:
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Put a layer at the end. Raises ArgumentError for what is none, or whose name is taken."""
        if isinstance(layer, Input):
            if self._stack or self._rows_of is not None:
                raise ArgumentError(f"Model {self.name!r} has layers already. Put the Input first.")
            self._rows_of = layer.shape
            return
        if not isinstance(layer, Layer):
            raise ArgumentError(f"Model {self.name!r} is given {layer!r}, which is no layer. Use Activation for a function.")
        if any(layer.name == other.name for other in self._stack):
            raise ArgumentError(f"Model {self.name!r} has a layer {layer.name!r} already. Choose another name.")
        self._stack.append(layer)
        if self._rows_of is not None:
            self(np.zeros((1, *self._rows_of), self.dtype))

    def call(self, x: Any, training: bool = False) -> Any:
        for layer in self._stack:
            x = layer(x, training)
        return x
