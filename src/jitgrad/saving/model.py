"""Saving a model to a file: its configuration, shapes, weights and optimizer, and the progress of a fit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from jitgrad.models.model import Model

UNFIT = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError, JitgradError)
"""Exceptions that invalid data in a file may cause."""


def save_model(model: Model, path: str | os.PathLike[str], fit: Mapping[str, Any] | None = None) -> None:
    """Save a model to a file.

    Parameters
    ----------
    model : Model
        The model, built or not, compiled or not.
    path : path-like
        Path of the file. An existing file is replaced atomically.
    fit : mapping, optional
        State needed to resume a fit.

    Raises
    ------
    ArgumentError
        If a part of the model has no name, such as a lambda.
    OSError
        If the file cannot be written.

    See Also
    --------
    jitgrad.load_model : Load the model.
    save_weights : Save only the weights.

    Examples
    --------
    >>> model = jg.Sequential([jg.Input((2,)), jg.layers.Dense(1)])
    >>> jg.saving.save_model(model, "model.jitgrad")
    >>> jg.load_model("model.jitgrad").count_params()
    3
    """
    document = {"model": describe(model), "built": _built(model), "weights": _named(model.variables), "fit": dict(fit or {})}
    document["columns"] = list(model.fitted_columns)
    if model.compiled is not None:
        arguments = {
            name: describe(value, f"The argument {name} of compile") for name, value in model.compiled.arguments.items()
        }
        document["compiled"] = {"arguments": arguments, "state": model.optimizer.get_state(model.variables)}
    archive.write(path, document)


def load_model(path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None, compile: bool = True) -> Model:
    """Load a model that was saved with ``Model.save``.

    The model has its weights. It is compiled with the same optimizer, including its state, and the same loss and
    metrics.

    Parameters
    ----------
    path : path-like
        Path of the file.
    custom_objects : mapping of str to callable or type, optional
        Your functions by name, and your classes unless they are already defined in this process.
    compile : bool, default True
        Whether to compile the model and restore the state of its optimizer.

    Returns
    -------
    Model
        The model, ready for ``predict``, ``evaluate`` and another ``fit``.

    Raises
    ------
    DataError
        If the file does not exist, is damaged, is not a model of jitgrad, or refers to an unknown class or
        function.

    See Also
    --------
    Model.save : Save a model.
    Model.load_weights : Load weights into an existing model.

    Notes
    -----
    The file is in the safetensors format. It contains numbers and names but no code, so loading a file never
    executes anything from it.

    Examples
    --------
    >>> x = np.linspace(-1.0, 1.0, 64)[:, None]
    >>> model = jg.Sequential([jg.layers.Dense(8, "tanh"), jg.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> history = model.fit(x, x**2, epochs=2, seed=0)
    >>> model.save("model.jitgrad")
    >>> loaded = jg.load_model("model.jitgrad")
    >>> np.array_equal(loaded.predict(x), model.predict(x))
    True

    A function that the model uses is passed by name:

    >>> def tilted(target, prediction):
    ...     return jg.mean(jg.maximum(target - prediction, 0.1 * (prediction - target)))
    >>> model.compile("adam", tilted)
    >>> model.save("model.jitgrad")
    >>> loaded = jg.load_model("model.jitgrad", custom_objects={"tilted": tilted})
    """
    document = archive.read(path)
    custom = custom_objects or {}
    try:
        with unfilled_weights(_size(document)):
            model = made(document["model"], custom)
        if not hasattr(model, "compiled"):
            raise DataError(f"it contains an object of class {type(model).__name__}")
        restore(model, document)
        of_x, of_y = document["columns"]
        model.fitted_columns = from_file(of_x), from_file(of_y)
        if compile and "compiled" in document:
            compiled = document["compiled"]
            model.compile(**{name: made(value, custom) for name, value in compiled["arguments"].items()})
            model.optimizer.set_state(compiled["state"], model.variables)
    except UNFIT as error:
        said = str(error).removesuffix(".")
        raise DataError(
            f"{path} cannot be loaded as a model: {said}. Check custom_objects, or save the model again."
        ) from error
    return model


def restore(model: Any, document: Any) -> None:
    """Build a model for the shapes in a document and assign its weights.

    Raises ArgumentError, ShapeError or DataError if the document belongs to a different model.
    """
    with unfilled_weights(_size(document)):
        _build(model, document["built"])
    _fill(model, document["weights"])


def _size(document: Any) -> int:
    return sum(a.size for a in document["weights"].values())


def save_weights(layer: Layer, path: str | os.PathLike[str]) -> None:
    """Save the values of all Variables of a layer or model to a file.

    Parameters
    ----------
    layer : Layer
        The layer or model.
    path : path-like
        Path of the file. An existing file is replaced atomically.

    See Also
    --------
    load_weights : Load the values.
    save_model : Save the whole model.

    Examples
    --------
    >>> model = jg.Sequential([jg.Input((2,)), jg.layers.Dense(1)])
    >>> jg.saving.save_weights(model, "weights.safetensors")
    >>> jg.saving.load_weights(model, "weights.safetensors")
    """
    archive.write(path, {"weights": _named(layer.variables)})


def load_weights(layer: Layer, path: str | os.PathLike[str]) -> None:
    """Load the values of all Variables of a layer or model from a file.

    Parameters
    ----------
    layer : Layer
        The layer or model, built.
    path : path-like
        Path of a file that `save_weights` or ``Model.save`` wrote.

    Raises
    ------
    DataError
        If the file cannot be read, or its weights differ in number, shape or dtype. In this case, no Variable has
        changed.

    See Also
    --------
    save_weights : Save the values.

    Examples
    --------
    >>> model = jg.Sequential([jg.Input((2,)), jg.layers.Dense(1)])
    >>> jg.saving.save_weights(model, "weights.safetensors")
    >>> other = jg.Sequential([jg.Input((2,)), jg.layers.Dense(1)])
    >>> jg.saving.load_weights(other, "weights.safetensors")
    >>> np.array_equal(other.predict(np.ones((1, 2))), model.predict(np.ones((1, 2))))
    True
    """
    document = archive.read(path)
    try:
        _fill(layer, document["weights"])
    except UNFIT as error:
        raise DataError(
            f"The weights in {path} do not fit {layer.name!r}: {error} Give the file of a model with the same layers."
        ) from error


def _fill(layer: Layer, weights: dict[str, np.ndarray]) -> None:
    for array, variable in zip(weights.values(), layer.variables, strict=False):
        if array.dtype != variable.dtype:
            raise DataError(f"Weight {variable.name!r} has dtype {variable.dtype}, but {array.dtype} in the file.")
    layer.set_weights(list(weights.values()))


def _named(variables: Sequence[Variable]) -> dict[str, np.ndarray]:
    """Return the values by unique names."""
    values: dict[str, np.ndarray] = {}
    for variable in variables:
        name = variable.name if variable.name not in values else f"{variable.name}:{len(values)}"
        values[name] = np.asarray(peek(variable))
    return values


def _built(layer: Layer) -> dict[str, Any]:
    """Return the shapes for which a layer and its inner layers were built."""
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
        raise ArgumentError(f"Layer {layer.name!r} has {len(layer.layers)} layers, but {len(built['layers'])} in the file.")
    for inner, described in zip(layer.layers, built["layers"], strict=True):
        _build(inner, described)
    for variable, trainable in zip(own_variables(layer), built["own"], strict=True):
        variable.trainable = bool(trainable)
