"""Models in files: every layer, loss, metric and optimizer there and back, to the bit; files that are damaged or hostile."""

from __future__ import annotations

import functools
import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jitgrad
from jitgrad import layers, losses, metrics, optimizers
from jitgrad.arguments import Described, class_name
from jitgrad.errors import ArgumentError, DataError
from jitgrad.layers import activations, initializers, regularizers
from jitgrad.optimizers import schedules
from jitgrad.saving import archive

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(20, 6)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)

LAYERS: dict[str, Any] = {
    "Dense": lambda: layers.Dense(3, "relu", kernel_initializer="he_normal", kernel_regularizer=regularizers.L1L2(0.1, 0.2)),
    "Dense64": lambda: layers.Dense(3, activations.gelu, use_bias=False, dtype="float64", kernel_constraint="max_norm"),
    "Flatten": lambda: layers.Flatten(),
    "Reshape": lambda: layers.Reshape((2, 3)),
    "Activation": lambda: layers.Activation(functools.partial(activations.sigmoid, alpha=2.0)),
    "Dropout": lambda: layers.Dropout(0.25),
    "GaussianNoise": lambda: layers.GaussianNoise(0.1),
    "BatchNormalization": lambda: layers.BatchNormalization(0.9, unbiased=True),
    "LayerNormalization": lambda: layers.LayerNormalization(),
    "Normalization": lambda: adapted(),
    "Identity": lambda: layers.Identity(),
    "Lambda": lambda: layers.Lambda(activations.squareplus, {"b": 2.0}),
    "ReLU": lambda: layers.ReLU(0.8, 0.1, 0.2),
    "LeakyReLU": lambda: layers.LeakyReLU(0.1),
    "ELU": lambda: layers.ELU(0.5),
    "PReLU": lambda: layers.PReLU(initializers.Constant(0.25), alpha_regularizer="l2"),
    "Softmax": lambda: layers.Softmax(),
    "GaussianDropout": lambda: layers.GaussianDropout(0.25),
    "AlphaDropout": lambda: layers.AlphaDropout(0.25),
    "RepeatVector": lambda: layers.RepeatVector(2),
    "GroupNormalization": lambda: layers.GroupNormalization(3, gamma_initializer=initializers.RandomUniform(0.5, 1.5)),
    "RMSNormalization": lambda: layers.RMSNormalization(),
    "UnitNormalization": lambda: layers.UnitNormalization(),
    "Rescaling": lambda: layers.Rescaling(0.5, np.arange(6.0)),
}
OTHERS = {
    "Embedding", "Concatenate", "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Dot", "Layer", "Linear",
    "Permute", "GlobalAveragePooling1D", "GlobalMaxPooling1D", "Discretization", "CategoryEncoding",
}  # fmt: skip
"""Of other inputs, below."""


def adapted() -> layers.Normalization:
    layer = layers.Normalization()
    layer.adapt(X)
    return layer


def same(a: Any, b: Any) -> None:
    """Models with the same layers, weights and results, to the bit."""
    assert [type(x) for x in a.layers] == [type(x) for x in b.layers]
    assert [x.name for x in a.layers] == [x.name for x in b.layers]
    assert [(v.name, v.trainable, v.dtype) for v in a.variables] == [(v.name, v.trainable, v.dtype) for v in b.variables]
    for u, v in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(u, v)


