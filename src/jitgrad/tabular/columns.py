"""Convert the columns of a data frame to arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from jitgrad.arguments import by_name
from jitgrad.errors import ArgumentError, DataError, brief
from jitgrad.tabular import selection, targets
from jitgrad.tabular.encoding import DATES, TEXTS, Column, Target, has_marks, odd_one, sorted_values
from jitgrad.tabular.expressions import Expression
from jitgrad.tabular.formulas import learn, read_formula
from jitgrad.tabular.predictors import Predictors, Term, check_needed, values_of, weight_values
from jitgrad.tabular.scores import rows_in
from jitgrad.tabular.selection import check_names, check_not_empty
from jitgrad.tabular.unseen import Unseen


@dataclass(frozen=True)
class Design:
    """A table as arrays.

    Attributes
    ----------
    x : ndarray, shape (n, features)
        The features in the units of the table, without a column of ones.
    y : ndarray, shape (n,)
        The target: numbers, proportions, or class numbers.
    predictors : Predictors
        The feature columns and their encoding.
    target : Target
        The target column.
    offset, weights, freq_weights, trials : ndarray, shape (n,), or None
        The offset, weights and numbers of trials; None if not given.
    groups : ndarray of int, shape (n,), or None
        The group of each row; None if not given.
    rows : ndarray of int, shape (n,)
        The rows of the table that are used, numbered from 0.
    dropped : int
        The number of rows dropped because of missing values.
    missing : dict of str to int
        The number of missing values in each column that has any.
    notes : tuple of str
        Notes on the columns.
    """

    x: np.ndarray
    y: np.ndarray
    predictors: Predictors
    target: Target
    offset: np.ndarray | None = None
    weights: np.ndarray | None = None
    freq_weights: np.ndarray | None = None
    trials: np.ndarray | None = None
    groups: np.ndarray | None = None
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    dropped: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The feature columns of the table."""
        return self.predictors.columns

    @property
    def names(self) -> list[str]:
        """The names of the features: ``column``, ``column=category``, or, for a formula, patsy's names."""
        return self.predictors.names

    @property
    def terms(self) -> tuple[Term, ...]:
        """The features of each term."""
        return self.predictors.terms

    @property
    def intercept(self) -> bool:
        """Whether the model has an intercept."""
        return self.predictors.intercept

    @property
    def classes(self) -> list[str]:
        """The classes in order; empty for a regression."""
        return self.target.classes

    @property
    def precision(self) -> np.ndarray | None:
        """The weight of each row in scores: weights times trials; None if all are equal."""
        given = [values for values in (self.weights, self.trials) if values is not None]
        return np.prod(given, axis=0) if given else None

    @property
    def n(self) -> float:
        """The number of rows, counted by their frequencies."""
        return rows_in(self.y, self.freq_weights)

    def part(self, rows: np.ndarray) -> Design:
        """Return some of the rows, by their positions in ``x``."""
        names = ("x", "y", "offset", "weights", "freq_weights", "trials", "groups", "rows")
        given: dict[str, Any] = {name: values[rows] for name in names if (values := getattr(self, name)) is not None}
        return replace(self, **given)


@dataclass(frozen=True)
class Encoded:
    """The features of all rows of a table.

    Attributes
    ----------
    x : ndarray, shape (n, features)
        The features; nan if a value is missing.
    offset : ndarray, shape (n,), or None
        The offset; nan if a value is missing. None if the model has no offset.
    """

    x: np.ndarray
    offset: np.ndarray | None


@dataclass(frozen=True)
class Roles:
    """Columns with other roles than target or feature. Each is the name of a column or an expression of columns.

    Attributes
    ----------
    offset, weights, freq_weights, trials : str or None
        See ``glm.fit``.
    groups : str or None
        The column that identifies groups of rows.
    """

    offset: str | None = None
    weights: str | None = None
    freq_weights: str | None = None
    trials: str | None = None
    groups: str | None = None

    def expressions(self, frame: pl.DataFrame) -> dict[str, Expression]:
        """Return the given expressions. Raises DataError for a missing column, and FormulaError for an invalid expression."""
        made = {}
        for name in ("offset", "weights", "freq_weights", "trials"):
            text = getattr(self, name)
            if text is not None:
                if text.isidentifier():
                    check_names(frame, [text])
                made[name] = Expression(text, frame.columns)
        if self.groups is not None:
            check_names(frame, [self.groups])
        return made


