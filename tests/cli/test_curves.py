"""What the command does with curves beside fitting them: inverse predictions, outliers."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad import curve_fit
from tests.cli.running import jitgrad

X = np.linspace(0, 10, 21)
Y = 1 + 4 * (1 - np.exp(-0.4 * X)) + 0.05 * np.sin(7 * np.arange(21))
RISE = "c + a * (1 - exp(-b * t))"


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Runs a command in a directory of its own."""
    return lambda *arguments: jitgrad(*arguments, cwd=tmp_path)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    pl.DataFrame({"t": X, "y": Y}).write_csv(tmp_path / "t.csv")
    return tmp_path / "t.csv"


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ((), {}),
        (("--replicates", "3", "--interval", "0.9"), {"replicates": 3, "level": 0.9}),
        (("--replicates", "inf"), {"replicates": math.inf}),
    ],
)
def test_an_inverse_of_a_column(options: tuple[str, ...], given: dict[str, Any], run: Any, table: Path, tmp_path: Path) -> None:
    run("fit", table, "--target", "y", "--model", RISE, "--save", "m", "--quiet")
    (tmp_path / "new.csv").write_text("sample,y\na,2.5\nb,\nc,4\nd,9\n")
    done = run("predict", "m", "new.csv", "--inverse", *options)
    assert done.returncode == 0 and done.stderr == ""
    made = pl.read_csv(done.stdout.encode())
    assert made.columns == ["sample", "y", "t", "t_low", "t_high", "solutions"]
    expected = curve_fit(RISE, {"t": X}, Y).inverse([2.5, 4.0], **given)
    known = made.filter(pl.col("sample").is_in(["a", "c"]))
    for name, values in (("t", expected.x), ("t_low", expected.low), ("t_high", expected.high)):
        np.testing.assert_allclose(known[name], values, rtol=1e-9)
    assert made["solutions"].to_list() == [1, None, 1, 0] and made["t"].to_list()[3] is None


def test_outliers_are_named(run: Any, tmp_path: Path) -> None:
    wrong = Y.copy()
    wrong[12] = 9.0
    pl.DataFrame({"t": X, "y": wrong}).write_csv(tmp_path / "t.csv")
    done = run("fit", "t.csv", "--target", "y", "--model", RISE, "--outliers", "0.01")
    assert done.returncode == 0 and "1 of 21 rows was excluded as an outlier (ROUT, Q = 1%): (t = 6, y = 9)" in " ".join(
        done.stdout.split()
    )
    found = json.loads(run("fit", "t.csv", "--target", "y", "--model", RISE, "--outliers", "0.01", "--json").stdout)
    assert found["outliers"] == [13] and found["figures"]["rows"] == 20


ERRORS = [
    ("fit t.csv --target y --model linear --outliers 0.01", "--outliers cannot be used with model 'linear'"),
    ("fit t.csv --target y --model a*t --outliers 2", "--outliers is 2.0. Give a false discovery rate"),
    ("fit t.csv --target y --model a*t --by t -o f.csv --outliers 0.1", "--outliers cannot be used with --by"),
    ("predict line t.csv --replicates 2", "--replicates requires --inverse. Add --inverse"),
    ("predict line t.csv --inverse --replicates 0", "--replicates is 0.0. Give the number of measurements"),
    ("predict table t.csv --inverse", "--inverse requires a curve"),
    ("predict line u.csv --inverse", "needs the column 'y'"),
]


@pytest.mark.parametrize(("line", "said"), ERRORS)
def test_errors(line: str, said: str, run: Any, table: Path, tmp_path: Path) -> None:
    run("fit", table, "--target", "y", "--model", "a*t+b", "--save", "line", "--quiet")
    run("fit", table, "--target", "y", "--save", "table", "--quiet")
    (tmp_path / "u.csv").write_text("z\n1\n")
    done = run(*line.split())
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""


def test_two_models_are_compared_on_the_same_rows(run: Any, tmp_path: Path) -> None:
    z = np.where(np.arange(21) == 4, np.nan, X**2)
    pl.DataFrame({"t": X, "y": Y, "z": z}).fill_nan(None).write_csv(tmp_path / "t.csv")
    line = ("compare", "t.csv", "--target", "y", "--model", RISE + " + d * z", "--model", RISE)
    done = run(*line)
    assert done.returncode == 0 and "Two models fitted to 20 rows" in done.stdout and f"A: {RISE}\n" in done.stdout
    found = json.loads(run(*line, "--json").stdout)
    assert found["kind"] == "comparison" and found["nested"] is True and found["success"] is True
    assert [model["figures"]["rows"] for model in found["models"]] == [20, 20] and found["test"]["degrees_of_freedom"] == 1
    assert sum(found["probabilities"]) == pytest.approx(1)
    failed = run("compare", "t.csv", "--target", "y", "--model", RISE, "--model", "a * b * t")
    assert failed.returncode == 1 and "failed" in failed.stdout
    named = run("compare", "t.csv", "--target", "y", "--model", "line", "--model", "polynomial:2", "--features", "t")
    assert named.returncode == 0 and "Two models fitted to 21 rows" in named.stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--model a*t", "--model is given once. Give it twice"),
        ("--model a*t --model linear", "Model 'linear' is not a curve"),
        ("--model a*t --model a*t+b*t**2 --absolute-sigma", "--absolute-sigma requires --sigma"),
        ("--model a*t --model a*u", "contains none of the columns"),
    ],
)
def test_errors_of_compare(line: str, said: str, run: Any, table: Path) -> None:
    done = run("compare", table, "--target", "y", *line.split())
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""
