"""What is written, whole or not at all, and what keeps it from being written."""

from __future__ import annotations

import errno
import gzip
import os
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from jitgrad.errors import ArgumentError, DataError
from jitgrad.io import write as write_module
from jitgrad.io.options import ReadOptions
from jitgrad.io.table import read_table
from jitgrad.io.write import TableWriter

FRAMES = [pl.DataFrame({"a": [1, 2], "b c": [0.5, None]}), pl.DataFrame({"a": [3], "b c": [1e300]})]
COMMAS = b"a,b c\n1,0.5\n2,\n3,1e300\n"


def write(path: Path | str | None, *frames: pl.DataFrame) -> None:
    with TableWriter(path) as writer:
        for frame in frames:
            writer.add(frame)


@pytest.mark.parametrize(
    ("name", "mark"),
    [("t.csv", b","), ("t.txt", b","), ("t", b","), ("t.tsv", b"\t"), ("T.TSV", b"\t"), ("t.gz", b","), ("t.tsv.gz", b"\t")],
)
def test_names_say_what_is_written(name: str, mark: bytes, tmp_path: Path) -> None:
    write(tmp_path / name, *FRAMES)
    content = (tmp_path / name).read_bytes()
    content = gzip.decompress(content) if name.endswith("gz") else content
    assert content.replace(b"e+300", b"e300") == COMMAS.replace(b",", mark)
    assert_frame_equal(read_table(tmp_path / name), pl.concat(FRAMES))
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["t.parquet", "t.PQ", "t.parquet.gz"])
def test_parquet(name: str, tmp_path: Path) -> None:
    frames = [pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [None, 0.5]})]
    write(tmp_path / name, *frames)
    assert_frame_equal(read_table(tmp_path / name), pl.DataFrame({"a": [1.0, None, 0.5]}))
    assert (tmp_path / name).read_bytes()[:4] == (b"\x1f\x8b\x08\x00" if name.endswith("gz") else b"PAR1")


def test_the_same_table_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.csv.gz", "b.csv.gz"):
        write(tmp_path / name, *FRAMES)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


TEXTS = st.text("ab ,;\t\"'\n\r#é1.-", max_size=6).map("x{}x".format)
COLUMNS = {
    pl.Int64: st.integers(-(2**63), 2**63 - 1),
    pl.Float64: st.floats(allow_nan=False),
    pl.Boolean: st.booleans(),
    pl.String: TEXTS,
}


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """A table of random types and values; each column has a value, which tells its type."""
    height = draw(st.integers(1, 8))
    names = draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True))
    columns = []
    for name in names:
        dtype = draw(st.sampled_from(list(COLUMNS)))
        values = draw(st.lists(COLUMNS[dtype] | st.none(), min_size=height - 1, max_size=height - 1))
        columns.append(pl.Series(name, [*values, draw(COLUMNS[dtype])], dtype=dtype))
    return pl.DataFrame(columns)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(tables(), st.sampled_from(["t.csv", "t.tsv", "t.csv.gz", "t.parquet"]), st.integers(1, 8))
