"""What all tests share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    """Compile everything first, so that no test sees the notice that it happens."""
    subprocess.run([sys.executable, "-m", "jitgrad.cli.main", "warmup"], check=True)


@pytest.fixture
def data() -> Path:
    """The folder of CSV files."""
    return ROOT / "data"


@pytest.fixture
def draw() -> np.random.Generator:
    """Random numbers, the same every time."""
    return np.random.default_rng(0)
