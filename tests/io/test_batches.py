"""Batches are the whole table, cut."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from jitgrad.errors import ArgumentError, DataError
from jitgrad.io import batches
from jitgrad.io.batches import names_of_columns, read_batches
from jitgrad.io.options import ReadOptions
from jitgrad.io.table import read_table
from tests.io.files import parquet, standard_input, written

MISSING = st.sampled_from(["", "NA", " ? "])
VALUES = {
    "whole": st.integers(-(2**53), 2**53).map(str) | MISSING,
    "number": st.floats().map(str) | MISSING,
    "truth": st.sampled_from(["true", "False"]) | MISSING,
    "text": st.text("ab ,;|\t\"'\n#é.-", max_size=6).map(str.strip) | MISSING,  # a space alone in its line is no row
    "word": st.text('x\n",', max_size=6).map("x{}".format),
    "amount": st.integers(-(10**9), 10**9).map("${:,}".format) | MISSING,
    "part": st.floats(0, 100).map("{:.2f} %".format) | MISSING,
}


@st.composite
def tables(draw: st.DrawFn, kinds: list[str]) -> tuple[str, str, int]:
    """A text of random columns, its separator, and how many rows it has."""
    columns = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4))
    rows = draw(st.lists(st.tuples(*(VALUES[kind] for kind in columns)), min_size=1, max_size=12))
    separator, end = draw(st.sampled_from(",;|\t")), draw(st.sampled_from(["\n", "\r\n"]))
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator=end)
    writer.writerow([f"{kind} {number}" for number, kind in enumerate(columns)])
    writer.writerows(rows)
    return file.getvalue(), separator, len(rows)


def widened(frame: pl.DataFrame) -> pl.DataFrame:
    """With integers, and what has no value, as float64."""
    return frame.select(
        column.cast(pl.Float64) if column.dtype == pl.Int64 or column.null_count() == len(column) else column
        for column in frame.get_columns()
    )


def check(table: tuple[str, str, int], size: int) -> None:
    text, separator, rows = table
    with tempfile.TemporaryDirectory() as directory:
        file = written(Path(directory), text)
        whole = read_table(file, ReadOptions(separator, True))
        frames = list(read_batches(file, size, ReadOptions(separator, True)))
    assert whole.height == rows
    assert [frame.height for frame in frames] == [size] * (rows // size) + [rows % size] * (rows % size > 0)
    assert_frame_equal(pl.concat(frames), widened(whole), check_exact=True)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(tables(["whole", "number", "truth", "text", "word", "amount", "part"]), st.integers(1, 13))
def test_batches_are_the_whole_table(table: tuple[str, str, int], size: int) -> None:
    check(table, size)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(tables(["whole", "number", "word"]), st.integers(1, 5))
def test_so_they_are_where_types_are_found_from_the_first(table: tuple[str, str, int], size: int) -> None:
    with patch.object(batches, "_PIECE", 1):
        check(table, size)


LONG = "a,b,c\n" + "".join(f'{i},{i / 8},"x\n{i}"\n' for i in range(25_000))


@pytest.mark.parametrize("rows", [1000, 7000, 10_000, 24_999, 25_000, 100_000])
@pytest.mark.parametrize("kind", ["text", "gzip", "parquet"])
def test_long_tables(kind: str, rows: int, tmp_path: Path) -> None:
    whole = read_table(written(tmp_path, LONG))
    content = {"text": LONG.encode(), "gzip": gzip.compress(LONG.encode()), "parquet": parquet(whole)}[kind]
    expected = whole if kind == "parquet" else widened(whole)
    frames = list(read_batches(written(tmp_path, content), rows))
    assert {frame.height for frame in frames[:-1]} <= {rows}
    assert_frame_equal(pl.concat(frames), expected)
    with standard_input(content):
        assert_frame_equal(pl.concat(read_batches("-", rows, columns=["c", "a"])), expected.select("c", "a"))


def test_parquet_of_many_row_groups(tmp_path: Path) -> None:
    whole = pl.DataFrame({"a": range(30_000), "b": ["x", None] * 15_000})
    (tmp_path / "c=1").mkdir()
    file = tmp_path / "c=1" / "[t]*.pq"  # neither a partition nor a pattern
    whole.write_parquet(file, row_group_size=999)
    assert_frame_equal(pl.concat(read_batches(file, 11_000)), whole)
    frames = list(read_batches(file, 11_000, columns=["b"]))
    assert [frame.height for frame in frames] == [11_000, 11_000, 8000]
    assert_frame_equal(pl.concat(frames), whole.select("b"))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_stream_is_not_held_whole(compressed: bool) -> None:
    text = b"a,b\n" + b"1,x\n" * 1_000_000
    content = gzip.compress(text, 0) if compressed else text
    with standard_input(content) as taken:
        frames = read_batches("-", 10)
        assert next(frames).rows() == [(1.0, "x")] * 10
        assert sum(taken) < len(content) / 4
        frames.close()


def test_what_follows_the_first_rows(tmp_path: Path) -> None:
    """Types stay, texts are not taken for numbers, and values that were all missing may be numbers."""
    text = "a,b,c,d,e\n" + "1,x,true,,0.5\n" * 10_000 + "1.5, 007,FALSE,3, 1 \nNA,?,,,\n"
    *_, last = read_batches(written(tmp_path, text), 10_000)
    assert last.schema == {"a": pl.Float64, "b": pl.String, "c": pl.Boolean, "d": pl.Float64, "e": pl.Float64}
    assert last.rows() == [(1.5, "007", False, 3.0, 1.0), (None, None, None, None, None)]


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ("y,2,true", "has 'y' in line 20003, column 'a', but numbers in the preceding rows. Correct it"),
        ("1,2,yes", "has 'yes' in line 20003, column 'c', but Booleans in the preceding rows"),
        ("1,y,true", "has 'y' in line 20003, column 'b', but numbers"),
        ('"1,5",2,true', "has '1,5' in line 20003, column 'a'"),
        ("1,2", "has 2 fields in line 20003, but 3 in the header"),
        ("1,2,true,4", "has 4 fields in line 20003, but 3 in the header"),
        ('1,2,"true', "has an unclosed quote in line 20003"),
        ('1,2,true"', "has an unclosed quote in line 20003"),
        ('1,2,"t"rue', "has a quote inside a field in line 20003"),
        ("1,2,\x81", "is neither UTF-8 nor cp1252: line 20003 contains the byte 0x81. Give the encoding."),
    ],
)
def test_faults_below_the_first_rows(last: str, message: str, tmp_path: Path) -> None:
    file = written(tmp_path, ("a,b,c\n\n" + "1,,true\n" * 20_000 + last).encode("latin-1"))
    frames = read_batches(file, 10_000)
    assert [next(frames).height for _ in range(2)] == [10_000, 10_000]
    with pytest.raises(DataError) as caught:
        next(frames)
    assert str(caught.value).startswith(f"{file} {message}")


def test_decimal_commas(tmp_path: Path) -> None:
    file = written(tmp_path, "a;b\n" + "1,5;2\n" * 10_000 + "2;3,25\n")
    assert list(read_batches(file, 10_000))[-1].rows() == [(2.0, 3.25)]
    file = written(tmp_path, "a;b\n" + "1,5;2\n" * 10_000 + "2;3.25\n")
    with pytest.raises(DataError, match=r"has '3.25' in line 10002, column 'b'"):
        list(read_batches(file, 10_000))


def test_columns_that_are_left_out_may_be_anything(tmp_path: Path) -> None:
    file = written(tmp_path, "a,b\n" + "1,2\n" * 10_000 + "x,3\n")
    assert pl.concat(read_batches(file, 500, columns=["b"])).shape == (10_001, 1)


@pytest.mark.parametrize(
    ("content", "options", "error", "message"),
    [
        (
            "alpha,b\n1,2\n",
            {"columns": ["b", "alpa"]},
            DataError,
            r"t.csv has no column 'alpa'. Did you mean 'alpha'\? The columns are alpha, b",
        ),
        (parquet(pl.DataFrame({"a": [1]})), {"columns": ["b"]}, DataError, "no column 'b'"),
        ("a,b\n1,2\n", {"columns": ["b", "b"]}, DataError, "chosen more than once"),
        ("a,b\n1,2\n", {"rows": 0}, ArgumentError, "rows is 0"),
        ("a,b\n1,2\n", {"options": ReadOptions("bars")}, ArgumentError, "Did you mean 'bar'"),
        ("a,b\n", {}, DataError, "no rows"),
        ("", {}, DataError, "is empty"),
        (parquet(pl.DataFrame({"a": [1]}).clear()), {}, DataError, "no rows"),
        (parquet(pl.DataFrame({"a": [1]}))[:-5], {}, DataError, "is damaged or not a Parquet"),
        (gzip.compress(LONG.encode(), mtime=0)[:-500], {}, DataError, "is damaged: Compressed file ended"),
    ],
)
def test_what_cannot_be_read(
    content: Any, options: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        list(read_batches(written(tmp_path, content), **({"rows": 10} | options)))


def test_a_file_whose_name_is_a_dash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, parquet(pl.DataFrame({"a": [1]})), "-")
    for content in (b"a\n2\n", parquet(pl.DataFrame({"a": [2.0]}))):
        with standard_input(content):
            assert pl.concat(read_batches("-", 1)).rows() == [(2.0,)]
    assert pl.concat(read_batches("./-", 1)).rows() == [(1,)]


def test_faults_of_those_who_ask_are_theirs(tmp_path: Path) -> None:
    def ask() -> None:
        for _ in read_batches(written(tmp_path, "a\n1\n2\n"), 1):
            raise FileNotFoundError("mine")

    with pytest.raises(FileNotFoundError, match="mine"):
        ask()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_reading_may_begin_at_any_row(kind: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [k / 2 for k in range(50)], "b": ["x"] * 50})
    file = tmp_path / f"t.{kind}"
    if kind == "csv":
        frame.write_csv(file)
    else:
        frame.write_parquet(file)
    told: list[float] = []
    with patch.object(batches, "_PIECE", 8):
        came = list(read_batches(file, 8, start=19, told=told.append))
        assert_frame_equal(pl.concat(came), frame[19:])
        assert list(read_batches(file, 8, start=50)) == []
    assert told == sorted(told) and 0 < told[0] <= told[-1] == 1


def test_keys_stay_whole_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("key,y\n" + "".join(f"{2**60 + k},{k}\n" for k in range(9)) + "2.5,1\n")
    with patch.object(batches, "_PIECE", 3):
        frames = read_batches(tmp_path / "t.csv", 3, keys=["key"])
        first = next(frames)
        assert first.schema == {"key": pl.Int64, "y": pl.Float64} and first["key"][0] == 2**60
        with pytest.raises(DataError, match=r"has '2\.5' in line 11, column 'key'"):
            list(frames)


def test_names_of_columns(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1], "b c": ["x"]})
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    assert names_of_columns(tmp_path / "t.csv") == names_of_columns(tmp_path / "t.parquet") == ["a", "b c"]
