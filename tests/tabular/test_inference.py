"""Estimates and their errors against the figures of other statistics packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad.tabular import Inference, fit_table

BODY = ["age", "sex", "bmi", "bp"]

# statsmodels 0.15.0 on data/diabetes.csv: OLS, Logit and Poisson by Newton's method with tol=1e-14, deviances of GLM, MNLogit.
REFERENCES: dict[str, dict[str, Any]] = {
    "linear": {
        "target": pl.col("progression"),
        "features": [*BODY, "s1", "s2", "s3", "s4", "s5", "s6"],
        "estimate": [[-334.567138518785, -0.0363612242236225, -22.8596480904984, 5.60296209192371, 1.11680799331819,
                      -1.08999633406323, 0.746450455514209, 0.372004715089137, 6.53383193599032, 68.4831249647879,
                      0.280116989321496]],
        "standard_error": [[67.4546211043415, 0.217041435408762, 5.83582128501488, 0.717105500560912, 0.225238169188269,
                            0.573331858550061, 0.530834389766024, 0.782463845626719, 5.95863783721632, 15.6697192387072,
                            0.273313950359366]],
        "statistic": [[-4.95988463119915, -0.167531255749125, -3.91712613770354, 7.81330234887494, 4.9583425284579,
                       -1.90116128697226, 1.40618330293789, 0.475427353184833, 1.09653113924486, 4.37041174264448,
                       1.02489093203324]],
        "p_value": [[1.01661729200406e-06, 0.867030633700095, 0.000104167119276932, 4.29639141951888e-14, 1.0242783922114e-06,
                     0.0579476053691998, 0.160390240014974, 0.63472325577522, 0.273458693660679, 1.55589908653945e-05,
                     0.305989526196436]],
        "low": [[-467.14807117920543, -0.46295254534214036, -34.32985748667884, 4.193503191647353, 0.6741061286747867,
                 -2.2168705390627617, -0.29689568343363715, -1.1659149222590717, -5.177771345003638, 37.6845531667022,
                 -0.257077021326002]],
        "high": [[-201.98620585836457, 0.3902300968948953, -11.389438694318052, 7.012420992200062, 1.559509857961596,
                  0.03687787093630024, 1.7897965944620549, 1.9099243524373457, 18.245435216984283, 99.2816967628737,
                  0.8173109999689934]],
        "figures": {"residual_standard_error": 54.15423932805568, "r2": 0.5177484222203498, "adjusted_r2": 0.5065592904853231,
                    "f": 46.272439585243234, "f_numerator": 10, "f_p_value": 3.828649038185337e-62},
        "degrees_of_freedom": 431,
    },
    "logistic": {
        "target": pl.col("progression") > 140,
        "features": BODY,
        "estimate": [[-9.71910710251934, 0.00410795106904923, -0.454483799561578, 0.227423231680758, 0.0447441541200164]],
        "standard_error": [[1.10252065123354, 0.00916915952922294, 0.233416354137053, 0.0317255663968339, 0.00988970124064335]],
        "statistic": [[-8.81535152347959, 0.448018278660854, -1.94709492932412, 7.16845300210161, 4.52431807910768]],
        "p_value": [[1.19310120153108e-18, 0.654140004919889, 0.0515233548188977, 7.58499629034924e-13, 6.05905434941421e-06]],
        "low": [[-11.880007871148733, -0.013863271376729967, -0.9119714470728477, 0.16524226415382945, 0.02536069587049431]],
        "high": [[-7.558206333889947, 0.022079173514828427, 0.0030038479496918846, 0.2896041992076869, 0.0641276123695384]],
        "figures": {"log_likelihood": -240.4290785888688, "null_log_likelihood": -306.37105380749585,
                    "deviance": 480.85815717773755, "null_deviance": 612.7421076149917, "pseudo_r2": 0.21523565754374696,
                    "likelihood_ratio": 131.8839504372541, "likelihood_ratio_p_value": 1.5397937745976353e-27,
                    "aic": 490.8581571777376, "bic": 511.3147065881261},
        "degrees_of_freedom": 437,
    },
    "poisson": {
        "target": (pl.col("progression") / 50).floor(),
        "features": BODY,
        "estimate": [[-1.73426308541295, 0.00155552995118054, -0.0662063396196236, 0.0597756383866737, 0.0110914525749136]],
        "standard_error": [[0.244554538099251, 0.00247678385294344, 0.061319358239518, 0.00678919170324279,
                            0.00239309153392868]],
        "statistic": [[-7.09151872172216, 0.628044287890498, -1.07969720363049, 8.80452946381267, 4.63477991445864]],
        "p_value": [[1.32648129399051e-12, 0.529974927857408, 0.280277039567303, 1.31402674642963e-18, 3.57317433069698e-06]],
        "low": [[-2.213581172343315, -0.0032988771980789404, -0.1863900733241883, 0.046469067164179645, 0.006401079356705725]],
        "high": [[-1.2549449984825944, 0.006409937100440029, 0.05397739408494101, 0.07308220960916768, 0.015781825793121564]],
        "figures": {"log_likelihood": -730.1561528696152, "null_log_likelihood": -806.4755856718516,
                    "deviance": 306.9020743286601, "null_deviance": 459.5409399331327, "pseudo_r2": 0.09463328358372669,
                    "likelihood_ratio": 152.6388656044728, "likelihood_ratio_p_value": 5.535796687779708e-32,
                    "aic": 1470.3123057392304, "bic": 1490.768855149619},
        "degrees_of_freedom": 437,
    },
    "multinomial": {
        "target": pl.when(pl.col("progression") <= 100).then(pl.lit("a")).when(pl.col("progression") <= 180).then(pl.lit("b"))
        .otherwise(pl.lit("c")),
        "features": BODY,
        "estimate": [[-6.05813684946928, 0.00316863864443831, -0.0863094262649138, 0.15271326172927, 0.0241310222559655],
                     [-14.4966200109362, -0.000950207975167224, -0.361889699802214, 0.328867859680723, 0.0682368138093831]],
        "standard_error": [[1.19316953521486, 0.00993147277575168, 0.258879527505384, 0.0382566946872163, 0.0115075238602304],
                           [1.50367009456899, 0.0116497388409814, 0.293224471580166, 0.0422093931998243, 0.0127696722601039]],
        "statistic": [[-5.07734791299239, 0.319050227089656, -0.333396105503626, 3.99180491095327, 2.09697781634513],
                      [-9.64082484801395, -0.0815647447670316, -1.23417291146273, 7.79134298670971, 5.34366210968269]],
        "p_value": [[3.82739650821278e-07, 0.74968842571973, 0.73883530253076, 6.55723076919352e-05, 0.0359955391457211],
                    [5.37542834188452e-22, 0.934992837446939, 0.217138479121367, 6.63006670177769e-15, 9.10872919057685e-08]],
        "low": [[-8.396706165940806, -0.016296690309475025, -0.5937039765102129, 0.07773151797478113, 0.0015766899386785577],
                [-17.44375924092135, -0.023783276532788205, -0.9365991034851289, 0.2461389691997779, 0.04320871608519932]],
        "high": [[-3.719567532997755, 0.022633967598351637, 0.42108512398038533, 0.22769500548375876, 0.046685354573252465],
                 [-11.54948078095104, 0.02188286058245376, 0.21281970388069998, 0.4115967501616688, 0.09326491153356681]],
        # MNLogit's own null likelihood comes from an optimiser and has nine digits; this is Σ n·log(n / 442).
        "figures": {"log_likelihood": -399.6647277417759, "aic": 819.3294554835518, "bic": 860.2425543043288,
                    "null_log_likelihood": sum(n * np.log(n / 442) for n in (148, 140, 154))},
        "degrees_of_freedom": 432,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", REFERENCES)
def test_the_figures_are_those_of_statsmodels(name: str, data: Path) -> None:
    expected = REFERENCES[name]
    frame = pl.read_csv(data / "diabetes.csv", infer_schema_length=None).with_columns(expected["target"].alias("wanted"))
    model = None if name == "multinomial" else name
    fit = fit_table(frame, "wanted", expected["features"], model=model)
    got = fit.model.inference
    assert got is not None and fit.history is None and fit.model.notes == ()
    assert got.names == ("intercept", *expected["features"])
    assert got.outputs == {"logistic": ("True",), "multinomial": ("b", "c")}.get(name, ("wanted",))
    for column in ("estimate", "standard_error", "statistic", "low", "high"):
        np.testing.assert_allclose(getattr(got, column).T, expected[column], rtol=1e-11, err_msg=column)
    np.testing.assert_allclose(got.p_value.T, expected["p_value"], rtol=1e-10)
    for figure, value in expected["figures"].items():
        assert got.figures[figure] == pytest.approx(value, rel=1e-11), figure
    assert got.degrees_of_freedom == expected["degrees_of_freedom"]


def test_classes_of_iris_that_overlap(data: Path) -> None:
    """statsmodels 0.15.0, Logit by Newton's method: far out, where the likelihood is flat."""
    frame = pl.read_csv(data / "iris.csv").filter(pl.col("species") != "setosa")
    got = inference_of(frame, "species")
    estimate = [-42.6378038130222, -2.46522019518667, -6.68088701407857, 9.42938515392668, 18.2861368878511]
    standard_error = [25.7076608331578, 2.39430101853518, 4.47956456660078, 4.73720770031603, 9.74261213982619]
    np.testing.assert_allclose(got.estimate[:, 0], estimate, rtol=1e-11)
    np.testing.assert_allclose(got.standard_error[:, 0], standard_error, rtol=1e-11)
    assert got.figures["log_likelihood"] == pytest.approx(-5.9492733956794135, rel=1e-11)


