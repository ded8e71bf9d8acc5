"""Messy tables, from the file to the prediction: what is said, and that a stream is predicted as the whole."""

from __future__ import annotations

import io
import json
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest

from jitgrad.cli import predict
from jitgrad.io import batches
from tests.cli.running import jitgrad

ROWS = 30
Y = [f"{(7 * k) % 5 + k / 8}" for k in range(ROWS)]
FILES: list[tuple[str, dict[str, list[str]], list[str], list[str], list[str]]] = [
    (
        "a saved index, amounts and an identifier",
        {
            "": [str(k) for k in range(ROWS)],
            "PassengerId": [str(900 + k) for k in range(ROWS)],
            "fare": [f'"${1000 + 37 * (k % 11):,}.50"' for k in range(ROWS)],
            "sex": ["male", "female", "female"] * 10,
        },
        [],
        ["fare", "sex=male"],
        ["'PassengerId' has a different integer", "'c1' only numbers the rows", "currency sign $ and thousands separators"],
    ),
    (
        "codes, dates and percentages",
        {
            "code": ["007", "008", "112"] * 10,
            "kind": ["01", "02", "x"] * 10,
            "when": [f"{1 + k % 28:02}.{1 + k % 12:02}.2024" for k in range(ROWS)],
            "part": [f"{k % 13}.5 %" for k in range(ROWS)],
        },
        [],
        ["code", "kind=02", "kind=x", "when", "part"],
        ["'kind' mixes numbers with text such as 'x'", "days since 2024-01-01", "percent signs"],
    ),
    (
        "parts of dates, and rare texts",
        {
            "when": [f"2024-{['01-01', '02-05', '03-04'][k % 3]}T{k % 2 + 10}:00:00Z" for k in range(ROWS)],  # Mondays
            "city": ["Rome"] * 8 + ["Bonn"] * 8 + [f"town {k}" for k in range(14)],
        },
        ["--dates", "parts", "--texts", "group"],
        ["when:month=Feb", "when:month=Mar", "when:hour=11", "city=Rome", "city=other"],
        ["encoded as month and hour", "14 rare categories of column 'city' (14 rows) were merged into 'other'"],
    ),
    (
        "texts for missing values, and a constant",
        {
            "age": ["40", "-999", "50"] * 10,
            "size": ["unknown", "2", "3", "4", "7"] * 6,
            "unit": ["mg"] * ROWS,
        },
        ["--na", "unknown,-999"],
        ["age", "size"],
        ["Column 'unit' has the same value in every row, so it was left out.", "14 of 30 rows were dropped"],
    ),
    (
        "texts that are hashed, and a column that is excluded",
        {"city": [f"town {k % 16}" for k in range(ROWS)], "on": ["true", "False"] * 15, "more": Y},
        ["--texts", "hash", "--exclude", "more"],
        ["city#0", "city#1", "city#2", "city#3", "on"],
        ["The categories of column 'city' were hashed into 4 features."],
    ),
]


def text(columns: dict[str, list[str]]) -> str:
    return "\n".join(map(",".join, [list(columns), *zip(*columns.values(), strict=True)])) + "\n"


@pytest.mark.parametrize(("columns", "options", "features", "notes"), [c[1:] for c in FILES], ids=[c[0] for c in FILES])
def test_messy_tables(
    columns: dict[str, list[str]], options: list[str], features: list[str], notes: list[str], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(text(columns | {"y": Y}))
    done = jitgrad("fit", "t.csv", "--target", "y", *options, "--json", "--save", "m.jitgrad", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["features"] == features
    for note in notes:
        assert note in done.stderr + "\n".join(result["notes"])
    reading = options[options.index("--na") :][:2] if "--na" in options else []
    first = pl.read_csv(io.StringIO(predicted(tmp_path, "t.csv", reading)))
    mixed = dict(reversed(columns.items())) | {"another": ["1"] * ROWS}
    (tmp_path / "mixed.csv").write_text(text({name or "row": values for name, values in mixed.items()}))
    assert pl.read_csv(io.StringIO(predicted(tmp_path, "mixed.csv", reading))).equals(first)
    with patch.object(predict, "BATCH_ROWS", 4), patch.object(batches, "_PIECE", 4):
        assert pl.read_csv(io.StringIO(predicted(tmp_path, "t.csv", reading))).equals(first)
    assert jitgrad("evaluate", "m.jitgrad", "t.csv", *reading, cwd=tmp_path).returncode == 0


def predicted(directory: Path, name: str, options: list[str]) -> str:
    done = jitgrad("predict", "m.jitgrad", name, "--only", *options, cwd=directory)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("model", [["--target", "y"], ["--formula", "y ~ kind + x"]], ids=["columns", "formula"])
def test_texts_that_a_model_does_not_know(model: list[str], tmp_path: Path) -> None:
    pytest.importorskip("formulaic", reason="it reads formulas")
    table = {"kind": ["u", "v", "w"] * 10, "x": [str(k % 7) for k in range(ROWS)], "y": Y}
    (tmp_path / "t.csv").write_text(text(table))
    (tmp_path / "new.csv").write_text("x,kind,y\n" + "3,u,1\n" * 4 + "3,q,1\n" * 4 + "3,p,1\n")
    assert jitgrad("fit", "t.csv", *model, "--save", "m.jitgrad", cwd=tmp_path).returncode == 0
    with patch.object(predict, "BATCH_ROWS", 3), patch.object(batches, "_PIECE", 3):
        done = jitgrad("predict", "m.jitgrad", "new.csv", "--only", cwd=tmp_path)
    assert len(set(done.stdout.split())) == 2
    assert done.stderr == (
        "note: 5 rows have categories of 'kind' that the model has not seen ('q', 'p'). "
        "They were treated as the reference, 'u'. "
        "Set unseen to 'missing' to leave these rows unpredicted.\n"
    )
    done = jitgrad("predict", "m.jitgrad", "new.csv", "--only", "--unseen", "missing", cwd=tmp_path)
    assert done.stdout.split()[5:] == ["NA"] * 5 and "treated as missing" in done.stderr
    done = jitgrad("predict", "m.jitgrad", "new.csv", "--only", "--unseen", "error", cwd=tmp_path)
    assert done.returncode == 2 and "'kind' has 'q' in row 5, which was not seen in training" in done.stderr
    done = jitgrad("evaluate", "m.jitgrad", "new.csv", "--unseen", "missing", cwd=tmp_path)
    assert done.returncode == 0 and "5 rows have categories of 'kind'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "y ~ x"], "--model is 'y ~ x', a formula of terms. Pass it as --formula"),
        (["--formula", "a * exp(-b * x)"], "has no ~. .* is a curve: pass it as --model."),
        (["--target", "y", "--encoding", "utf-99"], "--encoding is 'utf-99', which is not a known encoding"),
        (["--target", "y", "--exclude", "xx"], "Column 'xx' does not exist. Did you mean 'x'?"),
        (
            ["--target", "y", "--model", "a * z + b"],
            "'z' cannot be read as numbers: the meaning of point and comma is ambiguous",
        ),
    ],
)
def test_what_is_in_the_wrong_place(arguments: list[str], message: str, tmp_path: Path) -> None:
    import re

    (tmp_path / "t.csv").write_text(text({"x": [str(k % 7) for k in range(ROWS)], "z": ['"3,5"'] * ROWS, "y": Y}))
    done = jitgrad("fit", "t.csv", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert re.search(message, done.stderr), done.stderr
