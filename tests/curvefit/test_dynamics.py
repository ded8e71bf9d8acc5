"""The named models that are differential equations agree with published fits and are found from random truths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from scipy.optimize import curve_fit as of_scipy
from scipy.special import wrightomega

from jitgrad import curve_fit
from jitgrad.cli.main import commands
from jitgrad.curvefit import MODELS

BOYS = np.array([3, 8, 26, 76, 225, 298, 258, 233, 189, 128, 68, 29, 14, 4.0])
"""Boys in bed with influenza at a school of 763, daily (British Medical Journal 1, 587, 1978)."""
HARES = [30, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22, 25.4, 27.1, 40.3, 57, 76.6, 52.3, 19.5, 11.2, 7.6, 14.6, 16.2, 24.7]
LYNXES = [4, 6.1, 9.8, 35.2, 59.4, 41.7, 19, 13, 8.3, 9.1, 7.4, 8, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7, 10.1, 8.6]
"""Pelts of hares and lynxes in thousands, 1900 to 1920 (Hudson's Bay Company; E. P. Odum, Fundamentals of Ecology, 1953)."""


def test_influenza_at_a_school() -> None:
    """Tutorials in R have beta 1.66 to 1.67 and gamma 0.44 to 0.45, with one infectious boy a day earlier."""
    data = {"x": np.arange(1.0, 15.0), "N": np.full(14, 763.0)}
    fit = curve_fit("sir", data, BOYS, fixed={"I0": 1.0})
    assert fit.success
    assert fit.parameters["beta"] == pytest.approx(1.67, abs=0.01)
    assert fit.parameters["gamma"] == pytest.approx(0.444, abs=0.004)
    free = curve_fit("sir", data, BOYS)
    assert free.success and free.chisqr < fit.chisqr


def test_hares_and_lynxes() -> None:
    """The means and standard deviations are those of the posterior in a case study of Stan (B. Carpenter, 2018)."""
    years = np.arange(21.0)
    data = {"x": np.concatenate([years, years]), "species": np.repeat(["prey", "predator"], 21)}
    fit = curve_fit("lotka_volterra", data, [*HARES, *LYNXES], errors="lognormal")
    assert fit.success
    posterior = {
        "alpha": (0.55, 0.06), "beta": (0.028, 0.004), "gamma": (0.80, 0.09), "delta": (0.024, 0.004), "prey0": (34, 3),
        "predator0": (5.9, 0.5),
    }  # fmt: skip
    for name, error in zip(fit.names, fit.stderr, strict=True):
        mean, deviation = posterior[name]
        assert abs(fit.parameters[name] - mean) < 0.3 * deviation, name
        assert error == pytest.approx(deviation, rel=0.25), name
    guess = MODELS["lotka_volterra"].guess(data["x"], np.repeat([1.0, 2.0], 21), np.array([*HARES, *LYNXES]))
    assert all(abs(guess[name] / fit.parameters[name] - 1) < 0.35 for name in fit.names)
    numbered = data | {"species": np.repeat([1, 2], 21)}
    np.testing.assert_allclose(
        curve_fit("lotka_volterra", numbered, [*HARES, *LYNXES], errors="lognormal").values, fit.values, rtol=1e-6
    )


def product(x: Any, vmax: float, km: float, s0: float) -> Any:
    """S. Schnell and C. Mendoza, J. Theor. Biol. 187, 207, 1997."""
    return s0 - km * wrightomega(np.log(s0 / km) + (s0 - vmax * x) / km)


def test_a_progress_curve_is_the_one_of_schnell_and_mendoza() -> None:
    x = np.linspace(0, 20, 30)
    y = product(x, 1.2, 3.0, 10.0) + 0.1 * np.random.default_rng(2).normal(size=30)
    fit = curve_fit("progress_curve", x, y)
    expected, covariance = of_scipy(product, x, y, [1.2, 3.0, 10.0], xtol=1e-14, ftol=1e-14)
    assert fit.success
    np.testing.assert_allclose(fit.values, expected, rtol=1e-5)
    np.testing.assert_allclose(fit.stderr, np.sqrt(np.diag(covariance)), rtol=1e-3)


def example(name: str, draw: np.random.Generator) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Return random true parameters, and columns."""
    if name == "progress_curve":
        s0, ratio, vmax = draw.uniform(1, 100), 10 ** draw.uniform(-1.5, 0.7), draw.uniform(0.5, 5)
        return {"vmax": vmax, "km": s0 * ratio, "s0": s0}, {"x": np.linspace(0, s0 * (1 + 2 * ratio) / vmax * 1.5, 30)}
    if name == "lotka_volterra":
        low, high = [0.3, 0.01, 0.3, 0.01, 10, 4], [0.9, 0.05, 1, 0.05, 50, 30]
        truth = dict(zip(MODELS[name].parameters, draw.uniform(low, high), strict=True))
        return truth, {"x": np.tile(np.arange(25.0), 2), "species": np.repeat([1.0, 2.0], 25)}
    gamma = draw.uniform(0.15, 0.8)
    truth = {"beta": gamma * draw.uniform(1.5, 8), "sigma": draw.uniform(0.15, 1.5), "gamma": gamma, "I0": draw.uniform(1, 20)}
    x = np.linspace(0, 40 if name == "sir" else 60, 41)
    return {key: truth[key] for key in MODELS[name].parameters}, {"x": x, "N": np.full(41, 1000.0)}


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.equations is not None])
def test_the_automatic_start_finds_random_parameters(name: str) -> None:
    draw, model = np.random.default_rng(1), MODELS[name]
    assert model.equations is not None
    for _ in range(5):
        truth, data = example(name, draw)
        exact = np.asarray(model.equations(**data, **truth).numpy())
        y = np.maximum(exact + 0.03 * np.ptp(exact) * draw.normal(size=len(exact)), 0.01)
        fit = curve_fit(name, data, y)
        assert fit.success, truth
        assert fit.chisqr <= curve_fit(name, data, y, p0=truth).chisqr * (1 + 1e-6), truth


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.equations is not None])
def test_parameters_and_columns_are_the_names_of_the_equations(name: str) -> None:
    model = MODELS[name]
    assert model.equations is not None
    assert {*model.parameters, *model.columns} == set(model.equations.names)
    assert tuple(model.meanings) == model.parameters


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.equations is not None])
def test_equations_take_numbers_of_python(name: str) -> None:
    """Numbers in the equations are constants of the integration, also where only the Jacobian differs."""
    truth, data = example(name, np.random.default_rng(0))
    equations = MODELS[name].equations
    assert equations is not None
    made = [equations(**data, **{key: kind(value) for key, value in truth.items()}).numpy() for kind in (float, np.asarray)]
    np.testing.assert_allclose(*made, rtol=1e-12)


def test_the_command_line_takes_labels_and_keeps_the_model(tmp_path: Path) -> None:
    years, kinds = np.tile(np.arange(21.0), 2), ["prey"] * 21 + ["predator"] * 21
    pelts = np.array([*HARES, *LYNXES], np.float64)
    pl.DataFrame({"year": years, "animal": kinds, "pelts": pelts}).write_csv(tmp_path / "pelts.csv")
    table, kept = str(tmp_path / "pelts.csv"), str(tmp_path / "pelts.jitgrad")
    fitted = ["fit", table, "--target", "pelts", "--features", "year,animal", "--model", "lotka_volterra", "--save", kept]
    assert CliRunner().invoke(commands, [*fitted, "--plot", str(tmp_path / "pelts.png")]).exit_code == 0
    assert CliRunner().invoke(commands, ["predict", kept, table, "-o", str(tmp_path / "made.csv")]).exit_code == 0
    made = pl.read_csv(tmp_path / "made.csv")
    fit = curve_fit("lotka_volterra", {"x": years, "species": kinds}, pelts)
    predicted = next(made[name] for name in made.columns if made[name].dtype.is_float() and name not in ("year", "pelts"))
    np.testing.assert_allclose(predicted.to_numpy(), fit.predict(), rtol=1e-6)
