"""Callbacks: what is called when, and with which metrics. The orders are those that Keras 3 prints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jitgrad.compat.tensorflow import keras

X = np.random.RandomState(0).rand(8, 3).astype("float32")
Y = X.sum(1, keepdims=True)


class Recorder(keras.callbacks.Callback):
    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []
        for name in names:
            setattr(self, name, self._noting(name))

    def _noting(self, name: str) -> Any:
        def note(*args: Any, logs: Any = None) -> None:
            numbers, found = [a for a in args if isinstance(a, int)], [a for a in (*args, logs) if isinstance(a, dict)]
            self.calls.append((name, *numbers, *(sorted(found[0]) if found else [])))

        return note


def model() -> Any:
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    made.compile("sgd", "mse", metrics=["mae"])
    return made


BOTH = ["loss", "mae"]


def test_fit_calls_what_there_is_for_the_batches_of_training_and_validation() -> None:
    recorder = Recorder(
        [
            "on_train_batch_begin",
            "on_train_batch_end",
            "on_test_begin",
            "on_test_batch_begin",
            "on_test_batch_end",
            "on_test_end",
            "on_epoch_end",
        ]
    )
    history = model().fit(X, Y, batch_size=2, epochs=2, validation_split=0.5, verbose=0, callbacks=[recorder])
    epoch = [
        ("on_train_batch_begin", 0),
        ("on_train_batch_end", 0, *BOTH),
        ("on_train_batch_begin", 1),
        ("on_train_batch_end", 1, *BOTH),
        ("on_test_begin",),
        ("on_test_batch_begin", 0),
        ("on_test_batch_end", 0, *BOTH),
        ("on_test_batch_begin", 1),
        ("on_test_batch_end", 1, *BOTH),
        ("on_test_end", *BOTH),
    ]
    ends = [("on_epoch_end", n, "loss", "mae", "val_loss", "val_mae") for n in range(2)]
    assert recorder.calls == [*epoch, ends[0], *epoch, ends[1]]
    assert sorted(history.history) == ["loss", "mae", "val_loss", "val_mae"]


@pytest.mark.parametrize("name", ["on_test_batch_begin", "on_test_batch_end"])
def test_evaluate_calls_what_there_is_for_batches(name: str) -> None:
    recorder, tested = Recorder([name]), model()
    found = tested.evaluate(X, Y, batch_size=3, verbose=0, callbacks=[recorder])
    assert [call[:2] for call in recorder.calls] == [(name, 0), (name, 1), (name, 2)]
    np.testing.assert_allclose(found, tested.evaluate(X, Y, batch_size=3, verbose=0), rtol=1e-6)


def test_predict_calls_what_there_is_for_batches() -> None:
    recorder, tested = Recorder(["on_predict_batch_begin", "on_predict_batch_end"]), model()
    made = tested.predict(X, batch_size=5, verbose=0, callbacks=[recorder])
    assert recorder.calls == [
        ("on_predict_batch_begin", 0),
        ("on_predict_batch_end", 0, "outputs"),
        ("on_predict_batch_begin", 1),
        ("on_predict_batch_end", 1, "outputs"),
    ]
    np.testing.assert_allclose(made, tested.predict(X, verbose=0), rtol=1e-6)


def test_metrics_of_a_batch_are_those_of_the_epoch_so_far() -> None:
    seen = []
    keep = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    history = model().fit(X, Y, batch_size=2, verbose=0, callbacks=[keep])
    assert len(seen) == 4
    np.testing.assert_allclose(seen[-1], history.history["loss"][0], rtol=1e-6)


def test_the_only_epoch_is_not_announced(capsys: pytest.CaptureFixture[str]) -> None:
    model().fit(X, Y, verbose=2)
    assert "Epoch" not in capsys.readouterr().out
