"""The op ``integrate``: values against SciPy and closed forms, and derivatives of all kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jitgrad as jg
from jitgrad.errors import ShapeError, TracingError
from jitgrad.tape.integrate import integrate
from jitgrad.vm.integrate import layout

TIMES = np.linspace(0, 20, 21)
RATES, START = np.array([0.55, 0.028, 0.8, 0.024]), np.array([30.0, 4.0])


def prey(rates: Any, start: Any, times: Any = TIMES, begin: Any = 0.0, **options: Any) -> Any:
    """Lotka and Volterra's equations."""

    def fun(t: Any, states: Any) -> list[Any]:
        (y,) = states
        return [jg.stack([rates[0] * y[0] - rates[1] * y[0] * y[1], rates[3] * y[0] * y[1] - rates[2] * y[1]])]

    return integrate(fun, begin, times, [start], **{"rtol": 1e-10, "atol": 1e-10} | options)


def values(*given: Any, **options: Any) -> Any:
    return prey(*given, **options)[0][0]


ARGUMENTS: dict[str, tuple[Any, np.ndarray]] = {
    "constants": (lambda v: values(v, START), RATES),
    "states": (lambda v: values(RATES, v), START),
    "times": (lambda v: values(RATES, START, v), TIMES + 0.01),
    "start": (lambda v: values(RATES, START, TIMES, v), np.array(-0.1)),
}
each_argument = pytest.mark.parametrize("argument", ARGUMENTS)


def differences(f: Any, x: np.ndarray) -> np.ndarray:
    """Return the Jacobian by central differences, with the axes of x last."""
    columns = []
    for i in np.ndindex(x.shape):
        h = np.zeros_like(x)
        h[i] = 1e-5 * max(abs(float(x[i])), 1e-3)
        columns.append((f(x + h).numpy() - f(x - h).numpy()) / (2 * h[i]))
    return np.stack(columns, -1).reshape((*np.shape(columns[0]), *x.shape))


def close(found: Any, wanted: Any, within: float) -> bool:
    wanted = np.asarray(wanted)
    return bool(np.abs(np.asarray(found) - wanted).max() <= within * np.abs(wanted).max())


def test_values_agree_with_scipy() -> None:
    found = values(RATES, START).numpy()
    a, b, c, d = RATES
    wanted = solve_ivp(
        lambda t, y: [a * y[0] - b * y[0] * y[1], d * y[0] * y[1] - c * y[1]], (0, 20), START, "DOP853", TIMES,
        rtol=1e-12, atol=1e-12,
    ).y.T  # fmt: skip
    assert close(found, wanted, 1e-8)


@each_argument
def test_jacobians_agree_with_differences_and_with_forward_mode(argument: str) -> None:
    f, x = ARGUMENTS[argument]
    jacobian = jg.jacobian(f)(x).numpy()
    assert close(jacobian, differences(f, x), 1e-6)
    along = np.random.default_rng(0).normal(size=x.shape)
    assert close(jg.jvp(f, (x,), (along,))[1].numpy(), np.tensordot(jacobian, along, x.ndim), 1e-12)


@each_argument
def test_gradients_agree_with_differences(argument: str) -> None:
    f, x = ARGUMENTS[argument]

    def total(v: Any) -> Any:
        return jg.sum(f(v) ** 2)

    assert close(jg.grad(total)(x).numpy(), differences(total, x), 1e-6)


@pytest.mark.parametrize("argument", ["constants", "states", "start"])
def test_second_derivatives_agree_with_differences_of_gradients(argument: str) -> None:
    f, x = ARGUMENTS[argument]

    def total(v: Any) -> Any:
        return jg.sum(f(v) ** 2)

    assert close(jg.hessian(total)(x).numpy(), differences(jg.grad(total), x), 1e-5)


def test_each_row_is_integrated_by_itself_to_the_bit() -> None:
    rates = RATES * np.random.default_rng(1).uniform(0.8, 1.2, size=(50, 1))
    many = jg.vmap(lambda v: values(v, START))(rates).numpy()
    for one, row in zip(many, rates, strict=True):
        np.testing.assert_array_equal(one, values(row, START).numpy())
    slopes = jg.vmap(jg.jacobian(lambda v: values(v, START)))(rates).numpy()
    np.testing.assert_array_equal(slopes[7], jg.jacobian(lambda v: values(v, START))(rates[7]).numpy())


def test_backward_integration_returns_to_the_start() -> None:
    end = values(RATES, START)[-1]
    back = values(RATES, end, TIMES[::-1].copy(), 20.0)
    assert close(back.numpy()[-1], START, 1e-7)


def test_several_states_of_any_shape() -> None:
    matrix = np.array([[0.0, 1.0], [-1.0, 0.0]])
    found, *_ = integrate(
        lambda t, states: [jg.matmul(matrix, states[0]), states[1] * -2.0, 3.0 * t**2], 0.0, [0.0, 1.0, 2.0],
        [np.eye(2), np.float64(1.0), np.float64(0.0)], rtol=1e-10, atol=1e-12,
    )  # fmt: skip
    rotation = np.array([[[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]] for t in (0.0, 1.0, 2.0)])
    np.testing.assert_allclose(found[0].numpy(), rotation, atol=1e-9)
    np.testing.assert_allclose(found[1].numpy(), np.exp([0.0, -2.0, -4.0]), atol=1e-9)
    np.testing.assert_allclose(found[2].numpy(), [0.0, 1.0, 8.0], atol=1e-9)


