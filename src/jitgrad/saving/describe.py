"""Objects as plain data, by the arguments that they were made with, and back. Functions go by name; nothing is executed."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jitgrad import losses
from jitgrad.arguments import Described, class_name
from jitgrad.errors import ArgumentError, DataError, near_name
from jitgrad.layers import activations, initializers
from jitgrad.layers.layer import Layer

FUNCTIONS: dict[str, Callable[..., Any]] = {
    f"{kind}:{name}": function
    for kind, table in (
        ("activation", activations.ACTIVATIONS | {"linear": activations.linear}),
        ("initializer", initializers.INITIALIZERS),
        ("loss", losses.LOSSES),
    )
    for name, function in table.items()
}
_NAMES = {id(function): name for name, function in reversed(FUNCTIONS.items())}


def describe(value: Any, what: str = "The model") -> Any:
    """``value`` as nested dicts, lists, numbers, texts and arrays.

    Raises ArgumentError, with ``what`` it is part of, for what has no name, as a lambda.
    """
    if value is None or isinstance(value, (bool, int, str, np.ndarray)):
        return value
    if isinstance(value, (float, np.generic)):
        number = value.item() if isinstance(value, np.generic) else value
        return number if not isinstance(number, float) or math.isfinite(number) else {"number": repr(number)}
    if isinstance(value, list):
        return [describe(item, what) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [describe(item, what) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[describe(key, what), describe(item, what)] for key, item in value.items()]}
    if isinstance(value, Described):
        return {"class": class_name(type(value)), "arguments": _arguments(value)}
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return {"dtype": str(np.dtype(value))}
    if id(value) in _NAMES:
        return {"function": _NAMES[id(value)]}
    if isinstance(value, functools.partial):
        bound = {"args": list(value.args), "keywords": value.keywords}
        return {"partial": describe(value.func, what), "bound": describe(bound, what)}
    name = getattr(value, "__name__", "<lambda>")
    if not callable(value) or "<" in name:
        raise ArgumentError(f"{what} has {value!r}, which cannot be saved. Use a named function, or a class with arguments.")
    return {"function": f"custom:{name}"}


def _arguments(value: Described) -> dict[str, Any]:
    what = f"Layer {value.name!r}" if isinstance(value, Layer) else type(value).__name__
    return {key: describe(item, f"{what}'s argument {key}") for key, item in value.arguments.items()}


def made(data: Any, custom: Mapping[str, Any]) -> Any:
    """What was described.

    Args:
        data: from ``describe``.
        custom: classes and functions of the user, by name; classes that this process has defined need not be given.

    Raises DataError for what is not known.
    """
    if isinstance(data, list):
        return [made(item, custom) for item in data]
    if not isinstance(data, dict):
        return data
    if "class" in data:
        cls = _known(data["class"], Described.classes, custom, "class")
        return cls.made_with({key: made(item, custom) for key, item in data["arguments"].items()})
    if "function" in data:
        return _known(data["function"], FUNCTIONS, custom, "function")
    if "partial" in data:
        bound = made(data["bound"], custom)
        return functools.partial(made(data["partial"], custom), *bound["args"], **bound["keywords"])
    if "tuple" in data:
        return tuple(made(item, custom) for item in data["tuple"])
    if "dict" in data:
        return {made(key, custom): made(item, custom) for key, item in data["dict"]}
    if "dtype" in data:
        return np.dtype(data["dtype"])
    return float(data["number"])


def _known(name: str, own: Mapping[str, Any], custom: Mapping[str, Any], kind: str) -> Any:
    short = name.removeprefix("custom:")
    if short in custom:
        return custom[short]
    if name not in own:
        near = near_name(name, own)
        raise DataError(f"There is no {kind} {short!r} here.{near} Import it first, or give it in custom_objects.")
    return own[name]
