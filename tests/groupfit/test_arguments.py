"""Valid and invalid arguments of fit_groups: correct results, or an error that says what to do."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad import fit_groups
from jitgrad.errors import ArgumentError, DataError, FitError, FormulaError, UnsupportedError

DECAY = "a * exp(-k * t) + c"
P0 = [2.0, 0.7, 0.3]
T = np.linspace(0, 4, 20)
Y = np.stack([(2 + g) * np.exp(-(0.5 + 0.2 * g) * T) + 0.3 + 0.02 * np.sin(7 * T + g) for g in range(4)])
G = np.repeat(np.arange(4), 20)
DATA = pl.DataFrame({"g": G, "t": np.tile(T, 4), "y": Y.ravel()})
ALL = fit_groups(DECAY, DATA, "y", P0, by="g")


def fits(data: Any = DATA, p0: Any = P0, **options: Any) -> Any:
    return fit_groups(DECAY, data, "y", p0, **{"by": "g"} | options)


def with_key(values: Any, **options: Any) -> pl.DataFrame:
    return DATA.with_columns(pl.Series("g", values, **options))


@pytest.mark.parametrize("name", ["reason", "__row", "__row_of_group"])
def test_keys_with_names_that_are_taken(name: str) -> None:
    with pytest.raises(ArgumentError, match=rf"^The key '{name}' has a name that is reserved. Rename it.$"):
        fits(DATA.rename({"g": name}), by=name)


@pytest.mark.parametrize("by", [0, G, DATA["g"], [0], 2.5, ["g", None]])
def test_keys_that_are_not_names(by: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^by is .*. Give the names of columns, as texts.$"):
        fits(by=by)


@pytest.mark.parametrize("y", [DATA["y"], Y.ravel(), ["y"], 2])
def test_a_response_that_is_not_a_name(y: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^y is .*, but the data are a frame. Give the name of a column.$"):
        fit_groups(DECAY, DATA, y, P0, by="g")


def test_keys_that_have_no_order() -> None:
    for values in ([[int(g)] for g in G], [{"a": int(g)} for g in G]):
        with pytest.raises(DataError, match=r"^Column 'g' has keys that cannot be sorted"):
            fits(with_key(values))
    objects = with_key(np.array([1j * g for g in G], object), dtype=pl.Object)
    with pytest.raises(DataError, match=r"^Column 'g' has keys that cannot be sorted"):
        fits(objects)


def test_mappings_of_lists() -> None:
    """A dict is a frame, with dates, text and missing values."""
    days = [datetime.date(2020, 1, 1 + int(g)) for g in G]
    names = [["b", None, "c", "é"][g] for g in G]
    plain = {"t": np.tile(T, 4).tolist(), "y": Y.ravel().tolist()}
    found = fits({"g": days} | plain)
    assert found.frame()["g"].to_list() == sorted(set(days)) and np.array_equal(found.values, ALL.values)
    assert fits({"g": names} | plain).frame()["g"].to_list() == ["b", "c", "é"]
    with pytest.raises(DataError, match=r"^The columns have different lengths: .*Give all columns the same number of rows.$"):
        fits({"g": days[1:]} | plain)


def test_columns_of_one_name() -> None:
    pd = pytest.importorskip("pandas", reason="frames of pandas may have a name twice")
    frame = pd.DataFrame(np.column_stack([G, np.tile(T, 4), Y.ravel(), Y.ravel()]), columns=["g", "t", "y", "y"])
    with pytest.raises(DataError, match=r"^The data have several columns named 'y'. Rename them.$"):
        fits(frame)


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt64, pl.Float32, pl.String, pl.Datetime, pl.Duration, pl.Categorical])
def test_starting_values_by_keys(dtype: Any) -> None:
    """Keys of any type are matched with those of starting values and predictions."""
    texts = dtype in (pl.String, pl.Categorical)
    keys = pl.Series("g", G).cast(pl.String if texts else dtype).cast(dtype)
    data = DATA.with_columns(keys)
    starts = data[::20].select("g", a=pl.lit(2.0), k=pl.lit(0.7), c=pl.lit(0.3))[::-1]
    found = fits(data, starts)
    assert np.array_equal(found.values, ALL.values)
    assert np.array_equal(found.predict(data)["predicted"].to_numpy(), ALL.predict(DATA)["predicted"].to_numpy())


def test_keys_of_another_type_are_matched_by_what_they_say() -> None:
    def held(keys: list[Any]) -> list[str]:
        return list(fits(fixed=pl.DataFrame({"g": keys, "c": [0.3] * len(keys)})).status)

    some = ["converged", "converged", "no start", "no start"]
    assert held([1.0, 0.0]) == held(["0", "1"]) == held([0, 1]) == some
    assert held([0.5, 1.0, 0.0]) == some  # a half is not 0
    assert held([None, 1.0, 0.0]) == some and held([float("nan"), 1.0, 0.0]) == some
    assert held(["0", "1", "x"]) == some
    tenths = DATA.with_columns((pl.col("g") / 10).cast(pl.Float32))
    assert list(fits(tenths, fixed=pl.DataFrame({"g": [0.1, 0.0], "c": [0.3, 0.3]})).status) == some  # in float64
    message = r"^Column 'g' of fixed has keys of type .*, but the data have .*. Convert one of them.$"
    for keys in (["x", "y"], [0.5], [datetime.date(2020, 1, 1)], [[1]]):
        with pytest.raises(DataError, match=message):
            held(keys)


def test_predictions_of_fits_of_no_rows() -> None:
    pd = pytest.importorskip("pandas", reason="an empty column of pandas has lost its type")
    said = fits().predict(pd.DataFrame({"g": [], "t": [], "y": []}))
    assert list(said.columns) == ["g", "t", "y", "predicted"] and len(said) == 0


@pytest.mark.parametrize("p0", [1.0, "a", True])
def test_starting_values_that_are_not_several(p0: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^p0 is .*. Give a sequence of numbers, or a dict by name.$"):
        fits(p0=p0)


def test_a_column_that_is_a_start_and_in_the_formula() -> None:
    """It is a column, not a parameter that is searched for."""
    data = DATA.with_columns(od0=pl.col("y").max().over("g"))
    found = fit_groups("a * exp(-k * t) + c * od0", data, "y", {"a": "od0", "k": 1.0, "c": 0.0}, by="g")
    assert found.names == ["a", "k", "c"] and found.converged.all()
    expected = ALL.parameters["c"] / Y.max(axis=1)
    np.testing.assert_allclose(found.parameters["c"], expected, rtol=1e-7)
    own = DATA.with_columns(a=2.0 + pl.col("g"))  # the starts of a parameter of its name
    np.testing.assert_allclose(fits(own, {"a": "a", "k": 1.0, "c": 0.0}).values, ALL.values, rtol=1e-7)


def test_bounds_as_a_pair_of_mappings() -> None:
    pair = fits(p0=[2.0, 0.4, 0.3], bounds=({"k": 0.0}, {"k": 0.8}))
    pairs = fits(p0=[2.0, 0.4, 0.3], bounds={"k": (0.0, 0.8)})
    assert np.array_equal(pair.values, pairs.values) and pair.converged.all() and pair.parameters["k"][3] == 0.8
    with pytest.raises(ArgumentError, match=r"There is no parameter 'q' for bounds"):
        fits(bounds=({"q": 0.0}, {}))


def test_bounds_that_are_a_frame() -> None:
    with pytest.raises(ArgumentError, match=r"^bounds is a frame. Give \(low, high\), each a number or a sequence"):
        fits(bounds=pl.DataFrame({"g": [0], "k": [1.0]}))


@pytest.mark.parametrize("fixed", [True, 1.0])
def test_fixed_parameters_that_are_not_names(fixed: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^fixed is .*. Give names of parameters, or a dict of values by name.$"):
        fits(fixed=fixed)


@pytest.mark.parametrize("shared", [True, 1.0])
def test_shared_parameters_that_are_not_names(shared: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^shared is .*. Give names of parameters.$"):
        fits(shared=shared)


def test_nan_is_counted() -> None:
    data = DATA.with_columns(y=pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise("y"))
    with pytest.raises(DataError, match=r"^Column 'y' has nan in 1 row. Remove it, or set nan_policy='omit'.$"):
        fits(data, nan_policy="raise")


def test_masked_values_are_missing() -> None:
    """In y, x and sigma: by default their curve fails, and the data under the mask are not used."""
    mask = np.zeros(Y.shape, bool)
    mask[1, 3:5] = True
    masked = np.ma.array(np.where(mask, 1e6, Y), mask=mask)
    formula = DECAY.replace("t", "x")
    plain = fit_groups(formula, T, Y, P0)
    expected = fit_groups(formula, np.delete(T, [3, 4]), np.delete(Y, [3, 4], axis=1), P0)
    own = np.ma.array(np.broadcast_to(T, Y.shape), mask=mask)
    sigma = np.ma.array(np.full(Y.shape, 0.5), mask=mask)
    for x, y, s in ((T, masked, None), (own, Y, None), (T, Y, sigma)):
        found = fit_groups(formula, x, y, P0, s)
        assert found.converged.tolist() == [True, False, True, True]
        np.testing.assert_allclose(found.values[[0, 2, 3]], plain.values[[0, 2, 3]], rtol=1e-9)
        omitted = fit_groups(formula, x, y, P0, s, nan_policy="omit")
        np.testing.assert_allclose(omitted.values[1], expected.values[1], rtol=1e-9)
        assert omitted.n_rows.tolist() == [20, 18, 20, 20]
        with pytest.raises(DataError, match=r"has nan in 2 rows"):
            fit_groups(formula, x, y, P0, s, nan_policy="raise")


def test_one_curve_alone() -> None:
    """A y of one axis is one group, without a leading shape."""
    formula = DECAY.replace("t", "x")
    alone = fit_groups(formula, T, Y[1], P0)
    assert alone.values.shape == (3,) and alone.status.shape == () and alone.r2.shape == ()
    np.testing.assert_array_equal(alone.values, fit_groups(formula, T, Y, P0).values[1])
    assert alone.frame().height == 1 and alone.frame().columns[0] == "a" and alone.failures.height == 0
    assert alone[()].parameters["a"] == alone.values[0] and alone.covariance(()).shape == (3, 3)
    np.testing.assert_array_equal(alone.predict(), alone.predict(T))
    assert "1 group" in repr(alone)
    assert alone.refit("converged").converged.all()


def test_rows_that_are_not_the_last_axis() -> None:
    with pytest.raises(
        DataError, match=r"Column 'x' has shape \(20,\), but y has \(20, 4\). Move the rows to the last axis of y"
    ):
        fit_groups(DECAY.replace("t", "x"), T, Y.T, P0)


def test_a_function_of_several_columns_by_default() -> None:
    """The error for a function of one column that gets all others."""
    data = DATA.with_columns(u=1.0)

    def decay(t: Any, a: Any, k: Any, c: Any) -> Any:
        return a * np.exp(-k * t) + c

    with pytest.raises(UnsupportedError, match=r"It is given a dict of the columns t, u: name one by x= for an array."):
        fit_groups(decay, data, "y", P0, by="g")
    found = fit_groups(decay, data, "y", P0, by="g", x="t")
    np.testing.assert_allclose(found.values, ALL.values, rtol=1e-9)


def test_formulas_as_in_r() -> None:
    with pytest.raises(FormulaError, match=r"has a tilde, at character 3. Write the right-hand side only"):
        fit_groups("y ~ a * exp(-k * t) + c", DATA, "y", P0, by="g")


@pytest.mark.parametrize("sigma", [0, -1.0, float("nan"), Y.ravel(), [1.0, 2.0]])
def test_one_sigma_that_is_not_positive(sigma: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^sigma is "):
        fits(sigma=sigma)


def test_frames_that_are_changed_afterwards() -> None:
    """A result keeps the rows that were fitted."""
    pd = pytest.importorskip("pandas", reason="its frames can be changed in place")
    frame = pd.DataFrame({"g": G, "t": np.tile(T, 4), "y": Y.ravel()})
    found = fits(frame)
    r2 = found[1].r2
    frame.loc[:, "y"] = 0.0
    assert found[1].r2 == r2 and found.rows(1)[1].tolist() == Y[1].tolist()


def test_starts_of_a_refit_that_are_not_kept() -> None:
    with pytest.raises(DataError, match=r"^Column 't' is not stored with the fits. Give numbers, an array, or a frame by key"):
        ALL.refit([0], starts={"a": "t"})


def test_predictions_for_one_number() -> None:
    for x in (1.0, {"t": 1.0}):
        with pytest.raises(DataError, match=r"^x is not an array. Give an array whose last axis is the rows of a curve"):
            ALL.predict(x)


def test_pages_of_no_columns() -> None:
    pytest.importorskip("matplotlib", reason="pictures need it")
    with pytest.raises(ArgumentError, match=r"^columns is 0. Give at least 1.$"):
        ALL.plot(columns=0)


def test_what_a_failed_group_says() -> None:
    found = fits(DATA.with_columns(y=pl.when(pl.col("g") == 2).then(None).otherwise("y")))
    with pytest.raises(
        FitError, match=r"^Group g=2 was not fitted: the data contain nan or inf, or their squares overflow; nan_policy"
    ):
        found[2]


def test_a_refit_keeps_what_is_fixed() -> None:
    """Also if its starting values do not contain it."""
    found = fits(p0=[2.0, 0.7, 0.3], fixed=["c"])
    again = found.refit([0, 1], starts={"a": 1.0, "k": 1.0})
    assert again.converged.all() and (again.parameters["c"] == 0.3).all()
    np.testing.assert_allclose(again.values, found.values, rtol=1e-9)
    np.testing.assert_array_equal(found.refit([0], starts=[2.0, 0.7, 9.0]).parameters["c"], 0.3)


def test_frames_of_dask() -> None:
    dd = pytest.importorskip("dask.dataframe", reason="Dask is not installed")
    pd = pytest.importorskip("pandas", reason="Dask's frames are made of its own")
    frame = dd.from_pandas(pd.DataFrame({"g": G, "t": np.tile(T, 4), "y": Y.ravel()}), npartitions=1)
    with pytest.raises(DataError, match=r"Compute it, or use jitgrad.distributed.dask.$"):
        fits(frame)
