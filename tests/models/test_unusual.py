"""Models used in less usual ways: shared and nested layers, state across fits, odd data, callbacks together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import callbacks, layers, metrics, optimizers
from jitgrad.errors import ArgumentError, DataError

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(50, 4)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5, 3.0]) + 1).astype(np.float32)


def line(optimizer: Any = None, **options: Any) -> jitgrad.Sequential:
    jitgrad.random.seed(0)
    model = jitgrad.Sequential([jitgrad.Input((4,)), layers.Dense(8, "tanh"), layers.Dense(1)])
    model.compile(optimizer or optimizers.Adam(0.01), "mse", **options)
    return model


class Bomb(callbacks.Callback):
    """Ends a fit by an exception after some epochs."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Any) -> None:
        if epoch == self.epoch:
            self.epoch = -1
            raise RuntimeError("bang")


def same(a: jitgrad.Sequential, b: jitgrad.Sequential) -> None:
    for u, v in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(u, v)


# State.


@pytest.mark.parametrize("make", [*optimizers.OPTIMIZERS.values()], ids=[*optimizers.OPTIMIZERS])
def test_an_optimizer_goes_back_to_an_earlier_state(make: Any) -> None:
    model = line(make())
    model.fit(X, Y, batch_size=None)
    state, weights = model.optimizer.get_state(model.variables), model.get_weights()
    first = model.fit(X, Y, batch_size=None, epochs=3).loss
    model.optimizer.set_state(state, model.variables)
    model.set_weights(weights)
    np.testing.assert_array_equal(model.fit(X, Y, batch_size=None, epochs=3).loss, first)


@pytest.mark.parametrize("order", [1, -1])
def test_a_fit_that_failed_goes_on_with_the_same_objects(order: int, tmp_path: Path) -> None:
    def others(bomb: int) -> list[Any]:
        made = [
            Bomb(bomb),
            callbacks.EarlyStopping("loss", patience=2, min_delta=0.5, restore_best_weights=True),
            callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.3),
            callbacks.LearningRateScheduler(lambda epoch: 0.02 / (1 + epoch % 3)),
            callbacks.BackupAndRestore(tmp_path / str(bomb)),
        ]
        return made[::order]

    through = line()
    expected = through.fit(X, Y, epochs=30, callbacks=others(99), seed=1)
    model, watchers = line(), others(3)
    with pytest.raises(RuntimeError, match="bang"):
        model.fit(X, Y, epochs=30, callbacks=watchers, seed=1)
    found = model.fit(X, Y, epochs=30, callbacks=watchers, seed=1)
    assert found.history == expected.history
    same(model, through)
    again = line()
    assert again.fit(X, Y, epochs=30, callbacks=others(3), seed=1).history == expected.history
    same(again, through)


def test_an_earlier_fit_of_another_kind(tmp_path: Path) -> None:
    backup = callbacks.BackupAndRestore(tmp_path / "b")
    line().fit(X, Y, epochs=2, callbacks=backup)
    for make, options in (
        (lambda: line(optimizers.AdamW(0.01)), {}),
        (lambda: line(optimizers.Adam(optimizers.schedules.CosineDecay(0.01, 9))), {}),
        (line, {"batch_size": 10}),
        (line, {"validation_split": 0.2}),
    ):
        with pytest.raises(DataError, match=r"The earlier fit was a different one.*Remove its file, or give another path"):
            make().fit(X, Y, epochs=4, callbacks=backup, **options)


def test_a_fit_that_a_callback_stopped_stays_stopped(tmp_path: Path) -> None:
    class Stop(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any) -> None:
            self.model.stop_training = epoch == 1

    for _ in range(2):
        watchers = [Stop(), callbacks.EarlyStopping("loss", patience=9), callbacks.BackupAndRestore(tmp_path / "b")]
        assert line().fit(X, Y, epochs=9, callbacks=watchers).epochs == 2


