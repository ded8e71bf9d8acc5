"""The methods of GroupFits, and arguments by group."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.optimize

from jitgrad import curve_fit, fit_groups
from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.many import StoppedError
from jitgrad.errors import ArgumentError, DataError, FitWarning
from jitgrad.groupfit import GroupFits, solving
from jitgrad.groupfit.job import make_job
from jitgrad.groupfit.predict import predict_groups
from tests.groupfit.test_fit_groups import DECAY, KEYS, P0, T, wells

DATA = wells()
IMAGE = 2 * np.exp(-np.linspace(0.5, 2, 6).reshape(2, 3, 1) * T) + 0.5 + 0.02 * np.random.default_rng(1).normal(size=(2, 3, 30))
OF_X = "a * exp(-k * x) + c"


@functools.cache
def whole() -> GroupFits:
    """Return the fits of all wells."""
    fits: GroupFits = fit_groups(DECAY, DATA, "od", P0, by=KEYS)
    return fits


# What is given by group.


def test_starts_by_key_by_column_and_as_arrays_are_the_same() -> None:
    starts = whole().values * np.random.default_rng(2).uniform(0.7, 1.3, whole().values.shape)
    by_key = whole().frame().select(KEYS).hstack(pl.DataFrame(starts, schema=["a", "k", "c"]))
    expected = fit_groups(DECAY, DATA, "od", starts, by=KEYS).frame()
    assert fit_groups(DECAY, DATA, "od", by_key.sample(fraction=1, shuffle=True, seed=0), by=KEYS).frame().equals(expected)
    named = DATA.join(by_key.rename({"a": "a0", "k": "k0", "c": "c0"}), on=KEYS)
    columns = {"a": "a0", "k": "k0", "c": "c0"}
    assert fit_groups(DECAY, named, "od", columns, by=KEYS, x="t").frame().equals(expected)
    mixed = {"a": starts[:, 0], "k": "k0", "c": 0.5}
    found = fit_groups(DECAY, named, "od", mixed, by=KEYS, x="t")
    np.testing.assert_allclose(found.values, whole().values, rtol=1e-7)
    for i, start in enumerate(starts):
        one = curve_fit(DECAY, DATA.filter(**whole().keys.row(i, named=True)), "od", start)
        np.testing.assert_allclose(expected.select("a", "k", "c").row(i), one.values, rtol=1e-9)


def test_starts_that_are_missing_are_searched_for() -> None:
    by_key = whole().frame().select(*KEYS, "a", "k", "c")[:5]
    found = fit_groups(DECAY, DATA, "od", by_key, by=KEYS)
    assert found.converged.all()
    np.testing.assert_allclose(found.values, whole().values, rtol=1e-7)
    np.testing.assert_allclose(fit_groups(DECAY, DATA, "od", {"k": 1.0}, by=KEYS).values, whole().values, rtol=1e-7)


def test_fixed_values_and_bounds_by_group() -> None:
    values = whole().values
    fixed = whole().frame().select(*KEYS, "c")
    found = fit_groups(DECAY, DATA, "od", P0, by=KEYS, fixed=fixed)
    np.testing.assert_allclose(found.values, values, rtol=1e-6)
    assert (found.stderr[:, 2] == 0).all() and (found.stderr[:, :2] < whole().stderr[:, :2]).all()
    high = {"k": (None, 0.9 * values[:, 1])}
    found = fit_groups(DECAY, DATA, "od", 0.8 * values, by=KEYS, bounds=high)
    np.testing.assert_array_equal(found.values[:, 1], 0.9 * values[:, 1])
    assert found[3].at_bounds == ["k"] and "12 groups ended at a bound" in repr(found)
    by_key = whole().frame().select(*KEYS, pl.col("k") * 0.9)
    again = fit_groups(DECAY, DATA, "od", 0.8 * values, by=KEYS, bounds=(-np.inf, by_key))
    assert again.frame().equals(found.frame())


def test_arrays_by_curve() -> None:
    expected = fit_groups(OF_X, T, IMAGE, P0)
    starts = np.broadcast_to(P0, (2, 3, 3))
    np.testing.assert_array_equal(fit_groups(OF_X, T, IMAGE, starts).values, expected.values)
    named = {"a": 1.0, "k": np.ones((2, 3)), "c": 1.0}
    np.testing.assert_array_equal(fit_groups(OF_X, T, IMAGE, named).values, expected.values)
    own = fit_groups(OF_X, np.broadcast_to(T, IMAGE.shape), IMAGE, P0, np.full(30, 0.02), True)
    np.testing.assert_allclose(own.values, expected.values, rtol=1e-9)
    one = fit_groups(OF_X, T, IMAGE[1, 2], P0)
    assert one.values.shape == (3,) and one.status == "converged" and len(one) == 1
    np.testing.assert_array_equal(one.values, expected.values[1, 2])


# Results.


def test_what_the_model_says() -> None:
    said = whole().predict(DATA.reverse())
    assert said.columns == [*DATA.columns, "predicted"] and said.drop("predicted").equals(DATA.reverse())
    for i in (0, 7):
        keys = whole().keys.row(i, named=True)
        mine = said.filter(**keys)["predicted"].to_numpy()[::-1]
        np.testing.assert_allclose(mine, whole()[i].predict(), rtol=1e-13)
    x = np.linspace(0, 2, 7)
    np.testing.assert_allclose(whole().predict(x)[4], whole()[4].predict(x), rtol=1e-13)
    np.testing.assert_array_equal(whole().predict({"t": x}), whole().predict(x))
    unknown = DATA[:3].with_columns(well=pl.lit("none"), od=None)
    assert np.isnan(whole().predict(unknown)["predicted"].to_numpy()).all()
    job = make_job(DECAY, DATA.columns, by=KEYS, y="od")
    assert job.predict(DATA, whole().frame()).equals(whole().predict(DATA))
    with pytest.raises(DataError, match="already have a column 'predicted'"):
        whole().predict(said)
    with pytest.raises(ArgumentError, match="have different rows"):
        whole().predict()


def test_what_the_model_says_of_images() -> None:
    fits = fit_groups(OF_X, T, IMAGE, P0)
    np.testing.assert_allclose(fits.predict()[1, 0], fits[1, 0].predict(), rtol=1e-13)
    np.testing.assert_allclose(fits.predict([0.0, 1.0])[1, 0], fits[1, 0].predict(np.array([0.0, 1.0])), rtol=1e-13)
    assert fits.predict(np.zeros((2, 3, 4))).shape == (2, 3, 4)


def test_groups_of_many_rows_and_models_of_whole_groups_predict() -> None:
    x = np.linspace(0, 1, 20_001)
    of_all = fit_groups("a * x + b * mean(x)", x, np.array([2 * x + 1, x]), [1.0, 1.0])
    np.testing.assert_allclose(of_all.predict(), [2 * x + 1, x], atol=1e-12)
    by_rows = fit_groups("a * x + b", x, np.array([2 * x + 1, x]), [1.0, 1.0])
    np.testing.assert_allclose(by_rows.predict(), [2 * x + 1, x], atol=1e-12)
    none = Groups([np.empty(0)], np.empty(0), None, np.zeros((2, 2), np.uint64))
    assert predict_groups(by_rows.job.curve, none, np.ones((2, 2))).shape == (0,)


def test_groups_are_fitted_again() -> None:
    few = fit_groups(DECAY, DATA, "od", P0, by=KEYS, max_nfev=4)
    assert not few.converged.any()
    bad = fit_groups(DECAY, DATA, "od", [1.0, 1e4, 1.0], by=KEYS)
    assert not bad.converged.all()
    for where in (sorted(set(bad.status[~bad.converged].tolist())), ~bad.converged, np.flatnonzero(~bad.converged)):
        again = bad.refit(where)
        assert again.converged.all() and again is not bad and not bad.converged.all()
        np.testing.assert_allclose(again.values, whole().values, rtol=1e-7)
    some = bad.refit([3, 1], starts=whole().values[[3, 1]])
    np.testing.assert_allclose(some.values[[1, 3]], whole().values[[1, 3]], rtol=1e-9)
    np.testing.assert_array_equal(np.delete(some.values, [1, 3], 0), np.delete(bad.values, [1, 3], 0))
    for where, said in [
        ("singlar", "Did you mean 'singular'"),
        ([99], "out of range for 12 groups"),
        (2.5, "Give a status, a mask"),
    ]:
        with pytest.raises(ArgumentError, match=said):
            bad.refit(where)


def test_images_are_fitted_again() -> None:
    fits = fit_groups(OF_X, T, IMAGE, P0)
    again = fits.refit(fits.r2 < 2, starts=[2.0, 1.0, 0.4])
    np.testing.assert_allclose(again.values, fits.values, rtol=1e-7)


@pytest.mark.parametrize("kind", ["given", "searched"])
def test_what_is_done_is_kept_when_it_is_interrupted(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    solve, search = solving.solve_many, solving.search_groups

    def solve_some(*args: Any, **options: Any) -> Any:
        solution = solve(*args, **options)
        for array in solution:
            array[5:] = 0
        raise StoppedError(solution)

    def search_none(*args: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(solving, "solve_many", solve_some)
    monkeypatch.setattr(solving, "search_groups", search_none)
    done = 5 if kind == "given" else 0
    with pytest.warns(FitWarning, match=rf"Interrupted: {done} of 12 groups were fitted\. Call refit\('interrupted'\)"):
        fits = fit_groups(DECAY, DATA, "od", P0 if done else None, by=KEYS)
    assert fits.status.tolist() == ["converged"] * done + ["interrupted"] * (12 - done)
    monkeypatch.setattr(solving, "solve_many", solve)
    monkeypatch.setattr(solving, "search_groups", search)
    expected = whole() if done else fit_groups(DECAY, DATA, "od", by=KEYS)
    assert fits.refit("interrupted").frame().equals(expected.frame())


def test_progress_shows_groups_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    fit_groups(DECAY, DATA, "od", P0, by=KEYS, progress=True)
    captured = capsys.readouterr()
    assert "groups 12/12" in captured.err and "100%" in captured.err and not captured.out


def test_a_summary() -> None:
    data = pl.concat([DATA, DATA[:2].with_columns(well=pl.lit("w99"))])
    fits = fit_groups(DECAY, data, "od", P0, by=KEYS)
    lines = repr(fits).splitlines()
    assert lines[0] == f"{DECAY} by plate, well: 13 groups, {len(data)} rows"
    assert lines[1] == "12 converged; 1 failed: 1 too few rows"
    assert lines[2].split() == ["parameter", "25%", "median", "75%"]
    assert float(lines[4].split()[2]) == pytest.approx(np.median(whole().values[:, 1]), rel=1e-4)
    worse = fit_groups("a * t", DATA, "od", [1.0], by=KEYS)
    assert repr(worse).splitlines()[1] == "0 converged; 12 failed: 12 worse than a constant"
    assert np.isnan(worse.values).all() and "worse than a constant" in worse[0].message and worse[0].r2 < 0


def test_places_in_an_image() -> None:
    fits = fit_groups(OF_X, T, IMAGE, P0)
    np.testing.assert_array_equal(fits[-1, 2].values, fits.values[1, 2])
    with pytest.raises(ArgumentError, match=r"The groups have shape \(2, 3\)\. Give one index for each axis"):
        fits[1]
    with pytest.raises(IndexError):
        fits[2, 0]


def test_parameters_that_all_groups_share() -> None:
    """Compared with SciPy, with one parameter per group and one for all."""
    y, flat = IMAGE.reshape(6, 30), ["a", "c"]
    fits = fit_groups(OF_X, T, y, shared="k")

    def all_of_them(_: Any, *p: float) -> Any:
        return (np.array(p[:6])[:, None] * np.exp(-p[12] * T) + np.array(p[6:12])[:, None]).ravel()

    expected, covariance = scipy.optimize.curve_fit(all_of_them, np.zeros(180), y.ravel(), [1.0] * 13, xtol=1e-14, ftol=1e-14)
    errors = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(fits.values[:, 1], expected[12], rtol=1e-6)
    np.testing.assert_allclose(fits.stderr[:, 1], errors[12], rtol=1e-5)
    for k, name in enumerate(flat):
        np.testing.assert_allclose(fits.parameters[name], expected[6 * k : 6 * k + 6], rtol=1e-6)
        np.testing.assert_allclose(fits.stderr[:, 2 * k], errors[6 * k : 6 * k + 6], rtol=1e-5)
    assert fits[2].dof == 180 - 13 and fits[2].redchi == pytest.approx(fits.chisqr[2] / 167)
    np.testing.assert_allclose(fits[2].stderr, fits.stderr[2], rtol=1e-12)
    np.testing.assert_allclose(fits[2].covariance, fits.covariance(2), rtol=1e-12)
    given = fit_groups(OF_X, T, y, [2.0, 1.0, 0.5], shared=["k"])
    np.testing.assert_allclose(given.values, fits.values, rtol=1e-7)
    with pytest.raises(ArgumentError, match="The groups share k and are fitted together"):
        fits.refit([1])


def test_models_that_know_how_many_rows_there_are_predict() -> None:
    weights = np.arange(30.0) ** 2
    noise = 0.1 * np.random.default_rng(6).normal(size=(4, 30))
    for function in (lambda x, a, k: a * np.exp(-k * x) / x.shape[0], lambda x, a, k: a * x + k * weights):
        y = noise + function(T, 60.0, 0.5)
        fits = fit_groups(function, T, y, [1.0, 1.0])
        for g in range(4):
            np.testing.assert_allclose(fits.predict()[g], fits[g].predict(), rtol=1e-12)
    ragged = fit_groups(lambda t, a, k: a * np.exp(-k * t) / t.shape[0], DATA, "od", [1.0, 1.0], "s", by=KEYS, x="t")
    for g in range(12):
        one = ragged[g]
        np.testing.assert_allclose(ragged.predict(DATA.filter(**ragged.keys.row(g, named=True)))["predicted"], one.predict())
        assert one.r2 == pytest.approx(ragged.r2[g], rel=1e-9)
