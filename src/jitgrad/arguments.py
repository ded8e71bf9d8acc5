"""Checks of plain arguments: each returns the value, or raises ArgumentError with the argument's name."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any, TypeVar

from jitgrad.errors import ArgumentError, near_name

T = TypeVar("T")


def count(name: str, value: Any, low: int = 1, high: int = 10**9) -> int:
    """A whole number from ``low`` to ``high``."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ArgumentError(f"{name} is {value!r}. Give a whole number.") from None
    if number < low:
        raise ArgumentError(f"{name} is {number}. Give at least {low}.")
    if number > high:
        raise ArgumentError(f"{name} is {number}. Give at most {high}.")
    return number


def positive(name: str, value: Any) -> float:
    """A positive finite number."""
    number = _number(name, value)
    if not (math.isfinite(number) and number > 0):
        raise ArgumentError(f"{name} is {value}. Give a positive number.")
    return number


def in_unit_interval(name: str, value: Any) -> float:
    """A number from 0 on and below 1."""
    number = _number(name, value)
    if not 0 <= number < 1:
        raise ArgumentError(f"{name} is {value}. Give a number from 0 on and below 1.")
    return number


def by_name(what: str, name: Any, known: Mapping[str, T], also: str = "") -> T:
    """What ``known`` has under a name. Raises ArgumentError for another, with the near one and ``also`` as advice."""
    if name not in known:
        raise ArgumentError(f"There is no {what} {name!r}.{near_name(str(name), known)} Use one of {', '.join(known)}{also}.")
    return known[name]


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} is {value!r}. Give a number.") from None


MAX_SEED = 2**63 - 1
"""Seeds are from 0 to this."""
