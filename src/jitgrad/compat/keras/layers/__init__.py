"""Keras's layers."""

from jitgrad.compat.keras.layers.absent import REASONS
from jitgrad.compat.keras.layers.activating import (
    ELU,
    Activation,
    LeakyReLU,
    PReLU,
    ReLU,
    Softmax,
)
from jitgrad.compat.keras.layers.core import (
    ActivityRegularization,
    Dense,
    Embedding,
    Identity,
    InputLayer,
    Lambda,
)
from jitgrad.compat.keras.layers.layer import Layer
from jitgrad.compat.keras.layers.lookup import IntegerLookup, StringLookup
from jitgrad.compat.keras.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from jitgrad.compat.keras.layers.noise import (
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
)
from jitgrad.compat.keras.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    Normalization,
    RMSNormalization,
    UnitNormalization,
)
from jitgrad.compat.keras.layers.preprocessing import (
    CategoryEncoding,
    Discretization,
    Rescaling,
)
from jitgrad.compat.keras.layers.shaping import (
    Flatten,
    GlobalAveragePooling1D,
    GlobalAvgPool1D,
    GlobalMaxPool1D,
    GlobalMaxPooling1D,
    Permute,
    RepeatVector,
    Reshape,
)
from jitgrad.compat.keras.symbol import Input
from jitgrad.compat.modules import missing

__all__ = [
    "ELU",
    "Activation",
    "ActivityRegularization",
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
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "GroupNormalization",
    "Identity",
    "Input",
    "InputLayer",
    "IntegerLookup",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
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
    "StringLookup",
    "Subtract",
    "UnitNormalization",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]
__getattr__ = missing("keras.layers", __all__, REASONS)
