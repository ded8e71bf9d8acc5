"""The reference programs print their expected figures and agree with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.mark.parametrize("script", sorted(p.name for p in SCRIPTS.glob("p*.py")))
def test_script(script: str) -> None:
    done = subprocess.run([sys.executable, SCRIPTS / script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all figures agree" in done.stdout
    assert done.stderr == ""
