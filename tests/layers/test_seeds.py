"""Layers that draw numbers, with seeds of their own."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad import layers
from jitgrad.compat.tensorflow import keras

X = np.ones((16, 6), "float32")


@pytest.mark.parametrize("library", [layers, keras.layers], ids=["jitgrad", "keras"])
@pytest.mark.parametrize("name", ["Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise"])
def test_a_seeded_layer_has_numbers_of_its_own(library: Any, name: str) -> None:
    first, second, other = (getattr(library, name)(0.5, seed=seed) for seed in (7, 7, 8))
    jg.random.seed(1)
    before = jg.random.uniform(3).numpy()
    drawn = first(X, training=True).numpy()
    jg.random.seed(1)
    made = second(X, training=True).numpy()
    np.testing.assert_array_equal(before, jg.random.uniform(3).numpy())
    np.testing.assert_array_equal(made, drawn)
    assert (first(X, training=True).numpy() != drawn).any()
    assert (other(X, training=True).numpy() != drawn).any()
    assert not first.variables


def fitted(epochs: int, seed: int | None = 7, of_all: int = 1, callbacks: Any = None) -> list[float]:
    jg.random.seed(of_all)
    model = jg.models.Sequential([layers.Dropout(0.5, seed=seed), layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    history = model.fit(X, np.arange(16.0), batch_size=4, epochs=epochs, shuffle=False, seed=1, verbose=0, callbacks=callbacks)
    return np.array(history.loss).tolist()


def test_fits_with_seeded_layers_repeat() -> None:
    assert fitted(3) == fitted(3, of_all=2)
    assert fitted(3) != fitted(3, seed=8)
    assert fitted(3, None) != fitted(3, None, of_all=2)


def test_a_fit_that_goes_on_draws_what_it_would_have_drawn(tmp_path: Path) -> None:
    path = tmp_path / "fit"
    fitted(2, callbacks=[jg.callbacks.BackupAndRestore(path)])
    assert fitted(4, callbacks=[jg.callbacks.BackupAndRestore(path)]) == fitted(4)


def test_files_and_copies_keep_the_seed(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dropout(0.5, seed=7), keras.layers.Dense(1)])
    model.save(tmp_path / "m.keras")
    assert [x.layers[0].seed for x in (keras.models.load_model(tmp_path / "m.keras"), copy.deepcopy(model))] == [7, 7]
    assert model.layers[0].get_config()["seed"] == 7


def test_a_seed_generator_does_not_seed_everything() -> None:
    one, two = keras.random.SeedGenerator(3), keras.random.SeedGenerator(3)
    first = keras.random.normal((4,), seed=one).numpy()
    np.testing.assert_array_equal(first, keras.random.normal((4,), seed=two).numpy())
    assert (keras.random.normal((4,), seed=one).numpy() != first).all()
    np.testing.assert_array_equal(keras.random.uniform((4,), seed=5).numpy(), keras.random.uniform((4,), seed=5).numpy())
