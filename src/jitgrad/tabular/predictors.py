"""What makes features of a table's columns: learned from the table that is fitted, kept, and used on every other one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

import numpy as np
import polars as pl

from jitgrad.errors import DataError, listed, near_name
from jitgrad.saving.typed import check_types
from jitgrad.tabular.encoding import Column, Unseen, check_columns, columns_from, numbers
from jitgrad.tabular.expressions import Expression, Value
from jitgrad.tabular.formulas import ModelFormula, formula_from


@dataclass(frozen=True)
class Term:
    """Features that belong together: those of a column, or of a term of a formula.

    Attributes:
        name: of the column or the term.
        start, stop: which features they are, ``start`` to ``stop`` - 1.
    """

    name: str
    start: int
    stop: int


@dataclass(frozen=True)
class Predictors:
    """How columns become features.

    Attributes:
        columns: the table's columns that are used, how each is understood.
        formula: of the model; None where each column is a term.
        offsets: columns, or expressions of columns, whose sum is the offset.
        offset_columns: the table's columns in these.
    """

    columns: tuple[Column, ...]
    formula: ModelFormula | None = None
    offsets: tuple[str, ...] = ()
    offset_columns: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The features."""
        return [name for _, names in self._named() for name in names]

    @property
    def terms(self) -> tuple[Term, ...]:
        """Which of the features belong together."""
        made, start = [], 0
        for name, names in self._named():
            made.append(Term(name, start, start + len(names)))
            start += len(names)
        return tuple(made)

    @property
    def intercept(self) -> bool:
        """Whether the model has one."""
        return self.formula is None or self.formula.intercept

    @property
    def needs(self) -> list[str]:
        """The table's columns that are needed to predict."""
        return list(dict.fromkeys([*(column.name for column in self.columns), *self.offset_columns]))

    @property
    def texts(self) -> list[str]:
        """The columns of which a file's texts are needed as they are written: numbers may be names, as 007."""
        return [column.name for column in self.columns if column.kind == "text" or column.written]

    @classmethod
    def made(cls, given: Mapping[str, Any]) -> Predictors:
        """From a dict of attributes, as ``dataclasses.asdict`` makes it and a file keeps it, checked.

        Raises one of ``saving.model.UNFIT`` where they do not go together.
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
        """float64 (rows, features) of a table, nan where a value is missing.

        Raises:
            DataError: for a text that is not known where ``unseen`` is None, a text among numbers or dates, an infinite number,
                and what a formula makes no finite number of.
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
        """float64 (rows,), nan where a value is missing; None for a model without. Raises DataError as ``features``."""
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
    """Some rows of columns, which miss no value, as expressions take them: numbers, truths and texts; dates are days."""
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
    """float64 (rows,) of a column or an expression of columns of numbers, nan where one is missing.

    Raises DataError where it is not finite.
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
    """Raise DataError for a column that a model needs and a table does not have."""
    known = set(frame.columns)
    absent = [name for name in names if name not in known]
    if absent:
        near = near_name(absent[0], frame.columns)
        more = f" and {listed(map(repr, absent[1:]))}" if absent[1:] else ""
        raise DataError(
            f"The model needs the column{'s' if more else ''} {absent[0]!r}{more}, which the table does not have.{near} "
            f"Add {'them' if more else 'it'}, or correct the name{'s' if more else ''}."
        )


def unseen_notes(unseen: Unseen, predictors: Predictors) -> tuple[str, ...]:
    """Sentences on texts that were not in the table that was fitted, and what they count as."""
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
    """The rows that miss no value of these columns."""
    made = np.ones(frame.height, bool)
    for name in names:
        column = frame[name]
        made &= ((column.is_not_null() & column.is_not_nan()) if column.dtype.is_float() else column.is_not_null()).to_numpy()
    return np.flatnonzero(made)
