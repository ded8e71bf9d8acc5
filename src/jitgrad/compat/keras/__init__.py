"""Keras's names: ``from jitgrad.compat import keras``, or ``from jitgrad.compat.tensorflow import keras``."""

from jitgrad.compat.keras import (
    activations,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
)
from jitgrad.compat.keras.models import Model, Sequential
from jitgrad.compat.keras.symbol import Input, KerasTensor
from jitgrad.compat.keras.variable import Variable
from jitgrad.compat.modules import missing

__version__ = "3.15.1"
__all__ = [
    "Input", "KerasTensor", "Model", "Sequential", "Variable", "activations", "callbacks", "constraints", "initializers", "layers",
    "losses", "metrics", "models", "optimizers", "regularizers",
]  # fmt: skip
__getattr__ = missing("keras", __all__)
