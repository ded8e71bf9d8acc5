"""Random numbers: the reference vectors, the distributions, seeds, and that chunks change nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad.errors import ArgumentError, DTypeError, ShapeError
from jitgrad.vm.kernels import random as kernels


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E)),
        ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0), (0xD16CFE09, 0x94FDCCEB)),
    ],
)
def test_philox_has_the_known_answers_of_random123(counter: Any, key: Any, expected: Any) -> None:
    words = [np.uint64(w) for w in (*counter, *key)]
    assert int(kernels.philox(*words)) == expected[0] << 32 | expected[1]


def test_distributions() -> None:
    jitgrad.random.seed(1)
    u = jitgrad.random.uniform((100_000,), -1.0, 3.0).numpy()
    assert u.min() >= -1 and u.max() < 3 and abs(u.mean() - 1) < 0.02 and abs(u.var() - 16 / 12) < 0.02
    z = jitgrad.random.normal((100_000,), 2.0, 0.5).numpy()
    assert abs(z.mean() - 2) < 0.01 and abs(z.std() - 0.5) < 0.01
    assert abs(((z - 2) ** 4).mean() / 0.5**4 - 3) < 0.1 and np.isfinite(z).all()
    b = jitgrad.random.bernoulli(0.3, (100_000,))
    assert b.dtype == bool and abs(b.numpy().mean() - 0.3) < 0.01
    assert jitgrad.random.uniform((3,), dtype="float32").dtype == np.float32
    assert np.unique(jitgrad.random.uniform((1000,)).numpy()).size == 1000


def test_a_seed_repeats_everything_and_calls_differ() -> None:
    def draw() -> list[Any]:
        jitgrad.random.seed(7)
        return [jitgrad.random.uniform((2,)).numpy().tolist(), jitgrad.random.normal((2,)).numpy().tolist()]

    first = draw()
    assert draw() == first and first[0] != first[1]
    jitgrad.random.seed(8)
    assert jitgrad.random.uniform((2,)).numpy().tolist() != first[0]


def test_traced_functions_draw_anew_each_call() -> None:
    f = jitgrad.function(lambda: (jitgrad.random.uniform((3,)), jitgrad.random.uniform((3,))))
    jitgrad.random.seed(0)
    draws = [t.numpy().tolist() for _ in range(3) for t in f()]
    assert len({tuple(d) for d in draws}) == 6
    jitgrad.random.seed(0)
    assert [t.numpy().tolist() for _ in range(3) for t in f()] == draws


def test_gradients_pass_to_the_parameters() -> None:
    jitgrad.random.seed(0)
    z = jitgrad.random.normal((4,)).numpy()
    jitgrad.random.seed(0)
    g = jitgrad.grad(lambda s: jitgrad.sum(jitgrad.random.normal((4,), 1.0, s)))(2.0)
    assert float(g) == pytest.approx(z.sum())


def test_a_fit_does_not_depend_on_its_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    def fitted(chunk: float) -> tuple[float, list[float]]:
        monkeypatch.setattr("jitgrad.training.epochs.CHUNK_SECONDS", chunk)
        jitgrad.random.seed(3)
        w = jitgrad.Variable(np.float32(0))
        history = jitgrad.fit(
            lambda x: jitgrad.mean((w - x - jitgrad.random.normal(x.shape)) ** 2),
            np.arange(10, dtype=np.float32), jitgrad.optimizers.SGD(0.01), epochs=30, batch_size=4, seed=1,
        )  # fmt: skip
        return float(w), history.loss.tolist()

    whole = fitted(1.0)
    assert fitted(1e-7) == whole
    assert len(set(whole[1])) == 30


def test_counters_carry_and_float32_holds_the_state() -> None:
    from jitgrad.ops import OPS

    state = np.array([2**22 - 1, 2**21 - 1, 2**21 - 1, 2**24 - 1, 3.0])
    a = np.asarray(OPS["uniform"](state.astype(np.float32), shape=(4,), stream=1), np.float64)
    b = np.asarray(OPS["uniform"](state, shape=(4,), stream=1))
    np.testing.assert_allclose(a, b, atol=2**-23)
    arena = np.array([0, 0, 0, 2.0**24 - 1, 5])
    kernels.advance(arena, np.uint64(0), np.uint64(5))
    assert arena.tolist() == [0, 0, 0, 0, 6]


def test_other_dtypes_are_refused() -> None:
    with pytest.raises(DTypeError, match="int64"):
        jitgrad.random.uniform((2,), dtype="int64")


def test_truncated_normal_integers_and_permutations() -> None:
    from scipy import stats

    jitgrad.random.seed(3)
    z = jitgrad.random.truncated_normal((50_000,), 1.0, 0.5).numpy()
    assert z.min() >= 0 and z.max() <= 2
    assert stats.kstest((z - 1) / 0.5, stats.truncnorm(-2, 2).cdf).pvalue > 0.01
    one_sided = jitgrad.random.truncated_normal((50_000,), low=0.5, high=np.inf, dtype="float32")
    assert one_sided.dtype == np.float32 and one_sided.numpy().min() >= 0.5
    n = jitgrad.random.randint(-2, 4, (60_000,))
    values, counts = np.unique(n.numpy(), return_counts=True)
    assert n.dtype == np.int64 and values.tolist() == list(range(-2, 4)) and abs(counts - 10_000).max() < 500
    assert set(jitgrad.random.randint(2, shape=(50,)).numpy().tolist()) == {0, 1}
    assert sorted(jitgrad.random.permutation(20).numpy().tolist()) == list(range(20))
    x = np.arange(12.0).reshape(6, 2)
    rows = jitgrad.random.permutation(x).numpy()
    assert sorted(rows.tolist()) == x.tolist() and rows.tolist() != x.tolist()
    f = jitgrad.function(lambda: (jitgrad.random.truncated_normal((3,)), jitgrad.random.permutation(9)))
    assert len({str(f()[k].numpy()) for _ in range(3) for k in (0, 1)}) == 6


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jitgrad.random.truncated_normal((), low=1.0, high=0.0), ArgumentError, "is empty"),
        (lambda: jitgrad.random.randint(3, 3), ArgumentError, "randint: the range from 3 to 3"),
        (lambda: jitgrad.random.randint(0, 2**30), ArgumentError, "at most 2²⁴"),
        (lambda: jitgrad.random.permutation(jitgrad.tensor(3.0)), ShapeError, "no rows"),
    ],
)
def test_errors_of_draws(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
