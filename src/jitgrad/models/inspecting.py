"""Inspecting and saving a model."""

from __future__ import annotations

import os
from typing import Any

from jitgrad.arguments import by_name
from jitgrad.layers.layer import Layer
from jitgrad.models.steps import Steps
from jitgrad.models.summary import summary, summary_html
from jitgrad.saving import load_weights, save_model, save_weights


class Inspectable(Steps):
    """The methods of a model that print and save it."""

    def get_layer(self, name: str) -> Layer:
        """Return the layer with a name.

        Parameters
        ----------
        name : str
            Name of a layer that the model contains directly.

        Returns
        -------
        Layer
            The layer.

        Raises
        ------
        ArgumentError
            If there is no layer with this name.
        """
        return by_name("layer", name, {layer.name: layer for layer in self.layers})

    def summary(self) -> str:
        """Print a table of the layers with the shapes of their results and the numbers of their weights.

        Returns
        -------
        str
            The table.

        Raises
        ------
        ArgumentError
            If the model is not built, so shapes are unknown.

        Examples
        --------
        >>> model = jg.Sequential([jg.Input((4,)), jg.layers.Dense(3, name="scores")], name="iris")
        >>> table = model.summary()
        Sequential iris
        ┏━━━━━━━━━━━┳━━━━━━━┳━━━━━━━━━━━┳━━━━━━━━━┓
        ┃ layer     ┃ kind  ┃ result    ┃ weights ┃
        ┡━━━━━━━━━━━╇━━━━━━━╇━━━━━━━━━━━╇━━━━━━━━━┩
        │ scores    │ Dense │ (None, 3) │      15 │
        ├───────────┼───────┼───────────┼─────────┤
        │ total     │       │           │      15 │
        │ trainable │       │           │      15 │
        └───────────┴───────┴───────────┴─────────┘
        """
        return summary(self)

    def _repr_html_(self) -> str:
        return summary_html(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the model to one file: configuration, weights, and the optimizer with its state.

        Parameters
        ----------
        path : path-like
            Path of the file. An existing file is replaced atomically.

        Raises
        ------
        ArgumentError
            If a part of the model has no name, such as a lambda.
        OSError
            If the file cannot be written.

        See Also
        --------
        jitgrad.load_model : Load the model.
        """
        whole: Any = self
        save_model(whole, path)

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Save the values of all weights to a file.

        Parameters
        ----------
        path : path-like
            Path of the file. An existing file is replaced atomically.

        See Also
        --------
        load_weights : Load the values.
        """
        save_weights(self, path)

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Load the values of all weights from a file.

        Parameters
        ----------
        path : path-like
            Path of a file that `save_weights` or `save` wrote.

        Raises
        ------
        DataError
            If the file cannot be read, or its weights do not match the model's. The model is then unchanged.
        """
        load_weights(self, path)