def test_a_checkpoint_can_be_gone_on_with(tmp_path: Path) -> None:
    def fit(epochs: int, path: str, more: Any = ()) -> Any:
        jitgrad.random.seed(0)
        model = jitgrad.Sequential([layers.Dense(8), layers.Dropout(0.5), layers.Dense(1)])
        model.compile("adam", "mse")
        return model.fit(X, Y, epochs=epochs, callbacks=[callbacks.ModelCheckpoint(tmp_path / path), *more])

    fit(3, "m")
    jitgrad.random.seed(77)
    found = fit(6, "n", [callbacks.BackupAndRestore(tmp_path / "m")])
    np.testing.assert_array_equal(found.loss, fit(6, "o").loss)


def test_callbacks_begin_anew(tmp_path: Path) -> None:
    stop, plateau = (
        callbacks.EarlyStopping("loss", restore_best_weights=True, min_delta=9.0),
        callbacks.ReduceLROnPlateau("loss"),
    )
    log = callbacks.CSVLogger(tmp_path / "log")
    a, b = line(), line()
    first = a.fit(X, Y, epochs=9, callbacks=[stop, plateau, log], seed=0)
    second = b.fit(X, Y, epochs=9, callbacks=[stop, plateau, log], seed=0)
    assert first.history == second.history
    assert (tmp_path / "log").read_text().splitlines()[0] == "epoch,loss,learning_rate"


def test_a_log_that_is_appended_to_and_resumed(tmp_path: Path) -> None:
    def watchers(bomb: int) -> list[Any]:
        log = callbacks.CSVLogger(tmp_path / "log", append=True)
        return [log, Bomb(bomb), callbacks.BackupAndRestore(tmp_path / "b", every=2)]

    with pytest.raises(RuntimeError, match="bang"):
        line().fit(X, Y, epochs=6, callbacks=watchers(3))
    line().fit(X, Y, epochs=6, callbacks=watchers(99))
    assert [row.split(",")[0] for row in (tmp_path / "log").read_text().splitlines()[1:]] == list("012345")


def test_nothing_begins_where_no_epoch_follows() -> None:
    rates = [0.1, 0.2]
    line().fit(X, Y, epochs=2, initial_epoch=2, callbacks=callbacks.LearningRateScheduler(lambda epoch, rate: rates[epoch]))


def test_accuracy_with_a_number_is_to_grow() -> None:
    jitgrad.random.seed(0)
    model = jitgrad.Sequential([layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics="accuracy")
    stop = callbacks.EarlyStopping("accuracy_1", patience=5)
    history = model.fit(X, (Y > 1).astype(int), epochs=200, callbacks=stop)
    assert history.metrics["accuracy_1"].argmax() == history.epochs - 6


def test_the_epoch_of_a_step() -> None:
    class Steps(callbacks.Callback):
        def __init__(self) -> None:
            self.epochs: list[int] = []

        def on_train_batch_end(self, epoch: int, logs: Any) -> None:
            self.epochs.append(epoch)

    for data, options in (((X, Y), {}), ((X, Y), {"validation_split": 0.2}), (([(X, Y)] * 2,), {})):
        watch = Steps()
        line().fit(*data, epochs=2, batch_size=25, callbacks=watch, **options)
        assert watch.epochs == [0, 0, 1, 1]


# Data.


def test_a_loss_of_ones_own_gets_aligned_targets() -> None:
    own = line()
    own.compile(optimizers.Adam(0.01), lambda t, p: jitgrad.mean(jitgrad.square(t - p)))
    np.testing.assert_allclose(own.fit(X, Y, epochs=3, seed=0).loss, line().fit(X, Y, epochs=3, seed=0).loss, rtol=1e-5)


def test_a_generator_is_used_whole() -> None:
    parts = [(X[i : i + 10], Y[i : i + 10]) for i in range(0, 50, 10)]
    expected = line().fit(parts).loss
    np.testing.assert_array_equal(line().fit(part for part in parts).loss, expected)
    with pytest.raises(DataError, match="Epoch 2 has no batches"):
        line().fit((part for part in parts), epochs=2)


def test_validation_data_and_a_split() -> None:
    expected = line().fit(X, Y, epochs=2, validation_data=(X, Y), seed=0)
    found = line().fit(X, Y, epochs=2, validation_data=(X, Y), validation_split=0.5, seed=0)
    assert found.history == expected.history


def test_forms_of_data() -> None:
    expected = line().fit(X, Y, seed=0, sample_weight=np.ones(50)).loss
    for x, y, w in (([X], Y, np.ones((50, 1))), (X, [Y], np.ones(50)), (X.tolist(), Y[:, None], [1] * 50)):
        np.testing.assert_allclose(line().fit(x, y, seed=0, sample_weight=w).loss, expected, rtol=1e-6)
    with pytest.raises(DataError, match=r"x\['a'\] has 50, x\['b'\] has 1"):
        line().predict({"a": X, "b": X[:1]})
    with pytest.raises(ArgumentError, match=r"class_weight is a list\. Give a dict"):
        line().fit(X, Y, class_weight=[1, 2])  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="The metrics are a dict"):
        line(metrics={"a": "mae"})
    assert line(metrics="mae").evaluate(X, Y, verbose=0, return_dict=True).keys() == {"loss", "mae"}
    assert line(metrics=[metrics.R2]).fit(X, Y, callbacks=None).metrics.keys() == {"r2"}


