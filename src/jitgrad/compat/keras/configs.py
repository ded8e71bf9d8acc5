"""Conversion of Keras's objects to dicts of their arguments and back, and lookup by name."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from jitgrad.arguments import Described
from jitgrad.compat.keras.names import snake_case
from jitgrad.errors import ArgumentError, DataError, near_name

_custom: dict[str, Any] = {}
"""The user's classes and functions by name."""


def config_of(made: Any, base: dict[str, Any]) -> dict[str, Any]:
    """Return ``base`` and the arguments of an object; for a user's class that extends it, ``base`` alone, as in Keras."""
    cls = type(made)
    if not cls.__module__.startswith("jitgrad.") and "get_config" in vars(cls):
        return base
    arguments = _defaults(cls) | made.arguments
    order = [*inspect.signature(cls.__init__).parameters, *arguments]
    return {
        **base,
        **{name: _plain(arguments[name]) for name in dict.fromkeys(order) if name in arguments and name not in _COMMON},
    }


_COMMON = {
    "name",
    "trainable",
    "dtype",
    "input_shape",
    "input_dim",
    "batch_input_shape",
    "batch_shape",
    "batch_size",
    "weights",
    "autocast",
    "dynamic",
    "args",
    "kwargs",
    "self",
    "activity_regularizer_",
}


def _defaults(cls: type) -> dict[str, Any]:
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    parameters = inspect.signature(cls.__init__).parameters.values()  # type: ignore[misc]
    return {p.name: p.default for p in parameters if p.kind not in kinds and p.default is not p.empty}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Described) or (callable(value) and hasattr(value, "__name__")):
        return serialized(value)
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def serialized(value: Any) -> Any:
    """Return an object as ``{"module", "class_name", "config", "registered_name"}``, or a function as its name."""
    if value is None or isinstance(value, (str, int, float, dict)):
        return value
    if not hasattr(value, "get_config"):
        return getattr(value, "__name__", repr(value))
    cls = type(value)
    own = cls.__module__.startswith("jitgrad.compat.")
    module = ".".join(["keras", *cls.__module__.split(".")[3:4]]) if own else cls.__module__
    config = {"module": module, "class_name": cls.__name__, "config": value.get_config(), "registered_name": None}
    return config if own else {**config, "registered_name": f"Custom>{cls.__name__}"}


def deserialized(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the object for a serialized config. Raises DataError for an unknown class."""
    if not isinstance(config, dict) or "class_name" not in config:
        return config
    name = config["class_name"]
    with custom_objects_known(custom_objects or {}):
        cls = _custom.get(name) or _class(str(config.get("module")), name)
        if cls is None:
            raise DataError(
                f"The class {name!r} is unknown.{near_name(name, _names())} Import it first, or pass it in custom_objects."
            )
        made: Any = cls
        return made.from_config(dict(config.get("config", {})))


def _class(module: str, name: str) -> type | None:
    """Return the class with the given name from this Keras module, from another one, or from the user's classes."""
    kind = "schedules" if module.endswith("schedules") else module.rpartition(".")[2]
    families = [f"keras.{kind}", *(f"keras.{other}" for other in _FAMILIES), "custom"]
    return next((Described.classes[f"{of}:{name}"] for of in families if f"{of}:{name}" in Described.classes), None)


_FAMILIES = ("layers", "losses", "metrics", "optimizers", "schedules", "initializers", "regularizers", "constraints")


def _names() -> list[str]:
    return [*_custom, *(name.partition(":")[2] for name in Described.classes if ":" in name)]


def made_with_config(cls: Any, config: dict[str, Any]) -> Any:
    """Create an object of a class from a config."""
    return cls(**{name: deserialized(value) for name, value in config.items()})


def found_by_name(what: str, identifier: Any, known: Mapping[str, Any]) -> Any:
    """Return the object for a name or a config; functions are returned unchanged. Raises ArgumentError otherwise."""
    if isinstance(identifier, dict):
        return deserialized(identifier)
    if not isinstance(identifier, str):
        raise ArgumentError(f"Could not interpret {what} identifier: {identifier!r}. Give a name, or an object.")
    by_snake = {snake_case(name): value for name, value in known.items()} | {"": None}
    found = _custom.get(identifier) or known.get(identifier) or by_snake.get(identifier.lower())
    if found is None:
        near = near_name(identifier, known)
        raise ArgumentError(f"Could not interpret {what} identifier: {identifier!r}.{near} Use one of {', '.join(known)}.")
    return found() if isinstance(found, type) else found


@contextmanager
def custom_objects_known(custom_objects: Mapping[str, Any]) -> Iterator[None]:
    """Register names within a context, like ``keras.utils.custom_object_scope``."""
    before = dict(_custom)
    _custom.update(custom_objects)
    try:
        yield
    finally:
        _custom.clear()
        _custom.update(before)


def custom_objects() -> dict[str, Any]:
    """Return the user's registered classes and functions."""
    return _custom


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Any:
    """Decorate a class or function so that files can refer to it."""

    def register(given: Any) -> Any:
        _custom[name or given.__name__] = given
        return given

    return register
