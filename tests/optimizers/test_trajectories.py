"""Trajectories of 100 steps on a fixed problem, against recorded figures and, where it is installed, PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import optimizers as o
from jitgrad.errors import ArgumentError

A = np.array([[2.0, 0.3], [0.1, 0.5], [-0.4, 1.0]])
B = np.array([1.0, -2.0, 0.5])
START = np.array([1.5, -1.0])
TINY = 1e-12  # where the place of ε differs, it does not show

MAKE: dict[str, tuple[Callable[[], Any], Callable[..., Any]]] = {
    "SGD": (lambda: o.SGD(0.01), lambda t, p: t.SGD(p, 0.01)),
    "momentum": (lambda: o.SGD(0.01, momentum=0.9), lambda t, p: t.SGD(p, 0.01, momentum=0.9)),
    "Nesterov": (
        lambda: o.SGD(0.01, momentum=0.9, nesterov=True), lambda t, p: t.SGD(p, 0.01, momentum=0.9, nesterov=True),
    ),
    "Adam": (lambda: o.Adam(0.05, epsilon=TINY), lambda t, p: t.Adam(p, 0.05, eps=TINY)),
    "AdamW": (
        lambda: o.AdamW(0.05, weight_decay=0.1, epsilon=TINY), lambda t, p: t.AdamW(p, 0.05, eps=TINY, weight_decay=0.1),
    ),
    "AMSGrad": (lambda: o.AMSGrad(0.05, epsilon=TINY), lambda t, p: t.Adam(p, 0.05, eps=TINY, amsgrad=True)),
    "Nadam": (lambda: o.Nadam(0.05, epsilon=1e-8), lambda t, p: t.NAdam(p, 0.05, eps=1e-8)),
    "Nadam of Keras": (
        lambda: o.Nadam(0.05, epsilon=1e-8, momentum_decay=1.0), lambda t, p: t.NAdam(p, 0.05, eps=1e-8, momentum_decay=1.0),
    ),
    "RMSprop": (lambda: o.RMSprop(0.01), lambda t, p: t.RMSprop(p, 0.01, alpha=0.9, eps=1e-7)),
    "RMSprop centred": (
        lambda: o.RMSprop(0.01, momentum=0.5, centered=True, epsilon=1e-4),
        lambda t, p: t.RMSprop(p, 0.01, alpha=0.9, eps=1e-4, momentum=0.5, centered=True),
    ),
    "Adagrad": (lambda: o.Adagrad(0.1), lambda t, p: t.Adagrad(p, 0.1, initial_accumulator_value=0.1, eps=1e-7)),
    "LBFGS": (lambda: o.LBFGS(0.5), lambda t, p: t.LBFGS(p, 0.5, max_iter=1, history_size=10)),
    "Adadelta": (lambda: o.Adadelta(1.0, epsilon=1e-6), lambda t, p: t.Adadelta(p, 1.0, rho=0.95, eps=1e-6)),
}  # fmt: skip

# The parameters after 100 steps, in float64; PyTorch 2.13 has the same to 1e-8, Keras 3.15 its Nadam.
RECORDED: dict[str, list[float]] = {
    "SGD": [0.3984316676173292, -0.27103340972623446],
    "momentum": [0.3931355662494296, -0.21652882219787864],
    "Nesterov": [0.3938925133515737, -0.21997956847104302],
    "Adam": [0.3887688451006492, -0.21843720817835965],
    "AdamW": [0.37706980422314224, -0.21287398307211045],
    "AMSGrad": [0.389008434807489, -0.2186968799629076],
    "Nadam": [0.3946422624125049, -0.2213528124611178],
    "Nadam of Keras": [0.39636466281099725, -0.22255050308694613],
    "RMSprop": [0.5583246635050259, -0.25704107251838215],
    "RMSprop centred": [0.3940175797855976, -0.22115016366497928],
    "Adagrad": [0.45253246933452745, -0.2400509531466406],
    "LBFGS": [0.39401956058840815, -0.22116147908754005],
    "Adadelta": [1.096606384220328, -0.6417064816306514],
}


def path(optimizer: Any, natively: bool = False) -> np.ndarray:
    """The parameters after 1, 2, 10 and 100 steps."""
    w = jitgrad.Variable(START)
    found, done = [], 0
    for until in (1, 2, 10, 100):
        if natively:
            optimizer.minimize(lambda: cost(w), [w], steps=until - done)
        else:
            for _ in range(until - done):
                optimizer.minimize(lambda: cost(w), [w])
        done = until
        found.append(w.numpy())
    return np.array(found)


def cost(w: Any) -> Any:
    return jitgrad.sum((A @ w - B) ** 2) + 0.1 * jitgrad.sum(w**4)


@pytest.mark.parametrize("name", MAKE)
def test_recorded_figures(name: str) -> None:
    np.testing.assert_allclose(path(MAKE[name][0]())[-1], RECORDED[name], rtol=1e-9)


@pytest.mark.parametrize("name", MAKE)
def test_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    w = torch.tensor(START, requires_grad=True)
    optimizer = MAKE[name][1](torch.optim, [w])
    a, b = torch.as_tensor(A), torch.as_tensor(B)
    found = []

    def closure() -> Any:
        optimizer.zero_grad()
        loss = ((a @ w - b) ** 2).sum().add(0.1 * (w**4).sum())
        loss.backward()
        return loss

    for step in range(1, 101):
        optimizer.step(closure)
        if step in (1, 2, 10, 100):
            found.append(w.detach().numpy().copy())
    np.testing.assert_allclose(path(MAKE[name][0]()), found, rtol=1e-8)


@pytest.mark.parametrize("name", MAKE)
def test_steps_from_python_and_natively_are_equal(name: str) -> None:
    np.testing.assert_allclose(path(MAKE[name][0](), natively=True), path(MAKE[name][0]()), rtol=1e-12)


@pytest.mark.parametrize("name", MAKE)
def test_float32_and_several_variables(name: str) -> None:
    v, w = jitgrad.Variable(np.float32(1.0)), jitgrad.Variable(np.ones(2, np.float32))
    optimizer = MAKE[name][0]()
    losses = optimizer.minimize(lambda: jitgrad.sum((v * w - 0.5) ** 2), [v, w], steps=50)
    assert losses[-1] < losses[0] and v.dtype == w.dtype == np.float32
    assert all(state.dtype == np.float32 for state in optimizer.variables)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: o.AdamW(weight_decay=-0.1), "weight_decay is -0.1"),
        (lambda: o.RMSprop(rho=1.0), "rho is 1.0"),
        (lambda: o.Adagrad(initial_accumulator_value=-1), "initial_accumulator_value is -1"),
        (lambda: o.Adadelta(epsilon=-1), "epsilon is -1"),
        (lambda: o.Nadam(learning_rate=-1), "learning_rate is -1"),
        (lambda: o.Nadam(momentum_decay=-1), "momentum_decay is -1"),
    ],
)
def test_numbers_outside_their_range(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()
