"""Infer the types of text columns, and convert them to numbers and Booleans."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from jitgrad.errors import DataError, brief, listed, near_name
from jitgrad.io.options import Note
from jitgrad.io.text import Block
from jitgrad.notation import Numbers, read_numbers

_THOUSANDS = r"^[^\d,.]*[1-9]\d{0,2}(,\d{3})+[^\d,.]*$"


def check_columns(name: str, known: Sequence[str], chosen: Iterable[str] | None) -> list[str]:
    """Return the chosen columns, or all. Raises DataError for a missing or repeated column."""
    columns = list(known if chosen is None else chosen)
    if len(set(columns)) < len(columns):
        raise DataError("A column is chosen more than once. Name each column once.")
    there = set(known)
    for column in columns:
        if column not in there:
            raise DataError(f"{name} has no column {column!r}.{near_name(column, known)} The columns are {listed(known)}.")
    return columns


def read_as(block: Block, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Read a block with the given column types. Text is stripped, and missing-value markers become null.

    Raises PolarsError for a field of another type or an invalid table, and DataError for rows of unequal length.
    """
    missing = list(block.dialect.missing)
    frame = pl.read_csv(
        block.content, has_header=False, schema=dict(schema), separator=block.dialect.separator, null_values=missing
    )
    if frame[frame.columns[-1]].null_count():
        block.check_lengths()  # polars pads short rows with nulls
    text = pl.col(pl.String).str.strip_chars()
    return frame.with_columns(pl.when(~text.is_in(missing)).then(text))


def read_texts(block: Block) -> pl.DataFrame:
    """Read a block with all columns as text. Raises DataError for rows of unequal length and for invalid CSV or UTF-8."""
    try:
        return read_as(block, dict.fromkeys(block.dialect.names, pl.String()))
    except pl.exceptions.PolarsError as error:
        block.check_lengths()
        raise DataError(f"{block.dialect.name} cannot be read as CSV: {str(error).splitlines()[0]}. Check the file.") from None


def has_decimal_commas(frame: pl.DataFrame, separator: str) -> bool:
    """Return whether a text column holds numbers with decimal commas.

    It does if all of its fields are numbers only when commas are read as decimal points. If all commas could be
    thousands separators, the separator must be a semicolon, which programs use in locales with decimal commas.
    """
    for texts in frame.get_columns() if separator != "," else []:
        if texts.dtype != pl.String or _are(texts, pl.Float64(), False):
            continue
        plain = _are(texts, pl.Float64(), True)
        if not plain and (
            _is_clear(read_numbers(texts, doubtful=True)) or not _is_clear(read_numbers(texts, decimal_comma=True))
        ):
            continue
        commas = texts.filter(texts.str.contains(",", literal=True))
        if separator == ";" or not commas.str.contains(_THOUSANDS).all():
            return True
    return False


@dataclass(frozen=True)
class Types:
    """The types of the columns of a table.

    Attributes
    ----------
    kinds : dict of str to DataType
        The type of each column.
    marked : frozenset of str
        Columns of numbers with marks such as currency signs.
    decimal_comma : bool
        Whether numbers have decimal commas.
    notes : tuple of str
        Notes for the user.
    """

    kinds: dict[str, pl.DataType]
    marked: frozenset[str]
    decimal_comma: bool
    notes: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """The types for polars' reader: numbers with marks or decimal commas are read as text."""
        return {
            name: pl.String() if name in self.marked or (self.decimal_comma and kind == pl.Float64) else kind
            for name, kind in self.kinds.items()
        }


def find_types(frame: pl.DataFrame, block: Block, fixed: Collection[str] = ()) -> Types:
    """Infer the types of text columns: int64, float64 or Boolean if all fields allow it, otherwise text.

    Parameters
    ----------
    frame : DataFrame
        Text columns, and others, which keep their types.
    block : Block
        The block from which the columns were read.
    fixed : collection of str, optional
        Columns that stay text.
    """
    separator = block.dialect.separator
    free = [column for column in frame.get_columns() if column.name not in fixed]
    commas = has_decimal_commas(pl.DataFrame(free), separator)
    kinds, marked, notes = dict(frame.schema), set(), []
    for column in free:
        if column.dtype != pl.String or column.null_count() == len(column):
            continue
        kind = next((kind for kind in (pl.Int64(), pl.Float64(), pl.Boolean()) if _are(column, kind, commas)), None)
        if kind is None and _is_clear(numbers := read_numbers(column, commas, separator != ",")):
            assert numbers is not None
            kind = pl.Float64()
            marked.add(column.name)
            notes.append(numbers.note)
        if kind is not None:
            kinds[column.name] = kind
    return Types(kinds, frozenset(marked), commas, tuple(filter(None, notes)))


def with_types(frame: pl.DataFrame, types: Types, block: Block) -> pl.DataFrame:
    """Convert text columns to the given types. Raises DataError for the first field that cannot be converted."""
    made = []
    for name, dtype in types.kinds.items():
        column = frame[name]
        values = column if column.dtype == dtype else _converted(column, dtype, types.decimal_comma)
        row = _misfit(column, values)
        if row is not None and name in types.marked:
            numbers = read_numbers(column, types.decimal_comma)  # the first rows determined the meaning of the marks
            if _is_clear(numbers):
                assert numbers is not None
                values, row = numbers.values, None
        if row is not None:
            raise DataError(
                f"{block.dialect.name} has {brief(column[row])} in line {block.line_of(row)}, column {name!r}, but "
                f"{'Booleans' if dtype == pl.Boolean else 'numbers'} in the preceding rows. "
                f"Correct it, or leave the column out."
            )
        made.append(values)
    return frame.select(made)


def without_marks(frame: pl.DataFrame, fixed: Collection[str], note: Note) -> pl.DataFrame:
    """Convert text columns of numbers with marks to float64, with a note for each."""
    for column in frame.get_columns():
        if column.dtype == pl.String and column.name not in fixed:
            numbers = read_numbers(column)
            if _is_clear(numbers) and numbers is not None:
                frame = frame.with_columns(numbers.values)
                note(numbers.note or f"Column {column.name!r} has numbers stored as text, which were converted to numbers.")
    return frame


def _is_clear(numbers: Numbers | None) -> bool:
    return numbers is not None and not numbers.unclear


def _are(texts: pl.Series, dtype: pl.DataType, decimal_comma: bool) -> bool:
    return _misfit(texts, _converted(texts, dtype, decimal_comma)) is None


def _misfit(texts: pl.Series, values: pl.Series) -> int | None:
    """Return the first row whose field was not converted, or None."""
    if values.null_count() == texts.null_count():
        return None
    return (values.is_null() & texts.is_not_null()).arg_max()


def _converted(texts: pl.Series, dtype: pl.DataType, decimal_comma: bool) -> pl.Series:
    """Convert text to a type; fields that cannot be converted become null."""
    if dtype == pl.Boolean:
        return texts.str.to_lowercase().replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    if dtype == pl.Float64 and decimal_comma:
        texts = texts.str.replace_all(".", "no number", literal=True).str.replace(",", ".", literal=True)
    return texts.cast(dtype, strict=False)
