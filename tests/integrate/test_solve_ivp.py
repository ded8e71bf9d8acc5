"""Solutions against SciPy's and closed forms, and the arguments and results of SciPy's function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jitgrad as jg
from tests.integrate.cases import CASES, EXPLICIT, reference, solved


@pytest.mark.parametrize("method", EXPLICIT)
@pytest.mark.parametrize("name", CASES)
def test_solutions_are_scipys(name: str, method: str) -> None:
    case = CASES[name]
    y = solved(case, case.times(), method=method, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(y.numpy(), reference(case, case.times()), rtol=2e-7, atol=1e-8)


def test_the_defaults_are_accurate() -> None:
    case = CASES["lotka_volterra"]
    y = jg.solve_ivp(case.fun, case.span, case.y0, t_eval=case.times(), args=case.args).y
    np.testing.assert_allclose(y.numpy(), reference(case, case.times()), rtol=1e-4)


def test_the_result_has_the_fields_of_scipys() -> None:
    case = CASES["harmonic"]
    result = jg.solve_ivp(case.fun, case.span, case.y0, "RK45", case.times(), args=case.args)
    theirs = solve_ivp(case.fun, case.span, case.y0, "RK45", case.times(), args=case.args)
    assert set(vars(result)) == set(theirs)
    assert (result.status, result.message, result.success) == (theirs.status, theirs.message, theirs.success)
    assert result.t.shape == theirs.t.shape and result.y.shape == theirs.y.shape
    assert isinstance(result.nfev, int) and result.nfev > 50
    assert (result.njev, result.nlu, result.sol, result.t_events, result.y_events) == (0, 0, None, None, None)
    assert "success: True" in repr(result) and "nfev" in repr(result)


def test_without_t_eval_the_times_are_those_of_the_steps() -> None:
    case = CASES["van_der_pol"]
    result = jg.solve_ivp(case.fun, case.span, case.y0, "RK45", args=case.args)
    t = result.t.numpy()
    assert t[0] == case.span[0] and t[-1] == case.span[1] and len(t) > 10
    assert (np.diff(t) > 0).all()
    np.testing.assert_array_equal(result.y.numpy()[:, 0], case.y0)
    np.testing.assert_allclose(result.y.numpy(), reference(case, t), atol=1e-4)


def test_dense_output_is_a_function_of_times_in_any_order() -> None:
    case = CASES["kepler"]
    sol = jg.solve_ivp(case.fun, case.span, case.y0, args=case.args, dense_output=True, rtol=1e-9, atol=1e-10).sol
    assert sol is not None
    times = np.array([3.0, 0.0, 7.0, 3.0, 1.25])
    expected = reference(case, np.unique(times))[:, [2, 0, 3, 2, 1]]
    np.testing.assert_allclose(sol(times).numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(sol(1.25).numpy(), expected[:, 4], atol=1e-6)
    assert sol(1.25).shape == (4,)
    slope = jg.jacfwd(sol)(1.25)
    np.testing.assert_allclose(slope.numpy(), np.asarray(case.fun(1.25, expected[:, 4], *case.args)), atol=1e-5)


def test_times_may_repeat_and_include_both_ends() -> None:
    y = jg.solve_ivp(lambda t, y: -y, (0, 2), [1.0], t_eval=[0, 0, 1, 1, 2, 2], rtol=1e-9).y
    np.testing.assert_allclose(y.numpy()[0], np.exp([0, 0, -1, -1, -2, -2]), rtol=1e-7)


def test_no_times_give_no_columns() -> None:
    assert jg.solve_ivp(lambda t, y: -y, (0, 2), [1.0, 2.0], t_eval=[]).y.shape == (2, 0)


@pytest.mark.parametrize("kind", [list, tuple, np.array, jg.stack])
def test_fun_may_return_any_sequence(kind: Any) -> None:
    y = jg.solve_ivp(lambda t, y: kind([y[1], -y[0]]), (0, 1), [1.0, 0.0], t_eval=[1.0], rtol=1e-9).y
    np.testing.assert_allclose(y.numpy()[:, 0], [np.cos(1), -np.sin(1)], rtol=1e-7)


def test_a_state_may_be_a_number_a_matrix_or_a_dict() -> None:
    number = jg.solve_ivp(lambda t, y: -y, (0, 1), 2.0, t_eval=[0.5, 1.0], rtol=1e-9).y
    np.testing.assert_allclose(number.numpy(), 2 * np.exp([-0.5, -1]), rtol=1e-7)
    rates = np.array([[1.0, 2.0], [3.0, 0.0]])
    matrix = jg.solve_ivp(lambda t, y: -rates * y, (0, 1), np.ones((2, 2)), t_eval=[0.5, 1.0], rtol=1e-9).y
    np.testing.assert_allclose(matrix.numpy(), np.exp(-rates[..., None] * [0.5, 1.0]), rtol=1e-7)
    nested = jg.solve_ivp(
        lambda t, y: {"b": {"v": -y["x"]}, "x": y["b"]["v"]}, (0, 1), {"x": 1.0, "b": {"v": 0.0}}, t_eval=[0.5, 1.0], rtol=1e-9
    ).y
    np.testing.assert_allclose(nested["x"].numpy(), np.cos([0.5, 1]), rtol=1e-7)
    np.testing.assert_allclose(nested["b"]["v"].numpy(), -np.sin([0.5, 1]), rtol=1e-7)
    lists = jg.solve_ivp(lambda t, y: {"x": -y["x"]}, (0, 1), {"x": [1.0, 2.0]}, t_eval=[1.0], rtol=1e-9).y
    np.testing.assert_allclose(lists["x"].numpy(), np.exp(-1) * np.array([[1.0], [2.0]]), rtol=1e-7)


def test_args_may_be_nested_and_integers_are_constants() -> None:
    def fun(t: Any, y: Any, rates: Any, power: int, sign: str) -> Any:
        assert isinstance(power, int) and sign == "minus"
        return -rates["k"] * y**power

    y = jg.solve_ivp(fun, (0, 1), [1.0], t_eval=[1.0], args=({"k": 2.0}, 2, "minus"), rtol=1e-9).y
    np.testing.assert_allclose(y.item(), 1 / 3, rtol=1e-7)


def test_tolerances_of_each_element() -> None:
    """Only the first state is accurate if the tolerance of the second is large."""

    def solve(y0: Any, atol: Any) -> Any:
        return jg.solve_ivp(lambda t, y: fun(y), (0, 20), y0, "RK45", [20.0], rtol=1e-12, atol=atol)

    def fun(y: Any) -> Any:
        return {"a": y["a"] * 0.0, "b": -y["b"]} if isinstance(y, dict) else [0.0 * y[0], jg.cos(10 * y[1])]

    tight, loose = solve([1.0, 0.0], [1e-12, 1e-12]), solve([1.0, 0.0], [1e-12, 1.0])
    assert loose.nfev < tight.nfev / 2
    assert solve({"a": 1.0, "b": 1.0}, {"a": 1e-12, "b": 1.0}).nfev < solve({"a": 1.0, "b": 1.0}, 1e-12).nfev


def test_float32_variables_give_float32() -> None:
    k = jg.Variable(np.float32(0.5))
    y = jg.solve_ivp(lambda t, y: -k * y, (0, 1), [1.0], t_eval=[1.0], rtol=1e-4, atol=1e-6).y
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.item(), np.exp(-0.5), rtol=1e-3)
    assert jg.solve_ivp(lambda t, y: -y, (0, 1), np.float32([1]), t_eval=[1.0]).y.dtype == np.float64


def test_new_values_reuse_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fitting loop lowers nothing after its first step."""
    from jitgrad.tape import executable

    case = CASES["lotka_volterra"]
    solved(case, case.times())
    lowerings: list[Any] = []
    monkeypatch.setattr(executable, "lower", lambda *args: lowerings.append(args))
    for factor in (0.9, 1.1, 1.2, 1.3, 1.4, 1.5):
        args = tuple(factor * a for a in case.args)
        y0 = [factor * y for y in case.y0]
        y = solved(case, factor * case.times(), y0, args, (0.0, factor * 20.0))
        assert np.isfinite(y.numpy()).all()
    assert not lowerings


