"""Long chains cut into segments: the same values and gradients as in one Program, lowered once where they repeat.

To the bit, but for sums of products: factors are not taken out of a sum where the cut is between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import GradientTape, Variable, tensor
from jitgrad.program import lowering
from jitgrad.tape import evaluate, executable, path, segments
from jitgrad.tape.lru import Recent

LENGTH = 40
ONE, OTHER = np.linspace(0.1, 0.9, 6).reshape(2, 3), np.linspace(-1, 1, 3)


def alike(x: Any, z: Any) -> Any:
    y = x
    for _ in range(LENGTH):
        y = jitgrad.sin(y) * 0.99 + x
    return y + z


def branching(x: Any, z: Any) -> Any:
    """Every value so far is needed again, and some by the gradient alone."""
    y = [x, z]
    for k in range(LENGTH):
        y.append(jitgrad.tanh(y[-1] * y[k // 2]) + y[k // 3] / (1.5 + k))
    return jitgrad.sum(y[-1]) + y[7]


def literals(x: Any, z: Any) -> Any:
    for k in range(LENGTH):
        x = x * (0.9 + k / 97) - jitgrad.sin(x)
    return x + z


def reduced(x: Any, z: Any) -> Any:
    for _ in range(LENGTH):
        x = x + 0.1 * jitgrad.sum(x * z, axis=1, keepdims=True) * jitgrad.max(z)
        z = jitgrad.concatenate([z[1:], z[:1]]) + jitgrad.where(z > 0, z, 0.5) * 1e-3
    return x


def mixed_dtypes(x: Any, z: Any) -> Any:
    """What has a float32 dtype is computed in float64, as all of it is."""
    small = tensor(np.float32(0.3)) * 1.1
    for _ in range(LENGTH):
        small = jitgrad.sin(small) + 0.1
    for k in range(LENGTH // 2):
        x = x * small + (k % 3) * (x > 0.2)
    return x, small


def two(x: Any, z: Any) -> Any:
    y = alike(x, z)
    return y, branching(y, z), y


def unconnected(x: Any, z: Any) -> Any:
    return branching(z, tensor(OTHER)), jitgrad.stop_gradient(alike(x, z))


CHAINS = [alike, branching, literals, mixed_dtypes, two, unconnected, reduced]
ROUNDED = [reduced]


@pytest.fixture(params=[7, 45])
def cut(request: pytest.FixtureRequest) -> Iterator[Callable[[bool], None]]:
    """``cut(True)`` cuts into segments of so many ops all that has more; ``cut(False)`` nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "SEGMENT", request.param)

        def choose(short: bool) -> None:
            patch.setattr(segments, "MOST", request.param if short else 10**9)
            patch.setattr(path, "LONGEST", 0 if short else 10**9)
            patch.setattr(executable, "PROGRAMS", Recent(10**4))

        yield choose


def flat(nest: Any) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jitgrad.tape.tree.tree_leaves(nest) if leaf is not None]


def both(cut: Callable[[bool], None], f: Callable[[], Any], rounded: bool = False) -> None:
    """``f`` gives the same bits, cut and not cut; or nearly the same."""
    cut(False)
    whole = flat(f())
    cut(True)
    parts = flat(f())
    assert len(whole) == len(parts) > 0
    for a, b in zip(parts, whole, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        if rounded:
            np.testing.assert_allclose(a, b, rtol=1e-13)
        else:
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("chain", CHAINS, ids=lambda f: f.__name__)
class TestSameBits:
    def test_values(self, chain: Any, cut: Callable[[bool], None]) -> None:
        both(cut, lambda: chain(tensor(ONE), tensor(OTHER)))

    def test_gradients(self, chain: Any, cut: Callable[[bool], None]) -> None:
        def f() -> Any:
            x, z, unused = Variable(ONE), Variable(OTHER), Variable(1.0)
            with GradientTape() as tape:
                y = chain(x, z)
            gradients = tape.gradient(y, [x, z, unused])
            assert gradients[2] is None
            return y, gradients

        both(cut, f, chain in ROUNDED)

    def test_gradients_by_what_is_on_the_way(self, chain: Any, cut: Callable[[bool], None]) -> None:
        def f() -> Any:
            x, z = Variable(ONE), Variable(OTHER)
            with GradientTape(persistent=True) as tape:
                inner = alike(x * 1.5, z)
                y = chain(inner, z)
            return [tape.gradient(y, sources) for sources in ([inner, z], [z, inner, x, inner])]

        both(cut, f, chain in ROUNDED)

    def test_backward(self, chain: Any, cut: Callable[[bool], None]) -> None:
        def f() -> Any:
            x, z = tensor(ONE, requires_grad=True), tensor(OTHER, requires_grad=True)
            y = chain(x, z)
            jitgrad.sum(y[0] if isinstance(y, tuple) else y).backward()
            return x.grad, z.grad

        both(cut, f, chain in ROUNDED)

    def test_nested_tapes(self, chain: Any, cut: Callable[[bool], None]) -> None:
        def f() -> Any:
            x, z = Variable(ONE), Variable(OTHER)
            with GradientTape() as outer:
                with GradientTape() as tape:
                    y = chain(x, z)
                first = tape.gradient(y, z)
            return (y, first) if first is None else (first, outer.gradient(first, [x, z]))

        both(cut, f, chain in ROUNDED)


def test_variables_that_change_within(cut: Callable[[bool], None]) -> None:
    def f() -> Any:
        x, z = Variable(ONE), Variable(OTHER)
        with GradientTape() as tape:
            y = alike(x, z)
            x.assign(0.5 * alike(x, z))
            y = y * alike(x, x)
        return y, tape.gradient(y, [x, z]), x.read()

    both(cut, f)


def test_several_results_are_not_cut(cut: Callable[[bool], None]) -> None:
    def f() -> Any:
        x = Variable(np.eye(3) + 0.1)
        with GradientTape() as tape:
            y = x
            for _ in range(20):
                y = y + 0.01 * jitgrad.linalg.eigh(y)[1]
        return y, tape.gradient(y, x)

    both(cut, f)


def test_segments_that_are_equal_are_lowered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(expression: Any, dtype: Any) -> Any:
        made.append(len(expression.steps))
        return lowering.lower(expression, dtype)

    for module in (executable, segments):
        monkeypatch.setattr(module, "lower", counted)

    def steps(count: int) -> None:
        x = Variable(0.5)
        with GradientTape() as tape:
            y = x
            for k in range(count):
                y = jitgrad.sin(y) * (0.9 + 0.001 * k) + x
        tape.gradient(y, x)

    steps(20 * segments.SEGMENT // 3)
    few = len(made)
    assert few <= 4 * (executable.LITERAL_VARIANTS + 2)
    assert max(made) < 10 * segments.SEGMENT
    steps(40 * segments.SEGMENT // 3)
    assert len(made) <= few + 1  # the last one has other numbers


def test_what_has_no_gradient_runs_no_segment_backwards(cut: Callable[[bool], None]) -> None:
    cut(True)
    x, z = Variable(ONE), Variable(OTHER)
    with GradientTape() as tape:
        y = alike(tensor(ONE), z) + 0 * jitgrad.floor(alike(x, z))
    assert np.isfinite(np.asarray(tape.gradient(y, z))).all()
    assert evaluate.value_of(tensor(1.0)) == 1.0
