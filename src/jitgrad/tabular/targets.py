"""The target of a table: a column or an expression of columns, its classes, and proportions of trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_type_hints

import numpy as np
import polars as pl

from jitgrad.errors import DataError, FormulaError, near_name
from jitgrad.saving.typed import check_types
from jitgrad.tabular.encoding import Target, numbers, usable_range
from jitgrad.tabular.expressions import Expression
from jitgrad.tabular.predictors import role_values, weight_values


def of_column(frame: pl.DataFrame, name: str, trials: Expression | None) -> Target:
    """Return a column as the target. With trials, integers are numbers of successes, and other numbers are proportions."""
    if trials is None:
        return Target(name, needs=(name,))
    y = numbers(frame[name])
    whole = bool((np.isnan(y) | (y == np.round(y))).all()) and (frame.schema[name].is_integer() or np.nanmax(y) > 1)
    value = f"`{name}` / ({trials.text})" if whole else ""
    return Target(name, value=value, trials=trials.text, needs=tuple(dict.fromkeys((name, *trials.names))))


def of_expression(target: Expression, binomial: bool) -> Target:
    """Return the left side of a formula: ``y``, ``log(y)``, ``cbind(successes, failures)`` or ``successes / trials``."""
    if target.names == (target.text,):
        return Target(target.text, needs=target.names)
    if not target.names:
        raise FormulaError(f"The left side of the formula, {target.text!r}, contains no column. Name the target.")
    if target.pair is not None:
        successes, failures = target.pair
        both = f"({successes}) + ({failures})"
        return Target(target.text, value=f"({successes}) / ({both})", trials=both, needs=target.names)
    parts = target.quotient
    if binomial and parts is not None:
        return Target(target.text, value=target.text, trials=parts[1], needs=target.names)
    return Target(target.text, value=target.text, needs=target.names)


def made(given: Mapping[str, Any]) -> Target:
    """Make a target from a dict of its attributes, as written by ``dataclasses.asdict``.

    Raises an exception of ``saving.model.UNFIT`` if the attributes are inconsistent.
    """
    target = Target(**{**given, **{name: tuple(given[name]) for name in ("values", "needs", "weighted_by")}})
    for name, hint in get_type_hints(Target).items():
        check_types(getattr(target, name), hint, f"target.{name}")
    kinds = {type(value) for value in target.values}
    if not (kinds <= {str} or kinds <= {bool} or kinds <= {int, float}) or not target.needs:
        raise DataError("its target has classes of different types, or no column")
    for text in filter(None, (target.value, target.trials)):
        Expression(text, target.needs)
    for text in filter(None, (target.weights, target.freq_weights)):
        Expression(text, target.weighted_by)
    return target


def learned(target: Target, whole: pl.DataFrame, classify: bool) -> Target:
    """Add the classes or the range of the training rows. Raises DataError if the target cannot be used."""
    if not target.value:
        made = Target.learned(whole[target.needs[0]], classify)
        return replace(target, values=made.values, low=made.low, high=made.high)
    if classify:
        raise FormulaError(
            f"The target {target.name!r} is an expression, but classes must be in a column. Add it to the table as a column."
        )
    low, high = usable_range(pl.Series(target.name, values(target, whole)))
    return replace(target, low=low, high=high)


def values(target: Target, frame: pl.DataFrame) -> np.ndarray:
    """Return numbers, proportions or class numbers, float64 (n,); nan if missing.

    Raises DataError for an unknown class, and for more successes than trials.
    """
    if not target.value:
        return target.encode(frame[target.needs[0]])
    made = role_values(frame, Expression(target.value, target.needs), "target")
    if target.trials and ((made < 0) | (made > 1)).any():
        row = int(((made < 0) | (made > 1)).argmax())
        raise DataError(
            f"The target {target.name!r} has fewer than 0 successes, or more than the number of trials, in row {row + 1}. "
            f"Correct it."
        )
    return made


def trials(target: Target, frame: pl.DataFrame) -> np.ndarray | None:
    """Return the number of trials of each proportion, float64 (n,), or None."""
    return role_values(frame, Expression(target.trials, target.needs), "number of trials") if target.trials else None


def check_weighted(target: Target, frame: pl.DataFrame) -> None:
    """Raise DataError if a table lacks a column of weights."""
    absent = [name for name in target.weighted_by if name not in frame.columns]
    if absent:
        raise DataError(
            f"The weights column {absent[0]!r} does not exist.{near_name(absent[0], frame.columns)} "
            f"Add it, with 1 in every row if all rows have equal weight."
        )


def weights(target: Target, frame: pl.DataFrame) -> dict[str, np.ndarray]:
    """Return "weights" and "freq_weights", float64 (n,), if the target has any.

    Raises DataError if one is negative.
    """
    made = {}
    for name in ("weights", "freq_weights"):
        text = getattr(target, name)
        if text:
            made[name] = weight_values(frame, Expression(text, target.weighted_by), name)
    return made
