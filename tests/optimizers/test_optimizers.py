"""Optimizers: P2's figures, trajectories against their formulas in NumPy, and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import GradientTape, Variable, optimizers
from jitgrad.errors import ArgumentError, DTypeError, FitError, ShapeError
from jitgrad.optimizers import SGD, Adam

COEFFICIENTS = np.array([1.0, -10.0, 25.0])


def by_tape(w: Variable, optimizer: Any, steps: int) -> None:
    for _ in range(steps):
        with GradientTape() as tape:
            cost = COEFFICIENTS[0] * w**2 + COEFFICIENTS[1] * w + COEFFICIENTS[2]
        optimizer.apply_gradients(zip(tape.gradient(cost, [w]), [w], strict=True))


def by_minimize(w: Variable, optimizer: Any, steps: int) -> None:
    for _ in range(steps):
        optimizer.minimize(lambda: w**2 - 10 * w + 25, [w])


def natively(w: Variable, optimizer: Any, steps: int) -> None:
    losses = optimizer.minimize(lambda: w**2 - 10 * w + 25, [w], steps=steps)
    assert losses.shape == (steps,)


def test_minimize_returns_the_cost_before_each_step() -> None:
    w = Variable(4.0)
    steps = jitgrad.function(lambda: SGD(0.25).minimize(lambda: w**2))
    several = [SGD(0.25).minimize(lambda: w**2), SGD(0.25).minimize(lambda: w**2, steps=2), steps()]
    assert all(isinstance(costs, jitgrad.Tensor) for costs in several)
    assert [costs.tolist() for costs in several] == [[16], [4, 1], [0.25]]
    v = Variable([1.0, 2.0])
    assert SGD(0.5).minimize(lambda: v**2).tolist() == [5] and v.numpy().tolist() == [0, 0]  # the gradient of the sum


@pytest.mark.parametrize("way", [by_tape, by_minimize, natively])
def test_quadratic_by_adam(way: Callable[..., None]) -> None:
    """P2, in float32."""
    w = Variable(np.float32(0))
    optimizer = Adam(0.1)
    way(w, optimizer, 1)
    assert w.numpy() == np.float32(0.09999997)
    way(w, optimizer, 1000)
    assert w.numpy() == np.float32(5.000001)


def sgd(g: Callable[[np.ndarray], np.ndarray], w: np.ndarray) -> Iterator[np.ndarray]:
    while True:
        w = w - 0.1 * g(w)
        yield w


def momentum(g: Callable[[np.ndarray], np.ndarray], w: np.ndarray, nesterov: bool = False) -> Iterator[np.ndarray]:
    v = np.zeros_like(w)
    while True:
        gradient = g(w)
        v = 0.9 * v - 0.1 * gradient
        w = w + (0.9 * v - 0.1 * gradient if nesterov else v)
        yield w


def adam(g: Callable[[np.ndarray], np.ndarray], w: np.ndarray) -> Iterator[np.ndarray]:
    m = v = np.zeros_like(w)
    t = 0
    while True:
        gradient, t = g(w), t + 1
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        rate = 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        w = w - rate * m / (np.sqrt(v) + 1e-7)
        yield w


@pytest.mark.parametrize(
    ("optimizer", "formula"),
    [
        (lambda: SGD(0.1), sgd),
        (lambda: SGD(0.1, momentum=0.9), momentum),
        (lambda: SGD(0.1, momentum=0.9, nesterov=True), lambda g, w: momentum(g, w, nesterov=True)),
        (lambda: Adam(0.1), adam),
    ],
    ids=["sgd", "momentum", "nesterov", "adam"],
)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-4), (np.float64, 1e-12)])
def test_trajectories(optimizer: Any, formula: Any, dtype: type, tolerance: float) -> None:
    scale, start = np.array([1.0, 0.3, 2.0]), np.array([1.0, -2.0, 0.5])
    expected = formula(lambda w: scale * w + np.cos(w), start)
    native, stepped = Variable(start.astype(dtype)), Variable(start.astype(dtype))
    a, b = optimizer(), optimizer()

    def cost(w: Variable) -> Any:
        return jitgrad.sum(0.5 * scale * w**2 + jitgrad.sin(w))

    for _ in range(10):
        a.minimize(lambda: cost(native), steps=10)
        for _ in range(10):
            b.minimize(lambda: cost(stepped))
            reference = next(expected)
        np.testing.assert_allclose(native.numpy(), reference, rtol=tolerance, atol=tolerance)
        np.testing.assert_array_equal(native.numpy(), stepped.numpy())
    assert all(v.shape in ((3,), ()) for v in a.variables if "slot" in v.name)


def test_a_gradient_that_is_the_variable_itself() -> None:
    v, w = Variable(2.0), Variable(3.0)
    SGD(0.1).minimize(lambda: v * w, steps=1)
    assert float(v) == pytest.approx(1.7)
    assert float(w) == pytest.approx(2.8)


def test_the_learning_rate_may_change() -> None:
    w, optimizer = Variable(1.0), SGD(0.1)
    optimizer.minimize(lambda: w * 1.0)
    optimizer.learning_rate = 0.5
    optimizer.minimize(lambda: w * 1.0)
    assert float(w) == pytest.approx(0.4)
    assert optimizer.learning_rate == 0.5


def test_updates_inside_a_traced_function() -> None:
    w, optimizer = Variable(1.0), SGD(0.1)

    @jitgrad.function
    def step(x: Any) -> Any:
        with GradientTape() as tape:
            loss = jitgrad.sum(jitgrad.square(w - x))
        optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        return loss

    first = float(step(np.zeros(2)))
    assert (first, float(w)) == (2, pytest.approx(0.6))
    assert float(step(np.zeros(2))) == pytest.approx(0.72)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(0), "learning_rate is 0"),
        (lambda: SGD("fast"), "learning_rate is 'fast'"),
        (lambda: Adam(epsilon=-1), "epsilon is -1"),
        (lambda: SGD(float("nan")), "learning_rate is nan"),
        (lambda: SGD(0.1, momentum=1), "momentum is 1"),
        (lambda: SGD(0.1, nesterov=True), "nesterov requires a positive momentum"),
        (lambda: Adam(beta_1=-1), "beta_1 is -1"),
        (lambda: setattr(SGD(0.1), "learning_rate", -1), "learning_rate is -1"),
        (lambda: SGD().minimize(lambda: jitgrad.tensor(1.0), []), "No Variable has a gradient"),
        (lambda: SGD().minimize(lambda: jitgrad.tensor(1.0), steps=0), "steps is 0"),
        (lambda: SGD().apply_gradients([(1.0, w := Variable(1.0)), (1.0, w)]), "occurs twice"),
    ],
)
def test_arguments_are_checked(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


def test_gradients_are_checked() -> None:
    v, w = Variable(np.ones(2), name="v"), Variable(1.0, name="w")
    with pytest.raises(ShapeError, match=r"'v' has shape \(2,\) and its gradient \(3,\)"):
        SGD().apply_gradients([(np.ones(3), v)])
    with pytest.warns(UserWarning, match="no gradient for Variable 'w'"):
        SGD(1.0).apply_gradients([(np.ones(2), v), (None, w)])
    np.testing.assert_array_equal(v.numpy(), [0, 0])
    assert float(w) == 1


def test_only_floating_variables_are_optimised() -> None:
    for value in (True, np.int64(3)):
        v = Variable(value)
        with pytest.raises(DTypeError, match="Only floating"):
            SGD(1.0).apply_gradients([(1.0, v)])
        assert v.numpy() == value


def test_divergence_is_reported() -> None:
    w = Variable(2.0)
    with pytest.raises(FitError, match="nan or infinite"):
        SGD(1.0).minimize(lambda: w**4, steps=1000)
    assert np.isfinite(float(w))


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
@pytest.mark.parametrize("options", [{}, {"use_ema": True, "weight_decay": 0.01}])
def test_after_a_reset_it_begins_anew(name: str, options: dict[str, Any]) -> None:
    optimizer = optimizers.OPTIMIZERS[name](0.01, **options)  # type: ignore[call-arg]
    start, w = np.array([1.0, -2.0]), jitgrad.Variable([1.0, -2.0])
    cost = jitgrad.function(lambda: jitgrad.sum(jitgrad.cosh(w)))
    first = np.array(optimizer.minimize(cost, [w], steps=7)), np.array(w)
    w.assign(start)
    optimizer.reset()
    second = np.array(optimizer.minimize(cost, [w], steps=7)), np.array(w)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize("start", [(1.0, 1.0), (1.0, 0.1), (10.0, 2.0)])
def test_lbfgs_shortens_steps_that_increase_the_cost(start: tuple[float, float]) -> None:
    """Steps that went over an exponential's valley left it at a distant point, and later steps had length 0."""
    t = np.linspace(0, 10, 21)
    y = 5 * np.exp(-0.5 * t) + 0.2 * np.cos(7 * np.arange(21))
    a, b = Variable(start[0]), Variable(start[1])
    lbfgs = optimizers.LBFGS()

    def cost() -> Any:
        return jitgrad.sum((a * jitgrad.exp(-b * t) - y) ** 2)

    def found() -> list[float]:
        return [float(v) for v in (a, b)]

    lbfgs.minimize(cost, steps=100)
    fitted = jitgrad.curve_fit("a * exp(-b * t)", {"t": t}, y)
    np.testing.assert_allclose(found(), [fitted.parameters[name] for name in "ab"], rtol=1e-4)
    a.assign(start[0])  # the next step does not return to the last point, although the cost is higher here
    costs = lbfgs.minimize(cost, steps=100)
    assert costs[0] > costs[-1]
    np.testing.assert_allclose(found(), [fitted.parameters[name] for name in "ab"], rtol=1e-4)
