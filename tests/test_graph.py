"""Static graphs: what a session runs, feeds and refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import graph
from jitgrad.errors import ArgumentError, DataError, DTypeError, ShapeError, TracingError


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


X, PLAIN = graph.placeholder("float32", (None, 3), name="x"), jitgrad.Variable(2.0, name="plain")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s: s.run(X * 2), DataError, "Placeholder 'x' is needed and not fed"),
        (lambda s: s.run(X * 2, {X: np.ones((2, 2))}), ShapeError, r"'x' has shape \(None, 3\) and is fed \(2, 2\)"),
        (lambda s: s.run(X * 2, {X: np.ones(3)}), ShapeError, r"is fed \(3,\)"),
        (lambda s: s.run(X * 2, {X: "a"}), DTypeError, "dtype"),
        (lambda s: s.run(graph.placeholder("int64") * 2, {}), DataError, "not fed"),
        (lambda s: s.run(3), ArgumentError, "3 cannot be fetched"),
        (lambda s: s.run(X, {X * 2: 1}), ArgumentError, "Feed placeholders"),
        (lambda s: bool(X > 1), TracingError, r"Use jitgrad.where\(\)"),
        (lambda s: float(X), TracingError, "Run it in a Session"),
        (lambda s: list(X), TracingError, "Index it instead"),
        (lambda s: (X * 2).shape, TracingError, "known when it runs"),
        (lambda s: jitgrad.vjp(lambda t: t, X), TracingError, r"graph.gradients\(\)"),
        (
            lambda s: s.run(X * (PLAIN * PLAIN), {X: np.ones((1, 3))}),
            ArgumentError,
            "computed from Variable 'plain'.*graph.Variable",
        ),
        (lambda s: graph.placeholder("complex64", name="c"), DTypeError, "'c' has dtype complex64"),
        (lambda s: graph.placeholder("float32", (-1, 3), name="c"), ShapeError, "sizes from 0 on"),
        (lambda s: s.run(jitgrad.sum(X, axis=3), {X: np.ones((1, 3))}), ShapeError, "axis 3"),
    ],
)
def test_wrong_use_says_what_to_do(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(graph.Session())


def test_an_integer_placeholder_refuses_floats() -> None:
    n = graph.placeholder("int64", ())
    assert graph.Session().run(n + 1, {n: 2}) == 3
    with pytest.raises(DTypeError, match="dtype int64 and is fed float64"):
        graph.Session().run(n + 1, {n: 2.5})
