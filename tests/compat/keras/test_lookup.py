"""Numbers for texts and integers, as Keras 3 gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad.compat.tensorflow as tf
from jitgrad.compat import keras
from jitgrad.compat.keras import layers


def test_frequent_texts_come_first() -> None:
    layer = layers.StringLookup()
    layer.adapt(np.array(["a", "b", "c", "b", "d", "d", "b"]))
    assert layer.get_vocabulary() == ["[UNK]", "b", "d", "c", "a"]
    assert layer.vocabulary_size() == 5
    found = layer(np.array([["a", "z"], ["b", "c"]]))
    assert found.dtype == "int64"
    assert found.numpy().tolist() == [[4, 0], [1, 3]]
    few = layers.StringLookup(max_tokens=3)
    few.adapt(tf.data.Dataset.from_tensor_slices(["q", "r", "r", "s", "s", "s"]).batch(2))
    assert few.get_vocabulary() == ["[UNK]", "s", "r"]


@pytest.mark.parametrize(
    ("options", "given", "expected"),
    [
        ({"output_mode": "one_hot"}, ["y", "q"], [[0, 0, 1], [1, 0, 0]]),
        ({"output_mode": "multi_hot"}, [["y", "q"], ["x", "x"]], [[1, 0, 1], [0, 1, 0]]),
        ({"num_oov_indices": 0}, ["y", "x"], [1, 0]),
        ({"mask_token": "[M]"}, ["y", "x", "[M]", "w"], [3, 2, 0, 1]),
        ({"invert": True}, [0, 1, 2], [b"[UNK]", b"x", b"y"]),
    ],
)
def test_options_of_texts(options: dict[str, Any], given: Any, expected: Any) -> None:
    assert layers.StringLookup(vocabulary=["x", "y"], **options)(tf.constant(given)).numpy().tolist() == expected


def test_integers() -> None:
    layer = layers.IntegerLookup()
    layer.adapt(np.array([12, 1138, 42, 42, 1138, 42]))
    assert layer.get_vocabulary() == [-1, 42, 1138, 12]
    assert layer(np.array([[12, 5], [42, 1138]])).numpy().tolist() == [[3, 0], [1, 2]]
    counts = layers.IntegerLookup(vocabulary=[10, 20], output_mode="count")
    assert counts(np.array([[10, 10, 20], [3, 20, 4]])).numpy().tolist() == [[0, 2, 1], [2, 0, 1]]
    encoded = layers.CategoryEncoding(num_tokens=4, output_mode="one_hot")(layer(np.array([42, 12])))
    assert encoded.numpy().tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]


def test_what_is_not_known_or_no_data_is_said() -> None:
    with pytest.raises(ValueError, match="has a vocabulary without 'z'"):
        layers.StringLookup(vocabulary=["x"], num_oov_indices=0)(np.array(["z"]))
    with pytest.raises(ValueError, match="no vocabulary"):
        layers.StringLookup()(np.array(["z"]))
    with pytest.raises(TypeError, match="processes data before a model"):
        layers.IntegerLookup(vocabulary=[1])(keras.Input((1,)))
    with pytest.raises(ValueError, match="has a duplicate value"):
        layers.StringLookup(vocabulary=["x", "x"])
