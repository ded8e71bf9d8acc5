"""Texts to numbers and truths: what a column is, all of its texts say together."""

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
    """The chosen columns, or all. Raises DataError for one that the file of this name does not have, or chosen twice."""
    columns = list(known if chosen is None else chosen)
    if len(set(columns)) < len(columns):
        raise DataError("A column is chosen twice. Name each once.")
    there = set(known)
    for column in columns:
        if column not in there:
            raise DataError(f"{name} has no column {column!r}.{near_name(column, known)} The columns are {listed(known)}.")
    return columns


def read_as(block: Block, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The rows of a block with columns of these types, texts without spaces around them, and those that stand for missing null.

    Raises:
        polars.exceptions.PolarsError: for a field of another type, and for what is no table.
        DataError: for rows of unequal length.
    """
    missing = list(block.dialect.missing)
    frame = pl.read_csv(
        block.content, has_header=False, schema=dict(schema), separator=block.dialect.separator, null_values=missing
    )
    if frame[frame.columns[-1]].null_count():
        block.check_lengths()  # polars fills short rows with nulls
    text = pl.col(pl.String).str.strip_chars()
    return frame.with_columns(pl.when(~text.is_in(missing)).then(text))


def read_texts(block: Block) -> pl.DataFrame:
    """The rows of a block, all columns texts. Raises DataError for unequal lengths and for what is not CSV in UTF-8."""
    try:
        return read_as(block, dict.fromkeys(block.dialect.names, pl.String()))
    except pl.exceptions.PolarsError as error:
        block.check_lengths()
        raise DataError(f"{block.dialect.name} cannot be read as CSV: {str(error).splitlines()[0]}. Check the file.") from None


def has_decimal_commas(frame: pl.DataFrame, separator: str) -> bool:
    """Whether a column of texts is one of numbers with decimal commas.

    It is where all of it are numbers if a comma is a decimal point, and not otherwise. Commas that all may mark thousands
    count only in a file of semicolons, which programs write where decimals have commas.
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
    """What the columns of a table are.

    Attributes:
        kinds: the type of each.
        marked: those whose numbers have marks, as of currencies.
        decimal_comma: whether the decimal mark of numbers in texts is a comma.
        notes: what is to be said of them, in sentences.
    """

    kinds: dict[str, pl.DataType]
    marked: frozenset[str]
    decimal_comma: bool
    notes: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """As what polars may read them: texts where numbers have marks of any kind."""
        return {
            name: pl.String() if name in self.marked or (self.decimal_comma and kind == pl.Float64) else kind
            for name, kind in self.kinds.items()
        }


def find_types(frame: pl.DataFrame, block: Block, fixed: Collection[str] = ()) -> Types:
    """What the columns of texts are: int64, float64 or boolean where all of their texts are; one without any is text.

    Args:
        frame: columns of texts, and others, which stay.
        block: that they were read from.
        fixed: columns that stay texts.
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
    """With columns of texts as columns of these types. Raises DataError for the first text that is no value of its type."""
    made = []
    for name, dtype in types.kinds.items():
        column = frame[name]
        values = column if column.dtype == dtype else _converted(column, dtype, types.decimal_comma)
        row = _misfit(column, values)
        if row is not None and name in types.marked:
            numbers = read_numbers(column, types.decimal_comma)  # what a mark means, the first rows have said
            if _is_clear(numbers):
                assert numbers is not None
                values, row = numbers.values, None
        if row is not None:
            raise DataError(
                f"{block.dialect.name} has {brief(column[row])} in line {block.line_of(row)}, column {name!r}, after "
                f"{'truths' if dtype == pl.Boolean else 'numbers'} in the rows before. Correct it, or leave the column out."
            )
        made.append(values)
    return frame.select(made)


def without_marks(frame: pl.DataFrame, fixed: Collection[str], note: Note) -> pl.DataFrame:
    """With columns of texts that are numbers with marks as float64, which ``note`` is told."""
    for column in frame.get_columns():
        if column.dtype == pl.String and column.name not in fixed:
            numbers = read_numbers(column)
            if _is_clear(numbers) and numbers is not None:
                frame = frame.with_columns(numbers.values)
                note(numbers.note or f"Column {column.name!r} has numbers as texts, and was read as numbers.")
    return frame


def _is_clear(numbers: Numbers | None) -> bool:
    return numbers is not None and not numbers.unclear


def _are(texts: pl.Series, dtype: pl.DataType, decimal_comma: bool) -> bool:
    return _misfit(texts, _converted(texts, dtype, decimal_comma)) is None


def _misfit(texts: pl.Series, values: pl.Series) -> int | None:
    """The first row whose text has no value."""
    if values.null_count() == texts.null_count():
        return None
    return (values.is_null() & texts.is_not_null()).arg_max()


def _converted(texts: pl.Series, dtype: pl.DataType, decimal_comma: bool) -> pl.Series:
    """Texts as values of a type; null where a text is none."""
    if dtype == pl.Boolean:
        return texts.str.to_lowercase().replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    if dtype == pl.Float64 and decimal_comma:
        texts = texts.str.replace_all(".", "no number", literal=True).str.replace(",", ".", literal=True)
    return texts.cast(dtype, strict=False)
