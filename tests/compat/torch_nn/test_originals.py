"""What PyTorch answers, recorded in figures.json, and what jitgrad's face of it does."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.torch as torch
from tests.compat.torch_nn import cases

FIGURES: dict[str, dict[str, Any]] = json.loads(cases.FIGURES.read_text())


def of(part: str) -> Any:
    return pytest.mark.parametrize(("text", "wanted"), FIGURES[part].items(), ids=FIGURES[part].keys())


# PyTorch has these optimizers' running numbers in float32, whatever the parameters are.
ROUNDED = ("NAdam", "ASGD")


@of("steps")
def test_five_steps_of_every_optimizer(text: str, wanted: Any) -> None:
    tolerance = 1e-7 if text.startswith(ROUNDED) else 1e-12
    np.testing.assert_allclose(cases.five_steps(torch, text), wanted, rtol=tolerance, atol=tolerance)


@of("closures")
def test_steps_with_a_closure(text: str, wanted: Any) -> None:
    np.testing.assert_allclose(cases.closure_steps(torch, text), wanted, rtol=1e-12, atol=1e-12)


@of("rates")
def test_twenty_rates_of_every_scheduler(text: str, wanted: Any) -> None:
    np.testing.assert_allclose(cases.twenty_rates(torch, text), wanted, rtol=1e-13, atol=1e-16)


@of("printed")
def test_what_is_printed(text: str, wanted: str) -> None:
    assert cases.printed(torch, text) == wanted


@of("defaults")
def test_arguments_and_defaults(text: str, wanted: dict[str, Any]) -> None:
    module, _, name = text.rpartition(".")
    assert cases.defaults(torch, module, name) == wanted


@of("functions")
def test_arguments_of_activations(text: str, wanted: dict[str, Any]) -> None:
    assert cases.defaults(torch, "nn", text) == wanted


@of("options")
def test_options_of_groups(text: str, wanted: dict[str, Any]) -> None:
    assert cases.group_options(torch, text) == wanted


@of("spread")
def test_first_values(text: str, wanted: list[float]) -> None:
    least, most, mean, deviation = cases.spread(torch, cases.RANGES[text])
    size = wanted[1] - wanted[0]
    slack = 0.15 if "normal" in text or text in ("embedding", "orthogonal", "sparse") else 0.01  # extremes of a tail vary
    assert [least, most] == pytest.approx(wanted[:2], abs=slack * size + 1e-12)
    assert mean == pytest.approx(wanted[2], abs=0.01 * size + 1e-12)
    assert deviation == pytest.approx(wanted[3], rel=0.02, abs=1e-12)


def test_the_figures_are_pytorchs() -> None:
    original = pytest.importorskip("torch", reason="the figures are recomputed where PyTorch is installed")
    again = cases.answers(original)
    for part in ("printed", "defaults", "functions", "options"):
        assert again[part] == FIGURES[part]
    for part in ("steps", "closures", "rates", "spread"):
        for text, figures in again[part].items():
            np.testing.assert_allclose(figures, FIGURES[part][text], rtol=1e-9, atol=1e-12, err_msg=text)
