"""What ``jitgrad.fit_table`` takes and gives: frames of any library, roles of columns, errors, intervals, tests, penalties."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest

import jitgrad as jg
from jitgrad import glm
from jitgrad.errors import ArgumentError, DataError, DataWarning, FitError
from jitgrad.summary import Grid
from jitgrad.tabular import MODELS, TableModel, fit_curve
from jitgrad.tabular.exact import rows_of

DRAW = np.random.default_rng(7)
ROWS = 80
A, B = DRAW.normal(size=(2, ROWS))
KIND = DRAW.choice(["u", "v", "w"], ROWS)
TIME = DRAW.uniform(1, 5, ROWS)
TRIALS = DRAW.integers(3, 12, ROWS)
MEAN = np.exp(0.4 * A - 0.3 * B + 0.5 * (KIND == "v"))
TABLE = pl.DataFrame(
    {
        "a": A,
        "b": B,
        "kind": KIND,
        "y": 3 + A - B + DRAW.normal(size=ROWS),
        "size": DRAW.gamma(4, MEAN / 4),
        "count": DRAW.poisson(MEAN * TIME),
        "many": DRAW.negative_binomial(2, 2 / (2 + 3 * MEAN)),
        "flag": A + DRAW.logistic(size=ROWS) > 0,
        "zero_one": (B + DRAW.logistic(size=ROWS) > 0).astype(int),
        "hits": DRAW.binomial(TRIALS, 1 / (1 + 1 / MEAN)),
        "n": TRIALS,
        "time": TIME,
        "weight": DRAW.uniform(0.5, 2, ROWS),
        "times": DRAW.integers(1, 4, ROWS),
        "school": DRAW.integers(0, 9, ROWS),
    }
)
X = ["a", "b", "kind"]
DUMMIES = np.column_stack([A, B, KIND == "v", KIND == "w"]).astype(float)

# Options of fit_table, and those of glm.fit for the same.
FITS: list[tuple[str, dict[str, Any], str, dict[str, str]]] = [
    ("y", {}, "gaussian", {}),
    ("y", {"weights": "weight"}, "gaussian", {"weights": "weight"}),
    ("y", {"freq_weights": "times"}, "gaussian", {"freq_weights": "times"}),
    ("size", {"model": "gamma"}, "gamma", {}),
    ("size", {"model": "gamma", "link": "log", "offset": "time"}, "gamma", {"link": "log", "offset": "time"}),
    ("size", {"model": "inverse_gaussian", "link": "log"}, "inverse_gaussian", {"link": "log"}),
    ("count", {"model": "poisson", "offset": "log(time)"}, "poisson", {"offset": "log(time)"}),
    ("count", {"model": "quasi_poisson"}, "quasi_poisson", {}),
    ("many", {"model": "negative_binomial"}, "negative_binomial", {}),
    ("flag", {}, "binomial", {}),
    ("flag", {"link": "probit"}, "binomial", {"link": "probit"}),
    ("zero_one", {"model": "logistic"}, "binomial", {}),
    ("hits", {"trials": "n"}, "binomial", {"trials": "n"}),
    ("hits", {"model": "quasi_binomial", "trials": "n"}, "quasi_binomial", {"trials": "n"}),
]


@pytest.mark.parametrize(("target", "options", "family", "of"), FITS, ids=lambda value: str(value))
def test_fits_are_those_of_glm(target: str, options: dict[str, Any], family: str, of: dict[str, str]) -> None:
    fit = jg.fit_table(TABLE, target, X, **options)
    values = {"log(time)": np.log(TIME)} | {
        name: TABLE[name].to_numpy().astype(float) for name in ("time", "n", "weight", "times")
    }
    given: dict[str, Any] = {name: value if name == "link" else values[value] for name, value in of.items()}
    y = TABLE[target].to_numpy().astype(float) / given.get("trials", 1)
    expected = glm.fit(DUMMIES, y, family, tol=1e-12, **given)
    inference = fit.model.inference
    assert fit.success and fit.glm is not None and inference is not None
    assert (fit.model.family, fit.model.link) == (family, str(expected.link and expected.link.name))
    np.testing.assert_allclose(inference.estimate, expected.coefficients, rtol=1e-9)
    np.testing.assert_allclose(inference.standard_error[:, 0] ** 2, np.diag(expected.covariance), rtol=1e-9)
    assert inference.figures["aic"] == (pytest.approx(expected.aic) if np.isfinite(expected.aic) else None)
    mean = expected.predict(DUMMIES, given.get("offset"))
    predicted = fit.predict(TABLE)
    np.testing.assert_allclose(predicted[predicted.columns[-1]].to_numpy(), mean, rtol=1e-9)
    assert set(fit.model.scores) == {"train", "cross-validation"} and fit.model.scores["train"]["rows"] == expected.n


def test_line_and_linear_agree() -> None:
    """The named curve and the linear model of one column: estimates, errors, R² and criteria."""
    curve, fit = fit_curve(TABLE, "y", "line", ["a"]).model, jg.fit_table(TABLE, "y", ["a"])
    inference = fit.model.inference
    assert inference is not None
    by_name = {row.name: row for row in curve.estimates.table()}
    rows = [by_name["intercept"], by_name["slope"]] if "slope" in by_name else list(by_name.values())
    np.testing.assert_allclose(sorted(row.estimate for row in rows), sorted(inference.estimate[:, 0]), rtol=1e-7)
    np.testing.assert_allclose(sorted(row.stderr for row in rows), sorted(inference.standard_error[:, 0]), rtol=1e-7)
    for name in ("residual_standard_error", "r2", "log_likelihood", "aic", "aicc", "bic"):
        assert curve.figures[name] == pytest.approx(inference.figures[name], rel=1e-9), name


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3", "cluster"])
def test_robust_errors(kind: str) -> None:
    groups = {"groups": "school"} if kind == "cluster" else {}
    fit = jg.fit_table(TABLE, "y", X, cov_type=kind, level=0.9, **groups)
    inference = fit.model.inference
    assert inference is not None and fit.glm is not None
    expected = glm.covariance(fit.glm, DUMMIES, TABLE["y"].to_numpy(), kind, TABLE["school"].to_numpy() if groups else None)
    np.testing.assert_allclose(inference.standard_error[:, 0], np.sqrt(np.diag(expected)), rtol=1e-9)
    assert "robust" in str(fit.summary()) and "90% CI" in str(fit.summary())


@pytest.mark.parametrize("library", ["polars", "pandas", "pyarrow"])
def test_frames_come_back_in_the_library_they_came_in(library: str) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed")
    some = TABLE.select(*X, "y")
    frame = some
    if library == "pandas":
        frame = __import__("pandas").DataFrame(some.to_dict(as_series=False))
    elif library == "pyarrow":
        frame = some.to_arrow()
    fit = jg.fit_table(frame, "y")
    for made in (fit.frame(), fit.predict(frame, interval="prediction"), fit.anova().frame()):
        assert type(made) is type(frame)
    np.testing.assert_allclose(
        np.asarray(fit.predict(frame)["prediction"]), jg.fit_table(some, "y").predict(some)["prediction"]
    )


@pytest.mark.parametrize(("target", "options", "kinds"), [
    ("y", {}, ("confidence", "prediction")),
    ("y", {"cov_type": "HC1"}, ("confidence", "prediction")),
    ("count", {"model": "poisson", "offset": "log(time)"}, ("confidence",)),
    ("flag", {}, ("confidence",)),
    ("size", {"model": "gamma"}, ("confidence",)),
])  # fmt: skip
def test_intervals(target: str, options: dict[str, Any], kinds: tuple[str, ...]) -> None:
    """By the delta method on the scale of the linear predictor: at a row of zeros it is the intercept's interval."""
    fit = jg.fit_table(TABLE, target, X, **options)
    origin = pl.DataFrame({"a": [0.0], "b": [0.0], "kind": ["u"], "time": [1.0]})
    inference = fit.model.inference
    assert inference is not None and fit.glm is not None
    made = fit.predict(origin, interval="confidence")
    link = fit.glm.link
    assert link is not None
    ends = np.sort(link.inverse(np.array([inference.low[0, 0], inference.high[0, 0]])))
    np.testing.assert_allclose(made.select("low", "high").row(0), ends, rtol=1e-9)
    wider, narrower = (
        fit.predict(TABLE, interval="confidence", level=0.99),
        fit.predict(TABLE, interval="confidence", level=0.5),
    )
    assert (wider["low"] < narrower["low"]).all() and (wider["high"] > narrower["high"]).all()
    if "prediction" in kinds:
        new = fit.predict(TABLE, interval="prediction")
        inside = (new["low"] < TABLE[target]) & (TABLE[target] < new["high"])
        assert 0.85 < inside.mean() < 1 and (new["high"] > fit.predict(TABLE, interval="confidence")["high"]).all()
    else:
        with pytest.raises(ArgumentError, match="has no prediction intervals"):
            fit.predict(TABLE, interval="prediction")


