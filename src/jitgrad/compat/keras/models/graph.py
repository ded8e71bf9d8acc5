"""The computation of a functional model: it repeats the calls between inputs and outputs."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.keras.layers.core import InputLayer
from jitgrad.compat.keras.symbol import Call, KerasTensor, is_layer, run, symbols_in
from jitgrad.errors import ArgumentError
from jitgrad.functions.shapes import expand_dims, squeeze
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.tree import operands_first, tree_leaves, tree_map, tree_pack


class Graph:
    """Symbols, and the calls that lead from inputs to outputs.

    Attributes
    ----------
    inputs, outputs : KerasTensor, or nested KerasTensors
        The symbols, possibly nested.
    calls : list of Call
        The calls in between, in the order of their dependencies.
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.inputs, self.outputs = inputs, outputs
        given = symbols_in(inputs)
        if not given or len(given) != len(tree_leaves(inputs)) or not symbols_in(outputs):
            raise ArgumentError(
                "A Model's inputs and outputs must be symbols. Start with keras.Input(shape=…), and call layers on it."
            )
        known = {id(x) for x in given}

        def needed(call: Call) -> list[Call]:
            return [x.source for x in call.inputs if x.source is not None and id(x) not in known]

        ends = [x.source for x in symbols_in(outputs) if x.source is not None and id(x) not in known]
        self.calls = operands_first(ends, needed)
        for call in self.calls:
            for x in call.inputs:
                if x.source is None and id(x) not in known:
                    raise ArgumentError(
                        f"The model's outputs depend on the input {x.name!r}, which is not among its inputs. Add it."
                    )
        self.input_layers = [_input_layer(x) for x in given]

    @property
    def layers(self) -> list[Any]:
        """Return the layers, each once, in the order of the calls, with the inputs first."""
        found = {id(call.operation): call.operation for call in self.calls if is_layer(call.operation)}
        return [*self.input_layers, *found.values()]

    @property
    def output_names(self) -> list[str]:
        """Return the names of the outputs, which are the names of their layers."""
        return [x.name if x.source is None else x.source.name for x in symbols_in(self.outputs)]

    def as_inputs(self, nest: Any) -> Any:
        """Nest data given by the names of the inputs like the inputs; return other data unchanged."""
        names = [x.name for x in symbols_in(self.inputs)]
        if not isinstance(nest, dict) or isinstance(self.inputs, dict) or not set(names) <= set(nest):
            return nest
        return tree_pack(self.inputs, [nest[name] for name in names])

    def as_outputs(self, nest: Any) -> Any:
        """Nest data given by the names of the outputs like the outputs; return other data unchanged."""
        names = self.output_names
        if not isinstance(nest, dict):
            return nest
        if isinstance(self.outputs, dict) and set(nest) <= set(self.outputs):
            return {key: nest.get(key) for key in self.outputs}
        if not set(nest) <= set(names):
            return nest
        return tree_pack(self.outputs, [nest.get(name) for name in names])

    def run(self, given: Any, training: bool) -> Any:
        """Compute the outputs for inputs that are nested like the symbols, in a list, or by name."""
        values: dict[int, Any] = dict(zip(map(id, symbols_in(self.inputs)), self._in_order(given), strict=True))
        for call in self.calls:
            args, kwargs = tree_map(lambda x: values[id(x)] if isinstance(x, KerasTensor) else x, (call.args, call.kwargs))
            if is_layer(call.operation) and "training" not in kwargs:
                kwargs = {**kwargs, "training": training}
            made = run(call.operation, args, kwargs)
            for symbol, value in zip(tree_leaves(call.results), tree_leaves(made), strict=True):
                values[id(symbol)] = value
        return tree_map(lambda x: values[id(x)] if isinstance(x, KerasTensor) else x, self.outputs)

    def _in_order(self, given: Any) -> list[Tensor]:
        wanted = symbols_in(self.inputs)
        if isinstance(given, dict):
            keys = list(self.inputs) if isinstance(self.inputs, dict) else [x.name for x in wanted]
            missing = [key for key in keys if key not in given]
            if missing:
                raise ArgumentError(
                    f"The model's inputs are {', '.join(keys)}, and {missing[0]!r} is missing. Give them by name."
                )
            given = [given[key] for key in keys]
        found = tree_leaves(given)
        if len(found) != len(wanted):
            raise ArgumentError(
                f"The model has {len(wanted)} inputs, but {len(found)} are given. Give one for each input, in a list."
            )
        return [fitted(x, symbol) for x, symbol in zip(found, wanted, strict=True)]


def fitted(x: Any, symbol: KerasTensor) -> Any:
    """Add or remove an axis of size 1, as the input requires."""
    if x.ndim + 1 == symbol.ndim and symbol.shape[-1] == 1:
        return expand_dims(x, -1)
    return squeeze(x, -1) if x.ndim == symbol.ndim + 1 and x.shape[-1] == 1 else x


def _input_layer(symbol: KerasTensor) -> InputLayer:
    return InputLayer(symbol.shape[1:], symbol, name=symbol.name)
