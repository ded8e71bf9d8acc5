"""What expressions do not show: names, modules, checkpoints, random numbers, printing, and names that are not there."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import jitgrad
import jitgrad.compat.tensorflow as tf
from jitgrad.errors import JitgradError


def public_names(module: Any, path: str = "") -> Iterator[str]:
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, ModuleType):
            yield from public_names(value, f"{path}{name}.")
        else:
            yield path + name


NAMES = sorted(public_names(tf))


def found(root: Any, path: str) -> Any:
    for name in path.split("."):
        root = getattr(root, name)
    return root


@pytest.mark.parametrize("name", NAMES)
def test_public_names_are_documented(name: str) -> None:
    value = found(tf, name)
    assert not callable(value) or inspect.isclass(value) or (value.__doc__ and value.__doc__[0] != " ")


def test_public_names_are_tensorflows() -> None:
    original = pytest.importorskip("tensorflow", reason="TensorFlow is not installed: there are no names to compare")
    for name in NAMES:
        found(original, name)


# Names that are not there.


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("reduce_sun", "jitgrad does not have tensorflow.reduce_sun. Did you mean 'reduce_sum'?"),
        ("nn.conv2d", "Convolutions and pooling are not part of jitgrad"),
        ("math.real", "complex numbers"),
        ("placeholder", "TensorFlow 1"),
        ("saved_model.save", "Checkpoint"),
        ("distribute", "one machine's CPU"),
        ("train.AdamOptimizer", "tf.keras.optimizers"),
        ("image", "tables"),
    ],
)
def test_a_name_that_is_not_there_is_told(path: str, text: str) -> None:
    with pytest.raises(AttributeError, match=text.replace(".", r"\.").replace("?", r"\?")):
        found(tf, path)


def test_what_is_not_computed_with_is_refused_by_name() -> None:
    for x in (tf.constant([1.5], tf.float16), tf.constant(1 + 2j), tf.constant("a")):
        with pytest.raises(JitgradError, match=x.dtype.name):
            tf.square(x)
    assert tf.cast(tf.constant([1.5], tf.float16), tf.float32).numpy() == 1.5


# Errors name what they are about.


def test_errors_name_both_dtypes_and_both_shapes() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="float tensor but is a double tensor"):
        tf.constant(1.0) + tf.constant(1.0, tf.float64)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\(2,\) and \(3,\)"):
        tf.constant([1.0, 2.0]) + tf.constant([1.0, 2.0, 3.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"In\[0\]: \[1, 2\], In\[1\]: \[1, 2\]"):
        tf.matmul([[1.0, 2.0]], [[1.0, 2.0]])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[0\] = 5 is not in"):
        tf.gather([1.0], [5])
    with pytest.raises(tf.errors.InvalidArgumentError, match="outside the valid range"):
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[3], logits=[[1.0, 2.0]])


def test_a_gradient_is_taken_once() -> None:
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x).numpy() == 6
    with pytest.raises(RuntimeError, match="persistent"):
        tape.gradient(y, x)


# Variables.


def test_names_of_variables() -> None:
    with tf.name_scope("outer"), tf.name_scope("inner"):
        assert tf.Variable(1.0, name="w").name == "outer/inner/w:0"
    assert tf.Variable(1.0).name == "Variable:0"


@pytest.mark.parametrize("again", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_a_copy_of_a_variable_is_another_one(again: Any) -> None:
    first = tf.Variable([1, 2], name="n")
    second = again(first)
    second.assign([5, 6])
    assert first.numpy().tolist() == [1, 2] and second.numpy().tolist() == [5, 6]
    assert second.dtype is tf.int32 and second.name == "n:0" and type(second) is tf.Variable


def test_a_copy_of_a_tensor_has_its_value() -> None:
    x = tf.constant([1, 2], tf.uint8)
    assert pickle.loads(pickle.dumps(x)).dtype is tf.uint8 and copy.deepcopy(x) is x


def test_the_librarys_optimizer_takes_variables() -> None:
    w = tf.Variable(0.0)
    optimizer = jitgrad.optimizers.SGD(0.1)
    for _ in range(100):
        with tf.GradientTape() as tape:
            loss = (w - 3.0) ** 2
        optimizer.apply_gradients([(g, v) for g, v in zip(tape.gradient(loss, [w]), [w], strict=True)])
    assert abs(w.numpy() - 3) < 1e-5 and repr(w).startswith("<tf.Variable 'Variable:0' shape=() dtype=float32, numpy=")


def test_integers_count_modulo_their_width_and_never_in_floats() -> None:
    x = tf.constant([0.0, 1.0, 2.0])
    places = tf.cast(x * 2.0, tf.int32)
    assert (places - 1).numpy().tolist() == [-1, 1, 3]
    assert tf.concat([x, tf.one_hot(places - 1, 4)[:, 0]], 0).shape == (6,)
    assert (tf.constant([200, 100], tf.uint8) + tf.constant(100, tf.uint8) > 100).numpy().tolist() == [False, True]
    assert (tf.constant(2**30) * 4).numpy() == 0
    traced = jitgrad.function(lambda v: (tf.cast(tf.constant(1.0) * v, tf.int32) + 1)._read())
    assert traced(np.array([1.5, 2.5], np.float32)).numpy().tolist() == [2, 3]


# Modules and checkpoints.


class Dense(tf.Module):
    def __init__(self, size: int, name: str | None = None) -> None:
        super().__init__(name=name)
        self.size = size

    def __call__(self, x: Any) -> Any:
        if not hasattr(self, "w"):
            self.w = tf.Variable(tf.random.normal([x.shape[-1], self.size]), name="w")
            self.b = tf.Variable(tf.zeros([self.size]), name="b", trainable=False)
        return tf.matmul(x, self.w) + self.b


class Net(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [Dense(3), Dense(2)]
        self.scale = tf.Variable(2.0)

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x * self.scale


def test_a_module_finds_its_variables() -> None:
    net = Net()
    net(tf.ones([1, 2]))
    assert [tuple(v.shape) for v in net.variables] == [(), (3,), (2, 3), (2,), (3, 2)]
    assert len(net.trainable_variables) == 3 and len(net.non_trainable_variables) == 2
    assert net.submodules == tuple(net.layers) and net.name == "net"


def test_name_scopes_of_modules() -> None:
    class Named(tf.Module):
        def __init__(self) -> None:
            super().__init__(name="my")
            with self.name_scope:
                self.v = tf.Variable(1.0, name="v")

    assert Named().v.name == "my/v:0"


def test_a_checkpoint_is_restored_also_to_what_is_made_later(tmp_path: Path) -> None:
    first, second = Net(), Net()
    x = tf.ones([1, 2])
    wanted = first(x).numpy()
    path = tf.train.Checkpoint(model=first).write(tmp_path / "c")
    status = tf.train.Checkpoint(model=second).restore(path)
    with pytest.raises(AssertionError):
        status.assert_consumed()
    assert np.array_equal(second(x).numpy(), wanted)
    status.assert_consumed()
    assert tf.train.list_variables(path)[0] == ("model/layers/0/b/.ATTRIBUTES/VARIABLE_VALUE", [3])


def test_a_manager_keeps_the_last_checkpoints(tmp_path: Path) -> None:
    v = tf.Variable(0.0)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=v), tmp_path, max_to_keep=2)
    for n in range(3):
        v.assign(float(n))
        manager.save()
    assert len(list(tmp_path.glob("*.safetensors"))) == 2
    assert tf.train.latest_checkpoint(tmp_path) == manager.latest_checkpoint == str(tmp_path / "ckpt-3")
    v.assign(9.0)
    manager.checkpoint.restore(manager.checkpoints[0])
    assert v.numpy() == 1
    with pytest.raises(tf.errors.NotFoundError, match="no checkpoint"):
        manager.checkpoint.restore(tmp_path / "none")


# Functions.


def test_a_function_of_ones_own_gradient() -> None:
    @tf.custom_gradient
    def clipped(x: Any) -> Any:
        return x, lambda g: tf.clip_by_norm(g, 0.5)

    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = clipped(v * v)
    assert y.numpy() == 4 and tape.gradient(y, v).numpy() == 2


def test_functions_of_modules_and_their_signatures() -> None:
    class Scaled(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = tf.Variable(3.0)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def __call__(self, x: Any) -> Any:
            return x * self.w

    scaled = Scaled()
    assert scaled([1, 2]).numpy().tolist() == [3, 6]
    with pytest.raises(TypeError, match="Can not cast"):
        scaled(tf.constant([[1.0]]))
    power = tf.function(lambda a, b: a**b).get_concrete_function(tf.TensorSpec(None, tf.float32), 2)
    assert power(tf.constant(3.0)).numpy() == 9


# Random numbers.


def test_random_numbers_are_where_they_should_be() -> None:
    tf.random.set_seed(1)
    u = tf.random.uniform([10000], -1.0, 3.0).numpy()
    assert u.dtype == np.float32 and -1 <= u.min() < -0.99 and 2.99 < u.max() < 3
    n = tf.random.normal([20000], mean=5.0, stddev=2.0).numpy()
    assert abs(n.mean() - 5) < 0.06 and abs(n.std() - 2) < 0.04
    t = tf.random.truncated_normal([20000]).numpy()
    assert np.abs(t).max() <= 2 and abs(t.std() - 0.8796) < 0.02
    assert set(tf.random.uniform([100], maxval=3, dtype=tf.int32).numpy().tolist()) == {0, 1, 2}
    assert sorted(tf.random.shuffle(tf.range(9)).numpy().tolist()) == list(range(9))
    with pytest.raises(ValueError, match="Must specify maxval"):
        tf.random.uniform([2], dtype=tf.int32)


def test_seeds_repeat() -> None:
    def drawn() -> list[Any]:
        tf.random.set_seed(5)
        values = tf.random.normal([2]), tf.random.uniform([2]), tf.random.normal([2], seed=3), tf.random.shuffle([1, 2, 3, 4])
        return [x.numpy().tolist() for x in values]

    assert drawn() == drawn()
    assert tf.random.stateless_normal([2], [1, 2]).numpy().tolist() == tf.random.stateless_normal([2], [1, 2]).numpy().tolist()


def test_a_generator_goes_on_where_it_was(tmp_path: Path) -> None:
    g = tf.random.Generator.from_seed(1)
    assert g.state.numpy().tolist() == [1, 0, 0]
    first = g.normal([2]).numpy()
    assert g.state.numpy().tolist() == [513, 0, 0]  # TensorFlow's
    path = tf.train.Checkpoint(g=g).write(tmp_path / "g")
    second = g.normal([2]).numpy()
    tf.train.Checkpoint(g=g).restore(path)
    assert np.array_equal(g.normal([2]).numpy(), second) and not np.array_equal(first, second)
    g.reset_from_seed(1)
    assert np.array_equal(g.normal([2]).numpy(), first)
    assert len({x.normal([]).numpy() for x in g.split(3)}) == 3


def test_dropout_keeps_the_mean() -> None:
    tf.random.set_seed(0)
    y = tf.nn.dropout(tf.ones([10000]), 0.25).numpy()
    assert abs((y == 0).mean() - 0.25) < 0.02 and y.max() == np.float32(1 / 0.75)


# Printing.


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (("a", 1, tf.constant([1.0, 2.0])), "a 1 [1 2]\n"),
        (({"b": tf.constant(1)}, [tf.constant(1.0), 2]), "{'b': 1} [1, 2]\n"),
        ((tf.constant(np.arange(20)),), "[0 1 2 ... 17 18 19]\n"),
        ((tf.constant([[1.5, 2], [3, 4]]), tf.constant("s")), '[[1.5 2]\n [3 4]] "s"\n'),
        ((tf.constant(1 / 3), tf.constant(1 / 3, tf.float64), tf.constant(1e-8)), "0.333333343 0.33333333333333331 1e-08\n"),
        ((tf.constant(True), True, None), "1 True None\n"),
    ],
)
def test_print_is_tensorflows(values: tuple[Any, ...], text: str) -> None:
    stream = io.StringIO()
    tf.print(*values, output_stream=stream)
    assert stream.getvalue() == text


# Datasets.


def test_passes_of_a_shuffled_dataset_differ_and_have_all() -> None:
    ds = tf.data.Dataset.from_tensor_slices(np.arange(100)).shuffle(100).batch(10)
    passes = [[int(x) for batch in ds for x in batch.numpy()] for _ in range(2)]
    assert passes[0] != passes[1] and sorted(passes[0]) == sorted(passes[1]) == list(range(100))
    same = tf.data.Dataset.range(50).shuffle(50, seed=1, reshuffle_each_iteration=False)
    assert list(same.as_numpy_iterator()) == list(same.as_numpy_iterator())


def test_a_cache_reads_once() -> None:
    calls = []
    ds = tf.data.Dataset.range(3).map(lambda x: (calls.append(1), x)[1]).cache()
    assert [int(x) for x in ds] == [int(x) for x in ds] == [0, 1, 2] and len(calls) == 3


def test_lines_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("a\nb\n")
    assert [x.numpy() for x in tf.data.TextLineDataset(str(tmp_path / "t"))] == [b"a", b"b"]


def test_a_loop_over_a_dataset_fits_a_line() -> None:
    x = np.linspace(-1, 1, 64).astype(np.float32)
    ds = tf.data.Dataset.from_tensor_slices((x, 3 * x + 2)).shuffle(64).batch(16).repeat(60)
    w, b = tf.Variable(0.0), tf.Variable(0.0)
    for xs, ys in ds:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((w * xs + b - ys) ** 2)
        dw, db = tape.gradient(loss, [w, b])
        w.assign_sub(0.2 * dw)
        b.assign_sub(0.2 * db)
    assert abs(w.numpy() - 3) < 1e-3 and abs(b.numpy() - 2) < 1e-3
