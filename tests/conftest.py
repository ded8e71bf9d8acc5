"""What all tests share."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from jitgrad.program import lowering
from jitgrad.program.expression import Expression
from jitgrad.program.verify import verify

Pass = Callable[[Expression], Expression]

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def _of_no_terminal() -> Iterator[None]:
    """Nothing is printed narrower because the tests are run in a terminal, whose width some shells export."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    """Compile everything first, so that no test sees the notice that it happens."""
    subprocess.run([sys.executable, "-m", "jitgrad.cli.main", "warmup"], check=True)


@pytest.fixture(scope="session", autouse=True)
def _verified() -> Iterator[None]:
    """In every test, what goes through lowering is well formed before the first pass and after each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lowering, "RECIPE", (checked, *(checked_after(apply) for apply in lowering.RECIPE)))
        yield


def checked(expression: Expression) -> Expression:
    """The expression, which must be one."""
    verify(expression)
    return expression


def checked_after(apply: Pass) -> Pass:
    """A pass whose result must be an Expression."""
    return functools.wraps(apply)(lambda expression: checked(apply(expression)))


@pytest.fixture
def unverified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lowering as users have it, for tests of its time."""
    passes = [apply.__wrapped__ for apply in lowering.RECIPE if hasattr(apply, "__wrapped__")]
    monkeypatch.setattr(lowering, "RECIPE", passes)


@pytest.fixture
def data() -> Path:
    """The folder of CSV files."""
    return ROOT / "data"


@pytest.fixture
def draw() -> np.random.Generator:
    """Random numbers, the same every time."""
    return np.random.default_rng(0)
