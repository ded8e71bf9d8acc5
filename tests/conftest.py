"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def data() -> Path:
    """The folder of CSV files."""
    return ROOT / "data"


@pytest.fixture
def draw() -> np.random.Generator:
    """Random numbers, the same every time."""
    return np.random.default_rng(0)
