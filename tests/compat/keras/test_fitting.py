"""Fits in Keras's words: data of every kind, the lines that are printed, callbacks, steps and metrics of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.tensorflow as tf
from jitgrad.compat import keras
from jitgrad.compat.keras import layers
from jitgrad.compat.keras.models.progress import duration, number_text, per_step

X = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
Y = X[:, 0] * 2 + X[:, 1]


def network(**options: Any) -> Any:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([layers.Dense(8, "relu", input_shape=(4,)), layers.Dense(1)])
    model.compile(**{"optimizer": "adam", "loss": "mse", "metrics": ["mae"], **options})
    return model


NUMBER = r"\d+\.\d{4}(e-\d\d)?"


def test_lines_are_keras_s(capsys: pytest.CaptureFixture[str]) -> None:
    model = network()
    model.fit(X, Y, epochs=2, validation_split=0.2)
    header, first, again, second = capsys.readouterr().out.splitlines()
    assert (header, again) == ("Epoch 1/2", "Epoch 2/2")
    end = rf" \ds \d+(ms|us|s)/step - loss: {NUMBER} - mae: {NUMBER} - val_loss: {NUMBER} - val_mae: {NUMBER}"
    assert re.fullmatch("5/5 " + "━" * 20 + end, first)
    assert re.fullmatch("5/5 " + "━" * 20 + end, second)
    model.fit(X, Y, verbose=2)
    assert re.fullmatch(rf"7/7 - \ds - \d+(ms|us)/step - loss: {NUMBER} - mae: {NUMBER}\n", capsys.readouterr().out)
    model.fit(X, Y, verbose=0)
    assert capsys.readouterr().out == ""
    loss, mae = model.evaluate(X, Y, verbose=2)
    assert re.fullmatch(rf"7/7 - \ds - \d+(ms|us)/step - loss: {loss:.4f} - mae: {mae:.4f}\n", capsys.readouterr().out)
    model.predict(X)
    assert re.fullmatch("7/7 " + "━" * 20 + r" \ds \d+(ms|us)/step\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.25, "0.2500"), (12.3456789, "12.3457"), (0.0001, "1.0000e-04"), (0.0, "0.0000e+00"), (-0.5, "-0.5000")],
)
def test_numbers_are_shown_as_keras_shows_them(value: float, text: str) -> None:
    assert number_text(value) == text


def test_times_are_shown_as_keras_shows_them() -> None:
    assert [duration(s) for s in (0.4, 59, 61, 3661)] == ["0s", "59s", "1:01", "1:01:01"]
    assert [per_step(s) for s in (2.4, 0.0123, 0.0000456)] == ["2s/step", "12ms/step", "46us/step"]


def batches() -> Iterator[tuple[Any, Any]]:
    while True:
        yield X[:32], Y[:32]


class Batches(keras.utils.Sequence):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        return X[index * 50 : index * 50 + 50], Y[index * 50 : index * 50 + 50]


def test_data_of_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    model = network()
    model.fit(batches(), steps_per_epoch=5, epochs=2)
    assert capsys.readouterr().out.count("5/5") == 2
    model.fit(Batches(), validation_data=Batches(), epochs=1)
    assert "4/4" in capsys.readouterr().out
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(200).batch(50)
    model.fit(dataset, epochs=2, validation_data=dataset)
    assert capsys.readouterr().out.count("4/4") == 2
    model.fit(dataset.repeat(), steps_per_epoch=3, epochs=1, verbose=0)
    model.fit(tf.constant(X), tf.constant(Y), verbose=0)
    model.fit(X.tolist(), Y.tolist(), verbose=0)
    assert model.evaluate(Batches(), verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-5)
    assert np.allclose(model.predict(dataset, verbose=0).shape, (200, 1))
    capsys.readouterr()
    model.fit(iter([(X[:10], Y[:10])] * 3))
    assert "3/3" in capsys.readouterr().out
    with pytest.raises(ValueError, match="x yields batches"):
        model.fit(Batches(), Y)


def test_rows_of_one_number_need_no_axis() -> None:
    norm = layers.Normalization(input_shape=[1], axis=None)
    norm.adapt(X[:, 0])
    model = keras.Sequential([norm, layers.Dense(units=1)])
    model.compile(keras.optimizers.Adam(0.1), "mean_absolute_error")
    model.fit(X[:, 0], 3 * X[:, 0], epochs=60, verbose=0)
    assert model.predict(tf.constant([1.0, 2.0]), verbose=0).ravel() == pytest.approx([3, 6], abs=0.2)


def test_callbacks_are_called_in_keras_s_order() -> None:
    told: list[Any] = []

    class Told(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            told.append(("begin", self.params["epochs"], self.params["steps"]))

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            told.append(("epoch", epoch))

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            told.append((batch, sorted(logs)))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            told.append(("ended", epoch, sorted(logs)))
            self.model.stop_training = epoch == 1

        def on_train_end(self, logs: Any = None) -> None:
            told.append("end")

    network().fit(X, Y, batch_size=100, epochs=9, callbacks=[Told()], verbose=0)
    epoch = [(0, ["loss", "mae"]), (1, ["loss", "mae"])]
    ended = ["loss", "mae"]
    assert told == [
        ("begin", 9, 2), ("epoch", 0), *epoch, ("ended", 0, ended), ("epoch", 1), *epoch, ("ended", 1, ended), "end",
    ]  # fmt: skip


def test_keras_s_own_callbacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stopping = keras.callbacks.EarlyStopping("loss", patience=2, min_delta=100, verbose=1, restore_best_weights=True)
    history = network().fit(
        X,
        Y,
        epochs=9,
        verbose=0,
        callbacks=[
            stopping,
            keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=100, verbose=1),
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5, verbose=1),
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
            keras.callbacks.ModelCheckpoint(tmp_path / "at-{epoch:02d}.keras", monitor="loss", verbose=1, save_best_only=True),
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print("epoch", epoch)),
        ],
    )
    out = capsys.readouterr().out
    assert len(history.epoch) == 3
    assert stopping.stopped_epoch == 2
    assert stopping.best_epoch == 0
    for line in (
        "Epoch 3: early stopping",
        "Restoring model weights from the end of the best epoch: 1.",
        "\nEpoch 2: ReduceLROnPlateau reducing learning rate to ",
        "\nEpoch 1: LearningRateScheduler setting learning rate to 0.0005",
        "\nEpoch 1: loss improved from inf to ",
        "epoch 2",
    ):
        assert line in out
    assert (tmp_path / "log.csv").read_text().startswith("epoch,loss,mae")
    assert keras.models.load_model(tmp_path / "at-01.keras").count_params() == 49
    assert history.history["learning_rate"][0] == pytest.approx(0.0005)


def test_a_fit_that_diverges_raises_or_ends() -> None:
    with pytest.raises(RuntimeError, match="nan or infinite"):
        network(optimizer=keras.optimizers.SGD(1e20)).fit(X, Y, epochs=5, verbose=0)
    network(optimizer=keras.optimizers.SGD(1e20)).fit(X, Y, epochs=5, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()])


class Own(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense, self.tracker = layers.Dense(1), keras.metrics.Mean(name="loss")

    def call(self, x: Any, training: Any = None) -> Any:
        return self.dense(x)

    @property
    def metrics(self) -> list[Any]:
        return [self.tracker]

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.tracker.update_state(loss, sample_weight=len(x))
        return {metric.name: metric.result() for metric in self.metrics}


def test_a_step_of_one_s_own_does_what_the_native_one_does() -> None:
    own, native = Own(), keras.Sequential([layers.Dense(1)])
    for model in (own, native):
        model.compile(keras.optimizers.SGD(0.05), "mse")
        model.build((None, 4))
    native.set_weights(own.get_weights())
    first = own.fit(X, Y, epochs=3, shuffle=False, verbose=0).history["loss"]
    second = native.fit(X, Y, epochs=3, shuffle=False, verbose=0).history["loss"]
    assert np.allclose(own.get_weights()[0], native.get_weights()[0], atol=1e-5)
    assert first == pytest.approx(second, rel=1e-4)
    assert int(own.optimizer.iterations) == int(native.optimizer.iterations) == 21


class Largest(keras.metrics.Metric):
    def __init__(self, name: str = "largest", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.most = self.add_weight(name="most", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        error = tf.abs(tf.cast(y_true, self.dtype) - tf.squeeze(y_pred, -1))
        self.most.assign(tf.maximum(self.most, tf.reduce_max(error)))

    def result(self) -> Any:
        return self.most


def test_a_metric_of_one_s_own() -> None:
    model = network(metrics=[Largest(), "mae"])
    history = model.fit(X, Y, epochs=2, validation_data=(X, Y), verbose=0).history
    assert list(history) == ["largest", "loss", "mae", "val_largest", "val_loss", "val_mae"]
    expected = np.abs(Y - model.predict(X, verbose=0)[:, 0]).max()
    assert history["val_largest"][-1] == pytest.approx(expected, rel=1e-5)
    assert model.evaluate(X, Y, verbose=0)[1] == pytest.approx(expected, rel=1e-5)


def test_losses_of_one_s_own_are_native() -> None:
    class Quartic(keras.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return tf.reduce_mean(tf.pow(y_true - y_pred, 4), -1)

    def quartic(y_true: Any, y_pred: Any) -> Any:
        return tf.reduce_mean(tf.pow(y_true - y_pred, 4), -1)

    found = [network(loss=loss).fit(X, Y[:, None], verbose=0, shuffle=False).history["loss"] for loss in (Quartic(), quartic)]
    assert found[0] == pytest.approx(found[1])
    assert float(Quartic()(Y[:, None], np.zeros((200, 1)))) == pytest.approx(np.mean(Y**4), rel=1e-4)


def test_layers_of_one_s_own() -> None:
    class Scale(layers.Layer):
        def __init__(self, factor: float = 2.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.factor = factor

        def build(self, input_shape: Any) -> None:
            self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones", trainable=True, name="w")
            self.v = self.add_weight("v", shape=[int(input_shape[-1])], initializer="zeros")

        def call(self, inputs: Any) -> Any:
            self.add_loss(0.5 * tf.reduce_sum(tf.square(self.w)))
            return tf.multiply(inputs, self.w) * self.factor + self.v

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    layer = Scale(3.0, name="scale")
    assert np.array_equal(layer(X[:2]).numpy(), 3 * X[:2])
    assert [v.path for v in layer.weights] == ["scale/w", "scale/v"]
    assert float(layer.losses[0]) == 2.0
    assert Scale.from_config(layer.get_config()).factor == 3.0
    model = keras.Sequential([keras.Input((4,)), layer, layers.Dense(1)])
    model.compile("sgd", "mse")
    plain = float(np.mean((Y - model.predict(X, verbose=0)[:, 0]) ** 2))
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(plain + 2.0, rel=1e-4)
    model.fit(X, Y, verbose=0)


def test_custom_training_loops() -> None:
    model = keras.Sequential([layers.Dense(8, activation=tf.nn.relu), layers.Dense(3)])
    classes = np.digitize(Y, [-0.5, 0.5])
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer, accuracy, mean = keras.optimizers.Adam(0.01), keras.metrics.SparseCategoricalAccuracy(), keras.metrics.Mean()
    found = []
    for _ in range(10):
        for start in range(0, 200, 20):
            rows = slice(start, start + 20)
            with tf.GradientTape() as tape:
                logits = model(X[rows], training=True)
                loss = loss_fn(classes[rows], logits)
            optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_weights), model.trainable_weights, strict=True))
            accuracy.update_state(classes[rows], logits)
            mean(loss)
        found.append((float(accuracy.result()), mean.result().numpy()))
        accuracy.reset_state()
        mean.reset_states()
    assert found[-1][0] > 0.8 > found[0][0]
    assert found[-1][1] < found[0][1]
    assert int(optimizer.iterations) == 100
    assert f"{accuracy.result():.3f}" == "0.000"


def test_models_of_steps_alone_get_inputs_alone() -> None:
    seen: list[Any] = []

    class Steps(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
            self.tracker = keras.metrics.Mean(name="size")

        def compile(self, chosen: Any) -> None:  # type: ignore[override]
            super().compile()
            self.chosen_optimizer = chosen

        def train_step(self, data: Any) -> dict[str, Any]:
            seen.append(type(data).__name__)
            x = data[0] if isinstance(data, tuple) else data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(self.inner(x)))
            gradients = tape.gradient(loss, self.inner.trainable_weights)
            self.chosen_optimizer.apply_gradients(zip(gradients, self.inner.trainable_weights, strict=True))
            self.tracker.update_state(loss)
            return {"size": self.tracker.result()}

    model = Steps()
    model.compile(keras.optimizers.Adam(0.01))
    history = model.fit(tf.data.Dataset.from_tensor_slices(X).batch(50), epochs=5, verbose=0).history
    assert list(history) == ["size"]
    sizes = history["size"]
    assert sizes[-1] < sizes[0]
    assert set(seen) == {"Tensor"}
    model.fit(X, verbose=0)
    assert seen[-1] == "tuple"
    with pytest.raises(ValueError, match="loss requires targets"):
        network().fit(X, verbose=0)


def test_several_outputs_with_losses_weights_and_metrics_by_name() -> None:
    a = keras.Input((4,))
    h = layers.Dense(8, "relu")(a)
    model = keras.Model(a, [layers.Dense(1, name="number")(h), layers.Dense(2, "softmax", name="kind")(h)])
    losses = {"number": "mse", "kind": "sparse_categorical_crossentropy"}
    model.compile("adam", losses, loss_weights={"kind": 2.0, "number": 0.5}, metrics={"kind": ["accuracy"], "number": "mae"})
    kinds = (Y > 0).astype(int)
    history = model.fit(X, {"number": Y, "kind": kinds}, epochs=2, verbose=0).history
    assert list(history) == ["kind_accuracy", "kind_loss", "loss", "number_loss", "number_mae"]
    found = model.evaluate(X, [Y, kinds], verbose=0, return_dict=True)
    number, kind = model.predict(X, verbose=0)
    crossentropy = -np.log(kind[np.arange(200), kinds]).mean()
    assert found["loss"] == pytest.approx(0.5 * np.mean((number[:, 0] - Y) ** 2) + 2 * crossentropy, rel=1e-4)
    assert found["number_mae"] == pytest.approx(np.abs(number[:, 0] - Y).mean(), rel=1e-4)
    assert found["kind_accuracy"] == pytest.approx((kind.argmax(1) == kinds).mean())


@pytest.mark.parametrize(("curve", "areas"), [("ROC", (0.483906269, 0.446772009)), ("PR", (0.310719132, 0.305502892))])
def test_auc_counts_each_element_of_several_columns(curve: str, areas: tuple[float, float]) -> None:
    """Keras's figures."""
    random = np.random.RandomState(0)
    predicted = random.dirichlet([1, 1, 1], 40).astype("float32")
    classes = np.eye(3, dtype="float32")[random.randint(0, 3, 40)]
    for columns, area in zip((3, 2), areas, strict=True):
        metric = keras.metrics.AUC(curve=curve)
        metric.update_state(classes[:, :columns], predicted[:, :columns])
        assert float(metric.result()) == pytest.approx(area, abs=1e-6)


def test_metrics_in_the_place_of_loss_weights() -> None:
    with pytest.raises(ValueError, match="metrics="):
        network().compile("sgd", "mse", ["mae"])


def test_binary_accuracy_counts_no_target_between_the_classes() -> None:
    metric = keras.metrics.BinaryAccuracy()
    metric.update_state([1.0, 0.3, 0.0], [0.9, 0.1, 0.2])
    assert float(metric.result()) == pytest.approx(2 / 3)
