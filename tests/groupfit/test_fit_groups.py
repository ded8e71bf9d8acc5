"""``fit_groups`` compared with ``curve_fit``, group by group."""

from __future__ import annotations

import doctest
import pickle
import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest

import jitgrad as jg
from jitgrad import curve_fit, fit_groups
from jitgrad.errors import DataError, FitWarning
from jitgrad.groupfit import fit as the_module
from jitgrad.groupfit.job import make_job
from tests.curvefit import nist

T = np.linspace(0, 4, 30)
P0 = [1.0, 1.0, 1.0]
DECAY = "a * exp(-k * t) + c"
KEYS = ["plate", "well"]


def wells(count: int = 12, seed: int = 0) -> pl.DataFrame:
    """Return decays with noise, of slightly different numbers of rows."""
    draw = np.random.default_rng(seed)
    parts = []
    for g in range(count):
        t = T[: 30 - g % 5]
        od = draw.uniform(1, 3) * np.exp(-draw.uniform(0.5, 2) * t) + 0.5 + 0.05 * draw.normal(size=len(t))
        keys = {"plate": [g % 3] * len(t), "well": [f"w{g:02d}"] * len(t)}
        parts.append(pl.DataFrame(keys | {"t": t, "od": od, "s": draw.uniform(0.01, 0.1, len(t))}))
    return pl.concat(parts)


def alone(model: Any, x: Any, y: Any, *given: Any, **options: Any) -> Any:
    """Return the fit of one group, with warnings ignored."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return curve_fit(model, x, y, *given, **options)


# Every group is as it is alone.

PEAK = "c + h * exp(-0.5 * ((x - m) / s)**2)"
MODELS: dict[str, tuple[str, list[float], dict[str, Any]]] = {
    "line": ("a + b * x", [0.5, 2.0], {}),
    "exponential": ("a * exp(-k * x) + c", [2.0, 1.3, 0.5], {}),
    "two exponentials": ("a * exp(-k * x) + b * exp(-r * x)", [2.0, 3.0, 1.0, 0.4], {}),
    "peak": (PEAK, [0.5, 3.0, 1.8, 0.4], {}),
    "saturation": ("v * x / (q + x)", [2.0, 0.7], {}),
    "logistic": ("u / (1 + exp(-r * (x - m)))", [2.0, 3.0, 1.9], {}),
    "wave": ("a * sin(w * x + p)", [2.0, 3.1, 0.4], {}),
    "power": ("a * (x + 1)**b", [2.0, -1.5], {}),
    "a sum of rows": ("a * exp(-k * x) + c * mean(x)", [2.0, 1.3, 0.5], {}),
    "a cumulative sum": ("a * cumsum(exp(-k * x)) / 30", [2.0, 0.7], {}),
    "huber": ("a * exp(-k * x) + c", [2.0, 1.3, 0.5], {"loss": "huber", "f_scale": 0.05}),
    "soft_l1": ("a * exp(-k * x) + c", [2.0, 1.3, 0.5], {"loss": "soft_l1", "f_scale": 0.05}),
    "bounds": ("a * exp(-k * x) + c", [2.0, 1.3, 0.5], {"bounds": {"c": (0.45, 0.5), "a": (0, None)}}),
    "fixed": ("a * exp(-k * x) + c", [2.0, 1.3, 0.5], {"fixed": {"c": 0.5}}),
    "fixed names": ("a * exp(-k * x) + c", [2.0, 1.3, 0.5], {"fixed": ["k"]}),
    "loose": ("a * exp(-k * x) + c", [2.0, 1.3, 0.5], {"xtol": 1e-6, "ftol": 1e-6}),
    "few": ("a * exp(-k * x) + c", [2.0, 1.3, 0.5], {"max_nfev": 4}),
}


@pytest.mark.parametrize("sigma", [None, "relative", "absolute"])
@pytest.mark.parametrize("name", MODELS)
def test_every_group_is_as_it_is_alone(name: str, sigma: str | None) -> None:
    text, truth, options = MODELS[name]
    draw = np.random.default_rng(7)
    curve = jg.curvefit.formula(text)
    names = [n for n in curve.names if n != "x"]
    values = np.array(truth) * draw.uniform(0.9, 1.1, (8, len(truth)))
    y = np.array([curve(x=T, **dict(zip(names, own, strict=True))).numpy() for own in values])
    y += 0.02 * draw.normal(size=y.shape)
    spread = None if sigma is None else draw.uniform(0.01, 0.03, y.shape)
    start = 0.5 + np.abs(truth) if "bounds" not in options else [1.0, 1.0, 0.48]
    fits = fit_groups(text, T, y, start, spread, sigma == "absolute", **options)
    for g in range(8):
        one = alone(text, T, y[g], start, None if spread is None else spread[g], sigma == "absolute", **options)
        again = fits[g]
        if name == "few":
            assert not fits.converged[g] and not one.converged and np.isnan(fits.values[g]).all()
            continue
        assert fits.status[g] == "converged"
        rtol = 1e-9 if name != "loose" else 1e-4
        np.testing.assert_allclose(fits.values[g], one.values, rtol=rtol)
        np.testing.assert_allclose(fits.stderr[g], one.stderr, rtol=100 * rtol)
        np.testing.assert_allclose([fits.chisqr[g], fits.r2[g]], [one.chisqr, one.r2], rtol=rtol)
        assert (fits.n_rows[g], again.dof, again.warnings) == (one.n_rows, one.dof, one.warnings)
        np.testing.assert_allclose(again.stderr, fits.stderr[g], rtol=1e-9)
        np.testing.assert_allclose(again.covariance, fits.covariance(g), rtol=1e-9)
        np.testing.assert_allclose(again.predict(), one.predict(), rtol=1e-7)
        assert (again.chisqr, again.r2) == pytest.approx((fits.chisqr[g], fits.r2[g]), rel=1e-9)


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", nist.MODELS)
def test_certified_digits(name: str, start: int) -> None:
    """NIST's sets, each as three groups of one call: as published, in other units, and without the first row."""
    known = nist.read(name)
    columns = {"x": np.tile(known.x, 2), "y": np.concatenate([known.y, 8 * known.y]), "set": np.repeat([0, 1], len(known.x))}
    data = pl.concat(
        [pl.DataFrame(columns), pl.DataFrame({"x": known.x[1:], "y": known.y[1:], "set": [2] * (len(known.x) - 1)})]
    )
    fits = fit_groups(nist.MODELS[name], data.sample(fraction=1, shuffle=True, seed=1), "y", known.starts[start], by="set")
    table = fits.frame()
    assert table["status"][0] == "converged"
    assert nist.digits({k: table[k][0] for k in fits.names}, known.values) > 10
    assert nist.digits({k: table[f"{k}_stderr"][0] for k in fits.names}, known.deviations) > 9.5
    assert table["chisqr"][0] == pytest.approx(known.squares, rel=1e-9)


