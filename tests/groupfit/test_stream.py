"""Groups of a file, in blocks of rows: the same results as at once, in any order and after any interruption."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad.errors import DataError, FitError
from jitgrad.groupfit import parts, stream
from jitgrad.groupfit.job import make_job
from jitgrad.groupfit.stream import fit_file

MODEL = "a * exp(-k * t) + c"
GIVEN: dict[str, Any] = {"by": ["plate", "well"], "y": "od", "p0": {"a": 1.0, "k": 1.0, "c": 0.1}, "nan_policy": "omit"}


def made(groups: int = 40, rows: int = 8) -> pl.DataFrame:
    """Return a table of noisy curves, sorted by key."""
    draw = np.random.default_rng(0)
    number, t = np.arange(groups).repeat(rows), np.tile(np.linspace(0, 4, rows), groups)
    a, k, c = (draw.uniform(0.5, 1.5, groups).repeat(rows) for _ in range(3))
    od = a * np.exp(-k * t) + c + draw.normal(0, 0.01, len(t))
    return pl.DataFrame({"plate": number // 12, "well": [f"w{n % 12:02}" for n in number], "t": t, "od": od})


def at_once(frame: pl.DataFrame, **more: Any) -> pl.DataFrame:
    """Return the fits of a table in memory."""
    result: pl.DataFrame = make_job(MODEL, frame.columns, **GIVEN | more).fit(frame).frame()
    return result


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use small blocks, and write each of them."""
    monkeypatch.setattr(stream, "ROWS", 50)
    monkeypatch.setattr(parts, "SECONDS", 0.0)


@pytest.fixture
def file(tmp_path: Path) -> str:
    made().write_csv(tmp_path / "t.csv")
    return str(tmp_path / "t.csv")


def run(path: str, **more: Any) -> tuple[pl.DataFrame, stream.FileFits]:
    """Return the written table and the result; nothing else is left."""
    output = Path(path).with_name("fits.parquet")
    result = fit_file(path, str(output), MODEL, **GIVEN | more)
    assert not Path(f"{output}.parts").exists()
    return pl.read_parquet(output), result


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.tsv", "t.csv.gz"])
def test_a_file_of_any_kind(name: str, tmp_path: Path) -> None:
    path, frame = str(tmp_path / name), made()
    if name == "t.parquet":
        frame.write_parquet(path)
    else:
        text = frame.write_csv(separator="\t" if "tsv" in name else ",")
        Path(path).write_bytes(__import__("gzip").compress(text.encode()) if "gz" in name else text.encode())
    told: list[tuple[float, int]] = []
    fits, result = run(path, told=lambda part, groups: told.append((part, groups)))
    assert fits.equals(at_once(frame))
    assert told == sorted(told) and len(told) > 4 and told[-1][1] == 40
    assert (result.summary.groups, result.summary.converged, result.summary.rows) == (40, 40, 320)
    assert result.summary.quartiles["k"] == pytest.approx([fits["k"].quantile(q, "linear") for q in (0.25, 0.5, 0.75)])


ORDERS: dict[str, Any] = {
    "by group, backwards": lambda frame: frame.sort("plate", "well", descending=True, maintain_order=True),
    "by group, in no order": lambda frame: frame.sort(pl.struct("plate", "well").hash(), maintain_order=True),
    "by time": lambda frame: frame.sort("t", maintain_order=True),
    "in no order": lambda frame: frame.sample(fraction=1.0, shuffle=True, seed=2),
    "one row apart": lambda frame: pl.concat([frame[1:], frame[:1]]),
}


@pytest.mark.parametrize("order", ORDERS)
def test_rows_may_stand_in_any_order(order: str, tmp_path: Path) -> None:
    frame = ORDERS[order](made())
    frame.write_csv(tmp_path / "t.csv")
    fits, result = run(str(tmp_path / "t.csv"))
    assert fits.equals(at_once(frame))
    assert result.scattered == (not order.startswith("by group"))


