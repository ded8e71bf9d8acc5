"""Texts to numbers and truths: what a column is, all of its texts say together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from jitgrad.errors import DataError, brief, listed, near_name
from jitgrad.io.dialect import MISSING
from jitgrad.io.text import Block

_THOUSANDS = r"^[+-]?[1-9]\d{0,2}(,\d{3})+$"
_LIKE_A_NUMBER = r"^[+-]?(\d*[.,]?\d+|\d+[.,]|\d{1,3}([.,]\d{3})+([.,]\d+)?)([eE][+-]?\d+)?$"


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
    """The rows of a block with columns of these types, texts without spaces around them, and those of ``MISSING`` null.

    Raises:
        polars.exceptions.PolarsError: for a field of another type, and for what is no table.
        DataError: for rows of unequal length.
    """
    frame = pl.read_csv(
        block.content, has_header=False, schema=dict(schema), separator=block.dialect.separator, null_values=MISSING
    )
    if frame[frame.columns[-1]].null_count():
        block.check_lengths()  # polars fills short rows with nulls
    text = pl.col(pl.String).str.strip_chars()
    return frame.with_columns(pl.when(~text.is_in(MISSING)).then(text))


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
        if texts.dtype == pl.String and not _are(texts, pl.Float64(), False) and _are(texts, pl.Float64(), True):
            commas = texts.filter(texts.str.contains(",", literal=True))
            if separator == ";" or not commas.str.contains(_THOUSANDS).all():
                return True
    return False


def with_types(frame: pl.DataFrame, block: Block, decimal_comma: bool) -> pl.DataFrame:
    """With columns of texts as int64, float64 or boolean where all of their texts are; one without any stays.

    Raises:
        DataError: for a column of numbers with points and commas whose meaning is not clear.
    """
    return frame.select(_typed(column, block, decimal_comma) for column in frame.get_columns())


def with_schema(frame: pl.DataFrame, schema: Mapping[str, pl.DataType], block: Block, decimal_comma: bool) -> pl.DataFrame:
    """With columns of texts as columns of these types. Raises DataError for the first text that is no value of its type."""
    made = []
    for name, dtype in schema.items():
        column = frame[name]
        values = column if column.dtype == dtype else _converted(column, dtype, decimal_comma)
        row = _misfit(column, values)
        if row is not None:
            raise DataError(
                f"{block.dialect.name} has {brief(column[row])} in line {block.line_of(row)}, column {name!r}, after "
                f"{'truths' if dtype == pl.Boolean else 'numbers'} in the rows before. Correct it, or leave the column out."
            )
        made.append(values)
    return frame.select(made)


def _typed(column: pl.Series, block: Block, decimal_comma: bool) -> pl.Series:
    if column.dtype != pl.String or column.null_count() == len(column):
        return column
    for dtype in (pl.Int64(), pl.Float64(), pl.Boolean()):
        values = _converted(column, dtype, decimal_comma)
        if _misfit(column, values) is None:
            return values
    if block.dialect.separator != "," and column.drop_nulls().str.contains(_LIKE_A_NUMBER).all():
        row = _misfit(column, _converted(column, pl.Float64(), decimal_comma)) or 0
        raise DataError(
            f"{block.dialect.name} has {brief(column[row])} in line {block.line_of(row)}, column {column.name!r}, and it is "
            f"not clear what point and comma mean there. Write decimal points, and no marks of thousands."
        )
    return column


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
