"""Layers: values, gradients, shapes, weights, freezing, and what wrong use says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

import jitgrad
from jitgrad import layers
from jitgrad.errors import ArgumentError, DataError, IndexingError, ShapeError
from jitgrad.layers import activations, initializers

X = np.random.default_rng(0).normal(size=(5, 4))

MAKE: dict[str, Callable[[], layers.Layer]] = {
    "Dense": lambda: layers.Dense(3, "tanh", dtype="float64"),
    "Dense without bias": lambda: layers.Dense(3, use_bias=False, dtype="float64"),
    "Flatten": lambda: layers.Flatten(dtype="float64"),
    "Reshape": lambda: layers.Reshape((2, -1), dtype="float64"),
    "Activation": lambda: layers.Activation("gelu", dtype="float64"),
    "Dropout": lambda: layers.Dropout(0.5, dtype="float64"),
    "GaussianNoise": lambda: layers.GaussianNoise(0.5, dtype="float64"),
    "BatchNormalization": lambda: layers.BatchNormalization(dtype="float64"),
    "LayerNormalization": lambda: layers.LayerNormalization(dtype="float64"),
    "Normalization": lambda: adapted(),
    "BatchNormalization bare": lambda: layers.BatchNormalization(center=False, scale=False, dtype="float64"),
    "GroupNormalization": lambda: layers.GroupNormalization(2, dtype="float64"),
    "RMSNormalization": lambda: layers.RMSNormalization(dtype="float64"),
    "UnitNormalization": lambda: layers.UnitNormalization(dtype="float64"),
    "PReLU": lambda: layers.PReLU("normal", dtype="float64"),
    "ReLU": lambda: layers.ReLU(0.8, 0.1, 0.2, dtype="float64"),
    "LeakyReLU": lambda: layers.LeakyReLU(dtype="float64"),
    "ELU": lambda: layers.ELU(0.5, dtype="float64"),
    "Softmax": lambda: layers.Softmax(dtype="float64"),
    "RepeatVector": lambda: layers.RepeatVector(3, dtype="float64"),
    "Rescaling": lambda: layers.Rescaling(0.5, 1.0, dtype="float64"),
    "Lambda": lambda: layers.Lambda(jitgrad.sin, dtype="float64"),
    "Identity": lambda: layers.Identity(dtype="float64"),
    "GaussianDropout": lambda: layers.GaussianDropout(0.5, dtype="float64"),
}


def adapted() -> layers.Normalization:
    layer = layers.Normalization(dtype="float64")
    layer.adapt(2 * X + 1)
    return layer


@pytest.mark.parametrize("name", MAKE)
def test_gradients_by_input_and_weights(name: str) -> None:
    layer = MAKE[name]()
    layer(X)
    start = [v.numpy() for v in layer.trainable_variables]

    def f(x: Any, weights: Any) -> Any:
        for v, w in zip(layer.trainable_variables, weights, strict=True):
            v.assign(w)
        jitgrad.random.seed(0)
        return layer(x, training=name != "Dropout")

    jitgrad.check_grads(lambda x: f(x, start), (X,), order=1, rtol=1e-5, atol=1e-5)
    weight = np.random.default_rng(1).normal(size=f(X, start).shape)
    with jitgrad.GradientTape() as tape:
        jitgrad.random.seed(0)
        y = jitgrad.sum(layer(X, training=name != "Dropout") * weight)
    found = tape.gradient(y, layer.trainable_variables)
    for k, g in enumerate(found):
        direction = np.random.default_rng(2).normal(size=start[k].shape)
        up, down = ([w + s * 1e-6 * direction if i == k else w for i, w in enumerate(start)] for s in (1, -1))
        difference = (np.sum(f(X, up).numpy() * weight) - np.sum(f(X, down).numpy() * weight)) / 2e-6
        assert np.sum(g.numpy() * direction) == pytest.approx(difference, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", MAKE)
def test_traced_and_recorded_are_equal_and_rows_may_differ(name: str) -> None:
    layer = MAKE[name]()
    traced = jitgrad.function(layer)
    np.testing.assert_array_equal(traced(X).numpy(), layer(X).numpy())
    assert layer(X[:2]).shape[0] == 2
    assert layer.output_shape == layer(X).shape[1:]


def test_batch_normalization_has_keras_and_pytorchs_statistics() -> None:
    for unbiased in (False, True):
        layer = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, unbiased=unbiased, dtype="float64")
        y = layer(X, training=True).numpy()
        np.testing.assert_allclose(y, (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-5), rtol=1e-10)
        np.testing.assert_allclose(layer.moving_mean.numpy(), 0.1 * X.mean(0), rtol=1e-12)
        np.testing.assert_allclose(layer.moving_variance.numpy(), 0.9 + 0.1 * X.var(0, ddof=unbiased), rtol=1e-12)
        before = layer.moving_mean.numpy()
        expected = (X - before) / np.sqrt(layer.moving_variance.numpy() + 1e-5)
        np.testing.assert_allclose(layer(X).numpy(), expected, rtol=1e-10)
        np.testing.assert_array_equal(layer.moving_mean.numpy(), before)


def test_batch_normalization_in_the_native_loop() -> None:
    layer = layers.BatchNormalization(momentum=0.5, dtype="float64")
    layer(X)
    optimizer = jitgrad.optimizers.SGD(0.01)
    jitgrad.fit(lambda x: jitgrad.mean(layer(x, training=True) ** 2), X, optimizer, epochs=60, batch_size=None)
    np.testing.assert_allclose(layer.moving_mean.numpy(), X.mean(0), rtol=1e-10)
    np.testing.assert_allclose(layer.moving_variance.numpy(), X.var(0), rtol=1e-10)
    assert (layer.gamma.numpy() < 1).all()


def test_dropout_and_noise_act_in_training_alone() -> None:
    jitgrad.random.seed(0)
    ones = np.ones((100, 100))
    dropped = layers.Dropout(0.25)(ones, training=True).numpy()
    assert set(np.unique(dropped).round(6)) == {0.0, round(4 / 3, 6)}
    assert abs((dropped == 0).mean() - 0.25) < 0.02
    noisy = layers.GaussianNoise(0.5)(ones, training=True).numpy()
    assert abs(noisy.std() - 0.5) < 0.02
    for layer in (layers.Dropout(0.25), layers.GaussianNoise(0.5)):
        np.testing.assert_array_equal(layer(ones).numpy(), ones)


def test_embedding_normalization_and_branches() -> None:
    embedding = layers.Embedding(5, 3)
    rows = embedding(np.array([[0, 4], [2, 2]]))
    assert rows.shape == (2, 2, 3)
    np.testing.assert_array_equal(rows.numpy()[1, 0], embedding.embeddings.numpy()[2])
    normal = layers.Normalization(dtype="float64")
    normal.adapt(np.c_[X, np.ones(5)])
    np.testing.assert_allclose(normal(np.c_[X, np.ones(5)]).numpy()[:, :4], (X - X.mean(0)) / X.std(0), rtol=1e-12)
    assert (normal(np.c_[X, np.ones(5)]).numpy()[:, 4] == 0).all()
    a, b = jitgrad.tensor(X), jitgrad.tensor(2 * X)
    np.testing.assert_array_equal(layers.Add()([a, b]).numpy(), 3 * X)
    np.testing.assert_array_equal(layers.Concatenate()([a, b]).numpy(), np.c_[X, 2 * X])


REFERENCE: dict[str, Any] = {
    "linear": lambda x: x, "step": lambda x: (x >= 0) * 1.0, "sigmoid": special.expit, "tanh": np.tanh,
    "softplus": lambda x: np.log1p(np.exp(x)), "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x), "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "gelu": lambda x: x * special.ndtr(x), "silu": lambda x: x * special.expit(x), "swish": lambda x: x * special.expit(x),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))), "softmax": lambda x: special.softmax(x, -1),
    "log_softmax": lambda x: special.log_softmax(x, -1), "exponential": np.exp,
    "celu": lambda x: np.where(x > 0, x, np.expm1(x)), "relu6": lambda x: np.clip(x, 0, 6),
    "hard_tanh": lambda x: np.clip(x, -1, 1), "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1), "hard_swish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "softsign": lambda x: x / (1 + np.abs(x)), "log_sigmoid": special.log_expit, "tanh_shrink": lambda x: x - np.tanh(x),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4)),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1), "squareplus": lambda x: (x + np.sqrt(x**2 + 4)) / 2,
    "glu": lambda x: x[..., : x.shape[-1] // 2] * special.expit(x[..., x.shape[-1] // 2 :]),
    "softmin": lambda x: special.softmax(-x, -1),
}  # fmt: skip


@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_activations(name: str) -> None:
    f = activations.get(name)
    np.testing.assert_allclose(np.asarray(f(X)), REFERENCE[name](X), rtol=1e-13, atol=1e-15)
    jitgrad.check_grads(f, (X,), order=2, rtol=1e-4, atol=1e-4)
    assert np.isfinite(np.asarray(jitgrad.grad(lambda x: jitgrad.sum(f(x)))(np.array([-700.0, 300.0])))).all()


def test_activations_with_parameters() -> None:
    np.testing.assert_allclose(activations.sigmoid(X, alpha=2.0).numpy(), special.expit(2 * X))
    np.testing.assert_allclose(activations.tanh(X, alpha=0.5).numpy(), np.tanh(X / 2))
    approximate = activations.gelu(X, approximate=True).numpy()
    np.testing.assert_allclose(approximate, X * special.ndtr(X), atol=1e-3)


@pytest.mark.parametrize("name", initializers.INITIALIZERS)
def test_initializers(name: str) -> None:
    values = initializers.get(name)((300, 200), np.random.default_rng(0))
    variance = {"glorot": 2 / 500, "he": 2 / 300, "lecun": 1 / 300, "fan": 1 / 900, "normal": 0.05**2, "uniform": 0.05**2 / 3}
    kind = name.split("_")[0]
    if kind in variance:
        assert values.var() == pytest.approx(variance[kind], rel=0.02)
    elif name == "truncated_normal":
        assert np.abs(values).max() <= 0.1 and values.std() == pytest.approx(0.05 * 0.8796, rel=0.02)
    elif name == "identity":
        np.testing.assert_array_equal(values, np.eye(300, 200))
    elif name == "orthogonal":
        np.testing.assert_allclose(values.T @ values, np.eye(200), atol=1e-12)
    else:
        assert (values == (name == "ones")).all()


def test_weights_are_found_frozen_and_set() -> None:
    class Net(jitgrad.Model):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = [layers.Dense(3), layers.BatchNormalization()]
            self.named = {"out": layers.Dense(2)}
            self.scale = jitgrad.Variable(np.float32(1.0))

        def call(self, x: Any, training: bool = False) -> Any:
            return self.scale * self.named["out"](self.blocks[1](self.blocks[0](x), training))

    net = Net()
    assert net(X).shape == (5, 2)
    assert len(net.variables) == 9 and len(net.trainable_variables) == 7
    assert net.count_params() == 15 + 12 + 8 + 1
    weights = net.get_weights()
    other = Net()
    other(X)
    other.set_weights(weights)
    np.testing.assert_array_equal(other(X).numpy(), net(X).numpy())
    net.blocks[1].trainable = False
    assert len(net.trainable_variables) == 5
    net.trainable = False
    assert net.trainable_variables == []
    net.trainable = True
    assert len(net.trainable_variables) == 7
    frozen = layers.Dense(2, trainable=False)
    frozen(X)
    assert frozen.trainable_variables == []
    frozen.trainable = True
    assert len(frozen.trainable_variables) == 2


def test_the_classifier_of_p6_has_its_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    model = jitgrad.Sequential(
        [jitgrad.Input((28, 28)), layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(10, "softmax")]
    )
    text = model.summary()
    assert capsys.readouterr().out == text
    for number in ("0", "100,480", "1,290", "101,770", "(None, 784)", "(None, 128)", "(None, 10)"):
        assert number in text
    assert model.count_params() == 101_770
    y = model(np.zeros((4, 28, 28)))
    np.testing.assert_allclose(y.numpy().sum(1), 1, rtol=1e-6)
    assert y.dtype == np.float32


def test_the_network_of_p5_has_its_shapes() -> None:
    model = jitgrad.Sequential()
    for units in (128, 64, 32):
        for layer in (layers.Dense(units), layers.BatchNormalization(), layers.Activation("relu")):
            model.add(layer)
    model.add(layers.Dense(16, "relu"))
    model.add(layers.Dense(3))
    model(np.zeros((2, 4)))
    assert [v.shape for v in model.trainable_variables] == [
        (4, 128), (128,), (128,), (128,), (128, 64), (64,), (64,), (64,), (64, 32), (32,), (32,), (32,),
        (32, 16), (16,), (16, 3), (3,),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["L1", "L2", "L1L2"])
def test_a_penalty_may_be_nothing(kind: str) -> None:
    penalty = getattr(layers.regularizers, kind)(*[0.0] * (2 if kind == "L1L2" else 1))
    assert float(penalty(np.ones(3))) == 0
    for wrong in (-0.1, np.inf, np.nan, "x"):
        with pytest.raises(ArgumentError, match=r"l[12] is"):
            getattr(layers.regularizers, kind)(wrong)


def test_sequential_grows_and_takes_arrays() -> None:
    model = jitgrad.Sequential([layers.Dense(2, "relu", name="layer1"), layers.Dense(3, "relu", name="layer2")])
    model.add(layers.Dense(4, name="layer3"))
    assert model(np.ones((3, 3))).shape == (3, 4)
    assert [layer.name for layer in model.layers] == ["layer1", "layer2", "layer3"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.Dense(3, "rellu"), ArgumentError, "no activation 'rellu'. Did you mean 'relu'"),
        (lambda: layers.Dense(3, kernel_initializer="he")(X), ArgumentError, "no initializer 'he'"),
        (lambda: layers.Dense(0), ArgumentError, "units is 0"),
        (lambda: layers.Linear(4, 128), ArgumentError, r"Dense\(4, 128\) has two sizes, .* of the result, Dense\(128\)"),
        (lambda: layers.Lambda(3), ArgumentError, "The function of Lambda is 3. Give a function"),
        (lambda: layers.Add()(X), ArgumentError, "takes several inputs, but is called with one"),
        (lambda: layers.Subtract()([X, X, X]), ArgumentError, "takes two inputs, but is called with 3"),
        (lambda: layers.Dot(1)([X]), ArgumentError, "takes two inputs, but is called with 1"),
        (lambda: layers.Dot(0)([X, X]), ArgumentError, "axis 0 indexes the rows"),
        (lambda: layers.Permute((0, 1)), ArgumentError, r"dims is \(0, 1\)"),
        (lambda: layers.Dropout(0.5, (None,))(X, training=True), ShapeError, "noise_shape"),
        (lambda: layers.BatchNormalization(axis=2)(X), ShapeError, "has axis 2, but the input has 2 axes"),
        (lambda: layers.GroupNormalization(3)(X), ShapeError, "3 groups for 4 features"),
        (lambda: layers.Normalization(mean=1.0), ArgumentError, "requires both mean and variance"),
        (lambda: layers.Discretization([2, 1]), ArgumentError, "Give numbers in increasing order"),
        (lambda: layers.CategoryEncoding(3)(np.array([[0, 3]])), DataError, "has 3, but CategoryEncoding"),
        (lambda: layers.CategoryEncoding(3, "hot"), ArgumentError, "output_mode is 'hot'"),
        (lambda: layers.Dense(3, kernel_initializer=initializers.Constant([1.0]))(X), ShapeError, "Constant: the value"),
        (lambda: initializers.VarianceScaling(mode="fan"), ArgumentError, "no mode 'fan'. Did you mean 'fan_"),
        (lambda: initializers.IdentityMatrix()((3,), np.random.default_rng(0)), ShapeError, "is not a matrix"),
        (lambda: layers.Embedding(True, 3), ArgumentError, "input_dim is True. Give an integer"),
        (lambda: layers.Dropout(1.0), ArgumentError, "rate is 1.0"),
        (lambda: layers.Dense(3, dtype="int64"), ArgumentError, "dtype int64"),
        (lambda: layers.Dense(3).count_params(), ArgumentError, "not built"),
        (lambda: jitgrad.Sequential([layers.Dense(3)]).summary(), ArgumentError, "is not built"),
        (lambda: jitgrad.Sequential([jitgrad.exp]), ArgumentError, "is not a layer. Wrap a function in Activation"),
        (
            lambda: jitgrad.Sequential([layers.Dense(2, name="a"), layers.Dense(2, name="a")]),
            ArgumentError,
            "already has a layer 'a'",
        ),
        (lambda: layers.Normalization()(X), ArgumentError, r"Call adapt\(data\)"),
        (lambda: layers.Normalization().adapt(np.array([[np.nan]])), DataError, "nan or inf"),
        (lambda: wrong_features(), ShapeError, r"built for inputs of shape \(…, 4\), but is called with \(5, 3\)"),
        (lambda: layers.Layer()(X), NotImplementedError, "Define call"),
    ],
)
def test_wrong_use_says_what_to_do(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def wrong_features() -> None:
    layer = layers.Dense(2)
    layer(X)
    layer(X[:, :3])


def test_set_weights_that_do_not_fit_change_nothing() -> None:
    layer = layers.Dense(2)
    layer(X)
    before = layer.get_weights()
    with pytest.raises(ArgumentError, match="has 2 weights, but 1 are given"):
        layer.set_weights(before[:1])
    with pytest.raises(ShapeError, match="bias' has shape"):
        layer.set_weights([before[0] + 1, np.zeros(3)])
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])


def embedded() -> Any:
    model = jitgrad.Sequential([layers.Embedding(4, 2, name="words"), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("index", [4, 100, -1, -4])
@pytest.mark.parametrize(
    "ask",
    [
        lambda m, x: m.layers[0](x),
        lambda m, x: m(x),
        lambda m, x: m.predict(x),
        lambda m, x: m.predict(x, batch_size=2),
        lambda m, x: m.fit(x, np.zeros(len(x))),
        lambda m, x: m.fit(np.zeros_like(x), np.zeros(len(x)), validation_data=(x, np.zeros(len(x)))),
        lambda m, x: m.fit([(x[:2], np.zeros(2)), (x[2:], np.zeros(5))]),
        lambda m, x: m.evaluate(x, np.zeros(len(x))),
        lambda m, x: m.train_on_batch(x, np.zeros(len(x))),
    ],
)
def test_an_index_beyond_an_embedding_is_named_with_its_row(ask: Any, index: int) -> None:
    x = np.arange(7).reshape(-1, 1) % 4
    x[5] = index
    with pytest.raises(IndexingError, match=rf"has {index} in row [35], but Embedding 'words' has vectors for 0 to 3"):
        ask(embedded(), x)


def test_a_computed_index_beyond_an_embedding_is_nan() -> None:
    layer = layers.Embedding(4, 2)
    layer(np.array([0]))
    rows = np.asarray(jitgrad.function(lambda x: layer(x + 1))(np.array([-2, -1, 2, 3])))
    np.testing.assert_array_equal(np.isnan(rows).all(1), [True, False, False, True])
    np.testing.assert_array_equal(np.isnan(rows).any(1), [True, False, False, True])


@pytest.mark.parametrize("x", [[0.5], [1.0], [np.nan]])
def test_an_embedding_takes_integers(x: list[float]) -> None:
    for ask in (embedded(), embedded().predict, lambda x: embedded().fit(x, np.zeros(len(x)))):
        with pytest.raises(
            (IndexingError, DataError), match=r"takes integers from 0 to 3, but the input has dtype float64|nan or inf in row 0"
        ):
            ask(np.array([x]))
