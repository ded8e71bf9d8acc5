"""The command line as a user meets it: results, exit codes, errors."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.cli.running import jitgrad, process


def result_of(*arguments: Any, run: Any = jitgrad) -> dict[str, Any]:
    done = run("fit", *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_iris(data: Path) -> None:
    result = result_of(data / "iris.csv", "--target", "species", run=process)
    assert result["task"] == "classification"
    assert result["classes"] == ["setosa", "versicolor", "virginica"]
    assert result["scores"]["train"]["rows"] == result["scores"]["cross-validation"]["rows"] == 150
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


def test_a_column_that_says_nothing_new_has_no_coefficient(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,twice,one,y\n" + "".join(f"{i},{2 * i},1,{5 * i + 3}\n" for i in range(20)))
    result = result_of(file, "--target", "y", "--features", "a,twice,one", "--test-split", 0)
    a, twice, one = (result["coefficients"][name]["y"] for name in ("a", "twice", "one"))
    assert a + 2 * twice == pytest.approx(5, rel=1e-6)
    assert one == 0
    assert result["intercept"]["y"] == pytest.approx(3, rel=1e-5)


def test_a_network(data: Path) -> None:
    result = result_of(data / "iris.csv", "--target", "species", "--hidden", "64,32", "--epochs", 60, "--seed", 3)
    assert result["scores"]["train"]["accuracy"] > 0.95
    assert "coefficients" not in result
    assert result["model"] == {"kind": "mlp", "family": "multinomial", "link": "logit", "hidden": [64, 32]}
    assert result["batch_size"] == 32 and set(result["scores"]) == {"train", "test"}


def test_the_same_seed_gives_the_same_result(data: Path) -> None:
    network = data / "iris.csv", "--target", "species", "--hidden", "8", "--epochs", 20
    first, second = result_of(*network), result_of(*network, run=process)
    assert first | {"seconds": 0} == second | {"seconds": 0}


def test_the_printed_result(data: Path) -> None:
    done = jitgrad("fit", data / "diabetes.csv", "--target", "progression", "--features", "bmi,bp")
    assert (done.returncode, done.stderr) == (0, "")
    for text in (
        "Linear regression of progression, 442 rows",
        "bmi",
        "intercept",
        "RMSE",
        "train",
    ):
        assert text in done.stdout


def test_rows_that_are_dropped_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,kind,y\n" + "".join(f"{i},{'uv'[i % 2]},{2 * i}\n" for i in range(20)) + "NA,u,3\n4,,5\n")
    done = jitgrad("fit", file, "--target", "y")
    assert "2 of 22 rows were dropped because of missing values" in done.stdout
    assert "kind=v" in done.stdout
    done = jitgrad("fit", file, "--target", "y", "--missing", "error")
    assert done.returncode == 2
    assert "column 'a', row 21" in done.stderr


GOOD = "a,b,y\n1,2,3\n2,3,4\n3,5,9\n"
BAD: list[tuple[str | None, list[str], str]] = [
    (None, [], "There is no file"),
    ("", [], "is empty"),
    ("a,b,y\n", [], "no rows"),
    (GOOD, ["--target", "yy"], "Did you mean 'y'?"),
    (GOOD, ["--features", "a,c"], "Column 'c' does not exist"),
    (GOOD.replace("3,5", "3"), [], "2 fields in line 4, but 3 in the header"),
    (GOOD.replace("3,5", "3,5,7"), [], "4 fields in line 4, but 3 in the header"),
    (GOOD.replace("3,5", "3,five"), ["--features", "a,b"], "except for 'five'"),
    ("a,b,y\n1,,3\n2,,4\n", ["--features", "a,b"], "Column 'b' has no values"),
    ("a,y\n1,k\n2,k\n", [], "only one class, 'k'"),
    ("a,y\n1,2\ninf,3\n", [], "infinite number"),
    (GOOD, ["--epochs", "0"], "epochs is 0"),
    (GOOD, ["--lr", "-1"], "lr is -1"),
    (GOOD, ["--hidden", "4,x"], "'4,x' is not a list"),
    (GOOD, ["--hidden", "0"], "a width of hidden is 0"),
    (GOOD, ["--optimizer", "adm"], "Did you mean 'adam'?"),
    (GOOD, ["--test-split", "1"], "--test-split is 1"),
    (GOOD, ["--nonsense"], "No such option"),
    (GOOD, ["--seed", "9" * 30], "seed is 999"),
    (GOOD, ["--epochs", "1" + "0" * 14], "epochs is 1000"),
    (GOOD, ["--hidden", "99999999999"], "a width of hidden is 999"),
    (GOOD, ["--epochs", "many"], "not a valid integer"),
    (GOOD.replace("a,b", "a,a"), [], "more than one column 'a'"),
    (GOOD.replace("1,2,3", "1,2,x"), [], "except for 'x'"),
    ('a,y\n1,"2\n3,4\n', [], "jitgrad: "),  # polars before 2 takes the open quote for a text
    (GOOD.replace("9", "1e200"), [], "outside the floating-point range"),
    ("id,y\n" + "".join(f"n{i},{i}\n" for i in range(20)), ["--features", "id"], "20 categories in 20 rows"),
    ("id,y\n" + "".join(f"n{i},{i}\n" for i in range(20)), [], "'id' has a different text in nearly every row"),
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


def test_tables_of_all_kinds(data: Path, tmp_path: Path) -> None:
    text = (data / "iris.csv").read_text()
    (tmp_path / "points.txt").write_text(text.replace(",", ";"))
    (tmp_path / "commas.txt").write_text(text.replace(",", ";").replace(".", ","))
    (tmp_path / "compressed").write_bytes(gzip.compress(text.encode()))
    pl.read_csv(data / "iris.csv").write_parquet(tmp_path / "iris.parquet")
    expected = result_of(data / "iris.csv", "--target", "species") | {"seconds": 0}
    for file in tmp_path.iterdir():
        assert result_of(file, "--target", "species") | {"seconds": 0} == expected
    command = [sys.executable, "-m", "jitgrad.cli.main", "fit", "-", "--target", "species", "--json"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) | {"seconds": 0} == expected


def test_names_and_texts_from_the_file_are_printed_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("speed [m/s],[/],y [kg]\n" + "".join(f"{i},{'[/x]' if i % 2 else 'b'},{3 * i}\n" for i in range(20)))
    done = jitgrad("fit", file, "--target", "y [kg]")
    assert (done.returncode, done.stderr) == (0, "")
    for text in ("speed [m/s]", "[/]=b", "regression of y [kg]"):
        assert text in done.stdout
    assert "[/x]" in jitgrad("fit", file, "--target", "[/]").stdout


def test_spaces_and_marks_around_cells(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    rows = "".join(f"{i},  {i * i} , u\r\n" for i in range(20)) + "3, NA, v\r\n"
    file.write_bytes(("\ufeffy, x , kind\r\n" + rows).encode())
    result = result_of(file, "--target", "y", "--features", "x , kind", "--test-split", 0)
    assert result["features"] == ["x", "kind=u"]
    assert result["rows_dropped"] == 1


@pytest.mark.parametrize("rows", [["1,5"] * 12, ["1,2"], ["1,2", "2,3"]], ids=["constant target", "one row", "two rows"])
def test_scores_that_are_not_defined_are_null(rows: list[str], tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,y\n" + "\n".join(rows) + "\n")
    result = result_of(file, "--target", "y", "--features", "a", "--test-split", 0)
    assert (result["scores"]["train"]["r2"] is None) == (len({row.split(",")[1] for row in rows}) == 1)
    assert jitgrad("fit", file, "--target", "y", "--features", "a").returncode == 0


def test_a_feature_of_one_text_has_no_effect(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("kind,y\n" + "".join(f"same,{i}\n" for i in range(12)))
    assert result_of(file, "--target", "y", "--features", "kind")["coefficients"] == {"kind=same": {"y": 0.0}}


def test_letters_of_windows(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes("größe,y\n1,2\n2,3\n3,4.5\n4,5\n".encode("cp1252"))
    done = jitgrad("fit", file, "--target", "y", "--json")
    result = json.loads(done.stdout)
    assert result["features"] == ["größe"] and done.stderr == ""
    assert result["notes"][0].startswith(f"{file} was read as cp1252, because line 1 is not valid UTF-8")
    done = jitgrad("fit", file, "--target", "y", "--encoding", "utf-8")
    assert done.returncode == 2
    assert "UTF-8" in done.stderr
    assert "Traceback" not in done.stderr
    assert jitgrad("fit", tmp_path, "--target", "y").returncode == 2


def test_a_header_of_any_length(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a" * 200_000 + ",y\n1,2\n2,3\n3,5\n")
    done = jitgrad("fit", file, "--target", "y", "--json")
    assert done.returncode == 0 and done.stderr == ""
    assert "a" * 200_000 in done.stdout


def test_a_fit_that_diverges_is_exit_1(data: Path) -> None:
    done = jitgrad("fit", data / "diabetes.csv", "--target", "progression", "--optimizer", "sgd", "--lr", "1e6")
    assert done.returncode == 1
    assert "smaller learning rate" in done.stderr
    assert done.stdout == ""


def test_help_and_version() -> None:
    assert "jitgrad fit data/iris.csv --target species" in jitgrad("fit", "--help").stdout
    assert "warmup" in jitgrad("--help").stdout
    assert jitgrad("--version").returncode == 0
    assert process("fit").returncode == 2
    assert jitgrad("ft").returncode == 2
