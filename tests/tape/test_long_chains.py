"""Chains of ops that are much longer than Python's stack is deep."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import GradientTape, Variable

LONG = 3 * sys.getrecursionlimit()


def chain(x: Any, length: int = LONG) -> Any:
    for _ in range(length):
        x = x * 1.0001
    return x


def with_tape() -> Any:
    x = Variable(1.0)
    with GradientTape() as tape:
        y = chain(x)
    return tape.gradient(y, x)


def with_backward() -> Any:
    x = jitgrad.tensor(1.0, requires_grad=True)
    chain(x).backward()
    return x.grad


def with_session() -> Any:
    x = jitgrad.graph.placeholder("float64", ())
    return jitgrad.graph.Session().run(chain(x), {x: 1.0})


def with_minimize() -> Any:
    w = Variable(0.0)
    jitgrad.optimizers.SGD(1.0).minimize(lambda: -chain(w), steps=1)
    return w


WAYS: dict[str, Callable[[], Any]] = {
    "value": lambda: chain(Variable(1.0)),
    "tape": with_tape,
    "backward": with_backward,
    "grad": lambda: jitgrad.grad(chain)(1.0),
    "jvp": lambda: jitgrad.jvp(chain, (1.0,), (1.0,))[1],
    "jacobian": lambda: jitgrad.jacobian(chain)(1.0),
    "function": lambda: jitgrad.function(chain)(1.0),
    "minimize": with_minimize,
    "session": with_session,
    "pickle": lambda: pickle.loads(pickle.dumps(chain(Variable(1.0)))),
    "deepcopy": lambda: copy.deepcopy(chain(Variable(1.0))),
}


@pytest.mark.parametrize("way", WAYS)
def test_long_chains(way: str) -> None:
    assert float(WAYS[way]()) == pytest.approx(1.0001**LONG)


def test_long_chains_are_lowered_and_dumped() -> None:
    assert jitgrad.lower(lambda x: jitgrad.cumsum(chain(x[:2])), np.ones(3)).dump().count("multiply") >= LONG


@pytest.mark.slow
def test_chains_of_hundreds_of_thousands_are_forgotten() -> None:
    for made in (Variable(1.0), jitgrad.tensor(1.0, requires_grad=True), jitgrad.graph.placeholder("float64", ())):
        y = chain(made, 300_000)
        del y
        gc.collect()


@pytest.mark.slow
def test_chains_of_hundreds_of_thousands_have_gradients() -> None:
    x = Variable(0.7)
    with GradientTape() as tape:
        y = chain(jitgrad.sin(x), 300_000)
    assert float(tape.gradient(y, x)) == pytest.approx(np.cos(0.7) * 1.0001**300_000, rel=1e-9)
