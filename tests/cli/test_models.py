"""Curves, kept models, and the commands that use them, in this process."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

import jitgrad as jg
from jitgrad.cli.main import main
from jitgrad.curvefit import MODELS
from jitgrad.saving import archive
from jitgrad.vm import cache
from jitgrad.vm.groups import GROUPS, UNITS, Unit


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """Runs a command in a directory of its own."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: Any) -> Done:
        monkeypatch.setattr(sys, "argv", ["jitgrad", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return command


@pytest.fixture
def enzyme(data: Path) -> list[Any]:
    return ["fit", data / "puromycin.csv", "--target", "rate"]


MM = ["--model", "v * concentration / (k + concentration)"]

# Curves. Bates and Watts, "Nonlinear regression analysis and its applications", 1988: all rows, with a difference for those
# treated in v, have 166.6, 42.03 and 0.0580.


def test_a_formula(run: Any, enzyme: list[Any]) -> None:
    found = run(*enzyme, "--model", "(v + d * treated) * concentration / (k + concentration)", "--json").json
    estimates = {name: row["estimate"] for name, row in found["parameters"].items()}
    assert estimates == pytest.approx({"v": 166.60, "d": 42.026, "k": 0.05797}, rel=1e-4)
    assert found["parameters"]["d"]["standard_error"] == pytest.approx(6.272, rel=1e-3)
    assert found["schema"] == 2 and found["kind"] == "curve" and found["converged"] and not found["notes"]
    assert found["figures"]["degrees_of_freedom"] == 20
    assert found["figures"]["residual_standard_error"] == pytest.approx(10.585, rel=1e-3)
    assert found["starts"] > 1 and len(found["covariance"]) == 3


def test_a_named_curve_takes_the_column_it_is_given(run: Any, enzyme: list[Any]) -> None:
    found = run(*enzyme, "--model", "michaelis_menten", "--features", "concentration", "--json").json
    assert found["success"] is True
    assert found["columns"] == {"x": "concentration"} and found["name"] == "michaelis_menten"
    assert found["parameters"]["vmax"]["estimate"] == pytest.approx(190.81, rel=1e-4)
    done = run(*enzyme, "--model", "michaelis_menten")
    assert done.code == 2 and "but there are concentration, treated. Name one feature" in done.err


def test_starts_bounds_and_fixed_parameters(run: Any, enzyme: list[Any]) -> None:
    options = ["--start", "v=150,k=0.1", "--bounds", "v=:180", "--json"]
    found = run(*enzyme, *MM, *options).json
    assert found["parameters"]["v"]["estimate"] == 180
    assert "at a bound: v" in found["status"]
    found = run(*enzyme, *MM, "--fix", "k=0.06", "--json").json
    assert found["parameters"]["k"] == {
        "estimate": 0.06, "standard_error": None, "statistic": None, "p_value": None, "low": None, "high": None, "fixed": True,
    }  # fmt: skip
    assert "fixed" in run(*enzyme, *MM, "--fix", "k=0.06").out


def test_sigma_and_losses(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    y = [1.1, 2.9, 5.2, 6.8, 30.0]
    file.write_text("x,y,s\n" + "".join(f"{x},{v},{0.1 if x < 4 else 10}\n" for x, v in enumerate(y)))
    base = ["fit", file, "--target", "y", "--model", "a + b * x", "--json"]
    expected = jg.curve_fit("a + b * x", np.arange(5.0), y, sigma=[0.1] * 4 + [10], absolute_sigma=True)
    found = run(*base, "--sigma", "s", "--absolute-sigma").json["parameters"]
    assert [found[k]["standard_error"] for k in "ab"] == pytest.approx(expected.stderr)
    robust = run(*base, "--loss", "cauchy", "--loss-scale", "0.1").json["parameters"]["b"]["estimate"]
    assert robust == pytest.approx(1.95, abs=0.1)
    for optimizer in ("lbfgs", "adam"):
        found = run(*base, "--optimizer", optimizer).json["parameters"]["b"]
        assert found == pytest.approx(run(*base).json["parameters"]["b"], rel=1e-9)


def test_the_printed_table(run: Any, enzyme: list[Any]) -> None:
    done = run(*enzyme, *MM)
    assert done.code == 0 and done.err == ""
    for text in (
        "rate = v * concentration / (k + concentration), 23 rows",
        "std. error",
        "95% CI",
        "R² 0.85349",
        "converged",
    ):
        assert text in done.out
    assert max(map(len, done.out.splitlines())) <= 120
    assert run(*enzyme, *MM, "--quiet") == Done(0, "", "")


def test_plots(run: Any, enzyme: list[Any], data: Path, tmp_path: Path) -> None:
    run(*enzyme, "--model", "michaelis_menten", "--features", "concentration", "--plot", "curve.svg", "--quiet")
    assert (tmp_path / "curve.svg").exists()
    assert run("fit", data / "iris.csv", "--target", "species", "--plot", "classes.png", "--quiet") == Done(0, "", "")
    assert (tmp_path / "classes.png").read_bytes()[:4] == b"\x89PNG"
    for name, said in (("fit.xyz", "fit.xyz"), ("curve.svg/fit.png", "curve.svg")):
        done = run(*enzyme, *MM, "--plot", name)
        assert done.code == 2 and said in done.err and "Traceback" not in done.err


def test_a_fit_that_does_not_converge_is_exit_1(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("x,y\n" + "".join(f"{x},{x * x % 7}\n" for x in range(12)))
    done = run("fit", file, "--target", "y", "--model", "a * x + log(-(b**2))", "--start", "a=1,b=1")
    assert done.code == 1 and "not finite at the starting values" in done.err and done.out == ""


@pytest.mark.parametrize(
    ("model", "start", "says"),
    [
        ("b * x", "b=1", "worse than a constant"),
        ("a * c * x + b", "a=1,b=1,c=1", "do not determine a and c"),
        ("a + b * x + abs(c)", "a=1,b=1,c=1", "do not determine a and c"),
    ],
)
def test_a_fit_that_says_nothing_of_the_table_is_exit_1(model: str, start: str, says: str, run: Any, tmp_path: Path) -> None:
    """It converged, and where it ended is no answer: the report says so, and so does what is written as JSON."""
    file = tmp_path / "t.csv"
    file.write_text("x,y\n" + "".join(f"{x},{20 - x + x % 3}\n" for x in range(12)))
    done = run("fit", file, "--target", "y", "--model", model, "--start", start)
    assert done.code == 1 and says in " ".join(done.out.split())
    done = run("fit", file, "--target", "y", "--model", model, "--start", start, "--json")
    found = json.loads(done.out)
    assert done.code == 1 and found["success"] is False and says in " ".join(found["notes"])


@pytest.mark.parametrize("name", ["table.tsv", "table.csv.gz", "table.parquet", "plain.dat"])
def test_tables_of_all_formats(run: Any, enzyme: list[Any], name: str, data: Path, tmp_path: Path) -> None:
    frame, file = pl.read_csv(data / "puromycin.csv"), tmp_path / name
    options: list[str] = []
    if name.endswith(".parquet"):
        frame.write_parquet(file)
    elif name.endswith(".gz"):
        file.write_bytes(gzip.compress((data / "puromycin.csv").read_bytes()))
    elif name.endswith(".dat"):
        rows = "\n".join(" ".join(map(str, row)) for row in frame.rows())
        file.write_text(rows)
        options = ["--no-header", "--separator", "space"]
    else:
        frame.write_csv(file, separator="\t")
    x, target = ("c1", "c3") if options else ("concentration", "rate")
    model = ["--model", f"v * {x} / (k + {x})"]
    found = run("fit", file, "--target", target, *model, *options, "--json").json
    expected = run(*enzyme, *MM, "--json").json
    assert found["parameters"] == expected["parameters"]


# Kept models.


@pytest.fixture
def curve(run: Any, enzyme: list[Any], tmp_path: Path) -> Path:
    run(*enzyme, *MM, "--save", "curve.jitgrad", "--quiet")
    return tmp_path / "curve.jitgrad"


@pytest.fixture
def iris(run: Any, data: Path, tmp_path: Path) -> Path:
    run("fit", data / "iris.csv", "--target", "species", "--save", "iris.jitgrad", "--quiet")
    return tmp_path / "iris.jitgrad"


def test_predict_adds_columns(run: Any, curve: Path, iris: Path, data: Path, tmp_path: Path) -> None:
    assert run("predict", curve, data / "puromycin.csv", "-o", "out.csv", "--interval", "0.95") == Done(0, "", "")
    made = pl.read_csv(tmp_path / "out.csv")
    assert made.columns == ["concentration", "treated", "rate", "prediction", "low", "high"]
    assert (made["low"] < made["prediction"]).all() and (made["prediction"] < made["high"]).all()
    only = run("predict", iris, data / "iris.csv", "--only").out.splitlines()
    assert only[0] == "prediction,probability_setosa,probability_versicolor,probability_virginica"
    assert len(only) == 151 and only[1].startswith("setosa,0.99")
    run("predict", iris, data / "iris.csv", "-o", "out.parquet")
    assert pl.read_parquet(tmp_path / "out.parquet")["prediction"].to_list() == [row.split(",")[0] for row in only[1:]]


def test_a_prediction_is_the_same_in_batches(
    run: Any, curve: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run("predict", curve, data / "puromycin.csv").out
    monkeypatch.setattr("jitgrad.cli.predict.BATCH_ROWS", 5)
    assert run("predict", curve, data / "puromycin.csv").out == whole


def test_columns_pass_through_as_they_are_written(run: Any, curve: Path, tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text("id,code,concentration\n12345678901234567890,007,0.10\n9007199254740993,1e3,1\n")
    lines = run("predict", curve, "ids.csv").out.splitlines()
    assert [line.rpartition(",")[0] for line in lines[1:]] == ["12345678901234567890,007,0.10", "9007199254740993,1e3,1"]


def test_the_interval_of_a_fit_with_sigma(run: Any, tmp_path: Path) -> None:
    rows = [(x, 2 * x + 0.1 * (-1) ** x, 0.1) for x in range(20)]
    (tmp_path / "t.csv").write_text("x,y,s\n" + "".join(f"{x},{y},{s}\n" for x, y, s in rows))
    run("fit", "t.csv", "--target", "y", "--model", "a*x+b", "--sigma", "s", "--save", "m", "--quiet")
    made = pl.read_csv(run("predict", "m", "t.csv", "--interval", "0.95").out.encode())
    assert (made["high"] - made["low"]).mean() / 2 == pytest.approx(0.1 * 2.1, rel=0.15)
    (tmp_path / "new.csv").write_text("x\n1\n")
    assert "needs the column 's'" in run("predict", "m", "new.csv", "--interval", "0.95").err
    assert run("predict", "m", "new.csv").code == 0


def test_a_curve_goes_on_by_itself(run: Any, curve: Path, enzyme: list[Any]) -> None:
    again = run(*enzyme, "--resume", curve, "--json").json
    assert again["formula"] == MM[1] and again["evaluations"] < 5


def test_links_stay_and_devices_are_left_alone(run: Any, enzyme: list[Any], tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept" / "model")
    assert run(*enzyme, *MM, "--save", "link", "--quiet").code == 0
    assert (tmp_path / "link").is_symlink() and "converged" in run("show", "link").out
    done = run(*enzyme, *MM, "--save", "/dev/null", "--quiet")
    assert done.code == 2 and "/dev/null is a device" in done.err and Path("/dev/null").is_char_device()


def test_many_classes_are_told_in_short(run: Any, tmp_path: Path) -> None:
    (tmp_path / "many.csv").write_text("x,y\n" + "".join(f"{k % 12 + k / 1000},class{k % 12:02}\n" for k in range(240)))
    done = run("fit", "many.csv", "--target", "y", "--epochs", "20", "--save", "m")
    assert "for each of 12 classes (use --json to print them)" in done.out
    printed = run("evaluate", "m", "many.csv").out
    assert "predicted" in printed and max(map(len, printed.splitlines())) < 80


def test_rows_that_miss_a_value_get_no_prediction(run: Any, curve: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("concentration\n0.1\nNA\n")
    assert run("predict", curve, "new.csv").out.splitlines()[2] == ","


def test_evaluate(run: Any, curve: Path, iris: Path, data: Path) -> None:
    scores = run("evaluate", curve, data / "puromycin.csv", "--json").json["scores"]
    assert scores["rows"] == 23 and scores["r2"] == pytest.approx(0.85349, rel=1e-4)
    printed = run("evaluate", iris, data / "iris.csv").out
    for text in ("accuracy", "true \\ predicted", "versicolor"):
        assert text in printed


def test_show(run: Any, curve: Path, iris: Path, data: Path, tmp_path: Path) -> None:
    assert "concentration" in run("show", curve).out
    assert run("show", curve, "--json").json["parameters"]["v"]["estimate"] == pytest.approx(190.8, rel=1e-3)
    assert "petal_width" in run("show", iris).out and run("show", iris, "--json").json["classes"][0] == "setosa"
    program = run("show", curve, "--program", "--rows", "10").out
    assert program.startswith("program float64") and "divide" in program
    assert "ns per row" in run("show", iris, "--profile").out
    model = jg.Sequential([jg.layers.Dense(3, "relu"), jg.layers.Dense(1)])
    model(np.ones((2, 4), np.float32))
    model.save(tmp_path / "python.jitgrad")
    assert "Dense" in run("show", "python.jitgrad").out
    assert "matmul" in run("show", "python.jitgrad", "--program").out
    (tmp_path / "four.csv").write_text("a,b,c,d\n1,2,3,4\n1,2,,4\n")
    lines = run("predict", "python.jitgrad", "four.csv", "--only").out.splitlines()
    assert float(lines[1]) == pytest.approx(float(model.predict(np.array([[1, 2, 3, 4]], np.float32))[0, 0]), rel=1e-6)
    assert len(lines) == 3


def test_resume(run: Any, curve: Path, enzyme: list[Any], data: Path) -> None:
    again = run(*enzyme, *MM, "--resume", curve, "--json").json
    assert again["starts"] == 1 and again["evaluations"] < 5
    fit = ["fit", data / "iris.csv", "--target", "species", "--hidden", "8", "--optimizer", "sgd", "--json"]
    run(*fit, "--epochs", "10", "--save", "mlp.jitgrad")
    resumed = run(
        "fit",
        data / "iris.csv",
        "--target",
        "species",
        "--resume",
        "mlp.jitgrad",
        "--optimizer",
        "sgd",
        "--epochs",
        "10",
        "--json",
    )
    assert resumed.json["scores"] == run(*fit, "--epochs", "20").json["scores"]


def test_validation_and_early_stopping(run: Any, data: Path) -> None:
    options = ["--hidden", "16", "--validation-split", "0.2", "--early-stopping", "5", "--epochs", "500", "--json"]
    found = run("fit", data / "iris.csv", "--target", "species", *options).json
    assert set(found["scores"]) == {"train", "validation", "test"}


def test_counts_and_classes_have_inference(run: Any, data: Path, tmp_path: Path) -> None:
    rows = pl.read_csv(data / "iris.csv").filter(pl.col("species") != "setosa")
    rows.write_csv(tmp_path / "two.csv")
    found = run("fit", "two.csv", "--target", "species", "--test-split", "0", "--json").json
    assert found["inference"]["distribution"] == "z" and set(found["inference"]["estimates"]) == {"virginica"}
    assert "log-likelihood" in run("fit", "two.csv", "--target", "species", "--test-split", "0").out
    (tmp_path / "counts.csv").write_text("x,n\n" + "".join(f"{x},{2 + x}\n" for x in range(20)))
    assert run("fit", "counts.csv", "--target", "n", "--model", "poisson", "--json").json["model"]["kind"] == "poisson"


# The other commands.


def test_models(run: Any) -> None:
    assert list(run("models", "--json").json["models"]) == list(MODELS)
    assert "offset + amplitude * exp(-x / tau)" in run("models").out


def test_doctor(run: Any) -> None:
    done = run("doctor")
    assert done.code == 0
    assert done.out.count("passed") == 4 and "processor" in done.out
    place = cache.directory()
    assert place is not None
    for unit in UNITS:
        assert re.search(rf"{GROUPS[unit.group].what} +{unit.dtype} +compiled +\d+  {place.parent}", done.out)
    assert "warmup" not in done.out


def test_doctor_says_what_is_still_to_be_compiled(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = cache.directory()
    assert place is not None
    here = tmp_path / "kept"
    shutil.copytree(place, here / place.name)
    (here / place.name / "qr-float64").unlink()
    for _, file in Unit("linalg", "float32").files():
        (here / place.name / file).unlink()
    monkeypatch.setenv("JITGRAD_CACHE_DIR", str(here))
    out = run("doctor").out
    assert re.search(r"linear algebra +float32 +not compiled, about \d+ s +\n", out)
    assert re.search(rf"linear algebra +float64 +partly, about \d+ s +\d+  {here}", out)
    assert re.search(rf"by `jitgrad warmup` \(about \d+ s\), and stored in {here / place.name}\n", out)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run: Any, shell: str) -> None:
    assert "_JITGRAD_COMPLETE" in run("completion", shell).out


# What is wrong: arguments, what is said. Each is exit 2 and leaves nothing behind.
WRONG = [
    ("fit t.csv --target y --model a*expo(x)", "unknown function 'expo', at character 3. Did you mean 'exp'"),
    ("fit t.csv --target y --model a*(x", "unmatched '('"),
    ("fit t.csv --target y --model a*t", "The formula 'a*t' contains none of the columns"),
    ("fit t.csv --target y --model lasso", "'lasso' is a penalty, not a model. Pass it as --penalty."),
    ("fit t.csv --target y --model binomial", "--model 'binomial' is called 'logistic' in jitgrad. Use that name."),
    ("fit t.csv --target y --model elastic-net", "'elastic-net' is a penalty, not a model"),
    (
        "fit t.csv --target y --model linaer",
        "'linaer' is not the name of a model, and as a formula it contains none of the columns",
    ),
    ("fit t.csv --target y --model possion", "Did you mean 'poisson'?"),
    ("fit t.csv --target y --model a*y+x", "contains the target 'y'"),
    ("fit t.csv --target z --model a*x", "needs the column 'z'"),
    ("fit t.csv --target y --model logistc", "Did you mean"),
    ("fit t.csv --target y --model a*x --start x=1", "'x', which is a column, not a parameter"),
    ("fit t.csv --target y --model a*x --start c=1", "no parameter 'c' for --start"),
    ("fit t.csv --target y --model a*x --start a=nan", "--start has a = nan"),
    ("fit t.csv --target y --model a*x --bounds c=0:1", "no parameter 'c' for --bounds"),
    ("fit t.csv --target y --model a*x+b --fix b", "'b' is fixed but has no value. Give its value in --fix, or"),
    ("fit t.csv --target y --model a*x --loss huber --loss-scale 0", "--loss-scale is 0"),
    ("fit t.csv --target y --model a*x --optimizer newton", "no optimizer 'newton'"),
    ("fit t.csv --target y --early-stopping 3", "--early-stopping needs validation rows. Also give --validation-split"),
    ("fit t.csv --target y --features x --validation-split 0.1", "--validation-split is 0.1, which leaves no validation row"),
    ("fit t.csv --target y --batch-size 0", "--batch-size is 0"),
    ("fit t.csv --target y --features x --model logistic", "Give --classify to treat the numbers as classes"),
    ("fit t.csv --target y --model linear --hidden 3", "Leave --hidden out"),
    ("predict curve t.csv --interval 1", "--interval is 1.0. Give a number in [0, 1)"),
    ("fit t.csv --target y --model a*x --start a", "is not a list of named numbers. The format is b1=500,b2=1e-4"),
    ("fit t.csv --target y --model a*x --bounds a=1", "is not a list of bounds"),
    ("fit t.csv --target y --model a*x --start a=5 --bounds a=0:1", "Initial guess is outside of provided bounds: a = 5"),
    ("fit t.csv --target y --model a*x --bounds a=2:1", "bounds of 'a' are 2 and 1"),
    ("fit t.csv --target y --model a*x --fix a=", "is not a list of parameters"),
    (
        "fit t.csv --target y --model a*x**3+b*x**2+c*x+d+e1+f --sigma y",
        "func parameters=6 must not exceed the number of data points=4",
    ),
    ("fit t.csv --target y --model a*one", "Column 'one' has the same value in every row"),
    ("fit t.csv --target y --model a*none", "Column 'none' has no value"),
    ("fit t.csv --target y --model a*x --sigma zero", "sigma is 0 at position 1"),
    ("fit t.csv --target y --model a*x --sigma six", "the column 'six'"),
    ("fit t.csv --target y --model a*x --loss hubber", "Did you mean 'huber'"),
    ("fit t.csv --target y --model a*x --epochs 3", "--epochs cannot be used with model 'a*x'"),
    ("fit t.csv --target y --start a=1", "--start cannot be used with model 'linear'"),
    ("fit t.csv --target y --model a*x --save t.csv/m", "t.csv/m cannot be written"),
    ("fit t.csv --target y --model a*x --save .", ". cannot be written"),
    ("fit t.csv --target y --model a*x --absolute-sigma", "requires --sigma"),
    ("fit t.csv --target y --model a*x --loss-scale 2", "requires a robust loss"),
    ("fit t.csv --target y --model a*x --features one", "Leave it out"),
    ("fit t.csv --target y --model a*x --save t.csv", "t.csv is given twice"),
    ("fit t.csv --target y --model a*x --resume table", "is not a curve"),
    ("fit t.csv --target y --model b*x**2+c --resume curve", "none of which this model has"),
    ("fit t.csv --target y --model linear --resume curve", "is a curve"),
    ("fit t.csv --target y --resume python", "is a model that was built in Python"),
    ("fit words.csv --target y --model a*x+g", "Column 'g' in the formula has type String"),
    ("predict curve t.csv -o t.csv", "t.csv is given twice"),
    ("show .", ". is a directory"),
    ("fit t.csv --target y --model polynomial:x", "no degree from 0 to 20"),
    ("fit t.csv --target y --separator ab", "separator"),
    ("predict nothing t.csv", "There is no file nothing"),
    ("predict t.csv t.csv", "damaged or is not a jitgrad file"),
    ("predict newer t.csv", "has version 99, but this jitgrad supports versions up to 2"),
    ("predict curve lacks.csv", "needs the column 'x'"),
    ("predict curve t.csv -o t.csv/out.csv", "t.csv/out.csv cannot be written"),
    ("predict curve out.csv", "already has a column 'prediction'"),
    ("predict table t.csv --interval 1", "--interval is 1"),
    ("predict table t.csv --interval 0.9 --confidence 0.9", "--interval and --confidence cannot be combined"),
    ("predict curve t.csv --confidence 0.9", "--confidence requires a table model"),
    ("predict python t.csv --interval 0.9", "--interval requires a curve or a table model"),
    ("predict curve t.csv --unseen missing", "--unseen applies only to table models"),
    ("fit t.csv --target y --features x --model y~x", "Pass it as --formula"),
    ("fit t.csv", "No target is given. Give --target"),
    ("fit t.csv --target y --features x --cov HC7", "no cov_type 'HC7'"),
    ("fit t.csv --target y --features x --cluster one", "--cluster and cov_type 'cluster' must be used together"),
    ("fit t.csv --target y --features x --penalty l1", "no penalty 'l1'"),
    ("fit t.csv --target y --model a*x --cov HC3", "--cov cannot be used with model 'a*x'"),
    ("evaluate curve lacks.csv", "which the table does not have"),
    ("show t.csv", "not a jitgrad file"),
    ("evaluate python t.csv", "does not record which column is the target"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with tables and kept models."""
    made = tmp_path_factory.mktemp("wrong")
    (made / "t.csv").write_text("x,y,one,none,zero\n1,2,1,,1\n2,4.5,1,,0\n3,6,1,,1\n4,8,1,,1\n")
    (made / "lacks.csv").write_text("xx,z\n1,2\n")
    (made / "words.csv").write_text("x,g,y\n1,c,1\n2,d,3\n3,c,5\n")
    (made / "out.csv").write_text("x,prediction\n1,2\n")
    from jitgrad.io.table import read_table
    from jitgrad.tabular import fit_curve, fit_table

    frame = read_table(made / "t.csv")
    fit_curve(frame, "y", "a * x").model.save(made / "curve")
    fit_table(frame, "y", ["x"], test_split=0.0).model.save(made / "table")
    archive.write(made / "newer", archive.read(made / "curve") | {"version": 99})
    model = jg.Sequential([jg.layers.Dense(1)])
    model(np.ones((2, 4), np.float32))
    model.save(made / "python")
    return made


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=[said for _, said in WRONG])
def test_errors_are_exit_2_and_one_sentence(arguments: str, said: str, run: Any, place: Path, tmp_path: Path) -> None:
    for file in place.iterdir():
        shutil.copy(file, tmp_path)
    before = {p.name for p in tmp_path.iterdir()}
    done = run(*arguments.split())
    assert done.code == 2 and said in done.err and done.out == ""
    assert "Traceback" not in done.err
    assert {p.name for p in tmp_path.iterdir()} == before


def test_a_full_disk_leaves_nothing_half_written(run: Any, curve: Path, data: Path, tmp_path: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    large = tmp_path / "large.csv"
    large.write_text("concentration\n" + "0.1\n" * 20_000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        done = run("predict", curve, large, "-o", "out.csv")
        saved = run("fit", large, "--target", "concentration", "--model", "a+0*concentration", "--save", "new.jitgrad")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert done.code == 2 and "out.csv cannot be written" in done.err
    assert saved.code == 2
    assert {p.name for p in tmp_path.iterdir()} == {"curve.jitgrad", "large.csv"}


def test_a_closed_pipe_is_quiet(curve: Path, data: Path) -> None:
    import subprocess

    code = "from jitgrad.cli.main import main; main()"
    command = f"{sys.executable} -c '{code}' predict {curve} {data / 'iris.csv'} --only | true"
    command = command.replace(str(data / "iris.csv"), str(data / "puromycin.csv"))
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_a_model_that_was_fitted_to_a_frame_takes_a_table_by_its_names(run: Any, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    model = jg.Sequential([jg.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(pl.DataFrame({"width": x[:, 0], "height": x[:, 1]}), x[:, 0])
    model.save(tmp_path / "m")
    pl.DataFrame({"other": ["u"] * 20, "height": x[:, 1], "width": x[:, 0]}).write_csv(tmp_path / "t.csv")
    done = run("predict", "m", "t.csv", "-o", "new/folder/p.csv")
    assert (done.code, done.err) == (0, "")
    found = pl.read_csv(tmp_path / "new" / "folder" / "p.csv")["prediction"].to_numpy()
    np.testing.assert_allclose(found, model.predict(x)[:, 0], rtol=1e-6)
    pl.DataFrame({"hight": x[:, 1], "width": x[:, 0]}).write_csv(tmp_path / "t.csv")
    done = run("predict", "m", "t.csv")
    assert done.code == 2 and "has no column 'height', which the model was fitted to. Did you mean 'hight'?" in done.err
