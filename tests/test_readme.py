"""The code of README.md runs in order in one namespace, and prints what the page says."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.printed import alike

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```\n(.*?)^```\n)?", re.M | re.S)


def test_the_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    blocks = BLOCK.findall(README)
    assert len(blocks) >= 4
    for code, said in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "README.md", "exec"), namespace)
        assert not said or alike(printed.getvalue(), said), printed.getvalue()
    assert (tmp_path / "fit.png").stat().st_size > 10_000


def test_the_code_passes_the_type_checker(tmp_path: Path) -> None:
    """As a user's program, with none of this project's settings."""
    program = tmp_path / "program.py"
    program.write_text("\n".join(code for code, _ in BLOCK.findall(README)))
    options = ["--strict", "--follow-imports=silent", "--config-file=", f"--cache-dir={ROOT / '.mypy_cache' / 'users'}"]
    done = subprocess.run([sys.executable, "-m", "mypy", *options, program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_links_and_pictures_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_it_fits_on_a_screen_and_a_half_and_keeps_its_commands() -> None:
    lines = README.splitlines()
    assert len(lines) <= 140
    assert "pip install . && jitgrad fit data/iris.csv --target species" in lines
    assert "pip install '.[test]' && pytest" in lines  # .ci/run reads it
