"""Pictures of many fits: their groups, curves, reasons and ranges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad import curve_fit, fit_groups, pictures
from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.groupfit import GroupFits

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

X = np.linspace(0, 4, 9)
FAILED = {5: "too few rows", 11: "not finite"}


@pytest.fixture(scope="module")
def fits() -> GroupFits:
    """Twenty decays by two keys with increasing noise; one has two rows, one is nan."""
    draw = np.random.default_rng(3)
    frames = []
    for g in range(20):
        y = (1 + g) * np.exp(-0.5 * X) + 0.01 * (1 + g) * draw.normal(size=len(X)) * (1 + g)
        rows = {"plate": f"P{g // 10}", "well": g, "t": X, "od": np.full(len(X), np.nan) if g == 11 else y}
        frames.append(pl.DataFrame(rows)[: 2 if g == 5 else None])
    return fit_groups("a * exp(-b * t) + c", pl.concat(frames), "od", by=["plate", "well"], p0={"a": 5, "b": 1, "c": 0})


@pytest.fixture(scope="module")
def image() -> GroupFits:
    """Straight lines by pixel, 4 × 6; one corner is nan."""
    slope = 1 + np.arange(24.0).reshape(4, 6)
    y = slope[..., None] * X + 0.1 * np.random.default_rng(4).normal(size=(4, 6, len(X)))
    y[0, 0] = np.nan
    return fit_groups("m * t + c", {"t": X}, y, p0={"m": 1, "c": 0})


def titles(figure: Any, place: str = "left") -> list[str]:
    return [axis.get_title(place) for axis in figure.axes]


def test_a_page_goes_from_the_best_to_the_worst(fits: GroupFits) -> None:
    figure = fits.plot()
    assert len(figure.axes) == 12
    shown = [int(title.split(", ")[1]) for title in titles(figure)]
    ranked = np.argsort(-np.where(fits.converged, fits.r2, -np.inf))[:18]
    assert shown[0] == ranked[0] and shown[-1] == ranked[-1] and not set(shown) & set(FAILED)
    assert [text.removeprefix("R² ") for text in titles(figure, "right")] == [f"{fits.r2[g]:.4g}" for g in shown]
    assert (figure.get_supxlabel(), figure.get_supylabel(), figure.get_suptitle()) == ("t", "od", "by plate, well")


def test_a_panel_has_the_data_and_the_curve(fits: GroupFits, tmp_path: Path) -> None:
    (axis,) = fits.plot([3], tmp_path / "p.png").axes
    assert (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"
    curve, marks = axis.lines
    np.testing.assert_array_equal(marks.get_ydata(), fits.rows(3)[1])
    points = np.linspace(0, 4, 200)
    np.testing.assert_array_equal(curve.get_xdata(), points)
    np.testing.assert_array_equal(curve.get_ydata(), fits[3].predict({"t": points}))
    (band,) = axis.collections
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(fits[3].band({"t": points})[1].max())


def test_chosen_groups(fits: GroupFits) -> None:
    ranked = np.argsort(-np.where(fits.converged, fits.r2, -np.inf))[:18]
    for groups, order in (("best", ranked), ("worst", ranked[::-1])):
        assert titles(fits.plot(groups)) == [f"P{g // 10}, {g}" for g in order[:12]]
    assert titles(fits.plot([4, 2], columns=1)) == ["P0, 4", "P0, 2"]


def test_groups_that_failed_have_a_reason(fits: GroupFits) -> None:
    figure = fits.plot("failed")
    assert titles(figure) == ["P0, 5", "P1, 11"] and titles(figure, "right") == list(FAILED.values())
    few, empty = figure.axes
    np.testing.assert_array_equal(few.lines[0].get_ydata(), fits.rows(5)[1])
    assert [text.get_text() for text in empty.texts] == ["no finite rows"]


def test_panels_share_a_range_where_none_is_squeezed(fits: GroupFits) -> None:
    alike, apart = fits.plot([17, 18, 19]), fits.plot([0, 19])
    assert len({axis.get_ylim() for axis in alike.axes}) == 1
    assert len({axis.get_ylim() for axis in apart.axes}) == 2
    assert len({axis.get_xlim() for axis in apart.axes}) == 1


def test_a_logarithmic_axis_is_that_of_all_panels() -> None:
    x = np.tile(np.geomspace(0.01, 100, 9), (3, 1))
    y = 2 + np.log(x) + 0.01 * np.random.default_rng(5).normal(size=x.shape)
    fits = fit_groups("a + b * log(d)", {"d": x}, y, p0=[1, 1])
    assert {axis.get_xscale() for axis in fits.plot().axes} == {"log"}


def test_several_columns_are_drawn_by_what_is_fitted() -> None:
    u, v = np.random.default_rng(6).normal(size=(2, 10))
    y = np.outer([1, 2], u) + v + 0.01 * u**2
    figure = fit_groups("a * u + b * v", {"u": u, "v": v}, y, p0=[1, 1]).plot(name="height")
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("fitted height", "measured height")


def test_one_fit_is_drawn_as_a_curve_fit(fits: GroupFits, image: GroupFits) -> None:
    figure = fits.plot(3)
    assert len(figure.axes) == 2 and figure.get_suptitle() == "plate=P0, well=3" and figure.axes[0].get_ylabel() == "od"
    assert image.plot((2, 3)).get_suptitle() == "2, 3"


@pytest.mark.parametrize("groups", ["wrost", [99], 7.5])
def test_groups_that_are_none(fits: GroupFits, groups: Any) -> None:
    with pytest.raises(ArgumentError, match=r"groups is .* Give 'best', 'worst' or 'failed', or "):
        fits.plot(groups)


def test_nothing_to_draw(image: GroupFits) -> None:
    none = fit_groups("m * t + c", {"t": X}, np.full((2, len(X)), np.nan), p0=[1, 0])
    with pytest.raises(ArgumentError, match="No group converged"):
        none.plot()
    assert [text.get_text() for axis in pictures.distributions(none).axes for text in axis.texts] == ["no fit converged"] * 2


def test_distributions(fits: GroupFits) -> None:
    figure = pictures.distributions(fits, names=["b", "a"])
    assert [axis.get_xlabel() for axis in figure.axes] == ["b", "a"]
    assert figure.get_suptitle() == "20 groups, 2 failed"
    for axis, name in zip(figure.axes, ("b", "a"), strict=True):
        values = fits.parameters[name][fits.converged]
        ticks = next(line for line in axis.lines if line.get_marker() == "|").get_xdata()
        beyond = sum(int(text.get_text().split()[0]) for text in axis.texts)
        assert len(ticks) + beyond == len(values) == sum(patch.get_height() for patch in axis.patches[1:]) + beyond
        first, middle, third = np.percentile(values, [25, 50, 75])
        assert axis.get_title() == f"{middle:.4g}  ({first:.4g} … {third:.4g})"
    with pytest.raises(ArgumentError, match=r"There is no parameter 'bb'\. Did you mean"):
        pictures.distributions(fits, names=["bb"])


def test_outliers_are_counted_and_decades_are_logarithmic() -> None:
    draw = np.random.default_rng(7)
    estimates = {"a": np.append(draw.normal(size=200), [1e6, -1e6]), "b": 10 ** draw.uniform(-2, 2, 202), "c": np.ones(202)}
    first, second, third = pictures.group_summary(estimates, 202, []).axes
    assert [text.get_text() for text in first.texts] == ["2 beyond"]
    assert [axis.get_xscale() for axis in (first, second, third)] == ["linear", "log", "linear"]
    assert len(second.texts) == 0
    assert third.get_xlim()[0] < 1 < third.get_xlim()[1]


def test_a_summary_has_distributions_and_examples(fits: GroupFits) -> None:
    good = fits.converged
    examples = [(f"{word}: {fits.label(g)}", fits[g]) for word, g in (("best", 0), ("worst", 19))]
    estimates = {name: values[good] for name, values in fits.parameters.items()}
    figure = pictures.group_summary(estimates, len(fits), examples, name="od")
    assert [axis.get_xlabel() for axis in figure.axes[:3]] == ["a", "b", "c"]
    assert titles(figure)[3:] == ["best: plate=P0, well=0", "worst: plate=P1, well=19"]


def test_maps(image: GroupFits) -> None:
    figure = pictures.parameter_maps(image)
    maps = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title() for axis in maps] == ["m", "c", "standard error of m", "standard error of c"]
    shown = maps[0].images[0].get_array()
    assert shown.mask[0, 0] and shown.mask.sum() == 1
    np.testing.assert_array_equal(shown.compressed(), image.parameters["m"].ravel()[1:])
    assert figure.get_supxlabel() == "gray: 1 of 24 pixels have no fit"
    assert len([axis for axis in pictures.parameter_maps(image, names=["c"], errors=False).axes if axis.images]) == 1


def test_maps_are_logarithmic_where_few_pixels_have_most_of_the_range() -> None:
    y = np.where(np.arange(100) < 80, 1.0, 1000.0).reshape(10, 10)[..., None] * X + 0.01 * np.sin(9 * X)
    figure = pictures.parameter_maps(fit_groups("m * t + c", {"t": X}, y, p0=[1, 0]), names=["m"], errors=False)
    assert type(figure.axes[0].images[0].norm).__name__ == "LogNorm"


def test_maps_need_an_image(fits: GroupFits) -> None:
    with pytest.raises(ShapeError, match=r"The fits have shape \(20,\), which is not the shape of an image. Fit a y of shape"):
        pictures.parameter_maps(fits)


def test_a_title_of_its_own() -> None:
    result = curve_fit("a * x", X, 2 * X + 0.01 * np.sin(9 * X))
    assert pictures.curve_fit(result, title="mine").get_suptitle() == "mine"