# J. W. Longley, "An appraisal of least squares programs for the electronic computer from the point of view of the user", 1967;
# the certified values are those of NIST's Statistical Reference Datasets.
LONGLEY = """
60323 83.0 234289 2356 1590 107608 1947
61122 88.5 259426 2325 1456 108632 1948
60171 88.2 258054 3682 1616 109773 1949
61187 89.5 284599 3351 1650 110929 1950
63221 96.2 328975 2099 3099 112075 1951
63639 98.1 346999 1932 3594 113270 1952
64989 99.0 365385 1870 3547 115094 1953
63761 100.0 363112 3578 3350 116219 1954
66019 101.2 397469 2904 3048 117388 1955
67857 104.6 419180 2822 2857 118734 1956
68169 108.4 442769 2936 2798 120445 1957
66513 110.8 444546 4681 2637 121950 1958
68655 112.6 482704 3813 2552 123366 1959
69564 114.2 502601 3931 2514 125368 1960
69331 115.7 518173 4806 2572 127852 1961
70551 116.9 554894 4007 2827 130081 1962
"""


def test_the_certified_values_of_longley() -> None:
    rows = np.array([line.split() for line in LONGLEY.split("\n") if line], float)
    got = inference_of(pl.DataFrame(rows, schema=["y", "x1", "x2", "x3", "x4", "x5", "x6"], orient="row"))
    estimate = [-3482258.63459582, 15.0618722713733, -0.358191792925910e-01, -2.02022980381683, -1.03322686717359,
                -0.511041056535807e-01, 1829.15146461355]  # fmt: skip
    standard_error = [890420.383607373, 84.9149257747669, 0.334910077722432e-01, 0.488399681651699, 0.214274163161675,
                      0.226073200069370, 455.478499142212]  # fmt: skip
    np.testing.assert_allclose(got.estimate[:, 0], estimate, rtol=1e-12)
    np.testing.assert_allclose(got.standard_error[:, 0], standard_error, rtol=1e-12)
    certified = {"residual_standard_error": 304.854073561965, "r2": 0.995479004577296, "f": 330.285339234588}
    assert {name: got.figures[name] for name in certified} == pytest.approx(certified, rel=1e-12)