def make_design(
    frame: pl.DataFrame,
    target: str | None = None,
    features: Sequence[str] | None = None,
    classify: bool = False,
    drop_missing: bool = True,
    *,
    formula: str | None = None,
    exclude: Sequence[str] = (),
    dates: str = "since",
    texts: str = "auto",
    roles: Roles = Roles(),
    binomial: bool = False,
) -> Design:
    """Select the target and the features of a table, and learn their encoding.

    A target of text or Booleans, or any target with ``classify``, has classes. A text feature becomes a 0/1 column for each
    category except the first, the reference. A single category also has a column.

    Parameters
    ----------
    frame : polars.DataFrame
        The table.
    target : str, optional
        The column to predict; None if the formula names it.
    features : sequence of str, optional
        The columns from which to predict it. By default, all except identifiers, constant columns and the like; see
        ``selection.found``. Notes list the columns that were left out.
    classify : bool, default False
        Whether to treat a numeric target as classes.
    drop_missing : bool, default True
        Whether to drop rows with missing values, or raise DataError.
    formula : str, optional
        A formula ``left ~ right`` instead of target and features; see ``formulas``.
    exclude : sequence of str, optional
        Columns that are not features.
    dates : {"since", "parts"}, default "since"
        Whether to encode dates as days since the earliest one, or as year, month, weekday and hour.
    texts : {"auto", "group", "hash"}, default "auto"
        How to encode text columns with many categories: leave them out (an error if they are named), merge rare categories, or
        hash all.
    roles : Roles
        Offset, weights and other roles.
    binomial : bool, default False
        Whether the target of a formula may be ``successes / trials``.

    Returns
    -------
    Design
        The arrays and the encoding.

    Raises
    ------
    DataError
        If a column does not exist, has no values or cannot be used, there is only one class, a number is infinite, or values
        are missing and must not be dropped.
    FormulaError
        If the formula is invalid.
    """
    by_name("dates", dates, dict.fromkeys(DATES))
    by_name("texts", texts, dict.fromkeys(TEXTS))
    check_names(frame, exclude)
    given = roles.expressions(frame)
    taken = {*(name for role in given.values() for name in role.names), *exclude, *([roles.groups] if roles.groups else ())}
    if (target is None) == (formula is None):
        raise ArgumentError("Give either {argument} or a formula, which names the target itself.", argument="target")
    notes: list[str] = []
    if formula is None:
        check_names(frame, [str(target)])
        sides, own = None, targets.of_column(frame, str(target), given.get("trials"))
        if features is None:
            chosen, notes = selection.found(frame, {*own.needs, *taken}, texts)
        else:
            chosen = selection.named(frame, own.needs, features, exclude)
    else:
        if features is not None:
            raise ArgumentError(
                "{argument} cannot be combined with a formula, which names the features itself. Leave it out.",
                argument="features",
            )
        sides, notes = read_formula(formula, frame.columns, lambda used: selection.found(frame, {*used, *taken}, texts))
        own, chosen = targets.of_expression(sides.target, binomial), list(sides.names)
    for name in (*own.needs, *chosen):
        check_not_empty(frame[name], name in own.needs)
    if own.trials and "trials" not in given:
        given["trials"] = Expression(own.trials, frame.columns)
    offsets = [role for role in (given.pop("offset", None), *(sides.offsets if sides else ())) if role is not None]
    needed = [*own.needs, *chosen, *(name for role in (*given.values(), *offsets) for name in role.names)]
    needed += [roles.groups] if roles.groups else []
    whole, missing = whole_rows(frame.select(list(dict.fromkeys(needed))), drop_missing)
    rows = used_rows(whole)
    if features is None and sides is None and len(rows) < frame.height:
        chosen, more = selection.kept(whole[rows], chosen, texts)
        notes += more
    columns = tuple(Column.learned(whole[name], texts, dates) for name in chosen)
    model = None if sides is None else learn(sides, values_of(columns, whole, rows))
    names = tuple(dict.fromkeys(name for role in offsets for name in role.names))
    predictors = Predictors(columns, model, tuple(role.text for role in offsets), names)
    learned = targets.learned(own, whole, classify)
    notes += [*_notes(whole, columns), *_note_on_missing(missing, frame.height - len(rows), frame.height, chosen)]
    more_roles = {name: weight_values(whole, role, name)[rows] for name, role in given.items()}
    groups = None if roles.groups is None else _groups(whole[roles.groups][rows])
    by = {name: given[name] for name in ("weights", "freq_weights") if name in given}
    learned = replace(
        learned,
        weights=by["weights"].text if "weights" in by else "",
        freq_weights=by["freq_weights"].text if "freq_weights" in by else "",
        weighted_by=tuple(dict.fromkeys(name for role in by.values() for name in role.names)),
    )
    made = _design(whole, rows, predictors, learned, None)
    return replace(made, **more_roles, groups=groups, missing=missing, notes=tuple(notes))


