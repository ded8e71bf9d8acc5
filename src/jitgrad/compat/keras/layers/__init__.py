"""Keras's layers."""

from jitgrad.compat.keras.layers.absent import REASONS
from jitgrad.compat.keras.layers.core import (
    Activation,
    ActivityRegularization,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    Identity,
    InputLayer,
    Lambda,
    Reshape,
)
from jitgrad.compat.keras.layers.layer import Layer
from jitgrad.compat.keras.layers.merging import Add, Concatenate, add, concatenate
from jitgrad.compat.keras.layers.normalization import BatchNormalization, LayerNormalization, Normalization
from jitgrad.compat.keras.symbol import Input
from jitgrad.compat.modules import missing

__all__ = [
    "Activation",
    "ActivityRegularization",
    "Add",
    "BatchNormalization",
    "Concatenate",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianNoise",
    "Identity",
    "Input",
    "InputLayer",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "Normalization",
    "Reshape",
    "add",
    "concatenate",
]

__getattr__ = missing("keras.layers", __all__, REASONS)
