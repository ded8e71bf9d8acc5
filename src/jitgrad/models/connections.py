"""The connections between the layers of a model, found by recording a call."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.layers.layer import observed_calls
from jitgrad.ops import Shape
from jitgrad.tape.operators import Operators
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.tree import tree_leaves, tree_map


class Box(NamedTuple):
    """An input or the call of a layer: its name, its kind, and the shape of its result without the rows."""

    name: str
    kind: str
    shape: Shape | None


def connections(model: Any) -> tuple[list[Box], list[tuple[int, int]]]:
    """Return the inputs and layer calls of a model in order, and the pairs in which the first feeds the second.

    Raises ArgumentError if the shapes of the inputs are unknown.
    """
    inputs = _inputs(model)
    with observed_calls() as calls:
        model(inputs)
    own = {id(layer) for layer in model.layers}
    made: dict[int, int] = {id(t): i for i, t in enumerate(tree_leaves(inputs))}
    names = list(map(str, inputs)) if isinstance(inputs, dict) else [model.name] * len(made)
    boxes = [Box(name, "input", t.shape[1:]) for name, t in zip(names, tree_leaves(inputs), strict=True)]
    edges: list[tuple[int, int]] = []
    for layer, given, result in calls:
        if id(layer) not in own:
            continue
        boxes.append(Box(layer.name, type(layer).__name__, layer.output_shape))
        number = len(boxes) - 1
        edges += sorted({(source, number) for tensor in tree_leaves(given) for source in _sources(tensor, made)})
        made |= {id(t): number for t in tree_leaves(result)}
    return boxes, edges


def _sources(tensor: Any, made: dict[int, int]) -> list[int]:
    """Return the boxes whose results were used to compute a Tensor with ops outside of layers."""
    found, stack, seen = [], [tensor], set()
    while stack:
        node = stack.pop()
        if id(node) in seen or not isinstance(node, Operators):
            continue
        seen.add(id(node))
        if id(node) in made:
            found.append(made[id(node)])
        elif isinstance(node, Tensor):
            stack += node.inputs
    return found


def _inputs(model: Any) -> Any:
    """Return one row of zeros in the form of the model's inputs."""
    if model.example is not None:
        return tree_map(as_tensor, model.example)
    if model.input_shape is None:
        raise ArgumentError(f"The inputs of model {model.name!r} are unknown. Call the model on inputs first.")
    return as_tensor(np.zeros((1, *model.input_shape), model.dtype))
