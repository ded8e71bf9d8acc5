"""Reverse mode of integrations from step to step: equal to the cotangents by sensitivities, and to directional derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.tape import adjoint
from jitgrad.tape import integrate as module
from jitgrad.tape.integrate import integrate

RNG = np.random.default_rng(0)
INTO, BACK, START = RNG.normal(size=(4, 3)) / 2, RNG.normal(size=(3, 4)) / 2, RNG.normal(size=3)
TIMES = {
    "from the start": np.linspace(0, 2, 7),
    "repeated": np.array([0.0, 0.5, 0.5, 0.500001, 1.0, 2.0, 2.0]),
    "the end": np.array([2.0]),
}


def loss(weights: Any, times: np.ndarray, method: str = "dop853", **options: Any) -> Any:
    """A sum over the solution of a network's equations."""
    into, back, start = weights
    values = integrate(
        lambda t, states: [jg.matmul(back, jg.tanh(jg.matmul(into, states[0]))) + 0.1 * jg.sin(t)], 0.0, times, [start],
        method=method, **{"rtol": 1e-9, "atol": 1e-9} | options,
    ).values[0]  # fmt: skip
    return jg.sum(values**2 * np.arange(1.0, 1 + 3 * len(times)).reshape(-1, 3))


def gradients(times: np.ndarray, **options: Any) -> list[np.ndarray]:
    return [g.numpy() for g in jg.grad(lambda weights: loss(weights, times, **options))((INTO, BACK, START))]


