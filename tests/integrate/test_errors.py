"""Arguments that are refused, and integrations that fail, with messages that say what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.errors import ArgumentError, IntegrationError, OptionError, ShapeError, TracingError


def robertson(t: Any, y: Any) -> Any:
    slow, fast = -0.04 * y[0] + 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    return [slow, -slow - fast, fast]


def assigned(derivatives: Any, y: Any) -> Any:
    derivatives[0] = y[1]
    return derivatives


FLOAT32 = jg.tensor([1.0], "float32")
ARGUMENTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"t_eval": [0.5, 2.0]}, ArgumentError, r"Values in `t_eval` are not within `t_span`: 2.0 at position 1 .*Extend t_span"),
    ({"t_eval": [0.5, np.nan]}, ArgumentError, r"Values in `t_eval` are not within `t_span`: nan at position 1"),
    (
        {"t_eval": [0.5, 0.2]},
        ArgumentError,
        r"`t_eval` are not properly sorted: 0.2 follows 0.5. Sort them in increasing order",
    ),
    ({"t_span": (1, 0), "t_eval": [0.2, 0.5]}, ArgumentError, r"not properly sorted: 0.5 follows 0.2. Sort them in decreasing"),
    ({"t_eval": 0.5}, ArgumentError, "`t_eval` must be 1-dimensional"),
    ({"t_span": 3.0}, ArgumentError, "t_span is 3.0. Give two numbers"),
    ({"t_span": (0, 1, 2)}, ArgumentError, "t_span is .* Give two numbers"),
    ({"t_span": (0, np.inf)}, ArgumentError, "t_span is .* Give two finite numbers"),
    ({"method": "Radau"}, ArgumentError, "'Radau' is not available. Use 'ESDIRK'"),
    ({"method": "LSODA"}, ArgumentError, "'LSODA' is not available. Use 'auto'"),
    ({"method": "RK54"}, ArgumentError, "Did you mean 'RK45'?"),
    ({"rtol": -1.0}, ArgumentError, "rtol is -1.0"),
    ({"rtol": 1e-16}, ArgumentError, "rtol is 1e-16, below the rounding errors of float64, .*Increase rtol to 2e-14 or more.$"),
    ({"rtol": 1e-7, "y0": FLOAT32}, ArgumentError, "errors of float32, .* to 1e-05 or more, or use float64 Variables"),
    ({"atol": np.inf}, ArgumentError, "atol is inf"),
    ({"atol": [1e-6, 1e-6]}, ArgumentError, r"atol is \[1e-06, 1e-06\]. Give nonnegative numbers, one or one for each"),
    ({"first_step": 0.0}, ArgumentError, "first_step is 0.0"),
    ({"max_step": -1.0}, ArgumentError, "max_step is -1.0"),
    ({"max_steps": 0}, ArgumentError, "max_steps is 0"),
    ({"args": 2.0}, ArgumentError, "args is of type float. Give a tuple"),
    ({"jac": lambda t, y: [[1.0]]}, OptionError, "no option 'jac'. The Jacobian is derived from fun, so leave it out"),
    ({"rtoll": 1e-3}, OptionError, "Did you mean 'rtol'?"),
    ({"y0": []}, ArgumentError, "y0 is empty"),
    (
        {"y0": [1.0, 0.0], "atol": 0.0},
        IntegrationError,
        r"tolerance is 0 at t = 0, .*Set atol to the smallest value that matters",
    ),
    ({"y0": [1.0, 0.0], "atol": [1e-9, 0.0]}, IntegrationError, "The tolerance is 0"),
    ({"fun": None}, ArgumentError, "fun is None. Give a function"),
]


@pytest.mark.parametrize(("options", "error", "message"), ARGUMENTS, ids=range(len(ARGUMENTS)))
def test_invalid_arguments(options: dict[str, Any], error: type[Exception], message: str) -> None:
    given = {"fun": lambda t, y: -y, "t_span": (0, 1), "y0": [1.0], "t_eval": [1.0]} | options
    with pytest.raises(error, match=message):
        jg.solve_ivp(given.pop("fun"), given.pop("t_span"), given.pop("y0"), **given)


@pytest.mark.parametrize(
    ("fun", "error", "message"),
    [
        (lambda t, y: y[:2], ShapeError, r"fun returns an array of shape \(2,\) for y of shape \(3,\)"),
        (lambda t, y: 1.0, ShapeError, r"fun returns an array of shape \(\) for y of shape \(3,\)"),
        (lambda t, y: None, ArgumentError, "fun returns None"),
        (lambda t, y: assigned(np.zeros(3), y), ArgumentError, r"array of floats. Return a list or np.array\(\["),
        (lambda t, y: assigned(np.zeros_like(y), y), ArgumentError, r"elements of a Tensor. Return a list or np.array\(\["),
        (lambda t, y: -y if y[0] > 0 else y, TracingError, "where"),
        (lambda t, y: np.array([y[0], y[1], y[2]], float), TracingError, "A value was requested"),
    ],
)
def test_invalid_right_hand_sides(fun: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        jg.solve_ivp(fun, (0, 1), [1.0, 2.0, 3.0], t_eval=[1.0])


FAILURES: list[tuple[Any, Any, dict[str, Any], str]] = [
    (lambda t, y: y * y, [1.0], {"t_span": (0, 2)}, r"step size .* at t = 1, where y is"),
    (lambda t, y: -y, [np.nan], {}, r"y0 is not finite"),
    (lambda t, y: jg.log(y), [-1.0], {}, r"fun is not finite at t = 0"),
    (robertson, [1.0, 0.0, 0.0], {"t_span": (0, 1e5), "method": "RK45", "max_steps": 1000}, r"stiff.*method='ESDIRK'"),
    (
        lambda t, y: [y[1], -y[0]],
        jg.tensor([1.0, 0.0], "float32"),
        {"t_span": (0, 10), "rtol": 5e-7, "max_steps": 100},
        "100 steps .*rtol is 5e-07, close to the rounding errors of float32. Increase rtol to 1e-05 or more, or use float64",
    ),
    (lambda t, y: [y[1], -1e4 * y[0]], [1.0, 0.0], {"t_span": (0, 1e3), "max_steps": 500}, r"500 steps .*max_steps"),
]


@pytest.mark.parametrize(("fun", "y0", "options", "message"), FAILURES, ids=range(len(FAILURES)))
def test_failures(fun: Any, y0: Any, options: dict[str, Any], message: str) -> None:
    span = options.pop("t_span", (0, 1))
    with pytest.raises(IntegrationError, match=message):
        jg.solve_ivp(fun, span, y0, t_eval=[span[1]], **options)


def test_failures_in_traced_functions_and_rows_give_nan() -> None:
    def at_1(y0: Any) -> Any:
        result = jg.solve_ivp(lambda t, y: y * y, (0, 1), [y0], t_eval=[0.25, 1.0])
        return result.y[0], result.success, result.status

    y, success, status = jg.vmap(at_1)(np.array([0.5, 2.0]))
    np.testing.assert_allclose(y.numpy()[0], [0.5 / (1 - 0.125), 1.0], rtol=1e-4)
    assert np.isnan(y.numpy()[1, 1])
    np.testing.assert_array_equal(success.numpy(), [True, False])
    np.testing.assert_array_equal(status.numpy(), [0, -1])
    y, success, _ = jg.function(at_1)(2.0)
    assert np.isnan(y.numpy()[1]) and not success.numpy()


def test_rows_after_their_last_time_are_nan_with_jumps() -> None:
    def at(last: Any) -> Any:
        return jg.solve_ivp(lambda t, y: -y, (0, last), [1.0], t_eval=[0.5, 1.0], jumps=([0.25], [0.0])).y[0]

    np.testing.assert_allclose(jg.vmap(at)(np.array([0.5, 1.0])).numpy(), np.exp([[-0.5, np.nan], [-0.5, -1.0]]), rtol=1e-6)


def test_a_failure_under_a_tape_raises() -> None:
    with jg.GradientTape(), pytest.raises(IntegrationError):
        jg.solve_ivp(lambda t, y: y * y, (0, 2), [jg.Variable(1.0)], t_eval=[2.0])


def test_times_are_checked_when_a_traced_function_is_called() -> None:
    f = jg.function(lambda times: jg.solve_ivp(lambda t, y: -y, (0, 1), [1.0], t_eval=times).y)
    assert f(np.array([0.5, 1.0])).shape == (1, 2)
    with pytest.raises(ArgumentError, match="not within"):
        f(np.array([0.5, 1.5]))


def test_unknown_times_are_required_in_traced_functions() -> None:
    with pytest.raises(TracingError, match="t_eval"):
        jg.function(lambda k: jg.solve_ivp(lambda t, y: -k * y, (0, 1), [1.0]).y)(0.5)


def _assigned(t: Any, y: Any) -> Any:
    made = np.zeros(2)
    made[0], made[1] = y[1], -y[0]
    return made


def test_derivatives_are_not_assigned_to_an_array() -> None:
    with pytest.raises(ArgumentError, match=r"np.array\(\[\.\.\.\]\) of the derivatives"):
        jg.solve_ivp(_assigned, (0, 1), [1.0, 0.0])