def design_like(
    frame: pl.DataFrame, predictors: Predictors, target: Target, drop_missing: bool = True, unseen: Unseen | None = None
) -> Design:
    """Convert another table to arrays with the encoding of an earlier one.

    Parameters
    ----------
    frame : polars.DataFrame
        The table. Columns that are not needed are ignored.
    predictors, target : Predictors, Target
        The encoding of the earlier table.
    drop_missing : bool, default True
        As in ``make_design``.
    unseen : Unseen, optional
        Collects categories that the earlier table did not have. By default, they raise DataError.

    Returns
    -------
    Design
        The arrays.

    Raises
    ------
    DataError
        If a column does not exist, a class is unknown, or no row is complete.
    """
    check_needed(frame, [*target.needs, *predictors.needs])
    targets.check_weighted(target, frame)
    needed = dict.fromkeys([*target.needs, *target.weighted_by, *predictors.needs])
    whole, missing = whole_rows(frame.select(list(needed)), drop_missing)
    made = _design(whole, used_rows(whole), predictors, target, unseen)
    made = replace(made, **{name: values[made.rows] for name, values in targets.weights(target, whole).items()})
    return replace(made, missing=missing)


def encoded(frame: pl.DataFrame, predictors: Predictors, unseen: Unseen | None = None) -> Encoded:
    """Encode the features of all rows. Raises DataError like ``design_like``."""
    check_needed(frame, predictors.needs)
    return Encoded(predictors.features(frame, unseen), predictors.offset(frame))


