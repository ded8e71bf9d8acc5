"""Models of Keras: sequential, functional, subclassed; what they print, keep and load."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jitgrad.compat import keras, tensorflow
from jitgrad.compat.keras import layers
from jitgrad.compat.keras.models.summary import summary
from jitgrad.compat.modules import MissingNameError

X = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
Y = X[:, 0] * 2 + X[:, 1]


@pytest.fixture(autouse=True)
def _names() -> None:
    keras.utils.clear_session()
    keras.utils.set_random_seed(1)


def network(**options: Any) -> keras.Sequential:
    model = keras.Sequential([layers.Dense(8, "relu", input_shape=(4,)), layers.Dense(1)])
    model.compile(**{"optimizer": "adam", "loss": "mse", "metrics": ["mae"], **options})
    return model


SEQUENTIAL = """\
Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ flatten (Flatten)               │ (None, 784)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 128)            │       100,480 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dropout (Dropout)               │ (None, 128)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (None, 10)             │         1,290 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 101,770 (397.54 KB)
 Trainable params: 101,770 (397.54 KB)
 Non-trainable params: 0 (0.00 B)
"""

FUNCTIONAL = """\
Model: "functional"
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)        ┃ Output Shape      ┃    Param # ┃ Connected to      ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
│ a (InputLayer)      │ (None, 3)         │          0 │ -                 │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ input_layer_1       │ (None, 3)         │          0 │ -                 │
│ (InputLayer)        │                   │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ add (Add)           │ (None, 3)         │          0 │ a[0][0],          │
│                     │                   │            │ input_layer_1[0]… │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ dense (Dense)       │ (None, 2)         │          8 │ add[0][0]         │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ multiply (Multiply) │ (None, 2)         │          0 │ dense[0][0]       │
└─────────────────────┴───────────────────┴────────────┴───────────────────┘
 Total params: 8 (32.00 B)
 Trainable params: 8 (32.00 B)
 Non-trainable params: 0 (0.00 B)
