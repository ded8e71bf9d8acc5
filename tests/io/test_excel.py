"""Workbooks: their sheets, cells and faults."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from jitgrad.errors import DataError, MissingError
from jitgrad.io.batches import names_of_columns, read_batches, read_pairs
from jitgrad.io.options import ReadOptions
from jitgrad.io.table import read_table
from tests.io.files import standard_input, written

DATA = pl.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "price": ["$1,234", "$5", None, "$6.5"],
        "when": [datetime.date(2024, 1, day) for day in (1, 2, 3, 4)],
        "note": ["NA", " x ", "y", "unknown"],
        "n": [1.5, -999.0, 3.0, 4.0],
        "on": [True, False, True, None],
    }
)
READ = DATA.with_columns(price=pl.Series([1234.0, 5.0, None, 6.5]), note=pl.Series([None, "x", "y", "unknown"]))


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    pytest.importorskip("fastexcel", reason="polars reads workbooks by it")
    xlsxwriter = pytest.importorskip("xlsxwriter", reason="polars writes workbooks by it")
    file = tmp_path / "t.xlsx"
    with xlsxwriter.Workbook(file) as book:
        DATA.write_excel(book, worksheet="Data")
        DATA.head(2).write_excel(book, worksheet="More")
    return file


def test_a_sheet(workbook: Path) -> None:
    notes: list[str] = []
    assert_frame_equal(read_table(workbook, note=notes.append), READ)
    assert notes == [
        f"{workbook} has the sheets 'Data', 'More'; the first was read. Set sheet to read another one.",
        "Column 'price' contains the currency sign $ and thousands separators and was read as numbers.",
    ]
    for sheet in ("More", "2"):
        assert_frame_equal(read_table(workbook, ReadOptions(sheet=sheet)), READ.head(2))
    missing = read_table(workbook, ReadOptions(missing=("-999", "unknown"), texts=("price",)))
    assert missing["n"].to_list() == [1.5, None, 3.0, 4.0] and missing["note"].to_list() == [None, "x", "y", None]
    assert missing["price"].to_list() == DATA["price"].to_list()
    with standard_input(workbook.read_bytes()):
        assert_frame_equal(read_table("-"), READ)


def test_a_sheet_in_batches(workbook: Path) -> None:
    assert names_of_columns(workbook) == DATA.columns
    assert_frame_equal(pl.concat(read_batches(workbook, 3)), READ)
    assert_frame_equal(pl.concat(read_batches(workbook, 1, columns=["n", "id"], start=1)), READ.select("n", "id")[1:])
    assert_frame_equal(pl.concat(typed for _, typed in read_pairs(workbook, 2)), READ)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, {"sheet": "Dat"}, "has no sheet 'Dat'. Did you mean 'Data'? The sheets are 'Data', 'More'."),
        (None, {"sheet": "3"}, "has no sheet '3'."),
        (b"PK\x03\x04 and more", {}, "is damaged, or no workbook"),
        (b"a,b\n1,2\n", {}, "is damaged, or no workbook"),
    ],
)
def test_what_is_no_sheet(content: Any, options: dict[str, Any], message: str, workbook: Path, tmp_path: Path) -> None:
    file = workbook if content is None else written(tmp_path, content, "bad.xlsx")
    with pytest.raises(DataError) as caught:
        read_table(file, ReadOptions(**options))
    assert message in str(caught.value)


def test_fastexcel_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    for name in ("t.xlsx", "t.csv"):
        with pytest.raises(MissingError, match=r"requires fastexcel. .*'jitgrad\[excel\]', or save the table as CSV"):
            read_table(written(tmp_path, b"PK\x03\x04", name))
