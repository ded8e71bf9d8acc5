"""Tables as they are: fitted, predicted, scored and reported by the command without an edit, at 80 columns."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.cells import cell_len

from tests.cli.running import jitgrad
from tests.pages import read

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

DRAW = np.random.default_rng(11)
N = 60
A, B = DRAW.normal(size=(2, N))
DAYS = pl.date_range(pl.date(2023, 11, 5), pl.date(2024, 1, 3), eager=True)
LONG = "the name of a column that somebody wrote as a sentence, as spreadsheets have them"
HOLES = [None if hole else float(b) for hole, b in zip(DRAW.uniform(size=N) < 0.1, np.round(B, 3), strict=True)]

TABLES: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "messy": (
        {
            "id": [f"AB-{7 * k:05d}" for k in range(N)],
            "when": DAYS,
            "$_price": HOLES,
            LONG: np.round(A, 3),
            "city": np.array(["Zürich", "São Paulo", "a<b>&c", "東京"])[np.arange(N) % 4],
            "same": ["x"] * N,
            "y": np.round(A + DRAW.normal(size=N), 3),
        },
        "y",
        [],
    ),
    "counts": (
        {"": np.arange(1, N + 1), "a": A, "exposure": DRAW.uniform(1, 9, N), "claims": DRAW.poisson(2 * np.exp(0.3 * A))},
        "claims",
        ["--model", "poisson", "--offset", "log(exposure)"],
    ),
    "proportions": (
        {"dose": np.round(np.abs(A), 2), "tested": np.full(N, 9), "ill": DRAW.binomial(9, 1 / (1 + np.exp(-A)))},
        "ill",
        ["--model", "logistic", "--trials", "tested"],
    ),
    "frequencies": (
        {
            "class": np.array(["1st", "2nd", "3rd"])[np.arange(12) % 3],
            "sex": np.array(["female", "male"])[np.arange(12) // 3 % 2],
            "survived": np.array(["no", "yes"])[np.arange(12) // 6],
            "people": DRAW.integers(1, 50, 12),
        },
        "survived",
        ["--freq-weights", "people"],
    ),
    "classes": (
        {"a": A, "b": B, "kind": np.array([f"kind {k}" for k in range(10)])[np.clip(np.round(3 * A + 5), 0, 9).astype(int)]},
        "kind",
        ["--hidden", "4", "--epochs", "200", "--lr", "0.05"],
    ),
    "wide": (
        {f"sensor_{k}": x for k, x in enumerate(DRAW.normal(size=(90, N)))} | {"y": A},
        "y",
        ["--penalty", "elastic-net", "--cv", "3"],
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_as_it_is(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    columns, target, options = TABLES[name]
    pl.DataFrame(columns).write_csv(tmp_path / "t.csv")
    made = jitgrad("fit", "t.csv", "--target", target, *options, "--save", "t.jitgrad", "--report", "t.html", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    predicted = jitgrad("predict", "t.jitgrad", "t.csv", "-o", "p.csv", cwd=tmp_path)
    scored = jitgrad("evaluate", "t.jitgrad", "t.csv", cwd=tmp_path)
    assert (predicted.returncode, scored.returncode) == (0, 0), predicted.stderr + scored.stderr
    for line in (made.stdout + scored.stdout).splitlines():
        assert cell_len(line.rstrip()) <= 80, line
    prediction, table = pl.read_csv(tmp_path / "p.csv"), pl.read_csv(tmp_path / "t.csv")
    assert prediction.height == table.height
    assert prediction["prediction"].null_count() == (HOLES.count(None) if name == "messy" else 0)
    page = read((tmp_path / "t.html").read_text())
    assert page.tags.count("figure") >= 2


def test_what_is_said_of_a_messy_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    columns, target, _ = TABLES["messy"]
    pl.DataFrame(columns).write_csv(tmp_path / "t.csv")
    said = " ".join(jitgrad("fit", "t.csv", "--target", target, cwd=tmp_path).stdout.split())
    for part in (
        "'id' has a different text",
        "'when' has dates",
        "'same' has the same value",
        "rows were dropped",
    ):
        assert part in said, said
    assert re.search(r"the nam\w*…", said) and LONG not in said
