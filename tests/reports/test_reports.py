"""Reports are complete pages without other files, describe the fit, and are the same for the same fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad.errors import DataError
from jitgrad.reports import curve_report, table_report
from jitgrad.tabular import fit_curve, fit_table
from tests.cli.running import jitgrad
from tests.pages import read

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

DRAW = np.random.default_rng(4)
N = 80
A, B = DRAW.normal(size=(2, N))
TABLE = pl.DataFrame(
    {
        "a": A,
        "<b> & $b_1$": B,
        "group": np.array(["x", "y", "<z>"])[np.arange(N) % 3],
        "day": pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 3, 20), eager=True),
        "gaps": pl.Series([None, None, *B[2:]]),
        "y": 2 + A - B + 0.3 * DRAW.normal(size=N),
        "count": DRAW.poisson(np.exp(0.5 * A)),
        "side": np.where(A + DRAW.normal(size=N) > 0, "left", "right"),
        "time": np.linspace(1, 20, N),
        "told": np.arange(N) % 3 + 0.1 * A,
    }
)
NUMBERS = ["Measured and predicted", "Residuals", "Normal quantiles", "Spread", "Leverage", "Estimates"]
CLASSES = ["Confusion", "Receiver operating characteristic", "Calibration"]
FITS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "linear": ({"target": "y", "features": ["a", "<b> & $b_1$", "group", "day", "gaps"]}, NUMBERS),
    "counts": ({"target": "count", "features": ["a"], "model": "poisson"}, ["The fit", *NUMBERS[:-1], "Counts", "Estimates"]),
    "offset": (
        {"target": "count", "features": ["a"], "model": "poisson", "offset": "log(time)"},
        [*NUMBERS[:-1], "Counts", "Estimates"],
    ),
    "formula": ({"formula": "y ~ a * C(group)", "level": 0.9, "cov_type": "HC1"}, NUMBERS),
    "two classes": ({"target": "side", "features": ["a", "<b> & $b_1$"]}, [*CLASSES, "Estimates"]),
    "three classes": ({"target": "group", "features": ["a"]}, CLASSES),
    "told apart": ({"target": "group", "features": ["told"]}, [*CLASSES, "Losses"]),
    "network": (
        {"target": "y", "features": ["a", "group"], "hidden": (4,), "epochs": 3},
        ["Measured and predicted", "Losses"],
    ),
    "network of classes": (
        {"target": "group", "features": ["a"], "hidden": (4,), "epochs": 3, "seed": 5},
        [*CLASSES, "Losses"],
    ),
    "lasso": (
        {"target": "y", "features": ["a", "<b> & $b_1$", "time"], "penalty": "lasso", "cv": 3},
        ["Measured and predicted", "Cross-validation", "Path"],
    ),
}


@pytest.mark.parametrize("name", FITS)
def test_a_table(name: str, tmp_path: Path) -> None:
    given, titles = FITS[name]
    result = fit_table(TABLE, **given, verbose=0)
    result.report(tmp_path / "fit.html")
    text = (tmp_path / "fit.html").read_text()
    page = read(text)
    assert [title.removesuffix(".") for title in page.within["strong"]] == titles
    assert page.tags.count("figure") == len(titles) and page.tags.count("h1") == 1
    assert len(text) < 400_000
    assert page.within["title"] == page.within["h1"] == [result.summary().title]
    assert {column.name for column in result.model.columns} <= set(page.within["th"])
    (code,) = page.within["pre"]
    names: dict[str, Any] = {"frame": TABLE}
    exec(code, names)
    assert names["fit"].model.scores == result.model.scores


def test_a_page_is_the_same_each_time(tmp_path: Path) -> None:
    result = fit_table(TABLE, **FITS["network"][0], verbose=0)
    result.report(tmp_path / "fit.html")
    table_report(result, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "fit.html").read_bytes()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the pictures, which take long."""
    monkeypatch.setattr("jitgrad.reports.table.pictures", lambda panels, rows: "")


@pytest.mark.usefixtures("bare")
def test_what_was_done_to_the_columns(tmp_path: Path) -> None:
    fit_table(TABLE, "y", ["a", "group", "day", "gaps"]).report(tmp_path / "fit.html")
    page = read((tmp_path / "fit.html").read_text())
    assert "78 rows were used, and 2 were dropped because a value was missing." in page.texts
    cells = page.within["td"]
    for cell in ("<z> 26, x 26, y 26", "2 indicators, reference <z>", "days since the first date", "2024-01-03 … 2024-03-20"):
        assert cell in cells, cells


def test_a_curve(tmp_path: Path) -> None:
    made = fit_curve(TABLE, "y", "p + q * a")
    made.report(tmp_path / "fit.html")
    page = read((tmp_path / "fit.html").read_text())
    assert [title.removesuffix(".") for title in page.within["strong"]] == [
        "The fit",
        "Residuals",
        "Normal quantiles",
        "Spread",
    ]
    assert "80 rows were used." in page.texts
    (code,) = page.within["pre"]
    names: dict[str, Any] = {"frame": TABLE}
    exec(code, names)
    np.testing.assert_allclose(names["result"].values, made.result.values)
    curve_report(made, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "fit.html").read_bytes()


def test_many_rows_make_no_large_page(tmp_path: Path) -> None:
    x = DRAW.normal(size=(3_000, 2))
    table = {"a": x[:, 0], "b": x[:, 1], "n": DRAW.poisson(np.exp(0.3 * x[:, 0]))}
    fit_table(table, "n", model="poisson").report(tmp_path / "fit.html")
    text = (tmp_path / "fit.html").read_text()
    assert len(text) < 1_000_000
    assert any("show 1,500 of 3,000" in said for said in read(text).texts)


def test_the_command(tmp_path: Path) -> None:
    TABLE.write_csv(tmp_path / "t.csv")
    options = ["--features", "a,<b> & $b_1$", "--report", "fit.html"]
    done = jitgrad("fit", "t.csv", "--target", "y", *options, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    page = read((tmp_path / "fit.html").read_text())
    assert page.within["pre"][0] == "jitgrad fit t.csv --target y --features 'a,<b> & $b_1$' --report fit.html"
    done = jitgrad("fit", "t.csv", "--target", "y", "--model", "p + q * a", "--report", "curve.html", cwd=tmp_path)
    assert done.returncode == 0
    assert read((tmp_path / "curve.html").read_text()).within["h1"] == ["y = p + q * a, 80 rows"]
    done = jitgrad("fit", "t.csv", "--target", "y", "--features", "a", "--report", "t.csv", cwd=tmp_path)
    assert done.returncode == 2 and "t.csv is given twice" in done.stderr


@pytest.mark.usefixtures("bare")
def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        fit_table(TABLE, "y", ["a"]).report(tmp_path / "taken")
