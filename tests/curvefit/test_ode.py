"""Fits of differential equations: published estimates, rows in any order, several states, and errors that teach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import jitgrad as jg
from jitgrad.curvefit import OdeModel, ode
from jitgrad.curvefit.bundles import BundledFits
from jitgrad.curvefit.search import ROUND
from jitgrad.errors import DataError, FitError, JitgradError
from jitgrad.tabular import CurveModel, fit_curve

ORAL = "A' = -exp(lKa)*A; C' = exp(lKa)*A*exp(lKe - lCl) - exp(lKe)*C"
CLOSED = "dose*exp(lKe+lKa-lCl)*(exp(-exp(lKe)*time) - exp(-exp(lKa)*time))/(exp(lKa) - exp(lKe))"
FIRST_ORDER = {"lKa": 0.5752, "lKe": -2.9196, "lCl": -3.9159}
"""R's nls(conc ~ SSfol(Dose, Time, lKe, lKa, lCl)) for Theoph's subject 1; the residual standard error is 0.732."""


def data_of(name: str, subject: int | None = None) -> pl.DataFrame:
    table = pl.read_csv(f"data/{name}.csv")
    return table if subject is None else table.filter(pl.col("subject") == subject)


def oral() -> OdeModel:
    return ode(ORAL, {"A": "dose", "C": 0}, "C")


@pytest.mark.parametrize("p0", [None, {"lKa": 0.5, "lKe": -2.5, "lCl": -3.0}], ids=["searched", "given"])
@pytest.mark.parametrize("model", ["closed form", "equations"])
def test_theophylline(model: str, p0: Any) -> None:
    fit = jg.curve_fit(CLOSED if model == "closed form" else oral(), data_of("theoph", 1), "conc", p0)
    assert fit.success and fit.dof == 8
    rates = sorted(fit.parameters[name] for name in ("lKe", "lKa"))  # exchanged, they give the same curve
    assert abs(rates[0] - FIRST_ORDER["lKe"]) < 6e-5 and abs(rates[1] - FIRST_ORDER["lKa"]) < 6e-5
    assert abs(fit.parameters["lCl"] - FIRST_ORDER["lCl"]) < 6e-5
    assert abs(fit.redchi**0.5 - 0.732) < 5e-4


def test_indomethacin() -> None:
    """R's nls(conc ~ SSbiexp(time, A1, lrc1, A2, lrc2)) for Indometh's subject 1, as two compartments.

    With the rate constants k10, k12 and k21, the sum of the rates is k10 + k12 + k21 and their product k10 k21.
    """
    model = ode("C' = -(k10 + k12)*C + k21*P; P' = k12*C - k21*P", {"C": "C0"}, "C")
    fit = jg.curve_fit(model, data_of("indometh", 1), "conc", {"k10": 1.0, "k12": 0.5, "k21": 0.3, "C0": 2.0})
    a, b, first, second = 2.0293, 0.1916, np.exp(0.5794), np.exp(-1.7878)
    k21 = (a * second + b * first) / (a + b)
    k10 = first * second / k21
    wanted = {"k10": k10, "k12": first + second - k21 - k10, "k21": k21, "C0": a + b}
    for name, value in wanted.items():
        np.testing.assert_allclose(fit.parameters[name], value, rtol=2e-3)
    assert fit.success and abs(fit.redchi**0.5 - 0.04103) < 1e-5


def test_standard_errors_and_bands_are_those_of_the_closed_form() -> None:
    table = data_of("theoph", 1)
    fit, closed = (jg.curve_fit(model, table, "conc", FIRST_ORDER) for model in (oral(), CLOSED))
    order = [fit.names.index(name) for name in closed.names]
    np.testing.assert_allclose(fit.stderr[order], closed.stderr, rtol=1e-4)
    np.testing.assert_allclose(fit.correlation[np.ix_(order, order)], closed.correlation, atol=1e-4)
    np.testing.assert_allclose([fit.aic, fit.r2], [closed.aic, closed.r2], rtol=1e-7)
    new = {"time": np.array([30.0, 0.1, 5.0]), "dose": np.full(3, 4.02)}
    np.testing.assert_allclose(fit.predict(new), closed.predict(new), rtol=1e-5)
    np.testing.assert_allclose(fit.band(new, prediction=True), closed.band(new, prediction=True), rtol=1e-4)


def test_rows_in_any_order_and_repeated() -> None:
    table = data_of("theoph", 1)
    twice = pl.concat([table, table]).sample(fraction=1.0, shuffle=True, seed=2)
    fit, once = jg.curve_fit(oral(), twice, "conc", FIRST_ORDER), jg.curve_fit(oral(), table, "conc", FIRST_ORDER)
    np.testing.assert_allclose(fit.values, once.values, rtol=1e-5)
    places = np.argsort(twice["time"].to_numpy(), kind="stable")
    np.testing.assert_allclose(fit.predict()[places][::2], once.predict(), rtol=1e-5)
    part = {"time": [3.0, 1.0, 3.0], "dose": [4.02] * 3}
    np.testing.assert_allclose(fit.predict(part)[[0, 2, 1]], np.sort(fit.predict(part))[::-1], rtol=1e-12)


def test_missing_values_weights_and_bounds() -> None:
    table = data_of("theoph", 1)
    holes = table.with_columns(conc=pl.when(pl.col("time") == 5.1).then(None).otherwise("conc"))
    fit = jg.curve_fit(oral(), holes, "conc", FIRST_ORDER, nan_policy="omit")
    part = jg.curve_fit(oral(), table.filter(pl.col("time") != 5.1), "conc", FIRST_ORDER)
    np.testing.assert_allclose(fit.values, part.values, rtol=1e-7)
    sigma = np.where(table["time"] == 5.1, 1e6, 1.0)
    weighted = jg.curve_fit(oral(), table, "conc", FIRST_ORDER, sigma)
    np.testing.assert_allclose(weighted.values, part.values, rtol=1e-4)
    with pytest.warns(jg.errors.FitWarning, match="at a bound: lKe"):
        bounded = jg.curve_fit(oral(), table, "conc", FIRST_ORDER | {"lKe": -2.8}, bounds={"lKe": (-2.85, 0)}, fixed=["lCl"])
    assert bounded.at_bounds == ["lKe"] and bounded.stderr[bounded.names.index("lCl")] == 0


@pytest.mark.parametrize("p0", [None, FIRST_ORDER], ids=["searched", "given"])
def test_groups(p0: Any) -> None:
    table = data_of("theoph")
    shuffled = table.sample(fraction=1.0, shuffle=True, seed=1)
    fits = jg.fit_groups(oral(), shuffled, "conc", p0, by="subject")
    closed = jg.fit_groups(CLOSED, table, "conc", FIRST_ORDER, by="subject")
    assert fits.converged.all() and fits.job.x == ("dose", "time")
    for name in FIRST_ORDER:
        np.testing.assert_allclose(fits.parameters[name], closed.parameters[name], rtol=1e-4)
    np.testing.assert_allclose(fits.r2, closed.r2, rtol=1e-6)
    said = fits.predict(table)["predicted"].to_numpy()
    np.testing.assert_allclose(said, closed.predict(table)["predicted"].to_numpy(), rtol=1e-4)
    np.testing.assert_allclose(np.sort(fits[0].predict()), np.sort(said[:11]), rtol=1e-9)


def test_absorption_is_faster_than_elimination() -> None:
    """Exchanged rates with another volume give the same curves, so a search has to choose."""
    model = ode("C' = ka*A/V - ke*C; A' = -ka*A", {"A": "dose", "C": 0}, "C")
    found, given = (jg.fit_groups(model, data_of("theoph"), "conc", p0, by="subject") for p0 in (None, [1.0, 0.5, 0.1]))
    for name in ("ka", "V", "ke"):
        np.testing.assert_allclose(found.parameters[name], given.parameters[name], rtol=1e-4)


@pytest.mark.parametrize("unit", [1.0, 70.0, 1000.0])
def test_rates_are_not_exchanged(unit: float) -> None:
    """Of equivalent solutions with exchanged rates ("flip-flop"), a single fit finds the one with faster formation."""
    table = data_of("theoph", 3).with_columns(dose=pl.col("dose") * unit)
    factors = {"ka/V": 0.485833 * unit, "ka*F": 1 / (0.485833 * unit)}
    for rate, factor in factors.items():
        fit = jg.curve_fit(ode(f"A' = -ka*A; C' = {rate}*A - ke*C", {"A": "dose", "C": 0}, "C"), table, "conc")
        found = [fit.parameters[name] for name in ("ka", rate[-1], "ke")]
        np.testing.assert_allclose(found, [2.453566, factor, 0.081425], rtol=1e-4)


def test_rates_of_a_function_are_not_exchanged() -> None:
    """A function that calls solve_ivp is searched like equations. It returned exchanged rates for some subjects."""
    table = data_of("theoph", 3)
    dose = table["dose"][0]

    def model(t: Any, ka: Any, V: Any, ke: Any) -> Any:
        return jg.solve_ivp(lambda t, y: [-ka * y[0], ka * y[0] / V - ke * y[1]], (0, t[-1]), [dose, 0.0], t_eval=t).y[1]

    fit = jg.curve_fit(model, table["time"].to_numpy(), table["conc"].to_numpy())
    np.testing.assert_allclose(fit.values, [2.453566, 0.485833, 0.081425], rtol=1e-4)


def test_a_covariate_that_changes_at_a_known_time() -> None:
    t = np.array([1.0, 4.0, 5.0, 6.0, 9.0])
    said = ode("w = where(t < 5, 70, 80); A' = -k*w*A", {"A": 1.0})(t=t, k=0.01).numpy()
    np.testing.assert_allclose(said, np.exp(-0.7 * np.minimum(t, 5) - 0.8 * np.maximum(t - 5, 0)), rtol=1e-7)


def test_predictions_of_rows_with_several_doses() -> None:
    fit = jg.curve_fit(oral(), data_of("theoph", 1), "conc", [-2.9, 0.5, -3.9])
    said = fit.predict({"time": [1.0, 1.0, 2.0], "dose": [4.0, 2.0, 4.0]})
    np.testing.assert_allclose(said[0], 2 * said[1], rtol=1e-6)
    np.testing.assert_allclose(said[[0, 2]], fit.predict({"time": [1.0, 2.0], "dose": [4.0, 4.0]}), rtol=1e-6)
    low, high = fit.band({"time": [1.0, 1.0], "dose": [4.0, 2.0]})
    assert high[0] - low[0] == pytest.approx(2 * (high[1] - low[1]), rel=1e-6)


def test_a_search_has_a_budget_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    table = data_of("theoph", 1)
    sure = jg.curve_fit(oral(), table, "conc")
    assert sure.notes == [] and sure.n_starts == ROUND * 3
    monkeypatch.setattr("jitgrad.curvefit.search.CONFIRMED", 1000)
    monkeypatch.setattr("jitgrad.curvefit.search.BUDGET", 1000)
    doubtful = jg.curve_fit(oral(), table, "conc")
    assert doubtful.n_starts < 3 * sure.n_starts and doubtful.cost == pytest.approx(sure.cost)
    (note,) = doubtful.notes
    assert f"of {doubtful.n_starts} starting values led to the lowest minimum" in note and "p0" in note


def test_hares_and_lynxes_without_starting_values() -> None:
    """Starts with negative rates led to minima far above the known one."""
    hares = [
        30,
        47.2,
        70.2,
        77.4,
        36.3,
        20.6,
        18.1,
        21.4,
        22,
        25.4,
        27.1,
        40.3,
        57,
        76.6,
        52.3,
        19.5,
        11.2,
        7.6,
        14.6,
        16.2,
        24.7,
    ]
    lynxes = [4, 6.1, 9.8, 35.2, 59.4, 41.7, 19, 13, 8.3, 9.1, 7.4, 8, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7, 10.1, 8.6]
    data = {"t": [*range(21)] * 2, "animal": ["H"] * 21 + ["L"] * 21, "furs": [*hares, *lynxes]}
    model = ode("H' = a*H - b*H*L; L' = d*H*L - c*L", {"H": "H0", "L": "L0"}, ["H", "L"], which="animal")
    fit = jg.curve_fit(model, data, "furs", fixed={"H0": 34.9143, "L0": 3.86187})
    assert fit.notes == [] and fit.cost == pytest.approx(297.3723, rel=1e-4)


TIMES = np.array([0.0, 1.0, 2.0, 4.0, 8.0])
CHAIN = "A' = -k1*A; B' = k1*A - k2*B"
LABELS: dict[str, tuple[Any, list[Any]]] = {
    "a mapping": ({"parent": "A", "metabolite": "2 * B"}, ["parent", "metabolite"]),
    "names": (["A", "2 * B"], ["A", "2 * B"]),
    "numbers": (["A", "2 * B"], [1, 2]),
    "a mapping of numbers": ({3: "A", 7: "2 * B"}, [3, 7]),
}


@pytest.mark.parametrize("name", LABELS)
def test_several_observed_states(name: str) -> None:
    observe, labels = LABELS[name]
    model = ode(CHAIN, {"A": "A0"}, observe, which="dvid")
    a = 5 * np.exp(-0.7 * TIMES)
    b = 2 * 5 * 0.7 / (0.7 - 0.2) * (np.exp(-0.2 * TIMES) - np.exp(-0.7 * TIMES))
    table = {
        "t": np.concatenate([TIMES, TIMES[::-1]]), "dvid": np.array([labels[0]] * 5 + [labels[1]] * 5),
        "y": np.concatenate([a, b[::-1]]),
    }  # fmt: skip
    start = {"k1": 1.0, "k2": 0.1, "A0": 4.0}
    fit = jg.curve_fit(model, table, "y", start)
    np.testing.assert_allclose(fit.values, [0.7, 0.2, 5.0], rtol=1e-5)
    one = {"t": np.array([2.0]), "dvid": np.array([labels[1]])}
    np.testing.assert_allclose(fit.predict(one), b[2], rtol=1e-5)
    both = pl.DataFrame(table | {"g": ["one"] * 10})
    fits = jg.fit_groups(model, pl.concat([both, both.with_columns(g=pl.lit("two"))]), "y", start, by="g")
    np.testing.assert_allclose(fits.values, [[0.7, 0.2, 5.0]] * 2, rtol=1e-5)
    np.testing.assert_allclose(fits.predict(both)["predicted"], table["y"], atol=1e-5)
    with pytest.raises(DataError, match=r"Column 'dvid' has the value .*, which is not observed\."):
        fit.predict({"t": np.array([2.0]), "dvid": np.array(["metabolit" if isinstance(labels[0], str) else 9])})


def test_log_normal_errors() -> None:
    table = data_of("theoph", 2).filter(pl.col("conc") > 0)
    fit, closed = (
        jg.curve_fit(model, table, "conc", {"lKa": 0.6, "lKe": -2.3, "lCl": -3.1}, errors="lognormal")
        for model in (oral(), CLOSED)
    )
    for name in FIRST_ORDER:
        np.testing.assert_allclose(fit.parameters[name], closed.parameters[name], rtol=1e-4)
    np.testing.assert_allclose(fit.bic, closed.bic, rtol=1e-6)
    assert str(fit).startswith("\n".join(oral().lines)) and "log-normal errors" in str(fit)


VALUES = {
    "the initial time": (ode("A' = -k*A", {"A": 4.0}, t0=1), {"k": 0.5}, 4 * np.exp(-0.5 * (TIMES + 1))),
    "an initial time that is fitted": (
        ode("A' = -k*A", {"A": 4.0}, t0="t0"),
        {"k": 0.5, "t0": 1.5},
        4 * np.exp(-0.5 * TIMES - 0.25),
    ),
    "an initial value that is fitted": (ode("A' = -k*A", {"A": "2 * A0"}), {"k": 0.5, "A0": 3.0}, 6 * np.exp(-0.5 * TIMES - 1)),
    "definitions": (ode("A' = -k*A; k = CL / V", {"A": 4.0}, "A / V"), {"CL": 1.0, "V": 2.0}, 2 * np.exp(-0.5 * TIMES - 1)),
    "time": (ode("A' = 2 * t + 0 * k", {"A": 1.0}), {"k": 1.0}, 1 + (TIMES + 2) ** 2),
    "an expression": (ode("A' = -k*A", {"A": 4.0}, "log(A)"), {"k": 0.5}, np.log(4) - 0.5 * TIMES - 1),
    "constants": (ode("A' = pi + 0 * k", {"A": 0}), {"k": 0.5}, np.pi * (TIMES + 2)),
    "an array as the times": (ode("A' = -k*A", {"A": 1.0}), {"k": 0.5}, np.exp(-0.5 * TIMES - 1)),
}


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    model, parameters, wanted = VALUES[name]
    np.testing.assert_allclose(model(t=TIMES + 2, **parameters).numpy(), wanted, rtol=1e-6)


def test_doses() -> None:
    model = ode("A' = -k*A", {"A": "dose"}, doses={"A": [(2, "dose"), ("late", 3)]})
    assert "A += 3 at t = late" in model.lines
    times = np.array([0.0, 1.0, 1.999, 3.0, 6.0])
    wanted = 5 * np.exp(-0.5 * times)
    wanted[3:] += 5 * np.exp(-0.5 * (times[3:] - 2))
    wanted[4] += 3 * np.exp(-0.5)
    np.testing.assert_allclose(model(t=times, k=0.5, dose=np.full(5, 5.0), late=5.0).numpy(), wanted, rtol=1e-6)
    fit = jg.curve_fit(model, {"t": times, "dose": np.full(5, 5.0)}, wanted, {"k": 0.4, "late": 4.5}, fixed={"late": 5.0})
    np.testing.assert_allclose(fit.parameters["k"], 0.5, rtol=1e-6)


@pytest.mark.parametrize("labels", [["a", "b", "c"], [30, 10, 20]])
def test_several_experiments(labels: list[Any]) -> None:
    """Experiments of different lengths, in any order, with doses and rates that differ, share the parameters."""
    runs = np.array([1, 0, 0, 1, 0, 0, 2])
    rng = np.random.default_rng(3)
    table = {
        "t": np.array([2.0, 3.0, 0.0, 1.0, 0.5, 3.0, 1.5]), "run": np.array(labels)[runs],
        "dose": np.array([1.0, 2.0, 5.0])[runs], "factor": np.array([1.0, 0.5, 2.0])[runs],
    }  # fmt: skip
    closed = jg.curvefit.formula("(dose + extra) * exp(-k * factor * t)")
    y = closed(**table | {"run": 0}, k=0.3, extra=0.1).numpy() * np.exp(0.01 * rng.normal(size=7))
    model = ode("A' = -k * factor * A", {"A": "dose + extra"}, by="run")
    np.testing.assert_allclose(model(**table, k=0.3, extra=0.1), closed(**table, k=0.3, extra=0.1), rtol=1e-7)
    for options in ({}, {"errors": "lognormal"}, {"loss": lambda y, said: 50 * jg.square(y - said)}):
        ours, theirs = (jg.curve_fit(m, table, y, {"k": 0.2, "extra": 0.0}, **options) for m in (model, closed))
        np.testing.assert_allclose(ours.values, [theirs.parameters[name] for name in ours.names], rtol=1e-5)
        np.testing.assert_allclose(np.sort(ours.stderr), np.sort(theirs.stderr), rtol=1e-4)
    new = {"t": np.array([2.0, 1.0]), "run": np.array(["x", "y"]), "dose": np.array([3.0, 4.0]), "factor": np.ones(2)}
    np.testing.assert_allclose(ours.predict(new), theirs.predict(new), rtol=1e-5)
    with pytest.raises(DataError, match="There are several experiments"):
        jg.fit_groups(model, table | {"y": y, "g": np.zeros(7)}, "y", by="g")
    with pytest.raises(DataError, match="Column 'dose' varies within an experiment of 'run'"):
        jg.curve_fit(model, table | {"dose": np.arange(7.0)}, y, {"k": 0.2, "extra": 0.0})


def test_experiments_of_a_table(tmp_path: Path) -> None:
    """A fit of a table with labels of experiments and quantities, which is saved and loaded."""
    model = ode("A' = -k*A", {"A": "dose"}, {"a": "A", "b": "2*A"}, which="quantity", by="run")
    runs, quantities = ["x"] * 3 + ["y"] * 3, ["a", "b", "a"] * 2
    table = pl.DataFrame({"run": runs, "quantity": quantities, "dose": [1.0] * 3 + [4.0] * 3, "t": [0.5, 1.0, 2.0] * 2})
    wanted = table["dose"] * np.exp(-0.3 * table["t"]) * np.array([1.0, 2.0, 1.0] * 2)
    made = fit_curve(table.with_columns(y=wanted), "y", model, p0={"k": 0.2}).model
    made.save(tmp_path / "m.jitgrad")
    for each in (made, CurveModel.load(tmp_path / "m.jitgrad")):
        np.testing.assert_allclose(each.predict_frame(table[2:])["prediction"], wanted[2:], rtol=1e-6)


FAULTS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a dose that varies": (oral(), {"time": [1.0, 2.0], "dose": [4.0, 5.0]}, r"Column 'dose' varies within a fit \(4, 5, …\)"),
    "a time before the start": (oral(), {"time": [1.0, -2.0], "dose": [4.0, 4.0]}, "Column 'time' has the time -2, before"),
    "a time before a later start": (ode("A' = -lKa*A*lKe", {"A": "lCl"}, t0=5), {"t": [7.0, 4.5]}, "given at 5. Set t0"),
    "a dose before the start": (
        ode("A' = -lKa*A*lKe*lCl", doses={"A": [(0, 4), ("lag", 1)]}),
        {"t": [1.0, 2.0], "lag": [-1.0, -1.0]},
        "A dose of 'A' has the time -1, before",
    ),
    "a missing column": (oral(), {"time": [1.0, 2.0]}, "fewer|parameters"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_data_that_do_not_suit(name: str) -> None:
    model, columns, message = FAULTS[name]
    with pytest.raises(JitgradError, match=message):
        jg.curve_fit(model, columns, [1.0, 2.0], FIRST_ORDER, fixed=["lKa", "lCl"] if name != "a missing column" else None)


def test_a_solution_that_ends_is_reported() -> None:
    with pytest.raises(FitError, match=r"in row 1 \(x = 3\) \(an integration fails: the step size became too small at t = "):
        jg.curve_fit(ode("A' = k*A**2", {"A": 1.0}), [0.5, 3.0], [1.0, 2.0], {"k": 1.0}, method="lm")


def test_the_search_with_doses_has_a_budget_too() -> None:
    """Their integrations are in a loop."""
    model = ode("A' = -ka*A; C' = ka*A/V - ke*C", {"A": 10.0}, "C", doses={"A": [(12, 10.0)]})
    times, truth = np.linspace(0.5, 36, 25), {"ka": 1.2, "V": 0.5, "ke": 0.15}
    fit = jg.curve_fit(model, {"t": times}, model(t=times, **truth).numpy())
    assert fit.n_starts == ROUND * 3 and fit.parameters == pytest.approx(truth, rel=1e-4)


def test_a_group_with_a_dose_that_varies_is_named() -> None:
    table = data_of("theoph").with_columns(dose=pl.when(pl.col("time") == 3.5).then(1.0).otherwise("dose"))
    with pytest.raises(DataError, match="Group 2: Column 'dose' varies within a fit"):
        jg.fit_groups(oral(), table, "conc", FIRST_ORDER, by="subject")


def test_a_stiff_model() -> None:
    """Robertson's reactions; values at t = 40 from Hairer and Wanner, Solving Ordinary Differential Equations II."""
    model = ode("A' = -k1*A + k2*B*C; B' = k1*A - k2*B*C - k3*B**2; C' = k3*B**2", {"A": 1.0}, "A")
    said = model(t=np.array([40.0, 0.0, 0.4]), k1=0.04, k2=1e4, k3=3e7).numpy()
    np.testing.assert_allclose(said, [0.7158271, 1.0, 0.98517211], rtol=1e-6)


def test_groups_of_equally_many_rows_are_fitted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their equations are integrated in lanes."""
    taken, run = [], BundledFits.run
    monkeypatch.setattr(BundledFits, "run", lambda self, *args: taken.append(args[1] - args[0]) or run(self, *args))
    table = data_of("theoph").filter((pl.col("subject") != 3) | (pl.col("time") != 0.0))  # one of 12 groups is shorter
    fits = jg.fit_groups(oral(), table, "conc", FIRST_ORDER, by="subject")
    assert sum(taken) == 11 and fits.converged.all()
    for subject in (1, 3, 12):
        alone = jg.curve_fit(oral(), table.filter(pl.col("subject") == subject), "conc", FIRST_ORDER)
        np.testing.assert_allclose(fits[subject - 1].values, alone.values, rtol=1e-4)
        np.testing.assert_allclose(fits[subject - 1].stderr, alone.stderr, rtol=1e-3)
