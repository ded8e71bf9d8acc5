"""The named models of pharmacokinetics agree with published fits, and with each other in their limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from jitgrad import curve_fit, curvefit, fit_groups
from jitgrad.cli.main import commands
from jitgrad.curvefit import MODELS
from jitgrad.errors import DataError

DATA = Path(__file__).parents[2] / "data"
THEOPH = pl.read_csv(DATA / "theoph.csv")
INDOMETH = pl.read_csv(DATA / "indometh.csv")
X = np.geomspace(0.05, 48, 25)
DOSE = np.full(len(X), 320.0)


def columns(**more: Any) -> dict[str, Any]:
    return {"x": X, "dose": DOSE} | more


def value(name: str, data: dict[str, Any], **parameters: float) -> np.ndarray:
    return np.asarray(curvefit.formula(MODELS[name].formula)(**data, **parameters).numpy())


def test_theophylline_of_the_first_subject() -> None:
    """R: nls(conc ~ SSfol(Dose, Time, lKe, lKa, lCl)) gives -2.9196, 0.5752 and -3.9159 with a residual error of 0.732."""
    table = THEOPH.filter(pl.col("subject") == 1)
    fit = curve_fit("pk_oral_1cpt", table.select("time", "dose"), table["conc"])
    assert fit.success
    found = fit.parameters
    assert np.log(found["CL"]) == pytest.approx(-3.9159, abs=6e-5)
    assert np.log(found["ka"]) == pytest.approx(0.5752, abs=6e-5)
    assert np.log(found["CL"] / found["V"]) == pytest.approx(-2.9196, abs=6e-5)
    assert np.sqrt(fit.redchi) == pytest.approx(0.732, abs=6e-4)


def test_indomethacin_of_the_first_subject() -> None:
    """R: nls(conc ~ SSbiexp(time, A1, lrc1, A2, lrc2)) gives 2.0293, 0.5794, 0.1916 and -1.7878 for Indo.1."""
    table = INDOMETH.filter(pl.col("subject") == 1)
    fit = curve_fit("pk_bolus_2cpt", {"x": table["time"], "dose": np.ones(len(table))}, table["conc"])
    assert fit.success
    cl, v1, q, v2 = fit.values
    total, product = cl / v1 + q / v1 + q / v2, cl / v1 * q / v2
    fast, slow = np.sort(np.roots([1, -total, product]))[::-1]
    heights = np.array([fast - q / v2, q / v2 - slow]) / (fast - slow) / v1
    np.testing.assert_allclose([*heights, np.log(fast), np.log(slow)], [2.0293, 0.1916, 0.5794, -1.7878], rtol=5e-4)


def test_every_subject_is_fitted_as_a_group() -> None:
    fits = fit_groups("pk_oral_1cpt", THEOPH, "conc", x=["time", "dose"], by="subject")
    assert fits.status.tolist() == ["converged"] * 12
    for subject, row in zip((1, 8), (0, 7), strict=True):
        table = THEOPH.filter(pl.col("subject") == subject)
        alone = curve_fit("pk_oral_1cpt", {"x": table["time"], "dose": table["dose"]}, table["conc"])
        np.testing.assert_allclose(fits.values[row], alone.values, rtol=1e-6)


def test_the_command_line_names_the_columns_in_order(tmp_path: Path) -> None:
    THEOPH.filter(pl.col("subject") == 1).write_csv(tmp_path / "one.csv")
    arguments = ["--target", "conc", "--model", "pk_oral_1cpt", "--features"]
    one = CliRunner().invoke(commands, ["fit", str(tmp_path / "one.csv"), *arguments, "time,dose", "--json"])
    assert one.exit_code == 0 and '"CL"' in one.output
    many = ["fit", str(DATA / "theoph.csv"), *arguments]
    out = ["--by", "subject", "-o", str(tmp_path / "fits.csv")]
    assert CliRunner().invoke(commands, [*many, "time,dose", *out]).exit_code == 0
    assert len(pl.read_csv(tmp_path / "fits.csv")) == 12
    failed = CliRunner().invoke(commands, [*many, "time", *out])
    assert "takes the columns x and dose" in str(failed.exception)


def test_missing_columns_are_named() -> None:
    with pytest.raises(DataError, match=r"pk_oral_1cpt takes the columns x and dose, and those given are hours. Give its"):
        curve_fit("pk_oral_1cpt", {"hours": X}, X)
    with pytest.raises(DataError, match="takes the columns x and dose"):
        curve_fit("pk_oral_1cpt", X, X)


LIMITS = [
    ("pk_bolus_2cpt", "pk_bolus_1cpt", {}), ("pk_infusion_2cpt", "pk_infusion_1cpt", {"duration": np.full(len(X), 2.0)}),
    ("pk_oral_2cpt", "pk_oral_1cpt", {}),
]  # fmt: skip


@pytest.mark.parametrize(("two", "one", "more"), LIMITS, ids=[case[0] for case in LIMITS])
def test_two_compartments_with_little_exchange_are_one(two: str, one: str, more: dict[str, Any]) -> None:
    ka = {"ka": 1.3} if "oral" in two else {}
    data = columns(**more)
    np.testing.assert_allclose(
        value(two, data, CL=4.0, V1=20.0, Q=1e-9, V2=30.0, **ka), value(one, data, CL=4.0, V=20.0, **ka), rtol=1e-6
    )


@pytest.mark.parametrize(
    "parameters", [{"CL": 4.0, "V": 20.0}, {"CL": 4.0, "V1": 20.0, "Q": 7.0, "V2": 40.0}], ids=["one", "two"]
)
def test_short_infusions_and_fast_absorption_are_a_bolus(parameters: dict[str, float]) -> None:
    count = "2cpt" if "Q" in parameters else "1cpt"
    bolus = value(f"pk_bolus_{count}", columns(), **parameters)
    short = value(f"pk_infusion_{count}", columns(duration=np.full(len(X), 1e-7)), **parameters)
    np.testing.assert_allclose(short, bolus, rtol=1e-6)
    np.testing.assert_allclose(value(f"pk_oral_{count}", columns(), ka=1e7, **parameters), bolus, rtol=1e-6)


def test_absorption_at_nearly_the_rate_of_elimination_is_accurate() -> None:
    """With ka = CL / V, the concentration is dose / V * k x exp(-k x)."""
    exact = 320 / 20 * 0.2 * X * np.exp(-0.2 * X)
    for apart in (1e-13, 1e-9, -1e-9):
        found = value("pk_oral_1cpt", columns(), ka=0.2 * (1 + apart), CL=4.0, V=20.0)
        np.testing.assert_allclose(found, exact, rtol=1e-7)


@pytest.mark.parametrize("name", [name for name in MODELS if name.startswith("pk_")])
def test_the_automatic_start_finds_random_parameters(name: str) -> None:
    draw, model = np.random.default_rng(7), MODELS[name]
    for _ in range(12):
        ranges = {"ka": (0.8, 3), "CL": (1, 10), "V": (10, 60), "V1": (5, 20), "Q": (2, 20), "V2": (20, 80)}
        truth = {parameter: draw.uniform(*ranges[parameter]) for parameter in model.parameters}
        data = {"x": X, "dose": draw.choice([1.0, 320.0]) + 0 * X, "duration": draw.choice([0.5, 3.0]) + 0 * X}
        data = {column: data[column] for column in model.columns}
        y = value(name, data, **truth) * np.exp(0.02 * draw.normal(size=len(X)))
        fit = curve_fit(name, data, y)
        assert fit.success
        assert fit.chisqr <= curve_fit(name, data, y, p0=truth).chisqr * (1 + 1e-6)
