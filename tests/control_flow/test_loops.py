"""``scan`` and ``fori_loop`` against loops in Python: values, and derivatives of both modes and of second order."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

import jitgrad as jg
from jitgrad.errors import ArgumentError, DTypeError, ShapeError, TracingError, UnsupportedError
from jitgrad.tape.flatten import Flat

X = np.random.default_rng(0).normal(size=23)


def python_scan(f: Any, init: Any, xs: Any = None, length: int | None = None, reverse: bool = False) -> Any:
    """The same as ``scan``, for one array of slices and a ``y`` that is a tuple of values."""
    trips, carry, ys = len(xs) if length is None else length, init, []
    for k in range(trips)[:: -1 if reverse else 1]:
        carry, y = f(carry, None if xs is None else xs[k])
        ys.append(y)
    return carry, tuple(jg.stack(list(column)) for column in zip(*ys[:: -1 if reverse else 1], strict=True))


def nested(scan: Any, v: Any, **options: Any) -> Any:
    def step(carry: Any, x: Any) -> Any:
        h = jg.tanh(carry["a"][0] * v + x)
        return {"n": carry["n"] + 1, "a": [h, carry["a"][0]], "none": None}, (h * x, carry["n"])

    carry, (y, n) = scan(step, {"a": [0.5, 0.0], "n": 0, "none": None}, X, **options)
    return jg.sum(y * y) + carry["a"][0] * carry["a"][1] + carry["n"] * v + jg.sum(n) * v


OPTIONS: list[dict[str, Any]] = [
    {}, {"unroll": 1}, {"unroll": 4}, {"unroll": 50}, {"checkpoint": True}, {"checkpoint": 1}, {"checkpoint": 7},
    {"checkpoint": 100}, {"checkpoint": 6, "unroll": 4},
]  # fmt: skip


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_scan_is_a_loop(options: dict[str, Any], reverse: bool) -> None:
    def ours(v: Any) -> Any:
        return nested(jg.scan, v, reverse=reverse, **options)

    def theirs(v: Any) -> Any:
        return nested(python_scan, v, reverse=reverse)

    for transform in (lambda f: f, jg.grad, jg.jacfwd, jg.hessian):
        np.testing.assert_allclose(transform(ours)(0.3).numpy(), transform(theirs)(0.3).numpy(), rtol=1e-12)


@pytest.mark.parametrize("checkpoint", [False, True, 3])
def test_a_counted_loop(checkpoint: bool | int) -> None:
    def powers(a: Any) -> Any:
        total, power = jg.fori_loop(2, 9, lambda i, v: (v[0] + i * v[1], v[1] * a), (0, 1), checkpoint=checkpoint)
        return total + power

    expected = np.polynomial.Polynomial([2, 3, 4, 5, 6, 7, 8, 1])
    for transform, derivative in ((lambda f: f, 0), (jg.grad, 1), (jg.jacfwd, 1), (jg.hessian, 2)):
        found = transform(powers)(0.7)
        np.testing.assert_allclose(found.numpy(), expected.deriv(derivative)(0.7) if derivative else expected(0.7), rtol=1e-13)
    assert jg.fori_loop(3, 3, lambda i, x: x * 2, 5).item() == 5
    assert jg.fori_loop(3, -3, lambda i, x: x * 2, 5).item() == 5


def test_dtypes() -> None:
    def carried(init: Any, f: Any) -> Any:
        return jg.scan(lambda c, _: (f(c), None), init, length=2)[0].dtype

    ones32 = jg.tensor(np.ones(2, "float32"))
    assert carried(0, lambda c: c + 1) == "int64"
    assert carried(0, lambda c: c + 0.5) == "float64"
    assert carried(np.zeros(2), lambda c: c + ones32) == "float32"
    assert carried(ones32, lambda c: c * 0.5) == "float32"
    assert carried(ones32, lambda c: np.zeros(2)) == "float32"
    assert carried(True, lambda c: jg.logical_not(c)) == "bool"


def test_no_trips() -> None:
    carry, ys = jg.scan(lambda c, x: (c + x, (c, None)), 1.5, np.ones(0))
    assert carry.item() == 1.5
    assert ys[0].shape == (0,)
    assert ys[1] is None


def test_a_carry_may_be_empty() -> None:
    (empty, total), ys = jg.scan(lambda c, x: ((2 * c[0], c[1] + x), c[0]), (np.zeros(0), 0.0), np.arange(4.0))
    assert (empty.shape, ys.shape, total.item()) == ((0,), (4, 0), 6.0)


def test_a_value_may_be_stacked_twice() -> None:
    (_, old), (u, v) = jg.scan(lambda c, x: ((jg.tanh(c[0] + x), c[0]), (c[1], c[1])), (0.5, 0.25), np.zeros(3))
    expected = [0.25, 0.5, np.tanh(0.5)]
    np.testing.assert_allclose([*u.numpy(), *v.numpy(), old.numpy()], [*expected, *expected, np.tanh(np.tanh(0.5))], rtol=1e-12)


def test_a_long_loop_records_one_trip() -> None:
    calls: list[Any] = []

    def step(i: Any, x: Any) -> Any:
        calls.append(i)
        return x * 0.5 + i

    assert jg.fori_loop(0, 3 * 10**6, step, 0.0).item() == pytest.approx(2 * (3e6 - 1) - 2)
    assert len(calls) <= 2


def test_fit_tape_and_function_and_formula() -> None:
    """Exponential smoothing: its rate is found in four ways."""
    rate, noise = 0.3, np.random.default_rng(1).normal(size=200)

    def smooth(a: Any, x: Any) -> Any:
        def step(level: Any, x: Any) -> Any:
            level = level + a * (x - level)
            return level, level

        return jg.scan(step, 0.0, x)[1]

    y = smooth(rate, noise).numpy()
    found = jg.curve_fit(lambda x, a: smooth(a, x), noise, y, p0=[0.5])
    np.testing.assert_allclose(found.popt, [rate], rtol=1e-8)
    a = jg.Variable(0.5)

    def loss() -> Any:
        return jg.mean((smooth(a, noise) - y) ** 2)

    @jg.function
    def traced() -> Any:
        with jg.GradientTape() as tape:
            value = loss()
        return tape.gradient(value, a)

    with jg.GradientTape() as tape:
        value = loss()
    np.testing.assert_allclose(tape.gradient(value, a), traced(), rtol=1e-13)


C = {"level": [np.zeros(3), 1.0]}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jg.scan(lambda c, x: ({"level": [c["level"][0][None], 1.0]}, None), C, X),
         ShapeError, r"carry\['level'\]\[0\] has shape \(3,\) before a trip and \(1, 3\)"),
        (lambda: jg.scan(lambda c, x: (c * 0.5, None), np.arange(3), X),
         DTypeError, "carry has dtype int64 before a trip and float64"),
        (lambda: jg.scan(lambda c, x: ({"level": c["level"][:1]}, None), C, X),
         ArgumentError, r"carry\['level'\] is a list of 2 and becomes a list of 1"),
        (lambda: jg.scan(lambda c, x: (None, None), 1.0, X), ArgumentError, "carry is a value and becomes None"),
        (lambda: jg.scan(0.0, lambda c, x: (c, x), X), ArgumentError, "f is a float, not a function. The order"),
        (lambda: jg.scan(lambda c, x: c, 1.0, X), ArgumentError, r"Return a pair \(carry, y\)"),
        (lambda: jg.scan(lambda c, x: (c, x), 1.0), ArgumentError, "Give length"),
        (lambda: jg.scan(lambda c, x: (c, x), 1.0, (X, X[1:])),
         ShapeError, r"xs\[1\] has 22 slices, and xs\[0\] has 23"),
        (lambda: jg.scan(lambda c, x: (c, x), 1.0, X, length=4), ShapeError, "length is 4"),
        (lambda: jg.scan(lambda c, x: (c, x), 1.0, {"a": 2.0}), ShapeError, r"xs\['a'\] is a number"),
        (lambda: jg.scan(lambda c, x: (c if c > 0 else x, x), 1.0, X), TracingError, "trips of a loop"),
        (lambda: jg.function(lambda n: jg.fori_loop(0, n, lambda i, x: x * 2, 1))(jg.tensor(3)),
         TracingError, "use jg.while_loop"),
        (lambda: jg.fori_loop(0, 2.5, lambda i, x: x * 2, 1), ArgumentError, "upper is 2.5"),
        (lambda: jg.scan(lambda c, x: (c, x), 1.0, X, checkpoint=-1), ArgumentError, "checkpoint is -1"),
        (lambda: jg.scan(lambda c, x: (c, x), 1.0, X, unroll=0), ArgumentError, "unroll is 0"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_numbers_in_a_body_are_constants_of_the_loop() -> None:
    """A body with other numbers is lowered once, except that integers and halves are part of it."""

    def key(a: float) -> Any:
        return Flat([jg.scan(lambda h, x: (a * h + x, h), 0.0, X)[1]]).key

    assert key(0.3) == key(0.7)
    assert key(2.0) != key(3.0)
    for a in np.linspace(0.1, 0.9, 12).tolist():
        np.testing.assert_allclose(jg.scan(lambda h, x: (a * h + x, h), 0.0, X)[0], np.polyval(X, a), rtol=1e-12)  # noqa: B023


class Recurrent(jg.layers.Layer):
    """A simple recurrent layer, which returns its last state."""

    def build(self, shape: Any) -> None:
        self.w = self.add_weight("w", (shape[-1], 4))
        self.u = self.add_weight("u", (4, 4))

    def call(self, x: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            return jg.tanh(jg.matmul(x, self.w) + jg.matmul(h, self.u)), None

        return jg.scan(step, jg.zeros((x.shape[0], 4), dtype=x.dtype), jg.moveaxis(x, 1, 0))[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_recurrent_layer_learns(dtype: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(128, 5, 2)).astype(dtype)
    y = (x[:, :, 0].sum(1) > 0).astype(dtype)
    jg.random.seed(0)
    model = jg.Sequential([Recurrent(), jg.layers.Dense(1, "sigmoid")])
    model.compile(jg.optimizers.Adam(0.02), "binary_crossentropy")
    losses = model.fit(x, y, epochs=20, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    np.testing.assert_allclose(model.predict(x[:3], verbose=0), model(x[:3]).numpy(), rtol=1e-5)


@jg.custom_op
@numba.njit
def product(x, y):  # type: ignore[no-untyped-def]
    return x * y


@product.def_vjp
def _(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * y, g * x


def test_minimize_and_a_custom_op() -> None:
    """The third root of 8, and a compiled function in a loop with checkpoints."""
    a = jg.Variable(0.5)

    def cost() -> Any:
        return (jg.fori_loop(1, 4, lambda i, p: product(p, a), 1.0) - 8.0) ** 2

    jg.optimizers.Adam(0.1).minimize(cost, [a], steps=200)
    np.testing.assert_allclose(a.numpy(), 2.0, rtol=1e-3)
    f = jg.grad(lambda v: jg.scan(lambda c, x: (product(c, x) + v, c), v, X[:5], checkpoint=2)[0])
    expected = jg.grad(lambda v: python_scan(lambda c, x: (c * x + v, (c,)), v, X[:5])[0])
    np.testing.assert_allclose(f(0.3).numpy(), expected(0.3).numpy(), rtol=1e-12)


def test_what_does_not_depend_on_the_carries_is_recorded_outside() -> None:
    """The gradient of a loop that reads p[0] accumulates a number, and not an array."""

    def f(p: Any) -> Any:
        return jg.scan(lambda h, x: (jg.sin(jg.exp(p[0]) * h) + p[1], None), 0.0, X)[0]

    for transform in (lambda f: f, jg.grad):
        program = jg.lower(transform(f), np.array([0.1, 0.2, 0.3]))
        kinds = [program.instruction(i)[0].name for i in range(program.stop)]
        inside = kinds[kinds.index("loop") : len(kinds) - kinds[::-1].index("next")]
        assert "exp" in kinds
        assert not {"exp", "zero", "copy_from", "copy_into"} & {*inside}
    with pytest.raises(UnsupportedError, match="draws random numbers"):
        jg.scan(lambda h, x: (h + jg.random.uniform(()), None), 0.0, X)
