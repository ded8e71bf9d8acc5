"""What happens on platforms where jitgrad is not tested."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from jitgrad import platforms


@pytest.mark.parametrize("name", ["win32", "cygwin", "emscripten"])
def test_the_import_says_where_it_runs(name: str) -> None:
    code = f"import sys; sys.platform = {name!r}; import jitgrad"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "it needs Linux or macOS. On Windows, use the Windows Subsystem for Linux (WSL)." in done.stderr


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [("linux", "x86_64", True), ("linux", "aarch64", False), ("darwin", "arm64", False), ("darwin", "x86_64", False)],
)
def test_tested_platforms(monkeypatch: pytest.MonkeyPatch, system: str, machine: str, expected: bool) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    platforms.check()
    assert platforms.is_tested() is expected
