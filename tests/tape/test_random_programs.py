"""Random programs of up to 60 ops: values and both modes' derivatives against NumPy, JAX, and each other."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jitgrad
from jitgrad import Variable
from jitgrad.ops import OPS
from jitgrad.program.lowering import lower
from jitgrad.program.program import Program
from jitgrad.tape.flatten import Flat

UNARY = ["tanh", "sigmoid", "sin", "cos", "softplus", "square", "negative", "exp", "arctan", "erf", "arcsinh", "abs", "relu"]
BINARY = ["add", "subtract", "multiply", "maximum", "arctan2", "logaddexp", "hypot"]
OTHER = [
    "sum",
    "max",
    "transpose",
    "slice",
    "pad",
    "concatenate",
    "reshape",
    "broadcast_to",
    "matmul",
    "gather",
    "scatter",
    "cumsum",
]
SHAPES = [(), (3,), (2, 3), (2, 1), (1, 3), (4, 2, 3), (1,), (0, 3)]


class Line(NamedTuple):
    """An op, the places of its operands, its attributes; the rows of a gather or scatter are constants."""

    op: str
    args: tuple[int, ...]
    attrs: dict[str, Any]
    rows: tuple[int, ...] | None = None


@st.composite
def programs(draw: st.DrawFn) -> tuple[list[tuple[int, ...]], list[Line]]:
    """Shapes of the inputs, and lines over a growing list of values."""
    shapes = [draw(st.sampled_from(SHAPES)) for _ in range(draw(st.integers(1, 4)))]
    known, code = list(shapes), []
    for _ in range(draw(st.integers(1, 60))):
        name = draw(st.sampled_from([*UNARY, *BINARY, *OTHER, *OTHER]))
        i = draw(st.integers(0, len(known) - 1))
        made = _line(draw, name, i, known)
        if made is None:
            continue
        row = OPS[made.op]
        operands = [known[j] for j in made.args] + ([(len(made.rows),)] if made.rows is not None else [])
        result = row.shape(row, tuple(operands), made.attrs)
        if np.prod(result) <= 500:
            code.append(made)
            known.append(result)
    return shapes, code


def _line(draw: st.DrawFn, name: str, i: int, known: list[tuple[int, ...]]) -> Line | None:
    shape = known[i]
    ndim = len(shape)
    some_axis = draw(st.integers(0, ndim - 1)) if ndim else 0
    if name in UNARY:
        return Line(name, (i,), {})
    if name in BINARY:
        return Line(name, (i, draw(st.sampled_from([j for j, other in enumerate(known) if _broadcast(shape, other)]))), {})
    if name in ("sum", "max"):
        axes = tuple(a for a in range(ndim) if draw(st.booleans()))
        return None if name == "max" and any(shape[a] == 0 for a in axes) else Line(name, (i,), {"axes": axes})
    if name == "transpose":
        return Line(name, (i,), {"axes": tuple(draw(st.permutations(range(ndim))))})
    if name == "reshape":
        return Line(name, (i,), {"shape": (int(np.prod(shape)),)})
    if name == "broadcast_to":
        return Line(name, (i,), {"shape": (2, *shape)})
    if name == "matmul":
        fits = [j for j, other in enumerate(known) if ndim == 2 and len(other) == 2 and other[0] == shape[1]]
        return Line(name, (i, draw(st.sampled_from(fits))), {}) if fits else None
    if ndim == 0 or shape[some_axis] == 0:
        return None
    n = shape[some_axis]
    if name == "concatenate":
        return Line(name, (i, i), {"axis": some_axis})
    if name == "cumsum":
        return Line(name, (i,), {"axis": some_axis, "reverse": draw(st.booleans())})
    if name in ("gather", "scatter"):
        size = n if name == "scatter" else draw(st.integers(1, 4))
        rows = tuple(draw(st.lists(st.integers(-n, n - 1), min_size=size, max_size=size)))
        return Line(name, (i,), {"axis": some_axis} | ({"rows": n} if name == "scatter" else {}), rows)
    starts, steps = [0] * ndim, [1] * ndim
    if draw(st.booleans()):
        starts[some_axis], steps[some_axis] = n - 1, -1
    return Line(name, (i,), {"starts": tuple(starts), "steps": tuple(steps), "shape": shape})


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


def run(code: list[Line], inputs: list[Any], call: Any) -> Any:
    """The last value; every op is bounded, so that long chains keep to moderate numbers."""
    known = list(inputs)
    for line in code:
        operands = [known[j] for j in line.args] + ([np.array(line.rows)] if line.rows is not None else [])
        value = call(line.op, operands, line.attrs)
        known.append(
            value if line.op in ("tanh", "sin", "cos", "sigmoid", "transpose", "reshape") else call("tanh", [value], {})
        )
    return known[-1]


def record(name: str, args: list[Any], attrs: Any) -> Any:
    return OPS[name](*args, **attrs)


def in_numpy(name: str, args: list[Any], attrs: Any) -> Any:
    return OPS[name].numpy(*args, **attrs)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(programs(), st.integers(0, 2**32 - 1))
def test_values_modes_and_dumps(program: Any, seed: int) -> None:
    shapes, code = program
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(rng.normal(size=shape)) for shape in shapes]

    def f(*xs: Any) -> Any:
        return run(code, list(xs), record)

    expected = run(code, arrays, in_numpy)
    y, pull = jitgrad.vjp(f, *arrays)
    np.testing.assert_allclose(np.asarray(y), expected, rtol=1e-11, atol=1e-12)
    tangents, weight = [rng.normal(size=shape) for shape in shapes], rng.normal(size=expected.shape)
    forward = np.sum(jitgrad.jvp(f, arrays, tangents)[1].numpy() * weight)
    backward = sum(np.sum(g.numpy() * t) for g, t in zip(pull(weight), tangents, strict=True))
    assert abs(forward - backward) <= 1e-10 * max(1, abs(forward))
    replayed = jitgrad.function(f)
    np.testing.assert_array_equal(np.asarray(replayed(*arrays)), np.asarray(y))
    variables = [Variable(a) for a in arrays]
    made = Flat([f(*[v.read() for v in variables])])
    lowered = lower(made.expression(made.leaves), made.dtype)
    assert Program.parse(lowered.dump()).dump() == lowered.dump()


def in_jax(jax: Any) -> Any:
    jnp = jax.numpy
    special = {
        "sigmoid": jax.nn.sigmoid, "softplus": jax.nn.softplus, "relu": jax.nn.relu, "erf": jax.scipy.special.erf,
        "sum": lambda x, axes: jnp.sum(x, axes), "max": lambda x, axes: jnp.max(x, axes),
        "transpose": lambda x, axes: jnp.transpose(x, axes), "reshape": lambda x, shape: jnp.reshape(x, shape),
        "broadcast_to": lambda x, shape: jnp.broadcast_to(x, shape), "concatenate": lambda *xs, axis: jnp.concatenate(xs, axis),
        "slice": lambda x, starts, steps, shape: x[tuple(slice(None, None, s) for s in steps)],
        "pad": lambda x, starts, steps, shape: x[tuple(slice(None, None, s) for s in steps)],
        "gather": lambda x, rows, axis: jnp.take(x, rows, axis),
        "scatter": lambda x, at, axis, rows: jnp.zeros_like(x).at[(slice(None),) * axis + (at,)].add(x),
        "cumsum": lambda x, axis, reverse: jax.lax.cumsum(x, axis, reverse),
    }  # fmt: skip

    def call(name: str, args: list[Any], attrs: Any) -> Any:
        return (special.get(name) or getattr(jnp, name))(*args, **attrs)

    return call


@settings(max_examples=25, deadline=None, derandomize=True)
@given(programs(), st.integers(0, 2**32 - 1))
def test_derivatives_are_jaxs(program: Any, seed: int) -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    shapes, code = program
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(rng.normal(size=shape)) for shape in shapes]
    call = in_jax(jax)
    with jax.enable_x64(True):
        y, pull = jax.vjp(lambda *xs: run(code, list(xs), call), *arrays)
        weight = rng.normal(size=y.shape)
        expected = [np.asarray(g) for g in pull(jax.numpy.asarray(weight))]
    value, back = jitgrad.vjp(lambda *xs: run(code, list(xs), record), *arrays)
    np.testing.assert_allclose(np.asarray(value), np.asarray(y), rtol=1e-11, atol=1e-12)
    for got, wanted in zip(back(weight), expected, strict=True):
        np.testing.assert_allclose(np.asarray(got), wanted, rtol=1e-9, atol=1e-11)
