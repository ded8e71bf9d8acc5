"""Keras's metrics: objects that accumulate values and return a result, and functions that return a value for each row."""

from typing import Any

from jitgrad.compat.keras import losses as _losses
from jitgrad.compat.keras.configs import deserialized, found_by_name, serialized
from jitgrad.compat.keras.metrics import named as _named
from jitgrad.compat.keras.metrics import scores as _scores
from jitgrad.compat.keras.metrics.metric import Mean, MeanMetricWrapper, Metric, Sum
from jitgrad.compat.keras.metrics.named import *  # noqa: F403
from jitgrad.compat.keras.metrics.scores import *  # noqa: F403
from jitgrad.compat.modules import missing
from jitgrad.errors import ArgumentError
from jitgrad.metrics import Metric as _Plain

_CLASSES = {name: getattr(where, name) for where in (_named, _scores) for name in where.CLASSES}
_FUNCTIONS = {name: getattr(_losses, name) for name in _losses.FUNCTION_NAMES}
globals().update(_FUNCTIONS)
_BY_NAME = {**_named.FUNCTIONS, **_FUNCTIONS, **_CLASSES}


def get(identifier: Any) -> Any:
    """Return a metric by name or config: a function, or an object if the name refers to a class."""
    if identifier is None or callable(identifier):
        return identifier
    return found_by_name("metric", identifier, _BY_NAME)


def made(given: Any) -> Any:
    """Return the metrics given to ``compile`` as objects, in the same nested structure."""
    if given is None:
        return []
    if isinstance(given, dict):
        return {name: made(value) for name, value in given.items()}
    if isinstance(given, (list, tuple)):
        return [_object(item) if not isinstance(item, (list, tuple, dict)) else made(item) for item in given]
    return [_object(given)]


def _object(given: Any) -> Any:
    """Return a metric as an object with the name under which it was given."""
    if isinstance(given, Metric) or given is None:
        return given
    if isinstance(given, _Plain):
        return _named.OfLibrary(given)
    if isinstance(given, str) and given in ("accuracy", "acc", "crossentropy", "ce"):
        return _named.ByShape(given)
    if isinstance(given, type) and issubclass(given, Metric):
        return given()
    found = get(given)
    if isinstance(found, Metric):
        return found
    if not callable(found):
        raise ArgumentError(f"metrics has {given!r}. Give names, functions, or objects of keras.metrics.")
    return MeanMetricWrapper(found, given if isinstance(given, str) else None)


def serialize(metric: Any) -> Any:
    """Return the config of a metric."""
    return serialized(metric)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """Return the metric for a config."""
    return deserialized(config, custom_objects)


__all__ = [
    "Mean", "MeanMetricWrapper", "Metric", "Sum", "deserialize", "get", "serialize", *_CLASSES, *_named.FUNCTIONS, *_FUNCTIONS,
]  # fmt: skip
__getattr__ = missing("keras.metrics", __all__)
