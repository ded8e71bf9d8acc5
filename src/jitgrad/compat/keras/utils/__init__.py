"""Keras's utilities."""

from typing import Any

from jitgrad.compat.keras.configs import custom_objects as get_custom_objects
from jitgrad.compat.keras.configs import (
    custom_objects_known,
    deserialized,
    register_keras_serializable,
    serialized,
)
from jitgrad.compat.keras.models.progress import is_interactive, set_interactive
from jitgrad.compat.keras.names import forget
from jitgrad.compat.keras.symbol import is_keras_tensor
from jitgrad.compat.keras.utils.arrays import PyDataset, Sequence, normalize, split_dataset, to_categorical
from jitgrad.compat.keras.utils.files import get_file
from jitgrad.compat.keras.utils.progbar import Progbar
from jitgrad.compat.keras.variable import seed_everything as set_random_seed
from jitgrad.compat.modules import missing

custom_object_scope = CustomObjectScope = custom_objects_known


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    **options: Any,
) -> Any:
    """Draw a model's layers. Other options, such as rankdir and dpi, are ignored."""
    from jitgrad import pictures

    return pictures.plot_model(model, to_file, show_shapes)


def serialize_keras_object(obj: Any) -> Any:
    """Return the config of an object."""
    return serialized(obj)


def deserialize_keras_object(config: Any, custom_objects: Any = None, safe_mode: bool = True) -> Any:
    """Return the object for a config."""
    return deserialized(config, custom_objects)


def clear_session(free_memory: bool = True) -> None:
    """Restart the numbering of default names."""
    forget()


def enable_interactive_logging() -> None:
    """Show a progress bar for ``verbose="auto"``."""
    set_interactive(True)


def disable_interactive_logging() -> None:
    """Print one line per epoch for ``verbose="auto"``."""
    set_interactive(False)


def is_interactive_logging_enabled() -> bool:
    """Return whether "auto" means a progress bar."""
    return is_interactive()


__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "normalize",
    "plot_model",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "to_categorical",
]
_SEQUENCES = "It is for sequences, which jitgrad does not support."
_PICTURES = "It is for pictures in files. Read them into arrays."
_REASONS = {
    "pad_sequences": _SEQUENCES, "timeseries_dataset_from_array": _SEQUENCES, "text_dataset_from_directory": _SEQUENCES,
    "audio_dataset_from_directory": _SEQUENCES, "image_dataset_from_directory": _PICTURES, "load_img": _PICTURES,
    "img_to_array": _PICTURES, "array_to_img": _PICTURES, "save_img": _PICTURES,
}  # fmt: skip
__getattr__ = missing("keras.utils", __all__, _REASONS)
