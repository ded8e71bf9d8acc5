"""Executables: what is given and what is closed over, literals as inputs, Programs that threads share, and those dropped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import GradientTape, Variable, tensor
from jitgrad.errors import DTypeError
from jitgrad.program.lowering import lower
from jitgrad.tape import executable
from jitgrad.tape.executable import LITERAL_VARIANTS, Executable
from jitgrad.tape.flatten import Flat
from jitgrad.tape.lru import Recent
from jitgrad.tape.tensor import placeholder

X = np.linspace(0.1, 1.0, 6)


def value(c: float) -> Any:
    return jitgrad.sum(tensor(X) * c + c)


def gradient(c: float) -> Any:
    w = Variable(X)
    with GradientTape() as tape:
        y = jitgrad.sum(jitgrad.exp(w * c))
    return tape.gradient(y, w)


def define_by_run(c: float) -> Any:
    x = tensor(X, requires_grad=True)
    jitgrad.sum(jitgrad.exp(x * c)).backward()
    return x.grad


def traced(c: float) -> Any:
    return jitgrad.function(lambda x: jitgrad.sin(x * c))(X)


def steps(c: float) -> Any:
    w = Variable(2.0)
    return jitgrad.optimizers.SGD(0.1).minimize(lambda: (w - c) ** 2, [w], steps=3)


def fitted(c: float) -> Any:
    w = Variable(2.0)
    return jitgrad.fit(lambda x: jitgrad.mean((w * x - c) ** 2), X, jitgrad.optimizers.SGD(0.1), epochs=2, seed=1).loss


ENTRANCES = [value, gradient, define_by_run, traced, steps, fitted]


@pytest.mark.parametrize("entrance", ENTRANCES, ids=lambda f: f.__name__)
def test_literals_that_keep_changing_are_inputs(entrance: Callable[[float], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [0.3 + k / 7 for k in range(3 * LITERAL_VARIANTS)]
    monkeypatch.setattr(executable, "PROGRAMS", Recent(100))
    lowered: list[Any] = []

    def counted(*given: Any) -> Any:
        lowered.append(lower(*given))
        return lowered[-1]

    monkeypatch.setattr(executable, "lower", counted)
    found = [np.asarray(entrance(c)) for c in numbers]
    made = len(lowered)
    assert made == LITERAL_VARIANTS + 1
    found += [np.asarray(entrance(c)) for c in numbers]
    assert len(lowered) == made
    monkeypatch.setattr(executable, "LITERAL_VARIANTS", 10**6)
    monkeypatch.setattr(executable, "PROGRAMS", Recent(100))
    for ours, c in zip(found, numbers * 2, strict=True):
        np.testing.assert_allclose(ours, np.asarray(entrance(c)), rtol=1e-13)


def test_programs_that_were_dropped_are_lowered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [np.asarray(f(0.5)) for f in ENTRANCES]
    monkeypatch.setattr(executable, "PROGRAMS", Recent(1))
    for _ in range(3):
        for f, value in zip(ENTRANCES, expected, strict=True):
            np.testing.assert_array_equal(np.asarray(f(0.5)), value)
    assert len(executable.PROGRAMS) == 1


def test_threads_share_programs_and_no_memory() -> None:
    wrong: list[object] = []

    def use(seed: int) -> None:
        try:
            for n in range(200):
                x = np.full(6, seed + n / 1000)
                w = Variable(x)
                with GradientTape() as tape:
                    y = jitgrad.sum(w * w)
                np.testing.assert_array_equal(np.asarray(tape.gradient(y, w)), 2 * x)
                np.testing.assert_array_equal(np.asarray(tensor(x) + 1.0), x + 1)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=use, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def made_by_hand() -> tuple[Executable, Variable, Any]:
    x, v, c = placeholder((3,)), Variable([1.0, 2.0, 3.0]), tensor([10.0, 20.0, 30.0])
    y = x * v + c
    return executable.lowered(Flat([y], first=[x]), 1), v, y


def test_what_is_closed_over_is_read_when_it_runs() -> None:
    made, v, y = made_by_hand()
    assert (made.n_given, len(made.leaves)) == (1, 3)
    ones = tensor(np.ones(3))
    assert made.call([ones], [y.level])[0].tolist() == [11, 22, 33]
    v.assign([0.0, 0.0, 1.0])
    assert made.call([ones], [y.level])[0].tolist() == [10, 20, 31]
    with made.context() as context, made.context() as other:
        assert context is not other
        made.load(context)
        context.load([[2.0, 2.0, 2.0]], stop=1)
        context.run()
        assert context.outputs[0].tolist() == [10, 20, 32]


def test_integers_that_the_dtype_does_not_hold_are_refused() -> None:
    x, c = placeholder((1,), executable.dtypes.INTEGER), tensor([2**40])
    y = x + c + np.zeros(1, np.float32) * Variable(np.ones(1, np.float32))
    made = executable.lowered(Flat([y], first=[x]), 1)
    with pytest.raises(DTypeError, match="not exact"):
        made.call([tensor([1])], [y.level])
