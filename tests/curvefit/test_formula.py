"""Formulas: their meaning, and the positions of errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad import fit_groups
from jitgrad.curvefit import curve_fit, formula
from jitgrad.curvefit.formula import functions
from jitgrad.errors import FormulaError, JitgradError
from jitgrad.ops import OPS

X = np.array([-1.5, 0.5, 2.0])

MEANINGS = [
    ("x", X),
    ("-x + +1", -X + 1),
    ("2 * x ** 2 - 1 / 2", 2 * X**2 - 0.5),
    ("-x ** 2", -(X**2)),
    ("2 ** -1", 0.5),
    ("x // 1 + x % 1", X),
    ("pi * e()", math.pi * math.e),
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
        if op.value is not None:  # the others have names of parameters: gamma, beta, k0
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


@pytest.mark.parametrize(
    "names",
    [
        "αβγδε",
        "µμ",  # the micro sign and the letter, which Python would take for one name
        "ϕφ",
        "aａ",  # as wide as a Chinese letter
        "Kſs",  # the sign of Kelvin and the long s
        "éàç",
        "ªº",
        ["x1α", "x1", "α", "α1"],
        ["变量", "变"],
        ["x̂", "x"],  # a letter and a sign above it
        ["_n0_", "__n0_", "α"],
        ["pi", "e", "abs", "exp", "lambda", "α"],
    ],
)
def test_names_of_any_letters_are_names_of_their_own(names: Any) -> None:
    values = {name: float(2**k) for k, name in enumerate(names)}
    for quote in ("", "`") if "lambda" not in values else ("`",):
        f = formula(" + ".join(f"{2 * k + 1} * {quote}{name}{quote}" for k, name in enumerate(names)))
        assert f.names == list(names) and not f.constants
        assert float(f(**values)) == sum((2 * k + 1) * 2**k for k in range(len(names)))


def test_letters_beyond_ascii_are_parameters_of_a_fit() -> None:
    result = curve_fit(
        "α + β * x + γ * x**2 + δ * x**3 + ε * x**4", np.arange(9.0), np.polyval([5, 4, 3, 2, 1], np.arange(9.0))
    )
    assert result.parameters == pytest.approx(dict(zip("αβγδε", [1, 2, 3, 4, 5], strict=True)))


def test_a_name_may_be_used_very_often() -> None:
    """Every use had its own placeholder: the 81st was the function abs, and 3,000 took a minute."""
    for text in ("`d e`", "`é`", "é"):
        f = formula("+".join([text] * 1400))
        assert f.names == [text.strip("`")] and float(f(**{f.names[0]: 1.0})) == 1400
    names = [chr(0x4E00 + k) for k in range(2000)]
    assert formula("+".join(f"`{name}`" for name in names)).names == names


def test_functions_of_ones_own_may_have_any_name() -> None:
    assert float(formula("σ(x) + abs(σ)", {"σ": lambda x: 2 * x})(x=3.0, σ=-1.0)) == 7


def test_e_alone_is_a_parameter_and_said_to_be_one() -> None:
    """A formula with parameters a to e was fitted with e = 2.718 without a note."""
    x = np.linspace(0, 3, 20)
    result = curve_fit("a + b * x + c * x**2 + d * x**3 + e * x**4", x, 1 + 2 * x + 3 * x**2 + 4 * x**3 + 5 * x**4)
    assert result.parameters["e"] == pytest.approx(5)
    assert result.success and "e is a parameter; write e() or exp(1) for Euler's number" in result.notes
    both = curve_fit("a * e()**(-e * x)", x, 3 * np.exp(-x / 2))
    assert both.parameters == pytest.approx({"a": 3, "e": 0.5})
    assert not curve_fit("a * e + x", {"e": x, "x": x}, 3 * x).notes  # a column
    assert not curve_fit("a * e() * x", x, 3 * x).notes
    groups = fit_groups("a * exp(-e * x)", x, 3 * np.exp(-np.array([[0.5], [1.0]]) * x))
    assert "e is a parameter" in str(groups)
    with pytest.raises(FormulaError, match="calls e with 1 argument"):
        formula("a * e(x)")


@pytest.mark.parametrize(
    "text", ["a * x**1e300", "(a * x**1e300)**1e300", "a * x**(pi / 0)", "1e308 * 10 * a * x", "x**(pi / 0)"]
)
@pytest.mark.parametrize("method", ["auto", "lbfgs"])
def test_what_overflows_is_an_error_and_prints_nothing(text: str, method: str, capfd: pytest.CaptureFixture[str]) -> None:
    """LAPACK received nan and printed a message."""
    with pytest.raises(JitgradError), np.errstate(all="ignore"):
        curve_fit(text, np.linspace(0, 5, 20), np.linspace(1, 2, 20), method=method)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("text", ["arcsinh(" * 190 + "a * x + b" + ")" * 190, "(" * 190 + "a * x + b" + ")" * 190])
def test_formulas_may_be_deep(text: str) -> None:
    value, slope = jg.value_and_grad(lambda a: formula(text)(a=a, b=0.5, x=2.0))(1.5)
    assert math.isfinite(value) and math.isfinite(slope) and slope != 0


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
    ("b1*(x", 4, "unmatched '('"),
    ("b1*x)", 5, "unmatched ')'"),
    ("a*x^2", 4, "Write ** for powers"),
    ("y = a*x", 3, "equals sign"),
    ("a * __import__('os')", 5, "unknown function '__import__'"),
    ("a.b", 1, "an expression that is not allowed"),
    ("a + [1]", 5, "an expression that is not allowed"),
    ("exp * x", 1, "function 'exp' without arguments"),
    ("a + exp(1, 2)", 5, "calls exp with 2 arguments"),
    ("a + 'b'", 5, "'b', which is not a number"),
    ("a + 1j", 5, "1j, which is not a number"),
    ("a + (lambda: 1)", 6, "an expression that is not allowed"),
    ("x @ a", 1, "an expression that is not allowed"),
    ("a # b", 3, "contains a #"),
    ("é * expq(x)", 5, "unknown function 'expq'"),
    ("f(x)(y)", 1, "calls something that is not a name"),
    ("a + exp(x=1)", 5, "calls exp with 0 arguments"),
    ("a + 1" + "0" * 400, 5, "too large for float64"),
    ("a * x +", 7, "syntax error"),
    ("-" * 300 + "x", 202, "nested too deeply"),
    ("x**(0/0)", 5, "a constant that evaluates to nan"),
    ("9**9**9**9", 4, "a constant that evaluates to inf"),
    ("a * x + log(0)", 9, "a constant that evaluates to -inf"),
    ("a * x / exp(1000)", 9, "a constant that evaluates to inf"),
    ("x + (-8) ** (1 / 3)", 5, "a constant that evaluates to nan"),
    ("`α β` + γ * expq(x)", 13, "unknown function 'expq'"),
    ("`α β` + γ * (x", 13, "unmatched '('"),
    ("`α β` + γ * x^2", 14, "Write ** for powers"),
    ("γγγ + x)", 8, "unmatched ')'"),
    ("a * x + 1" + "0" * 5000, 9, "too large for float64"),
    ("α·x", 2, "'·', which is not a letter"),
    ("x²", 2, "'²', which is not a letter"),
    ("2 * a×x", 6, "'×', which is not a letter"),
    ("a - b−x", 6, "'−', which is not a letter"),
    ("a\xa0* x", 2, "which is not a letter"),
    ("a * x\x00", 6, "which is not printable"),
    ("a * \ud800x", 5, "which is not printable"),
]


@pytest.mark.parametrize(("text", "place", "said"), FAULTS)
def test_errors_point_at_the_character(text: str, place: int, said: str) -> None:
    with pytest.raises(FormulaError) as caught:
        formula(text)
    sentence, shown, pointer = str(caught.value).split("\n")
    assert said in sentence and f"at character {place}." in sentence
    assert shown[pointer.index("^")] == (text[place - 1] if text[place - 1].isprintable() else " ")


@pytest.mark.parametrize(
    "text", ["-" * 9000 + "x", "x**" * 300 + "x", "not " * 2000 + "x", "``", "`a", "a" * 20_000, "a*" * 4900 + "x"]
)
def test_hopeless_texts_of_other_kinds(text: str) -> None:
    with pytest.raises(FormulaError):
        formula(text)


@pytest.mark.parametrize("text", ["", "  ", "x+" * 6000 + "x", "+".join(["x"] * 4000), "(" * 150 + "x" + ")" * 150 + ")"])
def test_hopeless_texts(text: str) -> None:
    with pytest.raises(FormulaError):
        formula(text)


def test_a_missing_value() -> None:
    with pytest.raises(FormulaError, match=r"needs a value for 'beta'\. Did you mean 'bet'"):
        formula("beta * x")(bet=1.0, x=1.0)