def whole_rows(frame: pl.DataFrame, drop_missing: bool) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the table with all values null in rows with missing values, and the number of missing values by column.

    This preserves row numbers. Raises DataError if every row has missing values, or if some do and must not be dropped.
    """
    floats = [name for name, kind in frame.schema.items() if kind.is_float()]
    frame = frame.with_columns(pl.col(floats).fill_nan(None)) if floats else frame
    counts = {name: count for name in frame.columns if (count := frame[name].null_count())}
    missing = frame.select(pl.any_horizontal(pl.all().is_null())).to_series()
    count = int(missing.sum())
    if count and not drop_missing:
        row = int(missing.arg_max() or 0)
        name = next(c for c in frame.columns if frame[c][row] is None)
        have = "1 row has a missing value" if count == 1 else f"{count} rows have missing values"
        raise DataError(
            f"{have}, the first one in column {name!r}, row {row + 1}. Fill in the missing values, or drop these rows."
        )
    if count == frame.height:
        most = max(counts, key=lambda name: counts[name])
        raise DataError(
            f"Every row has a missing value; column {most!r} has {counts[most]} in {frame.height} rows. "
            f"Leave out the columns with the most missing values."
        )
    return frame.select(pl.when(~missing).then(pl.all())) if count else frame, counts


def used_rows(whole: pl.DataFrame) -> np.ndarray:
    """Return the rows that have values."""
    return np.flatnonzero(whole.select(pl.all_horizontal(pl.all().is_not_null())).to_series().to_numpy())


def _design(whole: pl.DataFrame, rows: np.ndarray, predictors: Predictors, target: Target, unseen: Unseen | None) -> Design:
    x, y = predictors.features(whole, unseen), targets.values(target, whole)
    offset = predictors.offset(whole)
    trials = targets.trials(target, whole)
    if unseen is not None and unseen.missing:
        rows = rows[~np.isnan(x[rows]).any(1)]
        if not len(rows):
            raise DataError(
                "Every row has a category that was not seen in training. "
                "Set unseen to 'reference' to treat it as the reference category."
            )
    made = Design(x, y, predictors, target, offset, trials=trials, rows=np.arange(whole.height))
    if len(rows) < whole.height:
        made = replace(made.part(rows), dropped=whole.height - len(rows))
    return made


def _groups(column: pl.Series) -> np.ndarray:
    """Return the position of each value among the distinct values of a column."""
    values = sorted_values(column)
    places = column.replace_strict(values, range(len(values)), return_dtype=pl.Int64)
    return places.to_numpy()


def _notes(whole: pl.DataFrame, columns: Sequence[Column]) -> list[str]:
    """Return notes on the encoding of columns."""
    notes = []
    for column in columns:
        values = whole[column.name]
        if column.kind == "number" and values.dtype == pl.String and has_marks(values):
            notes.append(selection.note_on_marks(values))
        elif column.kind == "date" and column.first:
            first = column.first.replace("T00:00:00", "").replace("T", " ")
            notes.append(
                f"Column {column.name!r} has dates, which were encoded as days since {first}, the earliest date. "
                f"Set dates to 'parts' to encode the year, month, weekday and hour instead."
            )
        elif column.kind == "date":
            parts = " and ".join(part for part, _ in column.parts)
            notes.append(
                f"Column {column.name!r} has dates, which were encoded as {parts}. Set dates to 'since' for days instead."
            )
        elif column.kind == "number" and values.dtype == pl.Duration:
            notes.append(f"Column {column.name!r} has durations, which were converted to days.")
        elif column.kind == "number" and values.dtype == pl.Time:
            notes.append(f"Column {column.name!r} has times of day, which were converted to hours.")
        elif column.kind == "text" and (odd := odd_one(values)) is not None:
            notes.append(
                f"Column {column.name!r} mixes numbers with text such as {brief(values[odd])}, so it was treated as "
                f"categorical. "
                f"Declare {brief(values[odd])} as a missing value to treat it as numeric."
            )
        elif column.other:
            count = int((~values.drop_nulls().cast(pl.String).is_in(column.categories)).sum())
            rare = values.drop_nulls().n_unique() - len(column.categories) + 1
            notes.append(
                f"{rare} rare categories of column {column.name!r} ({count} rows) were merged into {column.other!r}. "
                f"Set texts to 'hash' to hash all categories instead."
            )
        elif column.bins:
            notes.append(
                f"The categories of column {column.name!r} were hashed into {column.bins} features. "
                f"Set texts to 'group' to merge rare categories instead."
            )
    return notes


def _note_on_missing(missing: dict[str, int], dropped: int, rows: int, features: Sequence[str]) -> list[str]:
    if not dropped:
        return []
    most = sorted(missing.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{count} in {name!r}" for name, count in most[:5])
    more = f", and more in {len(most) - 5} other columns" if len(most) > 5 else ""
    was = "was" if dropped == 1 else "were"
    worst = next((name for name, count in most if name in features and 4 * count >= dropped), None)
    advice = (
        ""
        if worst is None or 4 * dropped <= rows
        else f" To keep more rows, exclude the columns with the most missing values, such as {worst!r}."
    )
    return [f"{dropped} of {rows} rows {was} dropped because of missing values: {shown}{more}.{advice}"]
