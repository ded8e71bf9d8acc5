"""Models: layers put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.layers.layer import Layer
from jitgrad.ops import Shape


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
