"""Pictures: their contents, and errors that say what to do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import layers, pictures
from jitgrad.errors import ArgumentError, MissingError, ShapeError
from jitgrad.models.connections import connections

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

X = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
Y = np.arange(40) % 2


def fitted() -> tuple[jitgrad.Sequential, Any]:
    jitgrad.random.seed(0)
    model = jitgrad.Sequential([layers.Dense(4, "relu"), layers.Dropout(0.1), layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy", "confusion_matrix"])
    return model, model.fit(X, Y, epochs=3, validation_split=0.25)


def texts(figure: Any) -> list[str]:
    return [t.get_text() for axis in figure.axes for t in axis.texts]


def test_curves(tmp_path: Path) -> None:
    _, history = fitted()
    figure = pictures.curves(history, tmp_path / "c.png")
    assert [axis.get_title() for axis in figure.axes] == ["loss", "accuracy"]
    drawn = figure.axes[0].lines
    np.testing.assert_array_equal(drawn[0].get_ydata(), history.loss)
    np.testing.assert_array_equal(drawn[1].get_ydata(), history.metrics["val_loss"])
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == ["training", "validation"]
    assert (tmp_path / "c.png").read_bytes()[:4] == b"\x89PNG"
    both = pictures.curves({"a": history, "b": history})
    assert [t.get_text() for t in both.axes[0].get_legend().get_texts()][2:] == ["b training", "b validation"]


def test_predicted_against_true() -> None:
    figure = pictures.predicted(np.array([1.0, 2.0, 3.0]), np.array([[1.1], [2.2], [2.9]]), name="height")
    assert figure.axes[0].get_ylabel() == "predicted height"
    np.testing.assert_array_equal(figure.axes[0].collections[0].get_offsets()[:, 1], [1.1, 2.2, 2.9])


def test_a_confusion_matrix() -> None:
    figure = pictures.confusion([[3, 1], [0, 4]], ["no", "yes"])
    assert texts(figure) == ["3", "1", "0", "4"]
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["no", "yes"]


def test_images_with_their_chances() -> None:
    chances = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    figure = pictures.images(np.zeros((3, 4, 4)), chances, [0, 0, 1], ["cat", "dog"], columns=2)
    labels = [axis.get_xlabel() for axis in figure.axes[::2]]
    assert labels == ["cat 90% (cat)", "dog 80% (cat)", "cat 60% (dog)", ""]


def test_a_model_as_boxes(tmp_path: Path) -> None:
    model, _ = fitted()
    figure = jitgrad.plot_model(model, tmp_path / "m.svg")
    assert "(None, 6)" in texts(figure)[-4] and texts(figure)[-1].startswith("dense")
    assert b"<svg" in (tmp_path / "m.svg").read_bytes()
    assert "None" not in " ".join(texts(jitgrad.plot_model(model, None, show_shapes=False)))


def test_the_layers_of_a_model_with_branches() -> None:
    class Net(jitgrad.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.left, self.right = (layers.Dense(3, name=n) for n in ("first", "left", "right"))
            self.join = layers.Add(name="join")

        def call(self, x: Any) -> Any:
            a = self.first(x["a"])
            return self.join([self.left(a * 2 + 1), self.right(jitgrad.concatenate([a, x["b"]], axis=1))])

    model = Net()
    model({"a": X, "b": X})
    boxes, edges = connections(model)
    names = [box.name for box in boxes]
    assert names == ["a", "b", "first", "left", "right", "join"]
    joined = {("a", "first"), ("first", "left"), ("first", "right"), ("b", "right"), ("left", "join"), ("right", "join")}
    assert {(names[i], names[j]) for i, j in edges} == joined
    assert boxes[1].shape == (6,)
    assert len(texts(jitgrad.plot_model(model, None))) >= 6


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pictures.confusion(np.ones((2, 3))), ShapeError, "is not square"),
        (lambda: pictures.confusion(np.ones((2, 2)), ["a"]), ShapeError, "1 names for 2 classes"),
        (lambda: pictures.predicted([1.0], [1.0, 2.0]), ShapeError, "1 true values and 2 predictions"),
        (lambda: pictures.images(np.ones((2, 3)), np.ones((2, 2)), [0, 1]), ShapeError, "do not match"),
        (lambda: pictures.predicted([1.0], [1.0], "picture.bmpp"), ArgumentError, "extension of an image format. Use .png"),
        (lambda: jitgrad.plot_model(jitgrad.Sequential([layers.Dense(1)])), ArgumentError, "is not built"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingError, match=r"Run: pip install 'jitgrad\[plot\]'"):
        pictures.predicted([1.0], [1.0])
