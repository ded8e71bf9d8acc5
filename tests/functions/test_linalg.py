"""Decompositions, and determinants of singular matrices: values, derivatives in both modes and of second order, edges."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import linalg
from jitgrad.errors import ArgumentError, ShapeError, UnsupportedError
from jitgrad.tape.tree import tree_leaves

SHAPES = [(3, 3), (4, 2), (2, 4), (2, 3, 2), (2, 2, 3)]
CALLS: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (np.linalg.svd, {}), (np.linalg.svd, {"full_matrices": False}), (np.linalg.svd, {"compute_uv": False}),
    (np.linalg.qr, {}), (np.linalg.qr, {"mode": "r"}), (np.linalg.svdvals, {}),
]  # fmt: skip


def matrix(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def symmetric(*shape: int) -> np.ndarray:
    a = matrix(*shape)
    return a + a.swapaxes(-1, -2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("call", "options"), CALLS)
def test_values_are_numpys(call: Any, options: Any, shape: tuple[int, ...], dtype: Any) -> None:
    """By NumPy's protocol, signs too."""
    a = matrix(*shape).astype(dtype)
    if call is np.linalg.svdvals:
        got, expected = call(jitgrad.tensor(a)), np.linalg.svd(a, compute_uv=False)
    else:
        got, expected = call(jitgrad.tensor(a), **options), call(a, **options)
    for x, y in zip(tree_leaves(got), expected if isinstance(expected, tuple) else [expected], strict=True):
        assert x.dtype == dtype
        np.testing.assert_allclose(np.asarray(x), y, rtol=0, atol=50 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_eigenvalues_and_vectors_are_numpys(dtype: Any) -> None:
    a = symmetric(2, 5, 5).astype(dtype)
    for x, y in zip(np.linalg.eigh(jitgrad.tensor(a)), np.linalg.eigh(a), strict=True):
        np.testing.assert_allclose(np.asarray(x), y, rtol=0, atol=50 * np.finfo(dtype).eps)
    np.testing.assert_allclose(
        np.asarray(np.linalg.eigvalsh(jitgrad.tensor(a))), np.linalg.eigvalsh(a), rtol=1e-5 if dtype == np.float32 else 1e-13
    )


def test_large_ones_and_those_of_nothing() -> None:
    a = matrix(70, 40)
    u, s, vh = (x.numpy() for x in linalg.svd(a))
    np.testing.assert_allclose((u[:, :40] * s) @ vh, a, atol=1e-12)
    np.testing.assert_allclose(u.T @ u, np.eye(70), atol=1e-12)
    q, r = (x.numpy() for x in linalg.qr(a))
    np.testing.assert_allclose(q @ r, a, atol=1e-12)
    w, v = (x.numpy() for x in linalg.eigh(a.T @ a))
    np.testing.assert_allclose(v @ np.diag(w) @ v.T, a.T @ a, atol=1e-10)
    u, s, vh = (x.numpy() for x in linalg.svd(np.zeros((0, 3))))
    assert (u.shape, s.shape) == ((0, 0), (0,)) and vh.tolist() == np.eye(3).tolist()
    assert [x.shape for x in linalg.qr(np.zeros((3, 0)))] == [(3, 0), (0, 0)]
    assert [x.shape for x in linalg.qr(np.zeros((0, 3)))] == [(0, 0), (0, 3)]
    assert [x.shape for x in linalg.eigh(np.zeros((2, 0, 0)))] == [(2, 0), (2, 0, 0)]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_has_no_decomposition_is_nan(wrong: float) -> None:
    a = np.stack([np.array([[wrong, 1], [1, 2]]), np.eye(2)])
    for f in (linalg.eigvalsh, linalg.svdvals):
        assert np.isnan(f(a).numpy()).tolist() == [[True, True], [False, False]]
    assert np.isnan(linalg.qr(a)[0].numpy()[0]).any()
    assert np.isnan(jitgrad.grad(lambda x: jitgrad.sum(linalg.det(x)))(a).numpy()[0]).all()


def test_singular_values_of_infinite_numbers_come_to_an_end() -> None:
    """LAPACK's gesdd goes on for ever with this matrix."""
    a = np.array([[3.0, 0, -1], [np.inf, 3, -1], [np.inf, 1e9, -1e9], [0, -1e9, 1]])
    assert np.isnan(linalg.svdvals(a).numpy()).all()


DERIVED: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    "eigh": (lambda a: list(linalg.eigh(a)), (3, 3)),
    "eigh of a batch": (lambda a: list(linalg.eigh(a)), (2, 2, 2)),
    "eigvalsh": (linalg.eigvalsh, (4, 4)),
    "svd of tall": (lambda a: list(linalg.svd(a, full_matrices=False)), (4, 2)),
    "svd of wide": (lambda a: list(linalg.svd(a, full_matrices=False)), (2, 2, 4)),
    "svd, full": (lambda a: list(linalg.svd(a)), (2, 3)),
    "svdvals": (linalg.svdvals, (3, 4)),
    "qr": (lambda a: list(linalg.qr(a)), (4, 3)),
    "qr of wide": (lambda a: list(linalg.qr(a)), (2, 2, 3)),
    "r": (lambda a: linalg.qr(a, "r"), (3, 2)),
}


