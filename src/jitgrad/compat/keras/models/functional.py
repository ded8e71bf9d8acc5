"""Models of the functional API."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.compat.keras.configs import deserialized, serialized
from jitgrad.compat.keras.functions import function_of, name_of
from jitgrad.compat.keras.models.graph import Graph
from jitgrad.compat.keras.models.model import Model
from jitgrad.compat.keras.symbol import Input, KerasTensor, called, is_layer
from jitgrad.compat.tensorflow.dtypes import DType, as_dtype
from jitgrad.compat.tensorflow.tensor import wrap_array
from jitgrad.tape.operators import Operators
from jitgrad.tape.tree import tree_leaves, tree_map


class Functional(Model):
    """A model defined by symbols: ``Model(inputs, outputs)``."""

    def _take(self, graph: Graph) -> None:
        super()._take(graph)
        self.arguments = {"plan": _plan(graph)}

    @classmethod
    def made_with(cls, arguments: dict[str, Any]) -> Any:
        """Create a model from the graph in a file."""
        return cls(*_built(arguments["plan"]))

    def get_config(self) -> dict[str, Any]:
        """Return the configs of the layers and their connections."""
        plan = dict(self.arguments["plan"])
        layers = [serialized(layer) for layer in plan.pop("layers")]
        return {"name": self.name, "trainable": self.trainable, "layers": layers, "plan": plan}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Create a model with the same layers and new weights."""
        layers = [deserialized(layer, custom_objects) for layer in config["layers"]]
        inputs, outputs = _built({**config["plan"], "layers": layers})
        return cls(inputs, outputs, name=config.get("name"))


Model.functional = Functional


def _plan(graph: Graph) -> dict[str, Any]:
    """Return a graph in the form in which it is saved: its inputs, the calls in order, and its outputs."""
    numbers = {id(x): i for i, x in enumerate(tree_leaves(graph.inputs))}
    layers = [layer for layer in graph.layers if layer not in graph.input_layers]
    calls: list[Any] = []
    for call in graph.calls:
        operation = layers.index(call.operation) if is_layer(call.operation) else name_of(call.operation)
        place = _places(numbers)
        calls.append([operation, tree_map(place, list(call.args)), tree_map(place, call.kwargs)])
        for x in tree_leaves(call.results):
            numbers[id(x)] = len(numbers)
    place = _places(numbers)
    inputs = [[list(x.shape), x.dtype, x.name] for x in tree_leaves(graph.inputs)]
    nests = {"given": tree_map(place, graph.inputs), "outputs": tree_map(place, graph.outputs)}
    return {"layers": layers, "inputs": inputs, "calls": calls, **nests}


def _places(numbers: dict[int, int]) -> Any:
    """Replace the symbols in an argument by their numbers, and convert other values to plain data."""

    def place(x: Any) -> Any:
        if isinstance(x, KerasTensor):
            return {"symbol": numbers[id(x)]}
        if isinstance(x, Operators):
            return {"tensor": np.asarray(x.numpy())}
        if isinstance(x, slice):
            return {"slice": [x.start, x.stop, x.step]}
        return {"slice": []} if x is Ellipsis else {"dtype": x.name} if isinstance(x, DType) else x

    return place


def _placed(x: dict[str, Any], symbols: list[Any]) -> Any:
    """Return the symbol or value that ``_places`` converted to a number or plain data."""
    kind, value = next(iter(x.items()))
    if kind == "symbol":
        return symbols[value]
    if kind == "slice":
        return slice(*value) if value else Ellipsis
    if kind == "tensor":
        return wrap_array(value)
    return as_dtype(value)


def _built(plan: dict[str, Any]) -> tuple[Any, Any]:
    """Repeat all calls, and return the symbols of the inputs and outputs."""
    symbols = [Input(batch_shape=shape, dtype=dtype, name=name) for shape, dtype, name in plan["inputs"]]

    def filled(nest: Any) -> Any:
        if isinstance(nest, dict):
            known = len(nest) == 1 and next(iter(nest)) in ("symbol", "slice", "dtype", "tensor")
            return _placed(nest, symbols) if known else {key: filled(item) for key, item in nest.items()}
        return type(nest)(filled(item) for item in nest) if isinstance(nest, (list, tuple)) else nest

    for operation, args, kwargs in plan["calls"]:
        found = plan["layers"][operation] if isinstance(operation, int) else function_of(operation)
        symbols += tree_leaves(called(found, tuple(filled(args)), filled(kwargs)))
    return filled(plan["given"]), filled(plan["outputs"])
