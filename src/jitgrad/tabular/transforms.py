"""Functions in formulas that learn from the training column: its mean, spline knots, or orthogonal polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import FormulaError, MissingError

_SPLINE = ("df", "knots", "lower_bound", "upper_bound")
NAMES: dict[str, tuple[str, ...]] = {
    "center": (),
    "scale": ("center", "scale", "ddof"),
    "standardize": ("center", "rescale", "ddof"),
    "poly": ("degree", "raw"),
    "bs": ("df", "knots", "degree", "include_intercept", "lower_bound", "upper_bound"),
    "cr": _SPLINE,
    "cs": _SPLINE,
    "cc": _SPLINE,
}
"""The functions by name, with the arguments after the column, in formulaic's order."""
_MAX_COLUMNS = 1000


def check(name: str, arguments: list[Any], given: dict[str, Any]) -> None:
    """Raise FormulaError for arguments that a function does not take."""
    known = NAMES[name]
    if len(arguments) > len(known) or not set(given) <= set(known[len(arguments) :]):
        raise FormulaError(f"{name} takes {', '.join(('a column', *known))} in a formula. Correct its arguments.")
    both = dict(zip(known, arguments, strict=False)) | given
    if not all(isinstance(value, (bool, int, float, list, tuple, type(None))) for value in both.values()):
        raise FormulaError(f"The arguments of {name} after the column must be numbers. Correct them.")
    if any(isinstance(both.get(part), int) and both[part] > _MAX_COLUMNS for part in ("df", "degree")):
        raise FormulaError(f"{name} would have more than {_MAX_COLUMNS} columns. Give fewer degrees.")


def apply(name: str, values: np.ndarray, arguments: list[Any], given: dict[str, Any], state: dict[str, Any]) -> np.ndarray:
    """Apply a function to a column with its learned state, or learn it.

    Parameters
    ----------
    name : str
        The function.
    values : ndarray, shape (n,)
        The column.
    arguments : list
        Positional arguments after the column.
    given : dict
        Keyword arguments.
    state : dict
        The learned state as lists, numbers and arrays; filled if empty.

    Returns
    -------
    ndarray, shape (n,) or (n, columns)
        The values.

    Raises
    ------
    FormulaError
        If arguments or columns are invalid.
    MissingError
        If formulaic is not installed.
    """
    function = _transforms()[name]
    learned = _restored(state)
    try:
        made = function(values, *arguments, **given, _state=learned)
    except (ValueError, TypeError, KeyError, IndexError, NotImplementedError) as error:
        said = str(error).removesuffix(".")
        raise FormulaError(f"{name} in the formula cannot be computed: {said}. Correct its arguments.") from None
    if not state:
        state.update({key: _plain(value) for key, value in learned.items()})
    while hasattr(made, "__wrapped__"):
        made = made.__wrapped__
    if isinstance(made, dict):
        made = np.column_stack([made[key] for key in made])
    return np.asarray(made, np.float64)


def formulaic() -> Any:
    """Return the package. Raises MissingError if it is not installed."""
    try:
        import formulaic as package
    except ImportError:
        raise MissingError("Formulas need formulaic. Install it with pip install 'jitgrad[formulas]'.") from None
    return package


def _transforms() -> dict[str, Any]:
    return dict(formulaic().transforms.TRANSFORMS)


def _plain(value: Any) -> Any:
    """Convert a value to numbers and lists for a file; a dict becomes a list of pairs."""
    if isinstance(value, dict):
        return {"pairs": [[_plain(key), _plain(item)] for key, item in value.items()]}
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "values": [float(item) for item in value.ravel()]}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _restored(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"pairs"}:
        return {_restored(key): _restored(item) for key, item in value["pairs"]}
    if isinstance(value, dict) and set(value) == {"shape", "values"}:
        return np.array(value["values"], np.float64).reshape(value["shape"])
    if isinstance(value, dict):
        return {key: _restored(item) for key, item in value.items()}
    return [_restored(item) for item in value] if isinstance(value, list) else value