@pytest.mark.parametrize(("ratio", "digits"), [(1.0, 8), (0.1, 12)], ids=["Wampler1", "Wampler2"])
def test_the_polynomials_of_wampler(ratio: float, digits: int) -> None:
    """R. H. Wampler, "A report on the accuracy of some widely used least squares computer programs", 1970."""
    x = np.arange(21.0)
    powers = {f"x{k}": x**k for k in range(1, 6)}
    fit = fit_table(pl.DataFrame(powers | {"y": sum((ratio * x) ** k for k in range(6))}), "y")
    assert fit.model.inference is not None
    np.testing.assert_allclose(fit.model.inference.estimate[:, 0], ratio ** np.arange(6), rtol=10.0**-digits)
    assert fit.model.notes == ("The fit is perfect up to rounding error, so the standard errors are not meaningful.",)


@pytest.mark.parametrize("model", ["linear", "logistic", "poisson"])
def test_aliased_features_are_left_out_as_in_r(model: str, draw: np.random.Generator) -> None:
    """As if they were not there, and named."""
    a, b = draw.normal(size=(2, 60))
    target = {
        "linear": a + draw.normal(size=60),
        "logistic": a + draw.logistic(size=60) > 0,
        "poisson": draw.poisson(np.exp(a)),
    }
    table = {"one": np.full(60, 0.1), "a": a, "b": b, "sum": 3 * a - b, "twice": 2 * a, "y": target[model]}
    names = ["one", "a", "b", "sum", "twice"]
    fit = fit_table(pl.DataFrame(table), "y", names, model=model)
    without = inference_of(pl.DataFrame(table).select("a", "b", "y"), model=model)
    got = fit.model.inference
    assert got is not None and fit.model.coefficients is not None
    assert got.aliased == ["one", "sum", "twice"]
    assert fit.model.notes == (
        "No coefficients for one, sum, twice: they are constant or linear combinations of preceding features.",
    )
    for column in ("estimate", "standard_error", "statistic", "p_value", "low", "high"):
        values = getattr(got, column)[:, 0]
        assert np.isnan(values[[1, 4, 5]]).all()
        np.testing.assert_allclose(values[[0, 2, 3]], getattr(without, column)[:, 0], rtol=1e-10)
    assert got.figures == pytest.approx(without.figures)
    assert not fit.model.coefficients[[0, 3, 4]].any()


