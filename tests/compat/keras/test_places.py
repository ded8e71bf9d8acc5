"""What Keras keeps in files and modules: data sets, utilities, ``keras.ops``."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.tensorflow as tf
from jitgrad.compat import keras
from jitgrad.compat.keras import layers, ops
from jitgrad.compat.keras.datasets import loading
from jitgrad.compat.keras.utils import files


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets" / "fashion-mnist").mkdir(parents=True)
    return tmp_path / "datasets"


def write_idx(path: Path, array: np.ndarray) -> None:
    head = b"\0\0\x08" + bytes([array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    with gzip.open(path, "wb") as file:
        file.write(head + array.tobytes())


def test_fashion_mnist_is_read_where_keras_keeps_it(home: Path) -> None:
    images, labels = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 28, 28), np.array([1, 2, 3], np.uint8)
    for part in ("train", "t10k"):
        write_idx(home / "fashion-mnist" / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(home / "fashion-mnist" / f"{part}-labels-idx1-ubyte.gz", labels)
    (x, y), (test_x, test_y) = keras.datasets.fashion_mnist.load_data()
    assert np.array_equal(x, images)
    assert np.array_equal(test_y, labels)
    assert (x.dtype, y.shape, test_x.shape) == (np.uint8, (3,), (3, 28, 28))
    (home / "fashion-mnist" / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"\0\0\x08\x03nothing"))
    with pytest.raises(ValueError, match="not a complete IDX file"):
        keras.datasets.fashion_mnist.load_data()


def test_arrays_in_files_are_read_without_pickle(home: Path) -> None:
    x = np.arange(100.0).reshape(50, 2)
    np.savez(home / "boston_housing.npz", x=x, y=x[:, 0])
    (train, targets), (test, _) = keras.datasets.boston_housing.load_data()
    assert (train.shape, test.shape) == ((40, 2), (10, 2))
    assert np.array_equal(train[:, 0], targets)
    order = np.arange(50)
    np.random.RandomState(113).shuffle(order)
    assert np.array_equal(train, x[order[:40]])
    np.savez(home / "mnist.npz", x_train=x, y_train=x, x_test=x)
    with pytest.raises(ValueError, match="no array 'y_test'"):
        keras.datasets.mnist.load_data()
    np.savez(home / "california_housing.npz", x=np.array([{}], object), y=x)
    with pytest.raises(ValueError, match="cannot be read"):
        keras.datasets.california_housing.load_data()


def test_without_network_the_error_says_what_to_put_where(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_FROM", "http://127.0.0.1:9/")
    with pytest.raises(ValueError, match="cannot be downloaded") as error:
        keras.datasets.mnist.load_data()
    assert str(home / "mnist.npz") in str(error.value)
    assert not list(home.glob("mnist*"))


def test_files_are_downloaded_whole_and_of_the_right_digest(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = home / "source.bin"
    source.write_bytes(b"content" * 1000)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    path = keras.utils.get_file("got.bin", source.as_uri(), file_hash=digest)
    assert Path(path).read_bytes() == source.read_bytes()
    assert path == str(home / "got.bin")
    assert "7000/7000 " + "━" * 20 in capsys.readouterr().out
    with pytest.raises(ValueError, match="has the digest"):
        files.download(source.as_uri(), home / "bad.bin", "0" * 64)
    assert not (home / "bad.bin").exists()


def test_utilities() -> None:
    assert np.array_equal(keras.utils.to_categorical([0, 2, 1]), np.eye(3)[[0, 2, 1]])
    assert keras.utils.to_categorical(np.array([[1], [0]]), 4).shape == (2, 4)
    with pytest.raises(ValueError, match="num_classes is 2"):
        keras.utils.to_categorical([0, 2], 2)
    assert np.allclose(keras.utils.normalize([[3.0, 4.0]]), [[0.6, 0.8]])
    assert keras.utils.is_keras_tensor(keras.Input((1,)))
    keras.utils.set_random_seed(5)
    first = layers.Dense(3)(np.ones((1, 2))).numpy()
    keras.utils.set_random_seed(5)
    assert np.array_equal(first, layers.Dense(3)(np.ones((1, 2))).numpy())


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda x: ops.sum(x, axis=-1), [3.0, 7.0]),
        (lambda x: ops.concatenate([x, x], axis=-1), [[1, 2, 1, 2], [3, 4, 3, 4]]),
        (lambda x: ops.take(x, [1], axis=0), [[3.0, 4.0]]),
        (lambda x: ops.split(x, [1], axis=1)[1], [[2.0], [4.0]]),
        (lambda x: ops.dot(x, x), [[7.0, 10.0], [15.0, 22.0]]),
        (lambda x: ops.full((2,), 3), [3.0, 3.0]),
        (lambda x: ops.one_hot([1], 3), [[0.0, 1.0, 0.0]]),
        (lambda x: ops.relu(x - 2), [[0.0, 0.0], [1.0, 2.0]]),
        (lambda x: ops.std(x), 1.118034),
    ],
)
def test_ops(made: Any, expected: Any) -> None:
    assert np.allclose(made(ops.convert_to_tensor([[1.0, 2.0], [3.0, 4.0]])), expected)


@pytest.mark.parametrize(
    "made",
    [
        lambda a, b: tf.nn.relu(a) + tf.constant(1.0),
        lambda a, b: tf.concat([a, b], 1)[:, 1:3],
        lambda a, b: tf.reduce_mean(a, axis=1, keepdims=True) * tf.ones((3,)),
        lambda a, b: tf.where(a > b, a, b) - tf.square(a) / (1 + tf.abs(b)),
        lambda a, b: ops.matmul(a, ops.ones((3, 2))) ** 2,
        lambda a, b: 1 - keras.activations.softmax(tf.stack([a, b], 1)),
    ],
)
def test_functions_on_symbols_are_models(made: Any, tmp_path: Path) -> None:
    a, b = keras.Input((3,)), keras.Input((3,))
    model = keras.Model([a, b], made(a, b))
    x, y = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    expected = np.asarray(made(tf.constant(x), tf.constant(y)))
    assert np.allclose(model.predict([x, y], verbose=0), expected, atol=1e-6)
    assert model.output.shape == (None, *expected.shape[1:])
    model.save(tmp_path / "symbols.keras")
    assert np.allclose(keras.models.load_model(tmp_path / "symbols.keras").predict([x, y], verbose=0), expected, atol=1e-6)
