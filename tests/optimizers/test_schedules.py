"""Schedules and clipping: formulas, PyTorch's where it has them, and the same from Python and natively."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad.errors import ArgumentError
from jitgrad.optimizers import SGD, Adam, RMSprop, schedules

SCHEDULES: dict[str, tuple[Any, ...]] = {
    "step": (
        lambda: schedules.StepDecay(0.1, 7, 0.5), lambda t: 0.1 * 0.5 ** (t // 7), lambda s, o: s.StepLR(o, 7, 0.5),
    ),
    "exponential": (
        lambda: schedules.ExponentialDecay(0.1, 10, 0.5), lambda t: 0.1 * 0.5 ** (t / 10),
        lambda s, o: s.ExponentialLR(o, 0.5**0.1),
    ),
    "piecewise": (
        lambda: schedules.PiecewiseConstant([3, 8], [0.1, 0.05, 0.01]),
        lambda t: 0.1 if t <= 3 else 0.05 if t <= 8 else 0.01, None,
    ),
    "cosine": (
        lambda: schedules.CosineDecay(0.1, 20, 0.1),
        lambda t: 0.1 * (0.1 + 0.45 * (1 + np.cos(np.pi * min(t / 20, 1)))),
        lambda s, o: s.CosineAnnealingLR(o, 20, 0.01),
    ),
    "cosine with warm-up": (
        lambda: schedules.CosineDecay(0.1, 15, warmup=5),
        lambda t: 0.02 * t if t < 5 else 0.05 * (1 + np.cos(np.pi * min((t - 5) / 15, 1))), None,
    ),
    "cosine with a start": (
        lambda: schedules.CosineDecay(0.1, 15, 0.1, 5, 0.02), None, None,
        lambda k: k.CosineDecay(0.02, 15, 0.1, warmup_target=0.1, warmup_steps=5),
    ),
    "restarts": (
        lambda: schedules.CosineRestarts(0.1, 3, 2.0, 0.5, 0.1), None, None,
        lambda k: k.CosineDecayRestarts(0.1, 3, 2.0, 0.5, 0.1),
    ),
    "equal restarts": (
        lambda: schedules.CosineRestarts(0.1, 5, 1.0), None,
        lambda s, o: s.CosineAnnealingWarmRestarts(o, 5), lambda k: k.CosineDecayRestarts(0.1, 5, 1.0),
    ),
    "polynomial": (
        lambda: schedules.PolynomialDecay(0.1, 10, 0.01, 2.0), None, None,
        lambda k: k.PolynomialDecay(0.1, 10, 0.01, 2.0),
    ),
    "polynomial in cycles": (
        lambda: schedules.PolynomialDecay(0.1, 5, cycle=True), None, None, lambda k: k.PolynomialDecay(0.1, 5, cycle=True),
    ),
    "inverse": (
        lambda: schedules.InverseTimeDecay(0.1, 4, 0.5), lambda t: 0.1 / (1 + 0.5 * t / 4), None,
        lambda k: k.InverseTimeDecay(0.1, 4, 0.5),
    ),
    "inverse stairs": (
        lambda: schedules.InverseTimeDecay(0.1, 4, 0.5, staircase=True), lambda t: 0.1 / (1 + 0.5 * (t // 4)), None,
        lambda k: k.InverseTimeDecay(0.1, 4, 0.5, staircase=True),
    ),
    "one cycle": (lambda: schedules.OneCycle(0.1, 20), None, lambda s, o: s.OneCycleLR(o, 0.1, 20)),
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEDULES)
def test_learning_rates(name: str) -> None:
    make, formula, theirs, *keras_schedule = SCHEDULES[name]
    steps = 20
    schedule = make()
    rates = [float(schedule(float(t))) for t in range(steps)]
    if formula is not None:
        np.testing.assert_allclose(rates, [formula(t) for t in range(steps)], rtol=1e-12, atol=1e-15)
    if theirs is not None:
        torch = pytest.importorskip("torch", reason="PyTorch is not installed")
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
        scheduler = theirs(torch.optim.lr_scheduler, optimizer)
        expected = []
        for _ in range(steps):
            expected.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        np.testing.assert_allclose(rates, expected, rtol=1e-9, atol=1e-12)
    for theirs in keras_schedule:
        keras = pytest.importorskip("keras", reason="Keras is not installed")
        made = theirs(keras.optimizers.schedules)
        np.testing.assert_allclose(rates, [float(made(t)) for t in range(steps)], rtol=1e-5)  # in float32


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("optimizer", [SGD, Adam, RMSprop])
def test_a_schedule_runs_natively(name: str, optimizer: Any) -> None:
    def path(natively: bool) -> list[float]:
        w = jitgrad.Variable(2.0)
        made = optimizer(SCHEDULES[name][0]())
        if natively:
            made.minimize(lambda: (w - 1.0) ** 2, [w], steps=12)
        else:
            for _ in range(12):
                made.minimize(lambda: (w - 1.0) ** 2, [w])
        return [float(w), made.learning_rate]

    native, stepped = path(True), path(False)
    np.testing.assert_allclose(native, stepped, rtol=1e-12)
    assert native[1] == pytest.approx(float(SCHEDULES[name][0]()(11.0)), rel=1e-12)


def test_the_rate_of_each_step_is_that_of_its_number() -> None:
    w = jitgrad.Variable(0.0)
    optimizer = SGD(schedules.PiecewiseConstant([1], [1.0, 0.25]))
    found = []
    for _ in range(4):
        optimizer.apply_gradients([(np.array(-1.0), w)])
        found.append(float(w))
    assert found == [1, 2, 2.25, 2.5]
    with pytest.raises(ArgumentError, match="follows a schedule"):
        optimizer.learning_rate = 0.1


G, H = np.array([3.0, -4.0]), np.array([12.0])


@pytest.mark.parametrize(
    ("clipping", "g", "h"),
    [
        ({"clipvalue": 2.0}, [2, -2], [2]),
        ({"clipnorm": 1.0}, [0.6, -0.8], [1]),
        ({"clipnorm": 100.0}, [3, -4], [12]),
        ({"global_clipnorm": 6.5}, [1.5, -2], [6]),
        ({"global_clipnorm": 100.0}, [3, -4], [12]),
        ({}, [3, -4], [12]),
    ],
)
def test_clipping(clipping: dict[str, float], g: list[float], h: list[float]) -> None:
    v, w = jitgrad.Variable(np.zeros(2)), jitgrad.Variable(np.zeros(1))
    SGD(1.0, **clipping).apply_gradients([(G, v), (H, w)])
    np.testing.assert_allclose(v.numpy(), -np.array(g), rtol=1e-12)
    np.testing.assert_allclose(w.numpy(), -np.array(h), rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: schedules.StepDecay(0.1, 0), ArgumentError, "every is 0"),
        (lambda: schedules.PiecewiseConstant([5, 3], [1, 2, 3]), ArgumentError, "boundaries in increasing order"),
        (lambda: schedules.OneCycle(0.1, 20, rise=1.0), ArgumentError, "rise is 1.0"),
        (lambda: Adam(clipnorm=1.0, clipvalue=1.0), ArgumentError, "options clipvalue and clipnorm exclude each other"),
        (lambda: Adam(clipnorm=-1.0), ArgumentError, "clipnorm is -1.0"),
        (lambda: Adam(clip_norm=1.0), TypeError, "'clip_norm'. Did you mean 'clipnorm'"),
    ],
)
def test_arguments_outside_their_range(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
