"""Keras's optimizers."""

from typing import Any

from jitgrad.compat.keras.configs import deserialized, found_by_name, serialized
from jitgrad.compat.keras.optimizers import schedules
from jitgrad.compat.keras.optimizers.named import (
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Nadam,
    RMSprop,
)
from jitgrad.compat.keras.optimizers.optimizer import Optimizer
from jitgrad.compat.modules import missing
from jitgrad.optimizers import Optimizer as _Any

_NAMED = {
    kind.__name__.lower(): kind for kind in (SGD, Adam, AdamW, Nadam, Adamax, Lion, RMSprop, Adagrad, Adadelta, Adafactor)
}


def get(identifier: Any) -> Any:
    """Return an optimizer by name or config; objects are returned unchanged."""
    if isinstance(identifier, _Any):
        return identifier
    name = identifier.lower() if isinstance(identifier, str) else identifier
    return found_by_name("optimizer", name, _NAMED)


def serialize(optimizer: Any) -> Any:
    """Return the config of an optimizer."""
    return serialized(optimizer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """Return the optimizer for a config."""
    return deserialized(config, custom_objects)


__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "legacy",
    "schedules",
    "serialize",
]
_REASONS = {
    "Ftrl": "Use Adam, or Adagrad, which is equivalent to Ftrl without penalties.",
    "LossScaleOptimizer": "It is for float16, which jitgrad does not support.",
    "Muon": "It is for very large matrices. Use AdamW.",
}
_refuse = missing("keras.optimizers", __all__, _REASONS)


def __getattr__(name: str) -> Any:
    if name == "legacy":
        import importlib

        return importlib.import_module("jitgrad.compat.keras.optimizers.legacy")
    return _refuse(name)
