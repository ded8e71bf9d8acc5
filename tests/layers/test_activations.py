"""Activations at their kinks and far from 0."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad.layers import activations

# First and second derivative at 0: where the sides differ, those of JAX and PyTorch (leaky_relu: PyTorch's).
AT_ZERO: list[tuple[str, Callable[[Any], Any], float, float]] = [
    ("linear", activations.linear, 1, 0),
    ("step", activations.step, 0, 0),
    ("sigmoid", activations.sigmoid, 0.25, 0),
    ("tanh", activations.tanh, 1, 0),
    ("softplus", jitgrad.softplus, 0.5, 0.25),
    ("relu", jitgrad.relu, 0, 0),
    ("leaky_relu", activations.leaky_relu, 0.2, 0),
    ("elu", activations.elu, 1, 1),
    ("elu 0.5", functools.partial(activations.elu, alpha=0.5), 0.5, 0.5),
    ("elu 2", functools.partial(activations.elu, alpha=2), 2, 2),
    ("selu", activations.selu, 1.7580993408473766, 1.7580993408473766),
    ("gelu", activations.gelu, 0.5, 2 / math.sqrt(2 * math.pi)),
    ("gelu by tanh", functools.partial(activations.gelu, approximate=True), 0.5, 2 / math.sqrt(2 * math.pi)),
    ("silu", activations.silu, 0.5, 0.5),
    ("mish", activations.mish, 0.6, 0.64),
    ("exponential", activations.ACTIVATIONS["exponential"], 1, 1),
    ("celu", activations.celu, 1, 1),
    ("relu6", activations.relu6, 0, 0),
    ("hard_tanh", activations.hard_tanh, 1, 0),
    ("hard_sigmoid", activations.hard_sigmoid, 1 / 6, 0),
    ("hard_silu", activations.hard_silu, 0.5, 1 / 3),
    ("softsign", activations.softsign, 1, 0),
    ("log_sigmoid", activations.log_sigmoid, 0.5, -0.25),
    ("tanh_shrink", activations.tanh_shrink, 0, 0),
    ("soft_shrink", activations.soft_shrink, 0, 0),
    ("hard_shrink", activations.hard_shrink, 0, 0),
    ("sparse_plus", activations.sparse_plus, 0.5, 0.5),
    ("sparse_sigmoid", activations.sparse_sigmoid, 0.5, 0),
    ("squareplus", activations.squareplus, 0.5, 0.25),
]


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize(("f", "first", "second"), [row[1:] for row in AT_ZERO], ids=[row[0] for row in AT_ZERO])
def test_derivatives_at_0(f: Any, first: float, second: float, zero: float) -> None:
    for derive in (jitgrad.grad, jitgrad.jacfwd):
        assert float(derive(f)(zero)) == pytest.approx(first, rel=1e-14)
        assert float(derive(jitgrad.grad(f))(zero)) == pytest.approx(second, rel=1e-14)
    x = jitgrad.Variable(np.float32([zero, 1.0]))
    with jitgrad.GradientTape() as tape:
        y = f(x)
    got = tape.gradient(y, x)
    assert (0 if got is None else float(got[0])) == pytest.approx(first, rel=1e-6)


def test_every_activation_is_in_the_table() -> None:
    by_row = {"softmax", "log_softmax", "softmin", "glu", "swish", "hard_swish"}  # the last two are silu and hard_silu
    assert {row[0].split()[0] for row in AT_ZERO} == set(activations.ACTIVATIONS) - by_row


@pytest.mark.parametrize("name", ["elu", "selu", "softplus", "sigmoid", "tanh", "relu", "leaky_relu", "gelu", "silu", "mish"])
def test_derivatives_far_from_0_are_finite(name: str) -> None:
    f = activations.get(name)
    x = np.array([-1e4, -800.0, 800.0, 1e4])
    for derive in (jitgrad.grad, lambda g: jitgrad.grad(jitgrad.grad(g))):
        assert np.isfinite([float(derive(f)(v)) for v in x]).all()
