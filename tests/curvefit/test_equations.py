"""Differential equations as text: what they mean, and errors that teach."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.curvefit import ode
from jitgrad.curvefit.equations import equations
from jitgrad.errors import ArgumentError, DataError, FormulaError, JitgradError

ORAL = "A' = -ka*A; C' = ka*A/V - ke*C"

PARSED = {
    "semicolons": (ORAL, ["A' = -ka*A", "C' = ka*A/V - ke*C"]),
    "lines": ("\n A' = -ka*A \n\n C' = ka*A/V - ke*C\n", ["A' = -ka*A", "C' = ka*A/V - ke*C"]),
    "Leibniz": ("dA/dt = -ka*A; d/dt(C) = ka * A", ["A' = -ka*A", "C' = ka * A"]),
    "typographic primes": ("A’ = -A; B′ = A", ["A' = -A", "B' = A"]),
    "definitions": ("C' = -k*C; k = CL / V", ["k = CL / V", "C' = -k*C"]),
    "a line goes on in parentheses": ("A' = -(ka\n + kb)*A", ["A' = -(ka + kb)*A"]),
    "backticks": ("`C p`' = -k * `C p`; d`a;b`/dt = 1", ["`C p`' = -k * `C p`", "`a;b`' = 1"]),
}


@pytest.mark.parametrize("name", PARSED)
def test_what_is_parsed(name: str) -> None:
    text, lines = PARSED[name]
    assert equations(text).lines == lines


WRONG = {
    "no equation": ("k = CL / V", "There is no differential equation in 'k = CL / V'. Write the derivative of each state"),
    "an expression": ("A' = -A; 3 * B", "'3 * B' is not an equation. Write the derivative"),
    "a comparison": ("A' = -A; B == 2", "is not an equation"),
    "a strange left side": ("A' = -A; B + C = 2", "The left side of 'B + C = 2' is not a derivative. Write A' or dA/dt"),
    "a second derivative": (
        "x'' = -k * x",
        "derivative of higher order. Give the first derivative a name: x' = v; v' = -k * x.",
    ),
    "two equations": ("A' = -A; dA/dt = 2", "There are two equations for 'A'. Remove one."),
    "two definitions": ("A' = -A; k = 1; k = 2", "There are two definitions for 'k'"),
    "two initial values": ("A' = -A; A(0) = 1; A(0) = 2", "There are two initial values for 'A'"),
    "both": ("A' = -A; A = 2", "'A' has an equation and a definition"),
    "the time as a state": ("t' = 1", "'t' is the time of the equations"),
    "an initial value of no state": ("Abc' = -k; Abd(0) = 1", "for 'Abd', which has no equation. Did you mean 'Abc'?"),
    "used too early": ("A' = -k*A; k = c; c = V", "The definition of 'k' uses 'c', which is defined later"),
    "uses itself": ("A' = -k*A; k = 2 * k", "The definition of 'k' uses itself. Write k' for the derivative"),
    "a syntax error": ("A' = -k * (A", "In A' = -k * (A: The formula has an unmatched"),
    "an unknown function": ("A' = expp(A)", "In A' = expp(A): The formula uses the unknown function 'expp'"),
    "a power": ("A' = A^2", "Write ** for powers"),
    "rows": ("A' = -A * mean(w)", "mean combines the rows of a table"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_of_equations(name: str) -> None:
    text, message = WRONG[name]
    with pytest.raises(FormulaError) as caught:
        equations(text)
    assert message in str(caught.value)


MODELS: dict[str, tuple[dict[str, Any], type[JitgradError], str]] = {
    "an initial value of no state": ({"initial": {"B": 1}}, FormulaError, "initial value for 'B', which has no equation"),
    "no initial value": ({"initial": None}, FormulaError, "No state has an initial value. Give initial={'A': …}"),
    "an initial value that varies": ({"initial": {"A": "2 * C"}}, FormulaError, "In A(0) = 2 * C: 'C' varies with time"),
    "a start that varies": ({"t0": "t"}, FormulaError, "In t0 = t: 't' varies with time"),
    "nothing observed": ({"observe": None}, ArgumentError, "The equations have the states A, C. Say which is measured by"),
    "which is missing": ({"observe": ["A", "C"]}, ArgumentError, "but not which of them a row has"),
    "which is too much": ({"which": "dvid"}, ArgumentError, "names the column 'dvid', but there is a single observed"),
    "observe is not a state": ({"observe": "D * ka"}, FormulaError, "No state is observed by D * ka."),
    "observe is a number": ({"observe": 1.0}, ArgumentError, "observe is 1.0"),
    "a dose of no state": ({"doses": {"B": [(1, 2)]}}, FormulaError, "dose of 'B', which has no equation"),
    "a dose without a time": ({"doses": {"A": [5]}}, ArgumentError, "Give pairs of a time and an amount"),
    "a tolerance": ({"rtol": -1}, ArgumentError, "rtol"),
}


@pytest.mark.parametrize("name", MODELS)
def test_errors_of_models(name: str) -> None:
    changed, error, message = MODELS[name]
    given: dict[str, Any] = {"initial": {"A": "dose"}, "observe": "C"} | changed
    with pytest.raises(error) as caught:
        ode(ORAL, **given)
    assert message in str(caught.value)


def test_a_state_with_the_name_of_the_times() -> None:
    times = np.linspace(0, 3, 9)
    model = ode("x' = v; v' = -w**2 * x", {"x": "x0", "v": 0}, "x", time="x")
    np.testing.assert_allclose(model(x=times, w=2.0, x0=3.0).numpy(), 3 * np.cos(2 * times), rtol=1e-6)
    assert jg.curve_fit(model, times, 3 * np.cos(2 * times), [1.9, 2.5]).parameters == pytest.approx({"w": 2, "x0": 3})


def test_names_and_lines() -> None:
    model = ode("k = CL/V\nC' = -k*C + pi", initial={"C": "C0 / V"}, observe="C * F")
    assert model.states == ["C"] and model.names == ["CL", "V", "C0", "F"] and model.constants == ["pi"]
    assert model.lines == ["k = CL/V", "C' = -k*C + pi", "C(0) = C0 / V", "observed: C * F"]
    assert model.text == "k = CL/V; C' = -k*C + pi; C(0) = C0 / V"
    assert repr(ode("A' = -A", {"A": 1}, t0=2)) == "A' = -A\nA(2) = 1\nobserved: A"
    assert ode("A' = -A; B' = A", {"A": 1}, "B").lines[3] == "B(0) = 0"
    sent = pickle.loads(pickle.dumps(model))
    assert sent.key == model.key and sent.lines == model.lines and ode(**model.arguments).key == model.key
    assert ode("C' = -k*C", {"C": 1}).key != ode("C' = -k*C", {"C": 1}, rtol=1e-6).key


TIMES = {
    "t": (("conc", "t"), "t"),
    "time": (("Time", "dose"), "Time"),
    "an array": (("x",), "x"),
    "the only other": (("dose", "hours"), "hours"),
}


@pytest.mark.parametrize("name", TIMES)
def test_the_column_of_times(name: str) -> None:
    columns, time = TIMES[name]
    model = ode("A' = -k*A", {"A": "dose"}) if "dose" in columns else ode("A' = -k*A + 0*conc", {"A": 1})
    assert model._bound(columns).arguments["time"] == time
    assert model._bound(columns).names[0] == time


def test_equations_may_use_the_column_of_times() -> None:
    times = np.linspace(0, 2, 6)
    table = {"time": times, "weight": np.ones(6)}
    fit = jg.curve_fit(ode("A' = -k * time * A", {"A": 1}), table, np.exp(-0.7 * times**2 / 2), [1.0])
    assert fit.parameters == pytest.approx({"k": 0.7})


def test_columns_that_are_not_clear() -> None:
    model = ode("A' = -k*A", {"A": "dose"})
    with pytest.raises(DataError, match=r"No column is called t or time\. Name the column of times by time=, one of hour, sex"):
        jg.curve_fit(model, {"dose": [1.0], "hour": [1.0], "sex": [1.0]}, [1.0])
    with pytest.raises(DataError, match=r"There is no column 'hours' for the time\. Did you mean 'hour'"):
        jg.curve_fit(ode("A' = -k*A", {"A": 1}, time="hours"), {"hour": [1.0], "sex": [1.0]}, [1.0])
    with pytest.raises(DataError, match="There is no column 'dvid' for which"):
        jg.curve_fit(ode("A' = -k*A", {"A": 1}, ["A", "2*A"], which="dvid"), {"t": [1.0]}, [1.0])
    with pytest.raises(FormulaError, match="The equations need a value for 'k'"):
        model(t=np.ones(2), dose=1.0)
    with pytest.raises(DataError, match="'t' is empty"):
        model(t=np.array([]), dose=1.0, k=1.0)
