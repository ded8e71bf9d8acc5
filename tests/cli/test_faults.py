"""Streams that are closed or full, names that act on a terminal, and fits that explain nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad.cli import main as command_line
from jitgrad.errors import DataError, printable
from jitgrad.tabular import TableModel, fit_curve, fit_table

ROWS = "a,b,k,y\n" + "".join(f"{i},{i * i % 7},{'uv'[i % 2]},{2 * i + i % 3}\n" for i in range(30))


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A directory with a table and a model of it."""
    (tmp_path / "t.csv").write_text(ROWS)
    fit_table(pl.read_csv(tmp_path / "t.csv"), "y").model.save(tmp_path / "m.jitgrad")
    return tmp_path


def shell(command: str, cwd: Path) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a line of shell, in which ``jitgrad`` is the command."""
    line = command.replace("jitgrad ", f"{sys.executable} -m jitgrad.cli.main ", 1)
    done = subprocess.run(["bash", "-c", line], cwd=cwd, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


CLOSED = "jitgrad: standard output cannot be written: Bad file descriptor. It is closed. Open it, or give a file.\n"
NO_INPUT = "jitgrad: standard input cannot be read: Bad file descriptor. Check the file and its permissions.\n"
FULL = "jitgrad: standard output cannot be written: No space left on device. Free some space, or give a file elsewhere.\n"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("predict m.jitgrad t.csv >&-", (2, "", CLOSED)),
        ("predict m.jitgrad t.csv >/dev/full", (2, "", FULL)),
        ("predict m.jitgrad t.csv -o o.csv >&- 2>&- <&-", (0, "", "")),
        ("fit t.csv --target y >&-", (2, "", CLOSED)),
        ("fit t.csv --target y --json >/dev/full", (2, "", FULL)),
        ("fit t.csv --target y --quiet >&-", (0, "", "")),
        ("fit t.csv --target none 2>&-", (2, "", "")),
        ("fit t.csv --target none 2>/dev/full", (2, "", "")),
        ("models >&-", (2, "", CLOSED)),
        ("--version >&-", (2, "", CLOSED)),
        ("evaluate m.jitgrad - <&-", (2, "", NO_INPUT)),
    ],
)  # fmt: skip
def test_streams_that_are_closed_or_full(command: str, expected: tuple[int, str, str], there: Path) -> None:
    assert shell(f"jitgrad {command}", there) == expected


@pytest.mark.parametrize(
    "command", ["predict m.jitgrad t.csv", "models", "show m.jitgrad --json", "fit t.csv --target y --save n"]
)
def test_nobody_reads(command: str, there: Path) -> None:
    assert shell(f"jitgrad {command} | true; exit ${{PIPESTATUS[0]}}", there)[1:] == ("", "")
    assert not command.endswith("--save n") or (there / "n").exists()


def test_a_file_does_not_take_the_place_of_a_closed_stream(there: Path) -> None:
    assert shell("jitgrad predict m.jitgrad t.csv -o o.csv >&- 2>&-", there)[0] == 0
    assert pl.read_csv(there / "o.csv").columns == ["a", "b", "k", "y", "prediction"]


WORKING = """
import sys
from jitgrad.io import write

def wait(self, frame):
    print("waits", flush=True)
    __import__("time").sleep(60)

write.TableWriter.add = wait
sys.argv = ["jitgrad", "predict", "m.jitgrad", "t.csv", "-o", "o.csv"]
from jitgrad.cli.main import main
main()
"""


INTERRUPTED = "jitgrad: Interrupted. No partial files were left behind.\n"


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, (1, INTERRUPTED)), (signal.SIGTERM, (-15, ""))])
def test_signals_leave_what_was_there(number: signal.Signals, expected: tuple[int, str], there: Path) -> None:
    (there / "o.csv").write_text("before")
    with subprocess.Popen(
        [sys.executable, "-c", WORKING], cwd=there, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "waits\n"
        process.send_signal(number)
        assert (process.wait(), process.stderr.read().lstrip("\n")) == expected
    assert {file.name: file.read_bytes()[:6] for file in there.iterdir()} == {
        "t.csv": ROWS[:6].encode(), "m.jitgrad": (there / "m.jitgrad").read_bytes()[:6], "o.csv": b"before"
    }  # fmt: skip


ESCAPE = "\x1b[31m\x9b2J\x1b]0;title\x07\u202e"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """Runs a command in a directory of its own; gives its exit code and what it prints."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["jitgrad", *arguments])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        return (int(ended.value.code or 0), *capfd.readouterr())

    return command


