"""A typed program of a user: mypy checks it (see tests/test_style.py), and here it runs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

import jitgrad as jg
from tests import typed_program as program

ROOT = Path(__file__).parents[1]


def test_the_type_checker_reads_the_program() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert "tests/typed_program.py" in settings["files"] and settings["strict"]
    assert (ROOT / "src" / "jitgrad" / "py.typed").exists()


def test_the_program_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x = np.linspace(0.0, 1.0, 40)
    program.line_by_tape(x, 3 * x + 2)
    assert float(program.one_source()) == program.nested_tapes() == 12.0
    program.optimizer_loop(x)
    assert len(program.native_fit(x, 3 * x + 2)) == 10
    program.curve(x, 2 * np.exp(-3 * x) + 0.5 + 0.01 * np.sin(50 * x))
    program.groups()
    program.table()
    program.network(np.outer(x, np.ones(4)), x)
    program.transforms(x)
    program.random()
    program.methods(jg.tensor(np.ones(4), requires_grad=True), jg.Variable([1.0, 2.0]))
    program.static_graph()
    program.errors()