"""


def test_summaries_are_keras_s(capsys: pytest.CaptureFixture[str]) -> None:
    model = keras.Sequential(
        [layers.Flatten(input_shape=(28, 28)), layers.Dense(128, activation="relu"), layers.Dropout(0.2), layers.Dense(10)]
    )
    model.summary()
    assert capsys.readouterr().out == SEQUENTIAL
    keras.utils.clear_session()
    keras.Input((1,))
    a, b = keras.Input((3,), name="a"), keras.Input((3,))
    model = keras.Model([a, b], layers.Dense(2)(layers.Add()([a, b])) * 2)
    model.summary()
    assert capsys.readouterr().out == FUNCTIONAL


def test_what_is_not_built_and_the_optimizer_are_in_the_summary() -> None:
    assert "│ ?                      │   0 (unbuilt) │" in summary(keras.Sequential([layers.Dense(3)]))
    model = network()
    model.fit(X, Y, verbose=0)
    assert " Total params: 149 (600.00 B)" in summary(model)
    assert " Optimizer params: 100 (404.00 B)" in summary(model)


def test_sequential_is_changed_and_asked(tmp_path: Path) -> None:
    model = network()
    assert [layer.name for layer in model.layers] == ["dense", "dense_1"]
    assert repr(model.layers[0]) == "<Dense name=dense, built=True>"
    assert model.inputs[0].shape == (None, 4)
    assert model.layers[0].output.shape == (None, 8)
    assert model.count_params() == 49
    assert len(model.weights) == 4
    assert not model.non_trainable_variables
    assert model.layers[0].kernel.path == "dense/kernel"
    assert model.pop().name == "dense_1"
    assert model.output.shape == (None, 8)
    with pytest.raises(ValueError, match="unique names"):
        model.add(layers.Dense(1, name="dense"))
    with pytest.raises(ValueError, match="Only instances"):
        model.add(abs)
    again = keras.Sequential.from_config(model.get_config())
    assert again.count_params() == 40
    assert keras.models.model_from_json(model.to_json()).count_params() == 40
    copy = keras.models.clone_model(model)
    assert not np.array_equal(copy.get_weights()[0], model.get_weights()[0])


def test_functional_models_of_several_inputs_and_outputs(tmp_path: Path) -> None:
    a, b = keras.Input((4,), name="a"), keras.Input((2,), name="b")
    shared = layers.Dense(3, activation="relu", name="shared")
    h = layers.concatenate([shared(a), b])
    sliced = h[:, :2] * 2 + 1 - h[:, 2:4]
    outputs = [layers.Dense(1, name="number")(sliced), layers.Dense(2, activation="softmax", name="kind")(h)]
    model = keras.Model(inputs=[a, b], outputs=outputs)
    assert model.output_names == ["number", "kind"]
    model.compile("adam", loss={"number": "mse", "kind": "sparse_categorical_crossentropy"})
    kinds = (Y > 0).astype(int)
    first = model.fit({"b": X[:, :2], "a": X}, {"kind": kinds, "number": Y}, epochs=3, verbose=0).history["loss"]
    model.fit([X, X[:, :2]], [Y, kinds], epochs=2, verbose=0)
    assert first[-1] < first[0]
    number, kind = model.predict([X, X[:, :2]], verbose=0)
    assert number.shape == (200, 1)
    assert np.allclose(kind.sum(1), 1, atol=1e-5)
    part = keras.Model(model.input, model.get_layer("shared").output)
    expected = np.maximum(X @ shared.get_weights()[0] + shared.get_weights()[1], 0)
    assert np.allclose(part.predict([X, X[:, :2]], verbose=0), expected, atol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(loaded.predict([X, X[:, :2]], verbose=0)[0], number)
    nested = keras.Model(a, layers.Dense(1)(keras.Model(a, shared(a), name="encoder")(a)))
    nested.compile("sgd", "mse")
    nested.fit(X, Y, verbose=0)
    assert nested.predict(X, verbose=0).shape == (200, 1)


def test_symbols_have_no_values() -> None:
    x = keras.Input((4,), name="x")
    assert repr(x) == "<KerasTensor shape=(None, 4), dtype=float32, sparse=False, ragged=False, name=x>"
    with pytest.raises(RuntimeError, match="has no value"):
        bool(x)
    with pytest.raises(ValueError, match="depend on the input"):
        keras.Model(x, layers.Add()([x, keras.Input((4,))]))
    with pytest.raises(ValueError, match="must be symbols"):
        keras.Model(inputs=np.ones(3), outputs=x)


class SubclassedNet(keras.Model):
    def __init__(self, units: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden, self.drop, self.out = layers.Dense(units, "tanh"), layers.Dropout(0.5), layers.Dense(1)

    def call(self, x: Any, training: bool = False) -> Any:
        return self.out(self.drop(self.hidden(x), training=training))


def test_subclassed_models_are_fitted_natively_saved_and_loaded(tmp_path: Path) -> None:
    model = SubclassedNet(5)
    model.compile(keras.optimizers.RMSprop(0.01), keras.losses.Huber(0.5), metrics=[keras.metrics.MeanAbsoluteError()])
    history = model.fit(X, Y, epochs=4, validation_split=0.25, verbose=0)
    assert list(history.history) == ["loss", "mean_absolute_error", "val_loss", "val_mean_absolute_error"]
    assert history.epoch == [0, 1, 2, 3]
    assert all(isinstance(value, float) for value in history.history["loss"])
    model.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    assert np.array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    assert loaded.evaluate(X, Y, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))
    assert float(loaded.optimizer.learning_rate) == pytest.approx(0.01)
    model.save_weights(tmp_path / "net.weights.h5")
    other = SubclassedNet(5)
    with pytest.raises(ValueError, match="not built"):
        other.load_weights(tmp_path / "net.weights.h5")
    other(X[:1])
    other.load_weights(tmp_path / "net.weights.h5")
    assert np.array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.parametrize(("head", "kind"), [(b"PK\x03\x04", ".keras archive"), (b"\x89HDF", "HDF5")])
def test_files_of_keras_itself_are_refused_with_the_reason(head: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(head + os.urandom(99))
    with pytest.raises(ValueError, match=kind):
        keras.models.load_model(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="There is no file"):
        keras.models.load_model(tmp_path / "none.keras")


@pytest.mark.parametrize(
    ("owner", "name", "reason"),
    [
        (layers, "Conv2D", "convolution"),
        (layers, "LSTM", "sequences"),
        (layers, "MultiHeadAttention", "attention"),
        (keras.callbacks, "TensorBoard", "CSVLogger"),
        (keras.datasets, "imdb", "texts"),
        (keras, "applications", "convolutions"),
        (keras.losses, "MeanSquarredError", "Did you mean 'MeanSquaredError'"),
    ],
)
def test_what_is_not_there_says_so_by_name(owner: Any, name: str, reason: str) -> None:
    with pytest.raises(MissingNameError, match=reason):
        getattr(owner, name)


def test_shapes_that_do_not_match_are_value_errors() -> None:
    model = network()
    with pytest.raises(ValueError, match="shape"):
        model(np.ones((2, 3), np.float32))
    classes = keras.Sequential([layers.Dense(2)])
    classes.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(ValueError, match="not a class from 0 to 1"):
        classes.fit(X, np.full(200, 2), verbose=0)


def test_float64_is_taken_as_the_layer_s_float32() -> None:
    layer = layers.Dense(2)
    assert layer(np.ones((1, 3))).dtype == "float32"
    assert str(layer.kernel.dtype) == "float32"
    assert layers.Dense(2, dtype="float64")(np.ones((1, 3))).dtype == "float64"


@pytest.mark.parametrize("form", ["list", "dict", "one"])
@pytest.mark.parametrize("metrics", [None, [["mae"], ["mse"]]], ids=["native", "in_python"])
def test_the_loss_of_each_of_several_outputs_is_reported(form: str, metrics: Any) -> None:
    def loss(target: Any, prediction: Any) -> Any:
        return keras.ops.mean(keras.ops.square(target - prediction), axis=-1)

    losses: Any = {"list": ["mse", "mse"], "dict": {"two": "mse", "one": "mse"}, "one": loss}[form]
    begin = keras.Input((3,))
    ends = [keras.layers.Dense(n, name=name, kernel_initializer="ones")(begin) for n, name in [(1, "one"), (2, "two")]]
    model = keras.Model(begin, ends)
    model.compile(keras.optimizers.SGD(0.01), losses, loss_weights=[1.0, 0.5], metrics=metrics)
    x = np.random.RandomState(0).rand(10, 3).astype("float32")
    y = [x[:, :1], x[:, :2] * 3]
    history = model.fit(x, y, epochs=2, batch_size=5, shuffle=False, verbose=0, validation_data=(x, y)).history
    for prefix in ("", "val_"):
        one, two, both = (history[prefix + name] for name in ("one_loss", "two_loss", "loss"))
        np.testing.assert_allclose(np.add(one, np.multiply(two, 0.5)), both, rtol=1e-5)
    predicted = model.predict(x, verbose=0)
    expected = [np.mean((target - made) ** 2) for target, made in zip(y, predicted, strict=True)]
    found = model.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(found[:3], [expected[0] + expected[1] * 0.5, *expected], rtol=1e-5)
    assert model.metrics_names[-2:] == ["one_loss", "two_loss"]


def test_sizes_of_a_shape_are_known_in_a_fit() -> None:
    class Noisy(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.out = layers.Dense(1)

        def call(self, x: Any) -> Any:
            rows, width = keras.ops.shape(x)[0], tensorflow.shape(x)[1]
            noise = keras.random.normal((rows, width)) + tensorflow.random.normal((tensorflow.shape(x)[0], width))
            return self.out(x + 1e-3 * noise)

    model = Noisy()
    model.compile("adam", "mse")
    history = model.fit(np.ones((8, 3)), np.ones(8), epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_a_step_of_ones_own_returns_the_results_of_all_metrics() -> None:
    class Own(keras.Model):
        def train_step(self, data: Any) -> Any:
            x, y = data
            with tensorflow.GradientTape() as tape:
                predicted = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=predicted)
            chosen = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, chosen), chosen)
            for metric in self.metrics:
                metric.update_state(*([loss] if metric.name == "loss" else [y, predicted]))
            return {metric.name: metric.result() for metric in self.metrics}

    begin = keras.Input((3,))
    model = Own(begin, layers.Dense(1)(begin))
    model.compile("adam", "mse", metrics=["mae"])
    history = model.fit(np.ones((8, 3)), np.ones((8, 1)), epochs=2, verbose=0)
    assert sorted(history.history) == ["loss", "mae"]


def test_a_checkpoint_holds_a_model_of_keras(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    checkpoint = tensorflow.train.Checkpoint(model=model)
    before, path = model.get_weights(), checkpoint.save(tmp_path / "c")
    model.set_weights([w + 1 for w in before])
    checkpoint.restore(path)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_an_embedding_takes_an_input_of_the_default_dtype() -> None:
    begin = keras.Input((1,))
    model = keras.Model(begin, layers.Dense(1)(layers.Flatten()(layers.Embedding(10, 4, name="e")(begin))))
    model.compile("adam", "mse")
    model.fit(np.array([[3], [9]]), np.ones(2), epochs=2, verbose=0)
    assert model.predict(np.array([[0]]), verbose=0).shape == (1, 1)
    with pytest.raises(IndexError, match="11 in row 1"):
        model.fit(np.array([[3], [11]]), np.ones(2), verbose=0)