# Tables.


def test_a_table_of_groups() -> None:
    data = wells()
    fits = fit_groups(DECAY, data, "od", P0, by="well")
    table = fits.frame()
    assert table.columns == [
        "well", "a", "k", "c", "a_stderr", "k_stderr", "c_stderr", "chisqr", "r2", "rows", "nfev", "status",
    ]  # fmt: skip
    assert table["well"].to_list() == sorted(set(data["well"])) and len(fits) == 12
    for i, well in enumerate(table["well"]):
        one = curve_fit(DECAY, data.filter(pl.col("well") == well), "od", P0)
        np.testing.assert_allclose(fits.values[i], one.values, rtol=1e-9)
        assert table["rows"][i] == one.n_rows and fits.label(i) == f"well={well}"
    assert fits.parameters["k"].tolist() == table["k"].to_list()


@pytest.mark.parametrize("by", ["well", KEYS], ids=str)
def test_the_order_of_rows_of_different_groups_does_not_matter(by: Any) -> None:
    data = wells()
    fits = fit_groups(DECAY, data, "od", P0, "s", by=by).frame()
    mixed = data.sample(fraction=1, shuffle=True, seed=3).sort("t")  # each group's rows stand as they did
    assert fit_groups(DECAY, mixed, "od", P0, "s", by=by).frame().equals(fits)
    assert fit_groups(DECAY, mixed, "od", P0, "s", by=by, threads=1).frame().equals(fits)
    some = data.filter(pl.col("well").is_in(["w03", "w07"]))
    few = fit_groups(DECAY, some, "od", P0, "s", by=by).frame()
    assert few.equals(fits.filter(pl.col("well").is_in(["w03", "w07"])))


def test_several_keys_are_sorted_one_after_the_other() -> None:
    table = fit_groups(DECAY, wells(), "od", P0, by=KEYS).frame()
    assert table.select(KEYS).rows() == sorted(table.select(KEYS).rows())


