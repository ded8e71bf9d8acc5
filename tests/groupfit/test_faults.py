"""Groups that cannot be fitted do not stop the others, and have a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad import fit_groups
from jitgrad.errors import ArgumentError, DataError, FitError, JitgradError, OptionError
from jitgrad.groupfit.job import make_job
from jitgrad.groupfit.status import Status

T = np.linspace(0, 4, 20)
P0 = [1.0, 1.0, 1.0]
DECAY = "a * exp(-k * t) + c"


def readings(count: int = 200) -> pl.DataFrame:
    """Return decays of many groups without faults."""
    draw = np.random.default_rng(5)
    g = np.repeat(np.arange(count), len(T))
    a, k = draw.uniform(1, 3, count), draw.uniform(0.5, 2, count)
    t = np.tile(T, count)
    od = a[g] * np.exp(-k[g] * t) + 0.5 + 0.05 * draw.normal(size=len(g))
    return pl.DataFrame({"g": g, "t": t, "od": od, "s": draw.uniform(0.01, 0.1, len(g))})


def of(g: int) -> pl.Expr:
    return pl.col("g") == g


def changed(column: str, value: Any, where: pl.Expr) -> pl.Expr:
    return pl.when(where).then(pl.lit(value, pl.Float64)).otherwise(column).alias(column)


FAULTS: dict[str, tuple[str, Any]] = {
    "nan": ("not finite", lambda d, g: d.with_columns(changed("od", float("nan"), of(g) & (pl.col("t") == 0)))),
    "null": ("not finite", lambda d, g: d.with_columns(changed("od", None, of(g) & (pl.col("t") == 0)))),
    "inf": ("not finite", lambda d, g: d.with_columns(changed("t", float("inf"), of(g) & (pl.col("t") == 0)))),
    "huge": ("not finite", lambda d, g: d.with_columns(changed("od", 1e200, of(g)))),
    "tiny": ("not finite", lambda d, g: d.with_columns(pl.when(of(g)).then(pl.col("od") * 1e-200).otherwise("od").alias("od"))),
    "constant": ("constant", lambda d, g: d.with_columns(changed("od", 1.7, of(g)))),
    "zeros": ("constant", lambda d, g: d.with_columns(changed("od", 0.0, of(g)))),
    "two rows": ("too few rows", lambda d, g: d.filter(~of(g) | (pl.col("t") < 0.4))),
    "one x": ("singular", lambda d, g: d.with_columns(changed("t", 1.0, of(g)))),
    "sigma": ("sigma not above 0", lambda d, g: d.with_columns(changed("s", 0.0, of(g) & (pl.col("t") == 0)))),
    "sigma nan": ("sigma not above 0", lambda d, g: d.with_columns(changed("s", float("nan"), of(g)))),
    "overflow": ("not finite at start", lambda d, g: d.with_columns(changed("t", -1e4, of(g) & (pl.col("t") == 0)))),
}


def test_one_group_in_twenty_is_at_fault() -> None:
    """Each has its reason, and the results of all others are unchanged, bit by bit."""
    data = readings()
    expected = fit_groups(DECAY, data, "od", P0, "s", by="g")
    assert expected.converged.all()
    faults = {7 + 16 * k: name for k, name in enumerate(FAULTS)}
    for g, name in faults.items():
        data = FAULTS[name][1](data, g)
    fits = fit_groups(
        DECAY, data.sample(fraction=1, shuffle=True, seed=2).sort("t", maintain_order=True), "od", P0, "s", by="g"
    )
    assert {g: str(fits.status[g]) for g in faults} == {g: FAULTS[name][0] for g, name in faults.items()}
    others = [g for g in range(200) if g not in faults]
    assert fits.frame()[others].equals(expected.frame()[others])
    for array in (fits.values, fits.stderr, fits.chisqr, fits.r2):
        assert np.isnan(array[list(faults)]).all()
    failures = fits.failures
    assert failures["g"].to_list() == list(faults) and failures.columns == ["g", "rows", "status", "reason"]
    assert all(reason and reason[0].islower() and not reason.endswith(".") for reason in failures["reason"])
    summary = fits.summary()
    assert (summary.groups, summary.converged, sum(summary.failures.values())) == (200, 188, 12)
    assert "188 converged; 12 failed: 5 not finite, 2 too few rows" not in repr(fits)  # sorted by how many
    assert "188 converged; 12 failed: 5 not finite, 2 " in repr(fits)


def test_rows_with_nan_are_left_out_if_that_is_wanted() -> None:
    data = readings(5)
    holes = data.with_columns(changed("od", float("nan"), of(1) & (pl.col("t") < 1)), changed("t", None, of(3)))
    fits = fit_groups(DECAY, holes, "od", P0, by="g", nan_policy="omit")
    without = fit_groups(DECAY, data.filter(~(of(1) & (pl.col("t") < 1)) & ~of(3)), "od", P0, by="g")
    assert fits.status.tolist() == ["converged"] * 3 + ["too few rows", "converged"]
    assert fits.frame().filter(~of(3)).equals(without.frame())
    assert fits.n_rows.tolist() == [20, 15, 20, 0, 20] and fits.remarks == ["25 rows with nan were left out"]
    with pytest.raises(DataError, match=r"Column 't' has nan in 20 rows\. Remove them, or set nan_policy='omit'"):
        fit_groups(DECAY, holes, "od", P0, by="g", nan_policy="raise")


def test_arrays_with_holes() -> None:
    y = readings(6)["od"].to_numpy().reshape(2, 3, 20).copy()
    y[1, 2, 4] = np.nan
    text = "a * exp(-k * x) + c"
    assert fit_groups(text, T, y, P0).status.tolist() == [["converged"] * 3, ["converged"] * 2 + ["not finite"]]
    fits = fit_groups(text, T, y, P0, nan_policy="omit")
    assert fits.converged.all() and fits.n_rows[1, 2] == 19
    masked = fit_groups(text, T, np.ma.masked_invalid(y), P0, nan_policy="omit")
    np.testing.assert_array_equal(masked.values, fits.values)
    np.testing.assert_array_equal(fits.values[0], fit_groups(text, T, y[0], P0).values)


def test_a_constant_is_a_fit_of_a_line() -> None:
    fits = fit_groups("a + b * x", T, np.full((2, 20), 1.5), [0.0, 1.0])
    assert fits.converged.all()
    np.testing.assert_allclose(fits.values, [[1.5, 0]] * 2, atol=1e-14)
    assert np.isnan(fits.r2).all()


def test_where_nothing_can_be_fitted() -> None:
    data = readings(3)
    for frame in (data[:0], data[:2]):
        fits = fit_groups(DECAY, frame, "od", P0, by="g")
        assert fits.frame().schema == fit_groups(DECAY, data, "od", P0, by="g").frame().schema
        assert len(fits) == len(frame[:1]) and "0 converged" in repr(fits)
    with pytest.raises(FitError, match=r"Group g=0 was not fitted: fewer rows than parameters"):
        fits[0]
    assert np.isnan(fits.covariance(0)).all()


def test_bounds_and_starts_of_a_group() -> None:
    data = readings(6).with_columns(
        low=pl.when(of(1)).then(2.0).otherwise(0.0), start=pl.when(of(2)).then(None).when(of(3)).then(9.0).otherwise(1.0)
    )
    options: dict[str, Any] = {"p0": {"a": "start", "k": 1.0, "c": 1.0}, "bounds": {"a": (0, 5.0), "k": ("low", 2.0)}}
    fits = fit_groups(DECAY, data, "od", by="g", **options)
    assert fits.status.tolist() == ["converged", "bad bounds", "converged", "start outside bounds", "converged", "converged"]
    assert fit_groups(DECAY, data, "od", by="g", p0=P0, fixed={"c": "start"}).status[2] == "no start"


def uneven(x: Any, a: Any, b: Any) -> Any:
    return a * x if a > b else b * x


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"model": uneven, "x": "t", "p0": [1, 1]}, JitgradError, "write it as a formula, or with where"),
        ({"y": "odd"}, DataError, "There is no column 'odd'. Did you mean 'od'"),
        ({"by": "h"}, DataError, "There is no column 'h'"),
        ({"by": None}, ArgumentError, "Name them with by="),
        ({"by": []}, ArgumentError, "by is empty"),
        ({"model": "rows * t", "p0": None}, ArgumentError, "The parameter 'rows' has the same name as a column of the result"),
        (
            {"model": "a * t + a_stderr", "p0": None},
            ArgumentError,
            "The parameter 'a_stderr' has the same name as a column of the result",
        ),
        ({"threads": 0}, ArgumentError, "threads"),
        ({"y": "text"}, DataError, "Column 'text' has type String, which is not numeric"),
        ({"y": None}, ArgumentError, "needs y"),
        ({"model": "a * od + b"}, ArgumentError, "'od', which is the response"),
        ({"model": 3}, ArgumentError, "The model is 3"),
        ({"model": "line"}, ArgumentError, "takes one column, but the candidates are t, s, text. Choose one with x="),
        ({"p0": [1, 1]}, ArgumentError, "p0 has length 2, but the parameters are a, k, c"),
        ({"p0": {"b": 1}}, ArgumentError, "There is no parameter 'b' for p0"),
        ({"p0": {"a": "q"}}, DataError, "There is no column 'q'"),
        ({"p0": {"a": "t"}, "model": "a * s"}, DataError, "'t', given in p0, has several values in group 0"),
        ({"p0": pl.DataFrame({"h": [1], "a": [1.0]})}, ArgumentError, "p0 is a frame of h, a. Give the keys g"),
        ({"p0": pl.DataFrame({"g": [1, 1], "a": [1.0, 2.0]})}, DataError, "p0 has a duplicate key"),
        ({"p0": np.ones((3, 2))}, ArgumentError, r"p0 has shape \(3, 2\)"),
        ({"bounds": {"a": (2, 1)}}, ArgumentError, "The bounds of 'a' are 2 and 1"),
        ({"bounds": {"a": (2, None)}}, ArgumentError, "outside of provided bounds: a = 1, 2 to inf"),
        ({"bounds": {"a": 2}}, ArgumentError, "Give a pair"),
        ({"bounds": ([0, 0], 1)}, ArgumentError, "bounds has length 2"),
        ({"bounds": {"a": (0, 1)}, "method": "lm"}, ArgumentError, "unconstrained"),
        ({"fixed": ["c"], "p0": None}, ArgumentError, "'c' is fixed but has no value"),
        ({"fixed": ["b"]}, ArgumentError, "There is no parameter 'b' for fixed"),
        ({"shared": "b"}, ArgumentError, "There is no parameter 'b' for shared"),
        ({"shared": "c", "fixed": ["c"]}, ArgumentError, "'c' is both fixed and shared"),
        ({"method": "adam"}, ArgumentError, "Method 'adam' is not supported for many groups"),
        ({"loss": "hubr"}, ArgumentError, "There is no loss 'hubr'. Did you mean 'huber'"),
        ({"loss": lambda y, p: (y - p) ** 2}, ArgumentError, "A custom loss is not supported"),
        ({"nan_policy": "propagate"}, ArgumentError, "nan_policy must be one of"),
        ({"sigm": "s"}, OptionError, "'sigm'. Did you mean 'sigma'"),
        ({"data": 3}, DataError, "The data are of type int. Give a frame"),
    ],
)
def test_faults_of_all_groups_are_errors(given: dict[str, Any], error: type[Exception], said: str) -> None:
    data = readings(3).with_columns(text=pl.lit("-"))
    with pytest.raises(error, match=said):
        fit_groups(**{"model": DECAY, "data": data, "y": "od", "p0": P0, "by": "g"} | given)


def test_more_faults_of_frames() -> None:
    data = readings(3)
    with pytest.raises(DataError, match=r"The data are of type LazyFrame\. Collect it"):
        fit_groups(DECAY, data.lazy(), "od", P0, by="g")
    with pytest.raises(ArgumentError, match="The key 'rows' has the same name as a column of the result"):
        make_job(DECAY, ["rows", "t", "od"], by="rows", y="od")
    with pytest.raises(DataError, match=r"Column 'x' has shape \(19,\), but y has \(2, 20\)"):
        fit_groups("a * x", T[:19], np.ones((2, 20)))
    with pytest.raises(ArgumentError, match="There is no column 'start' because the data are arrays"):
        fit_groups("a * x", T, np.ones((2, 20)), {"a": "start"})


def test_statuses_are_numbered_by_their_places() -> None:
    assert [int(status) for status in Status] == list(range(len(Status)))
