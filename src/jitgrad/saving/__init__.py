"""Saving models to files that contain numbers and JSON, never code."""

from jitgrad.saving.model import load_model, load_weights, save_model, save_weights

__all__ = ["load_model", "load_weights", "save_model", "save_weights"]