@pytest.fixture
def by_sensitivities(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the gradients by sensitivities."""

    def found(times: np.ndarray, **options: Any) -> list[np.ndarray]:
        with monkeypatch.context() as patch:
            patch.setattr(module, "MOST_SENSITIVITIES", 10**9)
            return gradients(times, **options)

    return found


def check(found: list[np.ndarray], wanted: list[np.ndarray], rtol: float = 1e-12) -> None:
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol * np.abs(other).max())


EXACT, ITERATED = ("dopri5", "dop853"), ("esdirk54", "auto")
ACCURACY = dict.fromkeys(EXACT, 1e-12) | dict.fromkeys(ITERATED, 1e-8)
"""Distances from the cotangents by sensitivities. Iterations end at a fraction of the tolerance."""


@pytest.mark.parametrize("method", ACCURACY)
@pytest.mark.parametrize("times", TIMES)
def test_gradients_equal_those_by_sensitivities(method: str, times: str, by_sensitivities: Any) -> None:
    check(gradients(TIMES[times], method=method), by_sensitivities(TIMES[times], method=method), ACCURACY[method])


def robertson(t: Any, states: Any, k: Any) -> Any:
    """Robertson's reaction, whose rate constants are sums of four parts."""
    (y,) = states
    slow, both, fast = jg.sum(k[0] * y[0]), jg.sum(k[1] * (y[1] * y[2])), jg.sum(k[2] * y[1] ** 2)
    return [jg.stack([both - slow, slow - both - fast, fast])]


def oscillator(t: Any, states: Any, k: Any) -> Any:
    """Van der Pol's oscillator, which is stiff between fast changes, with a polynomial as its damping."""
    (y,) = states
    return [jg.stack([y[1], jg.sum(k[0] + k[1] * y[0] + k[2] * y[0] ** 2) * 100 * y[1] - y[0]])]


PARTS = np.array([0.1, 0.2, 0.3, 0.4])
STIFF = {
    "robertson": (robertson, [1.0, 0.0, 0.0], np.outer([0.04, 1e4, 3e7], PARTS), np.array([0.4, 40.0, 1e6, 1e10])),
    "van der pol": (oscillator, [2.0, 0.0], np.outer([1.0, 0.0, -1.0], PARTS), np.array([10.0, 90.0, 170.0])),
}


def of_stiff(problem: str, method: str, rtol: float = 1e-8) -> tuple[Any, np.ndarray]:
    """Return a function of twelve parameters, the sum of the logarithms of the states, and the parameters."""
    fun, start, k, times = STIFF[problem]

    def f(parts: Any) -> Any:
        values = integrate(
            lambda t, states: fun(t, states, parts), 0.0, times, [np.array(start)], method=method, rtol=rtol, atol=1e-6 * rtol
        ).values[0]
        return jg.sum(jg.log(jg.abs(values)))

    return f, k


@pytest.mark.parametrize("method", ITERATED)
@pytest.mark.parametrize("problem", STIFF)
def test_gradients_of_stiff_equations(problem: str, method: str) -> None:
    f, k = of_stiff(problem, method)
    assert "adjoint" in jg.lower(jg.grad(f), k).dump()
    made = jg.grad(f)(k).numpy()
    accurate, _ = of_stiff(problem, "auto", 1e-10)
    wanted = [jg.jvp(accurate, (k,), (PARTS * np.eye(3)[[row]].T,))[1].numpy() for row in range(3)]
    np.testing.assert_allclose(made @ PARTS, wanted, rtol=1e-6, atol=1e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("method", ACCURACY)
def test_a_program_goes_from_step_to_step(method: str) -> None:
    def f(weights: Any) -> Any:
        return loss(weights, TIMES["the end"], method=method)

    assert "adjoint" in jg.lower(jg.grad(f), (INTO, BACK, START)).dump()


@pytest.mark.parametrize("most", [2, 3, 8, 33])
def test_steps_are_computed_again_if_there_are_more_than_checkpoints(
    most: int, by_sensitivities: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    times, options = TIMES["from the start"], {"max_step": 2 / 99, "first_step": 2 / 99, "rtol": 1e-2, "atol": 1e-2}
    wanted = by_sensitivities(times, **options)
    monkeypatch.setattr(adjoint, "checkpoints_for", lambda size: most)
    check(gradients(times, **options), wanted)


def test_steps_of_two_methods_are_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    f, k = of_stiff("van der pol", "auto")
    wanted = jg.grad(f)(k).numpy()
    monkeypatch.setattr(adjoint, "checkpoints_for", lambda size: 20)
    np.testing.assert_array_equal(jg.grad(f)(k).numpy(), wanted)


@pytest.mark.parametrize("method", ACCURACY)
def test_second_derivatives(method: str) -> None:
    times, direction = TIMES["repeated"], RNG.normal(size=INTO.shape)

    def f(into: Any) -> Any:
        return loss((into, BACK, START), times, method)

    def slope(h: Any) -> Any:
        return jg.grad(f)(INTO + h * direction)

    step = 1e-5
    wanted = (slope(step).numpy() - slope(-step).numpy()) / (2 * step)
    both = {
        "forward over reverse": jg.jvp(slope, (0.0,), (1.0,))[1],
        "reverse over reverse": jg.grad(lambda into: jg.sum(jg.grad(f)(into) * direction))(INTO),
        "reverse over forward": jg.grad(lambda into: jg.jvp(f, (into,), (direction,))[1])(INTO),
    }
    for name, made in both.items():
        np.testing.assert_allclose(made.numpy(), wanted, rtol=1e-6, atol=1e-5, err_msg=name)


def test_third_derivatives() -> None:
    direction = RNG.normal(size=INTO.shape)

    def along(h: Any) -> Any:
        return jg.jvp(lambda h: loss((INTO + h * direction, BACK, START), TIMES["repeated"], "esdirk54"), (h,), (1.0,))[1]

    def product(into: Any) -> Any:
        return jg.sum(
            direction
            * jg.jvp(jg.grad(lambda v: loss((v, BACK, START), TIMES["repeated"], "esdirk54")), (into,), (direction,))[1]
        )

    wanted = jg.jvp(jg.grad(along), (0.0,), (1.0,))[1].numpy()
    np.testing.assert_allclose(np.sum(jg.grad(product)(INTO).numpy() * direction), wanted, rtol=1e-7)


def test_jumps_and_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each segment goes from step to step; the equations of an event's time do not need derivatives."""

    def fun(t: Any, y: Any, weights: Any) -> Any:
        into, back, drift = weights
        return back @ jg.tanh(into @ y) - 0.3 * y + drift

    def bound(t: Any, y: Any, weights: Any) -> Any:
        return y[0] - 1.5

    bound.reset = lambda t, y, weights: [0.2 * y[0], y[1] + weights[0][0, 0], y[2]]  # type: ignore[attr-defined]
    jumps = ([0.5, 1.7], lambda t, y, weights: [y[0] * weights[1][0, 0], y[1], y[2] + 1.0])

    def f(weights: Any) -> Any:
        options = {"events": bound, "jumps": jumps, "rtol": 1e-9, "args": (weights,), "max_events": 4}
        result = jg.solve_ivp(fun, (0.0, 3.0), [1.0, 0.5, 0.0], t_eval=np.linspace(0, 3, 7), **options)
        return jg.sum(result.y**2) + jg.sum(jg.where(jg.isnan(result.t_events[0]), 0.0, result.t_events[0]))

    weights = (INTO, BACK, np.array([1.0, 0.5, 0.2]))
    reversed_steps = []
    monkeypatch.setattr(module, "adjoint", lambda *given: reversed_steps.append(given) or adjoint.adjoint(*given))
    made = [g.numpy() for g in jg.grad(f)(weights)]
    assert len(reversed_steps) > 0
    monkeypatch.setattr(module, "MOST_SENSITIVITIES", 10**9)
    check(made, [g.numpy() for g in jg.grad(f)(weights)], 1e-8)


def test_recorded_steps_do_not_change_gradients() -> None:
    for one, other in zip(gradients(TIMES["repeated"], recorded=50), gradients(TIMES["repeated"]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_rows_equal_each_alone_up_to_rounding() -> None:
    """The states of many rows are integrated in lanes, whose products round differently."""
    starts = RNG.normal(size=(5, 3))

    def slope(start: Any) -> Any:
        return jg.grad(lambda into: loss((into, BACK, start), TIMES["repeated"]))(INTO)

    many = jg.vmap(slope)(starts).numpy()
    for one, start in zip(many, starts, strict=True):
        np.testing.assert_allclose(one, slope(start).numpy(), rtol=1e-12)


def test_a_failed_integration_has_gradients_of_nan() -> None:
    for g in gradients(TIMES["the end"], max_step=1e-3, max_steps=100):
        assert np.isnan(g).all()
