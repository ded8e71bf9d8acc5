"""A fitted model: its predictions and scores on other tables, and its file."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import jitgrad as jg
from jitgrad.errors import DataError
from jitgrad.saving import archive
from jitgrad.tabular import TableModel, fit_table

ROWS = 150


def table() -> pl.DataFrame:
    """Numbers, texts and booleans, and a target for each model."""
    draw = np.random.default_rng(5)
    a, b = draw.normal(size=(2, ROWS))
    kind, on = draw.choice(["u", "v", "w"], ROWS), draw.random(ROWS) < 0.5
    eta = a - 0.5 * b + (kind == "v") - on
    classes = np.array(["left", "mid", "right"])[np.digitize(eta + draw.logistic(size=ROWS), [-1, 1])]
    features = {"a": a, "b": b, "kind": kind, "on": on}
    targets = {
        "number": 3 + 2 * eta + draw.normal(size=ROWS),
        "count": draw.poisson(np.exp(0.3 * eta + 1)),
        "class": classes,
        "flag": eta + draw.logistic(size=ROWS) > 0,
        "level": draw.integers(3, 6, ROWS),
    }
    return pl.DataFrame(features | targets)


FEATURES = ["a", "b", "kind", "on"]
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "linear": ("number", {}),
    "linear by descent": ("number", {"epochs": 30, "optimizer": "sgd", "batch_size": 16}),
    "poisson": ("count", {"model": "poisson"}),
    "logistic of texts": ("class", {}),
    "logistic of booleans": ("flag", {}),
    "logistic of numbers": ("level", {}),
    "network of numbers": ("number", {"hidden": (8, 4), "epochs": 20}),
    "network of classes": ("class", {"hidden": (8,), "epochs": 20, "validation_split": 0.2, "early_stopping": 3}),
}


def model_of(name: str) -> TableModel:
    target, settings = MODELS[name]
    return fit_table(table(), target, FEATURES, classify=target == "level", verbose=0, **settings).model


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_saved_and_loaded_to_the_bit(name: str, tmp_path: Path) -> None:
    model, path = model_of(name), tmp_path / "model.jitgrad"
    model.save(path)
    same = TableModel.load(path)
    assert same.predict_frame(table()).equals(model.predict_frame(table()))
    assert same.evaluate(table()) == model.evaluate(table())
    for field in ("target", "columns", "settings", "epochs", "scores", "notes", "kind", "classes", "features"):
        assert getattr(same, field) == getattr(model, field), field
    np.testing.assert_equal(dataclasses.asdict(same), dataclasses.asdict(model))


@pytest.mark.parametrize("name", MODELS)
def test_predictions_where_values_are_missing(name: str) -> None:
    model, rows = model_of(name), table().head(6)
    place = pl.int_range(6)
    with_holes = rows.with_columns(
        pl.when(place != 0).then("a").alias("a"),
        pl.when(place != 2).then("kind").alias("kind"),
        pl.when(place != 5).then("b").otherwise(float("nan")).alias("b"),
        pl.lit("x").alias("unused"),
    ).select("unused", *reversed(FEATURES))
    got, whole = model.predict_frame(with_holes), model.predict_frame(rows)
    columns = ["prediction", *(f"probability_{name}" for name in model.classes)]
    assert got.columns == columns
    for column in columns:
        assert got[column].is_null().to_list() == [True, False, True, False, False, True]
        known, same = got[column].drop_nulls(), whole[column].gather([1, 3, 4])
        assert known.equals(same) if column == "prediction" and model.classes else np.allclose(known, same, rtol=1e-5)
    assert len(model.predict(rows.clear())) == 0


@pytest.mark.parametrize("name", MODELS)
def test_predictions_are_what_the_target_has(name: str) -> None:
    model, target = model_of(name), MODELS[name][0]
    got = model.predict_frame(table())
    wanted = pl.Float64 if not model.classes else table()[target].dtype
    assert got["prediction"].dtype == wanted
    np.testing.assert_array_equal(model.predict(table()), got["prediction"].to_numpy())
    if model.classes:
        probabilities = got.drop("prediction").to_numpy()
        np.testing.assert_allclose(probabilities.sum(1), 1)
        likely = [str(value) for value in got["prediction"]]
        assert likely == [model.classes[k] for k in probabilities.argmax(1)]


@pytest.mark.parametrize("name", MODELS)
def test_the_scores_of_a_fit_are_those_of_its_rows(name: str) -> None:
    model, target = model_of(name), MODELS[name][0]
    got, y = model.evaluate(table()), table()[target]
    assert got["rows"] == ROWS == sum(part["rows"] for key, part in model.scores.items() if key != "cross-validation")
    predicted = model.predict_frame(table())
    if not model.classes:
        errors = predicted["prediction"] - y
        assert got["rmse"] == pytest.approx((errors**2).mean() ** 0.5)
        assert got["mae"] == pytest.approx(errors.abs().mean())
        assert got["r2"] == pytest.approx(1 - (errors**2).mean() / y.var(ddof=0))
        return
    assert got["accuracy"] == pytest.approx((predicted["prediction"] == y).mean())
    own = [row[f"probability_{value}"] for row, value in zip(predicted.to_dicts(), y, strict=True)]
    assert got["log_loss"] == pytest.approx(-np.log(own).mean())
    if len(model.classes) == 2:
        score = predicted[f"probability_{model.target.values[1]}"].to_numpy()
        hits, alarms = score[(y == model.target.values[1]).to_numpy()], score[(y != model.target.values[1]).to_numpy()]
        above = np.sign(hits[:, None] - alarms[None, :])
        assert got["auc"] == pytest.approx((above.mean() + 1) / 2)
    assert ("auc" in got) == (len(model.classes) == 2)
    confusion = np.array(got["confusion"])
    labels = model.target.values
    assert confusion.tolist() == [
        [int(((y == own) & (predicted["prediction"] == as_)).sum()) for as_ in labels] for own in labels
    ]


def test_the_linear_predictor_is_made_of_the_coefficients() -> None:
    """In the units of the table: 1, the numbers, the texts but the first, the booleans."""
    data = table()
    x = np.column_stack([data["a"], data["b"], data["kind"] == "v", data["kind"] == "w", data["on"]]).astype(float)
    for name, mean in (("linear", lambda eta: eta), ("linear by descent", lambda eta: eta), ("poisson", np.exp)):
        model = model_of(name)
        assert model.features == ["a", "b", "kind=v", "kind=w", "on"]
        assert model.coefficients is not None and model.intercept is not None
        np.testing.assert_allclose(model.predict(data), mean(model.intercept + x @ model.coefficients)[:, 0])
    model = model_of("logistic of texts")
    assert model.coefficients is not None and model.intercept is not None and model.inference is not None
    assert not model.coefficients[:, 0].any() and model.intercept[0] == 0  # the reference
    np.testing.assert_allclose(model.coefficients[:, 1:], model.inference.estimate[1:])
    eta = model.intercept + x @ model.coefficients
    odds = np.exp(eta) / np.exp(eta).sum(1, keepdims=True)
    np.testing.assert_allclose(model.predict_frame(data).drop("prediction").to_numpy(), odds)
    assert model_of("network of numbers").coefficients is None


def test_rows_without_a_target_are_not_scored() -> None:
    model = model_of("linear")
    holes = table().with_columns(number=pl.when(pl.col("a") > 0).then("number"))
    assert model.evaluate(holes) == model.evaluate(table().filter(pl.col("a") > 0))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": "many"}, "Column 'a' has 'many' in row 1, which is not a number"),
        ({"a": float("inf")}, "Column 'a' has an infinite number in row 1"),
    ],
)
def test_rows_that_cannot_be_predicted(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        model_of("linear").predict(table().with_columns(**{name: pl.lit(value) for name, value in columns.items()}))


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(DataError, match=r"needs the column 'kind', which the table does not have\. Did you mean 'kinds'"):
        model_of("linear").predict(table().rename({"kind": "kinds"}))


def test_a_class_that_was_not_in_the_table() -> None:
    with pytest.raises(DataError, match=r"Column 'class' has 'top' in row 1, .* known categories are left, mid, right\."):
        model_of("logistic of texts").evaluate(table().with_columns(pl.lit("top").alias("class")))


def test_files_of_something_else(tmp_path: Path) -> None:
    model, path = model_of("linear"), tmp_path / "file"
    with pytest.raises(DataError, match="There is no file"):
        TableModel.load(path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="damaged or is not a jitgrad file"):
        TableModel.load(path)
    jg.Sequential([jg.layers.Dense(1)]).save(path)
    with pytest.raises(DataError, match="does not contain a model of kind"):
        TableModel.load(path)
    model.save(path)
    with pytest.raises(DataError, match="cannot be loaded"):
        jg.load_model(path)
    document = archive.read(path)
    archive.write(path, document | {"version": 3})
    with pytest.raises(DataError, match="has version 3, but this jitgrad supports versions up to 2"):
        TableModel.load(path)


def test_a_model_of_an_earlier_version_is_fitted_again(tmp_path: Path) -> None:
    path = tmp_path / "model.jitgrad"
    model_of("linear").save(path)
    document = archive.read(path)
    kept = {name: value for name, value in document["model"].items() if name != "predictors"} | {"columns": []}
    archive.write(path, document | {"version": 1, "model": kept})
    with pytest.raises(DataError, match=r"was written by an earlier version of jitgrad, .* Fit the model again"):
        TableModel.load(path)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut(part: float, tmp_path: Path) -> None:
    path = tmp_path / "model.jitgrad"
    model_of("linear").save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(DataError, match="damaged or is not a jitgrad file"):
        TableModel.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"layers": []},
        {"layers": [[np.zeros((2, 1)), np.zeros(1)]]},
        {"layers": [[np.zeros((5, 1), np.int64), np.zeros(1, np.int64)]]},
        {"predictors": {"columns": []}},
        {"scale": None},
        {"settings": {"model": "linear"}},
        {"scores": None},
        {"target": {"name": "y", "values": ["a", "b", "c"]}},
    ],
)
def test_a_file_whose_parts_do_not_fit(change: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "model.jitgrad"
    model_of("linear").save(path)
    document = archive.read(path)
    archive.write(path, document | {"model": document["model"] | change})
    with pytest.raises(DataError, match="cannot be loaded"):
        TableModel.load(path)