def test_a_metric_named_as_the_loss() -> None:
    def loss(target: Any, prediction: Any) -> Any:
        return prediction[:, 0] * 0 + 7.0

    found = line(metrics=[loss, loss]).evaluate(X, Y, return_dict=True)
    assert list(found) == ["loss", "loss_1", "loss_2"]
    assert found["loss"] != 7 == found["loss_1"]


def test_r2_of_numbers_far_from_zero() -> None:
    peer = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    x = (1e6 + 100 * DRAW.normal(size=(3000, 1))).astype(np.float32)
    y = (x[:, 0] + 50 * DRAW.normal(size=3000)).astype(np.float32)
    model = jitgrad.Sequential([layers.Activation("linear")])
    model.compile("sgd", "mse", metrics=["r2"])
    for size in (32, 256, 3000):
        assert model.evaluate(x, y, batch_size=size)[1] == pytest.approx(peer.r2_score(y, x[:, 0]), rel=1e-4)


def test_scores_of_classes_that_do_not_occur() -> None:
    peer = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    scores = DRAW.dirichlet(np.ones(5), 60) * np.array([1, 1, 1, 0, 0])
    true = DRAW.integers(0, 3, 60)
    expected = peer.precision_score(true, scores.argmax(1), average="macro")
    assert metrics.Precision()(true, scores) == pytest.approx(expected)


def test_the_area_of_small_chances_and_of_none() -> None:
    peer = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    chances = DRAW.uniform(0, 0.0015, 500)
    true = (DRAW.uniform(0, 0.0015, 500) < chances).astype(int)
    assert metrics.AUC()(true, chances) == pytest.approx(peer.roc_auc_score(true, chances), abs=0.02)
    assert np.isnan(metrics.AUC()([0, 1], np.array([-3.0, 0.5])))


# Layers.


def test_training_is_told_to_layers_inside() -> None:
    class Net(jitgrad.Model):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.drop, self.out = layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(1)

        def __call__(self, x: Any) -> Any:
            return self.out(self.drop(self.norm(x)))

    jitgrad.random.seed(0)
    model = Net()
    model.compile("sgd", "mse")
    before = model.fit(X + 5, Y, batch_size=None).loss[0]
    assert (model.norm.moving_mean.numpy() > 0).all()
    assert model.evaluate(X + 5, Y) != pytest.approx(before)
    np.testing.assert_array_equal(model.predict(X), np.asarray(model(X, training=False)))
    assert (np.asarray(model(X, training=True)) != np.asarray(model(X))).any()