def test_level_of_predictions() -> None:
    """That of the fit, unless another one is given; without an interval it is an error."""
    fit = jg.fit_table(TABLE, "y", X, level=0.5)
    assert fit.predict(TABLE, interval="confidence").equals(fit.predict(TABLE, interval="confidence", level=0.5))
    with pytest.raises(ArgumentError, match="level requires an interval"):
        fit.predict(TABLE, level=0.5)


def test_models_without_intervals() -> None:
    three = jg.fit_table(TABLE, "kind", ["a", "b"])
    network = jg.fit_table(TABLE, "y", X, hidden=[3], epochs=2, verbose=0)
    for fit, message in ((three, "more than two classes"), (network, "no standard errors")):
        with pytest.raises(ArgumentError, match=message):
            fit.predict(TABLE, interval="confidence")


@pytest.mark.parametrize(("model", "target", "distribution"), [(None, "y", "F"), ("poisson", "count", "chi2")])
def test_tests_of_terms(model: str | None, target: str, distribution: str) -> None:
    fit = jg.fit_table(TABLE, target, X, model=model)
    assert fit.glm is not None
    each, steps = fit.anova(), fit.anova("sequential")
    assert each.names == steps.names == ("a", "b", "kind") and [test.df for test in each.tests] == [1, 1, 2]
    assert {test.distribution for test in each.tests} == {distribution}
    without = jg.fit_table(TABLE, target, ["a", "b"], model=model).glm
    assert without is not None
    assert each.tests[2].p_value == pytest.approx(glm.compare(fit.glm, without).p_value)
    assert each.deviances[2] == pytest.approx(without.deviance - fit.glm.deviance)
    assert steps.deviances[2] == pytest.approx(each.deviances[2])
    robust = jg.fit_table(TABLE, target, X, model=model, cov_type="HC1").anova()
    assert robust.kind == "robust" and robust.deviances == (None,) * 3
    assert robust.tests[2].p_value != pytest.approx(each.tests[2].p_value, rel=1e-3)
    formula = jg.fit_table(TABLE, formula=f"{target} ~ a * b + kind", model=model).anova()
    assert set(formula.names) == {"kind", "a:b"}
    assert "Single-term deletions" in str(fit.summary(anova="each"))


