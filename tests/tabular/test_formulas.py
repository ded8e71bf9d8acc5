"""Formulas of models: the columns of formulaic, the names of patsy, the order of R; what is kept, and what is refused."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad.errors import DataError, FormulaError, MissingError
from jitgrad.saving.model import UNFIT
from jitgrad.tabular import transforms
from jitgrad.tabular.columns import design_like, encoded, make_design
from jitgrad.tabular.predictors import Predictors, Term

formulaic = pytest.importorskip("formulaic", reason="it reads formulas")

ROWS = 36


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    draw = np.random.default_rng(3)
    return pl.DataFrame(
        {
            "y": draw.normal(size=ROWS),
            "a": draw.normal(size=ROWS),
            "x": draw.uniform(1, 3, ROWS),
            "t": draw.uniform(1, 2, ROWS),
            "k": [1, 2, 3] * (ROWS // 3),
            "g": ["u", "v", "w", "w"] * (ROWS // 4),
            "h": ["p"] * 9 + ["q"] * 9 + ["p"] * 9 + ["r"] * 9,
            "on": [True, False, False] * (ROWS // 3),
            "odd name": draw.normal(size=ROWS),
            "s": draw.integers(0, 5, ROWS),
            "n": [5] * ROWS,
        }
    )


NAMED: list[tuple[str, list[str]]] = [
    ("a", ["a"]),
    ("a + x", ["a", "x"]),
    ("a*x", ["a", "x", "a:x"]),
    ("a:x + a", ["a", "a:x"]),
    ("(a + x + t)**2", ["a", "x", "t", "a:x", "a:t", "x:t"]),
    ("(a + x)^2 - a:x", ["a", "x"]),
    ("a/x", ["a", "a:x"]),
    ("g", ["g[T.v]", "g[T.w]"]),
    ("0 + g", ["g[u]", "g[v]", "g[w]"]),
    ("g - 1", ["g[u]", "g[v]", "g[w]"]),
    ("g*h", ["g[T.v]", "g[T.w]", "h[T.q]", "h[T.r]", *(f"g[T.{g}]:h[T.{h}]" for h in "qr" for g in "vw")]),
    ("g*a", ["g[T.v]", "g[T.w]", "a", "g[T.v]:a", "g[T.w]:a"]),
    ("g:a", ["g[u]:a", "g[v]:a", "g[w]:a"]),
    ("0 + g + h", ["g[u]", "g[v]", "g[w]", "h[T.q]", "h[T.r]"]),
    ("C(k)", ["C(k)[T.2]", "C(k)[T.3]"]),
    ("C(g, Treatment('w'))", ["C(g, Treatment('w'))[T.u]", "C(g, Treatment('w'))[T.v]"]),
    ("C(g, contr.treatment(base='v'))", [f"C(g, contr.treatment(base='v'))[T.{level}]" for level in "uw"]),
    ("C(g, Sum)", ["C(g, Sum)[S.u]", "C(g, Sum)[S.v]"]),
    ("C(h, contr.helmert)", ["C(h, contr.helmert)[H.q]", "C(h, contr.helmert)[H.r]"]),
    ("C(h, Diff)*a", ["C(h, Diff)[D.q]", "C(h, Diff)[D.r]", "a", "C(h, Diff)[D.q]:a", "C(h, Diff)[D.r]:a"]),
    ("C(k, Poly)", ["C(k, Poly)[.L]", "C(k, Poly)[.Q]"]),
    ("on", ["on[T.True]"]),
    ("on:a", ["on[False]:a", "on[True]:a"]),
    ("log(x) + np.sqrt(t)", ["log(x)", "np.sqrt(t)"]),
    ("I(x**2) + I(a>0)", ["I(x ** 2)", "I(a > 0)[T.True]"]),
    ("I(a + x):g", ["I(a + x):g[u]", "I(a + x):g[v]", "I(a + x):g[w]"]),
    ("exp(-a/2) + abs(a)", ["exp(-a / 2)", "abs(a)"]),
    ("scale(a) + center(x) + standardize(t)", ["scale(a)", "center(x)", "standardize(t)"]),
    ("poly(a, 2)", ["poly(a, 2)[1]", "poly(a, 2)[2]"]),
    ("poly(a, degree=2, raw=True)", ["poly(a, degree=2, raw=True)[1]", "poly(a, degree=2, raw=True)[2]"]),
    ("bs(a, df=4)", [f"bs(a, df=4)[{k}]" for k in (1, 2, 3, 4)]),
    ("cr(a, df=3)", [f"cr(a, df=3)[{k}]" for k in (1, 2, 3)]),
    ("bs(x, df=3):on", [f"bs(x, df=3)[{k}]:on[{on}]" for on in (False, True) for k in (1, 2, 3)]),
    ("`odd name` + log(abs(`odd name`))", ["odd name", "log(abs(`odd name`))"]),
    ("Q('odd name')*a", ["Q('odd name')", "a", "Q('odd name'):a"]),
    ("1", []),
]


@pytest.mark.parametrize(("right", "names"), NAMED, ids=[case[0] for case in NAMED])
def test_columns_are_those_of_formulaic(right: str, names: list[str], frame: pl.DataFrame) -> None:
    """Which has none but the numbers: it orders terms as R does, and names some in another way."""
    pandas = pytest.importorskip("pandas", reason="a frame of pandas for formulaic")
    got = make_design(frame, formula=f"y ~ {right}")
    assert got.names == names
    table = pandas.DataFrame({name: frame[name].to_list() for name in frame.columns}).astype({"on": str})
    expected = formulaic.Formula(right).get_model_matrix(table)
    assert got.intercept == ("Intercept" in expected.columns)
    np.testing.assert_allclose(got.x, expected.drop(columns="Intercept", errors="ignore").to_numpy(float), atol=1e-12)
    assert sum(term.stop - term.start for term in got.terms) == len(names)
    part = encoded(frame[5:9], Predictors.made(asdict(got.predictors)))
    np.testing.assert_array_equal(part.x, got.x[5:9])


def test_terms(frame: pl.DataFrame) -> None:
    got = make_design(frame, formula="y ~ g*a + log(x)")
    assert got.terms == (Term("g", 0, 2), Term("a", 2, 3), Term("log(x)", 3, 4), Term("g:a", 4, 6))
    assert make_design(frame, "y", ["g", "a"]).terms == (Term("g", 0, 2), Term("a", 2, 3))


def test_offsets(frame: pl.DataFrame) -> None:
    got = make_design(frame, formula="s ~ a + offset(log(t)) + offset(x)")
    assert got.names == ["a"] and got.offset is not None
    np.testing.assert_allclose(got.offset, np.log(frame["t"]) + frame["x"])
    assert got.predictors.needs == ["a", "t", "x"]


def test_left_sides(frame: pl.DataFrame) -> None:
    y, s, n = (frame[name].to_numpy() for name in ("y", "s", "n"))
    cases: dict[str, tuple[bool, Any, Any]] = {
        "y": (False, y, None), "log(x)": (False, np.log(frame["x"]), None), "I(y ** 2)": (False, y**2, None),
        "cbind(s, n - s)": (True, s / n, n), "s / n": (True, s / n, n), "s/n": (False, s / n, None),
    }  # fmt: skip
    for left, (binomial, values, trials) in cases.items():
        got = make_design(frame, formula=f"{left} ~ a", binomial=binomial)
        np.testing.assert_allclose(got.y, values)
        assert (got.trials is None) == (trials is None)
        np.testing.assert_allclose(design_like(frame, got.predictors, got.target).y, values)
    assert make_design(frame, formula="g ~ a").classes == ["u", "v", "w"]


def test_a_point_is_every_other_column(frame: pl.DataFrame) -> None:
    got = make_design(frame.with_columns(id=pl.int_range(100, 100 + ROWS)), formula="log(x) ~ . - a + a:t")
    assert got.names == [
        "y", "t", "k", "g[T.v]", "g[T.w]", "h[T.q]", "h[T.r]", "on[T.True]", "odd name", "s", "a:t",
    ]  # fmt: skip
    assert [note.split(" ", 2)[1] for note in got.notes] == ["'n'", "'id'"]
    assert make_design(frame, formula="y ~ .", exclude=["g", "h"]).names[:3] == ["a", "x", "t"]


def test_rows_with_missing_values(frame: pl.DataFrame) -> None:
    holes = frame.with_columns(a=pl.when(pl.col("k") > 1).then("a"), g=pl.when(pl.col("s") > 0).then("g"))
    got = make_design(holes, formula="y ~ scale(a)*g")
    whole = make_design(holes.drop_nulls(), formula="y ~ scale(a)*g")
    np.testing.assert_array_equal(got.x, whole.x)
    assert got.missing["a"] == 12
    made = encoded(holes, got.predictors)
    np.testing.assert_array_equal(made.x[got.rows], got.x)
    assert np.isnan(np.delete(made.x, got.rows, 0)).all()


def test_a_power_of_a_name_is_no_square(frame: pl.DataFrame) -> None:
    got = make_design(frame, formula="y ~ x^2 + t")
    assert got.names == ["x", "t"]
    assert got.notes == ("x^2 in a formula means x crossed with itself, which is just x. For the power, write I(x ** 2).",)


REFUSED: list[tuple[str, str]] = [
    ("a*exp(-b*x)", "has no ~. Write a formula of terms with the target before a ~.* is a curve: pass it as model"),
    ("~ a", "has nothing before the ~"),
    ("y ~", "has nothing after the ~"),
    ("y ~ b", "'b' in the formula is not a column .* Correct the name.* A formula with parameters, .* pass it as model"),
    ("y ~ odd", "'odd' in the formula is not a column of the table"),
    ("y ~ aa", r"'aa' in the formula is not a column of the table. Did you mean 'a'\? Correct the name, or add the column.$"),
    ("z ~ a", "'z' in the formula is not a column"),
    ("y ~ a + y", "'y' is on both sides"),
    ("y ~ lgo(a)", "function 'lgo' is not supported in formulas. Did you mean 'log'"),
    ("y ~ log(g)", "'g' in the formula is text"),
    ("y ~ log(a)", r"'log\(a\)' of the formula is (nan|-inf) in row \d+"),
    ("y ~ log(a, x)", "log takes 1 argument"),
    ("y ~ I(a > 100)", "is False in every row"),
    ("y ~ I(x^2)", "contains \\^ inside parentheses. Write \\*\\* for a power"),
    ("y ~ I(g == 3)", "compares text with a number"),
    ("y ~ a > 1", r"cannot be parsed: .*enclose arithmetic in I\(…\)"),
    ("y ~ a | g", "cannot be parsed"),
    ("y ~ a ~ x", "cannot be parsed"),
    ("y ~ a +", "cannot be parsed"),
    ("y ~ C(g, Treatment('z'))", "reference 'z' of the term .* is not one of its levels"),
    ("y ~ C(g, Sums)", "'Sums' in the formula is not a known coding. Did you mean 'Sum'"),
    ("y ~ C(g, levels=['u', 'v'])", "do not include 'w'"),
    ("y ~ poly(a, 2, 3, 4)", "poly takes a column, degree, raw"),
    ("y ~ bs(a, df=1)", "bs in the formula cannot be computed"),
    ("y ~ bs(a, df=x)", "is not a number, a string or a list of them"),
    ("y ~ I(3)", "contains no column"),
    ("3 ~ a", "contains no column"),
]  # fmt: skip
ATTACKS = [
    "__import__('os')", "open('f')", "eval('1')", "I(a.__class__)", "I(().__class__.__bases__)", "np.load('f')",
    "np.log.__class__(a)",
    "I((lambda: 1)())", "I([k for k in (1, 2)])", "I(a if a else x)", "I(f'{a}')", "Q(a)", "C(g, print)", "C(g, open('f'))",
    "I(a := 1)", "np.__loader__(a)", "contr.treatment(a)", "poly(a, __import__('os'))", "log(*a)", "bs(a, knots=open('f'))",
    "getattr(a, 'b')", "log.__call__(a)", "I(a[0])", "hashed(g)", "lag(a)", "poly(a, 10**9)", "bs(a, df=100000)",
]  # fmt: skip


@pytest.mark.parametrize(("formula", "message"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_is_no_formula(formula: str, message: str, frame: pl.DataFrame) -> None:
    with pytest.raises((FormulaError, DataError), match=message):
        make_design(frame, formula=formula)


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_is_evaluated(attack: str, frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of a formula that is given, nor of one that a file has: in no place that has an expression."""

    def called(*arguments: Any, **more: Any) -> None:
        raise AssertionError(f"called with {arguments}")

    for name in ("os.system", "os.open", "formulaic.utils.stateful_transforms.stateful_eval"):
        monkeypatch.setattr(name, called)
    with pytest.raises(FormulaError):
        make_design(frame, formula=f"y ~ {attack}")
    given = asdict(make_design(frame, formula="y ~ C(g)*a + offset(t)").predictors)
    first = copy.deepcopy(given)
    first["formula"]["factors"][0]["text"] = attack
    for changed in (first, given | {"offsets": [attack]}):
        with pytest.raises(FormulaError):
            Predictors.made(changed)


