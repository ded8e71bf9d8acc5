"""Random bodies, with loops and branches in them, against loops in Python: values, and derivatives of both modes and orders."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import jitgrad as jg
from tests.control_flow.test_branches import Python

XS = np.random.default_rng(3).normal(size=(7, 3))
M = np.array([[0.2, -0.5, 0.3], [0.4, 0.1, -0.2], [-0.3, 0.3, 0.6]])
POINT = np.array([0.4, -0.7, 1.1])

Instruction = tuple[str, int, int]

OPS: dict[str, Any] = {
    "add": lambda flow, x, y: x + y,
    "multiply": lambda flow, x, y: x * y,
    "divide": lambda flow, x, y: x / (2 + y * y),
    "tanh": lambda flow, x, y: jg.tanh(x - y),
    "matmul": lambda flow, x, y: jg.matmul(M, x) + y,
    "flip": lambda flow, x, y: x[::-1] * y[0],
    "constant": lambda flow, x, y: np.array([0.5, 0.25, -1.0]) * 1.0,
    "where": lambda flow, x, y: jg.where(x > y, x, jg.sin(y)),
    "cond": lambda flow, x, y: flow.cond(jg.sum(x) > jg.sum(y), lambda u, w: u * w, lambda u, w: u - 0.5 * w, x, y),
    "fori": lambda flow, x, y: flow.fori_loop(1, 4, lambda i, z: jg.tanh(z * y) + 0.1 * i * x, x),
    "scan": lambda flow, x, y: flow.scan(lambda h, s: (jg.tanh(h * s + y[0]), h), x[1], y)[1],
    "while": lambda flow, x, y: flow.while_loop(lambda v: (jg.sum(v[0] * v[0]) < 4) * (v[1] < 3),
                                                lambda v: (v[0] * 1.3 + 0.2 * y, v[1] + 1), (x, 0))[0],
}  # fmt: skip


def body(flow: Any, instructions: list[Instruction], v: Any) -> Any:
    """Return a body that computes registers; the last ones are the carries and the stacked value."""

    def step(carry: Any, x: Any) -> Any:
        registers = [carry["a"], *carry["b"], x, v]
        for op, i, j in instructions:
            registers.append(OPS[op](flow, registers[i % len(registers)], registers[j % len(registers)]))
        return {"a": jg.tanh(registers[-1]), "b": [registers[-2] * 0.5]}, registers[-1 - len(registers) // 3]

    return step


def instructions(*without: str) -> Any:
    one = st.tuples(st.sampled_from([op for op in OPS if op not in without]), st.integers(0, 9), st.integers(0, 9))
    return st.lists(one, min_size=1, max_size=6)


OPTIONS = st.fixed_dictionaries(
    {"reverse": st.booleans()}, optional={"unroll": st.integers(1, 4), "checkpoint": st.sampled_from([True, 1, 2, 3, 5, 9])}
)


def scalar(flow: Any, program: list[Instruction], options: dict[str, Any]) -> Any:
    def f(v: Any) -> Any:
        init = {"a": v * v, "b": [jg.zeros(3)]}
        carry, ys = flow.scan(body(flow, program, v), init, XS[::-1] if options["reverse"] and flow is Python else XS,
                              **({} if flow is Python else options))  # fmt: skip
        ys = ys[::-1] if options["reverse"] and flow is Python else ys
        return jg.sum(jg.sin(carry["a"])) + jg.sum(carry["b"][0] ** 2) + jg.sum(ys * np.cos(XS))

    return f


def compare(program: list[Instruction], options: dict[str, Any], transforms: list[Any]) -> None:
    ours, theirs = scalar(jg, program, options), scalar(Python, program, options)
    for transform in transforms:
        expected, found = transform(theirs)(POINT).numpy(), transform(ours)(POINT).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * (1 + np.abs(expected).max()))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(instructions("while"), OPTIONS)
def test_values_and_gradients(program: list[Instruction], options: dict[str, Any]) -> None:
    compare(program, options, [lambda f: f, jg.grad, jg.jacfwd])


@settings(max_examples=8, deadline=None, derandomize=True)
@given(instructions("while"), OPTIONS)
def test_second_derivatives(program: list[Instruction], options: dict[str, Any]) -> None:
    compare(program, options, [jg.hessian])


@settings(max_examples=12, deadline=None, derandomize=True)
@given(instructions(), OPTIONS)
def test_forward_mode_through_while_loops(program: list[Instruction], options: dict[str, Any]) -> None:
    compare(program, options, [lambda f: f, jg.jacfwd])


@settings(max_examples=12, deadline=None, derandomize=True)
@given(instructions(), OPTIONS)
def test_rows(program: list[Instruction], options: dict[str, Any]) -> None:
    points = np.stack([POINT, -POINT, 0.5 * POINT[::-1]])
    expected = [scalar(Python, program, options)(point).item() for point in points]
    np.testing.assert_allclose(jg.vmap(scalar(jg, program, options))(points).numpy(), expected, rtol=1e-9, atol=1e-9)
