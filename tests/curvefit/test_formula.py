"""Formulas: what they mean, and where they point when they are wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.curvefit import formula
from jitgrad.curvefit.formula import functions
from jitgrad.errors import FormulaError
from jitgrad.ops import OPS

X = np.array([-1.5, 0.5, 2.0])

MEANINGS = [
    ("x", X),
    ("-x + +1", -X + 1),
    ("2 * x ** 2 - 1 / 2", 2 * X**2 - 0.5),
    ("-x ** 2", -(X**2)),
    ("2 ** -1", 0.5),
    ("x // 1 + x % 1", X),
    ("pi * e", math.pi * math.e),
    ("exp(-x) / (1 + exp(-x))", np.exp(-X) / (1 + np.exp(-X))),
    ("ln(abs(x)) + log10(100)", np.log(np.abs(X)) + 2),
    ("where(x > 0, x, 0)", np.where(X > 0, X, 0)),
    ("x if x > 0 else -x", np.abs(X)),
    ("0 < x < 1", (X > 0) & (X < 1)),
    ("x < 0 or x > 1 and not x > 3", (X < 0) | (X > 1)),
    ("x != 0.5", X != 0.5),
    ("max(x, 0, 1)", np.maximum(X, 1)),
    ("max(x) - min(x)", 3.5),
    ("x - mean(x)", X - X.mean()),
    ("clip(x, 0, 1)", np.clip(X, 0, 1)),
    ("atan2(x, 2)", np.arctan2(X, 2)),
    ("1e-3 * x + .5", 1e-3 * X + 0.5),
    ("x\n  * 2\t+ 1", 2 * X + 1),
]


@pytest.mark.parametrize(("text", "expected"), MEANINGS)
def test_a_formula_means_what_python_means(text: str, expected: object) -> None:
    f = formula(text)
    given = {"x": X} if "x" in f.names else {}
    np.testing.assert_allclose(f(**given).numpy(), expected, rtol=1e-14)


def test_every_elementwise_op_of_the_table_may_be_called() -> None:
    for name, op in OPS.items():
        if op.partials:
            names = ["a", "b", "c"][: op.arity]
            values = {n: 0.5 + k for k, n in enumerate(names)}
            text = f"{name}({', '.join(names)})"
            np.testing.assert_equal(float(formula(text)(**values)), float(op(*values.values())), text)
    assert {"where", "clip", "voigt_profile"} <= set(functions())


def test_names_are_in_the_order_in_which_they_are_met() -> None:
    f = formula("b1 * (1 - exp(-b2 * x)) + b1 * pi")
    assert f.names == ["b1", "b2", "x"]
    assert f.parameters(["x", "z"]) == ["b1", "b2"]


def test_any_name_may_stand_in_backticks() -> None:
    f = formula("a * `petal length (cm)` + `#` + q0")
    assert f.names == ["a", "petal length (cm)", "#", "q0"]
    assert float(f(**{"a": 2.0, "petal length (cm)": 3.0, "#": 1.0, "q0": 10.0})) == 17


def test_functions_of_ones_own() -> None:
    f = formula("a * square_wave(x)", {"square_wave": lambda x: jg.sign(jg.sin(x))})
    np.testing.assert_array_equal(f(a=2.0, x=[1.0, 4.0]).numpy(), [2, -2])


def test_a_formula_is_differentiable() -> None:
    slope = jg.grad(lambda b: formula("exp(-b * x)")(b=b, x=2.0))(0.5)
    assert float(slope) == pytest.approx(-2 * math.exp(-1))


# What is wrong, the character at which it is, counted from 1, and a part of what is said.
FAULTS = [
    ("b1*expp(x)", 4, "unknown function 'expp'"),
    ("b1*expp(x)", 4, "Did you mean 'exp'?"),
    ("b1*(x", 4, "bracket '(' without its other half"),
    ("b1*x)", 5, "bracket ')' without its other half"),
    ("a*x^2", 4, "Write ** for powers"),
    ("y = a*x", 3, "equals sign"),
    ("a * __import__('os')", 5, "unknown function '__import__'"),
    ("a.b", 1, "what no formula may have"),
    ("a + [1]", 5, "what no formula may have"),
    ("exp * x", 1, "function 'exp' without arguments"),
    ("a + exp(1, 2)", 5, "gives exp 2 arguments"),
    ("a + 'b'", 5, "'b', which is no number"),
    ("a + 1j", 5, "1j, which is no number"),
    ("a + (lambda: 1)", 6, "what no formula may have"),
    ("x @ a", 1, "what no formula may have"),
    ("a # b", 3, "has a #"),
    ("é * expq(x)", 5, "unknown function 'expq'"),
    ("f(x)(y)", 1, "calls what is no name"),
    ("a + exp(x=1)", 5, "gives exp 0 arguments"),
    ("a + 1" + "0" * 400, 5, "beyond float64"),
    ("a * x +", 7, "not understood"),
    ("-" * 300 + "x", 202, "nested too deeply"),
]


@pytest.mark.parametrize(("text", "place", "said"), FAULTS)
def test_errors_point_at_the_character(text: str, place: int, said: str) -> None:
    with pytest.raises(FormulaError) as caught:
        formula(text)
    sentence, shown, pointer = str(caught.value).split("\n")
    assert said in sentence and f"at character {place}." in sentence
    assert shown[pointer.index("^")] == text[place - 1]


@pytest.mark.parametrize("text", ["", "  ", "x+" * 6000 + "x", "+".join(["x"] * 4000), "(" * 150 + "x" + ")" * 150 + ")"])
def test_hopeless_texts(text: str) -> None:
    with pytest.raises(FormulaError):
        formula(text)


def test_a_missing_value() -> None:
    with pytest.raises(FormulaError, match=r"needs 'beta', which has no value\. Did you mean 'bet'"):
        formula("beta * x")(bet=1.0, x=1.0)
