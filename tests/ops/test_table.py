"""The walk over the op table: every op against NumPy, its derivatives against differences, at edges, in both dtypes."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad.errors import GradientError, TapeError
from jitgrad.ops import OPS
from jitgrad.ops.table import Op
from jitgrad.tape.tree import tree_leaves, tree_map
from tests.ops.cases import ALL, ROWS, STRUCTURED, Case, cases_of, differentiable, each, has_derivative, label, operands_of

DTYPES = [np.float32, np.float64]
DIFFERENTIABLE = [(op, case) for op, case in ALL if has_derivative(op)]


def as_result(op: Op, value: np.ndarray, dtype: type) -> np.ndarray:
    return np.asarray(value, {"bool": bool, "integer": np.int64}.get(op.result, dtype))


def test_every_op_has_a_case() -> None:
    for op in ROWS:
        assert cases_of(op), op
    assert set(STRUCTURED) == {op.name for op in ROWS if not op.partials}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("op", "case"), [(op, case) for op, case in ALL if "_by_" not in op.name], ids=label)
def test_value_is_numpys(op: Op, case: Case, dtype: type, draw: np.random.Generator) -> None:
    operands = operands_of(op, case, dtype, draw)
    results = each(op(*[jitgrad.tensor(x) for x in operands], **case.attrs))
    ulps = 8 if op.partials else 64
    for got, value in zip(results, each(op.numpy(*operands, **case.attrs)), strict=True):
        expected = as_result(op, value, dtype)
        assert got.shape == expected.shape
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(np.asarray(got), expected, rtol=ulps * np.finfo(dtype).eps, atol=ulps * np.finfo(dtype).eps)


@pytest.mark.parametrize(("op", "case"), DIFFERENTIABLE, ids=label)
def test_first_and_second_derivative_in_both_modes(op: Op, case: Case, draw: np.random.Generator) -> None:
    f, operands = differentiable(op, case, operands_of(op, case, np.float64, draw))
    jitgrad.check_grads(f, operands, order=2, atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize(("op", "case"), DIFFERENTIABLE, ids=label)
def test_float32_derivative_is_float64s(op: Op, case: Case, draw: np.random.Generator) -> None:
    operands = operands_of(op, case, np.float32, draw)
    f, single = differentiable(op, case, operands)
    g, double = differentiable(op, case, [x.astype(np.float64) if x.dtype.kind == "f" else x for x in operands])
    tangents = [draw.normal(size=x.shape).astype(np.float32) for x in single]
    weight = tree_map(lambda y: draw.normal(size=y.shape).astype(np.float32), f(*single))
    narrow = [*each(jitgrad.jvp(f, single, tangents)[1]), *jitgrad.vjp(f, *single)[1](weight)]
    wide = [*each(jitgrad.jvp(g, double, tangents)[1]), *jitgrad.vjp(g, *double)[1](weight)]
    for a, b in zip(narrow, wide, strict=True):
        assert a.dtype == np.float32
        scale = max(1.0, np.max(np.abs(np.asarray(b)), initial=0))
        assert np.max(np.abs(np.asarray(a) - np.asarray(b)), initial=0) <= 5e-5 * scale


@pytest.mark.parametrize(("op", "case"), DIFFERENTIABLE, ids=label)
def test_jvp_and_vjp_are_transposes(op: Op, case: Case, draw: np.random.Generator) -> None:
    f, operands = differentiable(op, case, operands_of(op, case, np.float64, draw))
    tangents = [draw.normal(size=x.shape) for x in operands]
    y, pull = jitgrad.vjp(f, *operands)
    weight = tree_map(lambda y: draw.normal(size=y.shape), y)
    pushed = each(jitgrad.jvp(f, operands, tangents)[1])
    forward = sum(np.sum(np.asarray(t) * w) for t, w in zip(pushed, each(weight), strict=True))
    backward = sum(np.sum(np.asarray(g) * t) for g, t in zip(pull(weight), tangents, strict=True))
    scale = sum(np.sum(np.abs(w)) for w in each(weight))
    assert abs(forward - backward) <= 1e-12 * max(1, abs(forward), scale)


@pytest.mark.parametrize(("op", "case"), DIFFERENTIABLE, ids=label)
def test_jacobians_by_rows_and_columns_agree(op: Op, case: Case, draw: np.random.Generator) -> None:
    """So each op has an axis in front, of cotangents and of tangents."""
    f, operands = differentiable(op, case, operands_of(op, case, np.float64, draw))
    by_rows = jitgrad.jacrev(f, argnums=range(len(operands)))(*operands)
    by_columns = jitgrad.jacfwd(f, argnums=range(len(operands)))(*operands)
    shapes = [np.shape(y) + x.shape for y in each(f(*operands)) for x in operands]
    for a, b, shape in zip(tree_leaves(by_rows), tree_leaves(by_columns), shapes, strict=True):
        assert a.shape == b.shape == shape
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-10, atol=1e-12)


EDGES = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 1e-40, 1e300, -1e300, 1e30, 700.0, -700.0]


# Where a value is meant to be another than SciPy's: C's gammaln at -inf and at subnormals, and polygamma at -inf.
DIFFERS: dict[str, list[tuple[Any, Any]]] = {
    "gammaln": [(lambda x: x == -np.inf, np.inf), (lambda x: (x != 0) & (np.abs(x) < 1e-320), 744.4400719213812)],
    "polygamma": [(lambda x: x == -np.inf, np.nan)],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", [op for op in OPS.values() if op.value is not None], ids=label)
def test_value_at_edges(op: Op, dtype: type) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        edges = np.array(EDGES).astype(dtype)
        assert op.arity is not None
        operands = [g.ravel() for g in np.meshgrid(*[edges] * op.arity)] if op.arity < 3 else [edges, edges[::-1], edges]
        if op.name == "polygamma":
            operands[0] = np.resize(np.arange(1, 4, dtype=dtype), operands[0].shape)
        expected = as_result(op, op.numpy(*operands), dtype)
        got = np.asarray(op(*[jitgrad.tensor(x) for x in operands]))
    if op.name == "sigmoid" and dtype is np.float32:
        expected = np.where(np.abs(expected) < 1e-37, got, expected)  # subnormals flush through 1/inf
    for where, value in DIFFERS.get(op.name, ()):
        expected = np.where(where(operands[-1]), value, expected)
    np.testing.assert_allclose(got, expected, rtol=16 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)


# Those of one operand whose NumPy namesake says what becomes of a signed zero.
SIGNED = [
    op for op in OPS.values() if op.arity == 1 and op.value and op.numpy is getattr(np, op.name, None) and op.name != "sign"
]


@pytest.mark.parametrize("op", SIGNED, ids=label)
def test_sign_of_zero_is_numpys(op: Op) -> None:
    zeros = np.array([0.0, -0.0])
    with np.errstate(all="ignore"):
        expected = op.numpy(zeros)
    np.testing.assert_array_equal(np.signbit(np.asarray(op(jitgrad.tensor(zeros)))), np.signbit(expected))


def test_ties_follow_the_conventions() -> None:
    x = jitgrad.tensor([0.0])
    for f, expected in [
        (jitgrad.abs, 0.0),
        (jitgrad.relu, 0.0),
        (lambda t: jitgrad.maximum(t, 0.0), 0.5),
        (lambda t: jitgrad.minimum(t, 0.0), 0.5),
    ]:
        with jitgrad.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        assert float(tape.gradient(y, x)[0]) == expected
    for power, expected in [(0, 0.0), (1, 1.0), (2, 0.0), (3, 0.0)]:
        x, p = jitgrad.Variable([0.0]), jitgrad.Variable([float(power)])
        with jitgrad.GradientTape(persistent=True) as tape:
            literal, variable = x**power, x**p
        assert float(tape.gradient(literal, x)[0]) == expected
        assert [float(g[0]) for g in tape.gradient(variable, [x, p])] == [expected, 0.0]
    x = jitgrad.tensor([2.0, 2.0, 1.0])
    with jitgrad.GradientTape() as tape:
        tape.watch(x)
        y = jitgrad.max(x)
    np.testing.assert_array_equal(np.asarray(tape.gradient(y, x)), [0.5, 0.5, 0])


# First and second derivatives at the ends of a domain, their limits as in JAX, and where a square would overflow.
INFINITE = [
    ("cbrt", 0.0, math.inf, -math.inf), ("cbrt", -0.0, math.inf, math.inf), ("cbrt", math.inf, 0, 0),
    ("cbrt", 8.0, 1 / 12, -1 / 144), ("sqrt", 0.0, math.inf, -math.inf), ("sqrt", math.inf, 0, 0),
    ("arcsinh", 1e200, 1e-200, 0), ("arcsinh", -1e200, 1e-200, 0),
    ("arccosh", 1.0, math.inf, -math.inf), ("arccosh", 2.0, 1 / math.sqrt(3), -2 / 3**1.5), ("arccosh", math.inf, 0, 0),
    ("arcsin", 1.0, math.inf, math.inf), ("arcsin", -1.0, math.inf, -math.inf), ("arccos", 1.0, -math.inf, -math.inf),
    ("arccos", -1.0, -math.inf, math.inf), ("arctanh", 1.0, math.inf, math.inf), ("arctanh", -1.0, math.inf, -math.inf),
    ("log", 0.0, math.inf, -math.inf), ("log1p", -1.0, math.inf, -math.inf), ("reciprocal", 0.0, -math.inf, math.inf),
    ("arccosh", 0.5, math.nan, math.nan), ("arccosh", -2.0, math.nan, math.nan),
]  # fmt: skip


@pytest.mark.parametrize(("name", "x", "first", "second"), INFINITE)
def test_derivatives_at_the_ends_of_a_domain(name: str, x: float, first: float, second: float) -> None:
    f = getattr(jitgrad, name)
    for derive in (jitgrad.grad, jitgrad.jacfwd):
        assert float(derive(f)(x)) == pytest.approx(first, rel=1e-13, abs=0, nan_ok=True)
        assert float(derive(jitgrad.grad(f))(x)) == pytest.approx(second, rel=1e-13, abs=0, nan_ok=True)


def test_mixed_derivative_of_a_power_at_exponent_0() -> None:
    for first, second in ((0, 1), (1, 0)):
        mixed = jitgrad.grad(jitgrad.grad(jitgrad.power, first), second)(0.5, 0.0)
        assert float(mixed) == 2


WRONG = [
    ("tanh", lambda g, y, x: g * (1 - y), [(3,)], {}),
    ("exp", lambda g, y, x: g * y * 1.0001, [(3,)], {}),
    ("sum", lambda g, y, x, axes: 0 * x + 1.0, [(2, 3)], {"axes": (1,)}),
    ("transpose", lambda g, y, x, axes: jitgrad.reshape(g, x.shape), [(2, 3)], {"axes": (1, 0)}),
    ("max", lambda g, y, x, axes: g * (x == x), [(3,)], {"axes": (0,)}),
    ("square", None, [(2,)], {}),
]


@pytest.mark.parametrize("mode", ["fwd", "rev"])
@pytest.mark.parametrize(("name", "wrong", "shapes", "attrs"), WRONG, ids=[case[0] for case in WRONG])
def test_the_checker_finds_wrong_rules(
    name: str, wrong: Any, shapes: list[tuple[int, ...]], attrs: dict[str, Any], mode: str, draw: np.random.Generator
) -> None:
    operands = [draw.uniform(0.2, 2, shape) for shape in shapes]
    right = OPS[name]
    jitgrad.check_grads(lambda *xs: right(*xs, **attrs), operands, order=1, modes=[mode])
    # Without partials or linearity its forward mode follows from the wrong rule, too.
    twisted = dataclasses.replace(right, vjps=(wrong,), partials=(), linear=False)
    with pytest.raises((GradientError, TapeError), match=r"derivative|linear"):
        jitgrad.check_grads(lambda *xs: twisted(*xs, **attrs), operands, order=1, modes=[mode])


EDGES = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
SMOOTH = [op for op in ROWS if op.value is not None and any(partial is not None for partial in op.partials)]


def span(op: Op, i: int) -> tuple[float, float]:
    """Between which singular values of an operand the op's domain is."""
    low, high = op.domain[i]
    below = [point for point in op.singular[i] if point <= low]
    return max(below, default=-np.inf), min([point for point in op.singular[i] if point >= high], default=np.inf)