def test_rows_without_a_key_are_left_out() -> None:
    data = wells()
    fits = fit_groups(DECAY, data, "od", P0, by=KEYS)
    lost = pl.DataFrame({"plate": [None, 1], "well": ["w00", None], "t": [1.0, 2.0], "od": [9.0, 9.0], "s": [1.0, 1.0]})
    more = fit_groups(DECAY, pl.concat([lost, data]), "od", P0, by=KEYS)
    assert more.frame().equals(fits.frame()) and more.remarks == ["2 rows without a key were left out"]
    by_number = pl.concat([data, data[:5].with_columns(plate=None)]).with_columns(number=pl.col("plate") + 0.5)
    fits = fit_groups(DECAY, by_number.with_columns(pl.col("number").fill_null(float("nan"))), "od", P0, by=["number", "well"])
    assert len(fits) == 12 and fits.remarks == ["5 rows without a key were left out"]


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum([f"w{g:02d}" for g in range(12)]), pl.Date, pl.Boolean, pl.Int8])
def test_keys_of_any_kind(dtype: Any) -> None:
    data = wells(2 if dtype == pl.Boolean else 12)
    number = pl.col("well").str.slice(1).cast(pl.Int32)
    key = pl.col("well").cast(dtype) if dtype in (pl.Categorical, pl.Enum) else number.cast(dtype)
    table = fit_groups(DECAY, data.with_columns(key=key).reverse(), "od", P0, by="key").frame()
    assert table.schema["key"] == data.with_columns(key=key).schema["key"]
    assert table["key"].to_list() == sorted(table["key"].to_list())
    assert table["status"].unique().to_list() == ["converged"]


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
def test_the_library_of_the_data(library: str) -> None:
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    pytest.importorskip("pyarrow", reason="Polars hands frames over by it")
    data = wells().sample(fraction=1, shuffle=True, seed=3)
    fits = fit_groups(DECAY, data, "od", P0, by=KEYS)
    theirs = data.to_pandas() if library == "pandas" else data.to_arrow()
    again = fit_groups(DECAY, theirs, "od", P0, by=KEYS)
    kind = module.DataFrame if library == "pandas" else module.Table
    for made, expected in [
        (again.frame(), fits.frame()), (again.failures, fits.failures), (again.predict(theirs), fits.predict(data)),
    ]:  # fmt: skip
        assert isinstance(made, kind)
        back = pl.from_pandas(made, nan_to_null=False) if library == "pandas" else pl.from_arrow(made)
        assert back.equals(expected)


def test_a_mapping_of_columns_is_a_table() -> None:
    data = wells()
    fits = fit_groups(DECAY, data.to_dict(as_series=False), "od", P0, by="well")
    assert fits.frame().equals(fit_groups(DECAY, data, "od", P0, by="well").frame())


# Models.


def test_functions_formulas_and_names_are_the_same_model() -> None:
    data = wells()
    expected = fit_groups(DECAY, data, "od", P0, by="well").values

    def decay(t: Any, a: Any, k: Any, c: Any) -> Any:
        return a * np.exp(-k * t) + c

    for model, x in [(decay, "t"), (jg.function(decay), "t"), (jg.curvefit.formula(DECAY), None)]:
        np.testing.assert_allclose(fit_groups(model, data, "od", P0, by="well", x=x).values, expected, rtol=1e-12)
    one_left = data.select("well", "t", "od")
    np.testing.assert_allclose(fit_groups(decay, one_left, "od", P0, by="well").values, expected, rtol=1e-12)
    by_name = fit_groups(lambda d, a, k, c: decay(d["t"], a, k, c), data, "od", P0, by="well", x=["t", "s"])
    np.testing.assert_allclose(by_name.values, expected, rtol=1e-12)
    named = fit_groups("exponential_decay", data, "od", by="well", x="t")
    np.testing.assert_allclose(named.parameters["tau"], 1 / expected[:, 1], rtol=1e-8)


def test_several_columns_of_arrays() -> None:
    draw = np.random.default_rng(3)
    u, v = (part.ravel() for part in np.meshgrid(np.arange(5.0), np.arange(5.0)))
    text = "h * exp(-((x1 - p)**2 + (x2 - q)**2) / (2 * s**2)) + b"
    truth = {"h": 5.0, "p": 2.2, "q": 1.8, "s": 1.1, "b": 1.0}
    y = jg.curvefit.formula(text)(x1=u, x2=v, **truth).numpy() + 0.1 * draw.normal(size=(3, 2, 25))
    start = [4.0, 2.0, 2.0, 1.0, 0.5]
    fits = fit_groups(text, np.array([u, v]), y, start)

    def peak(xy: Any, h: Any, p: Any, q: Any, s: Any, b: Any) -> Any:
        x, y = xy
        return h * np.exp(-((x - p) ** 2 + (y - q) ** 2) / (2 * s**2)) + b

    assert fits.values.shape == (3, 2, 5) and fits.converged.all()
    np.testing.assert_allclose(fit_groups(peak, np.array([u, v]), y, start).values, fits.values, rtol=1e-12)
    named = fit_groups(text, {"x1": u, "x2": np.broadcast_to(v, y.shape)}, y, start)
    np.testing.assert_array_equal(named.values, fits.values)
    np.testing.assert_allclose(fits[2, 1].values, alone(text, np.array([u, v]), y[2, 1], start).values, rtol=1e-9)
    assert fits.frame().columns[:2] == ["index0", "index1"] and fits.label((2, 1)) == "2, 1"
    np.testing.assert_allclose(fits.predict()[2, 1], fits[2, 1].predict(), rtol=1e-12)


