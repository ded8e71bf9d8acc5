"""The features of a model: learned from the training table, saved, and computed for other tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

import numpy as np
import polars as pl

from jitgrad.errors import DataError, enumerated, listed, near_name
from jitgrad.saving.typed import check_types
from jitgrad.tabular.encoding import Column, check_columns, columns_from, numbers
from jitgrad.tabular.expressions import Expression, Value
from jitgrad.tabular.formulas import ModelFormula, formula_from
from jitgrad.tabular.unseen import Unseen


@dataclass(frozen=True)
class Term:
    """The features of a column or of a term of a formula.

    Attributes
    ----------
    name : str
        The name of the column or term.
    start, stop : int
        Range of the features' indices, from ``start`` to ``stop - 1``.
    """

    name: str
    start: int
    stop: int


@dataclass(frozen=True)
class Predictors:
    """The encoding of columns as features.

    Attributes
    ----------
    columns : tuple of Column
        The columns and their encoding.
    formula : ModelFormula or None
        The formula; None if each column is a term.
    offsets : tuple of str
        Columns, or expressions of columns, whose sum is the offset.
    offset_columns : tuple of str
        The columns in these expressions.
    """

    columns: tuple[Column, ...]
    formula: ModelFormula | None = None
    offsets: tuple[str, ...] = ()
    offset_columns: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the features."""
        return [name for _, names in self._named() for name in names]

    @property
    def terms(self) -> tuple[Term, ...]:
        """The features of each term."""
        made, start = [], 0
        for name, names in self._named():
            made.append(Term(name, start, start + len(names)))
            start += len(names)
        return tuple(made)

    @property
    def intercept(self) -> bool:
        """Whether the model has an intercept."""
        return self.formula is None or self.formula.intercept

    @property
    def needs(self) -> list[str]:
        """The columns required for predictions."""
        return list(dict.fromkeys([*(column.name for column in self.columns), *self.offset_columns]))

    @property
    def texts(self) -> list[str]:
        """The columns that must be read as text, because their values may look like numbers, such as 007."""
        return [column.name for column in self.columns if column.kind == "text" or column.written]

    @classmethod
    def made(cls, given: Mapping[str, Any]) -> Predictors:
        """Make predictors from a dict of attributes, as written by ``dataclasses.asdict``.

        Raises an exception of ``saving.model.UNFIT`` if the attributes are inconsistent.
        """
        formula = None if given["formula"] is None else formula_from(given["formula"])
        made = cls(columns_from(given["columns"]), formula, tuple(given["offsets"]), tuple(given["offset_columns"]))
        for name, hint in get_type_hints(cls).items():
            check_types(getattr(made, name), hint, name)
        check_columns(made.columns)
        for text in made.offsets:
            Expression(text, made.offset_columns)
        if formula is not None:
            if not set(formula.variables) <= {column.name for column in made.columns}:
                raise DataError("its formula uses columns that the file does not describe")
            formula.check()
        return made

    def features(self, frame: pl.DataFrame, unseen: Unseen | None) -> np.ndarray:
        """Return the features of a table, float64 (n, features); nan if a value is missing.

        Raises DataError for an unknown category if ``unseen`` is None, for text among numbers or dates, for an infinite number,
        and if a term of the formula is not finite.
        """
        if self.formula is None:
            return np.column_stack([column.encode(frame[column.name], unseen) for column in self.columns])
        rows = _whole(frame, [column.name for column in self.columns])
        values = values_of(self.columns, frame, rows)
        made = self.formula.columns(values, len(rows), unseen)
        self._check_finite(made, rows, unseen is not None and unseen.missing)
        x = np.full((frame.height, made.shape[1]), np.nan)
        x[rows] = made
        return x

    def offset(self, frame: pl.DataFrame) -> np.ndarray | None:
        """Return the offset (n,), nan if a value is missing; None if the model has none. Raises DataError like ``features``."""
        if not self.offsets:
            return None
        return sum(
            (role_values(frame, Expression(text, self.offset_columns), "offset") for text in self.offsets),
            np.zeros(frame.height),
        )

    def _named(self) -> list[tuple[str, list[str]]]:
        if self.formula is not None:
            return self.formula.names()
        return [(column.name, column.labels) for column in self.columns]

    def _check_finite(self, made: np.ndarray, rows: np.ndarray, may_miss: bool) -> None:
        bad = np.isinf(made) if may_miss else ~np.isfinite(made)
        if bad.any():
            row, column = (int(k[0]) for k in np.nonzero(bad))
            raise DataError(
                f"The term {self.names[column]!r} of the formula is {made[row, column]:g} in row {int(rows[row]) + 1}. "
                f"Leave the row out, or change the term."
            )