def values_at(op: Op, i: int) -> np.ndarray:
    """Values of an operand to try; one without a derivative need not go beyond its domain."""
    low, high = (-np.inf, np.inf) if op.partials[i] is not None else op.domain[i]
    return EDGES[(low <= EDGES) & (high >= EDGES)]


@pytest.mark.parametrize("op", SMOOTH, ids=lambda op: op.name)
def test_singular_values_are_those_where_a_value_or_derivative_is_not_finite(op: Op) -> None:
    places = range(len(op.partials))
    grid = np.array(np.meshgrid(*[values_at(op, i) for i in places])).reshape(len(op.partials), -1)
    with jitgrad.GradientTape(persistent=True) as tape:
        x = [jitgrad.Variable(row) for row in grid]
        y = op(*x)
    gradients = [tape.gradient(y, x[i]) for i in places if op.partials[i] is not None]
    smooth = np.all([np.isfinite(y.numpy()), *[np.isfinite(g.numpy()) for g in gradients if g is not None]], axis=0)
    marked = np.array([np.isin(grid[i], op.singular[i]) for i in places])
    for i in places:
        for point in op.singular[i]:
            assert not smooth[grid[i] == point].all(), f"{op.name} is not singular at {point}"
    within = np.all([(span(op, i)[0] <= grid[i]) & (grid[i] <= span(op, i)[1]) for i in places], axis=0)
    assert smooth[within & ~marked.any(axis=0)].all()


