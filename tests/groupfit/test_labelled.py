"""Fits along dimensions of DataArrays, compared with ``DataArray.curvefit``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.errors import ArgumentError, FitError, JitgradError
from jitgrad.groupfit.fit import fit_groups

xr = pytest.importorskip("xarray", reason="xarray is not installed")

FORMULA = "a * exp(-k * time) + c"
START = {"a": 2.0, "k": 1.0, "c": 0.0}
TIMES = np.linspace(0, 4, 20)


def decay(t: Any, a: Any, k: Any, c: Any) -> Any:
    return a * np.exp(-k * t) + c


@pytest.fixture
def images(draw: np.random.Generator) -> Any:
    """A series of images of 4 by 3 pixels, each with its own decay rate."""
    a, k = draw.uniform(1, 3, (4, 3, 1)), draw.uniform(0.5, 2, (4, 3, 1))
    values = decay(TIMES, a, k, 0.1) + 0.01 * draw.normal(size=(4, 3, 20))
    coords = {"y": np.arange(4), "x": [0.5, 1.5, 2.5], "time": TIMES}
    return xr.DataArray(values, coords, ("y", "x", "time")).transpose("time", "y", "x")


def test_names_and_values_are_those_of_curvefit(images: Any) -> None:
    ours, theirs = fit_groups(decay, images, coords="time", p0=START), images.curvefit("time", decay, p0=START)
    assert dict(ours.coords).keys() == dict(theirs.coords).keys()
    for name in theirs:
        assert ours[name].dims == theirs[name].dims
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-3, atol=1e-8)
    alone = jg.curve_fit(FORMULA, {"time": TIMES}, images[:, 2, 1].values, START)
    of_one = ours.isel(y=2, x=1)
    np.testing.assert_allclose(of_one.curvefit_coefficients, alone.values, rtol=1e-9)
    np.testing.assert_allclose(of_one.curvefit_covariance, alone.covariance, rtol=1e-7)
    np.testing.assert_allclose(of_one.curvefit_stderr, alone.stderr, rtol=1e-7)
    assert (of_one.curvefit_status, of_one.curvefit_rows) == ("converged", 20)
    np.testing.assert_allclose([of_one.curvefit_chisqr, of_one.curvefit_r2], [alone.chisqr, alone.r2], rtol=1e-9)


def test_a_formula_has_the_names_of_coordinates(images: Any) -> None:
    assert fit_groups(FORMULA, images, coords="time", p0=START).identical(fit_groups(decay, images, coords="time", p0=START))


def test_blocks_of_dask_are_fitted_when_they_are_asked_for(images: Any) -> None:
    pytest.importorskip("dask.array", reason="Dask is not installed")
    start = {**START, "k": xr.DataArray(np.linspace(0.5, 2, 4), dims="y")}
    bounds = {"c": (0, 1), "k": (xr.zeros_like(images[0]), None)}
    whole = fit_groups(FORMULA, images, coords="time", p0=start, bounds=bounds)
    lazy = fit_groups(FORMULA, images.chunk({"y": 3, "x": 2}), coords="time", p0=start, bounds=bounds)
    assert all(lazy[name].chunks[:2] == ((3, 1), (2, 1)) for name in lazy)
    assert lazy.compute(scheduler="threads", num_workers=2).identical(whole)


def test_starts_and_bounds_may_be_of_each_fit(images: Any) -> None:
    tops = xr.DataArray([0.3, 9.0, 9.0, 9.0], {"y": np.arange(4)}, "y")
    fits = fit_groups(FORMULA, images, coords="time", p0={**START, "k": tops / 2}, bounds={"k": (0.1, tops)})
    rates = fits.curvefit_coefficients.sel(param="k")
    assert (rates[0] == 0.3).all() and (rates[1:] > 0.3).all()
    free = fit_groups(FORMULA, images, coords="time", p0=START)
    np.testing.assert_allclose(fits.curvefit_coefficients[1:], free.curvefit_coefficients[1:], rtol=1e-9)


def test_missing_values_are_left_out_and_what_fails_says_why(images: Any) -> None:
    images[3, 0, 0] = np.nan
    images[:, 1, 1] = np.nan
    images[2:, 2, 2] = np.nan
    fits = fit_groups(FORMULA, images, coords="time", p0=START)
    assert fits.curvefit_status.values[[0, 1, 2], [0, 1, 2]].tolist() == ["converged", "too few rows", "too few rows"]
    assert fits.curvefit_rows.values[[0, 1, 2, 3], [0, 1, 2, 0]].tolist() == [19, 0, 2, 20]
    assert np.isnan(fits.curvefit_covariance[1, 1]).all() and np.isnan(fits.curvefit_coefficients[2, 2]).all()
    kept = fit_groups(FORMULA, images, coords="time", p0=START, skipna=False)
    assert kept.curvefit_status.values[[0, 1, 2], [0, 1, 2]].tolist() == ["not finite"] * 3
    with pytest.raises(FitError, match=r"2 of 12 fits failed: 2 too few rows\. Set errors='ignore'"):
        fit_groups(FORMULA, images, coords="time", p0=START, errors="raise")


def test_several_coordinates_and_reduced_dimensions(images: Any) -> None:
    def plane(place: Any, a: Any, b: Any, c: Any) -> Any:
        y, x = place
        return a + b * y + c * x

    by_formula = fit_groups("a + b * y + c * x", images, coords=["y", "x"], p0={"a": 0, "b": 0, "c": 0})
    by_function = fit_groups(plane, images, coords=["y", "x"], p0={"a": 0, "b": 0, "c": 0})
    theirs = images.curvefit(["y", "x"], plane)
    assert by_function.identical(by_formula)
    assert by_formula.curvefit_coefficients.dims == ("time", "param")
    np.testing.assert_allclose(by_formula.curvefit_coefficients, theirs.curvefit_coefficients, rtol=1e-5, atol=1e-7)
    rows = fit_groups(FORMULA, images, coords="time", reduce_dims="x", p0=START)
    assert rows.curvefit_rows.dims == ("y",) and (rows.curvefit_rows == 60).all()


def test_each_fit_may_have_a_coordinate_of_its_own(images: Any) -> None:
    delays = xr.DataArray([0.0, 0.1, 0.2, 0.3], {"y": np.arange(4)}, "y")
    since = (images.time + delays).rename("since")
    fits = fit_groups("a * exp(-k * since) + c", images, coords=since, reduce_dims="time", p0=START)
    plain = fit_groups(FORMULA, images, coords="time", p0=START).curvefit_coefficients
    late = fits.curvefit_coefficients
    np.testing.assert_allclose(late.sel(param="k"), plain.sel(param="k"), rtol=1e-7)
    shifted = plain.sel(param="a") * np.exp(plain.sel(param="k") * delays)
    np.testing.assert_allclose(late.sel(param="a"), shifted.transpose(*late.sel(param="a").dims), rtol=1e-7)


def test_sigma_weighs_values(images: Any) -> None:
    sigma = xr.DataArray(np.where(TIMES < 2, 0.01, 0.1), {"time": TIMES}, "time")
    fits = fit_groups(FORMULA, images, coords="time", p0=START, sigma=sigma, absolute_sigma=True).isel(y=1, x=2)
    alone = jg.curve_fit(FORMULA, {"time": TIMES}, images[:, 1, 2].values, START, sigma.values, True)
    np.testing.assert_allclose(fits.curvefit_coefficients, alone.values, rtol=1e-9)
    np.testing.assert_allclose(fits.curvefit_covariance, alone.covariance, rtol=1e-7)
    one = fit_groups(FORMULA, images, coords="time", p0=START, sigma=0.01, absolute_sigma=True)
    assert (one.curvefit_stderr > 0).all()


def test_what_is_fixed_has_no_covariance(images: Any) -> None:
    fits = fit_groups(FORMULA, images, coords="time", p0=START, fixed={"c": 0.1})
    assert (fits.curvefit_coefficients.sel(param="c") == 0.1).all()
    assert (fits.curvefit_covariance.sel(cov_i="c") == 0).all() and (
        fits.curvefit_covariance.sel(cov_i="a", cov_j="a") > 0
    ).all()


def test_what_is_fixed_by_name_has_its_starting_values(images: Any) -> None:
    held = xr.DataArray([0.0, 0.1, 0.2, 0.3], {"y": np.arange(4)}, "y")
    fits = fit_groups(FORMULA, images, coords="time", p0={**START, "c": held}, fixed=["c"])
    assert (fits.curvefit_coefficients.sel(param="c") == held).all()
    assert (fits.curvefit_stderr.sel(param="c") == 0).all()


def test_starts_that_are_not_given_are_found(images: Any) -> None:
    found, given = fit_groups(FORMULA, images, coords="time"), fit_groups(FORMULA, images, coords="time", p0=START)
    assert (found.curvefit_status == "converged").all()
    np.testing.assert_allclose(found.curvefit_coefficients, given.curvefit_coefficients, rtol=1e-7)
    some = fit_groups(FORMULA, images, coords="time", p0={"k": 1.0})
    np.testing.assert_allclose(some.curvefit_coefficients, given.curvefit_coefficients, rtol=1e-7)


def test_a_parameter_that_all_fits_share_needs_them_in_one_place(images: Any) -> None:
    fits = fit_groups(FORMULA, images, coords="time", p0=START, shared=["c"])
    assert np.ptp(fits.curvefit_coefficients.sel(param="c").values) == 0
    variances = np.diagonal(fits.curvefit_covariance.values, axis1=-2, axis2=-1)
    np.testing.assert_allclose(np.sqrt(variances), fits.curvefit_stderr, rtol=1e-9)
    pytest.importorskip("dask.array", reason="Dask is not installed")
    with pytest.raises(ArgumentError, match="Shared parameters cannot be fitted to lazy data"):
        fit_groups(FORMULA, images.chunk({"y": 2}), coords="time", p0=START, shared=["c"])


def test_a_single_fit_has_no_dimension_of_its_own(images: Any) -> None:
    fits = fit_groups(FORMULA, images[:, 0, 0], coords="time", p0=START)
    assert fits.curvefit_coefficients.dims == ("param",) and fits.curvefit_status.item() == "converged"


def test_a_function_of_any_number_of_parameters_has_names_for_them(images: Any) -> None:
    fits = fit_groups(lambda t, *p: p[0] + p[1] * t, images, coords="time", p0={"a": 1.0, "b": 0.0}, param_names=["a", "b"])
    assert fits.param.values.tolist() == ["a", "b"] and (fits.curvefit_status == "converged").all()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"coords": "tim"}, r"no coordinate 'tim'\. Did you mean 'time'\?"),
        ({"reduce_dims": "z"}, r"no dimension 'z'\. The dimensions are time, y, x"),
        ({"errors": "warn"}, "no errors 'warn'"),
        ({"p0": {"b": 1.0}}, "no parameter 'b' for p0"),
        ({"bounds": {"time": (0, 1)}}, "bounds names 'time', which is a column"),
        ({"p0": {"a": xr.DataArray(np.ones(20), dims="time")}}, "has the dimensions time. Fits have y, x"),
        ({"by": "y"}, "by cannot be used with a DataArray"),
    ],
)
def test_wrong_arguments_are_named(images: Any, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(JitgradError, match=said):
        fit_groups(FORMULA, images, **{"coords": "time", "p0": START, **changes})


def test_a_dataset_and_a_coordinate_of_no_dimension_are_refused(images: Any) -> None:
    with pytest.raises(ArgumentError, match="Give one of its variables"):
        fit_groups(FORMULA, images.to_dataset(name="od"), coords="time")
    with pytest.raises(ArgumentError, match="Name dimensions in reduce_dims"):
        fit_groups("a * since", images, coords=(images.time + images.y).rename("since"))


def test_one_fit_alone_searches_for_its_start(images: Any) -> None:
    """Also if no dimension is left."""
    one = images[:, 2, 1]
    found = fit_groups(FORMULA, one, coords="time")
    assert found.curvefit_coefficients.dims == ("param",) and found.curvefit_status == "converged"
    expected = fit_groups(FORMULA, one, coords="time", p0=START)
    np.testing.assert_allclose(found.curvefit_coefficients, expected.curvefit_coefficients, rtol=1e-6)


def test_no_fits(images: Any) -> None:
    assert fit_groups(FORMULA, images[:, :0], coords="time").sizes == {"y": 0, "x": 3, "param": 3, "cov_i": 3, "cov_j": 3}


def test_fixed_values_go_by_the_names_of_dimensions(images: Any) -> None:
    """In any order, for some of the dimensions, and for blocks."""
    held = xr.DataArray(np.linspace(0, 0.2, 12).reshape(3, 4), dims=("x", "y"))
    found = fit_groups(FORMULA, images, coords="time", p0=START, fixed={"c": held})
    assert (
        found.curvefit_coefficients.sel(param="c")
        .drop_vars("param")
        .equals(held.transpose("y", "x").assign_coords(images[0].coords).drop_vars("time"))
    )
    some = fit_groups(FORMULA, images, coords="time", p0=START, fixed={"c": held[0]})
    assert (some.curvefit_coefficients.sel(param="c") == held[0]).all()
    pytest.importorskip("dask.array", reason="Dask is not installed")
    lazy = fit_groups(FORMULA, images.chunk({"y": 3, "x": 2}), coords="time", p0=START, fixed={"c": held})
    assert lazy.compute().identical(found)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"coords": None}, "fit_groups needs coords= for a DataArray. Name the coordinates that the model takes."),
        ({"p0": [2, 1, 0]}, "p0 is a list, but the data are a DataArray. Give a dict by name."),
        ({"bounds": (0, 1)}, "bounds is a tuple, but the data are a DataArray. Give a dict by name."),
        ({"bounds": {"k": 3}}, "The bounds of 'k' are 3. Give a pair, with None for no bound."),
        ({"p0": {"k": "time"}}, "The value of 'k' is 'time'. Give a number or a DataArray."),
        ({"p0": {"k": np.ones((4, 3))}}, "The value of 'k' is an array without dimension names. Give a number"),
        ({"fixed": {"k": np.ones((4, 3))}}, "The value of 'k' is an array without dimension names"),
        ({"sigma": np.ones(20)}, "sigma is an array without dimension names. Give a number or a DataArray."),
        ({"maxfev": 3}, r"fit_groups\(\) got an unexpected keyword argument 'maxfev'. Did you mean 'max_nfev'?"),
    ],
)  # fmt: skip
def test_what_has_no_dimensions_is_refused(images: Any, changes: dict[str, Any], said: str) -> None:
    given = {"coords": "time"} | changes
    with pytest.raises(JitgradError, match=f"^{said}"):
        fit_groups(FORMULA, images, **{name: value for name, value in given.items() if value is not None})


def test_progress_of_blocks_is_that_of_dask(images: Any, capfd: Any) -> None:
    fit_groups(FORMULA, images, coords="time", p0=START, progress=True)
    assert "12/12" in capfd.readouterr().err
    pytest.importorskip("dask.array", reason="Dask is not installed")
    with pytest.raises(ArgumentError, match=r"^progress=True does not work with Dask data. Use dask.diagnostics.ProgressBar."):
        fit_groups(FORMULA, images.chunk({"y": 3}), coords="time", progress=True)
