"""Tables from files, read with polars; every fault of a file is named with its place."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl

from jitgrad.errors import DataError

MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"]
"""What stands for a missing value in a file."""


def read_table(path: str | Path) -> pl.DataFrame:
    """A CSV file with a header as a data frame; the texts of ``MISSING`` become nulls.

    Raises:
        DataError: where there is no such file, it is empty, is not text, or has rows of unequal length.
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
    if frame.height == 0:
        raise DataError(f"{path} has a header and no rows. Give at least a few rows.")
    if frame.columns and frame[frame.columns[-1]].null_count():
        _check_lengths(path)  # polars fills short rows with nulls
    return frame


def _check_lengths(path: Path) -> None:
    """Raise DataError for the first row that has not as many fields as the header."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            header = next(rows)
            for row in rows:
                if row and len(row) != len(header):
                    raise DataError(
                        f"{path} has {len(row)} fields in line {rows.line_num} and {len(header)} in its header. "
                        f"Give every row as many fields as the header."
                    )
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV file in UTF-8: {error}. Save it as one.") from None
