"""Tables from files, read with polars; every fault of a file is named with its place."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from jitgrad.errors import DataError

MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"]
"""What stands for a missing value in a file."""


def read_table(path: str | Path) -> pl.DataFrame:
    """A CSV file with a header as a data frame; the texts of ``MISSING`` become nulls.

    Raises:
        DataError: where there is no such file, it is empty, is not text, names a column twice, is not separated by commas, or
            has rows of unequal length.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path} is a directory. Name a CSV file in it.")
    try:
        frame = pl.read_csv(path, null_values=MISSING, infer_schema_length=None)
    except FileNotFoundError:
        raise DataError(f"There is no file {path}. Check the path.") from None
    except pl.exceptions.NoDataError:
        raise DataError(f"{path} is empty. Give a CSV file with a header and rows.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}. Check the file and its permissions.") from None
    except pl.exceptions.PolarsError as error:
        _check_lengths(path)
        raise DataError(f"{path} cannot be read as CSV: {str(error).splitlines()[0]}. Check the file.") from None
    _check_header(path, frame)
    if frame.height == 0:
        raise DataError(f"{path} has a header and no rows. Give at least a few rows.")
    if frame[frame.columns[-1]].null_count():
        _check_lengths(path)  # polars fills short rows with nulls
    return _stripped(path, frame)


def _check_header(path: Path, frame: pl.DataFrame) -> None:
    """Raise DataError for a column named twice, or a file that is separated by something else."""
    if len(frame.columns) == 1:
        for mark, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if mark in frame.columns[0]:
                raise DataError(f"{path} has one column, {frame.columns[0]!r}: it seems to be separated by {name}. Use commas.")
    _, fields = next(_lines(path))
    header = [name.strip() for name in fields]
    for name in header:
        if header.count(name) > 1:
            raise DataError(f"{path} has more than one column {name!r}. Give each column a name of its own.")


def _stripped(path: Path, frame: pl.DataFrame) -> pl.DataFrame:
    """Without spaces around names and texts; a column that is all numbers then is one of numbers."""
    frame = frame.rename({name: name.strip() for name in frame.columns})
    made = []
    for column in frame.get_columns():
        if column.dtype == pl.String:
            if column.str.contains("\ufffd", literal=True).any():
                raise _not_text(path)
            texts = column.str.strip_chars()
            texts = texts.set(texts.is_in(MISSING), None)
            numbers = texts.cast(pl.Float64, strict=False)
            column = numbers if numbers.null_count() == texts.null_count() < len(texts) else texts
        made.append(column)
    return pl.DataFrame(made)


def _not_text(path: Path) -> DataError:
    return DataError(f"{path} is not a text in UTF-8. Save it as one.")


def _check_lengths(path: Path) -> None:
    """Raise DataError for the first row that has not as many fields as the header."""
    lines = _lines(path)
    _, header = next(lines)
    for number, row in lines:
        if row and len(row) != len(header):
            raise DataError(
                f"{path} has {len(row)} fields in line {number} and {len(header)} in its header. "
                f"Give every row as many fields as the header."
            )


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The fields of each row with the number of its last line. Raises DataError for what is not CSV in UTF-8."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        try:
            for row in rows:
                yield rows.line_num, row
        except UnicodeDecodeError:
            raise _not_text(path) from None
        except csv.Error as error:
            raise DataError(f"{path} cannot be read as CSV in line {rows.line_num}: {error}. Check its quotes.") from None
