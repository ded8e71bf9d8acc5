"""``jitgrad fit --ode``: differential equations on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.cli.running import jitgrad

DATA = Path("data/theoph.csv").resolve()
ORAL = "A' = -ka*A; C' = ka*A/V - ke*C"
GIVEN = ["--target", "conc", "--ode", ORAL, "--observe", "C", "--initial", "A=dose", "--start", "ka=1,V=0.5,ke=0.1"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    pl.read_csv(DATA).filter(pl.col("subject") == 1).write_csv(tmp_path / "one.csv")
    return tmp_path


def test_one_subject(place: Path) -> None:
    done = jitgrad("fit", "one.csv", *GIVEN, "--save", "m.jitgrad", "--plot", "p.png", "--report", "r.html", cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"conc = C; {ORAL}; A(0) = dose; C(0) = 0, 11 rows\n")
    assert "residual standard error 0.73195" in done.stdout
    assert (place / "p.png").stat().st_size > 1e4 and "jg.curvefit.ode(text=" in (place / "r.html").read_text()
    said = pl.read_csv(jitgrad("predict", "m.jitgrad", "one.csv", "--interval", "0.9", cwd=place).stdout.encode())
    assert said["prediction"][:2].round(3).to_list() == [0.0, 3.878]
    assert (said["low"] < said["prediction"]).all()
    shown = jitgrad("show", "m.jitgrad", cwd=place).stdout
    assert shown.startswith(f"conc = C; {ORAL}") and "time" in shown
    again = jitgrad("fit", "one.csv", "--target", "conc", "--resume", "m.jitgrad", "--json", cwd=place)
    assert json.loads(again.stdout)["parameters"]["ka"]["estimate"] == pytest.approx(1.77741, rel=1e-5)


def test_each_subject_without_a_file_for_the_fits(place: Path) -> None:
    done = jitgrad("fit", str(DATA), *GIVEN, "--by", "subject", "--plot", "p.png", cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 groups, 132 rows: 12 converged, 0 failed" in done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["1", "1.77741", "0.369264", "0.0539545", "converged"] in lines and "12" in [line[0] for line in lines if line]
    assert (place / "p.png").stat().st_size > 5e4


def test_labels_doses_and_log_normal_errors(place: Path) -> None:
    table = pl.read_csv(place / "one.csv").filter(pl.col("conc") > 0).with_columns(pl.lit("serum").alias("dvid"))
    table.rename({"time": "hours"}).write_csv(place / "t.csv")
    more = ["--which", "dvid", "--time", "hours", "--doses", "A=1@100", "--errors", "lognormal", "--t0", "-0.1"]
    given = [*GIVEN[:5], "serum=C,gut=A", *GIVEN[6:]]
    done = jitgrad("fit", "t.csv", *given, *more, "--save", "m.jitgrad", "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["errors"] == "lognormal" and result["figures"]["residual_standard_error"] < 0.5
    assert jitgrad("show", "m.jitgrad", cwd=place).stdout.count("log-normal errors, 11 rows") == 1
    assert "rows" in jitgrad("evaluate", "m.jitgrad", "t.csv", cwd=place).stdout


WRONG = {
    "nothing observed": (["--initial", "A=dose"], "Say which is measured by --observe, as in --observe='C'"),
    "a model, too": (["--initial", "A=dose", "--model", "line"], "--model cannot be used with --ode"),
    "no such state": (["--initial", "B=dose", "--observe", "C"], "initial value for 'B', which has no equation"),
    "no value": (["--initial", "A", "--observe", "C"], "The format is A=dose,C=0."),
    "no such column": (["--initial", "A=dose", "--observe", "C", "--time", "tim"], "Did you mean 'time'?"),
    "other errors": (["--initial", "A=dose", "--observe", "C", "--errors", "log"], "Use one of normal, lognormal"),
    "no which": (["--initial", "A=dose", "--observe", "C", "--which", "wt"], "--which names the column 'wt'"),
    "a dose": (["--initial", "A=dose", "--observe", "C", "--doses", "A=3"], "The format is A=100@12,A=dose@24."),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use(name: str, place: Path) -> None:
    options, message = WRONG[name]
    done = jitgrad("fit", "one.csv", "--target", "conc", "--ode", ORAL, *options, cwd=place)
    assert done.returncode == 2 and message in done.stderr


def test_options_without_equations(place: Path) -> None:
    done = jitgrad("fit", "one.csv", "--target", "conc", "--model", "line", "--observe", "C", cwd=place)
    assert done.returncode == 2 and "--observe cannot be used with a model without --ode" in done.stderr