def test_what_is_written_is_read(table: pl.DataFrame, name: str, size: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / name
        write(file, *table.iter_slices(size))
        assert_frame_equal(read_table(file, ReadOptions("\t" if ".tsv" in name else ",", True)), table, check_exact=True)


def test_missing_values_of_one_column_are_no_blank_lines(tmp_path: Path) -> None:
    table = pl.DataFrame({"a": [1, None, 3, None]})
    write(tmp_path / "t.csv", table)
    assert_frame_equal(read_table(tmp_path / "t.csv"), table)


def test_tables_without_rows(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", FRAMES[0].clear(), FRAMES[0].clear(), *FRAMES)
    assert_frame_equal(read_table(tmp_path / "t.csv"), pl.concat(FRAMES))
    write(tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes() == b""
    write(tmp_path / "t.parquet")
    assert pl.read_parquet(tmp_path / "t.parquet").shape == (0, 0)


@pytest.mark.parametrize("name", ["t.parquet", "t.parquet.gz"])
def test_large_parquet_waits_in_files_without_names(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_module, "_MOST_KEPT", 100)
    frames = [pl.DataFrame({"a": range(9 * k, 9 * k + 9), "b": [None] * 9 if k == 0 else ["x"] * 9}) for k in range(5)]
    write(tmp_path / name, *frames)
    whole = (tmp_path / name).read_bytes()
    whole = gzip.decompress(whole) if name.endswith("gz") else whole
    assert_frame_equal(pl.read_parquet(whole), pl.concat(frames, how="vertical_relaxed"))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_full_disk_while_parquet_is_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = pl.LazyFrame.sink_parquet

    def full(frame: pl.LazyFrame, to: Any, **options: Any) -> Any:
        if isinstance(to, str):
            raise pl.exceptions.ComputeError("parquet: underlying IO error: No space left on device (os error 28)")
        return sink(frame, to, **options)

    monkeypatch.setattr(write_module, "_MOST_KEPT", 0)
    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", full)
    with pytest.raises(DataError, match=r"t\.parquet cannot be written: No space left on device\. Free some space"):
        write(tmp_path / "t.parquet", *FRAMES)
    assert list(tmp_path.iterdir()) == []


def test_other_columns_are_refused(tmp_path: Path) -> None:
    for name in ("t.csv", "t.parquet"):
        with pytest.raises(ArgumentError, match="but the first had"):
            write(tmp_path / name, FRAMES[0], FRAMES[1].select("b c", "a"))
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
@pytest.mark.parametrize("fault", [KeyboardInterrupt, DataError])
def test_an_interrupt_leaves_what_was_there(name: str, fault: type[BaseException], tmp_path: Path) -> None:
    def stopped() -> None:
        with TableWriter(tmp_path / name) as writer:
            writer.add(FRAMES[0])
            raise fault

    with pytest.raises(fault):
        stopped()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / name).write_text("before")
    with pytest.raises(fault):
        stopped()
    assert [file.read_text() for file in tmp_path.iterdir()] == ["before"]


def test_links_stay(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "t.csv").touch()
    (tmp_path / "t.csv").symlink_to("there/t.csv")
    write(tmp_path / "t.csv", *FRAMES)
    assert (tmp_path / "t.csv").is_symlink()
    assert_frame_equal(read_table(tmp_path / "there" / "t.csv"), pl.concat(FRAMES))


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
@pytest.mark.parametrize("rows", [1000, 100_000])
def test_a_file_that_grows_too_large(name: str, rows: int, tmp_path: Path) -> None:
    (tmp_path / name).write_text("before")
    frame = pl.DataFrame({"a": range(rows)}).with_columns(b=pl.col("a").hash())
    with largest_file(2000), pytest.raises(DataError) as caught:
        write(tmp_path / name, frame)
    assert str(caught.value).startswith(f"{tmp_path / name} cannot be written: File too large. Raise the file size limit")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["before"]


@pytest.mark.parametrize("rows", [1, 100_000])
def test_a_full_disk(rows: int, tmp_path: Path) -> None:
    (tmp_path / "t.csv").symlink_to("/dev/full")
    with pytest.raises(DataError, match=r"t.csv cannot be written: No space left on device. Free some space"):
        write(tmp_path / "t.csv", pl.DataFrame({"a": range(rows)}))


def test_what_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    for path, message in (
        (tmp_path, "cannot be written: Is a directory. Give a file in it"),
        (tmp_path / "file" / "t.csv", "cannot be written: Not a directory. Part of its path is a file"),
        (tmp_path / ("t" * 300), "cannot be written: File name too long"),
    ):
        with pytest.raises(DataError, match=message):
            write(path, *FRAMES)

    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DataError, match=r"t.csv cannot be written: Permission denied. Check its permissions, or"):
        write(tmp_path / "t.csv", *FRAMES)


def test_a_pipe_is_written_at_once(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", BytesIO()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.write(pipe.read_bytes()))
    reader.start()
    write(pipe, FRAMES[0])
    reader.join()
    assert got.getvalue() == b"a,b c\n1,0.5\n2,\n"
    assert pipe.is_fifo()


@pytest.mark.parametrize("path", [None, "-"])
def test_standard_output(path: str | None, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    print("before")
    write(path, FRAMES[0])
    print("after")
    assert capsysbinary.readouterr().out == b"before\na,b c\n1,0.5\n2,\nafter\n"


COMMAND = """
import click, polars
from jitgrad.cli.main import commands, main
from jitgrad.io import write as write_module
from jitgrad.io.write import TableWriter

@commands.command()
@click.argument("rows", type=int)
def count(rows):
    with TableWriter("-") as writer:
        for start in range(0, rows, 100):
            writer.add(polars.DataFrame({"a": range(start, start + 100)}))

main()
"""


@pytest.mark.parametrize("rows", [100, 1_000_000])
def test_a_reader_who_goes_away_is_no_traceback(rows: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, "count", str(rows)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        if rows > 100:
            assert process.stdout.readline() == b"a\n"
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 1)


@pytest.mark.parametrize("rows", [100, 1_000_000])
def test_standard_output_on_a_full_disk(rows: int) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "count", str(rows)], stdout=full, stderr=subprocess.PIPE, check=False
        )
    message = (
        b"jitgrad: standard output cannot be written: No space left on device. Free some space, or give a file elsewhere.\n"
    )
    assert (done.stderr, done.returncode) == (message, 2)


def test_a_terminal_gets_nothing_that_it_would_act_on() -> None:
    master, slave = os.openpty()
    with TableWriter(os.ttyname(slave)) as writer:
        writer.add(pl.DataFrame({"a\x1b[31m": ["\x07", "é"]}))
    assert os.read(master, 1000).decode().splitlines() == ["a\\x1b[31m", "\\x07", "é"]
    os.close(slave)
    os.close(master)
