"""Tables that are wide, cells that are long, and files that would be larger than memory."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from jitgrad.errors import DataError
from jitgrad.io.batches import read_batches
from jitgrad.io.options import ReadOptions
from jitgrad.io.table import read_table
from tests.io.files import parquet, standard_input, written


@pytest.mark.parametrize("separator", [",", " "])
def test_wide_tables(separator: str, tmp_path: Path) -> None:
    names = [f"column_number_{i}" for i in range(20_000)]
    rows = [[str(i + row / 8) for i in range(20_000)] for row in range(3)]
    file = written(tmp_path, "".join(separator.join(row) + "\n" for row in (names, *rows)))
    frame = read_table(file)
    assert frame.columns == names
    assert frame.row(2) == tuple(i + 0.25 for i in range(20_000))


@pytest.mark.parametrize(
    "cell", ["x" * 131_073, "x" * 1_000_000, '"' + "x, y\n" * 9000 + '"', '"' + 'say ""so"" ' * 30_000 + '"']
)
def test_long_cells(cell: str, tmp_path: Path) -> None:
    text = cell.strip('"').replace('""', '"').strip()
    for content in (f"a,b\n1,{cell}\n2,y\n", f"a,b\n0,y\n1,{cell}\n"):
        file = written(tmp_path, content)
        for frame in (read_table(file), *read_batches(file, 10)):
            assert text in frame["b"].to_list()
    assert read_table(written(tmp_path, f"a,{cell}\n1,2\n"), ReadOptions(header=True)).columns == ["a", text]


def bomb(content: bytes, times: int) -> bytes:
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb") as writer:
        for _ in range(times):
            writer.write(content)
    return file.getvalue()


BOMBS = {
    "one line": (b"1" * 2**20, "more than 16 MiB in line 1, which is too long"),
    "carriage returns": (b"1\r" * 2**19, "more than 16 MiB in line 1, which is too long"),
    "zeros": (bytes(2**20), "more than 16 MiB in line 1, which is too long"),
    "a quote": (b'"' + b"1" * (2**20 - 1), "more than 16 MiB in line 1, which is too long"),
    "lines within a quote": (b'"a\n' + b"1\n" * 2**19, "has an unclosed quote in line 1"),
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("piped", [False, True])
def test_what_is_no_table_is_not_held_whole(name: str, piped: bool, tmp_path: Path) -> None:
    part, message = BOMBS[name]
    content = bomb(part, 1) if name == "lines within a quote" else bomb(part, 200)
    file = written(tmp_path, content, "t.csv.gz")
    tracemalloc.start()
    try:
        with standard_input(content if piped else b""), pytest.raises(DataError) as caught:
            read_table("-" if piped else file)
        assert tracemalloc.get_traced_memory()[1] < 2**27
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith("standard input" if piped else str(file))
    assert message in str(caught.value)


SMALL = pl.DataFrame({"a": [1, None, 3]})


def plain(frame: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    frame.write_parquet(content, compression="uncompressed", statistics=False)
    return content.getvalue()


def test_a_parquet_file_that_ends_the_process_that_reads_it(tmp_path: Path) -> None:
    """A page that says it has −1 values: polars asks for 2⁶¹ bytes and aborts."""
    whole = plain(SMALL)
    place = whole.index(b"\x15\x06\x15\x10\x15\x06\x15\x06")  # three values, a dictionary's places, bits, bits
    for size in (b"\x01", b"\x7f"):
        file = written(tmp_path, whole[: place + 1] + size + whole[place + 2 :], "t.parquet")
        message = rf"^{file} is damaged or not a Parquet file: memory allocation of \d+ bytes failed\. Write the file again\.$"
        with pytest.raises(DataError, match=message):
            read_table(file)
        with pytest.raises(DataError, match=message):
            list(read_batches(file, 10))


@pytest.mark.parametrize("place", [4, 14, 50, 60, 90, -200, -50, -9, -6, -1])
def test_damaged_parquet(place: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It is an error, and polars is silent."""
    whole = bytearray(parquet(SMALL))
    whole[place] ^= 0xFF
    file = written(tmp_path, bytes(whole), "t.parquet")
    with pytest.raises(DataError, match=f"^{file} is damaged or not a Parquet file: "):
        read_table(file)
    assert capfd.readouterr() == ("", "")


def test_parquet_is_read_the_same_from_everywhere(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "i": [1, None, 3],
            "c": pl.Series(["u", "v", "u"], dtype=pl.Categorical),
            "l": [[1], [], None],
            "d": [0.1, 1e300, None],
        }
    )
    content = parquet(frame)
    sources = [written(tmp_path, content, "t.parquet"), written(tmp_path, gzip.compress(content), "t.parquet.gz")]
    for source in sources:
        assert_frame_equal(read_table(source), frame, check_exact=True)
        assert_frame_equal(pl.concat(read_batches(source, 2)), frame, check_exact=True)
    with standard_input(content):
        assert_frame_equal(read_table("-"), frame, check_exact=True)


def test_batches_of_parquet_that_are_not_read_to_the_end_leave_no_process(tmp_path: Path) -> None:
    frames = read_batches(written(tmp_path, parquet(pl.DataFrame({"a": range(50_000)})), "t.parquet"), 10)
    assert next(frames).height == 10
    frames.close()


def test_parquet_reads_no_module_of_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "polars.py").write_text("raise SystemExit('taken from the working directory')")
    monkeypatch.chdir(tmp_path)
    assert_frame_equal(read_table(written(tmp_path, parquet(SMALL), "t.parquet")), SMALL)
