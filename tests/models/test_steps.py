"""Models with steps of their own: what a subclass overrides is what runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import callbacks, layers
from jitgrad.errors import ArgumentError, DataError, FitError

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(50, 3)).astype(np.float32)
Z = (X @ np.array([1.0, -2.0, 3.0], np.float32))[:, None]
Y = (X[:, 0] > 0).astype(np.int64)


class Same(jitgrad.Sequential):
    """The usual step, spelt out; it counts."""

    def train_step(self, data: Any) -> Any:
        x, y, *weights = data
        with jitgrad.GradientTape() as tape:
            loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True), sample_weight=weights[0] if weights else None)
        chosen = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, chosen), chosen, strict=True))
        self.steps = getattr(self, "steps", 0) + 1
        return {"loss": loss, "twice": 2 * float(loss.detach())}


class Inherited(jitgrad.Sequential):
    """The step of the base class, in Python."""

    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


def made(kind: Any, seed: int = 0, units: int = 1, **options: Any) -> Any:
    jitgrad.random.seed(seed)
    model = kind([layers.Dense(4, "tanh", kernel_regularizer="l2"), layers.BatchNormalization(), layers.Dense(units)])
    model.build((None, 3))
    options = {"optimizer": jitgrad.optimizers.Adam(0.01, clipnorm=1.0), "loss": "mse"} | options
    model.compile(**options)
    return model


@pytest.mark.parametrize("kind", [Same, Inherited])
@pytest.mark.parametrize("options", [{"batch_size": None}, {"batch_size": 20}, {"sample_weight": np.arange(50.0)}])
def test_the_usual_step_in_python_is_the_native_one(kind: Any, options: Any) -> None:
    plain, own = made(jitgrad.Sequential), made(kind)
    options = {"epochs": 3, "shuffle": False, "validation_data": (X[:9], Z[:9])} | options
    first, second = plain.fit(X, Z, **options), own.fit(X, Z, **options)
    for a, b in zip(plain.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(first.history[name], second.history[name], rtol=1e-4)


def test_its_figures_are_means_over_rows_and_it_is_called_for_each_batch() -> None:
    model = made(Same)
    history = model.fit(X, Z, batch_size=20, epochs=4)
    assert model.steps == 12
    assert set(history.history) == {"loss", "twice"}
    np.testing.assert_allclose(history.history["twice"], 2 * history.loss, rtol=1e-6)
    figures = model.train_on_batch(X, Z, return_dict=True)
    assert model.steps == 13 and figures["twice"] == pytest.approx(2 * figures["loss"])


def test_the_order_of_rows_is_a_matter_of_the_seed() -> None:
    seen = []
    for seed in (1, 1, 2):
        model = made(Same)
        seen.append(model.fit(X, Z, batch_size=20, epochs=3, seed=seed).loss.tolist())
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize("metrics", [["mae"], ["accuracy", "f1", "auc", "confusion_matrix"]])
def test_compiled_metrics_are_those_of_all_rows(metrics: list[str]) -> None:
    target = Y if len(metrics) > 1 else Z
    options: dict[str, Any] = {"units": 2 if len(metrics) > 1 else 1, "metrics": metrics}
    if len(metrics) > 1:
        options["loss"] = "mse"
        target = np.eye(2, dtype=np.float32)[Y]
    plain, own = made(jitgrad.Sequential, **options), made(Inherited, **options)
    fit = {"batch_size": 20, "epochs": 2, "shuffle": False, "validation_split": 0.2}
    first, second = plain.fit(X, target, **fit).history, own.fit(X, target, **fit).history
    for name in second:
        np.testing.assert_allclose(first[name], second[name], rtol=1e-3, atol=1e-5, err_msg=name)
    assert set(second) >= {"loss", "val_loss", metrics[0], f"val_{metrics[0]}"}


class Weighted(jitgrad.Sequential):
    """A loss of its own."""

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None) -> Any:
        self.asked = getattr(self, "asked", 0) + 1
        return jitgrad.mean(jitgrad.abs(y_pred - y) * (1 + jitgrad.abs(x[:, :1])))


def test_a_loss_of_its_own_stays_native() -> None:
    model = made(Weighted)
    by_hand = np.mean(np.abs(np.asarray(model(X)) - Z) * (1 + np.abs(X[:, :1])))
    assert model.evaluate(X, Z) == pytest.approx(by_hand, rel=1e-5)
    history = model.fit(X, Z, epochs=200)
    assert history.loss[-1] < history.loss[0] / 2
    assert model.asked <= 4  # it was traced, for whole batches and the last one, and to be looked at
    expected = float(model.compute_loss(X, Z, model(X, training=True)))
    assert model.train_on_batch(X, Z) == pytest.approx(expected, rel=1e-4)


class Scored(jitgrad.Sequential):
    """Looking and predicting in its own way."""

    def test_step(self, data: Any) -> Any:
        x, y = data
        return {"loss": jitgrad.mean(jitgrad.square(self(x) - y)), "worst": jitgrad.max(jitgrad.abs(self(x) - y))}

    def predict_step(self, data: Any) -> Any:
        return self(data) * 0 + 7


def test_test_and_predict_steps() -> None:
    model = made(Scored)
    error = np.asarray(model(X)) - Z
    figures = model.evaluate(X, Z, return_dict=True, batch_size=50)
    assert figures == {
        "loss": pytest.approx(np.mean(error**2), rel=1e-5),
        "worst": pytest.approx(np.abs(error).max(), rel=1e-5),
    }
    assert model.evaluate([(X[:20], Z[:20]), (X[20:], Z[20:])], return_dict=True)["loss"] == pytest.approx(figures["loss"])
    history = model.fit(X, Z, epochs=2, validation_data=(X, Z))
    assert set(history.history) == {"loss", "val_loss", "val_worst"}
    for size in (7, 100):
        np.testing.assert_array_equal(model.predict(X, batch_size=size), np.full((50, 1), 7))


class Adversary(jitgrad.Model):
    """Two optimizers, and figures without a loss."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = layers.Dense(1), layers.Dense(1)
        self.first, self.second = jitgrad.optimizers.SGD(0.1), jitgrad.optimizers.Adam(0.1)

    def call(self, x: Any) -> Any:
        return self.a(x) + self.b(x)

    def train_step(self, data: Any) -> Any:
        x, y = data
        figures = {}
        for name, layer, optimizer in (("a_loss", self.a, self.first), ("b_loss", self.b, self.second)):
            with jitgrad.GradientTape() as tape:
                loss = jitgrad.mean(jitgrad.square(self(x) - y))
            optimizer.apply_gradients(zip(tape.gradient(loss, layer.variables), layer.variables, strict=True))
            figures[name] = loss
        return figures


