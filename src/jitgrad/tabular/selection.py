"""Select the feature columns of a table, and explain why other columns are left out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import polars as pl

from jitgrad.errors import DataError, brief, listed, near_name
from jitgrad.notation import read_numbers
from jitgrad.tabular import dates
from jitgrad.tabular.encoding import are_codes, is_text, odd_one
from jitgrad.tabular.texts import too_many

_INDEX = re.compile(r"(?i)|Unnamed: ?\d+|index|level_0|row_?(names?|number|num|id)?|rownames|c1")
"""Names of the row-number column that programs write next to a table."""
_UNNAMED = re.compile(r"|Unnamed: ?0|c1")
"""Names that stand for an unnamed first column."""
_IDENTIFIER = re.compile(r"(?i:(.*[ _.\-])?(id|uuid|guid|key))|.*[a-z](Id|ID)")
_DISTINCT = 0.95  # minimum fraction of distinct values of an identifier
_FEW = 8  # number of rows in which all values may differ by chance


def check_names(frame: pl.DataFrame, names: Iterable[str]) -> None:
    """Raise DataError for a column that does not exist."""
    known = set(frame.columns)
    for name in names:
        if name not in known:
            raise DataError(
                f"Column {name!r} does not exist.{near_name(name, frame.columns)} The columns are {listed(frame.columns)}."
            )


def check_not_empty(column: pl.Series, is_target: bool = False) -> None:
    """Raise DataError for a column without values."""
    if column.null_count() == len(column):
        advice = "Choose another target" if is_target else "Leave it out"
        raise DataError(f"Column {column.name!r} has no values. {advice}.")


def named(frame: pl.DataFrame, target: Sequence[str], features: Sequence[str], exclude: Sequence[str]) -> list[str]:
    """Return the given features. Raises DataError if one does not exist, is repeated, excluded, or has no values."""
    check_names(frame, features)
    for name in features:
        if name in target:
            raise DataError(f"Column {name!r} is both the target and a feature. Remove it from the features.")
        if features.count(name) > 1:
            raise DataError(f"Feature {name!r} is given more than once. Give each column once.")
    both = [name for name in features if name in exclude]
    if both:
        raise DataError(f"Column {both[0]!r} is both a feature and excluded. Remove it from one of them.")
    if not features:
        raise DataError("There are no feature columns besides the target. Give at least one.")
    for name in features:
        check_not_empty(frame[name])
    return list(features)


def found(frame: pl.DataFrame, used: Collection[str], texts: str) -> tuple[list[str], list[str]]:
    """Return the columns that may be features, and notes on those that are left out.

    Columns without values, constant columns, identifiers and row numbers are left out, and so are columns of types other than
    numbers, Booleans, text and dates, and, with ``texts="auto"``, text columns with many categories.

    Parameters
    ----------
    frame : polars.DataFrame
        The table.
    used : collection of str
        Columns that are not features: the target, and columns with other roles.
    texts : str
        As for ``Column.learned``.

    Returns
    -------
    list of str, list of str
        The columns, and notes.

    Raises
    ------
    DataError
        If no column is left.
    """
    others = [name for name in frame.columns if name not in used]
    if not others:
        raise DataError("There are no feature columns besides the target. Give at least one.")
    return kept(frame, others, texts)


def kept(frame: pl.DataFrame, names: Sequence[str], texts: str) -> tuple[list[str], list[str]]:
    """Return the columns that may be features, and notes on the other columns, like ``found``."""
    why = {name: reason for name in names if (reason := _useless(frame, name, texts)) is not None}
    notes = notes_on(why)
    if len(why) == len(names):
        raise DataError(f"No column can be used as a feature. {' '.join(notes)}")
    return [name for name in names if name not in why], notes


def note_on_marks(column: pl.Series) -> str:
    """Return a note on a column of numbers with marks."""
    written = read_numbers(column)
    return "" if written is None else written.note


def notes_on(why: dict[str, Reason]) -> list[str]:
    """Return notes on columns that are left out, one for each reason."""
    by_reason: dict[Reason, list[str]] = {}
    for name, reason in why.items():
        by_reason.setdefault(reason, []).append(name)
    notes = []
    for reason, names in by_reason.items():
        one = len(names) == 1
        shown = repr(names[0]) if one else listed(map(repr, names))
        clause = reason.clause.format(has="has" if one else "have", s="s" if one else "")
        left, it = ("it was", "it") if one else ("they were", "them")
        advice = f" {reason.advice.format(it=it)}" if reason.advice else ""
        notes.append(f"{'Column' if one else 'Columns'} {shown} {clause}, so {left} left out.{advice}")
    return notes


class Reason(NamedTuple):
    """The reason why a column is left out.

    Attributes
    ----------
    clause : str
        The reason, with ``{has}`` and the ``{s}`` of a verb, for one or several columns.
    advice : str
        How to use the column anyway; empty if that is impossible.
    """

    clause: str
    advice: str = "To use {it}, include {it} in the features."


_EMPTY = Reason("{has} no values", "")
_CONSTANT = Reason("{has} the same value in every row", "")
_COUNTING = Reason("only number{s} the rows")
_NUMBERED = Reason("{has} a different integer in every row and look{s} like an identifier")
_NUMBERS_AS_TEXTS = Reason(
    "{has} numbers stored as text, perhaps because of mixed decimal marks",
    "To use {it}, convert {it} to numbers, or use the same decimal mark in all columns.",
)
_SAVED = Reason("{has} a different integer in every row and look{s} like a saved index")
_TEXTS = Reason(
    "{has} a different text in nearly every row and look{s} like an identifier",
    "To use {it}, include {it} in the features and set texts to 'hash'.",
)


def _useless(frame: pl.DataFrame, name: str, texts: str) -> Reason | None:
    """Return the reason why a column is left out, or None."""
    column = frame[name]
    column = column.fill_nan(None) if column.dtype.is_float() else column
    used = column.drop_nulls()
    if not len(used):
        return _EMPTY
    if is_text(column):
        return _useless_texts(used, texts)
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean or column.dtype.is_temporal()):
        return Reason(f"{{has}} type {column.dtype}, which is not numeric", "")
    if len(used) > 1 and used.min() == used.max():
        return _CONSTANT
    if column.dtype.is_integer() and len(used) > 1:
        if _counts(frame, name):
            return _COUNTING
        if len(used) > _FEW and used.n_unique() == len(used):
            if _is_first_without_name(frame, name):
                return _SAVED
            if _IDENTIFIER.fullmatch(name.strip()):
                return _NUMBERED
    return None


def _useless_texts(used: pl.Series, texts: str) -> Reason | None:
    kinds = used.n_unique()
    if len(used) > 1 and kinds == 1:
        return _CONSTANT
    if used.dtype == pl.String:
        written = read_numbers(used)
        if written is not None and written.unclear:
            return Reason(
                f"look{{s}} like numbers, but {written.unclear}", "To use {it}, write plain numbers with decimal points."
            )
        if written is not None and written.marks:
            return None
        try:
            if dates.find_format(used):
                return None
        except DataError:
            clause = f"{{has}} dates such as {used[0]!r}, in which either the day or the month may come first"
            return Reason(clause, "To use {it}, write dates in the form 2024-12-31.")
    odd = odd_one(used)
    if odd is not None and not are_codes(used):
        clause = f"{{has}} numbers, but also the text {brief(used[odd])}"
        return Reason(clause, f"To use {{it}}, correct that text, or declare {brief(used[odd])} as a missing value.")
    differ, many = len(used) > _FEW and kinds >= _DISTINCT * len(used), too_many(kinds, len(used)) and texts == "auto"
    if (differ or many) and used.dtype == pl.String and not used.cast(pl.Float64, strict=False).has_nulls():
        return _NUMBERS_AS_TEXTS
    if differ:
        return _TEXTS
    if many:
        return Reason(f"{{has}} {kinds} categories in {len(used)} rows", "To use {it}, set texts to 'group' or 'hash'.")
    return None


def _counts(frame: pl.DataFrame, name: str) -> bool:
    """Return whether a column numbers the rows from 0 or 1 and has the name of a saved index."""
    column = frame[name]
    if not _INDEX.fullmatch(name.strip()) or column.null_count() or column[0] not in (0, 1):
        return False
    if name == "c1" and not _is_first_without_name(frame, name):
        return False
    return bool((column.diff().drop_nulls() == 1).all())


def _is_first_without_name(frame: pl.DataFrame, name: str) -> bool:
    """Return whether a column is the first and the only unnamed one, like a saved index."""
    if not _UNNAMED.fullmatch(name.strip()) or frame.columns[0] != name:
        return False
    return name != "c1" or frame.width == 1 or frame.columns[1] != "c2"  # a table without column names