def test_no_more_rows_than_coefficients(draw: np.random.Generator) -> None:
    table = {f"x{k}": draw.normal(size=5) for k in range(7)} | {"y": draw.normal(size=5)}
    fit = fit_table(pl.DataFrame(table), "y")
    got = fit.model.inference
    assert got is not None
    assert got.degrees_of_freedom == 0
    assert got.aliased == ["x4", "x5", "x6"]
    assert np.isfinite(got.estimate[:5]).all()
    assert np.isnan(got.standard_error).all() and np.isnan(got.p_value).all()
    assert got.figures["residual_standard_error"] is None and got.figures["f"] is None
    assert "more coefficients (8) than rows (5)" in fit.model.notes[1]
    as_many = fit_table(pl.DataFrame(table).drop("x4", "x5", "x6"), "y")
    assert "as many coefficients as rows (5)" in as_many.model.notes[0]


def test_a_constant_target() -> None:
    got = inference_of(pl.DataFrame({"a": np.arange(12.0), "y": np.full(12, 0.1)}))
    np.testing.assert_allclose(got.estimate[:, 0], [0.1, 0.0], atol=1e-16)
    assert (got.figures["r2"], got.figures["f"]) == (None, None)


def test_an_intercept_alone() -> None:
    got = inference_of(pl.DataFrame({"kind": ["same"] * 12, "y": np.arange(12.0)}), features=["kind"])
    assert got.names == ("intercept", "kind=same")
    assert got.estimate[0, 0] == pytest.approx(5.5)
    assert got.standard_error[0, 0] == pytest.approx(np.std(np.arange(12.0), ddof=1) / 12**0.5)
    assert (got.figures["f"], got.figures["f_numerator"]) == (None, 0)


def test_numbers_far_from_zero(draw: np.random.Generator) -> None:
    """Seconds since 1970 over a minute: the same as seconds of the minute."""
    seconds, y = draw.uniform(0, 60, 50).round(3), draw.normal(size=50)
    far, near = (inference_of(pl.DataFrame({"t": seconds + since, "y": y})) for since in (1.7e9, 0.0))
    np.testing.assert_allclose(far.estimate[1], near.estimate[1], rtol=1e-6)
    np.testing.assert_allclose(far.standard_error[1], near.standard_error[1], rtol=1e-6)


def test_the_frame_of_estimates(data: Path) -> None:
    frame = pl.read_csv(data / "diabetes.csv", infer_schema_length=None).with_columns(one=1, wanted=pl.col("sex") > 1)
    got = inference_of(frame, "wanted", features=["age", "one"]).frame()
    assert got.columns == ["output", "name", "estimate", "standard_error", "z", "p_value", "low", "high"]
    assert got["name"].to_list() == ["intercept", "age", "one"]
    assert got["output"].to_list() == ["True"] * 3
    assert got["estimate"].is_null().to_list() == [False, False, True]


def inference_of(
    frame: pl.DataFrame, target: str = "y", model: str | None = None, features: list[str] | None = None
) -> Inference:
    got = fit_table(frame, target, features, model=model).model.inference
    assert got is not None
    return got
