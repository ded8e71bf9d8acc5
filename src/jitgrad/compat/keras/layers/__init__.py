"""Keras's layers."""

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