def test_float32() -> None:
    y = np.ones(1, np.float32)
    found, statistics, *_ = integrate(
        lambda t, s: [-s[0]], np.float32(0), np.array([1.0], np.float32), [jg.Variable(y)], rtol=1e-4
    )
    assert found[0].dtype == np.float32
    np.testing.assert_allclose(found[0].numpy(), np.exp([[-1.0]]), rtol=1e-4)
    assert statistics.numpy()[layout.STATUS_RESULT] == layout.DONE


FAILURES: dict[str, tuple[Any, dict[str, Any], int]] = {
    "too many steps": (lambda t, s: [-s[0]], {"max_step": 1e-3, "max_steps": 100}, layout.TOO_MANY),
    "blows up": (lambda t, s: [s[0] ** 2], {}, layout.VANISHED),
    "not finite": (lambda t, s: [jg.sqrt(0.5 - t) + s[0]], {}, layout.NOT_FINITE),
    "not finite at the start": (lambda t, s: [s[0] / t], {}, layout.NOT_FINITE),
    "unsorted": (lambda t, s: [-s[0]], {"times": [0.0, 2.0, 1.0, 3.0]}, layout.UNSORTED),
}


@pytest.mark.parametrize("case", FAILURES)
def test_values_are_nan_after_a_failure_which_the_status_tells(case: str) -> None:
    fun, options, status = FAILURES[case]
    options = {"times": [0.0, 0.05, 2.0]} | options
    found, statistics, *_ = integrate(fun, 0.0, options.pop("times"), [np.ones(2)], **options)
    assert statistics.numpy()[layout.STATUS_RESULT] == status
    assert np.isnan(found[0].numpy()[-1]).all()
    assert (found[0].numpy()[0] == 1).all()


def test_the_right_hand_side_is_checked() -> None:
    with pytest.raises(ShapeError, match="derivatives"):
        integrate(lambda t, s: [jg.sum(s[0])], 0.0, [1.0], [np.ones(2)])
    with pytest.raises(TracingError):
        integrate(lambda t, s: [s[0] if s[0][0] > 0 else -s[0]], 0.0, [1.0], [np.ones(2)])


def falling(t: Any, states: Any) -> list[Any]:
    """A body with height and speed."""
    (y,) = states
    return [jg.stack([y[1], -9.81 + 0.0 * y[1]])]


@pytest.mark.parametrize("method", ["dopri5", "dop853", "esdirk54"])
def test_events_are_found_on_the_dense_output(method: str) -> None:
    def heights(t: Any, states: Any) -> Any:
        y = states[0]
        return jg.stack([y[0], y[1], jg.cos(3 * t)])

    found = integrate(
        falling, 0.0, [2.5], [np.array([10.0, 5.0])], method=method, rtol=1e-9, atol=1e-9, events=heights, most_events=4,
        max_step=0.1,
    )  # fmt: skip
    ground, top, waves = found.events.numpy()
    np.testing.assert_allclose(ground[0], (5 + np.sqrt(25 + 2 * 9.81 * 10)) / 9.81, rtol=1e-8)
    np.testing.assert_allclose(top[0], 5 / 9.81, rtol=1e-8)
    np.testing.assert_allclose(waves[:2], np.array([0.5, 1.5]) * np.pi / 3, rtol=1e-9)
    assert np.isnan(ground[1:]).all()


@pytest.mark.parametrize(("direction", "first"), [(0, 0.5), (1, 1.5), (-1, 0.5)], ids=str)
def test_a_terminal_event_ends_the_integration(direction: int, first: float) -> None:
    times = np.linspace(0, 12, 121)
    found = integrate(
        lambda t, s: [jg.cos(t) + 0.0 * s[0]], 0.0, times, [np.zeros(1)], rtol=1e-9, atol=1e-12,
        events=lambda t, s: jg.stack([jg.cos(t)]), directions=[direction], terminal=[2], recorded=1000,
    )  # fmt: skip
    second = (first + (1 if direction == 0 else 2)) * np.pi
    np.testing.assert_allclose(found.events.numpy()[0], np.array([first * np.pi, second]), rtol=1e-8)
    values = found.values[0].numpy()[:, 0]
    np.testing.assert_allclose(values[times < second], np.sin(times[times < second]), atol=1e-8)
    assert np.isnan(values[times > second]).all()
    assert found.statistics.numpy()[layout.STATUS_RESULT] == layout.STOPPED
    steps = found.steps.numpy()
    accepted = int(found.statistics.numpy()[layout.ACCEPTED_RESULT])
    assert (np.diff(steps[:accepted]) > 0).all()
    assert steps[accepted - 1] == found.statistics.numpy()[layout.TIME_RESULT]
