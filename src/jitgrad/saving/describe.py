"""Conversion of objects to plain data, the arguments of their constructors, and back.

Functions are stored by name; nothing is executed.
"""

from __future__ import annotations

import functools
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


def describe(value: Any, what: str = "The model", shared: dict[int, int] | None = None) -> Any:
    """Return ``value`` as nested dicts, lists, numbers, strings and arrays. An object that occurs twice is described once.

    ``what`` names the object in messages. Raises ArgumentError for a function without a name, such as a lambda.
    """
    shared = {} if shared is None else shared
    if value is None or isinstance(value, (bool, int, float, str, np.ndarray)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list):
        return [describe(item, what, shared) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [describe(item, what, shared) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[describe(key, what, shared), describe(item, what, shared)] for key, item in value.items()]}
    if isinstance(value, Described):
        return _described(value, shared)
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return {"dtype": str(np.dtype(value))}
    if isinstance(value, type) and issubclass(value, Described):
        return {"kind": class_name(value)}
    if id(value) in _NAMES:
        return {"function": _NAMES[id(value)]}
    if isinstance(value, functools.partial):
        bound = {"args": list(value.args), "keywords": value.keywords}
        return {"partial": describe(value.func, what, shared), "bound": describe(bound, what, shared)}
    name = getattr(value, "__name__", "<lambda>")
    if not callable(value) or "<" in name:
        raise ArgumentError(f"{what} is {value!r}, which cannot be saved. Use a named function, or an object of a class.")
    return {"function": f"custom:{name}"}


def _described(value: Described, shared: dict[int, int]) -> dict[str, Any]:
    if id(value) in shared:
        return {"again": shared[id(value)]}
    number = shared[id(value)] = len(shared)
    what = f"layer {value.name!r}" if isinstance(value, Layer) else type(value).__name__
    arguments = {key: describe(item, f"The argument {key} of {what}", shared) for key, item in value.arguments.items()}
    return {"class": class_name(type(value)), "number": number, "arguments": arguments}


def made(data: Any, custom: Mapping[str, Any], shared: dict[int, Any] | None = None) -> Any:
    """Create the object from its description.

    Parameters
    ----------
    data : dict, list or plain value
        Result of `describe`.
    custom : mapping
        The user's functions by name, and classes that this process has not defined.
    shared : dict, optional
        Objects created already, by number.

    Raises
    ------
    DataError
        If a class or function is unknown.
    """
    shared = {} if shared is None else shared
    if isinstance(data, list):
        return [made(item, custom, shared) for item in data]
    if not isinstance(data, dict):
        return data
    if "class" in data:
        cls = _known(data["class"], Described.classes, custom, "class")
        arguments = {key: made(item, custom, shared) for key, item in data["arguments"].items()}
        shared[data["number"]] = cls.made_with(arguments)
        return shared[data["number"]]
    if "again" in data:
        return shared[data["again"]]
    if "kind" in data:
        return _known(data["kind"], Described.classes, custom, "class")
    if "function" in data:
        return _known(data["function"], FUNCTIONS, custom, "function")
    if "partial" in data:
        bound = made(data["bound"], custom, shared)
        return functools.partial(made(data["partial"], custom, shared), *bound["args"], **bound["keywords"])
    if "tuple" in data:
        return tuple(made(item, custom, shared) for item in data["tuple"])
    if "dict" in data:
        return {made(key, custom, shared): made(item, custom, shared) for key, item in data["dict"]}
    return np.dtype(data["dtype"])


def _known(name: str, own: Mapping[str, Any], custom: Mapping[str, Any], kind: str) -> Any:
    short = name.removeprefix("custom:")
    if short in custom:
        return custom[short]
    if name not in own:
        near = near_name(name, own)
        raise DataError(f"The {kind} {short!r} is unknown.{near} Import it first, or pass it in custom_objects.")
    return own[name]
