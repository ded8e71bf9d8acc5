"""Keras's Sequential model."""

from __future__ import annotations

from typing import Any

from jitgrad import models as library
from jitgrad.compat.keras.configs import deserialized, serialized
from jitgrad.compat.keras.layers.core import InputLayer
from jitgrad.compat.keras.models.graph import fitted
from jitgrad.compat.keras.models.model import Model
from jitgrad.compat.keras.symbol import Input, KerasTensor
from jitgrad.errors import ArgumentError
from jitgrad.layers.layer import Layer as LibraryLayer
from jitgrad.layers.layer import is_unfilled


class Sequential(Model, library.Sequential):
    """Layers applied one after the other. They are built immediately if the first layer specifies the shape of its inputs."""

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any) -> None:
        self._first: KerasTensor | None = None
        self._last: Any = None
        super().__init__(trainable=trainable, name=name, **kwargs)
        self.arguments["layers"] = self._listed
        for layer in layers or ():
            self.add(layer)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        x = inputs if self._first is None else fitted(inputs, self._first)
        return library.Sequential.call(self, x, bool(training))

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Append a layer."""
        if isinstance(layer, InputLayer):
            layer = layer.output if layer.output is not None else Input(layer.declared_shape, dtype=layer.dtype)
        if isinstance(layer, KerasTensor):
            if self._stack or self._first is not None:
                raise ArgumentError(f"Model {self.name!r} already has layers. Put the Input first.")
            self._begin(layer)
            self._listed.append(InputLayer(layer.shape[1:], name=layer.name, dtype=_float(layer.dtype)))
            return
        if not isinstance(layer, LibraryLayer):
            raise ArgumentError(
                f"Only instances of `keras.Layer` can be added to a Sequential model. Received: {layer!r}. Use "
                f"layers.Lambda for a function."
            )
        if self._first is None and not self._stack:
            self._begin(_symbol_for(layer))
        if any(layer.name == other.name for other in self._stack):
            raise ArgumentError(
                f"All layers added to a Sequential model should have unique names, and {layer.name!r} is taken. Choose another."
            )
        self._stack.append(layer)
        self._listed.append(layer)
        self.built, self.output_shape, self.example = False, None, None
        if self._last is not None and not is_unfilled():
            self._extend(layer)

    def _begin(self, symbol: KerasTensor | None) -> None:
        self._first = self._last = symbol

    def _extend(self, layer: Any) -> None:
        """Call a new layer on the output symbol of the last one."""
        self._last = layer(self._last)
        assert self._first is not None
        self.mark_built(self._first.shape)
        self.output_shape = self._last.shape[1:]

    def pop(self, rebuild: bool = True) -> Any:
        """Remove and return the last layer."""
        if not self._stack:
            raise ArgumentError(f"Model {self.name!r} has no layers. Add one first.")
        layer = self._stack.pop()
        self._listed.remove(layer)
        self.built, self.output_shape, self.example, self._last = False, None, None, self._first
        if self._first is not None:
            for kept in self._stack:
                self._extend(kept)
        return layer

    @property
    def layers(self) -> list[Any]:
        """The layers, without the inputs."""
        return list(self._stack)

    @property
    def inputs(self) -> Any:
        """The symbol for the input in a list, if its shape is known."""
        return [] if self._symbols()[0] is None else [self._first]

    @property
    def outputs(self) -> Any:
        """The symbol for the output in a list."""
        return [] if self._symbols()[0] is None else [self._last]

    @property
    def input(self) -> Any:
        """The symbol for the input."""
        return self._known(self.inputs, "input")

    @property
    def output(self) -> Any:
        """The symbol for the output."""
        return self._known(self.outputs, "output")

    def _known(self, found: list[Any], what: str) -> Any:
        if not found:
            raise AttributeError(f"The layer {self.name} has never been called and thus has no defined {what}.")
        return found[0]

    def _symbols(self) -> tuple[Any, Any]:
        """The symbols for the input and output, created as soon as the shape is known."""
        if self._first is None and self.input_shape is not None:
            self._begin(Input(self.input_shape))
            for layer in self._stack:
                self._last = layer(self._last)
        return self._first, self._last

    def get_config(self) -> dict[str, Any]:
        """Return the configs of the layers."""
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable, "dtype": str(self.dtype)}
        shape = None if self._first is None else self._first.shape
        begin = [] if self._first is None else [InputLayer(self._first.shape[1:], name=self._first.name)]
        config["layers"] = [serialized(layer) for layer in [*begin, *self._stack]]
        return config if shape is None else {**config, "build_input_shape": shape}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Create a model with the same layers and new weights."""
        made = cls(name=config.get("name"))
        for layer in config["layers"]:
            made.add(deserialized(layer, custom_objects))
        return made


def _symbol_for(layer: Any) -> KerasTensor | None:
    """Return the input of the first layer if it specifies a shape or was built for one."""
    if isinstance(layer, Sequential) and layer.inputs:
        return Input(batch_shape=layer.inputs[0].shape, dtype=layer.inputs[0].dtype)
    if isinstance(layer, Model) and len(layer.inputs) == 1:
        return Input(batch_shape=layer.inputs[0].shape, dtype=layer.inputs[0].dtype)
    declared = layer.declared_shape
    if declared is None and not isinstance(layer, Model) and layer.built and layer.input_shape is not None:
        declared = layer.input_shape
    return None if declared is None else Input(declared, dtype=layer.input_dtype)


def _float(dtype: str) -> str | None:
    return dtype if dtype.startswith("float") else None