def is_harmless(text: str) -> bool:
    return text == printable(text)


@pytest.mark.parametrize("column", ["a", "k", "y"])
@pytest.mark.parametrize("more", [[], ["--json"], ["--hidden", "2", "--epochs", "2"], ["--model", "logistic"]])
def test_names_do_not_act_on_the_terminal(column: str, more: list[str], run: Any, tmp_path: Path) -> None:
    name = column + ESCAPE
    text = ROWS.replace(",u,", f",u{ESCAPE},").replace("a,b,k,y", "a,b,k,y".replace(column, name))
    (tmp_path / "t.csv").write_text(text)
    target = "y" if column != "y" else name
    target = ("k" if column != "k" else name) if "logistic" in more else target
    code, out, err = run("fit", "t.csv", "--target", target, *more, "--save", f"m{ESCAPE}")
    assert code in (0, 1) and out and not err and is_harmless(out)
    assert "\\x1b[31m\\x9b2J" in out or "\\u001b[31m\\u009b2J" in out or ("--hidden" in more and column != "y")
    if "--json" in more:
        assert name in [json.loads(out)["target"], *json.loads(out)["features"], *text.partition("\n")[0].split(",")]
    for command in (
        ["show", f"m{ESCAPE}"], ["show", f"m{ESCAPE}", "--json"], ["evaluate", f"m{ESCAPE}", "t.csv"],
        ["predict", f"m{ESCAPE}", "t.csv", "-o", f"t.csv/{ESCAPE}"],
    ):  # fmt: skip
        code, out, err = run(*command)
        assert is_harmless(out + err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "t.csv", "--target", ESCAPE],
        ["fit", ESCAPE, "--target", "y"],
        ["fit", "t.csv", "--target", "y", ESCAPE],
        ["fit", "t.csv", "--target", "y", "--lr", ESCAPE],
        ["fit", "t.csv", "--target", "y", "--hidden", ESCAPE],
        ["fit", "t.csv", "--target", "y", "--model", ESCAPE],
        ["fit", "t.csv", "--target", "y", "--features", ESCAPE],
        ["fit", "t.csv", "--target", "y", "--plot", ESCAPE],
        ["fit", "t.csv", "--target", "y", f"--{ESCAPE}"],
        ["predict", ESCAPE, "t.csv"],
        [ESCAPE],
    ],
)
def test_errors_do_not_act_on_the_terminal(arguments: list[str], run: Any, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(ROWS)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "") and err and is_harmless(err)


def test_library_errors_do_not_either() -> None:
    assert str(DataError(f"There is no {ESCAPE}.")) == "There is no \\x1b[31m\\x9b2J\\x1b]0;title\\x07\\u202e."
    assert printable("α, 日本\tx\n🎉 \udcff") == "α, 日本\tx\n🎉 \\udcff"


DESCENTS: list[tuple[str, dict[str, Any]]] = [
    (target, settings)
    for target in ("y", "k")
    for settings in (
        {"hidden": (4,), "lr": 50.0, "epochs": 3},
        {"hidden": (4,), "lr": 1e-9, "epochs": 1},
        {"optimizer": "sgd", "lr": 3.0 if target == "y" else 1e3, "epochs": 5},
    )
]


@pytest.mark.parametrize(("target", "settings"), DESCENTS)
def test_a_fit_that_explains_nothing_has_failed(target: str, settings: dict[str, Any]) -> None:
    fitted = fit_table(pl.read_csv(ROWS.encode()), target, **settings, verbose=0)
    assert not fitted.success
    assert "describes the training rows no better than a constant" in fitted.model.notes[-1]


@pytest.mark.parametrize("settings", [{}, {"epochs": 20}, {"hidden": (8,), "epochs": 300, "lr": 0.02}])
@pytest.mark.parametrize("target", ["y", "k"])
def test_one_that_explains_something_has_not(settings: dict[str, Any], target: str) -> None:
    frame = pl.read_csv(ROWS.encode()).with_columns(k=pl.when(pl.col("a") > 14).then(pl.lit("u")).otherwise(pl.lit("v")))
    fitted = fit_table(frame, target, **settings, verbose=0)
    assert fitted.success and not any("constant does" in note for note in fitted.model.notes)


def test_what_rounding_leaves_of_a_target_is_not_explained() -> None:
    """A target of 1e17 has steps of 16: what is left beside its mean is rounding, and R² is below 0."""
    y = 1e17 + np.random.default_rng(80).normal(size=24).round() * 16
    fitted = fit_table(pl.DataFrame({"a": np.arange(24.0) % 5, "y": y}), "y", test_split=0.0)
    assert fitted.success == (fitted.model.scores["train"]["r2"] >= 0)


