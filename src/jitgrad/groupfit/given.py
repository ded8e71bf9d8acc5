"""Values of parameters by group: numbers for all groups, a frame by key, names of columns, or arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jitgrad.curvefit.given import check_names, values_of
from jitgrad.curvefit.least_squares import Limits
from jitgrad.errors import ArgumentError, DataError
from jitgrad.groupfit.tables import Table, frame_of, numbers, places_of


class Setting(NamedTuple):
    """The starting values and bounds of the groups of a table.

    Attributes
    ----------
    starts : ndarray, shape (G, p)
        Values of all parameters, in float64; nan for those to search for.
    limits : Limits or None
        The bounds of all parameters, (p,) for all groups or (G, p).
    """

    starts: np.ndarray
    limits: Limits | None


def of_groups(limits: Limits | None, which: Any) -> Limits | None:
    """Return the bounds of one group, (p,), or of several."""
    return limits if limits is None or limits.low.ndim == 1 else Limits(limits.low[which], limits.high[which])


def is_frame(given: Any) -> bool:
    """Return whether an object is a frame of any supported library."""
    return not isinstance(given, (Mapping, np.ndarray)) and hasattr(given, "columns")


def extra_columns(p0: Any, bounds: Any, fixed: Any) -> list[str]:
    """Return the names of the columns in starting values, bounds and fixed values."""
    return [*columns_in(p0), *columns_in(bounds), *columns_in(fixed)]


def columns_in(given: Any) -> Iterator[str]:
    """Yield the names of columns in values of parameters: a mapping, a mapping of pairs, or a pair of mappings."""
    if isinstance(given, Mapping):
        for value in given.values():
            yield from (part for part in (value if isinstance(value, (tuple, list)) else [value]) if isinstance(part, str))
    elif isinstance(given, (tuple, list)):
        for side in given:
            yield from columns_in(side) if isinstance(side, Mapping) else ()


def named_in(*given: Any) -> set[str]:
    """Return the names of the parameters in mappings, and in pairs of mappings."""
    return {
        name
        for one in given
        for side in (one if isinstance(one, (tuple, list)) else [one])
        if isinstance(side, Mapping)
        for name in side
    }


def is_for_all(given: Any) -> bool:
    """Return whether values of parameters are the same for all groups."""
    if isinstance(given, Mapping):
        return all(_is_number(value) for value in given.values())
    return not is_frame(given) and np.ndim(given) < 2


def are_bounds_for_all(given: Any) -> bool:
    """Return whether bounds are the same for all groups."""
    if isinstance(given, Mapping):
        return all(isinstance(pair, (tuple, list)) and all(map(_is_number, pair)) for pair in given.values())
    sides = (given.lb, given.ub) if hasattr(given, "lb") else given
    return isinstance(sides, (tuple, list, np.ndarray)) and all(not isinstance(s, Mapping) and is_for_all(s) for s in sides)


def _is_number(value: Any) -> bool:
    return value is None or (np.ndim(value) == 0 and not isinstance(value, str))


def by_group(what: str, given: Any, names: Sequence[str], table: Table) -> np.ndarray:
    """Return values of parameters, float64 (p,) for all groups or (G, p), with nan for missing ones.

    Parameters
    ----------
    what : str
        The name of the argument.
    given : sequence, mapping, frame, array_like or None
        Numbers; a mapping by name of numbers, names of columns, and arrays of the shape of the groups; a frame with keys and
        parameters; or an array of the shape of the groups and the parameters.
    names : sequence of str
        The parameters.
    table : Table
        The groups.

    Raises
    ------
    ArgumentError
        If `given` is none of these.
    """
    if given is None:
        return np.full(len(names), math.nan)
    if is_frame(given):
        return _by_key(what, given, names, table)
    if isinstance(given, Mapping):
        check_names(what, given, names, {})
        parts = {name: _of_one(what, name, value, table) for name, value in given.items()}
        if all(np.ndim(value) == 0 for value in parts.values()):
            return values_of(what, parts, names, {})
        values = np.full((len(table), len(names)), math.nan)
        for name, value in parts.items():
            values[:, names.index(name)] = value
        return values
    if np.ndim(given) > 1:
        array = np.asarray(given, np.float64)
        if array.shape != (*table.shape, len(names)):
            raise ArgumentError(
                f"{{argument}} has shape {array.shape}. Give {len(names)} numbers for {', '.join(names)}, or an array of shape "
                f"{(*table.shape, len(names))}.",
                argument=what,
            )
        return array.reshape(-1, len(names))
    return values_of(what, given, names, {})


def _of_one(what: str, name: str, value: Any, table: Table) -> Any:
    """Return a number, or an array with one per group."""
    if isinstance(value, str):
        return first_of_each(what, value, table)
    if np.ndim(value) == 0:
        return value
    array = np.asarray(value, np.float64)
    if array.shape != table.shape:
        raise ArgumentError(
            f"{{argument}} has shape {array.shape} for {name!r}. Give a number, the name of a column, or shape {table.shape}.",
            argument=what,
        )
    return array.ravel()


def first_of_each(what: str, column: str, table: Table) -> np.ndarray:
    """Return the value of a column in each group, (G,), nan for empty groups. Raises DataError if it varies within a group."""
    if column not in table.extra:
        raise DataError(f"Column {column!r} is not stored with the fits. Give numbers, an array, or a frame by key in {what}.")
    values, parts = table.extra[column], table.groups.parts.astype(np.int64)
    found, some = np.full(len(parts), math.nan), parts[:, 1] > 0
    found[some] = values[parts[some, 0]]
    own = np.repeat(found, parts[:, 1])
    differs = (values != own) & ~(np.isnan(values) & np.isnan(own))
    if differs.any():
        g = int(np.searchsorted(parts[:, 0], int(np.argmax(differs)), side="right")) - 1
        raise DataError(
            f"Column {column!r}, given in {what}, has several values in group {g}. Give one value for all rows of a group."
        )
    return found


def _by_key(what: str, given: Any, names: Sequence[str], table: Table) -> np.ndarray:
    """Return the parameters that a frame has for each key, (G, p)."""
    if table.keys is None:
        raise ArgumentError("{argument} is a frame, but the data have no keys. Give an array.", argument=what)
    frame, keys = frame_of(given), table.keys
    by = keys.columns
    known = [name for name in names if name in frame.columns]
    if not known or any(name not in frame.columns for name in by):
        raise ArgumentError(
            f"{{argument}} is a frame of {', '.join(frame.columns)}. Give the keys {', '.join(by)}, and columns of parameters.",
            argument=what,
        )
    at = places_of(what, keys, frame.select(list(by)))
    values, known_keys = np.full((len(table), len(names)), math.nan), at >= 0
    for name in known:
        values[known_keys, names.index(name)] = numbers(frame, name)[at[known_keys]]
    return values


def limits_by_group(given: Any, names: Sequence[str], table: Table) -> Limits | None:
    """Return the bounds of all parameters, (p,) for all groups or (G, p), or None.

    Raises ArgumentError unless they are a pair of numbers or of values for ``by_group``, or a mapping of pairs by name.
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        check_names("bounds", given, names, {})
        for name, pair in given.items():
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise ArgumentError(f"The bounds of {name!r} are {pair!r}. Give a pair, with None for no bound.")
        sides = [{name: pair[k] for name, pair in given.items() if pair[k] is not None} for k in (0, 1)]
    else:
        sides = [given.lb, given.ub] if hasattr(given, "lb") else given
        if not isinstance(sides, (tuple, list, np.ndarray)) or len(sides) != 2:
            raise ArgumentError(
                f"{{argument}} is {'a frame' if is_frame(given) else repr(given)}. Give (low, high), each a number or a "
                f"sequence, or a dict of pairs by name.",
                argument="bounds",
            )
    low, high = (_side(side, names, table, end) for side, end in zip(sides, (-math.inf, math.inf), strict=True))
    shape = np.broadcast_shapes(low.shape, high.shape)
    return Limits(np.broadcast_to(low, shape), np.broadcast_to(high, shape))


def _side(given: Any, names: Sequence[str], table: Table, end: float) -> np.ndarray:
    """Return lower or upper bounds, with ``end`` for missing ones."""
    if not isinstance(given, Mapping) and not is_frame(given) and np.ndim(given) < 2:
        values = np.asarray(given, np.float64)
        if values.shape not in ((), (1,), (len(names),)):
            raise ArgumentError(
                f"{{argument}} has length {values.size}, but the parameters are {', '.join(names)}. Give one for each.",
                argument="bounds",
            )
        found = np.broadcast_to(values, (len(names),))
    else:
        found = by_group("bounds", given, names, table)
    return np.where(np.isnan(found), end, found)
