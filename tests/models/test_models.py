"""A model's fit: validation, metrics, weights, callbacks, streams and frames, and what wrong use says."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import callbacks, layers, losses
from jitgrad.errors import ArgumentError, DataError, FitError, ShapeError

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(103, 3))
Y = (X[:, 0] + 0.5 * X[:, 1] > 0).astype(int)
Z = X @ np.array([1.0, -2.0, 0.5])


def network(seed: int = 0, **options: Any) -> jitgrad.Sequential:
    jitgrad.random.seed(seed)
    model = jitgrad.Sequential(
        [layers.Dense(8, "tanh", dtype="float64"), layers.Dense(2, "softmax", dtype="float64")], dtype="float64"
    )
    model.compile(jitgrad.optimizers.Adam(0.02), "sparse_categorical_crossentropy", **options)
    model(X[:1])
    return model


def line(seed: int = 0, **options: Any) -> jitgrad.Sequential:
    jitgrad.random.seed(seed)
    model = jitgrad.Sequential([layers.Dense(1, dtype="float64")], dtype="float64")
    model.compile(jitgrad.optimizers.SGD(0.05), "mse", **options)
    model(X[:1])
    return model


# What is looked at.


@pytest.mark.parametrize("batch_size", [16, None])
def test_validation_after_each_epoch_is_evaluate(batch_size: int | None) -> None:
    class Evaluate(callbacks.Callback):
        def __init__(self) -> None:
            self.found: list[Any] = []

        def on_epoch_end(self, epoch: int, logs: Any) -> None:
            self.found.append(self.model.evaluate(X[80:], Y[80:], batch_size=7))

    watch = Evaluate()
    history = network(metrics=["accuracy"]).fit(
        X[:80], Y[:80], batch_size, epochs=5, callbacks=watch, validation_data=(X[80:], Y[80:]), seed=1
    )
    found = np.array(watch.found)
    np.testing.assert_allclose(history.metrics["val_loss"], found[:, 0], rtol=1e-12)
    np.testing.assert_allclose(history.metrics["val_accuracy"], found[:, 1], rtol=1e-12)
    without = network().fit(X[:80], Y[:80], batch_size, epochs=5, seed=1)
    np.testing.assert_array_equal(history.loss, without.loss)
    split = network(metrics=["accuracy"]).fit(X, Y, batch_size, epochs=5, validation_split=23 / 103, seed=1)
    np.testing.assert_array_equal(split.metrics["val_loss"], history.metrics["val_loss"])


def test_metrics_of_training_are_those_before_each_step() -> None:
    history = network(metrics=["accuracy"]).fit(X, Y, batch_size=None, epochs=2)
    model = network(metrics=["accuracy"])
    loss, accuracy = model.evaluate(X, Y)
    assert history.loss[0] == pytest.approx(loss, rel=1e-12)
    assert history.metrics["accuracy"][0] == accuracy
    assert list(history.history) == ["loss", "accuracy"]
    assert history.epoch == [0, 1]


def test_a_validation_loss_that_is_infinite_does_not_end_a_fit() -> None:
    model = line()
    model.compile("sgd", lambda t, p: jitgrad.where(t > 1e6, np.inf, (p[:, 0] - t) ** 2))
    history = model.fit(X, Z, epochs=3, validation_data=(X[:2], np.array([1.0, 1e7])))
    assert np.isinf(history.metrics["val_loss"]).all()
    assert np.isfinite(history.loss).all()


def test_weights_of_rows_and_classes() -> None:
    weights = DRAW.uniform(size=len(X))
    model = network(weighted_metrics=["accuracy"], metrics=["acc"])
    history = model.fit(X, Y, batch_size=None, epochs=1, sample_weight=weights)
    start = network()
    chances = start.predict(X)
    rows = -np.log(chances[np.arange(len(X)), Y])
    hits = chances.argmax(1) == Y
    assert history.loss[0] == pytest.approx((rows * weights).mean(), rel=1e-9)
    assert history.metrics["accuracy"][0] == pytest.approx(np.average(hits, weights=weights))
    assert history.metrics["acc"][0] == pytest.approx(hits.mean())
    by_class = network().fit(X, Y, batch_size=16, epochs=3, class_weight={0: 2.0}, seed=0)
    by_row = network().fit(X, Y, batch_size=16, epochs=3, sample_weight=np.where(Y == 0, 2.0, 1.0), seed=0)
    np.testing.assert_array_equal(by_class.loss, by_row.loss)
    model = network()
    model.compile("adam", "categorical_crossentropy")
    hot = model.fit(X, np.eye(2)[Y], batch_size=16, epochs=1, class_weight={0: 2.0, 1: 3.0}, sample_weight=weights)
    assert np.isfinite(hot.loss).all()


def test_later_epochs_alone() -> None:
    through = network().fit(X, Y, epochs=6, seed=3)
    model = network()
    model.fit(X, Y, epochs=4, seed=3)
    rest = model.fit(X, Y, epochs=6, initial_epoch=4, seed=3)
    np.testing.assert_array_equal(rest.loss, through.loss[4:])
    assert rest.epoch == [4, 5]


def test_train_on_batch_is_a_step() -> None:
    model, other = network(metrics=["accuracy"]), network(metrics=["accuracy"])
    loss, accuracy = model.train_on_batch(X, Y)
    history = other.fit(X, Y, batch_size=None)
    assert (loss, accuracy) == (history.loss[0], history.metrics["accuracy"][0])
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert set(model.train_on_batch(X, Y, return_dict=True)) == {"loss", "accuracy"}
    assert isinstance(line().train_on_batch(X, Z), float)


# Penalties and constraints.


def test_penalties_are_in_the_loss() -> None:
    plain, l1, l2, both = (jitgrad.Sequential([layers.Dense(1, kernel_regularizer=r, dtype="float64")]) for r in (
        None, layers.regularizers.L1(0.1), layers.regularizers.L2(0.2), layers.regularizers.L1L2(0.1, 0.2)
    ))  # fmt: skip
    found = []
    for model in (plain, l1, l2, both):
        model(X)
        model.set_weights([np.array([[1.0], [-2.0], [0.5]]), np.zeros(1)])
        model.compile("sgd", "mse")
        found.append(model.evaluate(X, Z + 1))
    first, second = 0.1 * 3.5, 0.2 * 5.25
    np.testing.assert_allclose(found, [1.0, 1 + first, 1 + second, 1 + first + second], rtol=1e-12)
    both.fit(X, Z, batch_size=None, epochs=2000)
    assert abs(both.layers[0].kernel.numpy()).sum() < 3.4


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
@pytest.mark.parametrize("natively", [True, False])
def test_constraints_hold_after_each_update(optimizer: str, natively: bool) -> None:
    cases = {
        "non_neg": lambda w: (w >= 0).all(),
        "max_norm": lambda w: (np.linalg.norm(w, axis=0) <= 2 + 1e-6).all(),
        "unit_norm": lambda w: np.allclose(np.linalg.norm(w, axis=0), 1, atol=1e-6),
        layers.constraints.MinMaxNorm(0.5, 0.7, axis=1): lambda w: (abs(np.linalg.norm(w, axis=1) - 0.6) <= 0.1 + 1e-6).all(),
    }
    for constraint, holds in cases.items():
        jitgrad.random.seed(1)
        dense = layers.Dense(2, kernel_constraint=constraint, kernel_initializer="normal")
        model = jitgrad.Sequential([dense])
        model.compile(optimizer, "mse")
        target = np.stack([30 * Z, -30 * Z], 1)
        if natively:
            model.fit(X, target, epochs=20, batch_size=16)
        else:
            model(X)
            for _ in range(5):
                model.optimizer.minimize(lambda model=model, target=target: losses.mean_squared_error(target, model(X)))
        assert holds(dense.kernel.numpy()), constraint


def test_a_part_of_the_way_to_a_norm() -> None:
    weight = jitgrad.Variable(np.array([[3.0, 0.1], [4.0, 0.0]]))
    weight.constraint = layers.constraints.MinMaxNorm(1.0, 2.0, rate=0.5)
    jitgrad.optimizers.SGD(1.0).apply_gradients([(np.zeros((2, 2)), weight)])
    expected = np.array([[3.0, 0.1], [4.0, 0.0]]) * (np.array([0.5 * 2 + 0.5 * 5, 0.5 * 1 + 0.5 * 0.1]) / np.array([5.0, 0.1]))
    np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-5)


# Cross-entropy.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_and_cross_entropy_are_computed_together(dtype: str) -> None:
    logits = jitgrad.Variable(np.array([[0.0, 200.0], [1.0, -3.0]], dtype))
    bits = jitgrad.Variable(np.array([-200.0, 3.0], dtype))
    pairs = [
        (lambda: losses.sparse_categorical_crossentropy([0, 0], jitgrad.softmax(logits)), logits),
        (lambda: losses.categorical_crossentropy([[1, 0], [1, 0]], jitgrad.softmax(logits)), logits),
        (lambda: losses.binary_crossentropy([1, 0], jitgrad.sigmoid(bits)), bits),
    ]
    for cost, variable in pairs:
        with jitgrad.GradientTape() as tape:
            loss = cost()
        gradient = tape.gradient(loss, variable).numpy().ravel()
        assert float(loss) == pytest.approx(100, rel=0.02)
        assert gradient[0] == pytest.approx(-0.5, rel=1e-6)


# Several inputs and outputs, frames, streams.


class Two(jitgrad.Model):
    """Two inputs by name, two outputs."""

    def __init__(self) -> None:
        super().__init__(dtype="float64")
        self.a, self.b = layers.Dense(1, dtype="float64"), layers.Dense(2, "softmax", dtype="float64")

    def call(self, x: Any) -> Any:
        both = jitgrad.concatenate([x["left"], x["right"]], axis=1)
        return {"number": self.a(both), "kind": self.b(both)}


def test_dicts_of_inputs_and_outputs() -> None:
    jitgrad.random.seed(0)
    model = Two()
    model.compile(jitgrad.optimizers.Adam(0.05), {"kind": "sparse_categorical_crossentropy", "number": "mse"})
    x, y = {"left": X[:, :1], "right": X[:, 1:]}, {"number": Z, "kind": Y}
    history = model.fit(x, y, epochs=60, validation_split=0.2)
    assert history.metrics["val_loss"][-1] < 0.3 < history.loss[0]
    made = model.predict(x, batch_size=10)
    assert made["number"].shape == (103, 1) and made["kind"].shape == (103, 2)
    assert (made["kind"].argmax(1) == Y).mean() > 0.9
    with pytest.raises(ArgumentError, match="y has keys"):
        model.fit(x, {"number": Z, "sort": Y})
    with pytest.raises(DataError, match=r"y\['kind'\] has 2 in row"):
        model.fit(x, {"kind": Y + 1, "number": Z})
    model.compile("adam", lambda y, p: jitgrad.mean((p["number"][:, 0] - y["number"]) ** 2))
    assert model.evaluate(x, y) == pytest.approx(np.mean((made["number"][:, 0] - Z) ** 2))
    model.compile("adam", "mse", metrics=["mae"])
    with pytest.raises(ArgumentError, match="require a model with one output"):
        model.fit(x, {"number": Z, "kind": np.eye(2)[Y]})


@pytest.mark.parametrize("library", ["polars", "pandas", "pyarrow"])
def test_frames(library: str) -> None:
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    table = {"a": X[:, 0].tolist(), "b": X[:, 1].tolist(), "c": X[:, 2].tolist()}
    make = module.table if library == "pyarrow" else module.DataFrame
    column = module.chunked_array if library == "pyarrow" else module.Series
    target = column([Z.tolist()]) if library == "pyarrow" else column(Z.tolist())
    plain, framed = line(), line()
    first = plain.fit(X, Z, epochs=2, seed=0).loss
    second = framed.fit(make(table), target, epochs=2, seed=0).loss
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(framed.predict(make(table)), plain.predict(X))
    with pytest.raises(DataError, match="Column 'c' of x has no value in row 2"):
        framed.predict(make({**table, "c": [1.0, 2.0, None, *table["c"][3:]]}))
    with pytest.raises(DataError, match="Column 'a' of x has type String"):
        framed.predict(make({**table, "a": ["x"] * 103}))
    with pytest.raises(DataError, match=r"x has no column 'b', which the model was fitted to\. It has a"):
        framed.predict(make({"a": table["a"]}))
    with pytest.raises(ShapeError, match=r"built for inputs of shape \(…, 3\), but is called with"):
        plain.predict(make({"a": table["a"]}))


def batches(size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for first in range(0, len(X), size):
        yield X[first : first + size], Y[first : first + size]


@pytest.mark.parametrize("validation", [None, (X[:30], Y[:30])])
def test_batches_one_after_the_other(validation: Any) -> None:
    options: dict[str, Any] = {"epochs": 4, "validation_data": validation}
    rows = network(metrics=["accuracy"])
    expected = rows.fit(X, Y, batch_size=20, shuffle=False, **options)
    stream = network(metrics=["accuracy"])
    found = stream.fit(functools.partial(batches, 20), **options)
    again = network(metrics=["accuracy"]).fit(list(batches(20)), **options)
    for name, values in expected.history.items():
        np.testing.assert_allclose(found.history[name], values, rtol=1e-12)
        np.testing.assert_array_equal(found.history[name], again.history[name])
    for a, b in zip(rows.get_weights(), stream.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11)
    np.testing.assert_allclose(stream.evaluate(batches(20)), rows.evaluate(X, Y), rtol=1e-10)


def test_batches_with_weights() -> None:
    weights = DRAW.uniform(size=len(X))
    expected = line().fit(X, Z, 16, epochs=2, sample_weight=weights, shuffle=False)
    parts = [(X[i : i + 16], Z[i : i + 16], weights[i : i + 16]) for i in range(0, len(X), 16)]
    np.testing.assert_allclose(line().fit(parts, epochs=2).loss, expected.loss, rtol=1e-12)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "no batches to fit to"),
        ([X], "Batch 0 is a ndarray, no"),
        ([(X, Z), (X[:0], Z[:0])], "Batch 1: x has shape .* no rows"),
        ([(X, Z), (X, np.where(np.arange(103) == 7, np.nan, Z))], "Batch 1: y has nan or inf in row 7"),
        (batches(16), "Epoch 2 has no batches. Give an iterable that can be iterated again"),
    ],
)
def test_streams_that_cannot_be_used(given: Any, message: str) -> None:
    model = line()
    with pytest.raises(DataError, match=message):
        model.fit(given, epochs=2)


def test_a_stream_that_diverges() -> None:
    model = line()
    model.compile(jitgrad.optimizers.SGD(1e6), "mse")
    with pytest.raises(FitError, match="smaller learning rate"):
        model.fit([(X, Z)] * 3, epochs=50)
    assert all(np.isfinite(w).all() for w in model.get_weights())


# Callbacks.


def test_early_stopping_restores_the_best_weights() -> None:
    class Keep(callbacks.Callback):
        def __init__(self) -> None:
            self.weights: list[Any] = []

        def on_epoch_end(self, epoch: int, logs: Any) -> None:
            self.weights.append(self.model.get_weights())

    model, keep = line(), Keep()
    model.compile(jitgrad.optimizers.SGD(0.3, momentum=0.9), "mse")
    stop = callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    history = model.fit(X, Z + DRAW.normal(size=103), epochs=300, validation_split=0.3, callbacks=[keep, stop], seed=0)
    values = history.metrics["val_loss"]
    best = int(values.argmin())
    assert len(values) == best + 3 < 300
    assert stop.stopped_epoch == best + 2
    np.testing.assert_array_equal(model.get_weights()[0], keep.weights[best][0])


def test_the_learning_rate_falls_on_a_plateau() -> None:
    model = line()
    plateau = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=3, cooldown=2, min_lr=0.01)
    rates = model.fit(X, Z, epochs=200, callbacks=plateau).metrics["learning_rate"]
    assert rates[0] == 0.05 and rates[-1] == pytest.approx(0.01)
    steps = np.flatnonzero(np.diff(rates))
    assert (np.diff(steps) >= 4).all() and len(steps) == 3


def test_a_schedule_of_epochs() -> None:
    model = line()
    history = model.fit(X, Z, epochs=4, callbacks=callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 / (epoch + 1)))
    np.testing.assert_allclose(history.metrics["learning_rate"], 0.1 / np.arange(1, 5))
    other = line()
    for epoch in range(4):
        other.optimizer.learning_rate = 0.1 / (epoch + 1)
        np.random.default_rng()
    with pytest.raises(ArgumentError, match="learning rate is -1"):
        model.fit(X, Z, callbacks=callbacks.LearningRateScheduler(lambda epoch, rate: -1))


def test_a_log_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    model = network(metrics=["accuracy", "confusion_matrix"])
    history = model.fit(X, Y, epochs=3, callbacks=callbacks.CSVLogger(path), validation_split=0.2)
    lines = path.read_text().splitlines()
    assert lines[0] == "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate"
    assert [float(line.split(",")[1]) for line in lines[1:]] == history.loss.tolist()
    model.fit(X, Y, epochs=5, initial_epoch=3, callbacks=callbacks.CSVLogger(path, append=True), validation_split=0.2)
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["epoch", "0", "1", "2", "3", "4"]


def test_callbacks_see_each_step_and_may_change_the_model() -> None:
    class Step(callbacks.Callback):
        def __init__(self) -> None:
            self.losses: list[float] = []

        def on_train_batch_end(self, epoch: int, logs: Any) -> None:
            self.losses.append(logs["loss"])

    class Reset(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any) -> None:
            self.model.layers[0].kernel.assign(np.zeros((3, 1)))
            self.model.stop_training = epoch == 1

    watch = Step()
    model = line()
    history = model.fit(X, Z, 20, epochs=9, callbacks=[watch, Reset()], validation_split=0.1)
    assert history.epochs == 2
    assert len(watch.losses) == 2 * 5
    assert np.average(watch.losses[:5], weights=[20, 20, 20, 20, 12]) == pytest.approx(history.loss[0])
    assert not model.get_weights()[0].any()
    model = line()
    stream = Step()
    model.fit([(X, Z)] * 4, callbacks=stream)
    assert len(stream.losses) == 4


def test_a_figure_that_is_not_there() -> None:
    with pytest.raises(ArgumentError, match=r"monitors 'val_los', which does not exist\. Did you mean 'val_loss'"):
        line().fit(X, Z, validation_split=0.2, callbacks=callbacks.EarlyStopping("val_los"))
    with pytest.raises(ArgumentError, match="Metrics that begin with val_ require validation data"):
        line().fit(X, Z, callbacks=callbacks.EarlyStopping())
    with pytest.raises(ArgumentError, match="mode is 'least'"):
        callbacks.EarlyStopping(mode="least")
    with pytest.raises(ArgumentError, match=r"filepath '{los}' contains 'los', but the fields are epoch, loss"):
        line().fit(X, Z, callbacks=callbacks.ModelCheckpoint("{los}"))


# Wrong use.


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: network().fit(X, Y + 1), DataError, "y has 2 in row .*, which is not a class from 0 to 1; the number of"),
        (lambda: network().fit(X, Y - 1), DataError, "y has -1 in row"),
        (lambda: network().fit(X, Y, validation_data=(X, Y + 1)), DataError, "validation y has 2 in row"),
        (lambda: network().evaluate(X, Y + 0.5), DataError, "y has 0.5 in row 0|y has 1.5 in row 0"),
        (lambda: network().fit(X, ["a"] * 103), DataError, "y contains strings"),
        (lambda: network().fit(X[:9], Y), DataError, "x has 9, y has 103"),
        (lambda: network().fit(X[:0], Y[:0]), DataError, "x has shape .* no rows"),
        (lambda: network().fit(np.where(X[4, 1] == X, np.nan, X), Y), DataError, "x has nan or inf in row 4"),
        (lambda: network().fit(X, Y, sample_weight=-np.ones(103)), DataError, "negative weights"),
        (lambda: line().fit(X, {"a": Z}, class_weight={0: 1}), ArgumentError, "class_weight requires one class per row in y"),
        (lambda: network().fit(X, Y, validation_split=0.999), ArgumentError, "leaves 0 of 103 rows"),
        (lambda: network().fit(X, Y, validation_split=1.0), ArgumentError, "validation_split is 1.0"),
        (lambda: network().fit(X, Y, validation_data=X), ArgumentError, "validation_data is no"),
        (lambda: network().fit(X, Y, verbose="yes"), ArgumentError, "verbose is 'yes'"),
        (lambda: network().fit([(X, Y)], sample_weight=Z), ArgumentError, "rows in memory"),
        (lambda: network().fit([(X, Y)], validation_split=0.1), ArgumentError, "rows in memory"),
        (lambda: network().compile("adam", "mse", metrics=["acuracy"]), ArgumentError, "Did you mean 'accuracy'"),
        (lambda: compiled_with({"number": "mse"}), ArgumentError, "The loss of one output is a dict. Give one loss per output"),
        (lambda: compiled_with(["mse", "mae"]), ArgumentError, "The loss of one output is a list. Give one loss per output"),
        (lambda: layers.Dense(1, kernel_regularizer="l3")(X), ArgumentError, "no regularizer 'l3'. Use one of l1"),
        (lambda: layers.Dense(1, kernel_constraint="maxnorm")(X), ArgumentError, "Did you mean 'max_norm'"),
        (lambda: layers.constraints.MinMaxNorm(3, 2), ArgumentError, "Give 0 ≤ min ≤ max"),
        (lambda: jitgrad.Sequential([layers.Dense(1)]).summary(), ArgumentError, "is not built"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_wrong_feature_counts() -> None:
    model = network()
    model.fit(X, Y)
    for call in (model.predict, lambda x: model.evaluate(x, Y), lambda x: model.fit(x, Y)):
        with pytest.raises(
            ShapeError, match=r"'dense\w*' was built for inputs of shape \(…, 3\), but is called with \(\d+, 2\)"
        ):
            call(X[:, :2])


def test_a_loss_of_one_number_cannot_be_weighted() -> None:
    model = line()
    model.compile("sgd", lambda t, p: jitgrad.mean((p[:, 0] - t) ** 2))
    with pytest.raises(ArgumentError, match="returns one number for all rows, so rows cannot be weighted"):
        model.fit(X, Z, sample_weight=np.ones(103))
    model.compile("sgd", lambda t, p: (p[:, 0] - t) ** 2)
    weighted = model.fit(X, Z, batch_size=None, sample_weight=2 * np.ones(103)).loss[0]
    assert weighted > 0


def test_lines_and_bars(capsys: pytest.CaptureFixture[str]) -> None:
    model = network(metrics=["accuracy"])
    model.fit(X, Y, epochs=2, validation_split=0.2, verbose=2)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split()[:2] for line in err.splitlines()] == [["epoch", "1/2"], ["epoch", "2/2"]]
    assert "val_accuracy" in err
    model.fit(X, Y, epochs=2, verbose=1)
    assert "accuracy" in capsys.readouterr().err
    model.predict(X, batch_size=10, verbose=1)
    assert "103/103" in capsys.readouterr().err


def test_a_model_that_grows_is_predicted_with_anew() -> None:
    model = line()
    assert model.predict(X).shape == (103, 1)
    model.add(layers.Dense(4, dtype="float64"))
    assert model.predict(X).shape == (103, 4)


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space as Linux counts it")
def test_a_stream_needs_a_fourth_of_its_bytes() -> None:
    script = Path(__file__).parent / "streaming.py"
    done = [subprocess.run([sys.executable, script, kind], capture_output=True, text=True) for kind in ("stream", "rows")]
    assert done[0].returncode == 0, done[0].stderr
    assert "MemoryError" in done[1].stderr  # the limit is one


def test_batches_of_many_sizes() -> None:
    sizes = [3, 5, 7, 9, 11, 13, 15, 17, 19, 4]
    ends = np.cumsum(sizes)
    parts = [(X[b - a : b], Z[b - a : b]) for a, b in zip(sizes, ends, strict=True)]
    stream, by_hand = line(), line()
    stream.fit(parts, epochs=3)
    for _ in range(3):
        for x, z in parts:
            by_hand.train_on_batch(x, z)
    for a, b in zip(stream.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_layer_by_its_name() -> None:
    model = jitgrad.Sequential([layers.Dense(1, name="first"), layers.Dense(1, name="last")])
    assert model.get_layer("last") is model.layers[1]
    with pytest.raises(ArgumentError, match=r"no layer 'frist'\. Did you mean 'first'"):
        model.get_layer("frist")


def compiled_with(loss: Any) -> None:
    model = line()
    model.compile("sgd", loss)
    model.fit(X, Z)
