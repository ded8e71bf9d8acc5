"""Models of layers applied one after another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Unpack

import numpy as np

from jitgrad.arguments import Described, count
from jitgrad.errors import ArgumentError
from jitgrad.layers.layer import Layer, is_unfilled
from jitgrad.layers.options import LayerOptions
from jitgrad.models.model import Model
from jitgrad.ops import Shape
from jitgrad.typing import DTypeLike


class Input(Described):
    """The shape of a row of the inputs.

    As the first item of a `Sequential`, it allows the model to be built at once, so its weights exist before the
    first call.

    Parameters
    ----------
    shape : sequence of int
        Shape without the rows, for example ``(4,)`` for rows of four features.
    dtype : str or dtype, optional
        Dtype of the inputs; by default, the dtype that the first layer takes.

    Examples
    --------
    >>> model = jg.Sequential([jg.Input((4,)), jg.layers.Dense(3)])
    >>> model.count_params()
    15
    """

    def __init__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> None:
        self.shape: Shape = tuple(count("a size of an Input", n, 0) for n in shape)
        self.dtype = None if dtype is None else np.dtype(dtype)


class Sequential(Model):
    """A model of layers applied one after another.

    Parameters
    ----------
    layers : iterable of Layer, default ()
        Layers, optionally preceded by an `Input`. With an Input, or with ``input_shape`` in the first layer, the
        model is built at once; otherwise, it is built when it is first called or fitted.
    **common : LayerOptions, optional
        ``name``, ``dtype`` and ``trainable``; see `jitgrad.layers.Layer`.

    Raises
    ------
    ArgumentError
        If an item is not a layer, or two layers have the same name.

    See Also
    --------
    Model : For layers with other connections.

    Examples
    --------
    >>> model = jg.Sequential([
    ...     jg.Input((28, 28)),
    ...     jg.layers.Flatten(),
    ...     jg.layers.Dense(128, "relu"),
    ...     jg.layers.Dense(10, "softmax"),
    ... ])
    >>> model.count_params()
    101770
    """

    def __init__(self, layers: Iterable[Layer | Input] = (), **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self._stack: list[Layer] = []
        self._input: Input | None = None
        self._listed: list[Any] = []
        if "layers" in self.arguments or type(self) is Sequential:
            self.arguments["layers"] = self._listed
        for layer in layers:
            self.add(layer)

    def add(self, layer: Layer | Input) -> None:
        """Append a layer.

        Parameters
        ----------
        layer : Layer or Input
            A layer; or an Input, before the first layer.

        Raises
        ------
        ArgumentError
            If it is not a layer, or its name is taken.

        Examples
        --------
        >>> model = jg.Sequential()
        >>> model.add(jg.layers.Dense(8, "relu"))
        >>> model.add(jg.layers.Dense(1))
        >>> len(model.layers)
        2
        """
        if isinstance(layer, Layer) and layer.declared_shape is not None and not self._stack and self._input is None:
            self._input = Input(layer.declared_shape)
        if isinstance(layer, Input):
            if self._stack or self._input is not None:
                raise ArgumentError(f"Model {self.name!r} already has layers. Put the Input first.")
            self._input = layer
        elif not isinstance(layer, Layer):
            raise ArgumentError(
                f"Model {self.name!r} cannot contain {layer!r}, which is not a layer. Wrap a function in Activation or Lambda."
            )
        elif any(layer.name == other.name for other in self._stack):
            raise ArgumentError(f"Model {self.name!r} already has a layer {layer.name!r}. Choose another name.")
        else:
            self._stack.append(layer)
            self.built, self.output_shape, self.example = False, None, None
        self._listed.append(layer)
        if self._stack and self._input is not None and not is_unfilled():
            self(np.zeros((1, *self._input.shape), self.input_dtype))

    @property
    def input_dtype(self) -> np.dtype[Any]:
        """The dtype of the inputs."""
        if self._input is not None and self._input.dtype is not None:
            return self._input.dtype
        return self._stack[0].input_dtype if self._stack else self.dtype

    def call(self, x: Any, training: bool = False) -> Any:
        """Apply the layers.

        Parameters
        ----------
        x : Tensor
            Inputs.
        training : bool, default False
            Whether layers behave as in training.

        Returns
        -------
        Tensor
            The result of the last layer.
        """
        for layer in self._stack:
            x = layer(x, training=training)
        return x
