"""Tensors and Variables: values, dtypes, indexing, shapes, and errors that name the thing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import GradientTape, Variable
from jitgrad.errors import DTypeError, IndexingError, ReadOnlyError, ShapeError

pytestmark = pytest.mark.usefixtures("both_ways")


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (Variable(1.0), 2, np.float64),
        (Variable(np.float32(1)), 2.5, np.float32),
        (Variable(np.float32(1)), np.ones(3), np.float32),
        (Variable(np.float32(1)), Variable(1.0), np.float64),
        (Variable(np.float32(1)), jitgrad.tensor(np.ones(2)), np.float64),
        (Variable(2), 3, np.float64),
        (Variable([1, 2]), 3, np.float64),
        (Variable(2, dtype=np.int64), 3, np.int64),
        (Variable(np.int32(2)), 0.5, np.float64),
        (jitgrad.tensor([1, 2]), jitgrad.tensor(np.float32(1)), np.float32),
        (jitgrad.tensor([True]), 1, np.int64),
    ],
)
def test_promotion(left: Any, right: Any, expected: type) -> None:
    for result in (left + right, right + left):
        assert result.dtype == expected
        assert np.asarray(result).dtype == expected


def test_operators_agree_with_numpy(draw: np.random.Generator) -> None:
    a, b = draw.uniform(0.5, 2, (2, 3)), draw.uniform(0.5, 2, 3)
    v, w = Variable(a), Variable(b)
    for f in [
        lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / y, lambda x, y: x**y,
        lambda x, y: 2 - x + 3 * y / 2, lambda x, y: 2**x, lambda x, y: -x + abs(-y), lambda x, y: +x,
        lambda x, y: x < y, lambda x, y: x >= 1, lambda x, y: x == x, lambda x, y: x != y, lambda x, y: y > 1,
        lambda x, y: x @ y, lambda x, y: y @ x.T, lambda x, y: (x.T @ x), lambda x, y: y @ y,
    ]:  # fmt: skip
        for other in (w, b):
            np.testing.assert_allclose(np.asarray(f(v, other)), f(a, b), rtol=1e-14)
        np.testing.assert_allclose(np.asarray(f(a, w)), f(a, b), rtol=1e-14)


KEYS: list[Any] = [
    0, -1, slice(None), slice(1, None), slice(None, None, -1), slice(-1, 0, -1), slice(5, 1), ..., None,
    (0, 1), (slice(None), 1), (..., 0), (0, ..., 2), (None, 0), (..., None), (slice(None, None, 2), None, -1),
    (1, slice(None), slice(2, 0, -1)), (), np.int64(1), (slice(0, 0), 1),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_basic_indexing_is_numpys(key: Any, draw: np.random.Generator) -> None:
    a = draw.normal(size=(2, 2, 3))
    v = Variable(a)
    with GradientTape() as tape:
        part = v[key]
        loss = jitgrad.sum(part * part)
    np.testing.assert_array_equal(np.asarray(part), a[key])
    expected = np.zeros_like(a)
    expected[key] = 2 * a[key]
    np.testing.assert_allclose(np.asarray(tape.gradient(loss, v)), expected, rtol=1e-15)


@pytest.mark.parametrize("rows", [[1, 0, 1], np.array([[0], [-1]]), [], np.array(1)], ids=str)
def test_rows_by_an_array(rows: Any, draw: np.random.Generator) -> None:
    a = draw.normal(size=(2, 3))
    picked = Variable(a)[rows] if not isinstance(rows, np.ndarray) or rows.ndim else jitgrad.gather(Variable(a), rows)
    np.testing.assert_array_equal(np.asarray(picked), a[np.asarray(rows, int)])


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (2, "Index 2 is out of range for axis 0"),
        ((0, -4), "Index -4 is out of range for axis 1"),
        ((0, 0, 0), "3 indices"),
        ((..., ...), "more than one ellipsis"),
        ("a", "'a' is not a valid index"),
        (1.5, "1.5 is not a valid index"),
        ([0, 2], "Index 2 is out of range"),
        ([0.5], "integer"),
        (([0], 3), "out of bounds"),
        ([True, False, True], "boolean index"),
        (slice(None, None, 0), "not a valid slice"),
    ],
)
def test_wrong_indices(key: Any, message: str) -> None:
    with pytest.raises(IndexingError, match=message):
        Variable(np.ones((2, 3)))[key]


def test_shapes_of_24_elements() -> None:
    x = jitgrad.tensor(np.arange(24.0))
    assert jitgrad.reshape(x, (4, 6)).shape == (4, 6)
    assert x.reshape(-1, 6).shape == (4, 6)
    y = x.reshape((2, 3, 4))
    np.testing.assert_array_equal(np.asarray(y.transpose(2, 0, 1)), np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1))
    np.testing.assert_array_equal(np.asarray(y.reshape(24)), np.arange(24.0))
    assert jitgrad.squeeze(jitgrad.expand_dims(x, 0)).shape == (24,)
    assert jitgrad.expand_dims(x, -1).shape == (24, 1)
    assert jitgrad.stack([x, x], axis=1).shape == (24, 2)
    np.testing.assert_array_equal(np.asarray(jitgrad.concatenate([x[:2], x[5:6]])), [0, 1, 5])
    assert y.T.shape == (4, 3, 2)
    assert (y.ndim, y.size, len(y)) == (3, 24, 2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda x: x + np.ones(4), r"add: shapes \(2, 3\) and \(4,\)"),
        (lambda x: x @ np.ones((2, 2)), r"matmul: shapes \(2, 3\) and \(2, 2\)"),
        (lambda x: jitgrad.sum(x, axis=2), "axis 2 is out of range for 2 axes"),
        (lambda x: jitgrad.sum(x, axis=(0, -2)), "twice"),
        (lambda x: x.reshape(4), "6 elements"),
        (lambda x: x.reshape(-1, 4), "product divides 6"),
        (lambda x: x.reshape(-1, -1), "one -1"),
        (lambda x: x.transpose(0, 0), "not a permutation"),
        (lambda x: jitgrad.concatenate([x, np.ones((2, 2))]), r"\(2, 3\) and \(2, 2\)"),
        (lambda x: jitgrad.concatenate([]), "got no arrays"),
        (lambda x: jitgrad.stack([x, np.ones(3)]), "differ"),
        (lambda x: jitgrad.squeeze(x, 0), "size 2"),
        (lambda x: jitgrad.broadcast_to(x, (3,)), "does not broadcast"),
        (lambda x: jitgrad.max(x[:0]), "has no elements along"),
    ],
)
def test_shape_errors_name_op_and_shapes(wrong: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        wrong(jitgrad.tensor(np.ones((2, 3))))


@pytest.mark.parametrize(
    "value",
    [np.array([object()]), np.array(["a"]), np.ones(2, complex), np.array([None])],
    ids=["object", "text", "complex", "none"],
)
def test_dtypes_that_are_not_computed_with(value: np.ndarray) -> None:
    with pytest.raises(DTypeError, match=r"dtype .* is not supported"):
        Variable(value)
    with pytest.raises(DTypeError, match=r"dtype .* is not supported"):
        Variable(1.0) + value


def test_integers_beyond_int64_are_refused() -> None:
    with pytest.raises(DTypeError, match="range of int64"):
        jitgrad.tensor(np.array([2**63], np.uint64))


def test_ragged_lists_are_refused() -> None:
    with pytest.raises(DTypeError, match="equal length"):
        jitgrad.tensor([[1.0], [1.0, 2.0]])


def test_integers_are_exact_or_refused() -> None:
    big = jitgrad.tensor(np.array([2**24 + 1]))
    assert int((big + 0)[0]) == 2**24 + 1
    with pytest.raises(DTypeError, match="not exact in float32"):
        (big + Variable(np.float32(0))).numpy()


def test_variables_change_by_assignment_alone() -> None:
    v = Variable([1.0, 2.0], name="v")
    before, doubled = jitgrad.tensor(v), v * 2
    assert v.assign([3, 4]) is v
    v.assign_add(1)
    v.assign_sub([1.0, 0.0])
    np.testing.assert_array_equal(v.numpy(), [3, 5])
    np.testing.assert_array_equal(np.asarray(before), [1, 2])
    np.testing.assert_array_equal(np.asarray(doubled), [2, 4])


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([1.0], ShapeError, r"'v' has shape \(2,\) and the value \(1,\)"),
        (np.ones(2), DTypeError, "'v' has dtype float32 and the value float64"),
        (np.ones(2, complex), DTypeError, "complex"),
    ],
)
def test_a_wrong_assignment_changes_nothing(value: Any, error: type[Exception], message: str) -> None:
    v = Variable(np.zeros(2, np.float32), name="v")
    with pytest.raises(error, match=message):
        v.assign(value)
    np.testing.assert_array_equal(v.numpy(), [0, 0])


def test_an_integer_variable_takes_no_floats() -> None:
    with pytest.raises(DTypeError, match="int64"):
        Variable(1, dtype=int).assign(1.5)


def test_arrays_are_copied_when_they_are_recorded() -> None:
    x = np.ones(3)
    y = Variable(2.0) * x
    x[:] = 7
    np.testing.assert_array_equal(np.asarray(y), [2, 2, 2])
    out = y.numpy()
    out[:] = 5
    np.testing.assert_array_equal(np.asarray(y), [2, 2, 2])


def test_tensors_are_not_assigned_to_in_place() -> None:
    with pytest.raises(ReadOnlyError, match=r"at\[key\]\.set"):
        (Variable([1.0]) * 2)[0] = 3


def test_python_numbers_out_of_tensors() -> None:
    x = jitgrad.tensor(2.5)
    assert (float(x), int(x), bool(x), x.item(), f"{x:.1f}", f"{x}") == (2.5, 2, True, 2.5, "2.5", "2.5")
    assert [10, 20, 30][jitgrad.tensor(1)] == 20
    assert repr(x * 2) == str(x * 2) == "<Tensor shape=() dtype=float64 5.>"
    seen = []
    jitgrad.function(lambda t: seen.append(repr(t * 2)) or t)(1.0)  # type: ignore[func-returns-value]
    assert seen == ["<Tensor shape=() dtype=float64 traced, by multiply>"]
    assert jitgrad.tensor([1.0]).astype("float32").dtype == np.float32


@pytest.mark.parametrize(
    ("value", "shown", "within"),
    [
        (Variable(1.0, name="w"), "<Variable 'w' shape=() dtype=float64 1.>", "1.0"),
        (Variable([1, 2], np.float32, name="w"), "<Variable 'w' shape=(2,) dtype=float32 [1. 2.]>", "[1. 2.]"),
        (jitgrad.tensor([[1, 2], [3, 4]]), "<Tensor shape=(2, 2) dtype=int64\n[[1 2]\n [3 4]]>", "[[1 2]\n [3 4]]"),
        (jitgrad.tensor([True]), "<Tensor shape=(1,) dtype=bool [ True]>", "[ True]"),
        (jitgrad.zeros((0, 2)), "<Tensor shape=(0, 2) dtype=float64 []>", "[]"),
    ],
)
def test_print_shows_shape_and_dtype_and_an_f_string_the_value(value: Any, shown: str, within: str) -> None:
    assert str(value) == repr(value) == shown
    assert f"{value}" == within


def test_print_shows_what_has_no_value_yet() -> None:
    seen: list[str] = []
    jitgrad.function(lambda t: seen.append(str(t)) or t)(1.0)  # type: ignore[func-returns-value]
    assert seen == ["<Tensor shape=() dtype=float64 traced>"]


def test_many_changing_literals_are_lowered_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    from jitgrad.tape import executable

    x = Variable(np.ones(5))
    lowered = []
    monkeypatch.setattr(executable, "lower", lambda *given, lower=executable.lower: (lowered.append(1), lower(*given))[1])
    for i in range(50):
        value = jitgrad.sum(x * (0.1 * i + 0.01) - i)
        assert float(value) == pytest.approx(5 * (0.1 * i + 0.01 - i))
    assert len(lowered) <= executable.LITERAL_VARIANTS + 1


def test_integers_that_come_out_wrong_are_refused() -> None:
    with pytest.raises(DTypeError, match="exceeds"):
        (jitgrad.tensor(2**52) * 4096 * 4096).numpy()
    with pytest.raises(DTypeError, match="index out of range"):
        jitgrad.gather(jitgrad.tensor([1, 2, 3]), jitgrad.tensor([5]) + 0).numpy()
    assert np.isnan(np.asarray(jitgrad.gather(jitgrad.tensor([1.0, 2.0]), jitgrad.tensor([5]) + 0))).all()


def test_numpys_integers_are_integers() -> None:
    x = jitgrad.tensor(np.ones((2, 3)))
    assert jitgrad.sum(x, axis=np.int64(1)).shape == (2,)
    assert jitgrad.sum(x, axis=np.array([0, 1])).shape == ()
    assert x.reshape(np.int64(6)).shape == (6,)
    for wrong in (lambda: x.reshape(-2, -3), lambda: jitgrad.broadcast_to(1.0, (-1, 2))):
        with pytest.raises(ShapeError, match="negative size"):
            wrong()


def test_iteration() -> None:
    assert [float(t) for t in jitgrad.tensor([1.0, 2.0])] == [1, 2]
    with pytest.raises(TypeError, match="without axes"):
        list(jitgrad.tensor(1.0))


def test_idle_memory_is_bounded() -> None:
    from jitgrad.program.context import _pool

    for n in range(20):
        float(jitgrad.sum(jitgrad.tensor(np.ones(1_000_000 + n)) * 2.0))
    assert sum(context.arena.nbytes for idle in _pool._idle.values() for context in idle) <= 1 << 26


def test_logsumexp_and_clip_are_stable() -> None:
    x = np.array([[1000.0, 1000.0], [-1000.0, 0.0]])
    np.testing.assert_allclose(np.asarray(jitgrad.logsumexp(x, axis=1)), [1000 + np.log(2), 0])
    np.testing.assert_array_equal(np.asarray(jitgrad.clip(x, -1, 1)), np.clip(x, -1, 1))
    infinities = np.array([[-np.inf, -np.inf], [np.inf, 1.0], [-np.inf, 2.0]])
    np.testing.assert_array_equal(np.asarray(jitgrad.logsumexp(infinities, axis=1)), [-np.inf, np.inf, 2])
    with pytest.raises(ShapeError, match="logsumexp"):
        jitgrad.logsumexp(np.zeros((0, 2)))
    assert np.isnan(float(jitgrad.mean(np.zeros(0))))


def test_a_variable_has_the_methods_of_a_tensor() -> None:
    v = jitgrad.Variable([1.0, 2.0, 3.0])
    assert v.take([2, 0]).tolist() == [3.0, 1.0]  # once set the value
    assert v.tolist() == [1.0, 2.0, 3.0]
