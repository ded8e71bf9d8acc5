"""``jitgrad fit --by``: a fit for each group of a file's rows."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jitgrad.cli.fit_groups import _progress
from jitgrad.errors import printable
from tests.cli.running import jitgrad, process
from tests.groupfit.test_stream import MODEL, at_once, made

GIVEN = ["--by", "plate,well", "--target", "od", "--model", MODEL, "--start", "a=1,k=1,c=0.1"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made().write_csv(tmp_path / "t.csv")
    return tmp_path


def test_it_writes_a_table_and_says_what_came_of_it(place: Path) -> None:
    done = jitgrad("fit", "t.csv", *GIVEN, "-o", "fits.parquet", cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"od = {MODEL} by plate, well\n40 groups, 320 rows: 40 converged, 0 failed\n")
    assert [line.split()[0] for line in done.stdout.splitlines()[5:8]] == ["a", "k", "c"]
    assert pl.read_parquet(place / "fits.parquet").equals(at_once(made()))
    assert sorted(path.name for path in place.iterdir()) == ["fits.parquet", "t.csv"]


def test_failures_are_told_by_reason(place: Path) -> None:
    frame = made().with_columns(
        od=pl.when(pl.col("plate") == 1).then(None).when(pl.col("well") == "w03").then(1).otherwise("od")
    )
    frame.write_csv(place / "t.csv")
    done = jitgrad("fit", "t.csv", *GIVEN, "-o", "fits.csv", cwd=place)
    assert done.returncode == 0
    assert "40 groups, 224 rows: 25 converged, 15 failed" in done.stdout
    assert "too few rows      12  fewer rows than parameters" in done.stdout and "constant           3" in done.stdout
    assert "96 rows were dropped because a key or a value is missing" in done.stdout
    assert pl.read_csv(place / "fits.csv")["status"].value_counts()["count"].sort().to_list() == [3, 12, 25]


def test_the_object(place: Path) -> None:
    done = jitgrad("fit", "t.csv", *GIVEN, "-o", "fits.csv", "--json", "--fix", "c=0.5", "--bounds", "k=0:9", cwd=place)
    result = json.loads(done.stdout)
    fits = at_once(made(), p0={"a": 1, "k": 1, "c": 0.5}, fixed=["c"], bounds={"k": (0, 9)})
    median = pytest.approx(fits.filter(pl.col("status") == "converged")["k"].median())
    assert result["parameters"]["k"]["median"] == median and result["parameters"]["c"]["q1"] == 0.5
    assert result | {"parameters": None} == {
        "schema": 2, "kind": "groups", "target": "od", "formula": MODEL, "by": ["plate", "well"], "output": "fits.csv",
        "groups": 40, "converged": 40, "failures": {}, "rows": 320, "parameters": None, "notes": [], "resumed": 0,
        "success": True,
    }  # fmt: skip


def test_standard_output_has_the_table_alone(place: Path) -> None:
    done = jitgrad("fit", "t.csv", *GIVEN, "-o", "-", cwd=place)
    assert pl.read_csv(done.stdout.encode()).shape == (40, 13)
    assert [path.name for path in place.iterdir()] == ["t.csv"]


def test_a_picture(place: Path) -> None:
    assert jitgrad("fit", "t.csv", *GIVEN, "-o", "fits.csv", "--plot", "p.svg", "--quiet", cwd=place).stdout == ""
    assert "best: plate=" in (place / "p.svg").read_text()


def test_a_named_curve_takes_its_column(place: Path) -> None:
    done = jitgrad(
        "fit", "t.csv", "--by", "plate,well", "--target", "od", "--model", "exponential_decay", "--features", "t",
        "-o", "fits.csv", cwd=place,
    )  # fmt: skip
    assert "tau" in done.stdout and pl.read_csv(place / "fits.csv")["status"].to_list() == ["converged"] * 40


def test_no_group_that_converges_is_exit_1(place: Path) -> None:
    made().with_columns(od=1.0).write_csv(place / "t.csv")
    done = jitgrad("fit", "t.csv", *GIVEN, "-o", "fits.csv", cwd=place)
    assert done.returncode == 1 and "0 converged, 40 failed" in done.stdout
    assert (place / "fits.csv").exists()


WRONG: list[tuple[list[str], str]] = [
    (["-o", "t.csv"], "t.csv is given twice"),
    (["-o", "-", "--json"], "-o - and --json both write to standard output"),
    (["-o", "f.csv", "--hidden", "4"], "--hidden cannot be used with --by"),
    (["-o", "f.csv", "--save", "m"], "--save cannot be used with --by"),
    (["-o", "f.csv", "--features", "t"], "--features is for named curves"),
    (["-o", "f.csv", "--model", "linear"], "--by fits a curve to each group"),
    (["-o", "f.csv", "--model", "exponential_decay"], "takes one column. Name it with --features"),
    (["-o", "f.csv", "--by", "plate,od"], "'od' is both the response and a key. Remove it"),
    (["-o", "f.csv", "--by", "plat"], "no column 'plat'. Did you mean 'plate'?"),
    (["-o", "f.csv", "--target", "odd"], "no column 'odd'. Did you mean 'od'?"),
    (["-o", "f.csv", "--start", "kk=1"], "no parameter 'kk' for --start"),
    (["-o", "f.csv", "--optimizer", "adam"], "'adam' is not supported for many groups"),
    (["-o", "f.csv", "--absolute-sigma"], "--absolute-sigma requires --sigma"),
    (["-o", "f.csv", "--sigma", "s"], "no column 's'"),
    (["-o", "f.csv", "--plot", "p.bmp"], "p.bmp"),
    (["-o", "t.csv/f.csv"], "cannot be written"),
]


@pytest.mark.parametrize(("more", "message"), WRONG, ids=[message for _, message in WRONG])
def test_wrong_use_is_exit_2_and_one_error(more: list[str], message: str, place: Path) -> None:
    done = jitgrad("fit", "t.csv", *GIVEN, *more, cwd=place)
    assert (done.returncode, done.stdout) == (2, "") and message in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert [path.name for path in place.iterdir()] == ["t.csv"]


def test_an_output_needs_groups(place: Path) -> None:
    done = jitgrad("fit", "t.csv", "--target", "od", "-o", "f.csv", cwd=place)
    assert done.returncode == 2 and "--output requires --by. Add --by, or use --save" in done.stderr


def test_standard_input_is_read_once(place: Path) -> None:
    command = [sys.executable, "-m", "jitgrad.cli.main", "fit", "-", *GIVEN, "-o", "f.parquet"]
    text = made().write_csv()
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=place, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert pl.read_parquet(place / "f.parquet").equals(at_once(made()))
    assert not (place / "f.parquet.parts").exists()


INTERRUPTED = """
import os, signal, sys
from jitgrad.cli.main import main
from jitgrad.groupfit import parts, stream
stream.ROWS, parts.SECONDS, add = 50, 0.0, parts.Parts.add
def stopped(self, *given):
    add(self, *given)
    if self.groups > 20:
        os.kill(os.getpid(), signal.SIGINT)
