"""Fitting a table: which model, by which method, and how a fit goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad import optimizers, random
from jitgrad.errors import ArgumentError, DataError, FitError
from jitgrad.tabular import TableFit, TableModel, fit_table
from jitgrad.tabular.settings import LEARNING_RATES


def diabetes(data: Path) -> pl.DataFrame:
    return pl.read_csv(data / "diabetes.csv", infer_schema_length=None)


def fitted(frame: pl.DataFrame, target: str = "y", classify: bool = False, start: Any = None, **settings: Any) -> TableFit:
    return fit_table(frame, target, classify=classify, start=start, verbose=0, **settings)


A = [0.5, -1, 2, 0.3, 1.1, -0.7, 0.2, 1.9, -0.4, 0.8]
NUMBERS, COUNTS = [1.5, 2, 3, 1, 0.5, 2, 2, 4, 1, 3], [1, 0, 3, 1, 2, 0, 0, 4, 1, 2]
TEXTS, FLAGS = ["u", "v"] * 5, [True, False] * 5


@pytest.mark.parametrize(
    ("y", "settings", "classify", "kind", "classes"),
    [
        (NUMBERS, {}, False, "linear", []),
        (COUNTS, {}, False, "linear", []),
        (TEXTS, {}, False, "logistic", ["u", "v"]),
        (FLAGS, {}, False, "logistic", ["False", "True"]),
        (COUNTS, {}, True, "logistic", ["0", "1", "2", "3", "4"]),
        (TEXTS, {"model": "logistic"}, False, "logistic", ["u", "v"]),
        (COUNTS, {"model": "poisson"}, False, "poisson", []),
        (NUMBERS, {"hidden": (3,), "epochs": 2}, False, "mlp", []),
        (NUMBERS, {"model": "mlp", "epochs": 2}, False, "mlp", []),
        (TEXTS, {"model": "mlp", "hidden": (3,), "epochs": 2}, False, "mlp", ["u", "v"]),
        (COUNTS, {"hidden": (3,), "epochs": 2}, True, "mlp", ["0", "1", "2", "3", "4"]),
    ],
)
def test_the_model_is_found_out(y: list[Any], settings: Any, classify: bool, kind: str, classes: list[str]) -> None:
    model = fitted(pl.DataFrame({"a": A, "y": y}), classify=classify, **settings).model
    assert (model.kind, model.classes) == (kind, classes)
    assert model.settings.model == kind
    assert bool(model.settings.hidden) == (kind == "mlp")


@pytest.mark.parametrize(
    ("y", "settings", "classify", "error", "message"),
    [
        (
            TEXTS,
            {"model": "linear"},
            False,
            DataError,
            "'y' has text, but model 'linear' needs numbers. Choose model 'log",
        ),
        (FLAGS, {"model": "poisson"}, False, DataError, "'y' has Booleans, but model 'poisson' needs numbers"),
        (
            NUMBERS,
            {"model": "logistic"},
            False,
            DataError,
            "'y' has numbers, but model 'logistic' needs classes. Give classify to treat",
        ),
        (COUNTS, {"model": "linear"}, True, ArgumentError, "Model 'linear' does not support classes. Leave classify out"),
        (NUMBERS, {"model": "poisson"}, False, DataError, "'y' has 1.5 in row 1, but model 'poisson' needs counts"),
        (
            [0, 1, -2, *COUNTS[3:]],
            {"model": "poisson"},
            False,
            DataError,
            "'y' has -2 in row 3, but model 'poisson' needs counts",
        ),
        ([0] * 10, {"model": "poisson"}, False, DataError, "All counts in the training rows are 0"),
        (
            NUMBERS,
            {"model": "linear", "hidden": (3,)},
            False,
            ArgumentError,
            "Model 'linear' has no hidden layers. Leave hidden",
        ),
        (NUMBERS, {"model": "liner"}, False, ArgumentError, "no model 'liner'. Did you mean 'linear'"),
        (NUMBERS, {"optimizer": "adm"}, False, ArgumentError, "no optimizer 'adm'. Did you mean 'adam'"),
        (
            NUMBERS,
            {"early_stopping": 3},
            False,
            ArgumentError,
            "early_stopping needs validation rows. Also give validation_split",
        ),
        (NUMBERS, {"early_stopping": 0, "validation_split": 0.2}, False, ArgumentError, "early_stopping is 0"),
        (
            NUMBERS,
            {"validation_split": 0.01},
            False,
            ArgumentError,
            "validation_split is 0.01, which leaves no validation row among 8 rows",
        ),
        (NUMBERS, {"validation_split": 1.0}, False, ArgumentError, "validation_split is 1.0"),
    ],
)
def test_models_and_settings_that_do_not_go_together(
    y: list[Any], settings: Any, classify: bool, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fitted(pl.DataFrame({"a": A, "y": y}), classify=classify, **settings)


@pytest.mark.parametrize(
    "asked", [{"epochs": 5}, {"batch_size": 4}, {"lr": 0.01}, {"optimizer": "sgd"}, {"validation_split": 0.2}], ids=str
)
def test_gradient_descent_where_it_is_asked_for(asked: dict[str, Any]) -> None:
    fit = fitted(pl.DataFrame({"a": A, "y": NUMBERS}), **asked)
    assert fit.history is not None
    assert fit.model.inference is None
    assert fit.model.epochs == fit.model.settings.epochs == len(fit.history.loss)
    exact = fitted(pl.DataFrame({"a": A, "y": NUMBERS}))
    assert (exact.history, exact.model.epochs, exact.model.settings.epochs) == (None, 0, None)


def test_iris_is_fitted_by_gradient_descent(data: Path) -> None:
    """A species is told apart without error: all rows are fitted, and scored by folds, and a note says why."""
    fit = fit_table(pl.read_csv(data / "iris.csv"), "species")
    model = fit.model
    shown = [
        [23.0085, 31.4802, 11.7137],
        [1.72691, -0.525783, -2.57744],
        [-2.89752, -5.99718, -9.18063],
        [-4.68918, -0.2709, 5.00201],
        [-5.24793, -4.44628, 5.00851],
    ]
    assert model.coefficients is not None and model.intercept is not None and fit.history is not None
    np.testing.assert_allclose(np.vstack([model.intercept, model.coefficients]), shown, rtol=1e-3)
    assert {name: scores["rows"] for name, scores in model.scores.items()} == {"train": 150, "cross-validation": 150}
    assert [round(scores["accuracy"], 2) for scores in model.scores.values()] == [0.98, 0.98]
    assert (model.validation, fit.history.epochs, model.inference, fit.glm) == ("10-fold", 1000, None, None)
    assert model.notes == (
        "Perfect separation: setosa can be separated from the other classes by a linear combination of the features, so the "
        "maximum-likelihood estimates are infinite. "
        "These coefficients come from gradient descent and have no standard errors. "
        "Consider a penalty, such as ridge.",
    )


def test_too_many_coefficients_to_solve_for(draw: np.random.Generator) -> None:
    table = {f"x{k}": draw.normal(size=300) for k in range(150)} | {"y": [f"c{k % 60}" for k in range(300)]}
    fit = fitted(pl.DataFrame(table), epochs=None)
    assert fit.history is not None
    assert fit.model.notes[0].startswith("8909 coefficients with 300 rows are too many for an exact fit.")


@pytest.mark.parametrize("optimizer", optimizers.OPTIMIZERS)
def test_every_optimizer_comes_near_to_least_squares(optimizer: str, data: Path) -> None:
    exact, got = (fitted(diabetes(data), "progression", optimizer=name).model for name in (None, optimizer))
    assert got.settings.optimizer == optimizer
    assert got.settings.lr == LEARNING_RATES[optimizer][0]
    assert got.scores["train"]["rmse"] == pytest.approx(exact.scores["train"]["rmse"], rel=2e-3)


@pytest.mark.parametrize(("target", "model"), [("progression", None), ("count", "poisson"), ("high", None), ("third", None)])
def test_gradient_descent_goes_where_newtons_method_does(target: str, model: str | None, data: Path) -> None:
    y = pl.col("progression")
    third = pl.when(y < 100).then(pl.lit("a")).when(y < 180).then(pl.lit("b")).otherwise(pl.lit("c"))
    frame = diabetes(data).with_columns(count=(y / 50).floor(), high=y > 140, third=third)
    frame = frame.select("age", "sex", "bmi", "bp", target)
    exact, got = (
        fitted(frame, target, model=model, **by).model
        for by in ({}, {"optimizer": "sgd", "lr": 0.5, "epochs": 3000, "test_split": 0.0})
    )
    x = frame.select("age", "sex", "bmi", "bp").to_numpy().astype(float)
    np.testing.assert_allclose(got.predicted(x), exact.predicted(x), rtol=1e-9)


def test_the_splits_are_class_by_class(data: Path) -> None:
    frame = pl.read_csv(data / "iris.csv").filter(pl.int_range(pl.len()) < 110)  # 50, 50 and 10
    scores = fitted(frame, "species", epochs=2, validation_split=0.25, test_split=0.2).model.scores
    counts = {name: np.sum(part["confusion"], 1).tolist() for name, part in scores.items()}
    assert counts == {"train": [30, 30, 6], "validation": [10, 10, 2], "test": [10, 10, 2]}


def test_early_stopping_keeps_the_best_weights(data: Path) -> None:
    settings = {"hidden": (32,), "validation_split": 0.25, "seed": 3}
    fit = fitted(diabetes(data), "progression", epochs=500, early_stopping=10, **settings)
    assert fit.history is not None
    looked_at = fit.history.metrics["val_loss"]
    best = int(np.argmin(looked_at))
    assert fit.model.epochs == len(looked_at) == best + 11 < 500
    assert fit.model.scores["validation"]["rmse"] == pytest.approx(np.sqrt(looked_at[best]) * fit.model.scale.spread, rel=1e-5)
    shorter = fitted(diabetes(data), "progression", epochs=best + 1, **settings)
    assert shorter.model.scores == fit.model.scores


@pytest.mark.parametrize("settings", [{"hidden": (8,)}, {}, {"batch_size": 40}], ids=str)
def test_a_fit_goes_on_from_a_file(settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
    """Twice 15 epochs are 30, to the bit, with an optimizer that remembers nothing."""
    frame, settings = diabetes(data), settings | {"optimizer": "sgd"}
    whole = fitted(frame, "progression", epochs=30, **settings).model
    first = fitted(frame, "progression", epochs=15, **settings).model
    first.save(tmp_path / "model")
    got = fitted(frame, "progression", start=TableModel.load(tmp_path / "model"), epochs=15, **settings)
    assert got.history is not None and got.history.first == 15
    assert (got.model.epochs, got.model.settings.epochs) == (30, 15)
    for mine, others in zip(got.model.layers, whole.layers, strict=True):
        np.testing.assert_array_equal(mine[0], others[0])
        np.testing.assert_array_equal(mine[1], others[1])
    assert got.model.scores == whole.scores


def test_a_fit_goes_on_with_other_rows(data: Path) -> None:
    """From the exact fit of some rows towards that of others, on the scale of the first."""
    frame = diabetes(data)
    some, others = frame.head(200), frame.tail(242)
    start = fitted(some, "progression", test_split=0).model
    got = fitted(others, "progression", start=start, test_split=0, optimizer="lbfgs").model
    exact = fitted(others, "progression", test_split=0).model
    assert fitted(others, "progression", start=start).history is not None  # never exactly
    assert got.scale is start.scale
    assert got.inference is None
    assert got.scores["train"]["rmse"] == pytest.approx(exact.scores["train"]["rmse"], rel=1e-6)


def test_going_on_with_another_model(data: Path) -> None:
    frame = diabetes(data)
    start = fit_table(frame, "progression", ["bmi", "bp"]).model
    for target, features in (("bmi", None), ("progression", ["bmi", "s5"]), ("progression", ["bmi"])):
        with pytest.raises(DataError, match="The model to continue from predicts 'progression' from bmi, bp"):
            fit_table(frame, target, features, start=start)
    with pytest.raises(DataError, match="needs the column 'bp'"):
        fit_table(frame.drop("bp"), "progression", start=start)
    with pytest.raises(ArgumentError, match="model is mlp, but linear in the model to continue from"):
        fitted(frame, "progression", start=start, model="mlp")
    with pytest.raises(ArgumentError, match=r"hidden is \(3,\), but \(\) in the model to continue from"):
        fitted(frame, "progression", start=start, hidden=(3,))
    counts = fitted(pl.DataFrame({"a": A, "y": COUNTS}), model="poisson").model
    with pytest.raises(DataError, match="'y' has -1 in row 1, but model 'poisson' needs counts"):
        fitted(pl.DataFrame({"a": A, "y": [-1, *COUNTS[1:]]}), start=counts)
    texts = fitted(pl.DataFrame({"a": [0.0, 1, 0, 1], "k": ["u", "v", "v", "u"], "y": NUMBERS[:4]})).model
    with pytest.raises(DataError, match="'k' has 'w' in row 2"):
        fitted(pl.DataFrame({"a": [0.0, 1], "k": ["u", "w"], "y": [1.0, 2]}), start=texts)


def test_a_network_that_diverges(data: Path) -> None:
    with pytest.raises(FitError, match="smaller learning rate"):
        fitted(diabetes(data), "progression", hidden=(8,), optimizer="sgd", lr=1e6)


@pytest.mark.parametrize("settings", [{"test_split": 0.2}, {"hidden": (8,), "epochs": 5}], ids=str)
def test_the_same_seed_gives_the_same_bits(settings: dict[str, Any], data: Path) -> None:
    frame = diabetes(data)
    first, second, other = (fitted(frame, "progression", seed=seed, **settings).model for seed in (4, 4, 5))
    assert first.scores == second.scores != other.scores
    np.testing.assert_array_equal(first.predict(frame), second.predict(frame))


def test_a_fit_draws_nothing_of_the_common_random_numbers(data: Path) -> None:
    before = random.get_state()["generator"]
    fitted(diabetes(data), "progression", hidden=(4,), epochs=1)
    assert random.get_state()["generator"] == before


def test_the_seed_decides_the_order_of_rows(data: Path) -> None:
    settings = {"epochs": 1, "batch_size": 50, "test_split": 0.0}
    first, other = (fitted(diabetes(data), "progression", seed=seed, **settings).model for seed in (4, 5))
    assert first.scores != other.scores
