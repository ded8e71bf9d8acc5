"""``fit_groups`` beside ``curve_fit``, group by group."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad import curve_fit, fit_groups

T = np.linspace(0, 4, 30)
P0 = [1.0, 1.0, 1.0]
DECAY = "a * exp(-k * t) + c"


def wells(count: int = 12, seed: int = 0) -> pl.DataFrame:
    """Decays with noise, of a few rows more or fewer."""
    draw = np.random.default_rng(seed)
    parts = []
    for g in range(count):
        t = T[: 30 - g % 5]
        od = draw.uniform(1, 3) * np.exp(-draw.uniform(0.5, 2) * t) + 0.5 + 0.05 * draw.normal(size=len(t))
        parts.append(pl.DataFrame({"plate": [g % 3] * len(t), "well": [f"w{g:02d}"] * len(t), "t": t, "od": od}))
    return pl.concat(parts)


def test_every_group_is_as_it_is_alone() -> None:
    data = wells()
    fits = fit_groups(DECAY, data, "od", P0, by="well")
    table = fits.frame()
    assert table["well"].to_list() == sorted(set(data["well"])) and table["status"].to_list() == ["converged"] * 12
    for i, (well,) in enumerate(table.select("well").iter_rows()):
        alone = curve_fit(DECAY, data.filter(pl.col("well") == well), "od", P0)
        np.testing.assert_allclose(fits.values[i], alone.values, rtol=1e-9)
        np.testing.assert_allclose(fits.stderr[i], alone.stderr, rtol=1e-9)
        assert fits.chisqr[i] == pytest.approx(alone.chisqr, rel=1e-9) and fits.r2[i] == pytest.approx(alone.r2, rel=1e-9)
        assert fits.n_rows[i] == alone.n_rows
        np.testing.assert_allclose(fits[i].covariance, alone.covariance, rtol=1e-8)


@pytest.mark.parametrize("by", ["well", ["plate", "well"]], ids=str)
def test_the_order_of_rows_of_different_groups_does_not_matter(by: Any) -> None:
    data = wells()
    fits = fit_groups(DECAY, data, "od", P0, by=by).frame()
    mixed = data.sample(fraction=1, shuffle=True, seed=3).sort("t")  # each group's rows stand as they did
    assert fit_groups(DECAY, mixed, "od", P0, by=by).frame().equals(fits)


def test_arrays_give_arrays() -> None:
    draw = np.random.default_rng(1)
    y = 2 * np.exp(-draw.uniform(0.5, 2, (2, 3, 1)) * T) + 0.5 + 0.05 * draw.normal(size=(2, 3, 30))
    fits = fit_groups("a * exp(-k * x) + c", T, y, P0)
    assert fits.values.shape == fits.stderr.shape == (2, 3, 3) and fits.r2.shape == (2, 3)
    alone = curve_fit("a * exp(-k * x) + c", T, y[1, 2], P0)
    np.testing.assert_allclose(fits.values[1, 2], alone.values, rtol=1e-9)
    np.testing.assert_allclose(fits[1, 2].stderr, alone.stderr, rtol=1e-9)
    own = fit_groups("a * exp(-k * x) + c", np.broadcast_to(T, y.shape), y, P0)
    np.testing.assert_array_equal(own.values, fits.values)
