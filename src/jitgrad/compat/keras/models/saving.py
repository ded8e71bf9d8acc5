"""Files of models in jitgrad's format, under the name that the user gives. Keras's own files are rejected with the reason."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jitgrad import saving as library
from jitgrad.compat.keras.configs import custom_objects as known_objects
from jitgrad.compat.keras.configs import deserialized, serialized
from jitgrad.errors import ArgumentError, DataError

_HEADS = {b"PK\x03\x04": "a .keras archive of Keras", b"\x89HDF": "an HDF5 file of Keras"}


def save_model(model: Any, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
    """Save a model to a file atomically: its configuration, its weights, and the optimizer with its state."""
    library.save_model(model, _path(filepath, overwrite))


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Save the values of all weights to a file."""
    library.save_weights(model, _path(filepath, overwrite))


def load_weights(model: Any, filepath: Any) -> None:
    """Load the values of all weights from a file that ``save_weights`` or ``save`` wrote."""
    if not model.variables:
        raise ArgumentError(f"Model {model.name!r} is not built, so it has no weights to load. Call it on an input first.")
    library.load_weights(model, _checked(filepath))


def load_model(
    filepath: Any, custom_objects: Mapping[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """Load a model from a file written by ``save``."""
    return library.load_model(_checked(filepath), {**known_objects(), **(custom_objects or {})}, compile)


def _path(filepath: Any, overwrite: bool) -> Path:
    path = Path(os.fspath(filepath))
    if path.exists() and not overwrite:
        raise ArgumentError(f"{path} already exists, and overwrite is False. Give another path.")
    if path.parent != Path() and not path.parent.exists():
        path.parent.mkdir(parents=True)
    return path


def _checked(filepath: Any) -> Path:
    """Return the path of a file that is not one of Keras's. Raises DataError otherwise, or if it does not exist."""
    path = Path(os.fspath(filepath))
    if path.is_dir():
        raise DataError(
            f"{path} is a folder, like TensorFlow's SavedModel. "
            "Save the model's weights as arrays in TensorFlow, and pass them to set_weights() here."
        )
    if not path.exists():
        raise DataError(f"There is no file {path}. Give the path that was passed to save().")
    with path.open("rb") as file:
        kind = _HEADS.get(file.read(4))
    if kind is not None:
        raise DataError(
            f"{path} is {kind}, but jitgrad reads only its own files. In Keras, save the weights by "
            f"numpy.savez(path, *model.get_weights()), and pass them to set_weights() of an equal model here."
        )
    return path


def clone_model(model: Any, input_tensors: Any = None, clone_function: Any = None, **kwargs: Any) -> Any:
    """Return an identical model with new weights."""
    if input_tensors is not None or clone_function is not None:
        raise ArgumentError("clone_model: input_tensors and clone_function are not supported. Omit them.")
    made = deserialized(serialized(model))
    if model.built and not made.built and model.input_shape is not None:
        made.build((None, *model.input_shape))
    return made


def to_json(model: Any, **kwargs: Any) -> str:
    """Return the config of a model as JSON."""
    return json.dumps(serialized(model), **kwargs)


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """Create a model from a config."""
    return deserialized(json.loads(json_string), custom_objects)
