"""Objects as plain data, by the arguments that they were made with, and back. Functions go by name; nothing is executed."""

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
    """``value`` as nested dicts, lists, numbers, texts and arrays. What occurs twice is described once.

    Raises ArgumentError, with ``what`` it is part of, for what has no name, as a lambda.
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
        raise ArgumentError(f"{what} has {value!r}, which cannot be saved. Use a named function, or a class with arguments.")
    return {"function": f"custom:{name}"}


def _described(value: Described, shared: dict[int, int]) -> dict[str, Any]:
    if id(value) in shared:
        return {"again": shared[id(value)]}
    number = shared[id(value)] = len(shared)
    what = f"Layer {value.name!r}" if isinstance(value, Layer) else type(value).__name__
    arguments = {key: describe(item, f"{what}'s argument {key}", shared) for key, item in value.arguments.items()}
    return {"class": class_name(type(value)), "number": number, "arguments": arguments}


def made(data: Any, custom: Mapping[str, Any], shared: dict[int, Any] | None = None) -> Any:
    """What was described.

    Args:
        data: from ``describe``.
        custom: classes and functions of the user, by name; classes that this process has defined need not be given.
        shared: what was made already, by number.

    Raises DataError for what is not known.
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
        raise DataError(f"There is no {kind} {short!r} here.{near} Import it first, or give it in custom_objects.")
    return own[name]
