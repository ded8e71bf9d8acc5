"""Names of columns and of inputs. A model that was fitted to named data matches later data by name, in any order.

Names are stored as plain data: None for an array, ``{"columns": [...]}`` for a frame, ``{"named": {...}}`` for
a dict and ``{"several": [...]}`` for a list.
"""

from __future__ import annotations

from typing import Any

from jitgrad.errors import DataError, near_name


def is_frame(value: Any) -> bool:
    """Return whether a value is a frame or a column of a frame library, without importing that library."""
    if type(value).__module__ in ("builtins", "numpy", "jitgrad.tape.tensor", "jitgrad.tape.variable"):
        return False
    module = type(value).__module__.split(".")[0]
    return module in ("pandas", "polars", "pyarrow", "modin", "cudf", "narwhals")


def names_in(value: Any) -> Any:
    """Return the names in data."""
    if isinstance(value, dict):
        return {"named": {str(key): names_in(item) for key, item in value.items()}}
    if isinstance(value, (list, tuple)) and any(hasattr(item, "shape") for item in value):
        return {"several": [names_in(item) for item in value]}
    if not is_frame(value):
        return None
    attribute = next((name for name in ("column_names", "columns") if hasattr(type(value), name)), None)
    columns = [] if attribute is None else list(getattr(value, attribute))
    return {"columns": columns} if columns and all(isinstance(column, str) for column in columns) else None


def names_of_targets(value: Any) -> Any:
    """Return the names in a frame of several targets. The name of a single column is ignored."""
    found = names_in(value)
    return found if found is not None and len(found.get("columns", ())) > 1 else None


def merged(known: Any, found: Any) -> Any:
    """Return the known names, completed with new ones."""
    if known is None:
        return found
    if "named" in known and found is not None and "named" in found:
        return {"named": {key: merged(item, found["named"].get(key)) for key, item in known["named"].items()}}
    if "several" in known and found is not None and "several" in found and len(known["several"]) == len(found["several"]):
        return {"several": [merged(a, b) for a, b in zip(known["several"], found["several"], strict=True)]}
    return known


def keys_of(given: dict[Any, Any], known: Any, name: str) -> list[Any]:
    """Return the keys of a dict in the order of the known names. Raises DataError if one is missing."""
    if known is None or "named" not in known:
        return list(given)
    by_text = {str(key): key for key in given}
    return [by_text[_there(key, by_text, name, "")] for key in known["named"]]


def columns_for(given: list[Any], known: Any, name: str) -> list[Any]:
    """Return the columns of a frame in the order of the known names. Raises DataError if one is missing."""
    if known is None or "columns" not in known:
        return given
    return [_there(column, given, name, "column ") for column in known["columns"]]


def inner(known: Any, key: Any) -> Any:
    """Return the known names of an item of a dict or a list."""
    if known is None:
        return None
    if "named" in known:
        return known["named"].get(str(key))
    several = known.get("several", ())
    return several[key] if isinstance(key, int) and key < len(several) else None


def check_nested(given: Any, known: Any, name: str) -> None:
    """Raise DataError if a model was fitted to a dict but is given something else."""
    if known is not None and "named" in known and not isinstance(given, dict):
        raise DataError(
            f"{name} is a {type(given).__name__}, but the model was fitted to a dict with the keys "
            f"{', '.join(known['named'])}. Give such a dict."
        )


def from_file(plain: Any) -> Any:
    """Return names read from a file. Raises DataError for anything else."""
    if plain is None:
        return None
    if isinstance(plain, dict) and len(plain) == 1:
        ((kind, value),) = plain.items()
        if kind == "columns" and isinstance(value, list) and all(isinstance(column, str) for column in value):
            return plain
        if kind == "named" and isinstance(value, dict):
            return {"named": {key: from_file(item) for key, item in value.items()}}
        if kind == "several" and isinstance(value, list):
            return {"several": [from_file(item) for item in value]}
    raise DataError("its column names are invalid")


def _there(wanted: str, given: Any, name: str, what: str) -> str:
    if wanted not in given:
        raise DataError(
            f"{name} has no {what}{wanted!r}, which the model was fitted to.{near_name(wanted, map(str, given))} "
            f"It has {', '.join(map(str, given))}."
        )
    return wanted