def test_shared_layers_and_nested_models(tmp_path: Path) -> None:
    shared = layers.Dense(4, kernel_regularizer="l2", name="shared")

    class Net(jitgrad.Model):
        def __init__(self, left: Any, right: Any) -> None:
            super().__init__()
            self.left, self.right = left, right
            self.parent_of = [left, right]

        def call(self, x: Any) -> Any:
            return self.left(x) + self.right(x)

    jitgrad.random.seed(0)
    inner = jitgrad.Sequential([jitgrad.Sequential([shared]), layers.Dense(1)])
    model = jitgrad.Sequential([Net(inner, jitgrad.Sequential([shared, layers.Dense(1)]))])
    model.compile("sgd", "mse")
    model.fit(X, Y)
    assert len(model.losses) == 1
    assert len(model.variables) == 6
    model.layers[0].left.layers[1].bias.trainable = False
    model.save(tmp_path / "m")
    loaded = jitgrad.load_model(tmp_path / "m")
    same(model, loaded)
    assert [v.trainable for v in loaded.variables] == [v.trainable for v in model.variables]
    np.testing.assert_array_equal(model.predict(X), loaded.predict(X))
    np.testing.assert_array_equal(model.fit(X, Y, seed=0).loss, loaded.fit(X, Y, seed=0).loss)
    assert len(loaded.variables) == 6


class Stack(jitgrad.Sequential):
    """A Sequential of a class of its own."""

    def __init__(self, units: int) -> None:
        super().__init__([layers.Dense(units), layers.Dense(1)])


def test_a_sequential_of_ones_own_class(tmp_path: Path) -> None:
    model = Stack(3)
    model(X)
    model.save(tmp_path / "m")
    same(model, jitgrad.load_model(tmp_path / "m"))


def test_a_child_may_know_its_parent() -> None:
    class Child(layers.Dense):
        parent: Any = None

    model = jitgrad.Sequential([Child(1)])
    model.layers[0].parent = model
    model(X)
    assert len(model.variables) == 2


def test_frozen_containers() -> None:
    model = jitgrad.Sequential([jitgrad.Input((4,)), layers.Dense(3)], trainable=False)
    assert model.trainable_variables == []
    model.trainable = True
    assert len(model.trainable_variables) == 2


def test_layers_without_weights_take_any_shape() -> None:
    drop, dense = layers.Dropout(0.1), layers.Dense(2)
    assert drop(X).shape == (50, 4) and drop(X[:, :2]).shape == (50, 2)
    assert dense(X).shape == (50, 2) and dense(np.ones((3, 7, 4))).shape == (3, 7, 2)


def test_an_embedding_behind_an_input() -> None:
    model = jitgrad.Sequential([jitgrad.Input((5,), dtype="int64"), layers.Embedding(10, 3), layers.Flatten(), layers.Dense(1)])
    assert model.predict(np.arange(10).reshape(2, 5)).shape == (2, 1)


def test_a_summary_of_a_model_with_an_idle_layer() -> None:
    model = line()
    model.idle = layers.Dense(3)
    assert "–" in model.summary()


def test_options_changed_between_fits_count_after_compile() -> None:
    model = jitgrad.Sequential([layers.Dropout(0.9), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y)
    model.layers[0].rate = 0.0
    model.compile("sgd", "mse")
    expected = model.evaluate(X, Y)
    assert model.fit(X, Y, batch_size=None).loss[0] == pytest.approx(expected, rel=1e-5)


def test_lbfgs_after_a_layer_is_frozen() -> None:
    model = line(optimizers.LBFGS(0.1))
    model.fit(X, Y, batch_size=None, epochs=5)
    model.layers[0].trainable = False
    assert np.isfinite(model.fit(X, Y, batch_size=None, epochs=5).loss).all()


def test_a_batch_that_changes_other_variables() -> None:
    class Odd(layers.Layer):
        def build(self, shape: Any) -> None:
            self.u = self.add_weight("u", (), "zeros", trainable=False)
            self.v = self.add_weight("v", (), "zeros", trainable=False)

        def call(self, x: Any) -> Any:
            which = self.u if x.shape[0] > 5 else self.v
            which.assign(which + 1)
            return x

    model = jitgrad.Sequential([Odd(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ArgumentError, match="changes different Variables for this batch than for the first"):
        model.fit([(X[:8], Y[:8]), (X[:3], Y[:3])])


def test_without_super() -> None:
    class Net(jitgrad.Model):
        def __init__(self) -> None:
            self.out = layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.out(x)

    with pytest.raises(ArgumentError, match=r"Net.__init__ did not call super\(\).__init__\(\)"):
        Net()(X)
