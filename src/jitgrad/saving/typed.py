"""Checks that the contents of an untrusted file have the annotated types."""

from __future__ import annotations

import dataclasses
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np

from jitgrad.errors import DataError, brief


def check_types(value: Any, hint: Any, place: str) -> None:
    """Raise DataError for the first value at or below ``place`` that does not have its type.

    Parameters
    ----------
    value : object
        Dataclasses, dicts, lists, tuples, arrays, numbers, strings and None.
    hint : type
        The type, as in an annotation. A list may stand for a tuple, an integer for a float. Literals are
        strings, and arrays have a float dtype.
    place : str
        Name of the value in messages.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return
    if origin in (Union, UnionType):
        _check_union(value, arguments, place)
    elif origin is Literal:
        _check(isinstance(value, str) and value in arguments, value, place)
    elif dataclasses.is_dataclass(hint):
        _check(isinstance(value, hint), value, place)  # type: ignore[arg-type]  # it is not an instance
        for name, inner in get_type_hints(hint).items():
            check_types(getattr(value, name), inner, f"{place}.{name}")
    elif is_typeddict(hint):
        _check(isinstance(value, dict), value, place)
        for name, inner in get_type_hints(hint).items():
            _check(name in value, value, place)
            check_types(value[name], inner, f"{place}.{name}")
    elif origin is dict:
        _check(isinstance(value, dict), value, place)
        for key, item in value.items():
            check_types(key, arguments[0], f"a key of {place}")
            check_types(item, arguments[1], f"{place}[{key!r}]")
    elif origin in (list, tuple):
        _check(isinstance(value, (list, tuple)), value, place)
        inner_types = [arguments[0]] * len(value) if origin is list or arguments[1:] == (...,) else arguments
        _check(len(value) == len(inner_types), value, place)
        for number, (item, inner) in enumerate(zip(value, inner_types, strict=True)):
            check_types(item, inner, f"{place}[{number}]")
    elif hint is np.ndarray:
        _check(isinstance(value, np.ndarray) and value.dtype in (np.float32, np.float64), value, place)
    else:
        kinds: Any = (int, float) if hint is float else hint
        _check(isinstance(value, kinds) and (hint is bool or not isinstance(value, bool)), value, place)


def _check_union(value: Any, hints: tuple[Any, ...], place: str) -> None:
    """Check a value that has one type or is None."""
    if value is not None:
        (hint,) = (hint for hint in hints if hint is not type(None))
        check_types(value, hint, place)
    else:
        _check(type(None) in hints, value, place)


def _check(fits: bool, value: Any, place: str) -> None:
    if not fits:
        raise DataError(f"{place} is {brief(value)}, which has the wrong type.")
