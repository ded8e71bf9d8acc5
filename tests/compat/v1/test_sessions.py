"""Sessions of TensorFlow 1: what they run, keep and refuse. Figures are TensorFlow's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.tensorflow.v1 as tf


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def line() -> tuple[Any, ...]:
    x, y = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    w, b = tf.Variable([1], dtype=tf.float32), tf.Variable([1], dtype=tf.float32)
    hypothesis = w * x + b
    cost = tf.reduce_mean(tf.square(hypothesis - y))
    train = tf.train.GradientDescentOptimizer(learning_rate=0.1).minimize(cost)
    return x, y, w, b, hypothesis, cost, train


def test_a_line_by_gradient_descent_in_two_sessions() -> None:
    x, y, _, _, hypothesis, cost, train = line()
    fed = {x: [1, 2, 3, 4], y: [5, 8, 11, 14]}
    printed = []
    for steps in (100, 1000):
        session = tf.Session()
        session.run(tf.global_variables_initializer())
        costs = [session.run([train, cost], feed_dict=fed)[1] for _ in range(steps)]
        assert [str(c) for c in costs[:4]] == ["41.0", "18.415", "8.274352", "3.721009"]
        printed.append([str(session.run(hypothesis, feed_dict={x: n})) for n in (5, 6)])
    assert printed == [["[17.00961]", "[20.014275]"], ["[17.000002]", "[20.000004]"]]


def test_what_a_run_gives() -> None:
    x, y, w, b, hypothesis, cost, train = line()
    with tf.Session() as session:
        tf.global_variables_initializer().run()
        out = session.run({"w": w, "more": (train, [cost, "Variable:0"])}, {x: [1.0], y: [5.0]})
        assert out["more"][0] is None and isinstance(out["more"][1][0], np.float32)
        assert out["w"].dtype == np.float32 and out["w"].tolist() == out["more"][1][1].tolist() != [1.0]
        assert w.eval().tolist() == out["w"].tolist() and cost.eval({x: [0.0], y: [0.0]}) == session.run(b)[0] ** 2
        train.run(feed_dict={x: [1.0], y: [5.0]})
        assert session.run(hypothesis + 1, {hypothesis: [5.0]}).tolist() == [6.0]
        assert session.run(hypothesis, {"Placeholder:0": [[1.0]]}).shape == (1, 1)


def test_each_session_has_its_own_values() -> None:
    count = tf.Variable(0, name="count")
    grow = count.assign_add(2)
    first, second = tf.Session(), tf.Session()
    first.run(count.initializer)
    assert [first.run(grow), first.run(grow), first.run(count)] == [2, 4, 4]
    with pytest.raises(tf.errors.FailedPreconditionError, match="Attempting to use uninitialized value count"):
        second.run(count)
    with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value count"):
        second.run(count + 1)
    second.run(tf.global_variables_initializer())
    assert (second.run(count), first.run(count)) == (0, 4)
    first.run(tf.global_variables_initializer())
    assert first.run(count) == 0


def test_an_initializer_resets_what_an_optimizer_keeps() -> None:
    w = tf.Variable(1.0)
    train = tf.train.AdamOptimizer(0.1).minimize(tf.square(w - 3))
    init = tf.global_variables_initializer()
    session = tf.Session()
    paths = []
    for _ in range(2):
        session.run(init)
        paths.append([session.run([train, w])[1] for _ in range(4)])
    assert paths[0] == paths[1] and len(set(paths[0])) == 4


def test_random_first_values() -> None:
    w, v = tf.Variable(tf.random_normal([3])), tf.Variable(tf.truncated_normal([2000], stddev=0.5))
    n, g = tf.Variable(tf.random_uniform([500], 2, 5, tf.int32)), tf.get_variable("g", [30, 70])
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    begun = session.run(w)
    session.run(tf.global_variables_initializer())
    assert not np.array_equal(begun, session.run(w))
    assert np.abs(session.run(v)).max() <= 1 and 0.4 < session.run(v).std() < 0.48
    assert set(session.run(n).tolist()) == {2, 3, 4} and session.run(n).dtype == np.int32
    limit = np.sqrt(6 / 100)
    assert 0.95 * limit < np.abs(session.run(g)).max() <= limit


def test_a_seed_of_the_graph_begins_each_session_alike() -> None:
    tf.set_random_seed(7)
    drawn = tf.random_uniform([3])
    first, second = tf.Session(), tf.Session()
    values = [first.run(drawn).tolist(), first.run(drawn).tolist()]
    assert values[0] != values[1]
    assert [second.run(drawn).tolist(), second.run(drawn).tolist()] == values


def test_what_runs_before() -> None:
    v = tf.Variable(1.0)
    plain = tf.identity(v)
    with tf.control_dependencies([v.assign(5.0)]):
        after = tf.identity(v)
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run([plain, after, v]) == [1, 5, 5]
        session.run(tf.group(v.assign_add(1.0), v.assign_sub(3.0)))
        assert session.run(v) == 3
        v.load(9.0)
        assert session.run(v) == 9


def test_graphs_are_apart() -> None:
    outer = tf.constant(1.0)
    with tf.Graph().as_default() as graph:
        inner = tf.constant(2.0, name="inner")
        assert inner.graph is graph and graph.get_tensor_by_name("inner:0") is inner
        assert graph.get_operation_by_name("inner") is inner.op
    with tf.Session(graph=graph) as session:
        assert session.run(inner) == 2
        with pytest.raises(ValueError, match="is not an element of this graph"):
            session.run(outer)
    with tf.Session() as session:
        assert session.run(outer) == 1


def test_learning_rates_of_the_graph() -> None:
    rate, w = tf.placeholder(tf.float32, []), tf.Variable(1.0)
    step = tf.train.get_or_create_global_step()
    falling = tf.train.exponential_decay(0.5, step, 2, 0.1, staircase=True)
    fed = tf.train.GradientDescentOptimizer(rate).minimize(w * 2)
    counted = tf.train.GradientDescentOptimizer(falling).minimize(w * 2, global_step=step)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for value, wanted in ((0.25, 0.5), (0.5, -0.5)):
            session.run(fed, {rate: value})
            assert session.run(w) == pytest.approx(wanted)
        seen = [session.run([counted, falling])[1] for _ in range(4)]
        np.testing.assert_allclose(seen, [0.5, 0.5, 0.05, 0.05], rtol=1e-6)
        assert tf.train.global_step(session, step) == 4
        assert session.run(w) == pytest.approx(-0.5 - 2.2)


def test_a_saver_keeps_values(tmp_path: Path) -> None:
    w, n = tf.Variable([1.0, 2.0], name="w"), tf.Variable(3, name="n")
    saver = tf.train.Saver(max_to_keep=2)
    path = str(tmp_path / "model")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(w.assign_add([1.0, 1.0]))
        saved = [saver.save(session, path, global_step=step) for step in range(3)]
    assert saved == [f"{path}-{step}" for step in range(3)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model-1.safetensors", "model-2.safetensors"]
    assert tf.train.latest_checkpoint(str(tmp_path)) == saved[-1]
    with tf.Session() as session:
        saver.restore(session, saved[-1])
        assert session.run(w).tolist() == [2, 3] and session.run(n) == 3 and session.run(n).dtype == np.int32
        with pytest.raises(ValueError, match="is not a valid checkpoint"):
            saver.restore(session, path)
    other = tf.train.Saver({"other": w})
    with tf.Session() as session, pytest.raises(ValueError, match="Key other not found in checkpoint"):
        other.restore(session, saved[-1])


def test_an_interactive_session_is_the_default_one() -> None:
    session = tf.InteractiveSession()
    assert tf.constant(3.0).eval() == 3 and tf.get_default_session() is session
    session.close()
    with pytest.raises(ValueError, match="No default session is registered"):
        tf.constant(3.0).eval()
    with pytest.raises(RuntimeError, match="closed Session"):
        session.run(tf.constant(1.0))


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda s, x: s.run(x * 2), tf.errors.InvalidArgumentError, "must feed a value for placeholder tensor 'x'"),
        (lambda s, x: s.run(x, {x: [1.0, 2.0]}), ValueError, r"shape \(2,\) for Tensor x:0, which has shape \(\?, 3\)"),
        (lambda s, x: s.run(x, {x: x}), TypeError, "cannot be a tf.Tensor object"),
        (lambda s, x: s.run(x, {3: 1}), TypeError, "Cannot interpret feed_dict key"),
        (lambda s, x: s.run(None), TypeError, "invalid type 'NoneType'"),
        (lambda s, x: s.run(3), TypeError, "invalid type 'int'"),
        (lambda s, x: s.run("nothing:0"), ValueError, "'nothing' refers to an Operation not in the graph"),
        (lambda s, x: bool(x), TypeError, "not allowed in a graph"),
        (lambda s, x: list(x), TypeError, "Iterating over"),
        (lambda s, x: float(x), TypeError, "has no numeric value"),
        (lambda s, x: tf.keras.layers.Dense(2)(x), TypeError, r"no value until a session runs it. .* tf\.layers\.dense"),
        (lambda s, x: np.asarray(x), TypeError, "is not an array"),
        (lambda s, x: x + tf.constant(1), TypeError, "expected to be a float tensor but is a int32"),
        (lambda s, x: x + tf.zeros([2]), ValueError, "do not broadcast"),
        (lambda s, x: tf.matmul(x, tf.zeros([2, 2])), ValueError, "incompatible"),
        (lambda s, x: tf.train.AdamOptimizer().minimize(x), ValueError, "No variables to optimize"),
        (lambda s, x: tf.placeholder(tf.string), TypeError, "string cannot be computed with"),
        (lambda s, x: tf.Variable(x), ValueError, "must have a shape specified"),
        (lambda s, x: tf.Variable([1.0]).assign([1.0, 2.0]), ValueError, "incompatible"),
        (lambda s, x: tf.Variable(1).assign(tf.constant(1.0)), TypeError, "float32"),
        (lambda s, x: tf.Session("grpc://there"), TypeError, "jitgrad runs in this process"),
        (lambda s, x: tf.ConfigProto(allow_growt=True), TypeError, "no option 'allow_growt'"),
        (lambda s, x: tf.enable_eager_execution(), TypeError, "only graphs and sessions"),
        (lambda s, x: tf.summary, AttributeError, "writes no event files"),
        (lambda s, x: tf.cond(True, lambda: tf.Variable(1.0).assign(2.0), lambda: x), TypeError, "changes a Variable"),
        (lambda s, x: tf.gradients(x, x, stop_gradients=[x]), ValueError, "Use tf.stop_gradient"),
    ],
)
def test_wrong_use(wrong: Any, error: type[Exception], message: str) -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.Session() as session, pytest.raises(error, match=message):
        wrong(session, x)
