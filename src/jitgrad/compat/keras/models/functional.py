"""Models of the functional API."""

from __future__ import annotations

import importlib
from typing import Any

from jitgrad.compat.keras.models.graph import Graph
from jitgrad.compat.keras.models.model import Model
from jitgrad.compat.keras.symbol import Input, KerasTensor, called, is_layer, operation_name
from jitgrad.errors import ArgumentError, DataError
from jitgrad.ops import OPS
from jitgrad.tape.tree import tree_leaves, tree_map


class Functional(Model):
    """A model made of symbols: ``Model(inputs, outputs)``."""

    def _take(self, graph: Graph) -> None:
        super()._take(graph)
        self.arguments = {"plan": _plan(graph)}

    @classmethod
    def made_with(cls, arguments: dict[str, Any]) -> Any:
        """A model from what a file says of its graph."""
        return cls(*_built(arguments["plan"]))


Model.functional = Functional


def _plan(graph: Graph) -> dict[str, Any]:
    """A graph as a file has it: its inputs, the calls in their order, and what stands where symbols stood."""
    numbers = {id(x): i for i, x in enumerate(tree_leaves(graph.inputs))}
    calls: list[Any] = []
    for call in graph.calls:
        operation = call.operation if is_layer(call.operation) else _Named(call.operation)
        place = _places(numbers)
        calls.append([operation, tree_map(place, list(call.args)), tree_map(place, call.kwargs), call.name])
        for x in tree_leaves(call.results):
            numbers[id(x)] = len(numbers)
    place = _places(numbers)
    inputs = [[list(x.shape), x.dtype, x.name] for x in tree_leaves(graph.inputs)]
    nests = {"given": tree_map(place, graph.inputs), "outputs": tree_map(place, graph.outputs)}
    return {"inputs": inputs, "calls": [[_described(c[0]), *c[1:]] for c in calls], **nests}


def _places(numbers: dict[int, int]) -> Any:
    return lambda x: {"symbol": numbers[id(x)]} if isinstance(x, KerasTensor) else x


class _Named:
    """A function of jitgrad by its module and name."""

    def __init__(self, function: Any) -> None:
        self.name = operation_name(function)
        self.module = getattr(function, "__module__", "")
        self.is_op = OPS.get(self.name) is function
        if not self.is_op and not str(self.module).startswith("jitgrad."):
            raise ArgumentError(
                f"The model calls {self.name!r}, a function of your own, on symbols. Put it into a Lambda layer."
            )


def _described(operation: Any) -> Any:
    return (
        operation if is_layer(operation) else {"op" if operation.is_op else "function": f"{operation.module}:{operation.name}"}
    )


def _built(plan: dict[str, Any]) -> tuple[Any, Any]:
    """Inputs and outputs as symbols, all calls made again."""
    symbols = [Input(batch_shape=shape, dtype=dtype, name=name) for shape, dtype, name in plan["inputs"]]

    def filled(nest: Any) -> Any:
        if isinstance(nest, dict):
            return symbols[nest["symbol"]] if set(nest) == {"symbol"} else {key: filled(item) for key, item in nest.items()}
        return type(nest)(filled(item) for item in nest) if isinstance(nest, (list, tuple)) else nest

    for operation, args, kwargs, _ in plan["calls"]:
        found = operation if is_layer(operation) else _function(operation)
        symbols += tree_leaves(called(found, tuple(filled(args)), filled(kwargs)))
    return filled(plan["given"]), filled(plan["outputs"])


def _function(named: dict[str, str]) -> Any:
    """A function of jitgrad that a file names. Raises DataError for any other."""
    kind, text = next(iter(named.items()))
    module, _, name = text.partition(":")
    if kind == "op" and name in OPS:
        return OPS[name]
    if module.startswith("jitgrad.") and not name.startswith("_"):
        found = getattr(importlib.import_module(module), name, None)
        if callable(found):
            return found
    raise DataError(f"The file names the function {text!r}, which jitgrad has not. Save the model again.")
