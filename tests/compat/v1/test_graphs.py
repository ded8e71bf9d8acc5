"""Tensors of a graph: names, dtypes, what is known of shapes, printing. All as TensorFlow 2.20's ``compat.v1`` has it."""

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


def x() -> Any:
    return tf.placeholder(tf.float32, [None, 4], name="x")


def y() -> Any:
    return tf.placeholder(tf.int32, [None], name="y")


TENSORS = {
    'Tensor("x:0", shape=(?, 4), dtype=float32)': lambda: x(),
    'Tensor("Placeholder:0", dtype=float32)': lambda: tf.placeholder("float"),
    'Tensor("Const:0", shape=(), dtype=int32)': lambda: tf.constant(3),
    'Tensor("c:0", shape=(2,), dtype=float32)': lambda: tf.constant([1.0, 2.0], name="c"),
    'Tensor("add:0", shape=(?, 4), dtype=float32)': lambda: x() + 1,
    'Tensor("Add:0", shape=(), dtype=int32)': lambda: tf.add(1, 2),
    'Tensor("sub:0", shape=(?, 4), dtype=float32)': lambda: 1 - x(),
    'Tensor("mul:0", shape=(?, 4), dtype=float32)': lambda: np.ones(4) * x(),
    'Tensor("truediv:0", shape=(?, 4), dtype=float32)': lambda: x() / 2,
    'Tensor("truediv:0", shape=(?,), dtype=float64)': lambda: y() / 2,
    'Tensor("floordiv:0", shape=(?,), dtype=int32)': lambda: y() // 2,
    'Tensor("pow:0", shape=(?, 4), dtype=float32)': lambda: x() ** 2,
    'Tensor("Neg:0", shape=(?, 4), dtype=float32)': lambda: -x(),
    'Tensor("Greater:0", shape=(?, 4), dtype=bool)': lambda: x() > 1,
    'Tensor("Equal:0", shape=(?,), dtype=bool)': lambda: tf.equal(y(), 1),
    'Tensor("strided_slice:0", shape=(4,), dtype=float32)': lambda: x()[0],
    'Tensor("strided_slice:0", shape=(?, 3), dtype=float32)': lambda: x()[..., 1:],
    'Tensor("Cast:0", shape=(?, 4), dtype=int32)': lambda: tf.cast(x(), tf.int32),
    'Tensor("ArgMax:0", shape=(?,), dtype=int64)': lambda: tf.argmax(x(), 1),
    'Tensor("Mean:0", shape=(), dtype=float32)': lambda: tf.reduce_mean(x()),
    'Tensor("Mean:0", shape=(), dtype=float64)': lambda: tf.reduce_mean(tf.placeholder("double")),
    'Tensor("Sum:0", shape=(?,), dtype=float32)': lambda: tf.reduce_sum(x(), reduction_indices=[1]),
    'Tensor("Sum:0", shape=(?, 1), dtype=float32)': lambda: tf.reduce_sum(x(), 1, keep_dims=True),
    'Tensor("MatMul:0", shape=(?, 2), dtype=float32)': lambda: tf.matmul(x(), tf.zeros([4, 2])),
    'Tensor("Softmax:0", shape=(?, 4), dtype=float32)': lambda: tf.nn.softmax(x(), dim=-1),
    'Tensor("Shape:0", shape=(2,), dtype=int32)': lambda: tf.shape(x()),
    'Tensor("Reshape:0", shape=(?, 2, 2), dtype=float32)': lambda: tf.reshape(x(), [-1, 2, 2]),
    'Tensor("Reshape:0", shape=(2, 3), dtype=int32)': lambda: tf.reshape(y(), [2, 3]),
    'Tensor("Reshape:0", shape=(?, 4), dtype=float32)': lambda: tf.reshape(x(), tf.shape(x())),
    'Tensor("zeros:0", shape=(?, 4), dtype=float32)': lambda: tf.zeros(tf.shape(x())),
    'Tensor("range:0", shape=(5,), dtype=int32)': lambda: tf.range(5),
    'Tensor("ExpandDims:0", shape=(?, 1, 4), dtype=float32)': lambda: tf.expand_dims(x(), 1),
    'Tensor("one_hot:0", shape=(?, 3), dtype=float32)': lambda: tf.one_hot(y(), 3),
    'Tensor("concat:0", shape=(?, 8), dtype=float32)': lambda: tf.concat([x(), x()], axis=1),
    'Tensor("transpose:0", shape=(4, ?), dtype=float32)': lambda: tf.transpose(x()),
    'Tensor("stack:0", shape=(?, 2, 4), dtype=float32)': lambda: tf.stack([x(), x()], axis=1),
    'Tensor("Squeeze:0", dtype=float32)': lambda: tf.squeeze(tf.reshape(x(), [-1, 4, 1])),
    'Tensor("random_normal:0", shape=(2,), dtype=float32)': lambda: tf.random_normal([2]),
    'Tensor("truncated_normal:0", shape=(2, 3), dtype=float64)': lambda: tf.truncated_normal([2, 3], dtype=tf.float64),
    'Tensor("ToFloat:0", shape=(?,), dtype=float32)': lambda: tf.to_float(y()),
    'Tensor("sq:0", shape=(?, 4), dtype=float32)': lambda: tf.square(x(), name="sq"),
}


