"""The user's starting values, bounds, fixed values and tolerances as numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from jitgrad.arguments import by_name, count, positive
from jitgrad.curvefit.least_squares import RESIDUAL_LOSSES, Limits, SolverOptions
from jitgrad.errors import ArgumentError, near_name

if TYPE_CHECKING:
    from jitgrad.typing import ArrayLike

DEFAULTS = SolverOptions()


class SciPyBounds(Protocol):
    """``scipy.optimize.Bounds``."""

    lb: Any
    ub: Any


Bounds: TypeAlias = "tuple[ArrayLike, ArrayLike] | Sequence[ArrayLike] | Mapping[str, Sequence[float | None]] | SciPyBounds"
"""Bounds as users pass them: a pair of lower and upper bounds, or a mapping of pairs by name."""


def _number(what: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ArgumentError(f"{{argument}} is {value!r}. Give a number.", argument=what) from None


def options_of(loss: str, f_scale: float, ftol: Any, xtol: Any, gtol: Any, most: int | None) -> SolverOptions:
    """Return the options of the solver."""
    if loss == "linear" and ftol is xtol is gtol is most is None:
        return DEFAULTS
    by_name("loss", loss, RESIDUAL_LOSSES)
    given: dict[str, Any] = {"ftol": ftol, "xtol": xtol, "gtol": gtol}
    given = {name: positive(name, value) for name, value in given.items() if value is not None}
    if most:
        given["most"] = count("max_nfev", most)
    return SolverOptions(scale=positive("f_scale", f_scale), loss=loss, **given)


def free_of(fixed: Any, held: np.ndarray, names: Sequence[str], columns: Mapping[str, Any]) -> tuple[Sequence[int], np.ndarray]:
    """Return the indices of the parameters to fit, and the values of all parameters.

    Raises ArgumentError if a fixed parameter has no value.
    """
    if fixed is None:
        return range(len(names)), held
    if isinstance(fixed, Mapping):
        given = values_of("fixed", fixed, names, columns)
        held = np.where(np.isnan(given), held, given)
    if not isinstance(fixed, Iterable):
        raise ArgumentError(
            f"{{argument}} is {fixed!r}. Give names of parameters, or a dict of values by name.", argument="fixed"
        )
    fixed = [fixed] if isinstance(fixed, str) else list(fixed)
    check_names("fixed", fixed, names, columns)
    for name in fixed:
        if math.isnan(held[names.index(name)]):
            raise ArgumentError(
                f"Parameter {name!r} is fixed but has no value. Give its value in {{argument}}, or as a starting value.",
                argument="fixed",
            )
    return [k for k, name in enumerate(names) if name not in fixed], held


def limits_of(bounds: Any, held: np.ndarray, names: Sequence[str], columns: Mapping[str, Any]) -> Limits | None:
    """Return the bounds of all parameters. Raises ArgumentError if they are invalid or exclude a starting value."""
    if bounds is None:
        return None
    limits = _limits(bounds, names, columns)
    for name, low, high, start in zip(names, *limits, held, strict=True):
        if not low < high:
            raise ArgumentError(
                f"The bounds of {name!r} are {low:g} and {high:g}. The lower bound must be less than the upper one."
            )
        if start < low or start > high:
            raise ArgumentError(
                f"Initial guess is outside of provided bounds: {name} = {start:g}, {low:g} to {high:g}. "
                "Choose a value within the bounds."
            )
    return limits


def values_of(what: str, given: Any, names: Sequence[str], columns: Mapping[str, Any]) -> np.ndarray:
    """Return numbers, given in order or by name, as float64 (p,), with nan for missing ones."""
    if not isinstance(given, np.ndarray) and isinstance(given, Mapping):
        check_names(what, given, names, columns)
        return np.array([_finite(what, name, given[name]) if name in given else math.nan for name in names])
    try:
        values = np.array(given, np.float64).ravel()
    except (TypeError, ValueError):
        raise ArgumentError(
            f"{{argument}} is {given!r}. Give a sequence of numbers, or a dict by name.", argument=what
        ) from None
    if len(values) != len(names):
        raise ArgumentError(
            f"{{argument}} has length {len(values)}, but the parameters are {', '.join(names)}. Give one for each.",
            argument=what,
        )
    for name, value in zip(names, values.tolist(), strict=True):
        _finite(what, name, value)
    return values


def _finite(what: str, name: str, value: Any) -> float:
    number = _number(f"{name} of {what}", value)
    if not math.isfinite(number):
        raise ArgumentError(f"{{argument}} has {name} = {value}. Give a finite number.", argument=what)
    return number


def check_names(what: str, given: Iterable[str], names: Sequence[str], columns: Mapping[str, Any]) -> None:
    """Raise ArgumentError for a name that is not a parameter."""
    for name in given:
        if name in columns:
            raise ArgumentError(
                f"{{argument}} names {name!r}, which is a column, not a parameter. "
                "Give parameters and columns different names.",
                argument=what,
            )
        if name not in names:
            raise ArgumentError(
                f"There is no parameter {name!r} for {{argument}}.{near_name(name, names)} "
                f"The parameters are {', '.join(names)}.",
                argument=what,
            )


def _limits(bounds: Any, names: Sequence[str], columns: Mapping[str, Any]) -> Limits:
    """Return the user's bounds for all parameters."""
    low, high = limits = Limits(np.full(len(names), -math.inf), np.full(len(names), math.inf))
    if isinstance(bounds, Mapping):
        check_names("bounds", bounds, names, columns)
        for name, pair in bounds.items():
            k = names.index(name)
            if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
                raise ArgumentError(f"The bounds of {name!r} are {pair!r}. Give a pair, with None for no bound.")
            ends = [
                side if end is None else _number(f"A bound of {name!r}", end)
                for end, side in zip(pair, (-math.inf, math.inf), strict=True)
            ]
            low[k], high[k] = ends
        return limits
    if hasattr(bounds, "lb"):
        bounds = bounds.lb, bounds.ub
    if not isinstance(bounds, Sequence | np.ndarray) or isinstance(bounds, str) or len(bounds) != 2:
        raise ArgumentError(
            f"{{argument}} is {bounds!r}. Give (low, high), each a number or a sequence, or a dict of pairs by name.",
            argument="bounds",
        )
    for place, side in zip((low, high), bounds, strict=True):
        values = np.asarray(side, np.float64)
        if values.shape not in ((), (1,), (len(names),)):
            raise ArgumentError(
                f"{{argument}} has length {values.size}, but the parameters are {', '.join(names)}. Give one for each.",
                argument="bounds",
            )
        place[:] = values
    return limits