def test_formulas_have_their_terms() -> None:
    plain = jg.fit_table(TABLE.with_columns(ab=pl.col("a") * pl.col("b")), "y", ["a", "b", "ab"]).model.inference
    formula = jg.fit_table(TABLE, formula="y ~ a * b").model.inference
    assert plain is not None and formula is not None
    assert formula.names == ("intercept", "a", "b", "a:b")
    np.testing.assert_allclose(formula.estimate, plain.estimate, rtol=1e-9)
    without = jg.fit_table(TABLE, formula="y ~ 0 + kind")
    assert without.model.inference is not None and "intercept" not in without.model.inference.names
    np.testing.assert_allclose(
        without.model.inference.estimate[:, 0], TABLE.group_by("kind").agg(pl.mean("y")).sort("kind")["y"]
    )
    np.testing.assert_allclose(without.predict(TABLE)["prediction"], TABLE.select(pl.mean("y").over("kind"))["y"])


def test_ratios_and_what_is_said() -> None:
    fit = jg.fit_table(TABLE, "count", X, model="poisson")
    inference = fit.model.inference
    assert inference is not None and inference.ratio == "rate ratio"
    np.testing.assert_allclose(inference.ratios()[0], np.exp(inference.estimate))
    (grid,) = [part for part in fit.summary(ratios=True).parts if isinstance(part, Grid) and "rate ratio" in part.columns]
    assert len(grid.rows) == 5
    assert jg.fit_table(TABLE, "y", X).model.inference.ratio == ""  # type: ignore[union-attr]
    spread = jg.fit_table(TABLE, "many", X, model="poisson")
    assert any("'negative_binomial'" in note for note in spread.notes)