def test_a_job_travels_as_plain_data() -> None:
    data = wells()
    job = make_job(lambda t, a, k, c: a * np.exp(-k * t) + np.where(t > 1, c, c), data.columns, by=KEYS, y="od", x="t", p0=P0)
    sent = pickle.dumps(job)
    assert b"lambda" in sent and b"co_code" not in sent and len(sent) < 2000
    assert pickle.loads(sent).fit(data).frame().equals(job.fit(data).frame())
    named = make_job("polynomial:4", data.columns, by=KEYS, y="od", x="t")
    assert pickle.loads(pickle.dumps(named)).fit(data).frame().equals(named.fit(data).frame())
    assert [*KEYS, *job.schema()] == job.fit(data).frame().columns
    assert job.columns == [*KEYS, "t", "od"]


def test_the_example_runs() -> None:
    assert doctest.testmod(the_module, extraglobs={"jg": jg}, optionflags=doctest.ELLIPSIS).failed == 0


def test_frames_of_pandas_with_labels_of_their_own() -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    data = wells().to_dict(as_series=False)
    frame = pd.DataFrame(data, index=np.random.default_rng(0).permutation(len(data["t"])))
    frame["well"] = frame["well"].astype("category")
    fits = fit_groups(DECAY, frame, "od", P0, by="well")
    expected = fit_groups(DECAY, wells(), "od", P0, by="well")
    np.testing.assert_array_equal(fits.values, expected.values)
    assert fits.frame().index.tolist() == list(range(12)) and isinstance(fits.frame()["well"].dtype, pd.CategoricalDtype)
    assert fits.predict(frame).index.equals(frame.index)
    frame["well"] = [k % 2 or "a" for k in range(len(frame))]
    with pytest.raises(DataError, match="Column 'well' has keys that cannot be sorted"):
        fit_groups(DECAY, frame, "od", P0, by="well")


def test_derivatives_at_a_dose_of_zero() -> None:
    """In some groups only: each result equals that of the group alone, bit by bit."""
    draw = np.random.default_rng(4)
    text, start = "v * x**n / (k**n + x**n)", [2.0, 3.0, 1.0]
    x = np.broadcast_to([0, 0.1, 0.3, 1, 3, 10, 30, 100.0], (10, 8)).copy()
    x[::2, 0] = 0.01
    v, k, n = (draw.uniform(*limits, (10, 1)) for limits in ((1, 3), (1, 5), (0.8, 2)))
    y = v * x**n / (k**n + x**n) + 0.02 * draw.normal(size=x.shape)
    fits = fit_groups(text, x, y, start)
    for g in range(10):
        np.testing.assert_allclose(fits.values[g], alone(text, x[g], y[g], start).values, rtol=1e-9)
        np.testing.assert_array_equal(fits.values[g], fit_groups(text, x[g : g + 1], y[g : g + 1], start).values[0])


@pytest.mark.parametrize("unit_of_y", [1e-150, 1e-100, 1e100])
@pytest.mark.parametrize("unit_of_t", [1e-100, 1e100])
def test_errors_whatever_the_units(unit_of_y: float, unit_of_t: float) -> None:
    """The squares of the derivatives overflow here."""
    y = 2.0 * np.exp(-np.array([[0.5], [0.9]]) * T) + np.random.default_rng(0).normal(0, 0.02, (2, 30))
    plain = fit_groups("a * exp(-k * t)", {"t": T}, y, p0=[1, 1])
    units = np.array([unit_of_y, 1 / unit_of_t])
    found = fit_groups("a * exp(-k * t)", {"t": T * unit_of_t}, y * unit_of_y, p0=units)
    np.testing.assert_allclose(found.values / units, plain.values, rtol=1e-12)
    np.testing.assert_allclose(found.stderr / units, plain.stderr, rtol=1e-12)
    np.testing.assert_allclose(found.covariances[:, 1, 1], found.stderr[:, 1] ** 2, rtol=1e-12)