def test_groups_that_fail_stop_nothing(tmp_path: Path) -> None:
    row = pl.int_range(pl.len()) % 8
    group = pl.int_range(pl.len()) // 8
    frame = made().with_columns(
        od=pl.when(group == 3).then(2.0).when((group == 5) & (row < 6)).then(None).otherwise("od"),
        plate=pl.when((group % 10 == 7) & (row == 0)).then(None).otherwise("plate"),
    )
    frame.write_csv(tmp_path / "t.csv")
    fits, result = run(str(tmp_path / "t.csv"))
    assert fits.equals(at_once(frame))
    assert result.summary.failures == {"constant": 1, "too few rows": 1}
    assert result.summary.remarks == ["10 rows were dropped because a key or a value is missing"]
    with pytest.raises(DataError, match="Column 'od' has nan in 6 rows"):
        run(str(tmp_path / "t.csv"), nan_policy="raise")


def test_examples_are_the_best_the_median_and_the_worst(file: str) -> None:
    fits, result = run(file, examples=True)
    assert [title.split(":")[0] for title, _ in result.examples] == ["best", "median", "worst"]
    assert [fit.r2 for _, fit in result.examples] == [
        fits["r2"].max(), fits["r2"].sort()[40 - 1 - 20], fits["r2"].min()
    ]  # fmt: skip
    np.testing.assert_array_equal(result.estimates["k"], fits["k"].to_numpy())


def stop_after(calls: int, error: BaseException) -> Any:
    """Return a callback that raises an error in one of its calls."""
    count = iter(range(calls))

    def told(part: float, groups: int) -> None:
        if next(count, None) is None:
            raise error

    return told


