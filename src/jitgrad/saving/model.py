"""A model as a file: how it was made, what it was built for, its weights, and how far a fit has come."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, DataError, JitgradError
from jitgrad.layers.layer import Layer, unfilled_weights
from jitgrad.layers.owned import own_variables
from jitgrad.layers.shapes import as_plain, from_plain
from jitgrad.saving import archive
from jitgrad.saving.describe import describe, made
from jitgrad.tape.values import peek
from jitgrad.tape.variable import Variable
from jitgrad.training.columns import from_file

UNFIT = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError, JitgradError)
"""What may come of data that is not what it should be."""


def save_model(model: Any, path: str | os.PathLike[str], fit: Mapping[str, Any] | None = None) -> None:
    """Write a Model to a file, whole or not at all.

    Args:
        model: built or not, compiled or not.
        path: of the file; a present one is replaced.
        fit: what a fit needs to go on.

    Raises ArgumentError for a part that has no name, as a lambda, and OSError where the file cannot be written.
    """
    document = {"model": describe(model), "built": _built(model), "weights": _named(model.variables), "fit": dict(fit or {})}
    document["columns"] = list(model.fitted_columns)
    if model.compiled is not None:
        arguments = {name: describe(value, f"compile's {name}") for name, value in model.compiled.arguments.items()}
        document["compiled"] = {"arguments": arguments, "state": model.optimizer.get_state(model.variables)}
    archive.write(path, document)


def load_model(path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None, compile: bool = True) -> Any:
    """The Model of a file that ``model.save`` wrote, with its weights, compiled as it was.

    Args:
        path: of the file.
        custom_objects: your functions by name, and classes where this process has not defined them.
        compile: whether to compile it, with the state of its optimizer.

    Raises DataError for a file that is not there, damaged, not of jitgrad, or that names what is not known.
    """
    document = archive.read(path)
    custom = custom_objects or {}
    try:
        with unfilled_weights(_size(document)):
            model = made(document["model"], custom)
        if not hasattr(model, "compiled"):
            raise DataError(f"it describes a {type(model).__name__}")
        restore(model, document)
        of_x, of_y = document["columns"]
        model.fitted_columns = from_file(of_x), from_file(of_y)
        if compile and "compiled" in document:
            compiled = document["compiled"]
            model.compile(**{name: made(value, custom) for name, value in compiled["arguments"].items()})
            model.optimizer.set_state(compiled["state"], model.variables)
    except UNFIT as error:
        said = str(error).removesuffix(".")
        raise DataError(f"{path} cannot be made a model again: {said}. Save it again, or check custom_objects.") from error
    return model


def restore(model: Any, document: Any) -> None:
    """Build a model for what that of a file was built for, and give it its weights.

    Raises ArgumentError, ShapeError or DataError where it is another one.
    """
    with unfilled_weights(_size(document)):
        _build(model, document["built"])
    _fill(model, document["weights"])


def _size(document: Any) -> int:
    return sum(a.size for a in document["weights"].values())


def save_weights(layer: Layer, path: str | os.PathLike[str]) -> None:
    """Write the values of all Variables to a file, whole or not at all."""
    archive.write(path, {"weights": _named(layer.variables)})


def load_weights(layer: Layer, path: str | os.PathLike[str]) -> None:
    """Take the values of all Variables from a file of ``save_weights`` or ``save``, in their order.

    Raises DataError where the file cannot be read or its weights do not fit; no Variable has changed then.
    """
    document = archive.read(path)
    try:
        _fill(layer, document["weights"])
    except UNFIT as error:
        raise DataError(f"{path} has no weights for {layer.name!r}: {error} Give the file of a model made alike.") from error


def _fill(layer: Layer, weights: dict[str, np.ndarray]) -> None:
    for array, variable in zip(weights.values(), layer.variables, strict=False):
        if array.dtype != variable.dtype:
            raise DataError(f"Weight {variable.name!r} is {variable.dtype} and {array.dtype} in the file.")
    layer.set_weights(list(weights.values()))


def _named(variables: Sequence[Variable]) -> dict[str, np.ndarray]:
    """The values by names, made different where they are alike."""
    values: dict[str, np.ndarray] = {}
    for variable in variables:
        name = variable.name if variable.name not in values else f"{variable.name}:{len(values)}"
        values[name] = np.asarray(peek(variable))
    return values


def _built(layer: Layer) -> dict[str, Any]:
    """What a layer was built for, and the layers in it."""
    return {
        "name": layer.name,
        "input_shape": as_plain(layer._built_shapes),
        "output_shape": None if layer.output_shape is None else list(layer.output_shape),
        "trainable": layer.trainable,
        "own": [v.trainable for v in own_variables(layer)],
        "layers": [_built(inner) for inner in layer.layers],
    }


def _build(layer: Layer, built: dict[str, Any]) -> None:
    layer.name = str(built["name"])
    layer.trainable = bool(built["trainable"])
    if built["input_shape"] is not None:
        layer.built_for(from_plain(built["input_shape"]))
    if built["output_shape"] is not None:
        layer.output_shape = tuple(map(int, built["output_shape"]))
    if len(layer.layers) != len(built["layers"]):
        raise ArgumentError(f"Layer {layer.name!r} has {len(layer.layers)} layers, and {len(built['layers'])} in the file.")
    for inner, described in zip(layer.layers, built["layers"], strict=True):
        _build(inner, described)
    for variable, trainable in zip(own_variables(layer), built["own"], strict=True):
        variable.trainable = bool(trainable)