def test_new_texts_are_the_reference_and_counted() -> None:
    fit = jg.fit_table(TABLE, "y", X)
    new = TABLE.head(3).with_columns(kind=pl.Series(["x", "u", "x"]))
    with pytest.warns(
        DataWarning, match="2 rows have categories of 'kind' that the model has not seen .* treated as the reference, 'u'"
    ):
        got = fit.predict(new)["prediction"]
    np.testing.assert_allclose(got, fit.predict(new.with_columns(kind=pl.lit("u")))["prediction"])
    with pytest.warns(DataWarning, match="has not seen"):
        assert fit.predict(new, unseen="missing")["prediction"].is_null().to_list() == [True, False, True]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shuffled = fit.predict(TABLE.select("kind", "n", "b", "a"))
    np.testing.assert_array_equal(shuffled["prediction"], fit.predict(TABLE)["prediction"])


def test_what_was_fitted_is_kept(tmp_path: Any) -> None:
    fit = jg.fit_table(TABLE, formula="count ~ a + C(kind) + offset(log(time))", model="poisson", cov_type="HC3")
    fit.save(tmp_path / "m")
    same = TableModel.load(tmp_path / "m")
    assert same.predict_frame(TABLE, "confidence", 0.8).equals(fit.model.predict_frame(TABLE, "confidence", 0.8))
    assert str(same.summary()).startswith("Poisson regression of count")
    assert same.evaluate(TABLE) == pytest.approx(fit.model.scores["train"])


@pytest.mark.parametrize(("options", "what"), [
    ({"target": "y", "weights": "weight"}, "weights"),
    ({"target": "y", "freq_weights": "times"}, "weights"),
    ({"target": "hits", "trials": "n"}, "trials"),
    ({"target": "count", "model": "poisson", "offset": "time"}, "an offset"),
    ({"target": "flag", "link": "probit"}, "the link 'probit'"),
])  # fmt: skip
def test_gradient_descent_does_not_go_on_with_what_it_does_not_take(options: dict[str, Any], what: str) -> None:
    """Rather than leave it out without a word."""
    start = jg.fit_table(TABLE, features=["a", "b"], **options).model
    with pytest.raises(DataError, match=f"has {what}, which gradient descent does not support"):
        jg.fit_table(TABLE, start=start, epochs=2)
    through = jg.fit_table(TABLE, formula="y ~ 0 + a").model
    with pytest.raises(DataError, match="has no intercept"):
        jg.fit_table(TABLE, start=through, epochs=2)


def test_a_split_where_it_is_asked_for() -> None:
    fit = jg.fit_table(TABLE, "y", X, test_split=0.25)
    assert {name: scores["rows"] for name, scores in fit.model.scores.items()} == {
        "train": 60,
        "test": 20,
        "cross-validation": 60,
    }
    assert fit.glm is not None and fit.glm.n == 60
    train = fit.design.part(fit.rows["train"])
    assert rows_of(train) == {} and len(train.y) == 60


@pytest.mark.parametrize(("target", "model"), [("y", None), ("count", "poisson"), ("flag", None), ("kind", None)])
def test_frequencies_are_so_many_rows(target: str, model: str | None, tmp_path: Any) -> None:
    """Estimates, scores of the fit and of held-out rows, and later evaluations are those of the table with the copies."""
    copies = TABLE[np.repeat(np.arange(ROWS), TABLE["times"])]
    short = jg.fit_table(TABLE, target, ["a", "b"], model=model, freq_weights="times")
    long = jg.fit_table(copies, target, ["a", "b"], model=model)
    for part in ("train", "cross-validation"):
        got, expected = short.model.scores[part], long.model.scores[part]
        assert got.pop("confusion", None) == expected.pop("confusion", None)
        assert got == pytest.approx(expected, rel=1e-7)
        assert got["rows"] == len(copies)
    assert str(short.summary()).splitlines()[0].endswith(f", {len(copies)} rows")
    short.save(tmp_path / "m")
    kept = TableModel.load(tmp_path / "m")
    assert kept.evaluate(TABLE[:50])["rows"] == TABLE["times"][:50].sum()
    with pytest.raises(DataError, match="The weights column 'times' does not exist"):
        kept.evaluate(TABLE.drop("times"))
    with pytest.raises(DataError, match=r"'times' are -1 in row 2. They must not be negative"):
        kept.evaluate(TABLE.with_columns(times=pl.Series([1, -1, *[1] * (ROWS - 2)])))
    assert kept.predict_frame(TABLE.drop("times")).height == ROWS


