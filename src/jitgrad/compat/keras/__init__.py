"""Keras's names: ``from jitgrad.compat import keras``, or ``from jitgrad.compat.tensorflow import keras``."""

from jitgrad.compat.keras import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    random,
    regularizers,
    saving,
    utils,
)
from jitgrad.compat.keras.initializers import Initializer
from jitgrad.compat.keras.layers import Layer
from jitgrad.compat.keras.losses import Loss
from jitgrad.compat.keras.metrics import Metric
from jitgrad.compat.keras.models import Functional, Model, Sequential
from jitgrad.compat.keras.optimizers import Optimizer
from jitgrad.compat.keras.regularizers import Regularizer
from jitgrad.compat.keras.symbol import Input, KerasTensor
from jitgrad.compat.keras.variable import Variable
from jitgrad.compat.modules import missing

__version__ = "3.15.1"


def version() -> str:
    """Return the version of Keras whose names and defaults are used."""
    return __version__


__all__ = [
    "Functional",
    "Initializer",
    "Input",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Variable",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "random",
    "regularizers",
    "saving",
    "utils",
    "version",
]
_REASONS = {
    "applications": "Its models use convolutions, which jitgrad does not support.",
    "preprocessing": "It is for images, text and sequences. Layers for tables are in keras.layers.",
    "mixed_precision": "jitgrad computes in float32 and float64.",
    "dtype_policies": "jitgrad computes in float32 and float64.",
    "distribution": "jitgrad computes on one CPU.",
    "quantizers": "jitgrad computes in float32 and float64.",
}
__getattr__ = missing("keras", __all__, _REASONS)