def test_counts_that_are_explained_have_a_likelihood(run: Any, tmp_path: Path) -> None:
    """Squares may be worse than around the mean where one count is far out; the likelihood says what was explained."""
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{i},{[1, 2, 1, 3, 50][i % 5]}\n" for i in range(40)))
    assert fit_table(pl.read_csv(tmp_path / "t.csv"), "y", model="poisson").success
    code, out, _ = run(
        "fit", "t.csv", "--target", "y", "--model", "poisson", "--optimizer", "sgd", "--lr", "0.9", "--epochs", "2"
    )
    assert code == ("no better than a constant" in out)


def test_exit_code_of_a_fit_that_explains_nothing(run: Any, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(ROWS)
    code, out, err = run("fit", "t.csv", "--target", "y", "--hidden", "4", "--lr", "50", "--epochs", "3", "--json")
    assert (code, err) == (1, "") and json.loads(out)["success"] is False
    assert run("fit", "t.csv", "--target", "y", "--json")[0] == 0


@pytest.mark.parametrize("rate", ["1e308", "1e39"])
def test_a_learning_rate_beyond_float32(rate: str, run: Any, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(ROWS)
    code, out, err = run("fit", "t.csv", "--target", "y", "--hidden", "4", "--lr", rate)
    assert (code, out) == (2, "") and err.endswith("outside the float32 range. The limit is 1e+38.\n") and err.count("\n") == 1


@pytest.fixture
def far() -> TableModel:
    return fit_table(
        pl.DataFrame({"a": [1e-9, 2e-9, 3e-9, 5e-9], "b": [1.0, 5.0, 2.0, 2.0], "y": [1.0, 2.0, 3.0, 5.0]}), "y"
    ).model


@pytest.mark.parametrize("value", [1e300, -1e308])
def test_rows_too_far_outside_are_not_taken_for_missing(value: float, far: TableModel) -> None:
    frame = pl.DataFrame({"a": [2e-9, None, value], "b": [1.0, 1.0, 1.0], "y": [1.0, 1.0, 1.0]})
    for call in (far.predict, far.evaluate):
        with pytest.raises(DataError, match=r"Column 'a' has -?1e\+30\d, which is so far outside the training range"):
            call(frame)


@pytest.mark.parametrize("size", [1e-200, 1e-3, 1e160, 1e300])
def test_scores_of_any_size(size: float) -> None:
    model = fit_curve(pl.DataFrame({"x": [1.0, 2.0, 4.0], "y": [2.1, 3.9, 8.0]}), "y", "a * x").model
    x = np.array([1.0, 2.0, 4.0]) * size
    scores = model.evaluate(pl.DataFrame({"x": x, "y": 2.2 * x}))
    assert scores["r2"] == pytest.approx(0.95, abs=0.1)
    assert scores["rmse"] == pytest.approx(scores["mae"] * 1.134, rel=0.01)


def test_not_enough_memory_is_one_sentence(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_: Any, **__: Any) -> None:
        np.empty(2**59)

    monkeypatch.setattr("jitgrad.io.table.read_table", fail)
    (tmp_path / "t.csv").write_text(ROWS)
    code, out, err = run("fit", "t.csv", "--target", "y")
    assert (code, out) == (2, "") and err.startswith("jitgrad: Out of memory: Unable to allocate 4.00 EiB")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (OSError(12, "Cannot allocate memory"), "A file cannot be accessed: Cannot allocate memory."),
        (OSError(13, "Permission denied", "/some/file"), "/some/file cannot be accessed: Permission denied."),
    ],
)
def test_other_faults_of_the_system_are_not_put_down_to_the_output(
    fault: OSError, message: str, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise fault

    monkeypatch.setattr("jitgrad.io.table.read_table", fail)
    assert run("fit", "t.csv", "--target", "y") == (2, "", f"jitgrad: {message} Check the path, permissions and free space.\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ROWS.encode("utf-32-be"), "is not a text file: line 1 contains a null byte"),
        (ROWS.encode().replace(b"\n5,", b"\n5\0,"), "is not a text file: line 7 contains a null byte"),
        (b"\x28\xb5\x2f\xfd" + ROWS.encode(), "is compressed with zstd, which is not supported. Decompress it"),
    ],
)
def test_what_is_no_text(content: bytes, message: str, run: Any, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    code, out, err = run("fit", "t.csv", "--target", "y")
    assert (code, out) == (2, "") and message in err
