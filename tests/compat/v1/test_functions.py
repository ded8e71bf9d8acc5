"""Functions that mean something else in TensorFlow 1, or are called otherwise. Values are TensorFlow's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.tensorflow.v1 as tf


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


VALUES: dict[str, tuple[Any, Any]] = {
    "where chooses rows": (lambda tf, a: tf.where([True, False], a, -a), [[1, 2], [-3, -5.5]]),
    "where chooses elements": (lambda tf, a: tf.where(a > 2, a, tf.zeros_like(a)), [[0, 0], [3, 5.5]]),
    "div of integers": (lambda tf, a: tf.div(tf.constant([7, -7]), 2), [3, -4]),
    "div of floats": (lambda tf, a: tf.div(a, 2.0), [[0.5, 1], [1.5, 2.75]]),
    "truediv": (lambda tf, a: tf.truediv(tf.constant([7, -7]), 2), [3.5, -3.5]),
    "reduction_indices": (lambda tf, a: tf.reduce_sum(a, reduction_indices=[0]), [4, 7.5]),
    "keep_dims": (lambda tf, a: tf.reduce_max(a, 1, keep_dims=True), [[2], [5.5]]),
    "dimension": (lambda tf, a: tf.argmax(a, dimension=1), [1, 1]),
    "to_int32": (lambda tf, a: tf.to_int32(a), [[1, 2], [3, 5]]),
    "matrix_inverse": (lambda tf, a: tf.matrix_inverse(a), [[-11, 4], [6, -2]]),
    "matrix_determinant": (lambda tf, a: tf.matrix_determinant(a), -0.5),
    "trace": (lambda tf, a: tf.trace(a), 6.5),
    "log": (lambda tf, a: tf.log(a), [[0, 0.6931472], [1.0986123, 1.7047482]]),
    "a shape of the graph": (lambda tf, a: tf.zeros(tf.shape(a)) + tf.to_float(tf.shape(a)[0]), [[2, 2], [2, 2]]),
    "cond": (lambda tf, a: tf.cond(tf.reduce_sum(a) > 1, lambda: a + 1, lambda: a), [[2, 3], [4, 6.5]]),
    "one axis of a stack": (lambda tf, a: tf.stack(tf.unstack(a, axis=1)), [[1, 3], [2, 5.5]]),
    "moments": (lambda tf, a: tf.stack(tf.nn.moments(a, [0])), [[2, 3.75], [1, 3.0625]]),
    "xw_plus_b": (lambda tf, a: tf.nn.xw_plus_b(a, a, [1.0, 2.0]), [[8, 15], [20.5, 38.25]]),
    "clip_by_global_norm": (
        lambda tf, a: tf.clip_by_global_norm([a], 1.0)[0][0],
        [[0.1503292, 0.3006584], [0.4509876, 0.8268106]],
    ),
    "no gradient to labels": (
        lambda tf, a: tf.gradients(tf.nn.softmax_cross_entropy_with_logits(labels=tf.nn.softmax(a), logits=2 * a), a)[0],
        [[-0.299477, 0.2994769], [-0.1383307, 0.1383307]],
    ),
    "gradients to labels": (
        lambda tf, a: tf.gradients(tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.nn.softmax(a), logits=2 * a), a)[0],
        [[0.09374684, -0.09374708], [0.2121879, -0.2121879]],
    ),
}


def values(tf: Any) -> dict[str, Any]:
    a = tf.placeholder(tf.float32, [2, 2])
    made = {name: make(tf, a) for name, (make, _) in VALUES.items()}
    with tf.Session() as session:
        return dict(session.run(made, {a: [[1.0, 2.0], [3.0, 5.5]]}))


def test_values() -> None:
    for name, value in values(tf).items():
        np.testing.assert_allclose(value, VALUES[name][1], rtol=1e-5, atol=1e-6, err_msg=name)


def test_values_are_tensorflows() -> None:
    original = pytest.importorskip("tensorflow", reason="the values are recomputed by TensorFlow").compat.v1
    with original.Graph().as_default():
        for name, value in values(original).items():
            np.testing.assert_allclose(value, VALUES[name][1], rtol=1e-5, atol=1e-6, err_msg=name)


def test_dtypes_are_those_of_the_tensors() -> None:
    found = values(tf)
    wanted = {
        "to_int32": "int32",
        "dimension": "int64",
        "matrix_inverse": "float32",
        "truediv": "float64",
        "div of integers": "int32",
    }
    assert {name: found[name].dtype.name for name in wanted} == wanted


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("contrib", "TensorFlow 2 has not got it either"),
        ("palceholder", "Did you mean 'placeholder'"),
        ("flags", "Use Python's argparse"),
    ],
)
def test_names_that_are_not_there(name: str, advice: str) -> None:
    with pytest.raises(AttributeError, match=rf"does not have tensorflow\.v1\.{name}\. {advice}"):
        getattr(tf, name)
