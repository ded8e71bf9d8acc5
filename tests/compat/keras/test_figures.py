"""Figures of Keras: defaults, values, reductions, ranges, trajectories, as recorded, and as an installed Keras gives them."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jitgrad.compat import keras
from tests.compat.keras import figures

RECORDED: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "recorded.json").read_text())
VALUES = [(kind, key) for kind in ("losses", "metrics", "optimizers", "schedules", "layers") for key in RECORDED[kind]]
_OURS: dict[str, dict[str, Any]] = {}


def ours(kind: str) -> dict[str, Any]:
    """The figures that jitgrad gives, computed once."""
    if kind not in _OURS:
        _OURS[kind] = figures.FIGURES[kind](keras)
    return _OURS[kind]


def check_alike(found: Any, wanted: Any) -> None:
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=2e-5, atol=2e-6)


@pytest.mark.filterwarnings("ignore:You are passing weight")
@pytest.mark.parametrize(("kind", "key"), VALUES, ids=[f"{kind} {key}" for kind, key in VALUES])
def test_values_are_those_of_keras(kind: str, key: str) -> None:
    check_alike(ours(kind)[key], RECORDED[kind][key])


@pytest.mark.parametrize("key", RECORDED["initializers"])
def test_initializers_draw_from_the_same_ranges(key: str) -> None:
    _, options = figures.INITIALIZERS[int(key.split()[0])]
    for (mean, std, low, high), (their_mean, their_std, their_low, their_high) in zip(
        ours("initializers")[key], RECORDED["initializers"][key], strict=True
    ):
        assert mean == pytest.approx(their_mean, abs=0.05 * their_std)
        assert std == pytest.approx(their_std, rel=0.02)
        if "RandomNormal" not in key and options.get("distribution") != "untruncated_normal":
            assert (low, high) == pytest.approx((their_low, their_high), abs=0.15 * their_std)


_ABSENT = {"input_axes", "output_axes", "from_sorted_ids"}
"""Arguments that jitgrad has not."""


def names() -> list[str]:
    found = []
    for name in RECORDED["defaults"]:
        module, _, kind = name.rpartition(".")
        where = keras
        for part in module.split("."):
            where = getattr(where, part)
        if kind in where.__all__:
            found.append(name)
    return found


@pytest.mark.parametrize("name", names())
def test_defaults_are_those_of_keras(name: str) -> None:
    module, _, kind = name.rpartition(".")
    where: Any = keras
    for part in module.split("."):
        where = getattr(where, part)
    parameters = inspect.signature(getattr(where, kind).__init__).parameters
    takes_more = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for argument, default in RECORDED["defaults"][name].items():
        if argument in parameters:
            own = figures._told(parameters[argument].default)
            if argument == "name" and own is None and default is not None:
                own = getattr(where, kind)().name
            assert own == default, f"{argument}: {own!r} is {default!r} in Keras"
        else:
            assert takes_more or argument in _ABSENT, f"{argument} is not there"


def test_many_classes_are_there() -> None:
    assert len(names()) > 130


@pytest.mark.parametrize("kind", figures.FIGURES)
@pytest.mark.filterwarnings("ignore")
def test_recorded_figures_are_those_of_the_installed_keras(kind: str) -> None:
    original = pytest.importorskip("keras", reason="compares with Keras, where it is installed")
    found = json.loads(json.dumps(figures.FIGURES[kind](original)))
    assert found.keys() == RECORDED[kind].keys()
    if kind not in ("defaults", "initializers"):
        for key, wanted in RECORDED[kind].items():
            check_alike(found[key], wanted)
