"""Random expressions against the same in NumPy, values and gradients, whole and replayed."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import jitgrad
from jitgrad import GradientTape, Variable
from jitgrad.ops import OPS

SMOOTH = ["add", "subtract", "multiply", "tanh", "sigmoid", "sin", "cos", "softplus", "square", "negative", "exp"]
SHAPES = [(), (3,), (2, 3), (2, 1), (1, 3), (4, 2, 3)]


@st.composite
def programs(draw: st.DrawFn) -> tuple[list[tuple[int, ...]], list[tuple[str, tuple[int, ...], dict[str, Any]]]]:
    """Shapes of the inputs, and instructions over a growing list of values."""
    shapes = [draw(st.sampled_from(SHAPES)) for _ in range(draw(st.integers(1, 4)))]
    known = list(shapes)
    code = []
    for _ in range(draw(st.integers(1, 25))):
        name = draw(st.sampled_from([*SMOOTH, "sum", "transpose", "slice", "concatenate", "matmul", "reshape"]))
        i = draw(st.integers(0, len(known) - 1))
        shape, attrs, args = known[i], {}, (i,)
        if name == "sum":
            attrs = {"axes": tuple(a for a in range(len(shape)) if draw(st.booleans()))}
        elif name == "transpose":
            attrs = {"axes": tuple(draw(st.permutations(range(len(shape)))))}
        elif name == "reshape":
            attrs = {"shape": (int(np.prod(shape)),)}
        elif name == "slice" and shape:
            attrs = {"starts": (shape[0] - 1, *[0] * (len(shape) - 1)), "steps": (-1, *[1] * (len(shape) - 1)), "shape": shape}
        elif name == "concatenate" and shape:
            args, attrs = (i, i), {"axis": draw(st.integers(0, len(shape) - 1))}
        elif name == "matmul" and len(shape) == 2:
            code.append(("transpose", (i,), {"axes": (1, 0)}))
            known.append(shape[::-1])
            args = (i, len(known) - 1)
        elif OPS[name].arity == 2 and name != "matmul":
            fits = [j for j, other in enumerate(known) if _broadcast(shape, other)]
            args = (i, draw(st.sampled_from(fits)))
        elif OPS[name].arity != 1 or name in ("slice",):
            continue
        row = OPS[name]
        result = row.shape(row, tuple(known[j] for j in args), attrs)
        if np.prod(result) <= 500:
            code.append((name, args, attrs))
            known.append(result)
    return shapes, code


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


def run(code: list[Any], inputs: list[Any], call: Any) -> Any:
    """The last value; every op is bounded, so that long chains keep to moderate numbers."""
    known = list(inputs)
    for name, args, attrs in code:
        value = call(name, [known[j] for j in args], attrs)
        if name in ("square", "exp", "multiply", "matmul", "add", "sum"):
            value = call("tanh", [value], {})
        known.append(value)
    return known[-1]


@settings(max_examples=120, deadline=None, derandomize=True)
@given(programs(), st.integers(0, 2**32 - 1))
def test_random_programs(program: Any, seed: int) -> None:
    shapes, code = program
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape) for shape in shapes]
    variables = [Variable(a) for a in arrays]

    def record(name: str, args: list[Any], attrs: Any) -> Any:
        return OPS[name](*args, **attrs)

    with GradientTape() as tape:
        y = run(code, [v.read() for v in variables], record)
        loss = jitgrad.sum(y)
    found = tape.gradient(loss, variables)

    def value(xs: list[Any]) -> Any:
        return run(code, xs, lambda name, args, attrs: OPS[name].numpy(*args, **attrs))

    np.testing.assert_allclose(np.asarray(y), value(arrays), rtol=1e-11, atol=1e-12)
    direction = [rng.normal(size=shape) for shape in shapes]
    h = 1e-6
    up, down = (value([a + s * h * d for a, d in zip(arrays, direction, strict=True)]).sum() for s in (1, -1))
    slope = sum(np.sum(np.asarray(g) * d) for g, d in zip(found, direction, strict=True) if g is not None)
    assert abs(slope - (up - down) / (2 * h)) <= 1e-5 * max(1, abs(slope))
    replayed = jitgrad.function(lambda *xs: run(code, list(xs), record))
    np.testing.assert_array_equal(np.asarray(replayed(*arrays)), np.asarray(y))
