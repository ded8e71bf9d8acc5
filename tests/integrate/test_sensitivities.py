"""Derivatives of solutions: against differences of SciPy's solutions, closed forms, and between modes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import jitgrad as jg
from tests.integrate.cases import CASES, differences, reference, solved


@pytest.mark.parametrize("mode", ["jacfwd", "jacrev"])
@pytest.mark.parametrize("name", CASES)
def test_derivatives_by_the_state_and_the_parameters(name: str, mode: str) -> None:
    case = CASES[name]
    n, times = len(case.y0), case.times(5)
    x = np.array([*case.y0, *case.args])
    found = getattr(jg, mode)(lambda x: solved(case, times, x[:n], tuple(x[n + k] for k in range(len(case.args)))))(x).numpy()
    expected = differences(lambda x: reference(case, times, x[:n], tuple(x[n:])), x)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("mode", ["jacfwd", "jacrev"])
@pytest.mark.parametrize("name", ["harmonic", "backward", "forced", "lotka_volterra"])
def test_derivatives_by_times(name: str, mode: str) -> None:
    case = CASES[name]
    x = np.array([*case.span, *case.times(3)])

    def f(x: Any) -> Any:
        return solved(case, jg.concatenate([x[2:], x[1:2]]), span=(x[0], x[1]))

    expected = differences(lambda x: reference(case, np.append(x[2:], x[1]), span=tuple(x[:2])), x)
    np.testing.assert_allclose(getattr(jg, mode)(f)(x).numpy(), expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("method", ["RK45", "DOP853", "ESDIRK"])
@pytest.mark.parametrize("tolerance", [1e-5, 1e-8, 1e-11])
def test_sensitivities_of_a_linear_system_are_accurate_to_the_tolerance(method: str, tolerance: float) -> None:
    a = np.array([[-0.5, 0.3, 0.0], [0.2, -0.7, 0.1], [0.0, 0.4, -0.2]])
    times = np.array([0.5, 1.0, 4.0])

    def f(a: Any, y0: Any) -> Any:
        return jg.solve_ivp(lambda t, y: a @ y, (0.0, 4.0), y0, method=method, t_eval=times, rtol=tolerance, atol=tolerance).y

    y0 = np.array([1.0, 2.0, -1.0])
    by_state = jg.jacfwd(f, argnums=1)(a, y0).numpy()
    np.testing.assert_allclose(by_state, np.stack([expm(a * t) for t in times], axis=1), atol=30 * tolerance)
    by_matrix = jg.jacfwd(f)(a, y0).numpy()
    for i in range(3):
        for j in range(3):
            e = np.zeros((3, 3))
            e[i, j] = 1.0
            block = np.block([[a, e], [np.zeros((3, 3)), a]])  # Van Loan (1978): the derivative of the exponential
            expected = np.stack([expm(block * t)[:3, 3:] @ y0 for t in times], axis=1)
            np.testing.assert_allclose(by_matrix[:, :, i, j], expected, atol=100 * tolerance)


@pytest.mark.parametrize("name", ["harmonic", "logistic", "oral_dose", "lotka_volterra"])
def test_second_derivatives(name: str) -> None:
    case = CASES[name]
    times, x = case.times(3), np.array([*case.y0, *case.args])
    n = len(case.y0)

    def f(x: Any) -> Any:
        return solved(case, times, x[:n], tuple(x[n + k] for k in range(len(case.args))))

    found = jg.hessian(f)(x).numpy()
    expected = differences(lambda x: jg.jacfwd(f)(x).numpy(), x)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_a_stiff_problem() -> None:
    """Robertson's reaction: solutions and sensitivities against SciPy's implicit method."""

    def fun(t: Any, y: Any, a: Any, b: Any, c: Any) -> Any:
        slow, fast = -a * y[0] + b * y[1] * y[2], c * y[1] ** 2
        return [slow, -slow - fast, fast]

    def theirs(p: np.ndarray) -> np.ndarray:
        return solve_ivp(fun, (0, 400), [1.0, 0.0, 0.0], "Radau", [0.4, 40, 400], args=p, rtol=1e-11, atol=1e-14).y

    def ours(p: Any) -> Any:
        args, options = (p[0], p[1], p[2]), {"rtol": 1e-8, "atol": 1e-12}
        return jg.solve_ivp(fun, (0, 400), [1.0, 0.0, 0.0], "ESDIRK", [0.4, 40, 400], args=args, **options).y

    p = np.array([0.04, 1e4, 3e7])
    scale = np.abs(theirs(p)).max(axis=1, keepdims=True)
    assert (np.abs(ours(p).numpy() - theirs(p)) / scale).max() < 1e-7
    found, expected = jg.jacfwd(ours)(p).numpy() * p, differences(theirs, p, 1e-2) * p
    assert (np.abs(found - expected) / scale[..., None]).max() < 1e-6


def test_derivatives_do_not_cost_steps_of_the_implicit_method() -> None:
    """A fast reaction makes some derivatives tiny and others begin with a power of time. Neither requires smaller steps."""

    def fun(t: Any, y: Any, k: Any, fast: Any, back: Any) -> Any:
        a, b, c = y
        return [back * c - k * jg.exp(-0.03 * t) * a**2, k * jg.exp(-0.03 * t) * a**2 - fast * b, fast * b - back * c]

    def solution(p: Any) -> Any:
        options = {"rtol": 1e-8, "atol": 1e-11, "max_steps": 400}  # the solution takes 292 steps
        return jg.solve_ivp(fun, (0, 240), [200.0, 0.0, 0.0], "ESDIRK", [1, 10, 240], args=(p[0], p[1], p[2]), **options).y

    p = np.array([0.002, 1e5, 0.006])
    found, expected = jg.jacfwd(solution)(p).numpy() * p, differences(lambda p: solution(p).numpy(), p, 1e-3) * p
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_closed_over_variables_under_a_tape() -> None:
    k = jg.Variable(0.5)
    for _ in range(3):
        with jg.GradientTape() as tape:
            y = jg.solve_ivp(lambda t, y: -k * y, (0, 2), [3.0], t_eval=[1.0, 2.0], rtol=1e-10, atol=1e-12).y
            loss = jg.sum(y * y)
        slope = tape.gradient(loss, k)
        expected = -2 * 9 * (np.exp(-2 * k.numpy()) + 2 * np.exp(-4 * k.numpy()))
        np.testing.assert_allclose(slope.numpy(), expected, rtol=1e-7)
        k.assign(k * 1.1)


def test_backward() -> None:
    k = jg.tensor(0.5, requires_grad=True)
    jg.sum(jg.solve_ivp(lambda t, y: -k * y, (0, 2), [3.0], t_eval=[2.0], rtol=1e-10, atol=1e-12).y).backward()
    np.testing.assert_allclose(k.grad.numpy(), -6 * np.exp(-1.0), rtol=1e-7)


def test_traced_gradients_and_gradients_of_many_rows() -> None:
    case = CASES["oral_dose"]
    args = np.array(case.args) * np.random.default_rng(2).uniform(0.8, 1.2, size=(200, 2))

    def loss(p: Any) -> Any:
        return jg.sum(jg.square(solved(case, case.times(), args=(p[0], p[1]))))

    slopes = jg.vmap(jg.grad(loss))(args).numpy()
    traced = jg.function(jg.grad(loss))
    for row in (0, 77, 199):
        np.testing.assert_array_equal(slopes[row], jg.grad(loss)(args[row]).numpy())
        np.testing.assert_array_equal(slopes[row], traced(args[row]).numpy())


def test_states_do_not_depend_on_the_derivatives_that_are_requested() -> None:
    case = CASES["lotka_volterra"]

    def f(p: Any) -> Any:
        return solved(case, case.times(), args=(p[0], p[1], p[2], p[3]), rtol=1e-5, atol=1e-6)

    p = np.array(case.args)
    value, _ = jg.jvp(f, (p,), (np.ones(4),))
    np.testing.assert_array_equal(value.numpy(), f(p).numpy())


def test_steps_of_a_matrix_do_not_depend_on_the_number_of_tangents() -> None:
    """Each element has its own tolerance."""

    def fun(t: Any, y: Any, a: Any, b: Any) -> Any:
        return jg.concatenate([a * y[:, 1:] - y[:, :1], -b * y[:, :1] ** 3 - 30 * y[:, 1:]], axis=1)

    def f(p: Any) -> Any:
        options = {"rtol": 1e-6, "atol": [[1.0, 1e-8], [1.0, 1.0], [1.0, 1.0]]}
        y0 = [[1.0, 2.0], [3.0, 1.0], [10.0, 1.0]]
        return jg.solve_ivp(fun, (0, 1), y0, "DOP853", [0.5, 1.0], args=(p[0], p[1]), **options).y

    p = np.array([1.0, 0.5])
    each = [jg.jvp(f, (p,), (direction,))[1].numpy() for direction in np.eye(2)]
    np.testing.assert_allclose(jg.jacfwd(f)(p).numpy(), np.stack(each, axis=-1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", ["DOP853", "auto"])
def test_a_state_without_elements(method: str) -> None:
    def f(p: Any) -> Any:
        result = jg.solve_ivp(
            lambda t, y, p: {"a": y["a"] * p, "b": -p * y["b"]}, (0, 1), {"a": np.zeros((2, 0)), "b": 3.0}, method, [1.0],
            rtol=1e-10, args=(p,),
        )  # fmt: skip
        return result.y["b"][0]

    np.testing.assert_allclose(jg.grad(f)(2.0).numpy(), -3 * np.exp(-2.0), rtol=1e-8)
