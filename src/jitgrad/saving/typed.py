"""Whether what a file holds has the types that the code says: a file may be anybody's."""

from __future__ import annotations

import dataclasses
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np

from jitgrad.errors import DataError, brief


def check_types(value: Any, hint: Any, place: str) -> None:
    """Raise DataError for the first value at or below ``place`` that is none of its type.

    Args:
        value: of dataclasses, dicts, lists, tuples, arrays, numbers, texts and None.
        hint: its type, as in an annotation; a list stands for a tuple, a whole number for a float. Literals are texts, and
            arrays of floats.
        place: what a message calls it.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return
    if origin in (Union, UnionType):
        _check_union(value, arguments, place)
    elif origin is Literal:
        _check(isinstance(value, str) and value in arguments, value, place)
    elif dataclasses.is_dataclass(hint):
        _check(isinstance(value, hint), value, place)  # type: ignore[arg-type]  # it is no instance
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
    """Of one type or None."""
    if value is not None:
        (hint,) = (hint for hint in hints if hint is not type(None))
        check_types(value, hint, place)
    else:
        _check(type(None) in hints, value, place)


def _check(fits: bool, value: Any, place: str) -> None:
    if not fits:
        raise DataError(f"{place} is {brief(value)}, which is not of its type.")