@pytest.mark.parametrize("order", ["by group, backwards", "by time"])
def test_an_interrupted_run_goes_on(order: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = ORDERS[order](made())
    file = tmp_path / "t.parquet"
    frame.write_parquet(file)
    monkeypatch.setattr(stream, "SCATTERED_BYTES", 1000)
    with pytest.raises(FitError, match=r"Interrupted\. \d+ groups are saved in .*fits\.parquet\.parts: run the same command"):
        run(str(file), told=stop_after(3, KeyboardInterrupt()))
    done = sum(pl.read_parquet(part).height for part in (tmp_path / "fits.parquet.parts").glob("*.parquet"))
    fits, result = run(str(file))
    assert fits.equals(at_once(frame)) and 0 < done == result.resumed < 40


KILLED = """
import os, signal, sys
from jitgrad.groupfit import parts, stream
stream.ROWS, parts.SECONDS = 50, 0.0
def told(part, groups):
    if groups > 20:
        os.kill(os.getpid(), signal.SIGKILL)
stream.fit_file(sys.argv[1], sys.argv[2], {model!r}, told=told, **{given!r})
"""


def test_a_killed_run_goes_on(file: str, tmp_path: Path) -> None:
    output = str(tmp_path / "fits.parquet")
    code = KILLED.format(model=MODEL, given=GIVEN)
    assert subprocess.run([sys.executable, "-c", code, file, output], check=False).returncode == -signal.SIGKILL
    assert not Path(output).exists()
    fits, result = run(file)
    assert fits.equals(at_once(made())) and result.resumed > 20


def interrupted(file: str) -> Path:
    """Return the folder of an interrupted run."""
    with pytest.raises(FitError):
        run(file, told=stop_after(3, KeyboardInterrupt()))
    return Path(file).with_name("fits.parquet.parts")


def test_what_is_left_of_another_run_is_not_taken(file: str) -> None:
    interrupted(file)
    assert run(file, p0={"a": 1.0, "k": 1.0, "c": 0.2})[1].resumed == 0
    interrupted(file)
    frame = made().with_columns(od=pl.col("od") * 2)
    frame.write_csv(file)
    fits, result = run(file)
    assert result.resumed == 0 and fits.equals(at_once(frame))


@pytest.mark.parametrize("damage", ["not JSON", "{}", '{"version": 1, "rows": "many"}', "a part is gone"])
def test_a_damaged_folder_is_begun_anew(damage: str, file: str) -> None:
    folder = interrupted(file)
    if damage == "a part is gone":
        (folder / "part-0.parquet").unlink()
    else:
        (folder / "state.json").write_text(damage)
    fits, result = run(file)
    assert result.resumed == 0 and fits.equals(at_once(made()))


def test_two_runs_do_not_write_the_same_file(file: str) -> None:
    folder = interrupted(file)
    at = os.open(folder, os.O_RDONLY)
    fcntl.flock(at, fcntl.LOCK_EX)
    with pytest.raises(DataError, match=r"fits\.parquet\.parts is in use by another run\. Wait until it ends"):
        run(file)
    os.close(at)
    assert run(file)[1].resumed > 0


def test_a_full_disk_keeps_what_is_done(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, writes = parts.write_whole, iter(range(6))

    def full(path: Any, content: bytes) -> None:
        if next(writes, None) is None:
            raise OSError(28, "No space left on device")
        whole(path, content)

    monkeypatch.setattr(parts, "write_whole", full)
    with pytest.raises(DataError, match=r"fits\.parquet\.parts cannot be written: No space left on device\. Free some space"):
        run(file)
    monkeypatch.setattr(parts, "write_whole", whole)
    fits, result = run(file)
    assert result.resumed > 0 and fits.equals(at_once(made()))


def test_an_output_that_cannot_be_written_keeps_what_is_done(file: str, tmp_path: Path) -> None:
    limit = "import resource, sys; sys.dont_write_bytecode = True; resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))\n"
    code = limit + KILLED.replace("groups > 20", "False").format(model=MODEL, given=GIVEN)
    done = subprocess.run(
        [sys.executable, "-c", code, file, str(tmp_path / "fits.parquet")], capture_output=True, text=True, check=False
    )
    assert "fits.parquet cannot be written: File too large. Raise the file size limit" in done.stderr
    fits, result = run(file)
    assert result.resumed == 40 and fits.equals(at_once(made()))


@pytest.mark.parametrize(
    ("change", "more", "message"),
    [
        (lambda frame: frame.drop("well"), {}, r"no column 'well'"),
        (lambda frame: frame.drop("t"), {}, r"none of the columns"),
        (lambda frame: frame.with_columns(od=pl.lit("x")), {}, r"Column 'od' has type String, which is not numeric"),
        (lambda frame: frame.with_columns(plate=None), {}, r"No row of .*t\.parquet has a key"),
        (lambda frame: frame[:0], {}, r"has no rows"),
        (lambda frame: frame, {"model": "a * exp(-k * t) + rows"}, r"parameter 'rows' has the same name as a column"),
    ],
)
def test_what_cannot_be_fitted_is_an_error(change: Any, more: dict[str, str], message: str, tmp_path: Path) -> None:
    change(made()).write_parquet(tmp_path / "t.parquet")
    with pytest.raises((DataError, ValueError), match=message):
        fit_file(str(tmp_path / "t.parquet"), str(tmp_path / "o.csv"), more.get("model", MODEL), **GIVEN | {"p0": None})
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


@pytest.mark.parametrize("order", ["by group, in no order", "by time"])
def test_a_pipe_is_read_once(order: str, tmp_path: Path) -> None:
    frame, pipe = ORDERS[order](made()), tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", pipe, frame.write_csv()]
    ):
        if order == "by time":
            with pytest.raises(DataError, match=r"pipe: Rows of the group .* occur again .* Sort the rows by plate, well"):
                run(str(pipe))
        else:
            assert run(str(pipe))[0].equals(at_once(frame))
    assert not (tmp_path / "fits.parquet.parts").exists()


def test_whole_numbers_of_keys_stay_so_in_a_text(tmp_path: Path) -> None:
    big = 2**60 + 1
    made().with_columns(plate=pl.col("plate") + big).write_csv(tmp_path / "t.csv")
    fits, _ = run(str(tmp_path / "t.csv"))
    assert fits["plate"].dtype == pl.Int64 and fits["plate"].min() == big
