"""Pictures of fitted tables: their panels, and the contents of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad import pictures
from jitgrad.errors import ArgumentError, DataError
from jitgrad.tabular import TableFit, fit_table

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

DRAW = np.random.default_rng(3)
A, B = DRAW.normal(size=(2, 60))
TABLE = pl.DataFrame(
    {
        "a": A,
        "b": B,
        "y": 2 + A - B + 0.3 * DRAW.normal(size=60),
        "count": DRAW.poisson(np.exp(0.5 * A)),
        "same": np.full(60, 5.0),
        "side": np.where(A + DRAW.normal(size=60) > 0, "left", "right"),
    }
)
NETWORK = {"hidden": (4,), "epochs": 8, "validation_split": 0.25}


def fitted(target: str = "y", features: tuple[str, ...] = ("a", "b"), **settings: Any) -> TableFit:
    return fit_table(TABLE, target, features, **settings, verbose=0)


def marks(axis: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    return [line.get_data() for line in axis.lines if line.get_linestyle() == "None" and len(line.get_xdata())]


def legend(axis: Any) -> list[str]:
    return [text.get_text() for text in axis.get_legend().get_texts()]


@pytest.mark.parametrize(
    ("settings", "groups"),
    [
        ({"test_split": 0.2}, ["train", "test"]),
        ({}, ["train"]),
        (NETWORK, ["train", "validation", "test"]),
        ({"model": "mlp", "hidden": (4,), "epochs": 2}, ["train", "test"]),
    ],
)
def test_a_regression(settings: dict[str, Any], groups: list[str], tmp_path: Path) -> None:
    result = fitted(**settings)
    figure = pictures.table_fit(result, tmp_path / "p.png")
    upper, lower = figure.axes[:2]
    predicted, y = result.model.predicted(result.design.x), result.design.y
    for axis, values in ((upper, y), (lower, y - predicted)):
        for (x, shown), name in zip(marks(axis), groups, strict=True):
            np.testing.assert_array_equal((x, shown), (predicted[result.rows[name]], values[result.rows[name]]))
        assert len({line.get_color() for line in axis.lines if line.get_linestyle() == "None"}) == len(groups)
    assert legend(upper) == [f"{name}, R² {result.model.scores[name]['r2']:.3f}" for name in groups]
    ends = [predicted.min(), predicted.max()]
    assert [list(line.get_xdata()) for line in upper.lines if list(line.get_xdata()) == list(line.get_ydata()) == ends]
    assert (upper.get_ylabel(), lower.get_ylabel(), lower.get_xlabel()) == ("measured y", "residual", "predicted y")
    assert upper.get_xlim() == lower.get_xlim()
    assert (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(("target", "settings"), [("y", {}), ("count", {"model": "poisson"}), ("y", NETWORK)])
def test_one_feature_has_its_curve(target: str, settings: dict[str, Any]) -> None:
    result = fitted(target, ("a",), **settings)
    axis = pictures.table_fit(result).axes[0]
    points, curve = axis.lines[0].get_data()
    np.testing.assert_array_equal(points, np.linspace(A.min(), A.max(), 300))
    np.testing.assert_array_equal(curve, result.model.predicted(points[:, None]))
    assert sum(len(x) for x, _ in marks(axis)) == 60
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("a", target)


@pytest.mark.parametrize(("split", "name"), [(0.5, "test"), (0, "train")])
def test_classes_have_a_confusion_matrix(split: float, name: str) -> None:
    result = fitted("side", test_split=split)
    axis, *others = pictures.table_fit(result).axes
    scores = result.model.scores[name]
    assert [other.get_xlabel() for other in others[:1]] == ["false positive rate"]
    assert [text.get_text() for text in axis.texts] == [str(n) for row in scores["confusion"] for n in row]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["left", "right"]


@pytest.mark.parametrize(
    ("target", "settings", "panels", "names"),
    [
        ("y", {}, 7, []),
        ("y", {"epochs": 8}, 3, [""]),
        ("side", NETWORK, 5, ["training", "validation"]),
        ("side", NETWORK | {"early_stopping": 2}, 5, ["training", "validation"]),
    ],
)
def test_gradient_descent_has_its_losses(target: str, settings: dict[str, Any], panels: int, names: list[str]) -> None:
    result = fitted(target, **settings)
    axes = pictures.table_fit(result).axes
    assert len(axes) == panels
    if names:
        assert result.history is not None
        np.testing.assert_array_equal(axes[-1].lines[0].get_data(), (np.arange(result.history.epochs) + 1, result.history.loss))
        assert len(axes[-1].lines) == len(names)
        assert names == [""] or legend(axes[-1]) == names
        assert (axes[-1].get_ylabel(), axes[-1].get_xlabel()) == ("loss", "epoch")


def test_a_loss_that_falls_far_is_on_a_logarithmic_axis() -> None:
    for epochs, scale in ((3, "linear"), (1000, "log")):
        assert pictures.table_fit(fitted(epochs=epochs)).axes[-1].get_yscale() == scale


def test_a_constant_target() -> None:
    curve, upper, lower = pictures.table_fit(fitted("same", ("a",))).axes[:3]
    assert curve.get_ylim() == upper.get_ylim() == pytest.approx((4.5, 5.5))
    assert lower.get_ylim() == pytest.approx((-0.5, 0.5))
    assert legend(upper) == ["train"]  # R² is not defined


def test_predictions_without_bound_are_left_out() -> None:
    far = pl.DataFrame({"a": [*A, 1e6], "count": [*TABLE["count"], 1]})
    result = fit_table(far, "count", ["a"], model="poisson", test_split=0.5, seed=3, verbose=0)
    assert 60 in result.rows["test"] and np.isinf(result.model.predicted(result.design.x)[60])
    _, upper, lower = pictures.table_fit(result).axes[:3]
    assert [sum(len(x) for x, _ in marks(axis)) for axis in (upper, lower)] == [60, 60]


def titles(figure: Any) -> list[str]:
    return [part.get_suptitle() for part in figure.subfigs]


@pytest.mark.parametrize(
    ("target", "settings", "expected"),
    [
        ("y", {}, ["Measured and predicted", "Residuals", "Normal quantiles", "Spread", "Leverage", "Estimates"]),
        ("count", {"model": "poisson"}, ["Residuals", "Leverage", "Counts", "Estimates"]),
        ("side", {}, ["Confusion", "Receiver operating characteristic", "Calibration", "Estimates"]),
        ("y", NETWORK, ["Measured and predicted", "Losses"]),
    ],
)
def test_which_pictures_there_are(target: str, settings: dict[str, Any], expected: list[str]) -> None:
    shown = titles(pictures.table_fit(fitted(target, **settings)))
    assert [title for title in shown if title in expected] == expected


def test_residuals_are_those_of_the_rows() -> None:
    result = fitted()
    residuals, quantiles = pictures.table_fit(result).axes[2:4]
    left = result.design.y - result.model.predicted(result.design.x)
    (_, shown), (_, ordered) = marks(residuals)[0], marks(quantiles)[0]
    assert np.corrcoef(shown, left)[0, 1] > 0.999  # but for the leverages
    np.testing.assert_array_equal(ordered, np.sort(shown))


def test_a_row_that_alone_determines_a_coefficient() -> None:
    table = TABLE.with_columns(only=pl.Series(["one", *["other"] * 59]))
    result = fit_table(table, "y", ["only"])
    assert pictures.table_fit(result).axes


def test_very_many_classes_have_no_numbers() -> None:
    figure = pictures.confusion(np.eye(70, dtype=int), [f"class {k}" for k in range(70)])
    (axis,) = figure.axes
    assert not axis.texts
    assert [text.get_text() for text in axis.get_xticklabels()] == [f"class {k}" for k in range(0, 70, 3)]
    assert figure.get_size_inches()[0] < 20
    assert len(pictures.confusion(np.eye(30)).axes[0].texts) == 900


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: pictures.table_fit(fitted().model),
            ArgumentError,
            "expected a TableFit, got TableModel. Pass the result of jitgrad.fit_table",
        ),
        (lambda: pictures.table_fit(fitted(), "p"), ArgumentError, "p does not have the extension of an image format"),
        (lambda: pictures.table_fit(fitted(), __file__ + "/p.png"), DataError, "p.png cannot be written: Not a directory"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