def test_figures_without_a_loss() -> None:
    model = Adversary()
    model.compile()
    history = model.fit(X, Z, epochs=30)
    assert history.metrics["a_loss"][-1] < 0.1 * history.metrics["a_loss"][0]
    assert set(history.metrics) == {"a_loss", "b_loss"} and np.isnan(history.loss).all()
    for verbose in (1, 2):
        model.fit(X, Z, epochs=3, verbose=verbose)


def test_streams_callbacks_and_going_on(tmp_path: Path) -> None:
    batches = [(X[:20], Z[:20]), (X[20:], Z[20:])]
    model = made(Same)
    model.fit(batches, epochs=2)
    assert model.steps == 4
    through, stopped = made(Same), made(Same)
    expected = through.fit(X, Z, epochs=4, seed=3, callbacks=callbacks.EarlyStopping("twice", patience=9)).loss
    backup = callbacks.BackupAndRestore(tmp_path / "b")
    stopped.fit(X, Z, epochs=2, seed=3, callbacks=[callbacks.EarlyStopping("twice", patience=9), backup])
    again = made(Same)
    found = again.fit(X, Z, epochs=4, seed=3, callbacks=[callbacks.EarlyStopping("twice", patience=9), backup]).loss
    np.testing.assert_array_equal(found, expected)
    for a, b in zip(through.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_each_step_is_told_to_callbacks() -> None:
    losses: list[float] = []

    class Watch(callbacks.Callback):
        def on_train_batch_end(self, epoch: int, logs: Any) -> None:
            losses.append(logs["loss"])

    made(Same).fit(X, Z, batch_size=20, epochs=2, callbacks=Watch())
    assert len(losses) == 6 and np.isfinite(losses).all()


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "train_step returned None. Return a dict of metrics"),
        ({}, "Return a dict of metrics"),
        ({"loss": np.ones(3)}, "for 'loss'. Return one number for each name"),
        ({"loss": "small"}, "for 'loss'. Return one number for each name"),
    ],
)
def test_what_a_step_returns(returned: Any, message: str) -> None:
    class Wrong(jitgrad.Sequential):
        def train_step(self, data: Any) -> Any:
            return returned

    with pytest.raises(ArgumentError, match=message):
        made(Wrong).fit(X, Z)


def test_a_step_that_diverges() -> None:
    class Diverging(Same):
        def train_step(self, data: Any) -> Any:
            made = super().train_step(data)
            return {"loss": np.nan} if self.steps > 3 else made

    model = made(Diverging)
    with pytest.raises(FitError, match="became nan or infinite in epoch 2"):
        model.fit(X, Z, batch_size=20, epochs=5)
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_there_must_be_batches() -> None:
    with pytest.raises(DataError, match="no batches to evaluate"):
        made(Scored).evaluate([])