def values_of(columns: Sequence[Column], frame: pl.DataFrame, rows: np.ndarray) -> dict[str, Value]:
    """Return columns for expressions, without missing values: numbers, Booleans and text. Dates become days."""
    made: dict[str, Value] = {}
    for column in columns:
        values = frame[column.name]
        if column.kind == "text":
            made[column.name] = values[rows]
        else:
            encoded = column.encode(values)[rows, 0]
            made[column.name] = encoded.astype(bool) if column.kind == "boolean" else encoded
    return made


def role_values(frame: pl.DataFrame, expression: Expression, role: str) -> np.ndarray:
    """Evaluate a numeric expression, float64 (n,); nan if a value is missing.

    Raises DataError if a value is not finite.
    """
    values = {name: numbers(frame[name]) for name in expression.names}
    made = np.broadcast_to(np.asarray(expression.value(values, {}), np.float64), (frame.height,)).copy()
    missing = np.logical_or.reduce([np.isnan(column) for column in values.values()]) if values else np.zeros(frame.height, bool)
    bad = ~np.isfinite(made) & ~missing
    if bad.any():
        row = int(bad.argmax())
        raise DataError(f"The {role} {expression.text!r} has {made[row]:g} in row {row + 1}. Correct it, or leave the row out.")
    made[missing] = np.nan
    return made


def weight_values(frame: pl.DataFrame, expression: Expression, role: str) -> np.ndarray:
    """Evaluate weights or trials like ``role_values``. Raises DataError if one is negative."""
    made = role_values(frame, expression, role)
    if (made < 0).any():
        row = int((made < 0).argmax())
        raise DataError(f"The {role} {expression.text!r} are {made[row]:g} in row {row + 1}. They must not be negative.")
    return made


def check_needed(frame: pl.DataFrame, names: Sequence[str]) -> None:
    """Raise DataError if a table lacks a column that a model needs."""
    known = set(frame.columns)
    absent = [name for name in names if name not in known]
    if absent:
        near = near_name(absent[0], frame.columns)
        more = len(absent) > 1
        shown = enumerated([*map(repr, absent[:20]), f"{len(absent) - 20} more"] if len(absent) > 20 else map(repr, absent))
        raise DataError(
            f"The model needs the column{'s' if more else ''} {shown}, which the table does not have.{near} "
            f"Add {'them' if more else 'it'}, or correct the name{'s' if more else ''}."
        )


def unseen_notes(unseen: Unseen, predictors: Predictors) -> tuple[str, ...]:
    """Return notes on unseen categories and how they were treated."""
    references = {column.name: column.categories[0] for column in predictors.columns if column.categories}
    references |= {f"{column.name}:{part}": texts[0] for column in predictors.columns for part, texts in column.parts if texts}
    if predictors.formula is not None:
        references |= {f.text: str(f.levels[f.reference]) for f in predictors.formula.factors if f.levels}
    notes = []
    for name, texts in unseen.counts.items():
        rows = sum(texts.values())
        have, were = ("1 row has a category", "It was") if rows == 1 else (f"{rows} rows have categories", "They were")
        taken = (
            f"{were} treated as the reference, {references[name]!r}. Set unseen to 'missing' to leave these rows unpredicted."
        )
        ending = f"{were} treated as missing." if unseen.missing else taken
        notes.append(f"{have} of {name!r} that the model has not seen ({listed(map(repr, texts))}). {ending}")
    return tuple(notes)


def _whole(frame: pl.DataFrame, names: Sequence[str]) -> np.ndarray:
    """Return the rows without missing values in these columns."""
    made = np.ones(frame.height, bool)
    for name in names:
        column = frame[name]
        made &= ((column.is_not_null() & column.is_not_nan()) if column.dtype.is_float() else column.is_not_null()).to_numpy()
    return np.flatnonzero(made)
