"""Keras's models."""

from jitgrad.compat.keras.models.functional import Functional
from jitgrad.compat.keras.models.model import Model
from jitgrad.compat.keras.models.saving import clone_model, load_model, model_from_json, save_model
from jitgrad.compat.keras.models.sequential import Sequential
from jitgrad.compat.modules import missing

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
__getattr__ = missing("keras.models", __all__)