CHANGES: dict[str, Any] = {
    "levels": ["u", "v"], "reference": 7, "reduced": np.zeros((1, 2)), "full": np.zeros((3, 1)), "text": "q", "labels": 3,
    "full_labels": ["only"], "states": 4,
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_that_is_changed(name: str, frame: pl.DataFrame) -> None:
    given = asdict(make_design(frame, formula="y ~ g*a").predictors)
    given["formula"]["factors"][0][name] = CHANGES[name]
    with pytest.raises(UNFIT):
        Predictors.made(given)
    given = asdict(make_design(frame, formula="y ~ g*a").predictors)
    given["formula"]["terms"] = [["g", [[[9, True]]]]]
    with pytest.raises(DataError, match="factors that do not exist"):
        Predictors.made(given)


def test_formulaic_is_asked_for(monkeypatch: pytest.MonkeyPatch, frame: pl.DataFrame) -> None:
    import sys

    predictors = make_design(frame, formula="y ~ g*log(x)").predictors
    monkeypatch.setitem(sys.modules, "formulaic", None)
    encoded(frame, predictors)  # what is kept does without
    with pytest.raises(MissingError, match=r"pip install 'jitgrad\[formulas\]'"):
        make_design(frame, formula="y ~ a")
    with pytest.raises(MissingError):
        transforms.apply("poly", np.ones(3), [2], {}, {})
