"""The command line as a user meets it: results, exit codes, errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def jitgrad(*arguments: Any, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jitgrad.cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def result_of(*arguments: Any) -> dict[str, Any]:
    done = jitgrad("fit", *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_iris(data: Path) -> None:
    result = result_of(data / "iris.csv", "--target", "species")
    assert result["task"] == "classification"
    assert result["classes"] == ["setosa", "versicolor", "virginica"]
    assert result["scores"]["train"]["rows"] == 120
    assert result["scores"]["train"]["accuracy"] > 0.95
    assert set(result["coefficients"]) == {"sepal_length", "sepal_width", "petal_length", "petal_width"}


def test_a_linear_regression_has_the_least_squares_coefficients(data: Path) -> None:
    result = result_of(data / "diabetes.csv", "--target", "progression", "--test-split", 0)
    table = np.loadtxt(data / "diabetes.csv", delimiter=",", skiprows=1)
    design = np.column_stack([np.ones(len(table)), table[:, :-1]])
    expected, *_ = np.linalg.lstsq(design, table[:, -1])
    got = [result["intercept"]["progression"], *(v["progression"] for v in result["coefficients"].values())]
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    spread = np.sum((table[:, -1] - table[:, -1].mean()) ** 2)
    r2 = 1 - np.sum((table[:, -1] - design @ expected) ** 2) / spread
    assert result["scores"]["train"]["r2"] == pytest.approx(r2, abs=1e-12)
    assert "test" not in result["scores"]


def test_columns_that_are_alike_share_their_effect(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,twice,one,y\n" + "".join(f"{i},{2 * i},1,{5 * i + 3}\n" for i in range(20)))
    result = result_of(file, "--target", "y", "--test-split", 0)
    a, twice, one = (result["coefficients"][name]["y"] for name in ("a", "twice", "one"))
    assert a + 2 * twice == pytest.approx(5, rel=1e-6)
    assert one == 0
    assert result["intercept"]["y"] == pytest.approx(3, rel=1e-5)


def test_a_network(data: Path) -> None:
    result = result_of(data / "iris.csv", "--target", "species", "--hidden", "64,32", "--epochs", 60, "--seed", 3)
    assert result["scores"]["train"]["accuracy"] > 0.95
    assert "coefficients" not in result
    assert result == result | {"model": {"hidden": [64, 32]}, "batch_size": 32}


def test_the_same_seed_gives_the_same_result(data: Path) -> None:
    first, second = (result_of(data / "iris.csv", "--target", "species", "--hidden", "8", "--epochs", 20) for _ in range(2))
    assert first | {"seconds": 0} == second | {"seconds": 0}


def test_the_printed_result(data: Path) -> None:
    done = jitgrad("fit", data / "diabetes.csv", "--target", "progression", "--features", "bmi,bp")
    assert (done.returncode, done.stderr) == (0, "")
    for text in ("Regression of progression, linear, 442 rows", "bmi", "intercept", "RMSE", "train", "test"):
        assert text in done.stdout


def test_rows_that_are_dropped_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,kind,y\n" + "".join(f"{i},{'uv'[i % 2]},{2 * i}\n" for i in range(20)) + "NA,u,3\n4,,5\n")
    done = jitgrad("fit", file, "--target", "y")
    assert "2 rows dropped" in done.stdout
    assert "kind=v" in done.stdout
    done = jitgrad("fit", file, "--target", "y", "--missing", "error")
    assert done.returncode == 2
    assert "column 'a' in row 21" in done.stderr


GOOD = "a,b,y\n1,2,3\n2,3,4\n3,5,9\n"
BAD: list[tuple[str | None, list[str], str]] = [
    (None, [], "There is no file"),
    ("", [], "is empty"),
    ("a,b,y\n", [], "no rows"),
    (GOOD, ["--target", "yy"], "Did you mean 'y'?"),
    (GOOD, ["--features", "a,c"], "no column 'c'"),
    (GOOD.replace("3,5", "3"), [], "2 fields in line 4 and 3 in its header"),
    (GOOD.replace("3,5", "3,5,7"), [], "4 fields in line 4 and 3 in its header"),
    (GOOD.replace("3,5", "3,five"), [], "'five' among them"),
    ("a,b,y\n1,,3\n2,,4\n", [], "Column 'b' has no value in any row"),
    ("a,y\n1,k\n2,k\n", [], "one class 'k'"),
    ("a,y\n1,2\ninf,3\n", [], "infinite number"),
    (GOOD, ["--epochs", "0"], "--epochs"),
    (GOOD, ["--lr", "-1"], "--lr"),
    (GOOD, ["--hidden", "4,x"], "'4,x' is not a list"),
    (GOOD, ["--hidden", "0"], "widths of at least 1"),
    (GOOD, ["--optimizer", "adm"], "Did you mean 'adam'?"),
    (GOOD, ["--test-split", "1"], "--test-split"),
    (GOOD, ["--nonsense"], "No such option"),
]


@pytest.mark.parametrize(("text", "options", "message"), BAD, ids=[case[2] for case in BAD])
def test_bad_input_is_exit_2_and_one_clear_error(text: str | None, options: list[str], message: str, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    if text is not None:
        file.write_text(text)
    target = [] if "--target" in options else ["--target", "y"]
    done = jitgrad("fit", file, *target, *options, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert [p.name for p in tmp_path.iterdir()] == (["t.csv"] if text is not None else [])


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(b"a,y\n\xff\xfe,1\n")
    done = jitgrad("fit", file, "--target", "y")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert jitgrad("fit", tmp_path, "--target", "y").returncode == 2


def test_a_fit_that_diverges_is_exit_1(data: Path) -> None:
    done = jitgrad("fit", data / "diabetes.csv", "--target", "progression", "--optimizer", "sgd", "--lr", "1e6")
    assert done.returncode == 1
    assert "smaller learning rate" in done.stderr
    assert done.stdout == ""


def test_help_and_version() -> None:
    assert "jitgrad fit data/iris.csv --target species" in jitgrad("fit", "--help").stdout
    assert "warmup" in jitgrad("--help").stdout
    assert jitgrad("--version").returncode == 0
    assert jitgrad("fit").returncode == 2
    assert jitgrad("ft").returncode == 2
