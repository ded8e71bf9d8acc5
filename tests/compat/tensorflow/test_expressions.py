"""What expressions give is what TensorFlow gives; recorded, and computed again where TensorFlow is installed."""

from __future__ import annotations

import json
from typing import Any

import pytest

import jitgrad.compat.tensorflow as tf
from tests.compat.tensorflow.expressions import RECORDED, described, names, outcome

WANTED: dict[str, str] = json.loads(RECORDED.read_text())


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    return names(tf)


@pytest.mark.parametrize("expression", WANTED)
def test_gives_what_tensorflow_gives(expression: str, known: dict[str, Any]) -> None:
    wanted = WANTED[expression]
    if not wanted.startswith("raises "):
        assert outcome(expression, known) == wanted
        return
    with pytest.raises(Exception) as caught:  # noqa: PT011
        described(eval(expression, dict(known)))
    assert wanted.removeprefix("raises ") in {kind.__name__ for kind in caught.type.__mro__}


def test_the_record_is_tensorflows() -> None:
    original = pytest.importorskip("tensorflow", reason="TensorFlow is not installed: the record is not computed again")
    there = names(original)
    assert {e: outcome(e, there) for e in WANTED} == WANTED
