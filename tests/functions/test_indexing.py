"""Indexing as NumPy does it: random keys for values and gradients, ``at``, and keys that are not known yet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jitgrad
from jitgrad.errors import IndexingError, ShapeError, TracingError

SHAPES = [(5,), (3, 4), (2, 2, 3), (2, 1, 3, 2), (0, 3)]


@st.composite
def keys(draw: st.DrawFn) -> tuple[tuple[int, ...], Any]:
    """A shape, and a key that NumPy takes for it."""
    shape = draw(st.sampled_from(SHAPES))
    if draw(st.integers(0, 6)) == 0:
        cells = int(np.prod(shape))
        return shape, np.array(draw(st.lists(st.booleans(), min_size=cells, max_size=cells))).reshape(shape).astype(bool)
    key: list[Any] = []
    n_rows = draw(st.integers(1, 3))
    for n in shape[: draw(st.integers(0, len(shape)))]:
        kind = draw(st.sampled_from(["slice", "slice", "integer", "array", "mask", "none"]))
        if kind == "integer" and n:
            key.append(draw(st.integers(-n, n - 1)))
        elif kind == "array" and n:
            key.append(np.array(draw(st.lists(st.integers(-n, n - 1), min_size=n_rows, max_size=n_rows))))
        elif kind == "mask":
            key.append(np.arange(n) < draw(st.integers(0, n)) if n_rows == 1 or n == 0 else np.arange(n) < n_rows)
        else:
            end = st.one_of(st.none(), st.integers(-6, 6))
            key.append(slice(draw(end), draw(end), draw(st.sampled_from([None, 1, 2, -1, -3]))))
            if kind == "none":
                key.append(None)
    if draw(st.booleans()):
        key.insert(draw(st.integers(0, len(key))), Ellipsis)
    return shape, tuple(key)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(keys())
def test_random_keys_are_numpys(drawn: Any) -> None:
    shape, key = drawn
    x = np.random.default_rng(0).normal(size=shape)
    try:
        expected = x[key]
    except (IndexError, DeprecationWarning):  # NumPy 2.0 only warns where nothing is picked
        with pytest.raises(IndexingError):
            jitgrad.tensor(x)[key]
        return
    got = jitgrad.tensor(x)[key]
    np.testing.assert_array_equal(np.asarray(got), expected)
    assert got.shape == expected.shape
    weight = np.random.default_rng(1).normal(size=expected.shape)
    gradient = jitgrad.grad(lambda t: jitgrad.sum(t[key] * weight))(x)
    scattered = np.zeros(shape)
    np.add.at(scattered, key, weight)
    np.testing.assert_allclose(np.asarray(gradient), scattered, rtol=1e-12, atol=1e-12)
    added = x.copy()
    np.add.at(added, key, weight)
    np.testing.assert_allclose(np.asarray(jitgrad.tensor(x).at[key].add(weight)), added, rtol=1e-12, atol=1e-12)
    changed = x.copy()
    changed[key] = weight
    np.testing.assert_array_equal(np.asarray(jitgrad.tensor(x).at[key].set(weight)), changed)


def test_at_is_differentiable_and_the_last_of_equal_places_counts() -> None:
    x, v = np.arange(4.0), np.array([10.0, 20.0, 30.0])
    key = [1, 3, 1]
    assert jitgrad.tensor(x).at[key].set(v).numpy().tolist() == [0, 30, 2, 20]
    gx, gv = jitgrad.grad(lambda a, b: jitgrad.sum(a.at[key].set(b) ** 2), argnums=(0, 1))(x, v)
    assert gx.numpy().tolist() == [0, 0, 4, 0] and gv.numpy().tolist() == [0, 40, 60]
    jitgrad.check_grads(lambda a, b: a.at[key].add(b) ** 2, (x, v), order=2)
    assert jitgrad.tensor(x).at[1:3].get().numpy().tolist() == [1, 2]
    with pytest.raises(ShapeError, match="at: values of shape"):
        jitgrad.tensor(x).at[0].set([1.0, 2.0])


def test_indices_that_are_tensors() -> None:
    x = np.arange(12.0).reshape(3, 4)
    t, i, j = jitgrad.tensor(x), jitgrad.tensor([0, 2]), jitgrad.tensor([-1, 1])
    np.testing.assert_array_equal(np.asarray(t[i]), x[[0, 2]])
    np.testing.assert_array_equal(np.asarray(t[:, j]), x[:, [-1, 1]])
    np.testing.assert_array_equal(np.asarray(t[i, j]), x[[0, 2], [-1, 1]])
    np.testing.assert_array_equal(np.asarray(t[jitgrad.tensor(1)]), x[1])
    np.testing.assert_array_equal(np.asarray(t[t > 5]), x[x > 5])
    with jitgrad.GradientTape():  # values that nobody has asked for yet
        k = jitgrad.argmax(t[0])
        assert float(t[1, k]) == 7 and t[..., k].numpy().tolist() == [3, 7, 11]
        assert t[jitgrad.argsort(-t[:, 0]), 1:3].numpy().tolist() == x[::-1, 1:3].tolist()


def test_indices_that_are_traced() -> None:
    x = np.arange(12.0).reshape(3, 4)
    picked = jitgrad.function(
        lambda t, i, j: (t[i], t[:, j], t[i, j], t[i[0]], t.at[i].add(1.0), jitgrad.take_along_axis(t, i[:, None], 0))
    )
    a, b, c, d, e, f = picked(x, np.array([0, 2]), np.array([-1, 1]))
    np.testing.assert_array_equal(np.asarray(a), x[[0, 2]])
    np.testing.assert_array_equal(np.asarray(b), x[:, [-1, 1]])
    np.testing.assert_array_equal(np.asarray(c), x[[0, 2], [-1, 1]])
    np.testing.assert_array_equal(np.asarray(d), x[0])
    np.testing.assert_array_equal(np.asarray(e), x + np.array([[1], [0], [1]]))
    np.testing.assert_array_equal(np.asarray(f), np.take_along_axis(x, np.array([[0], [2]]), 0))
    added = jitgrad.function(lambda t, i: t.at[0, i].add(np.array([1.0, 2.0])))(x, np.array([3, -4])).numpy()
    assert (added - x)[0].tolist() == [2, 0, 0, 1] and not (added - x)[1:].any()
    with pytest.raises(TracingError, match=r"at\[\]\.set\(\) needs an index whose value is known"):
        jitgrad.function(lambda t, i: t.at[i].set(0.0))(x, np.array([1]))
    outside = np.asarray(jitgrad.function(lambda t, i: t[i, i])(x, np.array([1, 3])))
    assert outside[0] == 5 and np.isnan(outside[1])
    with pytest.raises(TracingError, match="where"):
        jitgrad.function(lambda t: t[t > 5])(x)
