"""``keras.saving``."""

from jitgrad.compat.keras.models.saving import load_model, load_weights, save_model, save_weights
from jitgrad.compat.keras.utils import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    register_keras_serializable,
    serialize_keras_object,
)
from jitgrad.compat.modules import missing

__all__ = [
    "CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "get_custom_objects", "load_model", "load_weights",
    "register_keras_serializable", "save_model", "save_weights", "serialize_keras_object",
]  # fmt: skip
__getattr__ = missing("keras.saving", __all__)