@pytest.mark.parametrize("role", ["weights", "freq_weights", "trials"])
def test_negative_weights_are_named_by_their_row(role: str) -> None:
    table = TABLE.with_columns(bad=pl.Series([2, 1, -3, *[1] * (ROWS - 3)]), zeros=pl.lit(0))
    with pytest.raises(DataError, match=rf"The {role} 'bad' are -3 in row 3\. They must not be negative"):
        jg.fit_table(table, "zeros" if role == "trials" else "y", X, **{role: "bad"})


def test_a_target_of_zeros_and_ones_suggests_a_logistic_regression() -> None:
    note = "The target 'zero_one' has only the values 0 and 1, but was fitted by linear regression."
    assert note in jg.fit_table(TABLE, "zero_one", X).notes[-1]
    assert note in jg.fit_table(TABLE, formula="zero_one ~ a").notes[-1]
    for options in ({"model": "linear"}, {"model": "logistic"}, {"classify": True}):
        assert not any(note in other for other in jg.fit_table(TABLE, "zero_one", X, **options).notes)


def test_weights_count_in_evaluations() -> None:
    fit = jg.fit_table(TABLE, "y", X, weights="sqrt(weight)")
    assert fit.evaluate(TABLE) == pytest.approx(fit.model.scores["train"])
    with pytest.raises(DataError, match="column 'weight' does not exist"):
        fit.evaluate(TABLE.drop("weight"))


@pytest.mark.parametrize(("target", "options"), [
    ("y", {}), ("flag", {}), ("kind", {}), ("count", {"model": "poisson", "offset": "log(time)"}), ("y", {"weights": "weight"}),
])  # fmt: skip
def test_penalised_fits_are_those_of_the_path(target: str, options: dict[str, Any], tmp_path: Any) -> None:
    features = ["a", "b"]
    fit = jg.fit_table(TABLE, target, features, penalty="lasso", cv=5, **options)
    assert fit.path is not None and fit.glm is None and fit.model.inference is None and fit.success
    assert fit.model.settings.alpha == fit.path.alpha and fit.model.validation == "5-fold"
    given = fit.design.offset
    mean = fit.path.path.predict(fit.design.x, fit.path.chosen, given)
    predicted = fit.model.predicted(fit.design.x, given)
    np.testing.assert_allclose(predicted[:, 1] if target == "flag" else predicted, mean, rtol=1e-9)
    same = jg.fit_table(TABLE, target, features, penalty="lasso", cv=5, alpha=fit.path.alpha, **options)
    np.testing.assert_allclose(same.model.predicted(fit.design.x, given), predicted, rtol=1e-5)
    assert same.path is None and "-fold cross-validation" in fit.notes[-1] and "chosen" not in same.notes[-1]
    fit.save(tmp_path / "m")
    assert TableModel.load(tmp_path / "m").predict_frame(TABLE).equals(fit.model.predict_frame(TABLE))


def test_more_columns_than_rows() -> None:
    wide = pl.DataFrame(DRAW.normal(size=(30, 60))).with_columns(y=pl.col("column_0") * 3 + pl.col("column_1"))
    exact = jg.fit_table(wide, "y")
    (said,) = [note for note in exact.notes if "Add a penalty" in note]
    assert said.startswith("There are more coefficients (61) than rows (30). No residual degrees of freedom are left")
    gamma = jg.fit_table(wide.with_columns(y=pl.col("y").exp()), "y", model="gamma", link="log")
    assert any(note.endswith("there are no standard errors. Use fewer features.") for note in gamma.notes)
    lasso = jg.fit_table(wide, "y", penalty="lasso")
    assert lasso.model.coefficients is not None and np.abs(lasso.model.coefficients[:, 0]).argsort()[-1] == 0
    (grid,) = [part for part in lasso.summary().parts if isinstance(part, Grid) and part.title == "Nonzero coefficients"]
    assert len(grid.rows) == 1 + np.count_nonzero(lasso.model.coefficients) < 60


SEPARATED = pl.DataFrame({"a": np.arange(12.0), "b": [1.0, 3, 2] * 4, "k": ["no"] * 6 + ["yes"] * 6, "w": np.ones(12)})