@pytest.mark.parametrize("name", DERIVED)
def test_derivatives(name: str) -> None:
    f, shape = DERIVED[name]
    jitgrad.check_grads(f, (matrix(*shape),), order=2, atol=1e-5, rtol=1e-5)
    single = matrix(*shape).astype(np.float32)
    jitgrad.check_grads(f, (single,), order=1, eps=1e-2, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("shape", [(5, 2), (2, 2, 5)])
def test_what_does_not_depend_on_the_choice_of_a_basis_has_its_derivative(shape: tuple[int, ...]) -> None:
    """The projector on what no column, or no row, reaches."""

    def projector(a: Any) -> Any:
        u, _, vh = linalg.svd(a)
        basis = u[..., 2:] if shape[-2] > 2 else jitgrad.swapaxes(vh[..., 2:, :], -1, -2)
        return basis @ jitgrad.swapaxes(basis, -1, -2)

    jitgrad.check_grads(projector, (matrix(*shape),), order=2, atol=1e-5, rtol=1e-5)


def test_values_of_degenerate_matrices_have_derivatives_and_vectors_have_none() -> None:
    eye = np.eye(3)
    for f in (linalg.eigvalsh, linalg.svdvals):
        for derive in (jitgrad.jacrev, jitgrad.jacfwd):
            trace = derive(lambda a: jitgrad.sum(f(a)))(eye)  # noqa: B023
            np.testing.assert_allclose(trace.numpy(), eye, atol=1e-15)
    assert not np.isfinite(jitgrad.jacrev(lambda a: linalg.eigh(a)[1])(eye).numpy()).all()
    assert not np.isfinite(jitgrad.jacrev(lambda a: linalg.svd(a)[0])(eye).numpy()).all()


SINGULAR = {
    "rank 2": np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]),
    "rank 1": np.outer([1.0, 2, 3], [1.0, -1, 2]),
    "zero": np.zeros((3, 3)),
    "small": 1e-12 * np.array([[1.0, 2], [2, 4]]),
    "a batch": np.stack([np.diag([1.0, 0, 2]), np.eye(3), np.diag([0.0, 0, 2])]),
    "nearly": np.array([[1.0, 2], [2, 4 + 1e-12]]),
    "one": np.zeros((1, 1)),
    "permuted": np.array([[0.0, 2, 0], [0, 0, 0], [3, 0, 0]]),
}


def minors(a: np.ndarray) -> np.ndarray:
    """The cofactors, each by its definition."""
    out = np.empty_like(a)
    for i, j in itertools.product(range(a.shape[-1]), repeat=2):
        rest = np.delete(np.delete(a, i, -2), j, -1)
        out[..., i, j] = (-1) ** (i + j) * np.linalg.det(rest)
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SINGULAR)
def test_the_determinant_has_a_derivative_where_it_is_0(name: str, dtype: Any) -> None:
    a = SINGULAR[name].astype(dtype)
    expected, tolerance = minors(a.astype(np.float64)), 20 * np.finfo(dtype).eps * max(1, np.abs(a).max()) ** 2
    for derive in (jitgrad.grad, jitgrad.jacfwd):
        got = derive(lambda x: jitgrad.sum(linalg.det(x)))(a).numpy()
        assert got.dtype == dtype
        np.testing.assert_allclose(got, expected, rtol=20 * np.finfo(dtype).eps, atol=tolerance)


def test_the_determinants_second_derivative() -> None:
    for a in (np.eye(3), matrix(3, 3), np.stack([np.eye(2), np.diag([2.0, -1.0])])):
        jitgrad.check_grads(linalg.det, (a,), order=3, modes=["rev"], atol=1e-4, rtol=1e-4)
        jitgrad.check_grads(linalg.det, (a,), order=2, atol=1e-5, rtol=1e-5)


def test_in_traced_functions_tapes_graphs_and_the_native_loop() -> None:
    a = symmetric(3, 3)
    traced = jitgrad.function(lambda x: linalg.eigh(x))
    for x, y in zip(traced(a), np.linalg.eigh(a), strict=True):
        np.testing.assert_allclose(x.numpy(), y, atol=1e-14)
    w = jitgrad.Variable(a)
    with jitgrad.GradientTape() as tape:
        values, vectors = linalg.eigh(w)
        largest = values[-1]
        assert float(largest) > 0  # asked for while it is recorded: what was computed is kept
        loss = largest * vectors[0, -1] ** 2
    got = tape.gradient(loss, w).numpy()
    expected = jitgrad.grad(lambda x: linalg.eigh(x)[0][-1] * linalg.eigh(x)[1][0, -1] ** 2)(a)
    np.testing.assert_allclose(got, expected.numpy(), rtol=1e-12)
    t = jitgrad.tensor(a, requires_grad=True)
    linalg.svd(t)[1].sum().backward()
    assert t.grad is not None
    u, _, vh = np.linalg.svd(a)
    np.testing.assert_allclose(t.grad.numpy(), u @ vh, atol=1e-14)
    v = jitgrad.Variable(a)
    jitgrad.optimizers.SGD(0.1).minimize(lambda: (linalg.eigvalsh(v)[-1] - 5) ** 2, [v], steps=100)
    assert np.linalg.eigvalsh(v.numpy())[-1] == pytest.approx(5, rel=1e-9)


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda x: linalg.eigh(x), ShapeError, r"eigh: shape \(2, 3\) is not a square matrix"),
        (lambda x: linalg.eigvalsh(x[0]), ShapeError, "not a square matrix"),
        (lambda x: linalg.svd(x[0]), ShapeError, "svd: shape .* is not a matrix"),
        (lambda x: linalg.qr(x[0]), ArgumentError, "qr: shape"),
        (lambda x: linalg.qr(x, "complete"), ArgumentError, "mode 'complete'"),
        (lambda x: linalg.det(x), ShapeError, "determinant: shape .* is not a square matrix"),
        (lambda x: np.linalg.svd(x, hermitian=True), UnsupportedError, "does not support hermitian"),
        (lambda x: np.linalg.eigh(x @ x.T, "U"), UnsupportedError, "does not support UPLO"),
    ],
)
def test_errors(f: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        f(jitgrad.tensor(matrix(2, 3)))
