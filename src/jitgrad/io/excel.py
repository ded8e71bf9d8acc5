"""Read Excel and OpenDocument workbooks with polars and fastexcel."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from jitgrad.errors import DataError, MissingError, listed, near_name
from jitgrad.io.columns import without_marks
from jitgrad.io.dialect import MISSING
from jitgrad.io.options import Note, ReadOptions
from jitgrad.io.source import Stream, name_of

_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


def is_workbook(path: str | Path, stream: Stream) -> bool:
    """Return whether a source is a workbook, by its file name or its first bytes."""
    return Path(path).suffix.lower() in _ENDINGS or stream.peek(4)[:4] == b"PK\x03\x04"


def read_workbook(path: str | Path, stream: Stream, options: ReadOptions, note: Note) -> pl.DataFrame:
    """Read a sheet of a workbook. Text is treated as in a text file. Other cells keep their types.

    Raises DataError for an invalid file, a missing sheet, and a sheet without rows, and MissingError if fastexcel is not
    installed.
    """
    name = name_of(path)
    package = _fastexcel(name)
    content = stream.read()
    try:
        sheets = list(package.read_excel(content).sheet_names)
    except package.FastExcelError as error:
        raise DataError(
            f"{name} is damaged or not a workbook: {_first_line(error)}. Save it again, or save it as CSV."
        ) from None
    sheet = _chosen(name, sheets, options.sheet)
    if options.sheet is None and len(sheets) > 1:
        note(f"{name} has the sheets {listed(map(repr, sheets))}; the first was read. Set sheet to read another one.")
    try:
        frame = pl.read_excel(
            BytesIO(content),
            sheet_name=sheet,
            engine="calamine",
            has_header=options.header is not False,
            infer_schema_length=None,
            raise_if_empty=False,
        )
    except (package.FastExcelError, pl.exceptions.PolarsError) as error:
        raise DataError(f"Sheet {sheet!r} of {name} cannot be read: {_first_line(error)}. Save it as CSV.") from None
    if not frame.height:
        raise DataError(f"Sheet {sheet!r} of {name} has no rows. Choose a sheet with data.")
    return without_marks(_cleaned(_named(frame, options.header is not False), options), options.texts, note)


def _fastexcel(name: str) -> Any:
    try:
        import fastexcel
    except ImportError:
        raise MissingError(
            f"Reading the workbook {name} requires fastexcel. Run pip install 'jitgrad[excel]', or save the table as CSV."
        ) from None
    return fastexcel


def _chosen(name: str, sheets: list[str], wanted: str | None) -> str:
    if wanted is None:
        return sheets[0]
    if wanted in sheets:
        return wanted
    if wanted.isdecimal() and 1 <= int(wanted) <= len(sheets):
        return sheets[int(wanted) - 1]
    near = near_name(wanted, sheets)
    raise DataError(f"{name} has no sheet {wanted!r}.{near} The sheets are {listed(map(repr, sheets))}.")


def _named(frame: pl.DataFrame, header: bool) -> pl.DataFrame:
    """Strip column names, and name unnamed columns c1, c2, …."""
    names = [
        f"c{number + 1}" if not header or not name.strip() or name.startswith("__UNNAMED__") else name.strip()
        for number, name in enumerate(frame.columns)
    ]
    twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if twice is not None:
        raise DataError(f"The sheet has more than one column {twice!r}. Give each column a unique name.")
    return frame.rename(dict(zip(frame.columns, names, strict=True)))


def _cleaned(frame: pl.DataFrame, options: ReadOptions) -> pl.DataFrame:
    """Strip text, and replace markers of missing values with null."""
    text = pl.col(pl.String).str.strip_chars()
    frame = frame.with_columns(pl.when(~text.is_in([*MISSING, *options.missing])).then(text))
    numbers = [float(value) for value in options.missing if _is_number(value)]
    if numbers:
        columns = [pl.col(name) for name, kind in frame.schema.items() if kind.is_numeric()]
        frame = frame.with_columns(pl.when(~column.cast(pl.Float64).is_in(numbers)).then(column) for column in columns)
    return frame


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].removesuffix(".")
