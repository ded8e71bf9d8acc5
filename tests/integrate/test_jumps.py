"""Jumps at given times: values by superposition, and derivatives by times, amounts and parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.errors import ArgumentError, ShapeError
from tests.integrate.cases import differences

TIGHT = {"method": "DOP853", "rtol": 1e-11, "atol": 1e-12}


def oral(t: Any, y: Any, ka: Any, ke: Any) -> Any:
    return [-ka * y[0], ka * y[0] - ke * y[1]]


def superposed(times: np.ndarray, doses: np.ndarray, amounts: np.ndarray, ka: float, ke: float) -> np.ndarray:
    """The amount in the central compartment after several oral doses, in closed form."""
    s = times[:, None] - doses
    one = ka / (ka - ke) * (np.exp(-ke * np.maximum(s, 0)) - np.exp(-ka * np.maximum(s, 0)))
    return np.where(s >= 0, one * amounts, 0).sum(axis=1)


DOSES, AMOUNTS = np.array([0.0, 8.0, 16.0, 30.0]), np.array([100.0, 50.0, 50.0, 80.0])
TIMES = np.array([0.0, 0.5, 2.0, 8.0, 9.0, 15.999, 16.0, 25.0, 30.0, 48.0])


def dosed(doses: Any, amounts: Any, ka: Any, ke: Any, times: Any = TIMES, span: Any = (0.0, 48.0)) -> Any:
    given = jg.stack([amounts, jg.zeros_like(jg.convert_to_tensor(amounts))], axis=1)
    return jg.solve_ivp(oral, span, [0.0, 0.0], t_eval=times, args=(ka, ke), jumps=(doses, given), **TIGHT).y[1]


def test_several_doses_superpose() -> None:
    y = dosed(DOSES, AMOUNTS, 1.2, 0.15)
    np.testing.assert_allclose(y.numpy(), superposed(TIMES, DOSES, AMOUNTS, 1.2, 0.15), rtol=1e-8, atol=1e-8)


def test_the_order_of_jumps_does_not_matter_and_those_outside_are_ignored() -> None:
    order = np.array([2, 0, 3, 1])
    np.testing.assert_array_equal(
        dosed(DOSES[order], AMOUNTS[order], 1.2, 0.15).numpy(), dosed(DOSES, AMOUNTS, 1.2, 0.15).numpy()
    )
    y = dosed(np.append(DOSES, [-1.0, 50.0]), np.append(AMOUNTS, [1e3, 1e3]), 1.2, 0.15)
    np.testing.assert_allclose(y.numpy(), superposed(TIMES, DOSES, AMOUNTS, 1.2, 0.15), rtol=1e-8, atol=1e-8)


def test_two_jumps_at_one_time_are_both_applied() -> None:
    y = jg.solve_ivp(
        lambda t, y: 0.0 * y, (0, 2), [1.0], t_eval=[0.5, 1.0, 2.0], jumps=([1.0, 1.0, 2.0], [[1.0], [2.0], [4.0]])
    ).y
    np.testing.assert_array_equal(y.numpy(), [[1.0, 4.0, 8.0]])


@pytest.mark.parametrize("mode", ["jacfwd", "jacrev"])
def test_derivatives_by_doses_amounts_and_parameters(mode: str) -> None:
    """The last dose time is after some results and before others; all of them may move."""
    times = np.array([0.5, 7.0, 9.0, 20.0, 31.0, 47.0])
    doses = DOSES + 0.25  # the lag of the first dose may vary in both directions
    x = np.concatenate([doses, AMOUNTS, [1.2, 0.15]])
    found = getattr(jg, mode)(lambda x: dosed(x[:4], x[4:8], x[8], x[9], times))(x).numpy()
    expected = differences(lambda x: superposed(times, x[:4], x[4:8], x[8], x[9]), x)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-7 * np.abs(expected).max())


def test_the_lag_time_of_all_doses() -> None:
    times = np.array([1.0, 9.0, 31.0])
    slope = jg.jacfwd(lambda lag: dosed(DOSES + lag, AMOUNTS, 1.2, 0.15, times))(0.3).numpy()
    e = 1e-4
    expected = (
        superposed(times, DOSES + 0.3 + e, AMOUNTS, 1.2, 0.15) - superposed(times, DOSES + 0.3 - e, AMOUNTS, 1.2, 0.15)
    ) / (2 * e)
    np.testing.assert_allclose(slope, expected, rtol=1e-7)
    at_zero = jg.jacfwd(lambda lag: dosed(DOSES + lag, AMOUNTS, 1.2, 0.15, times))(0.0).numpy()
    ahead = (superposed(times, DOSES + e, AMOUNTS, 1.2, 0.15) - superposed(times, DOSES, AMOUNTS, 1.2, 0.15)) / e
    np.testing.assert_allclose(at_zero, ahead, rtol=1e-3)


def test_second_derivatives_through_jumps() -> None:
    times = np.array([9.0, 20.0, 31.0])
    x = np.concatenate([DOSES + 0.25, AMOUNTS, [1.2, 0.15]])

    def f(x: Any) -> Any:
        return dosed(x[:4], x[4:8], x[8], x[9], times)

    expected = differences(lambda x: jg.jacfwd(f)(x).numpy(), x)
    np.testing.assert_allclose(jg.hessian(f)(x).numpy(), expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_a_function_of_the_state() -> None:
    """Half of the state is removed at each time."""
    y = jg.solve_ivp(
        lambda t, y, k: -k * y,
        (0, 3),
        [8.0],
        t_eval=[0.5, 1.0, 2.5],
        args=(0.2,),
        jumps=([1.0, 2.0], lambda t, y, k: y / 2),
        **TIGHT,
    ).y
    np.testing.assert_allclose(y.numpy()[0], 8 * np.exp(-0.2 * np.array([0.5, 1.0, 2.5])) / [1, 2, 4], rtol=1e-9)


def test_an_infusion_is_a_jump_of_a_rate() -> None:
    def fun(t: Any, y: Any, ke: Any) -> Any:
        return {"amount": y["rate"] - ke * y["amount"], "rate": 0.0}

    times = np.array([1.0, 2.0, 5.0])
    jumps = ([0.0, 2.0], {"amount": [0.0, 0.0], "rate": [10.0, -10.0]})
    y = jg.solve_ivp(fun, (0, 5), {"amount": 0.0, "rate": 0.0}, t_eval=times, args=(0.3,), jumps=jumps, **TIGHT).y["amount"]
    during = 10 / 0.3 * (1 - np.exp(-0.3 * np.minimum(times, 2)))
    np.testing.assert_allclose(y.numpy(), during * np.exp(-0.3 * np.maximum(times - 2, 0)), rtol=1e-9)


def test_dense_output_is_continuous_from_the_right() -> None:
    sol = jg.solve_ivp(lambda t, y: -y, (0, 2), [1.0], jumps=([1.0], [[5.0]]), dense_output=True, **TIGHT).sol
    assert sol is not None
    np.testing.assert_allclose(sol([1.0, 1 - 1e-9, 0.0]).numpy()[0], [np.exp(-1) + 5, np.exp(-1), 1], rtol=1e-8)


def test_rows_agree_with_each_alone_to_the_bit() -> None:
    ka = np.linspace(0.8, 2.0, 50)
    together = jg.vmap(lambda k: dosed(DOSES, AMOUNTS, k, 0.15))(ka).numpy()
    for row in (0, 13, 49):
        np.testing.assert_array_equal(together[row], dosed(DOSES, AMOUNTS, ka[row], 0.15).numpy())


@pytest.mark.parametrize(
    ("jumps", "error", "message"),
    [
        (3.0, ArgumentError, "jumps is not a pair"),
        (([[1.0]], [[1.0, 0.0]]), ShapeError, r"the times have shape \(1, 1\)"),
        (([1.0, 2.0], [[1.0, 0.0, 0.0]]), ShapeError, r"amounts have shape \(1, 3\) for 2 times and y of shape \(2,\)"),
        (([1.0], lambda t, y: [1.0]), ShapeError, r"The function of jumps returns an array of shape \(1,\)"),
    ],
)
def test_invalid_jumps(jumps: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        jg.solve_ivp(lambda t, y: -y, (0, 3), [1.0, 2.0], t_eval=[3.0], jumps=jumps)