@pytest.mark.parametrize(("options", "error", "message"), [
    ({"model": "binomal"}, ArgumentError, "no model 'binomal'"),
    ({"link": "lgo"}, ArgumentError, "not a known link"),
    ({"cov_type": "HC9"}, ArgumentError, "no cov_type 'HC9'"),
    ({"cov_type": "cluster"}, ArgumentError, "groups and cov_type 'cluster' must be used together"),
    ({"groups": "kind"}, ArgumentError, "groups and cov_type 'cluster' must be used together"),
    ({"level": 95}, ArgumentError, "level is 95"),
    ({"penalty": "l2"}, ArgumentError, "no penalty 'l2'"),
    ({"alpha": 1.0}, ArgumentError, "alpha requires a penalty"),
    ({"freq_weights": "times", "test_split": 0.2}, ArgumentError, "test_split cannot be combined with freq_weights"),
    ({"penalty": "lasso", "cov_type": "HC1"}, ArgumentError, "have no standard errors"),
    ({"hidden": [3], "weights": "weight"}, ArgumentError, "weights is not supported by gradient descent"),
    ({"epochs": 3, "link": "log"}, ArgumentError, "link is not supported by gradient descent"),
    ({"model": "gamma", "epochs": 3}, ArgumentError, "Model 'gamma' does not support gradient descent"),
    ({"model": "gamma", "penalty": "ridge"}, ArgumentError, "Model 'gamma' does not support penalties"),
    ({"model": "poisson", "trials": "n"}, ArgumentError, "Model 'poisson' does not support trials"),
    ({"exclude": "time"}, ArgumentError, r"exclude is 'time', a string. Give a list of names, such as \['time'\]"),
    ({"model": "binomial"}, ArgumentError, "model 'binomial' is called 'logistic' in jitgrad"),
    ({"formula": "size ~ a"}, ArgumentError, "target is 'y', but the left side of the formula is 'size'"),
    ({"formula": "y ~ a"}, ArgumentError, "cannot be combined with a formula, which names the features itself"),
    ({"offset": "tme"}, DataError, "Did you mean 'time'"),
    ({"model": "gamma"}, DataError, r"'y' has -?[\d.]+ in row \d+, but model 'gamma' needs positive numbers"),
])  # fmt: skip
def test_options_that_do_not_go_together(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        jg.fit_table(TABLE.with_columns(y=pl.col("y") - 3), "y", X, **options)


def test_a_penalty_at_the_end_of_its_path_is_said() -> None:
    sure = TABLE.with_columns(y=pl.col("a") - 2 * pl.col("b"))
    note = jg.fit_table(sure, "y", ["a", "b"], penalty="lasso").notes[-1]
    assert note.endswith("This is the smallest alpha tried; a smaller one, or no penalty, may predict better.")
    assert "weakest" not in jg.fit_table(TABLE, "flag", ["a", "b"], penalty="lasso").notes[-1]


def test_classes_that_are_told_apart() -> None:
    fit = jg.fit_table(SEPARATED, "k", ["a", "b"])
    assert fit.glm is None and "Consider a penalty, such as ridge" in fit.notes[-1]
    with pytest.raises(FitError, match="Add a penalty, such as ridge, or use fewer features"):
        jg.fit_table(SEPARATED, "k", ["a", "b"], weights="w")
    with pytest.raises(FitError, match=r"estimates are infinite\. Use fewer features"):  # with which there is no penalty
        jg.fit_table(SEPARATED, "k", ["a", "b"], freq_weights="w")


def test_every_model_has_a_name_to_print() -> None:
    from jitgrad.cli import options
    from jitgrad.tabular.summaries import KINDS

    assert tuple(MODELS) == options.OF_TABLES == tuple(KINDS)


def test_reports_and_plots_are_made_elsewhere() -> None:
    assert jg.fit_table(TABLE, "y", X).plot() is not None


def test_a_target_and_a_formula_of_it() -> None:
    table = TABLE.rename({"kind": "the kind"})
    for target, left in (("y", "y "), ("y", "  "), ("the kind", "`the kind`"), ("the kind", "")):
        formula = jg.fit_table(table, formula=f"`{target}` ~ a + b").model
        for fit in (jg.fit_table(table, target, formula=f"{left}~ a + b"), jg.fit_table(table, target, ["a", "b"])):
            assert fit.model.scores == formula.scores and fit.model.target == formula.target
    assert formula.classes
    with pytest.raises(DataError, match="Column 'z' does not exist"):
        jg.fit_table(table, "z", formula="~ a")


def test_a_constant_target_is_said() -> None:
    fit = jg.fit_table({"x": [1, 2, 4], "y": [3] * 3}, "y")
    assert fit.notes[0] == "The target 'y' has the same value in every row, so there is no variation to explain."
