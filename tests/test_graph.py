"""Static graphs: what a session runs, feeds and refuses."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import graph
from jitgrad.errors import ArgumentError, DataError, DTypeError, ShapeError, TracingError
from jitgrad.graph.session import KEPT_FUNCTIONS


def test_open_dimensions_functions_and_nests() -> None:
    x = graph.placeholder("float64", (None, 2))
    y = np.exp(x).sum(axis=0) * 2 + np.array([1.0, 2.0]) - jitgrad.concatenate([x, x[:1]], axis=0)[0].T
    session = graph.Session()
    for rows in (1, 3):
        data = np.arange(2.0 * rows).reshape(rows, 2)
        out = session.run({"y": y, "mean": [x.mean(), jitgrad.max(x)]}, {x: data})
        np.testing.assert_allclose(out["y"], np.exp(data).sum(0) * 2 + [1, 2] - data[0])
        assert out["mean"] == [data.mean(), data.max()]


def test_gradients_by_variables_placeholders_and_nodes() -> None:
    x, w, other = graph.placeholder("float64"), graph.Variable(3.0), graph.Variable(1.0)
    h = w * x
    gw, gx, gh, none = graph.gradients(jitgrad.sum(h**2), [w, x, h, other])
    with graph.Session() as session:
        got = session.run([gw, gx, gh, none], {x: np.array([1.0, 2.0])})
    np.testing.assert_allclose(got[0], 2 * 3 * 5)
    np.testing.assert_allclose(got[1], [18, 36])
    np.testing.assert_allclose(got[2], [6, 12])
    assert got[3] == 0


def test_assignments_and_the_initializer() -> None:
    v, x = graph.Variable(1.0, name="v"), graph.placeholder("float64", ())
    grow = v.assign_add(x)
    session = graph.Session()
    assert session.run(grow, {x: 2.0}) is None
    session.run(grow, {x: 2.0})
    assert session.run(v) == 5
    session.run(graph.global_variables_initializer())
    assert session.run(v) == 1


def test_training_with_adam_on_changing_batches() -> None:
    x, y = graph.placeholder("float32", (None,)), graph.placeholder("float32", (None,))
    a, b = graph.Variable(np.float32(0)), graph.Variable(np.float32(0))
    cost = jitgrad.losses.mean_squared_error(y, a * x + b)
    train = jitgrad.optimizers.Adam(0.1).minimize(cost, [a, b])
    session = graph.Session()
    rng = np.random.default_rng(0)
    for n in (5, 9) * 200:
        data = rng.normal(size=n)
        session.run(train, {x: data, y: 3 * data - 2})
    assert float(a) == pytest.approx(3, abs=1e-2) and float(b) == pytest.approx(-2, abs=1e-2)


def test_a_run_computes_only_what_is_fetched() -> None:
    x, y = graph.placeholder("float64", ()), graph.placeholder("float64", ())
    assert graph.Session().run(x * 2, {x: 1.0, y: 3.0}) == 2
    assert graph.Session().run(x * 2, {x: jitgrad.tensor(1.5)}) == 3


def test_what_is_computed_from_variables_alone_follows_them() -> None:
    w, x = graph.Variable(3.0), graph.placeholder("float64", ())
    z = w * w + x
    session = graph.Session()
    assert session.run(z, {x: 0.0}) == 9
    session.run(w.assign(10.0))
    assert session.run([z, graph.gradients(z, w)], {x: 0.0}) == [100, 20]
    decay = jitgrad.optimizers.SGD(0.1).minimize(0 * x + 0.5 * w**2)
    session.run(w.assign(1.0))
    for _ in range(3):
        session.run(decay, {x: 0.0})
    assert float(w) == pytest.approx(0.729)


def test_every_value_is_that_before_the_run_in_any_order() -> None:
    a, b = graph.Variable(1.0), graph.Variable(2.0)
    first = jitgrad.optimizers.SGD(0.1).minimize((a - b) ** 2, [a])
    second = jitgrad.optimizers.SGD(0.1).minimize((a + b) ** 2, [b])
    session = graph.Session()
    with jitgrad.GradientTape():
        out = session.run([first, a, second, a * b, b.assign_add(0.0)])
    assert out == [None, 1, None, 2, None]
    assert float(a) == pytest.approx(1.2)
    assert session.run([second, b])[1] == pytest.approx(2.0 - 0.6)


def test_calls_that_return_several_draw_or_transform() -> None:
    x = graph.placeholder("float64", (None,))
    session = graph.Session()
    values, places = session.run(jitgrad.top_k(x, 2), {x: [1.0, 3.0, 2.0]})
    assert values.tolist() == [3, 2] and places.tolist() == [1, 2]
    assert session.run(x[jitgrad.top_k(x, 1)[1]], {x: [1.0, 3.0, 2.0]}).tolist() == [3]
    assert session.run(jitgrad.split(x, [1])[1], {x: [1.0, 3.0, 2.0]}).tolist() == [3, 2]
    drawn = graph.call(jitgrad.random.uniform, (2,))
    assert session.run(drawn).tolist() != session.run(drawn).tolist()
    assert session.run(jitgrad.grad(lambda t: jitgrad.sum(t**3))(x), {x: [2.0]}).tolist() == [12]
    v = graph.Variable(5.0)
    clipped = [(jitgrad.clip(g, -1, 1), v) for g in graph.gradients(v**2, [v])]
    session.run(jitgrad.optimizers.SGD(0.1).apply_gradients(clipped))
    assert float(v) == pytest.approx(4.9)


def test_a_call_waits_wherever_its_node_stands() -> None:
    x, w = graph.placeholder("float64", (2,)), graph.Variable(2.0)
    session, given = graph.Session(), {x: [3.0, 4.0]}
    nested = jitgrad.grad(lambda p, k: jitgrad.sum(p["a"][0] * k))({"a": [x]}, k=w)
    assert session.run(nested["a"][0], given).tolist() == [2, 2]
    assert session.run(jitgrad.stack([1.0 * w, x[1], 5.0]), given).tolist() == [2, 4, 5]
    assert session.run(jitgrad.maximum([w, x[0]], 2.5), given).tolist() == [2.5, 3]
    assert session.run(jitgrad.clip(5.0, high=w)) == 2
    assert session.run(jitgrad.tensor([1.0, 2.0])[graph.call(lambda: np.array([1]))]) == [2]
    loss = jitgrad.sum(w * x)
    session.run(jitgrad.optimizers.SGD(0.5).apply_gradients(zip(graph.gradients(loss, [w]), [w], strict=True)), given)
    assert float(w) == 2 - 0.5 * 7


def test_a_function_of_the_users_own_is_told_how_to_wait() -> None:
    w = graph.Variable(2.0)
    with pytest.raises(TracingError, match=r"graph.call\(\)"):
        jitgrad.grad(lambda t: t * w)(1.0)
    assert graph.Session().run(graph.call(jitgrad.grad(lambda t: t * w), 1.0)) == 2


X, PLAIN = graph.placeholder("float32", (None, 3), name="x"), jitgrad.Variable(2.0, name="plain")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s: s.run(X * 2), DataError, "Placeholder 'x' is required and not fed"),
        (lambda s: s.run(X * 2, {X: np.ones((2, 2))}), ShapeError, r"'x' has shape \(None, 3\) and was fed \(2, 2\)"),
        (lambda s: s.run(X * 2, {X: np.ones(3)}), ShapeError, r"was fed \(3,\)"),
        (lambda s: s.run(X * 2, {X: "a"}), DTypeError, "dtype"),
        (lambda s: s.run(graph.placeholder("int64") * 2, {}), DataError, "not fed"),
        (lambda s: s.run(3), ArgumentError, "3 cannot be fetched"),
        (lambda s: s.run(X, {X * 2: 1}), ArgumentError, "Feed placeholders"),
        (lambda s: bool(X > 1), TracingError, r"Use jitgrad.where\(\)"),
        (lambda s: float(X), TracingError, "Run it in a Session"),
        (lambda s: list(X), TracingError, "Index it instead"),
        (lambda s: (X * 2).shape, TracingError, "not known until it runs"),
        (lambda s: jitgrad.vjp(lambda t: t, X), TracingError, r"graph.gradients\(\)"),
        (
            lambda s: s.run(X * (PLAIN * PLAIN), {X: np.ones((1, 3))}),
            ArgumentError,
            "computed from Variable 'plain'.*graph.Variable",
        ),
        (lambda s: graph.placeholder("complex64", name="c"), DTypeError, "'c' has dtype complex64"),
        (lambda s: graph.placeholder("float32", (-1, 3), name="c"), ShapeError, "non-negative sizes"),
        (lambda s: s.run(jitgrad.sum(X, axis=3), {X: np.ones((1, 3))}), ShapeError, "axis 3"),
    ],
)
def test_wrong_use_says_what_to_do(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(graph.Session())


def test_an_integer_placeholder_refuses_floats() -> None:
    n = graph.placeholder("int64", ())
    assert graph.Session().run(n + 1, {n: 2}) == 3
    with pytest.raises(DTypeError, match="dtype int64 and was fed float64"):
        graph.Session().run(n + 1, {n: 2.5})


# Each session has values of its own.


@pytest.mark.parametrize("make", [graph.Variable, jitgrad.Variable])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "lbfgs"])
def test_two_sessions_share_nothing(make: Any, optimizer: str) -> None:
    x = graph.placeholder("float64", (None,))
    w = make(1.0)
    train = jitgrad.optimizers.get(optimizer).minimize(jitgrad.mean((w * x - 3 * x) ** 2))
    first, second = graph.Session(), graph.Session()
    paths: list[list[float]] = [[], []]
    for session, path in ((first, paths[0]), (second, paths[1])):
        for _ in range(5):
            session.run(train, {x: [1.0, 2.0]})
            path.append(session.run(w))
    assert paths[0] == paths[1]
    mixed: list[list[float]] = [[], []]
    sessions = graph.Session(), graph.Session()
    for _ in range(5):
        for session, path in zip(sessions, mixed, strict=True):
            session.run(train, {x: [1.0, 2.0]})
            path.append(session.run(w))
    assert mixed == paths


@pytest.mark.parametrize("make", [graph.Variable, jitgrad.Variable])
def test_the_initializer_resets_every_variable_and_the_optimizers_state(make: Any) -> None:
    x = graph.placeholder("float64", (None,))
    w = make(1.0)
    optimizer = jitgrad.optimizers.Adam(0.1)
    train = optimizer.minimize(jitgrad.mean((w * x - 3 * x) ** 2))
    session, other = graph.Session(), graph.Session()
    other.run(train, {x: [1.0, 2.0]})
    kept = other.run(w)

    def path() -> list[float]:
        return [session.run([w, train], {x: [1.0, 2.0]})[0] for _ in range(4)]

    before = path()
    assert session.run([w, graph.global_variables_initializer()])[0] != 1
    assert (session.run(w), float(w)) == (1, 1)
    assert path() == before
    assert other.run(w) == kept


def test_layers_in_a_graph_are_reset_too() -> None:
    x = graph.placeholder("float32", (None, 2))
    dense = jitgrad.layers.Dense(1)
    dense.build((None, 2))
    weights = dense.get_weights()
    loss = jitgrad.mean(jitgrad.square(jitgrad.matmul(x, dense.kernel) + dense.bias - 1))
    train = jitgrad.optimizers.SGD(0.1).minimize(loss, dense.variables)
    session = graph.Session()
    session.run(train, {x: np.ones((3, 2))})
    assert not np.array_equal(dense.get_weights()[0], weights[0])
    session.run(graph.global_variables_initializer())
    for got, first in zip(dense.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(got, first)


def test_a_variable_shows_the_session_that_ran_or_was_entered_last() -> None:
    v = graph.Variable(1.0)
    grow = v.assign_add(1.0)
    first, second = graph.Session(), graph.Session()
    first.run(grow)
    assert float(v) == 2
    second.run([grow, grow])
    second.run(grow)
    assert float(v) == 3
    with first:
        assert float(v) == 2
    assert float(v) == 2
    with second:
        assert float(v) == 3
        second.run(grow)
    assert float(v) == 4
    assert (first.run(v), second.run(v)) == (2, 4)


def test_what_is_assigned_outside_of_sessions_holds_in_all() -> None:
    w, x = jitgrad.Variable(1.0), graph.placeholder("float64", ())
    optimizer = jitgrad.optimizers.SGD(0.5)
    train = optimizer.minimize(0.5 * (w * x) ** 2, [w])
    first, second = graph.Session(), graph.Session()
    first.run(train, {x: 1.0})
    assert (first.run(w * x, {x: 1.0}), second.run(w * x, {x: 1.0})) == (0.5, 1)
    w.assign(8.0)
    assert (first.run(w * x, {x: 1.0}), second.run(w * x, {x: 1.0})) == (8, 8)
    first.run(train, {x: 1.0})
    first.run(graph.global_variables_initializer())
    assert first.run(w * x, {x: 1.0}) == 8
    optimizer.learning_rate = 0.25
    for session in (first, second):
        session.run(train, {x: 1.0})
        assert session.run(w * x, {x: 1.0}) == 6


def test_sessions_in_threads() -> None:
    w, x = graph.Variable(0.0), graph.placeholder("float64", ())
    grow = w.assign_add(x)
    found: dict[int, Any] = {}

    def work(n: int) -> None:
        session = graph.Session()
        for _ in range(200):
            session.run(grow, {x: float(n)})
        found[n] = session.run(w)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: 200.0 * n for n in range(1, 5)}


def test_random_numbers_differ_between_sessions() -> None:
    drawn = graph.call(jitgrad.random.uniform, (4,))
    a, b = (graph.Session().run(drawn) for _ in range(2))
    assert a.tolist() != b.tolist()


def test_an_initializer_is_fetched_by_itself() -> None:
    with pytest.raises(ArgumentError, match="Fetch the initializer itself"):
        graph.Session().run(graph.global_variables_initializer() + 1)


def test_what_a_session_keeps_is_bounded() -> None:
    x = graph.placeholder("float64", (None,))
    session, kept = graph.Session(), []
    for n in range(2 * KEPT_FUNCTIONS):
        node = x * float(n)
        kept.append(weakref.ref(node))
        assert session.run(node, {x: [2.0]}).tolist() == [2.0 * n]
    del node
    gc.collect()
    assert sum(node() is not None for node in kept) == KEPT_FUNCTIONS