@pytest.mark.parametrize(("printed", "make"), TENSORS.items(), ids=list(TENSORS))
def test_printed_tensors(printed: str, make: Any) -> None:
    assert str(make()) == printed


def test_printed_tensors_are_tensorflows() -> None:
    original = pytest.importorskip("tensorflow", reason="TensorFlow prints them itself").compat.v1
    for printed, make in TENSORS.items():
        with original.Graph().as_default(), pytest.MonkeyPatch.context() as patch:
            patch.setitem(globals(), "tf", original)
            assert str(make()).replace("None", "?") == printed


def test_names_are_counted_in_their_scopes() -> None:
    names = [(tf.constant(1.0) + 1).name for _ in range(3)]
    with tf.name_scope("layer"):
        names += [tf.constant(1.0).name, tf.Variable(1.0).name, tf.get_variable("v", []).name]
    with tf.name_scope("layer"):
        names.append(tf.constant(1.0).name)
    with tf.variable_scope("deep"), tf.variable_scope("er"):
        names += [tf.get_variable("v", []).name, tf.Variable(1.0, name="w").name, tf.square(2.0).name]
    assert names == [
        "add:0", "add_1:0", "add_2:0", "layer/Const:0", "layer/Variable:0", "v:0", "layer_1/Const:0", "deep/er/v:0",
        "deep/er/w:0", "deep/er/Square:0",
    ]  # fmt: skip


def test_variables_by_name() -> None:
    with tf.variable_scope("a"):
        w = tf.get_variable("w", [2], initializer=tf.constant_initializer(0.5))
        with pytest.raises(ValueError, match="Variable a/w already exists"):
            tf.get_variable("w", [2])
    with tf.variable_scope("a", reuse=True):
        assert tf.get_variable("w") is w
        with pytest.raises(ValueError, match="Variable a/v does not exist"):
            tf.get_variable("v", [2])
    with tf.variable_scope("a", reuse=tf.AUTO_REUSE) as scope:
        assert tf.get_variable("w", [2]) is w and tf.get_variable("u", [1]).name == "a/u:0"
        assert scope.name == "a"
    assert [v.op.name for v in tf.trainable_variables()] == ["a/w", "a/u"]
    assert [v.name for v in tf.global_variables("a/u")] == ["a/u:0"]
    assert tf.get_variable("i", [2], tf.int32).dtype is tf.int32
    with pytest.raises(ValueError, match="must be fully defined"):
        tf.get_variable("s")


def test_printed_variables_and_shapes() -> None:
    v = tf.Variable(tf.zeros([3, 2]), name="b")
    assert str(v) == "<tf.Variable 'b:0' shape=(3, 2) dtype=float32_ref>"
    assert repr(x()) == "<tf.Tensor 'x:0' shape=(?, 4) dtype=float32>"
    shape = x().get_shape()
    assert shape.as_list() == [None, 4] and (shape[1].value, int(shape[1]), shape[0].value) == (4, 4, None)
    assert repr(shape) == "TensorShape([Dimension(None), Dimension(4)])" and str(shape) == "(?, 4)"
    assert shape.ndims == 2 and not shape.is_fully_defined() and v.shape.num_elements() == 6
    assert str(tf.placeholder(tf.float32).shape) == "<unknown>"
    assert (shape[1] * 2).value == 8 and (shape[0] + 1).value is None
    first = x()
    assert first == first and (first != x()) is True and first in {first: 1}


def test_gradients() -> None:
    a, b = tf.Variable(2.0), tf.Variable(5.0)
    cube = a**3
    (slope,) = tf.gradients(cube, a)
    (curve,) = tf.gradients(slope, [a])
    assert tf.gradients(cube, [a, b])[1] is None
    assert tf.gradients(tf.stop_gradient(cube), a) == [None] and tf.gradients(tf.argmax([a, b]), a) == [None]
    weighted = tf.gradients([cube, a * b], [a, b], grad_ys=[1.0, 10.0])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run([slope, curve]) == [12, 12]
        assert session.run(weighted) == [62, 20]
        optimizer = tf.train.GradientDescentOptimizer(0.5)
        clipped = [(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in optimizer.compute_gradients(cube) if g is not None]
        session.run(optimizer.apply_gradients(clipped))
        assert session.run([a, b]) == [1.5, 5]
        with pytest.raises(ValueError, match="No gradients provided for any variable"):
            optimizer.minimize(tf.reduce_sum(x()))