@pytest.mark.parametrize("op", SMOOTH, ids=lambda op: op.name)
def test_affine_ops_go_straight(op: Op, draw: np.random.Generator) -> None:
    operands = [draw.uniform(low, high, 200) for low, high in op.domain]
    if op.name == "polygamma":
        operands[0] = np.floor(operands[0])
    straight = []
    for i in (i for i, partial in enumerate(op.partials) if partial is not None):
        ends = draw.uniform(*op.domain[i], (2, 200))
        values = [op.numpy(*operands[:i], end, *operands[i + 1 :]) for end in (*ends, ends.mean(axis=0))]
        straight.append(np.allclose(values[2], (values[0] + values[1]) / 2, rtol=1e-12))
    assert all(straight) == op.affine


@pytest.mark.parametrize("op", [op for op in ROWS if op.value is not None], ids=lambda op: op.name)
def test_degrees_are_those_of_homogeneous_functions(op: Op, draw: np.random.Generator) -> None:
    operands = [np.ceil(2 * draw.uniform(low, high, 500)) / 2 for low, high in op.domain or ((-3, 3),)]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value, grown = (np.asarray(op.numpy(*[k * x for x in operands]), float) for k in (1, 2))
    found = [d for d in (0, 1 / 3, 1 / 2, 1, 2) if np.allclose(grown, 2.0**d * value, rtol=1e-12)]
    assert found == ([] if op.degree is None else [op.degree])
