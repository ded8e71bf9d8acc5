"""Every op with a namesake in JAX or PyTorch, values and derivatives, on random inputs, where these are installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad.ops.table import Op
from tests.ops.cases import ALL, Case, differentiable, each, has_derivative, label, operands_of

ELEMENTWISE = [(op, case) for op, case in ALL if op.value is not None and has_derivative(op)]


def jax_function(jax: Any, name: str) -> Any:
    """JAX's function of an op's name."""
    names = {
        "softplus": jax.nn.softplus,
        "relu": jax.nn.relu,
        "sigmoid": jax.nn.sigmoid,
        "multiply_add": lambda c, a, b: a * b + c,
    }
    for place in (jax.numpy, jax.scipy.special):
        if name in names:
            return names[name]
        if hasattr(place, name):
            return getattr(place, name)
    return None


@pytest.mark.parametrize(("op", "case"), ELEMENTWISE, ids=label)
def test_jax(op: Op, case: Case, draw: np.random.Generator) -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    theirs = jax_function(jax, op.name)
    if theirs is None:
        pytest.fail(f"JAX has no {op.name}")
    operands = operands_of(op, case, np.float64, draw)
    if op.name == "where":
        operands[0] = operands[0].astype(bool)
    ours, floats = differentiable(op, case, operands)
    if op.name == "polygamma":
        operands[0] = operands[0].astype(int)
    free = [i for i in range(len(operands)) if op.passes(i)]

    def f(*given: Any) -> Any:
        every = list(operands)
        for i, x in zip(free, given, strict=True):
            every[i] = x
        return theirs(*every)

    tangents = [draw.normal(size=x.shape) for x in floats]
    with jax.enable_x64(True):
        y, t = jax.jvp(f, tuple(map(jax.numpy.asarray, floats)), tuple(map(jax.numpy.asarray, tangents)))
        expected = [np.asarray(g) for g in jax.vjp(f, *floats)[1](y)]
    value, tangent = jitgrad.jvp(ours, floats, tangents)
    np.testing.assert_allclose(np.asarray(value), np.asarray(y), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(np.asarray(tangent), np.asarray(t), rtol=1e-9, atol=1e-12)
    for got, wanted in zip(jitgrad.vjp(ours, *floats)[1](np.asarray(y)), expected, strict=True):
        np.testing.assert_allclose(np.asarray(got), wanted, rtol=1e-9, atol=1e-12)


def structured_in_jax(jax: Any) -> dict[str, Any]:
    """The other ops in JAX, with the same attributes."""
    jnp, linalg = jax.numpy, jax.numpy.linalg

    def places(starts: Any, steps: Any, shape: Any) -> Any:
        return np.ix_(*[start + step * np.arange(n) for start, step, n in zip(starts, steps, shape, strict=True)])

    return {
        "reshape": jnp.reshape, "transpose": jnp.transpose, "broadcast_to": jnp.broadcast_to, "matmul": jnp.matmul,
        "sum": lambda x, axes: jnp.sum(x, axes),
        "max": lambda x, axes: jnp.max(x, axes), "min": lambda x, axes: jnp.min(x, axes),
        "concatenate": lambda *xs, axis: jnp.concatenate(xs, axis),
        "slice": lambda x, starts, steps, shape: x[places(starts, steps, shape)],
        "pad": lambda x, starts, steps, shape: jnp.zeros(shape).at[places(starts, steps, x.shape)].set(x),
        "gather": lambda x, at, axis: jnp.take(x, at, axis),
        "scatter": lambda x, at, axis, rows: jnp.zeros((*x.shape[:axis], rows, *x.shape[axis + at.ndim :]))
        .at[(slice(None),) * axis + (at,)].add(x),
        "cumsum": lambda x, axis, reverse: jax.lax.cumsum(x, axis, reverse),
        "solve": linalg.solve,
        "determinant": lambda a: (linalg.det(a), *linalg.slogdet(a)),
        "eigh": lambda a: tuple(linalg.eigh(jnp.tril(a) + jnp.swapaxes(jnp.tril(a, -1), -1, -2), symmetrize_input=False)),
        "svd": lambda a, full: tuple(linalg.svd(a, full_matrices=full)), "qr": lambda a: tuple(linalg.qr(a)),
        "cofactor": lambda a: jnp.vectorize(jax.grad(linalg.det), signature="(n,n)->(n,n)")(a),
        "cholesky": lambda a: jax.lax.linalg.cholesky(
            jnp.tril(a) + jnp.swapaxes(jnp.tril(a, -1), -1, -2), symmetrize_input=False
        ),
    }  # fmt: skip


def completes_a_basis(case: Case) -> bool:
    """Whether it gives singular vectors beyond those that have singular values: there JAX has no derivative."""
    return case.attrs.get("full", False) and case.shapes[0][-2] != case.shapes[0][-1]


STRUCTURED = [(op, case) for op, case in ALL if not op.partials and has_derivative(op) and not completes_a_basis(case)]


@pytest.mark.parametrize(("op", "case"), STRUCTURED, ids=label)
def test_structured_ops_in_jax(op: Op, case: Case, draw: np.random.Generator) -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    theirs = structured_in_jax(jax)[op.name]
    operands = operands_of(op, case, np.float64, draw)
    ours, floats = differentiable(op, case, operands)
    fixed = operands[len(floats) :]
    with jax.enable_x64(True):
        y, pull = jax.vjp(lambda *xs: theirs(*xs, *fixed, **case.attrs), *map(jax.numpy.asarray, floats))
        weight = jax.tree.map(lambda t: draw.normal(size=t.shape), y)
        expected = [np.asarray(g) for g in pull(jax.tree.map(jax.numpy.asarray, weight))]
    value, back = jitgrad.vjp(ours, *floats)
    for got, wanted in zip(each(value), each(y), strict=True):
        np.testing.assert_allclose(np.asarray(got), np.asarray(wanted), rtol=1e-10, atol=1e-12)
    for got, wanted in zip(back(weight), expected, strict=True):
        np.testing.assert_allclose(np.asarray(got), wanted, rtol=1e-8, atol=1e-10)


KINKS = [
    ("relu", (0.0,)), ("maximum", (0.5, 0.5)), ("minimum", (0.5, 0.5)), ("sign", (0.0,)), ("floor", (2.0,)),
    ("mod", (4.0, 2.0)),
    ("power", (0.0, 2.0)), ("power", (0.0, 1.0)), ("power", (2.0, 0.0)), ("sqrt", (0.0,)), ("cbrt", (0.0,)),
    ("arccos", (1.0,)), ("logaddexp", (-1000.0, 1000.0)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "point"), KINKS, ids=str)
def test_derivatives_at_kinks_are_jaxs(name: str, point: tuple[float, ...]) -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    every = range(len(point))
    with jax.enable_x64(True):
        theirs = jax_function(jax, name)
        expected = [float(g) for g in jax.grad(theirs, argnums=tuple(every))(*point)]
    got = [float(g) for g in jitgrad.grad(getattr(jitgrad, name), argnums=every)(*point)]
    np.testing.assert_array_equal(got, expected)


TORCH = {
    "power": "pow", "arctan2": "atan2", "log1p": "log1p", "gammaln": "lgamma", "mod": "remainder", "negative": "neg",
    "rint": "round", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh",
    "arctanh": "atanh", "multiply": "mul", "subtract": "sub", "divide": "div", "multiply_add": "addcmul",
}  # fmt: skip
NOT_IN_TORCH = {"cbrt", "polygamma", "stop_gradient", "floor_divide"}


@pytest.mark.parametrize(("op", "case"), [pair for pair in ELEMENTWISE if pair[0].name not in NOT_IN_TORCH], ids=label)
def test_torch(op: Op, case: Case, draw: np.random.Generator) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    name = TORCH.get(op.name, op.name)
    theirs = getattr(torch, name, None) or getattr(torch.nn.functional, name)
    operands = operands_of(op, case, np.float64, draw)
    ours, floats = differentiable(op, case, operands)
    free = [i for i in range(len(operands)) if op.passes(i)]
    tensors = [torch.tensor(x, requires_grad=i in free) for i, x in enumerate(operands)]
    if op.name == "where":
        tensors[0] = tensors[0].bool()
    y = theirs(*tensors)
    weight = draw.normal(size=y.shape)
    y.backward(torch.as_tensor(weight))
    value, pull = jitgrad.vjp(ours, *floats)
    np.testing.assert_allclose(np.asarray(value), y.detach().numpy(), rtol=1e-11, atol=1e-13)
    for got, i in zip(pull(weight), free, strict=True):
        wanted = tensors[i].grad
        np.testing.assert_allclose(
            np.asarray(got), 0 * operands[i] if wanted is None else wanted.numpy(), rtol=1e-8, atol=1e-11
        )
