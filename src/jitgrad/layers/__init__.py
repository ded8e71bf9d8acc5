"""Layers: functions of Tensors that own their weights. The names follow Keras."""

from jitgrad.layers import activations, constraints, initializers, regularizers
from jitgrad.layers.activating import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from jitgrad.layers.core import Dense, Embedding, Identity, Lambda
from jitgrad.layers.layer import Layer
from jitgrad.layers.merging import Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract
from jitgrad.layers.noise import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from jitgrad.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from jitgrad.layers.preprocessing import CategoryEncoding, Discretization, Rescaling
from jitgrad.layers.shaping import Flatten, GlobalAveragePooling1D, GlobalMaxPooling1D, Permute, RepeatVector, Reshape
from jitgrad.layers.standardization import Normalization

Linear = Dense
"""Alias of `Dense`."""

__all__ = [
    "ELU",
    "Activation",
    "Add",
    "AlphaDropout",
    "Average",
    "BatchNormalization",
    "CategoryEncoding",
    "Concatenate",
    "Dense",
    "Discretization",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "GroupNormalization",
    "Identity",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Linear",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Softmax",
    "Subtract",
    "UnitNormalization",
    "activations",
    "constraints",
    "initializers",
    "regularizers",
]
