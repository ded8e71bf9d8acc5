"""Files whose digest is right and whose content is not: whoever writes the format can write anything."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
import polars as pl
import pytest

from jitgrad.errors import DataError, DataWarning
from jitgrad.saving import archive
from jitgrad.saving.typed import check_types
from jitgrad.tabular import CurveModel, Settings, TableModel, fit_curve, fit_table

TABLE = pl.DataFrame(
    {
        "a": [float(i) for i in range(30)],
        "k": ["u", "v", "w"] * 10,
        "b": [True, False] * 15,
        "y": [2.0 * i + i % 3 for i in range(30)],
        "n": [i % 4 for i in range(30)],
    }
)
MODELS: dict[str, Callable[[], Any]] = {
    "linear": lambda: fit_table(TABLE, "y").model,
    "logistic": lambda: fit_table(TABLE, "k", ["a", "y"]).model,
    "classes of numbers": lambda: fit_table(TABLE, "n", ["a", "k"], classify=True).model,
    "poisson": lambda: fit_table(TABLE, "n", ["a"], model="poisson").model,
    "network": lambda: fit_table(TABLE, "y", hidden=(3, 2), epochs=2, verbose=0).model,
    "network of classes": lambda: fit_table(TABLE, "k", hidden=(3,), epochs=2, verbose=0).model,
    "descent": lambda: fit_table(TABLE, "y", epochs=3, verbose=0).model,
    "curve": lambda: fit_curve(TABLE, "y", "p * a + q", fixed=["q"], p0={"q": 0.0}).model,
}


@pytest.fixture(scope="module", params=MODELS)
def document(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("m") / "m.jitgrad"
    MODELS[request.param]().save(path)
    return archive.read(path)


def load(path: Path, document: Any) -> Any:
    archive.write(path, document)
    return (CurveModel if document["kind"] == "curve" else TableModel).load(path)


def test_the_same_is_loaded(document: Any, tmp_path: Path) -> None:
    model = load(tmp_path / "m", document)
    assert model.predict_frame(TABLE).height == TABLE.height


OTHERS = [None, "x", -1, 0.5, True, [], {}, [[]], ["x"], [1, 2], {"x": 1}, np.zeros(2), np.zeros((2, 2), np.int64)]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested dicts and lists."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def changed(value: Any, place: tuple[Any, ...], other: Any) -> Any:
    if not place:
        return other
    copy = value.copy()
    copy[place[0]] = changed(value[place[0]], place[1:], other)
    return copy


def test_every_place_with_something_else_in_it(document: Any, tmp_path: Path) -> None:
    """It is refused when it is loaded, or it can be used: nothing fails later for its type."""
    refused = 0
    for number, place in enumerate(places(document["model"])):
        other = OTHERS[number % len(OTHERS)]
        tampered = document | {"model": changed(document["model"], place, other)}
        try:
            model = load(tmp_path / "m", tampered)
        except DataError as error:
            assert str(error).startswith(str(tmp_path / "m"))  # noqa: PT017  (some are fine)
            refused += 1
            continue
        with suppress(DataError), warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # of texts that are in the table, and now in the model no more
            model.predict_frame(TABLE)
            model.evaluate(TABLE)
        for name in ("coefficients", "intercept", "features", "formula"):
            getattr(model, name, None)
    assert refused > 20


@pytest.mark.parametrize(
    ("kind", "place", "other"),
    [
        ("linear", ("scores",), {}),
        ("linear", ("scores",), {"test": {}}),
        ("linear", ("inference", "distribution"), "x"),
        ("curve", ("scale",), -1),
    ],
)
def test_what_only_a_report_asks_for(kind: str, place: tuple[str, ...], other: Any, tmp_path: Path) -> None:
    MODELS[kind]().save(tmp_path / "m")
    document = archive.read(tmp_path / "m")
    with pytest.raises(DataError, match=place[-1]):
        load(tmp_path / "m", document | {"model": changed(document["model"], place, other)})


class Named(TypedDict):
    a: int


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (1, float),
        (1.5, float),
        (True, bool),
        (None, float | None),
        (2, int | None),
        ([1, 2], tuple[int, ...]),
        ([], tuple[int, ...]),
        (["x", 1], tuple[str, float]),
        ({"x": [1.0]}, dict[str, list[float]]),
        (np.zeros(2), np.ndarray),
        ({"a": 1}, Named),
        ("x", Any),
        ("x", Literal["w", "x"]),
    ],
)
def test_what_is_of_its_type(value: Any, hint: Any) -> None:
    check_types(value, hint, "it")


@pytest.mark.parametrize(
    ("value", "hint", "place"),
    [
        ("1", float, "it"),
        (True, float, "it"),
        (True, int, "it"),
        (1, bool, "it"),
        (1.0, int, "it"),
        (None, float, "it"),
        ("x", float | None, "it"),
        ([1, "x"], tuple[int, ...], "it[1]"),
        ("ab", tuple[str, ...], "it"),
        ([1], tuple[str, float], "it"),
        ({"x": ["y"]}, dict[str, list[float]], "it['x'][0]"),
        ({1: []}, dict[str, list[float]], "a key of it"),
        (np.zeros(2, np.int64), np.ndarray, "it"),
        ([0.0], np.ndarray, "it"),
        ({}, Named, "it"),
        ({"a": "x"}, Named, "it.a"),
        ("y", Literal["w", "x"], "it"),
        (["x"], Literal["w", "x"], "it"),
        (None, Settings, "it"),
        (Settings(epochs="x"), Settings, "it.epochs"),  # type: ignore[arg-type]
    ],
)
def test_what_is_not(value: Any, hint: Any, place: str) -> None:
    with pytest.raises(DataError) as caught:
        check_types(value, hint, "it")
    assert str(caught.value).startswith(f"{place} is ")
