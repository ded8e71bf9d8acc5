"""Conversion of the arguments of a model's methods."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.keras.callbacks.callback import Callback
from jitgrad.errors import ArgumentError


def same(nest: Any) -> Any:
    """Return the argument."""
    return nest


def symbols_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Return the symbols among the arguments of Model."""
    rest = dict(kwargs)
    names = ("inputs", "outputs", "name")
    for name, value in zip(names, args, strict=False):
        rest[name] = value
    inputs, outputs = rest.pop("inputs", None), rest.pop("outputs", None)
    if (inputs is None) != (outputs is None):
        raise ArgumentError("A Model requires inputs and outputs. Give both, or neither in a subclass with call().")
    return inputs, outputs, rest


def unpacked(data: Any) -> tuple[Any, Any, Any]:
    """Return the inputs, targets and weights of a batch, with None for each missing one."""
    if not isinstance(data, (tuple, list)):
        return data, None, None
    x, *more = data
    return x, more[0] if more else None, more[1] if len(more) > 1 else None


def flat_logs(made: Any) -> Any:
    """Return the metrics that a step returned, flattened into a dict by name."""
    if not isinstance(made, dict):
        return made
    parts = [value if isinstance(value, dict) else {name: value} for name, value in made.items()]
    return {name: value for part in parts for name, value in part.items()}


def listed(callbacks: Any) -> list[Callback]:
    """Return callbacks as a list. Raises ArgumentError for an object that is not a callback."""
    found = list(callbacks) if isinstance(callbacks, (list, tuple)) else [] if callbacks is None else [callbacks]
    for callback in found:
        if not hasattr(callback, "set_model"):
            raise ArgumentError(f"callbacks has {callback!r}, which is not a callback. Give objects of keras.callbacks.")
    return found


def check_options(kwargs: dict[str, Any], validation_freq: Any) -> None:
    """Raise TypeError for an argument that Keras's ``fit`` does not have, and ArgumentError for an unsupported one."""
    left = set(kwargs) - {"max_queue_size", "workers", "use_multiprocessing"}
    if left:
        raise TypeError(f"fit() got an unexpected keyword argument {sorted(left)[0]!r}. Omit it.")
    if validation_freq != 1:
        raise ArgumentError("validation_freq is not supported, because every epoch is validated. Omit it.")
