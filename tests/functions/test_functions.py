"""Every public function against NumPy's of the same name: value, shape, derivatives, called by jitgrad's name and NumPy's."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import special

import jitgrad
from jitgrad.errors import ArgumentError, DTypeError, IndexingError, OptionError, ShapeError, UnsupportedError


class Use(NamedTuple):
    """One use: the function as ``f(namespace, *operands)``, for jitgrad and for NumPy, and its operands' shapes."""

    name: str
    f: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]

    def __str__(self) -> str:
        return f"{self.name}{self.shapes}"


def uses(name: str, f: Callable[..., Any], *shapes: Any) -> list[Use]:
    """One for each operand's shape, or tuple of shapes."""
    return [Use(name, f, s if s and isinstance(s[0], tuple) else (s,)) for s in shapes]


USES = [
    *uses("mean", lambda np, x: np.mean(x, axis=0), (3,), (2, 3), (1, 1)),
    *uses("mean of all", lambda np, x: np.mean(x), (), (2, 3)),
    *uses("sum keepdims", lambda np, x: np.sum(x, axis=(0, -1), keepdims=True), (2, 3, 4)),
    *uses("var", lambda np, x: np.var(x, axis=1), (2, 3), (4, 1)),
    *uses("std ddof", lambda np, x: np.std(x, axis=0, ddof=1, keepdims=True), (4, 3)),
    *uses("diff of nothing", lambda np, x: np.diff(x, n=0, axis=0, prepend=1.0), (3, 2)),
    *uses("diff ends", lambda np, x, y: np.diff(x, axis=0, prepend=y, append=1.5), ((3, 2), (2, 2))),
    *uses("prod", lambda np, x: np.prod(x), (), (1,), (5,), (2, 3), (0,)),
    *uses("prod axis", lambda np, x: np.prod(x, axis=1, keepdims=True), (2, 3, 2), (2, 1, 2), (2, 0, 2)),
    *uses("prod axes", lambda np, x: np.prod(x, axis=(0, 2)), (2, 3, 2)),
    *uses("max", lambda np, x: np.max(x, axis=-1), (2, 3)),
    *uses("min", lambda np, x: np.min(x), (2, 3)),
    *uses("cumsum", lambda np, x: np.cumsum(x), (2, 3), (0,), (1,)),
    *uses("cumsum axis", lambda np, x: np.cumsum(x, axis=1), (2, 3, 2)),
    *uses("cumprod", lambda np, x: np.cumprod(x), (7,), (2, 3), (1,), (0,)),
    *uses("cumprod axis", lambda np, x: np.cumprod(x, axis=0), (3, 2)),
    *uses("reshape", lambda np, x: np.reshape(x, (-1, 2)), (2, 3)),
    *uses("ravel", lambda np, x: np.ravel(x), (2, 3), (), (0, 2)),
    *uses("transpose", lambda np, x: np.transpose(x, (1, 0, 2)), (2, 3, 4)),
    *uses("swapaxes", lambda np, x: np.swapaxes(x, 0, -1), (2, 3, 4)),
    *uses("moveaxis", lambda np, x: np.moveaxis(x, (0, 1), (-1, 0)), (2, 3, 4)),
    *uses("squeeze", lambda np, x: np.squeeze(x, axis=1), (2, 1, 3)),
    *uses("expand_dims", lambda np, x: np.expand_dims(x, -1), (2, 3), ()),
    *uses("broadcast_to", lambda np, x: np.broadcast_to(x, (4, 2, 3)), (2, 1), ()),
    *uses("concatenate", lambda np, x, y: np.concatenate([x, y], axis=1), ((2, 3), (2, 1))),
    *uses("stack", lambda np, x, y: np.stack([x, y], axis=1), ((2, 3), (2, 3))),
    *uses("vstack", lambda np, x, y: np.vstack([x, y]), ((3,), (3,)), ((2, 3), (1, 3))),
    *uses("hstack", lambda np, x, y: np.hstack([x, y]), ((3,), (2,)), ((2, 3), (2, 1)), ((), ())),
    *uses("atleast_1d", lambda np, x: np.atleast_1d(x), (), (2, 3)),
    *uses("atleast_2d", lambda np, x: np.atleast_2d(x), (), (3,), (2, 3)),
    *uses("split", lambda np, x: np.split(x, 3, axis=1)[1], (2, 6)),
    *uses("split at", lambda np, x: np.split(x, [1, 3])[1], (5, 2)),
    *uses("array_split", lambda np, x: np.array_split(x, 3)[0], (5, 2)),
    *uses("flip", lambda np, x: np.flip(x, axis=1), (2, 3)),
    *uses("flip all", lambda np, x: np.flip(x), (2, 3), (0,)),
    *uses("roll", lambda np, x: np.roll(x, 2), (2, 3), (1,)),
    *uses("roll axes", lambda np, x: np.roll(x, (1, -4), axis=(0, 1)), (2, 3)),
    *uses("tile", lambda np, x: np.tile(x, (2, 3)), (2,), (2, 3), (2, 3, 2), ()),
    *uses("repeat", lambda np, x: np.repeat(x, 3), (2, 2)),
    *uses("repeat each", lambda np, x: np.repeat(x, [1, 0, 2], axis=1), (2, 3)),
    *uses("pad", lambda np, x: np.pad(x, ((1, 2), (0, 1))), (2, 3)),
    *uses("pad value", lambda np, x: np.pad(x, 1, constant_values=3), (2, 3)),
    *uses("pad edge", lambda np, x: np.pad(x, 2, mode="edge"), (2, 3)),
    *uses("pad reflect", lambda np, x: np.pad(x, (2, 1), mode="reflect"), (4,)),
    *uses("pad symmetric", lambda np, x: np.pad(x, (2, 1), mode="symmetric"), (4,)),
    *uses("pad wrap", lambda np, x: np.pad(x, (2, 1), mode="wrap"), (4, 3)),
    *uses("tril", lambda np, x: np.tril(x, -1), (3, 3), (2, 3, 4)),
    *uses("triu", lambda np, x: np.triu(x), (3, 2)),
    *uses("diag of a vector", lambda np, x: np.diag(x, 1), (3,)),
    *uses("diag of a matrix", lambda np, x: np.diag(x, -1), (3, 3)),
    *uses("diagonal", lambda np, x: np.diagonal(x, 1, 0, 2), (2, 3, 4)),
    *uses("trace", lambda np, x: np.trace(x), (3, 3), (2, 3)),
    *uses("take", lambda np, x: np.take(x, [[0, -1]], axis=1), (2, 3)),
    *uses("take of all", lambda np, x: np.take(x, [5, 0, 0]), (2, 3)),
    *uses("take_along_axis", lambda np, x: np.take_along_axis(x, onp.array([[2, 0], [-1, 1]]), axis=1), (2, 3)),
    *uses("take_along_axis broadcast", lambda np, x: np.take_along_axis(x, onp.array([[2], [0]]), axis=1), (2, 3)),
    *uses("sort", lambda np, x: np.sort(x, axis=0), (5, 2), (1, 3)),
    *uses("sort all", lambda np, x: np.sort(x, axis=None), (2, 3)),
    *uses("dot", lambda np, x, y: np.dot(x, y), ((), (3,)), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((2, 2, 3), (3, 4)),
          ((2, 3), (2, 3, 4)), ((4, 2, 3), (3,))),
    *uses("inner", lambda np, x, y: np.inner(x, y), ((3,), (3,)), ((2, 3), (4, 3)), ((), (2,))),
    *uses("outer", lambda np, x, y: np.outer(x, y), ((3,), (2,)), ((2, 2), (3,))),
    *uses("kron", lambda np, x, y: np.kron(x, y), ((3,), (2,)), ((2, 2), (3, 1)), ((2,), (2, 3))),
    *uses("matmul", lambda np, x, y: np.matmul(x, y), ((3,), (3,)), ((2, 3), (3, 1)), ((2, 2, 3), (3, 2))),
    *uses("einsum ij,jk", lambda np, x, y: np.einsum("ij,jk->ik", x, y), ((2, 3), (3, 4))),
    *uses("einsum implicit", lambda np, x, y: np.einsum("ba,cb", x, y), ((2, 3), (4, 2))),
    *uses("einsum batch", lambda np, x, y: np.einsum("bij,bkj->bki", x, y), ((2, 3, 4), (2, 5, 4))),
    *uses("einsum dots", lambda np, x, y: np.einsum("...ij,jk->...ik", x, y), ((2, 2, 3), (3, 2))),
    *uses("einsum outer", lambda np, x, y: np.einsum("i,j->ji", x, y), ((2,), (3,))),
    *uses("einsum trace", lambda np, x: np.einsum("ii->", x), (3, 3)),
    *uses("einsum diagonal", lambda np, x: np.einsum("iij->ij", x), (3, 3, 2)),
    *uses("einsum sum", lambda np, x, y: np.einsum("ij,k->j", x, y), ((2, 3), (4,))),
    *uses("einsum three", lambda np, x, y, z: np.einsum("ij,jk,kl->il", x, y, z), ((2, 3), (3, 2), (2, 2))),
    *uses("clip", lambda np, x: np.clip(x, -0.5, 0.7), (2, 3)),
    *uses("round", lambda np, x: np.round(x, 1), (4,)),
    *uses("reciprocal", lambda np, x: np.reciprocal(x + 5), (3,)),
    *uses("norm", lambda np, x: np.linalg.norm(x), (3,), (2, 3)),
    *uses("norm 1", lambda np, x: np.linalg.norm(x, 1), (4,)),
    *uses("norm inf", lambda np, x: np.linalg.norm(x, onp.inf, axis=1), (4, 2)),
    *uses("norm 3", lambda np, x: np.linalg.norm(x, 3, axis=0), (4, 2)),
    *uses("norm 2", lambda np, x: np.linalg.norm(x, 2), (4,)),
    *uses("matrix norm 1", lambda np, x: np.linalg.norm(x, 1), (4, 2)),
    *uses("matrix norm -inf", lambda np, x: np.linalg.norm(x, -onp.inf, axis=(0, 2), keepdims=True), (4, 2, 3)),
    *uses("matrix norm axes", lambda np, x: np.linalg.norm(x, 1, axis=(2, 0)), (4, 2, 3)),
    *uses("matrix norm inf axes", lambda np, x: np.linalg.norm(x, onp.inf, axis=(-1, 0), keepdims=True), (2, 3)),
    *uses("norm axis", lambda np, x: np.linalg.norm(x, axis=0, keepdims=True), (4, 2)),
    *uses("solve", lambda np, a, b: np.linalg.solve(a + 4 * onp.eye(3), b), ((3, 3), (3, 2)), ((3, 3), (3,))),
    *uses("solve batch", lambda np, a, b: np.linalg.solve(a + 4 * onp.eye(3), b), ((2, 3, 3), (3, 1))),
    *uses("inv", lambda np, a: np.linalg.inv(a + 4 * onp.eye(3)), (3, 3), (2, 3, 3)),
    *uses("det", lambda np, a: np.linalg.det(a + 2 * onp.eye(3)), (3, 3), (2, 3, 3)),
    *uses("slogdet", lambda np, a: np.linalg.slogdet(a - 4 * onp.eye(3))[1], (3, 3)),
    *uses("cholesky", lambda np, a: np.linalg.cholesky(a @ onp.swapaxes(a, -1, -2) + onp.eye(3)), (2, 3, 3)),
    *uses("where", lambda np, x, y: np.where(x > 0, x, y), ((2, 3), (3,))),
    *uses("append", lambda np, x, y: np.append(x, y), ((2, 3), (2,))),
    *uses("append axis", lambda np, x, y: np.append(x, y, axis=1), ((2, 3), (2, 1))),
    *uses("broadcast_arrays", lambda np, x, y: np.broadcast_arrays(x, y)[1], ((2, 3), (3,))),
    *uses("meshgrid", lambda np, x, y: np.meshgrid(x, y)[0], ((2,), (3,))),
    *uses("meshgrid ij", lambda np, x, y, z: np.meshgrid(x, y, z, indexing="ij")[1], ((2,), (3,), (1,))),
    *uses("vdot", lambda np, x, y: np.vdot(x, y), ((2, 3), (6,))),
    *uses("tensordot", lambda np, x, y: np.tensordot(x, y), ((2, 3, 4), (3, 4, 2))),
    *uses("tensordot axes", lambda np, x, y: np.tensordot(x, y, axes=([0, 2], [1, 0])), ((2, 3, 4), (4, 2))),
    *uses("median", lambda np, x: np.median(x), (5,), (4, 3)),
    *uses("median axis", lambda np, x: np.median(x, axis=0, keepdims=True), (4, 3)),
    *uses("diff", lambda np, x: np.diff(x, n=2, axis=0), (4, 3)),
    *uses("nan_to_num", lambda np, x: np.nan_to_num(x), (4,)),
    *uses("ptp", lambda np, x: np.ptp(x, axis=1), (4, 3)),
    *uses("average", lambda np, x, w: np.average(x, axis=1, weights=w + 9), ((4, 3), (3,)), ((4, 3), (4, 3))),
    *uses("concatenate of rows", lambda np, x, y: np.concatenate([x, y], axis=None), ((2, 3), (2,))),
    *uses("expand_dims twice", lambda np, x: np.expand_dims(x, (0, 2)), (3,)),
    *uses("pad pairs of values", lambda np, x: np.pad(x, ((1, 1), (0, 2)), constant_values=((1, 2), (3, 4))), (2, 2)),
    *uses("einsum size 1", lambda np, x, y: np.einsum("...ij,...jk->...ik", x, y), ((1, 2, 3), (4, 3, 2))),
    *uses("dot of nothing", lambda np, x, y: np.dot(x, y), ((2, 0), (3, 0, 4))),
    *uses("det of nothing", lambda np, x: np.linalg.det(x), (0, 0)),
    *uses("zeros_like", lambda np, x: np.zeros_like(x) + x, (2, 3)),
    *uses("full_like", lambda np, x: np.full_like(x, 2.5) * x, (2, 3)),
]  # fmt: skip
onp = np  # NumPy itself, where a use has NumPy or jitgrad as ``np``


