"""What a model was fitted to by name it gets by name; what has no value is refused with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import jitgrad
from jitgrad import layers
from jitgrad.errors import DataError

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(40, 3)).astype(np.float32)
Z = X @ np.array([1.0, -2.0, 3.0], np.float32)
NAMES = ["width", "height", "depth"]


def frame_of(library: str, names: list[str], x: np.ndarray = X) -> Any:
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    table = {name: x[:, NAMES.index(name) if name in NAMES else 0].tolist() for name in names}
    return module.table(table) if library == "pyarrow" else module.DataFrame(table)


def fitted(x: Any, y: Any = Z, **options: Any) -> Any:
    jitgrad.random.seed(0)
    model = jitgrad.Sequential([layers.Dense(1)])
    model.compile(jitgrad.optimizers.SGD(0.1), "mse")
    model.fit(x, y, epochs=3, seed=0, **options)
    return model


LIBRARIES = pytest.mark.parametrize("library", ["polars", "pandas", "pyarrow"])
MIXED = ["depth", "other", "width", "height"]


@LIBRARIES
def test_columns_are_taken_by_name(library: str, tmp_path: Path) -> None:
    model, mixed = fitted(frame_of(library, NAMES)), frame_of(library, MIXED)
    expected = model.predict(X)
    np.testing.assert_array_equal(model.predict(mixed), expected)
    np.testing.assert_array_equal(model.predict(mixed, batch_size=7), expected)
    np.testing.assert_array_equal(model(mixed).numpy(), model(X).numpy())
    assert model.evaluate(mixed, Z) == model.evaluate(X, Z)
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(jitgrad.load_model(tmp_path / "m").predict(mixed), expected)
    weights = model.get_weights()
    again = [model.fit(x, Z, epochs=2, seed=1).loss.tolist() for x in (mixed, X) if not model.set_weights(weights)]
    assert again[0] == again[1]
    model.set_weights(weights)
    losses = [model.train_on_batch(x, Z) for x in (mixed, X) if not model.set_weights(weights)]
    assert losses[0] == losses[1]


@LIBRARIES
@pytest.mark.parametrize("ask", ["predict", "call", "evaluate", "fit", "validation", "stream"])
def test_a_missing_column_is_named(library: str, ask: str) -> None:
    model, lacking = fitted(frame_of(library, NAMES)), frame_of(library, ["width", "hight", "depth"])
    asks: dict[str, Callable[[], Any]] = {
        "predict": lambda: model.predict(lacking),
        "call": lambda: model(lacking),
        "evaluate": lambda: model.evaluate(lacking, Z),
        "fit": lambda: model.fit(lacking, Z),
        "validation": lambda: model.fit(X, Z, validation_data=(lacking, Z)),
        "stream": lambda: model.fit([(lacking, Z)]),
    }
    with pytest.raises(DataError, match=r"x has no column 'height', which the model was fitted to\. Did you mean 'hight'\?"):
        asks[ask]()


@LIBRARIES
def test_validation_data_is_taken_by_name(library: str) -> None:
    plain, framed = fitted(X), fitted(frame_of(library, NAMES))
    expected = plain.fit(X, Z, validation_data=(X[:10], Z[:10]), seed=1)
    found = framed.fit(X, Z, validation_data=(frame_of(library, MIXED, X[:10]), Z[:10]), seed=1)
    np.testing.assert_array_equal(found.metrics["val_loss"], expected.metrics["val_loss"])


def test_a_model_that_was_fitted_to_arrays_goes_by_places() -> None:
    model = fitted(X)
    np.testing.assert_array_equal(model.predict(frame_of("polars", ["a", "height", "depth"])), model.predict(X))


def test_targets_of_several_columns_go_by_name() -> None:
    y = pl.DataFrame({"a": Z, "b": -Z})
    jitgrad.random.seed(0)
    model = jitgrad.Sequential([layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(X, y)
    assert model.evaluate(X, y.select("b", "a")) == model.evaluate(X, y)
    one = fitted(X, pl.DataFrame({"a": Z}))
    assert one.evaluate(X, pl.DataFrame({"z": Z})) == one.evaluate(X, Z)


class Two(jitgrad.Model):
    def __init__(self) -> None:
        super().__init__()
        self.out = layers.Dense(1)

    def call(self, x: Any) -> Any:
        left, right = x.values()
        return self.out(jitgrad.concatenate([left, right], axis=1))


def test_dicts_are_taken_by_their_keys() -> None:
    jitgrad.random.seed(0)
    model = Two()
    model.compile("sgd", "mse")
    x = {"left": X[:, :1], "right": X[:, 1:]}
    turned = {"right": X[:, 1:], "more": X, "left": X[:, :1]}
    model.fit(x, Z)
    np.testing.assert_array_equal(model.predict(turned), model.predict(x))
    assert model.evaluate(turned, Z) == model.evaluate(x, Z)
    with pytest.raises(DataError, match=r"x has no 'right', which the model was fitted to\. Did you mean 'rihgt'"):
        model.predict({"left": X[:, :1], "rihgt": X[:, 1:]})
    with pytest.raises(DataError, match="x is a ndarray, but the model was fitted to a dict with the keys left, right"):
        model.predict(X)


def test_batches_whose_dicts_are_in_another_order() -> None:
    figures = []
    for second in ({"left": X[20:, :1], "right": X[20:, 1:]}, {"right": X[20:, 1:], "left": X[20:, :1]}):
        jitgrad.random.seed(0)
        model = Two()
        model.compile("sgd", "mse")
        model.fit([({"left": X[:20, :1], "right": X[:20, 1:]}, Z[:20]), (second, Z[20:])], epochs=2)
        figures.append(model.get_weights()[0].tolist())
    assert figures[0] == figures[1]


def test_frames_in_dicts() -> None:
    jitgrad.random.seed(0)
    model = Two()
    model.compile("sgd", "mse")
    frame = pl.DataFrame({"a": X[:, 1], "b": X[:, 2]})
    model.fit({"left": X[:, :1], "right": frame}, Z)
    x = {"right": frame.select("b", "a"), "left": X[:, :1]}
    np.testing.assert_array_equal(model.predict(x), model.predict({"left": X[:, :1], "right": X[:, 1:]}))


# What has no value.


@pytest.mark.parametrize("where", ["x", "y", "sample_weight", "validation x", "predict", "jitgrad.fit"])
def test_masked_values_are_refused_with_their_row(where: str) -> None:
    masked_x, masked_z = np.ma.array(X), np.ma.array(Z)
    masked_x[7, 1] = masked_z[7] = np.ma.masked
    model = fitted(X)
    asks: dict[str, Callable[[], Any]] = {
        "x": lambda: model.fit(masked_x, Z),
        "y": lambda: model.fit(X, masked_z),
        "sample_weight": lambda: model.fit(X, Z, sample_weight=np.ma.abs(masked_z)),
        "validation x": lambda: model.fit(X, Z, validation_data=(masked_x, Z)),
        "predict": lambda: model.predict(masked_x),
        "jitgrad.fit": lambda: jitgrad.fit(
            lambda x: jitgrad.mean((x - w) ** 2), np.ma.masked_greater(X[:, 0], X[7, 0] - 1e-6), jitgrad.optimizers.SGD(0.1)
        ),
    }
    w = jitgrad.Variable(0.0)
    said = "Data array 0" if where == "jitgrad.fit" else "x" if where == "predict" else where
    with pytest.raises(DataError, match=rf"{said} has a masked value in row \d+\. Drop such rows"):
        asks[where]()


@pytest.mark.parametrize(
    "use",
    [
        jitgrad.tensor,
        jitgrad.Variable,
        lambda x: jitgrad.Variable(np.float32(1.0)) * x,
        lambda x: np.multiply(jitgrad.tensor(1.0), x),
        lambda x: jitgrad.losses.LOSSES["mse"](x, X),
        lambda x: layers.Dense(1)(x),
        lambda x: layers.Normalization().adapt(x),
        lambda x: jitgrad.function(jitgrad.sin)(x),
        lambda x: jitgrad.grad(jitgrad.sum)(x),
    ],
)
def test_masked_values_are_refused_where_there_are_no_rows_to_name(use: Callable[[Any], Any]) -> None:
    with pytest.raises(DataError, match="masked value"):
        use(np.ma.masked_greater(X, 1.0))


def test_masked_arrays_without_masked_values_are_arrays() -> None:
    np.testing.assert_array_equal(fitted(np.ma.array(X), np.ma.array(Z)).predict(np.ma.array(X)), fitted(X).predict(X))


@LIBRARIES
def test_a_missing_value_is_named_by_column_and_row(library: str) -> None:
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    make = module.table if library == "pyarrow" else module.DataFrame
    model = fitted(X)
    tables = [make({"a": [1.0, 2.0], "b": [1, None], "c": [1.0, 2.0]})]
    if library == "pandas":
        nullable = module.DataFrame({"a": [1.0, 2.0], "b": module.array([1, None], "Int64"), "c": [1.0, 2.0]})
        tables += [nullable, nullable.astype({"b": "Float64"}), nullable.astype({"b": "boolean"})]
    for table in tables:
        for ask in (model.predict, lambda x: model.fit(x, Z[:2])):
            with pytest.raises(DataError, match=r"Column 'b' of x has no value in row 1"):
                ask(table)


def test_nullable_columns_without_missing_values() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame({name: pandas.array(X[:, i].astype(np.float64), "Float64") for i, name in enumerate(NAMES)})
    np.testing.assert_array_equal(fitted(frame).predict(frame), fitted(X).predict(X))