def test_the_jacobian_of_equations_that_are_recorded_again_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from jitgrad.tape import integration

    def fall(rate: float, power: int) -> float:
        y = jg.solve_ivp(lambda t, y, k: -k * y**power - 3.5 * power, (0, 0.1), [2.0], "ESDIRK", [0.1], args=(rate,)).y
        return y.item()

    first = fall(0.5, 2)
    jacobian, recorded = integration._jacobian, []
    monkeypatch.setattr(integration, "_jacobian", lambda *args: recorded.append(args) or jacobian(*args))
    assert fall(0.6, 2) < first and not recorded
    assert fall(0.5, 3) < first and len(recorded) == 1


def test_traced_functions_and_vmap_agree_to_the_bit() -> None:
    case = CASES["lotka_volterra"]
    rng = np.random.default_rng(1)
    args = np.array(case.args) * rng.uniform(0.8, 1.25, size=(1000, 4))

    def f(p: Any) -> Any:
        return solved(case, case.times(), args=(p[0], p[1], p[2], p[3]), rtol=1e-6, atol=1e-8)

    together = jg.vmap(f)(args).numpy()
    traced = jg.function(f)
    for row in range(0, 1000, 97):
        np.testing.assert_array_equal(together[row], f(args[row]).numpy())
        np.testing.assert_array_equal(together[row], traced(args[row]).numpy())