parts.Parts.add = stopped
sys.argv[0] = "jitgrad"
main()
"""


def test_an_interrupted_command_goes_on(place: Path) -> None:
    command = [sys.executable, "-c", INTERRUPTED, "fit", "t.csv", *GIVEN, "-o", "f.csv"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=place, check=False)
    said = "groups are saved in f.csv.parts: run the same command to resume.\n"
    assert (done.returncode, done.stdout) == (1, "") and done.stderr.startswith("jitgrad: Interrupted. ")
    assert done.stderr.endswith(said) and not (place / "f.csv").exists()
    kept = int(done.stderr.split()[2])
    again = jitgrad("fit", "t.csv", *GIVEN, "-o", "f.csv", cwd=place)
    assert f"{kept} groups were fitted by an earlier, interrupted run" in again.stdout
    assert pl.read_csv(place / "f.csv")["k"].to_list() == at_once(made())["k"].to_list()


def test_a_full_disk_is_one_error_and_what_is_done_stays(place: Path) -> None:
    code = (
        "import resource, sys; sys.dont_write_bytecode = True; resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))\n"
        + INTERRUPTED.replace("> 20", "> 99")
    )
    command = [sys.executable, "-c", code, "fit", "t.csv", *GIVEN, "-o", "f.csv"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=place, check=False)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.count("\n") == 1
    assert done.stderr.startswith("jitgrad: f.csv cannot be written: File too large. Raise the file size limit")
    assert (
        "40 groups were fitted by an earlier, interrupted run"
        in jitgrad("fit", "t.csv", *GIVEN, "-o", "f.csv", cwd=place).stdout
    )


def test_names_do_not_act_on_the_terminal(place: Path) -> None:
    evil = "we\x1b[31mll"
    made().rename({"well": evil}).write_csv(place / "t.csv")
    done = jitgrad("fit", "t.csv", *[part.replace("well", evil) for part in GIVEN], "-o", "f.csv", cwd=place)
    assert done.returncode == 0 and done.stdout == printable(done.stdout) and "\\x1b[31m" in done.stdout


class Terminal(io.StringIO):
    """What a terminal is shown."""

    def isatty(self) -> bool:
        return True


def test_progress_is_shown_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    with redirect_stderr(Terminal()) as shown, _progress(True) as told:
        told(0.5, 123)
    assert "123 groups" in shown.getvalue() and "50%" in shown.getvalue()
    with redirect_stderr(Terminal()) as shown, _progress(False) as told:
        told(0.5, 123)
    assert shown.getvalue() == ""


def test_a_command_that_is_ended_goes_on(place: Path) -> None:
    code = INTERRUPTED.replace("SIGINT", "SIGTERM")
    command: list[Any] = [sys.executable, "-c", code, "fit", "t.csv", *GIVEN, "-o", "f.csv"]
    assert subprocess.run(command, cwd=place, check=False).returncode == -signal.SIGTERM
    assert sorted(os.listdir(place)) == ["f.csv.parts", "t.csv"]
    again = process("fit", "t.csv", *GIVEN, "-o", "f.csv", cwd=place)
    assert "groups were fitted by an earlier, interrupted run" in again.stdout and sorted(os.listdir(place)) == [
        "f.csv",
        "t.csv",
    ]