def operands_of(use: Use) -> list[np.ndarray]:
    rng = np.random.default_rng(len(use.name))
    return [np.asarray(rng.normal(size=shape)) for shape in use.shapes]


@pytest.mark.parametrize("use", USES, ids=str)
def test_value_is_numpys(use: Use) -> None:
    operands = operands_of(use)
    expected = use.f(np, *operands)
    for namespace in (jitgrad, np):
        got = use.f(namespace, *[jitgrad.tensor(x) for x in operands])
        assert type(got) is jitgrad.Tensor
        assert got.shape == np.shape(expected)
        np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("use", [use for use in USES if use.name != "round"], ids=str)
def test_derivatives(use: Use) -> None:
    jitgrad.check_grads(lambda *xs: use.f(jitgrad, *xs), operands_of(use), order=2, rtol=1e-4, atol=1e-4)


INTEGERS_AND_BOOLEANS = [
    ("argmax", lambda np, x: np.argmax(x)), ("argmax axis", lambda np, x: np.argmax(x, axis=0)),
    ("argmax keepdims", lambda np, x: np.argmax(x, axis=1, keepdims=True)),
    ("argmin", lambda np, x: np.argmin(x, axis=-1)),
    ("argsort", lambda np, x: np.argsort(x, axis=0)), ("argsort all", lambda np, x: np.argsort(x, axis=None)),
    ("any", lambda np, x: np.any(x > 1, axis=0)), ("all", lambda np, x: np.all(x > -1)),
    ("isnan", lambda np, x: np.isnan(np.log(x))), ("isfinite", lambda np, x: np.isfinite(np.log(x))),
    ("isinf", lambda np, x: np.isinf(x / 0.0)),
    ("norm 0", lambda np, x: np.linalg.norm(np.floor(x), 0, axis=0)),
    ("count_nonzero", lambda np, x: np.count_nonzero(x > 0, axis=0)),
    ("nan_to_num", lambda np, x: np.nan_to_num(np.log(x) / 0.0, nan=3.0)),
    ("median of nan", lambda np, x: np.median(np.log(x), axis=0)),
    ("logical_and", lambda np, x: np.logical_and(x > 0, x < 1)), ("logical_or", lambda np, x: np.logical_or(x > 1, x < 0)),
    ("logical_xor", lambda np, x: np.logical_xor(x > 0, x < 1)), ("logical_not", lambda np, x: np.logical_not(x > 0)),
    ("operators", lambda np, x: ((x > 0) & (x < 1)) | ~(x > -1) ^ (x == 0)),
    ("tens", lambda np, x: np.round(np.argsort(x * 10, axis=0) * 5, -1)),
    ("booleans counted", lambda np, x: np.prod(x > -9) + np.cumprod((x > -9)[:1, 0])),
    ("integers", lambda np, x: np.floor(x).sum() // 2 + np.round(x)[0] % 3),
    ("masks reshaped", lambda np, x: np.reshape(x > 0, -1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "f"), INTEGERS_AND_BOOLEANS, ids=[n for n, _ in INTEGERS_AND_BOOLEANS])
def test_results_without_derivative(name: str, f: Any) -> None:
    x = np.random.default_rng(1).normal(size=(4, 3))
    with np.errstate(all="ignore"):
        expected = f(np, x)
        for namespace in (jitgrad, np):
            got = f(namespace, jitgrad.tensor(x))
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(np.asarray(got), expected)


@pytest.mark.parametrize(("rows", "ddof"), [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (2, 0.5)])
def test_a_variance_without_degrees_of_freedom_is_numpys(rows: int, ddof: float) -> None:
    x = np.arange(1.0, rows + 1)
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        expected = [np.var(x, ddof=ddof), np.std(x, ddof=ddof)]
    np.testing.assert_array_equal([float(jitgrad.var(x, ddof=ddof)), float(jitgrad.std(x, ddof=ddof))], expected)


@pytest.mark.parametrize("subscripts", ["ab,b", "ab,b->a", "aa", "ab->ba", "ab,ab->", "ab,cb->ac"])
def test_einsum_of_booleans_is_logic(subscripts: str) -> None:
    rng = np.random.default_rng(0)
    shapes = {"ab,b": [(3, 3), (3,)], "ab,b->a": [(3, 3), (3,)]}.get(subscripts, [(3, 3)] * (subscripts.count(",") + 1))
    operands = [rng.uniform(size=shape) < 0.4 for shape in shapes]
    found = np.asarray(jitgrad.einsum(subscripts, *operands))
    expected = np.einsum(subscripts, *operands)
    assert found.dtype == expected.dtype == bool
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: jitgrad.relu(x, max_value=5.0), "relu has no option 'max_value'. It takes only operands."),
        (lambda x: jitgrad.exp(x, dtype="float32"), "exp has no option 'dtype'"),
        (lambda x: jitgrad.add(x, x, out=np.zeros(3)), "add has no option 'out'"),
        (lambda x: jitgrad.maximum(x, 0, where=x > 0), "maximum has no option 'where'"),
        (lambda x: jitgrad.ops.OPS["sum"](x, axis=(0,)), "sum has no option 'axis'. Did you mean 'axes'"),
    ],
)
def test_an_op_refuses_options_that_it_does_not_have(call: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        call(jitgrad.tensor([1.0, 2.0, 3.0]))


def test_order_of_nan_and_of_equals() -> None:
    x = np.array([3.0, np.nan, 1.0, 3.0, np.nan, -np.inf])
    np.testing.assert_array_equal(np.asarray(jitgrad.argsort(x)), np.argsort(x, stable=True))
    np.testing.assert_array_equal(np.asarray(jitgrad.sort(x)), np.sort(x))
    assert int(jitgrad.argmax(x)) == 1 == int(jitgrad.argmin(x))
    values, places = jitgrad.top_k(jitgrad.tensor([1.0, 3.0, 2.0, 3.0]), 3)
    assert values.numpy().tolist() == [3, 3, 2] and places.numpy().tolist() == [1, 3, 2]
    y = np.random.default_rng(0).integers(0, 50, 1000).astype(float)
    np.testing.assert_array_equal(np.asarray(jitgrad.argsort(y)), np.argsort(y, stable=True))


def test_softmax_and_log_softmax_do_not_overflow() -> None:
    x = np.array([[1000.0, 1001.0, -1000.0], [0.0, 0.0, -np.inf]])
    np.testing.assert_allclose(np.asarray(jitgrad.softmax(x)), special.softmax(x, -1), rtol=1e-14)
    np.testing.assert_allclose(np.asarray(jitgrad.log_softmax(x, axis=1)), special.log_softmax(x, 1), rtol=1e-14)
    np.testing.assert_allclose(np.asarray(jitgrad.logsumexp(x, 0)), special.logsumexp(x, 0), rtol=1e-14)
    z = np.random.default_rng(0).normal(size=(2, 3))
    jitgrad.check_grads(jitgrad.softmax, (z,), order=2)
    jitgrad.check_grads(jitgrad.log_softmax, (z,), order=2)


def test_products_at_zeros_have_derivatives() -> None:
    for f in (jitgrad.prod, jitgrad.cumprod):
        jitgrad.check_grads(f, (np.array([2.0, 0.0, 3.0, 0.0, 1.0]),), order=2)


def test_singular_matrices_are_nan() -> None:
    a = np.zeros((2, 2))
    assert np.isnan(jitgrad.linalg.inv(a).numpy()).all()
    assert np.isnan(jitgrad.linalg.cholesky(-np.eye(2)).numpy()).all()
    assert float(jitgrad.linalg.det(a)) == 0
    sign, size = jitgrad.linalg.slogdet(a)
    assert (float(sign), float(size)) == (0, -math.inf)


def test_scipys_ufuncs_and_numpys_operators_record() -> None:
    x = jitgrad.Variable(np.array([0.5, 1.5]))
    for ours, theirs in [(jitgrad.erf, special.erf), (jitgrad.digamma, special.psi), (jitgrad.sigmoid, special.expit)]:
        np.testing.assert_array_equal(np.asarray(theirs(x)), np.asarray(ours(x)))
    with jitgrad.GradientTape() as tape:
        y = np.sum(np.array([[1.0, 2.0]]) @ x + np.arange(2.0) * np.exp(x))
    assert type(y) is jitgrad.Tensor
    np.testing.assert_allclose(np.asarray(tape.gradient(y, x)), [2.0, 4.0 + math.exp(1.5)])
    assert np.add.reduce(x).shape == () and np.maximum.reduce(x, axis=0) == 1.5


def test_numpys_arguments_by_position_and_name() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    t = jitgrad.tensor(x)
    for f in (
        lambda a: np.sum(a=a, axis=0), lambda a: np.mean(a, 1, None, None, True), lambda a: np.var(a, 0, None, None, 1),
        lambda a: np.max(a, 0, None, True), lambda a: np.clip(a, a_min=0.0, a_max=None), lambda a: np.clip(a, -0.5, 0.5),
        lambda a: np.full_like(a, fill_value=2.0), lambda a: np.stack(arrays=[a, a], axis=-1),
        lambda a: np.sort(a, kind="stable"),
        lambda a: np.reshape(a, (4, 3), "C"), lambda a: np.einsum("ij->j", a, optimize=True), lambda a: np.take(a, [1], 1),
        lambda a: np.zeros_like(a, dtype=None),
    ):  # fmt: skip
        np.testing.assert_allclose(np.asarray(f(t)), f(x), rtol=1e-13)
    assert np.allclose(a=t, b=x) and np.isclose(x, b=t).all() and np.array_equal(a1=t, a2=x)
    for g, name in [(lambda a: np.sum(a, 0, np.float32), "dtype"), (lambda a: np.reshape(a, (4, 3), "F"), "order")]:
        with pytest.raises(UnsupportedError, match=f"does not support {name}"):
            g(t)


def test_numpy_answers_questions_about_values() -> None:
    x = jitgrad.tensor([1.0, 2.0])
    assert np.allclose(x, [1, 2]) and np.array_equal(x, np.array([1.0, 2.0]))
    assert np.shape(x) == (2,) and np.ndim(x) == 1 and np.size(x) == 2 and np.size(x, 0) == 2
    assert np.asarray(x, np.float32).dtype == np.float32
    assert np.nonzero(x > 1)[0].tolist() == [1] and np.unique(x).tolist() == x.tolist()


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (lambda x: np.histogram(x, 3), "histogram"),
        (lambda x: np.spacing(x), "spacing"),
        (lambda x: np.sum(x, where=[True, False]), "sum does not support where"),
        (lambda x: np.add(x, 1, out=np.zeros(2)), "add does not support out .* a = a"),
        (lambda x: np.add.accumulate(x), "add.accumulate"),
        (lambda x: np.fft.fft(x), "fft"),
    ],
)
def test_what_is_not_supported_says_so_by_name(f: Any, name: str) -> None:
    with pytest.raises(UnsupportedError, match=name):
        f(jitgrad.tensor([1.0, 2.0]))


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda x: jitgrad.sum(x, axis=2), ShapeError, "sum: axis 2 is out of range for 2 axes. Use -2 to 1."),
        (lambda x: jitgrad.cumsum(x, axis=-3), ShapeError, "cumsum: axis -3"),
        (lambda x: jitgrad.split(x, 2, axis=1), ShapeError, "split: axis 1 .* cannot be split into 2 equal parts. Use"),
        (lambda x: jitgrad.moveaxis(x, 0, (0, 1)), ShapeError, "moveaxis"),
        (lambda x: jitgrad.repeat(x, [1, 2, 3], axis=0), ShapeError, "repeat"),
        (lambda x: jitgrad.pad(x, ((1, 2), (3, 4), (5, 6))), ShapeError, "pad_width"),
        (lambda x: jitgrad.pad(x, -1), ShapeError, "negative"),
        (lambda x: jitgrad.pad(x, 1, mode="median"), ArgumentError, "mode is 'median'. Use"),
        (lambda x: jitgrad.einsum("ij,jk", x), ArgumentError, "2 operands, but got 1"),
        (lambda x: jitgrad.einsum("ijk->i", x), ArgumentError, "'ijk' does not match the axes"),
        (lambda x: jitgrad.einsum("ij->ik", x), ArgumentError, "result 'ik'"),
        (lambda x: jitgrad.einsum("ij,ij->i", x, x[:, :2]), ShapeError, "'j' stands for sizes 3 and 2"),
        (lambda x: jitgrad.array_split(x, 0), ArgumentError, "number of parts"),
        (lambda x: jitgrad.top_k(x, 4), ArgumentError, "k is 4"),
        (lambda x: jitgrad.take(x, [3], axis=1), IndexingError, "Index 3 is out of range for axis 1"),
        (lambda x: jitgrad.take_along_axis(x, np.array([[3]]), axis=1), IndexingError, "out of range for axis 1"),
        (lambda x: jitgrad.take_along_axis(x, np.array([0]), axis=1), ShapeError, "differ in the number of axes"),
        (lambda x: jitgrad.diag(x[None]), ShapeError, "diag: shape"),
        (lambda x: jitgrad.linalg.inv(x), ShapeError, "solve: shape .* is not a square matrix"),
        (lambda x: jitgrad.linalg.norm(x, 3), ArgumentError, "ord 3 is not available over 2 axes"),
        (lambda x: jitgrad.argmax(x[:0], axis=0), ShapeError, "argmax: the last axis .* is empty"),
        (lambda x: x & 1, DTypeError, "& requires booleans and got float64"),
        (lambda x: ~x, DTypeError, "~ requires booleans"),
    ],
)  # fmt: skip
def test_errors_name_the_function_and_the_shape(f: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        f(jitgrad.tensor(np.ones((2, 3))))


@pytest.mark.parametrize("ddof", [0, 0.5])
@pytest.mark.parametrize(
    ("shape", "axis"), [((), None), ((1,), None), ((1,), 0), ((2, 1), 1), ((2, 1), -1), ((1, 1), (0, 1)), ((0, 1), 1)]
)
def test_std_of_one_element_is_constant(shape: tuple[int, ...], axis: Any, ddof: float) -> None:
    x = np.full(shape, 1.7)
    for keepdims in (False, True):

        def f(t: Any, keepdims: bool = keepdims) -> Any:
            return jitgrad.std(t, axis, ddof, keepdims)

        np.testing.assert_array_equal(np.asarray(f(x)), np.std(x, axis, ddof=ddof, keepdims=keepdims))
        jitgrad.check_grads(f, (x,), order=2)
        np.testing.assert_array_equal(np.asarray(jitgrad.grad(lambda t: jitgrad.sum(f(t)))(x)), np.zeros(shape))
    with np.errstate(invalid="ignore"):
        expected = np.std(np.array([[np.inf], [1.0]]), 1)
    np.testing.assert_array_equal(np.asarray(jitgrad.std([[np.inf], [1.0]], 1)), expected)
