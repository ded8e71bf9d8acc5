"""What expressions give, print and raise is what PyTorch gives; recorded, and computed again where PyTorch is installed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.torch as torch
from tests.compat.torch.expressions import RECORDED, names, outcome, record, text

WANTED: dict[str, dict[str, Any]] = json.loads(RECORDED.read_text())


def close(found: Any, wanted: Any) -> bool:
    """Whether numbers in nested lists differ by rounding alone, and all else is equal."""
    if isinstance(wanted, dict):
        return all(close(found.get(key, [0.0]), value) or not any(value) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list) and len(found) == len(wanted):
        if all(isinstance(x, (int, float)) for x in (*found, *wanted)):
            return bool(np.allclose(found, wanted, rtol=2e-5, atol=3e-6))
        return all(close(x, y) for x, y in zip(found, wanted, strict=True))
    if isinstance(wanted, str) and "." in wanted and isinstance(found, str):
        try:
            return bool(np.isclose(float(found), float(wanted), rtol=2e-5))
        except ValueError:
            return found == wanted
    return bool(found == wanted)


@pytest.mark.parametrize("expression", WANTED["expressions"])
def test_gives_what_pytorch_gives(expression: str) -> None:
    found, wanted = outcome(expression, torch), WANTED["expressions"][expression]
    assert close(found["value"], wanted["value"]), (found["value"], wanted["value"])
    assert close(found.get("gradients", {}), wanted.get("gradients", {})), (found, wanted)


@pytest.mark.parametrize("expression", WANTED["errors"])
def test_raises_what_pytorch_raises(expression: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        outcome(expression, torch)
    assert WANTED["errors"][expression] in {kind.__name__ for kind in caught.type.__mro__}, caught.value


@pytest.mark.parametrize("expression", WANTED["texts"])
def test_prints_what_pytorch_prints(expression: str) -> None:
    assert text(expression, torch) == WANTED["texts"][expression]


def test_the_record_is_pytorchs() -> None:
    original = pytest.importorskip("torch", reason="PyTorch is not installed: the record is not computed again")
    assert names(original)["a"].dtype is original.float32
    again = record(original)
    assert again["errors"] == WANTED["errors"]
    assert again["texts"] == WANTED["texts"]
    for expression, wanted in WANTED["expressions"].items():
        assert close(again["expressions"][expression], wanted), expression
