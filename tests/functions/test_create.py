"""Filled Tensors against NumPy's arrays, their dtypes, and the gradients that pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.errors import ArgumentError, DTypeError, ShapeError

CALLS = [
    *[lambda np, f=f, shape=shape: getattr(np, f)(shape) for f in ("zeros", "ones") for shape in ((), 3, (2, 3), (0,))],
    lambda np: np.full((2, 3), 1.5), lambda np: np.full(2, 7), lambda np: np.full((2, 2), [1, 2]), lambda np: np.full((), True),
    lambda np: np.eye(3), lambda np: np.eye(2, 3, 1), lambda np: np.eye(0),
    lambda np: np.arange(5), lambda np: np.arange(5.0), lambda np: np.arange(1, 2, 0.25), lambda np: np.arange(5, 1, -2),
    lambda np: np.arange(0, 1, 0.1), lambda np: np.arange(2, 1),
    lambda np: np.linspace(0, 1), lambda np: np.linspace(1, 2, 5, endpoint=False), lambda np: np.linspace(3, 3, 1),
    lambda np: np.linspace(0, 1, 0), lambda np: np.linspace([0, 1], [2, 5], 4, axis=1),
    lambda np: np.linspace(0, 9, 5, retstep=True)[1], lambda np: np.linspace(1, 2, 1, retstep=True)[1],
    lambda np: np.logspace(0, 2, 3), lambda np: np.logspace(0, 3, 4, base=2.0),
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_values_are_numpys(call: Any) -> None:
    expected = np.asarray(call(np))
    got = call(jg)
    assert type(got) is jg.Tensor and got.shape == expected.shape and got.dtype == expected.dtype
    np.testing.assert_allclose(np.asarray(got), expected, rtol=4e-16)


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: jg.zeros(3, **k), lambda **k: jg.ones(3, **k), lambda **k: jg.full(3, 2, **k), lambda **k: jg.eye(3, **k),
        lambda **k: jg.arange(3, **k), lambda **k: jg.linspace(0, 2, 3, **k), lambda **k: jg.logspace(0, 2, 3, **k),
        lambda **k: jg.linspace(jg.tensor(0.0), 2, 3, **k), lambda **k: jg.full(3, jg.tensor(2.0), **k),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [jg.float32, jg.float64, jg.int64, jg.bool_, "float32"])
def test_dtypes(make: Any, dtype: Any) -> None:
    assert make(dtype=dtype).dtype == np.dtype(dtype)


def test_without_a_dtype_they_are_data() -> None:
    w = jg.Variable(np.float32([1, 2, 3]))
    for x in (jg.zeros(3), jg.eye(3), jg.linspace(0, 1, 3), jg.full(3, 0.5), jg.arange(3.0)):
        assert (w * x).dtype == np.float32
    assert (w * jg.zeros(3, jg.float64)).dtype == np.float64


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("endpoint", [True, False])
def test_linspace_has_derivatives(endpoint: bool, axis: int) -> None:
    start, stop = np.array([0.1, 0.3]), np.array([1.0, -2.0])
    for namespace in (jg, np):
        got = namespace.linspace(jg.tensor(start), stop, 5, endpoint, axis=axis)
        np.testing.assert_allclose(np.asarray(got), np.linspace(start, stop, 5, endpoint, axis=axis), rtol=1e-14)
    jg.check_grads(lambda a, b: jg.linspace(a, b, 5, endpoint, axis=axis), (start, stop), order=1)
    jg.check_grads(lambda a, b: jg.linspace(a, b, 4, endpoint, retstep=True)[1], (start, stop), order=1)
    jg.check_grads(lambda a: jg.logspace(a, 1.0, 4, base=2.0), (0.5,), order=2)
    jg.check_grads(lambda a: jg.full((2, 3), a), (0.5,), order=1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jg.zeros(-1), ShapeError, "negative size"),
        (lambda: jg.linspace(0, 1, -1), ArgumentError, "num is -1"),
        (lambda: jg.zeros(3, "complex128"), DTypeError, "complex128"),
        (lambda: jg.full((2,), jg.tensor([1.0, 2.0, 3.0])), ShapeError, "do not broadcast"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
