"""Layers: functions of Tensors that own their weights. The names are Keras's."""

from jitgrad.layers import activations, constraints, initializers, regularizers
from jitgrad.layers.core import (
    Activation,
    Add,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    Reshape,
)
from jitgrad.layers.layer import Layer
from jitgrad.layers.normalization import BatchNormalization, LayerNormalization, Normalization

Linear = Dense

__all__ = [
    "Activation",
    "Add",
    "BatchNormalization",
    "Concatenate",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianNoise",
    "Layer",
    "LayerNormalization",
    "Linear",
    "Normalization",
    "Reshape",
    "activations",
    "constraints",
    "initializers",
    "regularizers",
]
