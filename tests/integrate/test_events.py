"""Events against SciPy's and closed forms: times, states, stops, resets, and the derivatives through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jitgrad as jg
from jitgrad.errors import ArgumentError, IntegrationError, ShapeError
from tests.integrate.cases import differences

TIGHT = {"method": "DOP853", "rtol": 1e-11, "atol": 1e-12}


def event(function: Callable[..., Any], **attributes: Any) -> Callable[..., Any]:
    """A new function with attributes."""

    def named(t: Any, y: Any, *args: Any) -> Any:
        return function(t, y, *args)

    for name, value in attributes.items():
        setattr(named, name, value)
    return named


def cannon(t: Any, y: Any, g: Any = 0.5) -> Any:
    return [y[1], -g]


def test_the_cannon_of_scipys_documentation() -> None:
    ground, top = event(lambda t, y: y[0], terminal=True, direction=-1), event(lambda t, y: y[1])
    found = jg.solve_ivp(cannon, [0, 100], [0, 10], events=[ground, top])
    theirs = solve_ivp(cannon, [0, 100], [0, 10], events=[ground, top])
    assert (found.status, found.message, found.success) == (theirs.status, theirs.message, theirs.success)
    for mine, expected in zip([*found.t_events, *found.y_events], [*theirs.t_events, *theirs.y_events], strict=True):
        np.testing.assert_allclose(mine.numpy(), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.t.numpy()[[0, -1]], theirs.t[[0, -1]], rtol=1e-6)
    np.testing.assert_allclose(found.y.numpy()[:, -1], theirs.y[:, -1], rtol=1e-6, atol=1e-6)


def test_results_end_at_a_terminal_event() -> None:
    ground = event(lambda t, y: y[0], terminal=True, direction=-1)
    times = np.linspace(0, 100, 101)
    found = jg.solve_ivp(cannon, [0, 100], [0, 10], t_eval=times, events=ground)
    theirs = solve_ivp(cannon, [0, 100], [0, 10], t_eval=times, events=ground)
    assert found.y.shape == (2, len(found.t.numpy())) and abs(len(theirs.t) - found.y.shape[1]) <= 1  # the event is at 40
    np.testing.assert_allclose(found.y.numpy()[:, :40], theirs.y[:, :40], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("direction", [-1, 0, 1])
@pytest.mark.parametrize("terminal", [False, True, 2])
def test_direction_and_terminal(direction: int, terminal: Any) -> None:
    def fun(t: Any, y: Any) -> Any:
        return [y[1], -y[0]]

    given = event(lambda t, y: y[0] - 0.25, direction=direction, terminal=terminal)
    found = jg.solve_ivp(fun, (0, 12), [1.0, 0.5], t_eval=[0.5, 1.0], events=given, **TIGHT)
    theirs = solve_ivp(fun, (0, 12), [1.0, 0.5], "DOP853", events=given, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(found.t_events[0].numpy(), theirs.t_events[0], rtol=1e-9)
    assert found.status == theirs.status


def test_an_event_at_the_initial_time_is_not_reported() -> None:
    found = jg.solve_ivp(lambda t, y: [y[1], -y[0]], (0, 7), [0.0, 1.0], t_eval=[1.0], events=lambda t, y: y[0], **TIGHT)
    np.testing.assert_allclose(found.t_events[0].numpy(), [np.pi, 2 * np.pi], rtol=1e-9)


def test_events_backward_in_time() -> None:
    given = event(lambda t, y: y[0], direction=1)
    found = jg.solve_ivp(lambda t, y: [y[1], -y[0]], (7, 0), [np.sin(7.0), np.cos(7.0)], t_eval=[1.0], events=given, **TIGHT)
    np.testing.assert_allclose(found.y.numpy()[:, 0], [np.sin(1), np.cos(1)], rtol=1e-8)
    theirs = solve_ivp(
        lambda t, y: [y[1], -y[0]], (7, 0), [np.sin(7.0), np.cos(7.0)], "DOP853", events=given, rtol=1e-11, atol=1e-12
    )
    np.testing.assert_allclose(found.t_events[0].numpy(), theirs.t_events[0], rtol=1e-9)


@pytest.mark.parametrize("mode", ["jacfwd", "jacrev"])
def test_derivatives_of_the_time_and_the_state_of_an_event(mode: str) -> None:
    ground = event(lambda t, y, *args: y[0], terminal=True, direction=-1)

    def landing(x: Any) -> Any:
        found = jg.solve_ivp(cannon, (0, 1e3), [x[0], x[1]], t_eval=[], events=ground, args=(x[2],), **TIGHT)
        return jg.concatenate([found.t_events[0], found.y_events[0][0]])

    def exact(x: Any) -> Any:
        speed = jg.sqrt(x[1] ** 2 + 2 * x[2] * x[0])
        return jg.stack([(x[1] + speed) / x[2], 0.0 * speed, -speed])

    x = np.array([3.0, 10.0, 0.5])
    np.testing.assert_allclose(landing(x).numpy(), exact(x).numpy(), rtol=1e-10, atol=1e-10)
    transform = getattr(jg, mode)
    np.testing.assert_allclose(transform(landing)(x).numpy(), transform(exact)(x).numpy(), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(jg.hessian(landing)(x).numpy(), jg.hessian(exact)(x).numpy(), rtol=1e-7, atol=1e-8)


TIMES = np.array([0.5, 1.4, 2.0, 3.0, 4.0, 5.5])


def bouncing(x: Any, times: Any = TIMES, **options: Any) -> Any:
    """A ball dropped from a height, with a restitution and a gravity."""
    ground = event(lambda t, y, *args: y[0], direction=-1, reset=lambda t, y, e, g: [0.0, -e * y[1]])
    return jg.solve_ivp(
        lambda t, y, e, g: [y[1], -g], (0, 6), [x[0], 0.0], t_eval=times, events=ground, args=(x[1], x[2]), **TIGHT | options
    )


def bounces(x: Any, times: np.ndarray = TIMES) -> Any:
    """The same in closed form."""
    height, e, g = x[0], x[1], x[2]
    at, speed = 0.0 - jg.sqrt(2 * height / g), jg.sqrt(2 * height * g)  # as if it was thrown from the ground
    position, velocity = 0.0 * times * height, 0.0 * times * height
    for _ in range(6):
        s = times - at
        position = jg.where(s >= 0, speed * s - g / 2 * s * s, position)
        velocity = jg.where(s >= 0, speed - g * s, velocity)
        at, speed = at + 2 * speed / g, e * speed
    return jg.stack([position, velocity])


BALL = np.array([10.0, 0.8, 9.81])


def test_a_bouncing_ball() -> None:
    found = bouncing(BALL)
    np.testing.assert_allclose(found.y.numpy(), bounces(BALL).numpy(), rtol=1e-9, atol=1e-9)
    fall = np.sqrt(2 * 10 / 9.81)
    np.testing.assert_allclose(found.t_events[0].numpy(), fall * (1 + 2 * np.cumsum([0, 0.8, 0.64])), rtol=1e-10)
    np.testing.assert_allclose(found.y_events[0].numpy()[:, 1], -fall * 9.81 * 0.8 ** np.arange(3), rtol=1e-9)


@pytest.mark.parametrize("mode", ["jacfwd", "jacrev", "hessian"])
def test_derivatives_of_a_bouncing_ball(mode: str) -> None:
    transform = getattr(jg, mode)
    found = transform(lambda x: bouncing(x, max_events=4).y)(BALL).numpy()
    np.testing.assert_allclose(found, transform(bounces)(BALL).numpy(), rtol=1e-7, atol=1e-7)


def test_the_saltation_matrix() -> None:
    """Nonlinear flows before and after a surface that depends on time: the derivative by the initial state."""

    def fun(t: Any, y: Any) -> Any:
        return [y[1], -jg.sin(y[0]) - 0.1 * y[1]] if isinstance(y, jg.Tensor) else [y[1], -np.sin(y[0]) - 0.1 * y[1]]

    def surface(t: Any, y: Any) -> Any:
        return y[0] - 0.2 * t

    def reset(t: Any, y: Any) -> Any:
        return [y[0] + 0.3 * y[1] ** 2 + 0.05 * t, -0.7 * y[1] + 0.1 * y[0]]

    def in_pieces(y0: np.ndarray) -> np.ndarray:
        stop = event(surface, terminal=True)
        first = solve_ivp(fun, (0, 3), y0, "DOP853", events=stop, rtol=1e-12, atol=1e-13)
        t, y = first.t_events[0][0], first.y_events[0][0]
        return solve_ivp(fun, (t, 3), reset(t, y), "DOP853", rtol=1e-12, atol=1e-13).y[:, -1]

    def whole(y0: Any) -> Any:
        given = event(surface, reset=reset)
        return jg.solve_ivp(fun, (0, 3), y0, t_eval=[3.0], events=given, max_events=2, **TIGHT).y[:, 0]

    y0 = np.array([1.0, 0.2])
    np.testing.assert_allclose(whole(y0).numpy(), in_pieces(y0), rtol=1e-8)
    np.testing.assert_allclose(jg.jacfwd(whole)(y0).numpy(), differences(in_pieces, y0), rtol=1e-6)


def test_events_and_jumps() -> None:
    """A dose is given whenever the amount falls below 1, and one at time 1."""
    low = event(lambda t, y: y[0] - 1, direction=-1, reset=lambda t, y: y + 2)
    times = np.array([0.5, 1.0, 1.5, 3.0])
    found = jg.solve_ivp(lambda t, y: -y, (0, 3), [2.0], t_eval=times, events=low, jumps=([1.0], [[1.0]]), **TIGHT)
    first = np.log(2)
    at_1 = 3 * np.exp(first - 1) + 1
    second = 1 + np.log(at_1)
    expected = [2 * np.exp(-0.5), at_1, at_1 * np.exp(-0.5), 3 * np.exp(second - 3)]
    np.testing.assert_allclose(found.t_events[0].numpy(), [first, second], rtol=1e-9)
    np.testing.assert_allclose(found.y.numpy()[0], expected, rtol=1e-9)


def test_two_events_at_one_time() -> None:
    given = [event(lambda t, y: y[0] - 0.5), event(lambda t, y: 2 * y[0] - 1, terminal=True)]
    found = jg.solve_ivp(lambda t, y: -y, (0, 3), [1.0], events=given, **TIGHT)
    for times in found.t_events:
        np.testing.assert_allclose(times.numpy(), [np.log(2)], rtol=1e-9)


def test_traced_functions_and_rows_pad_events_with_nan() -> None:
    heights = np.array([10.0, 20.0, 40.0])

    def times_of(height: Any) -> Any:
        found = bouncing(jg.stack([height, 0.8, 9.81]), max_events=5)
        return found.t_events[0]

    together = jg.vmap(times_of)(heights).numpy()
    traced = jg.function(times_of)
    assert together.shape == (3, 5)
    for row, height in zip(together, heights, strict=True):
        alone = times_of(height).numpy()
        np.testing.assert_array_equal(row[: len(alone)], alone)
        assert np.isnan(row[len(alone) :]).all() and len(alone) in (1, 2, 3, 4)
        np.testing.assert_array_equal(row, traced(height).numpy())


def test_rows_have_no_more_places_than_terminal_events() -> None:
    def time_of(height: Any) -> Any:
        return jg.solve_ivp(lambda t, y: -y, (0, 9), [height], t_eval=[9.0], events=event(lambda t, y: y[0] - 1, terminal=True))

    found = jg.vmap(lambda height: time_of(height).t_events[0])(np.array([2.0, 0.5])).numpy()
    np.testing.assert_allclose(found, [[np.log(2)], [np.nan]], rtol=1e-9)


def test_too_many_events() -> None:
    with pytest.raises(IntegrationError, match=r"more than 3 events.*max_events"):
        jg.solve_ivp(lambda t, y: [y[1], -y[0]], (0, 100), [0.0, 1.0], t_eval=[1.0], events=lambda t, y: y[0], max_events=3)


@pytest.mark.parametrize(
    ("events", "error", "message"),
    [
        (3.0, ArgumentError, "events is 3.0. Give a function"),
        ([lambda t, y: y[0], None], ArgumentError, "Event 1 is None"),
        (lambda t, y: y, ShapeError, r"Event function 0 returns an array of shape \(2,\)"),
        (event(lambda t, y: y[0], terminal=-1), ArgumentError, "terminal of event 0 is -1"),
        (event(lambda t, y: y[0], reset=lambda t, y: 0.0), ShapeError, r"The reset of event 0 returns an array of shape \(\)"),
    ],
)
def test_invalid_events(events: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        jg.solve_ivp(lambda t, y: -y, (0, 3), [1.0, 2.0], t_eval=[3.0], events=events)