def test_every_layer_is_here() -> None:
    kinds = {name for name in layers.__all__ if isinstance(getattr(layers, name), type)}
    assert kinds == {name.removesuffix("64") for name in LAYERS} | OTHERS


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer(name: str, tmp_path: Path) -> None:
    jitgrad.random.seed(3)
    model = jitgrad.Sequential([LAYERS[name](), layers.Flatten(), layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=3, batch_size=8)
    model.save(tmp_path / "m.jitgrad")
    loaded = jitgrad.load_model(tmp_path / "m.jitgrad")
    same(model, loaded)
    np.testing.assert_array_equal(model.predict(X), loaded.predict(X))
    for m in (model, loaded):
        jitgrad.random.seed(1)
        m.history = m.fit(X, Y, epochs=2, batch_size=8)
    np.testing.assert_array_equal(model.history.loss, loaded.history.loss)
    same(model, loaded)
    assert model.summary() == loaded.summary()


@pytest.mark.parametrize("name", LAYERS)
def test_a_trace_and_the_native_loop_are_the_layer_as_it_predicts(name: str) -> None:
    jitgrad.random.seed(3)
    model = jitgrad.Sequential([LAYERS[name](), layers.Flatten(), layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(X, np.eye(2)[Y], epochs=3, batch_size=8)
    recorded = np.asarray(model(X))
    np.testing.assert_allclose(model.predict(X), recorded, rtol=1e-6, atol=1e-6)
    assert model.evaluate(X, np.eye(2)[Y]) == pytest.approx(
        float(np.mean((recorded - np.eye(2)[Y]) ** 2)) + sum(float(x) for x in model.losses), rel=1e-5
    )


class Branches(jitgrad.Model):
    """Layers on attributes, in lists and dicts, with inputs of other kinds."""

    def __init__(self, units: int, names: Any = ("a", "b"), name: str | None = None) -> None:
        super().__init__(name=name)
        self.words = layers.Embedding(10, units, embeddings_regularizer="l2")
        self.parts = {key: [layers.Dense(units, "tanh"), layers.Dense(units)] for key in names}
        self.join, self.sum = layers.Concatenate(), layers.Add()
        self.out = layers.Dense(2, "softmax")

    def call(self, x: Any, training: bool = False) -> Any:
        words = self.words(x["word"])
        made = [second(first(x["row"])) for first, second in self.parts.values()]
        return self.out(self.join([words, self.sum(made)]))


def test_a_model_of_a_class_of_ones_own(tmp_path: Path) -> None:
    jitgrad.random.seed(0)
    x = {"word": np.arange(20) % 10, "row": X}
    model = Branches(4, names=("left", "right"))
    model.compile(optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, Y, epochs=2)
    model.out.trainable = False
    path = tmp_path / "m.jitgrad"
    model.save(path)
    loaded = jitgrad.load_model(path)
    assert isinstance(loaded, Branches)
    assert not loaded.out.trainable
    same(model, loaded)
    np.testing.assert_array_equal(model.predict(x), loaded.predict(x))
    assert model.evaluate(x, Y) == loaded.evaluate(x, Y)
    del Described.classes["custom:Branches"]
    try:
        with pytest.raises(DataError, match="Import it first, or pass it in custom_objects"):
            jitgrad.load_model(path)
        same(model, jitgrad.load_model(path, custom_objects={"Branches": Branches}))
    finally:
        Described.classes["custom:Branches"] = Branches


class Merged(jitgrad.Model):
    """All layers that take several inputs, or others than rows of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.merges = [
            layers.Subtract(), layers.Multiply(), layers.Average(), layers.Maximum(), layers.Minimum(), layers.Dot(1, True),
        ]  # fmt: skip
        self.steps = [layers.Permute((2, 1)), layers.GlobalAveragePooling1D(), layers.GlobalMaxPooling1D()]
        self.bins, self.columns = layers.Discretization([-1.0, 0.0, 1.0]), layers.CategoryEncoding(4, "count")
        self.join, self.out = layers.Concatenate(), layers.Dense(2, "softmax")

    def call(self, x: Any) -> Any:
        made = [layer([x, 0.5 * x]) for layer in self.merges]
        steps = self.steps[0](jitgrad.reshape(x, (x.shape[0], 2, 3)))
        return self.out(self.join([*made, *(layer(steps) for layer in self.steps[1:]), self.columns(self.bins(x))]))


def test_layers_of_several_inputs(tmp_path: Path) -> None:
    jitgrad.random.seed(0)
    model = Merged()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=2)
    model.save(tmp_path / "m.jitgrad")
    loaded = jitgrad.load_model(tmp_path / "m.jitgrad")
    same(model, loaded)
    np.testing.assert_array_equal(model.predict(X), loaded.predict(X))
    assert model.fit(X, Y, seed=1).loss[0] == loaded.fit(X, Y, seed=1).loss[0]


def test_each_class_has_a_name_of_its_own() -> None:
    """A file knows a class by its name."""

    def below(kind: type) -> list[type]:
        return [x for sub in kind.__subclasses__() for x in (sub, *below(sub))]

    own = {kind for kind in below(Described) if kind.__module__.startswith("jitgrad.")}
    names = [class_name(kind) for kind in own]
    assert [name for name in names if names.count(name) > 1] == []


def test_a_lambda_has_no_name(tmp_path: Path) -> None:
    model = jitgrad.Sequential([layers.Lambda(lambda x: 2 * x), layers.Dense(1)])
    model.build((None, 6))
    with pytest.raises(ArgumentError, match=r"argument function of layer .* is <function .*lambda.*, which cannot be saved"):
        model.save(tmp_path / "m.jitgrad")


OPTIMIZERS: dict[str, Any] = {
    **optimizers.OPTIMIZERS,
    "momentum": lambda: optimizers.SGD(0.01, momentum=0.9, nesterov=True, clipnorm=1.0),
    "schedule": lambda: optimizers.Adam(schedules.CosineDecay(0.01, 100, warmup=3)),
    "piecewise": lambda: optimizers.RMSprop(schedules.PiecewiseConstant([3, 6], [0.1, 0.01, 0.001]), centered=True),
    "cycle": lambda: optimizers.AdamW(schedules.OneCycle(0.01, 50), weight_decay=0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_goes_on(name: str, tmp_path: Path) -> None:
    jitgrad.random.seed(0)
    model = jitgrad.Sequential([layers.Dense(4, "tanh"), layers.Dense(1)])
    model.compile(OPTIMIZERS[name](), "mse")
    batch = None if name == "lbfgs" else 7
    model.fit(X, X[:, 1], batch_size=batch, epochs=4, seed=1)
    model.save(tmp_path / "m.jitgrad")
    loaded = jitgrad.load_model(tmp_path / "m.jitgrad")
    assert loaded.optimizer.learning_rate == model.optimizer.learning_rate
    first = model.fit(X, X[:, 1], batch_size=batch, epochs=8, initial_epoch=4, seed=1)
    second = loaded.fit(X, X[:, 1], batch_size=batch, epochs=8, initial_epoch=4, seed=1)
    np.testing.assert_array_equal(first.loss, second.loss)
    same(model, loaded)
    plain = jitgrad.load_model(tmp_path / "m.jitgrad", compile=False)
    with pytest.raises(ArgumentError, match="is not compiled"):
        plain.fit(X, Y)


def worst(target: Any, prediction: Any) -> Any:
    return jitgrad.max(jitgrad.abs(target - prediction), axis=-1)


@pytest.mark.parametrize("loss", [*losses.LOSSES, functools.partial(losses.huber, delta=0.5), worst])
def test_every_loss(loss: Any, tmp_path: Path) -> None:
    jitgrad.random.seed(0)
    sparse, nll = loss == "sparse_categorical_crossentropy", loss == "gaussian_nll"
    model = jitgrad.Sequential([layers.Dense(2 if sparse else 4 if nll else 3, "softmax")])
    model.compile("sgd", loss, weighted_metrics=["mae"] if not (sparse or nll) else [])
    target = Y if sparse else np.abs(X[:, : 2 if nll else 3]) / 10 + 0.01
    if loss in ("hinge", "squared_hinge", "categorical_hinge"):
        target = (X[:, :3] > 0) * 1.0
    model.fit(X, target, epochs=1)
    model.save(tmp_path / "m.jitgrad")
    loaded = jitgrad.load_model(tmp_path / "m.jitgrad", custom_objects={"worst": worst})
    assert model.evaluate(X, target, return_dict=True) == loaded.evaluate(X, target, return_dict=True)


def test_every_metric(tmp_path: Path) -> None:
    jitgrad.random.seed(0)
    model = jitgrad.Sequential([layers.Dense(2, "softmax")])
    of_other_targets = {
        "categorical_accuracy", "binary_accuracy", "r2", "rmse", "top_k_categorical_accuracy", "cosine", "true_positives",
        "false_positives", "true_negatives", "false_negatives",
    }  # fmt: skip
    chosen = [*(name for name in metrics.METRICS if name not in of_other_targets), metrics.F1("weighted", name="mine")]
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=chosen)
    model.fit(X, Y)
    model.save(tmp_path / "m.jitgrad")
    expected, found = (m.evaluate(X, Y, return_dict=True) for m in (model, jitgrad.load_model(tmp_path / "m.jitgrad")))
    assert list(expected) == list(found)
    for name, value in expected.items():
        np.testing.assert_array_equal(value, found[name])


def test_metrics_of_elements(tmp_path: Path) -> None:
    model = jitgrad.Sequential([layers.Dense(2, "sigmoid")])
    chosen = [
        "cosine", "true_positives", "false_positives", "true_negatives", metrics.FalseNegatives([0.2, 0.7]),
        metrics.ElementPrecision(top_k=1), metrics.ElementRecall(0.4, class_id=1), metrics.SensitivityAtSpecificity(0.5),
        metrics.SpecificityAtSensitivity(0.5, 10), metrics.PrecisionAtRecall(0.5, class_id=0),
        metrics.RecallAtPrecision(0.5, class_id=0), metrics.FBeta("macro", 2.0, 0.4),
    ]  # fmt: skip
    model.compile("sgd", "binary_crossentropy", metrics=chosen)
    target = (X[:, :2] > 0) * 1.0
    model.fit(X, target)
    model.save(tmp_path / "m.jitgrad")
    expected, found = (m.evaluate(X, target, return_dict=True) for m in (model, jitgrad.load_model(tmp_path / "m.jitgrad")))
    assert list(expected) == list(found) and len(found) == 1 + len(chosen)
    for name, value in expected.items():
        np.testing.assert_array_equal(value, found[name])


@pytest.mark.parametrize("name", [*initializers.INITIALIZERS])
def test_every_initializer_by_name_and_as_a_function(name: str, tmp_path: Path) -> None:
    for given_as in (name, initializers.INITIALIZERS[name]):
        model = jitgrad.Sequential([jitgrad.Input((6,)), layers.Dense(3, kernel_initializer=given_as)])
        model.save(tmp_path / "m.jitgrad")
        same(model, jitgrad.load_model(tmp_path / "m.jitgrad"))


def test_an_input_keeps_the_shape(tmp_path: Path) -> None:
    model = jitgrad.Sequential(
        [jitgrad.Input((28, 28)), layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(10, "softmax")]
    )
    model.save(tmp_path / "m.jitgrad")
    state = jitgrad.random.get_state()
    loaded = jitgrad.load_model(tmp_path / "m.jitgrad")
    assert repr(jitgrad.random.get_state()) == repr(state)
    assert loaded.summary() == model.summary()
    loaded.add(layers.Dense(3))
    assert loaded.count_params() == 101770 + 33


def test_an_unbuilt_model(tmp_path: Path) -> None:
    jitgrad.Sequential([layers.Dense(3), layers.Dense(2)]).save(tmp_path / "m.jitgrad")
    assert jitgrad.load_model(tmp_path / "m.jitgrad").predict(X).shape == (20, 2)


def test_weights_alone(tmp_path: Path) -> None:
    def make(units: int = 3) -> jitgrad.Sequential:
        model = jitgrad.Sequential([layers.Dense(units), layers.BatchNormalization()])
        model(X)
        return model

    first, second, other = make(), make(), make(4)
    first.save_weights(tmp_path / "w")
    second.load_weights(tmp_path / "w")
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    before = other.get_weights()
    with pytest.raises(DataError, match=r"do not fit .* has shape \(6, 4\), but an array of shape \(6, 3\) is given"):
        other.load_weights(tmp_path / "w")
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    first.save(tmp_path / "m")
    second.load_weights(tmp_path / "m")
    with pytest.raises(DataError, match="do not fit"):
        jitgrad.Sequential([layers.Dense(3)]).load_weights(tmp_path / "w")


def test_the_file_is_safetensors(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    model = jitgrad.Sequential([layers.Dense(3, name="first")])
    model(X)
    model.save(tmp_path / "m.jitgrad")
    arrays = safetensors.load_file(tmp_path / "m.jitgrad")
    np.testing.assert_array_equal(arrays["weights/first/kernel"], model.layers[0].kernel.numpy())
    assert [p.name for p in tmp_path.iterdir()] == ["m.jitgrad"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Dense(1, lambda x: x), "argument activation of layer 'dense.*' is <function .*cannot be saved"),
        (lambda: layers.Dense(1, kernel_initializer=lambda s, d: np.zeros(s)), "argument kernel_initializer"),
    ],
)
def test_what_has_no_name_cannot_be_saved(make: Any, message: str, tmp_path: Path) -> None:
    model = jitgrad.Sequential([make()])
    with pytest.raises(ArgumentError, match=message):
        model.save(tmp_path / "m.jitgrad")
    assert not list(tmp_path.iterdir())


# Files that are not what they should be.


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("saved") / "m.jitgrad"
    model = jitgrad.Sequential([layers.Dense(3, "relu"), layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y)
    model.save(path)
    return path.read_bytes()


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file"):
        jitgrad.load_model(tmp_path / "none")
    for content in (b"", b"hello, world, this is no model", b"\x80\x04\x95pickle.", bytes(1000)):
        (tmp_path / "f").write_bytes(content)
        with pytest.raises(DataError, match="is damaged or is not a jitgrad file"):
            jitgrad.load_model(tmp_path / "f")
    from safetensors.numpy import save_file

    save_file({"a": np.ones(3)}, tmp_path / "s")
    with pytest.raises(DataError, match="not a jitgrad file, or was written by another version"):
        jitgrad.load_model(tmp_path / "s")
    jitgrad.Sequential([layers.Dense(1)]).save_weights(tmp_path / "w")
    with pytest.raises(DataError, match="cannot be loaded as a model"):
        jitgrad.load_model(tmp_path / "w")


@given(part=st.floats(0, 1, exclude_max=True))
@settings(max_examples=50, deadline=None)
def test_truncated_files(whole: bytes, tmp_path_factory: pytest.TempPathFactory, part: float) -> None:
    path = tmp_path_factory.getbasetemp() / "truncated"
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(DataError):
        jitgrad.load_model(path)


def test_every_byte_of_the_header_may_be_wrong(whole: bytes, tmp_path: Path) -> None:
    """Whatever stands there, it is a clear error or a model, and no other exception."""
    (size,) = struct.unpack("<Q", whole[:8])
    path = tmp_path / "f"
    for place in np.random.default_rng(0).integers(0, 8 + size, 300):
        for byte in (0, 34, 57, 255):
            path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
            try:
                jitgrad.load_model(path)
            except DataError:
                continue


def changed(whole: bytes, path: Path, change: Any) -> None:
    """Write the file with another document."""
    path.write_bytes(whole)
    document = archive.read(path)
    change(document)
    archive.write(path, document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["model"].update({"class": "os.system"}), "class 'os.system' is unknown"),
        (lambda d: d["model"].update({"class": "Denes"}), "Did you mean 'Dense'"),
        (lambda d: d["model"].update({"class": "SGD", "number": 0, "arguments": {}}), "it contains an object of class SGD"),
        (lambda d: d["model"]["arguments"]["layers"][0]["arguments"].update(units=10**9), "exceeds the weights|is given"),
        (lambda d: d["model"]["arguments"]["layers"][0]["arguments"].update(units=4), "exceeds the weights|is given"),
        (lambda d: d["model"]["arguments"]["layers"][0]["arguments"].update(units="x"), "units is 'x'"),
        (lambda d: d["model"]["arguments"]["layers"][0]["arguments"].update(unit=4), "unit"),
        (lambda d: d["model"]["arguments"]["layers"].pop(), "has 1 layers, but 2 in the file"),
        (lambda d: d["built"]["layers"][0].update(input_shape=[10**12]), "exceeds the weights in the file"),
        (lambda d: d["weights"].update({"dense/kernel": np.ones((6, 3), np.int64)}), "weights, but|int64 in the file"),
        (lambda d: d.pop("weights"), "weights"),
        (lambda d: d.update(model=7), "it contains an object of class int"),
        (lambda d: d["compiled"]["arguments"].update(optimizer={"tuple": []}), "optimizer"),
        (lambda d: d["compiled"]["arguments"].update(loss={"function": "custom:evil"}), "function 'evil' is unknown"),
        (lambda d: d["compiled"]["state"]["fitted"].append(99), "cannot be loaded as a model"),
        (lambda d: d["compiled"]["state"]["kept"].__setitem__(0, [np.zeros(0, np.float32)]), r"has shape \(0,\)"),
        (lambda d: d["compiled"]["state"]["kept"].__setitem__(0, [np.zeros(3)]), "dtype float64"),
        (lambda d: d["compiled"]["state"]["kept"][0].append(np.zeros(3)), "has 1 arrays of state, and 2 are given"),
        (lambda d: d["compiled"]["state"]["kept"].pop(), "cannot be loaded as a model"),
        (
            lambda d: d["compiled"]["arguments"]["optimizer"]["arguments"].update(
                learning_rate={"class": "OneCycle", "number": 9, "arguments": {"rate": 1, "steps": 2, "rise": 0.5}}
            ),
            "rise is 0.5 with 2 steps",
        ),
        (lambda d: d["compiled"]["state"].update(hyperparameters=np.ones(99)), r"has shape \(99,\)"),
    ],
)  # fmt: skip
def test_hostile_files(change: Any, message: str, whole: bytes, tmp_path: Path) -> None:
    changed(whole, tmp_path / "f", change)
    with pytest.raises(DataError, match=message):
        jitgrad.load_model(tmp_path / "f")


def test_deep_nesting_is_an_error(tmp_path: Path) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    text = f"1 {hashlib.sha256(deep.encode()).hexdigest()}\n{deep}"
    header = json.dumps({"__metadata__": {"jitgrad": text}}).encode()
    (tmp_path / "f").write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(DataError, match="damaged"):
        jitgrad.load_model(tmp_path / "f")


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    model = jitgrad.Sequential([layers.Dense(1)])
    model.save(path)
    before = path.read_bytes()

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    model(X)
    with pytest.raises(OSError, match="No space left"):
        model.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_a_flipped_bit_is_noticed_wherever_it_is(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "f"
    for bit in np.random.default_rng(1).integers(0, 8 * len(whole), 1000):
        path.write_bytes(flipped(whole, int(bit)))
        with pytest.raises(DataError):
            jitgrad.load_model(path)


def test_the_same_model_makes_the_same_bytes(whole: bytes, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(whole)
    jitgrad.load_model(tmp_path / "f").save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == whole


def test_a_file_without_a_digest_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"weights/a": np.ones(3)}, tmp_path / "f", metadata={"format": "jitgrad 1", "document": "{}"})
    with pytest.raises(DataError, match="not a jitgrad file, or was written by another version"):
        jitgrad.load_model(tmp_path / "f")


def test_a_device_is_no_model() -> None:
    with pytest.raises(DataError, match="is a device or a pipe"):
        jitgrad.load_model("/dev/zero")
