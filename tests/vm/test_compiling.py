"""What a program lacks is compiled in one wait, by several processes, and by one of those that need it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jitgrad.vm import cache, compiling, groups
from jitgrad.vm.groups import GROUPS, Unit
from tests.vm.processes import BEGUN, ENDED, LOAD, SMALL, WAITING, at_once, python


def test_of_processes_that_start_at_once_one_compiles(tmp_path: Path) -> None:
    said = at_once(LOAD, tmp_path, 4)
    assert sum(BEGUN in text for text in said) == 1
    assert set(said) - {f"{WAITING}\n", ""} == {text for text in said if BEGUN in text}
    assert python(LOAD, tmp_path).stderr == ""
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == [
        "assist-float32",
        "engine-float32.lock",
        "train-float32",
    ]


# What is compiled is noted, also by workers: they import this file, since it stands where the first process imports from.
TWO_UNITS = """
compiling.cores, compiling._START = (lambda: 2), 0.0
compiling.ensure(Unit("engine", "float32"), Unit("linalg", "float32"))
assert all(compiling.cache.find(file) for unit in ("engine", "linalg") for _, file in Unit(unit, "float32").files())
"""


def test_units_are_compiled_at_once_in_one_wait_and_each_by_one_process(tmp_path: Path) -> None:
    noting = """
import os
from jitgrad.vm import compiling
write = compiling.cache.write
def noted(name, code):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(f"{name} {os.getpid()}\\n")
    write(name, code)
compiling.cache.write = noted
"""
    (tmp_path / "sitecustomize.py").write_text(noting)
    notes = tmp_path / "notes"
    code = f"import os; os.environ['NOTES'] = {str(notes)!r}; import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    said = at_once(code + noting + SMALL + TWO_UNITS, tmp_path / "kept", 3)
    compiled = [line.split() for line in notes.read_text().splitlines()]
    assert sorted(name for name, _ in compiled) == sorted(
        f"{n}-float32" for n in ("assist", "train", *GROUPS["linalg"].functions)
    )
    assert len({process for _, process in compiled}) == 2
    begun = "jitgrad: compiling the interpreter and linear algebra for float32, once per machine; this takes about"
    assert sum(text.startswith(begun) and text.count("\n") == 2 for text in said) >= 1, said
    assert all([line[:14] for line in text.splitlines()] == [begun[:14], ENDED[:14]] for text in said if text)


def test_what_a_worker_cannot_do_the_first_process_does(tmp_path: Path) -> None:
    broken = tmp_path / "python-broken"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    for executable in (broken, "/nowhere/python", None):
        code = SMALL + f"import sys; sys.executable = {executable and str(executable)!r}\n" + TWO_UNITS
        done = python(code, tmp_path / f"kept-{executable is None}-{executable == broken}")
        assert done.returncode == 0, done.stderr
        assert [line.split(" ")[1] for line in done.stderr.splitlines()] == ["compiling", "compiled"]


def test_on_one_core_one_process_compiles_all(tmp_path: Path) -> None:
    code = SMALL + TWO_UNITS.replace("2", "1", 1) + "import sys; assert 'jitgrad.vm.kernels.lapack' in sys.modules"
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_the_process_that_started_them(tmp_path: Path, number: int) -> None:
    environment = os.environ | {"JITGRAD_CACHE_DIR": str(tmp_path)}
    code = SMALL + TWO_UNITS
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "compiling the interpreter and linear algebra" in process.stderr.readline()
    time.sleep(0.3)
    process.send_signal(number)
    process.communicate(timeout=60)  # until nobody has the pipe open any more: a worker has it, too
    assert process.returncode == -number


def test_what_can_be_kept_nowhere_is_compiled_once_a_process(tmp_path: Path) -> None:
    """The disk is full: the limit of a file's size says so."""
    limit = "import resource, sys; sys.dont_write_bytecode = True; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    code = limit + SMALL + "f = np.dtype('float32')\n"
    done = python(code + "native.load('assist', f), native.load('train', f)", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(BEGUN) == 1
    assert "could not be cached" in done.stderr and "Free space there" in done.stderr
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and file.stat().st_size]


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full"])
def test_nothing_fails_where_nobody_can_be_told(stderr: str, unbuffered: str) -> None:
    code = "from jitgrad.vm.notices import say\nsay('this takes a while')\nprint('done')"
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered, "CODE": code}
    command = f'{sys.executable} -c "$CODE" {stderr}'
    done = subprocess.run(["bash", "-c", command], env=environment, stdout=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n")


def test_shares_take_about_as_long() -> None:
    engine, more = ([Unit(name, dtype) for dtype in groups.DTYPES] for name in ("engine", "linalg"))
    assert compiling.shares([*more, *engine], 2) == [[engine[0], more[0]], [engine[1], more[1]]]
    assert compiling.shares([*more, *engine], 1) == [[*engine, *more]]
    assert compiling.shares(engine[:1], 8) == [engine[:1]]
    assert compiling.shares([], 2) == []


def test_no_worker_is_started_for_what_takes_no_longer_than_its_start() -> None:
    engine, small = (Unit(name, "float64") for name in ("engine", "linalg"))
    assert compiling.shares([small, engine], 2) == [[engine, small]]
    assert compiling.shares([small], 2) == [[small]]


def test_units_in_words() -> None:
    engine = [Unit("engine", "float32"), Unit("engine", "float64")]
    assert groups.text(engine) == "the interpreter for float32 and float64"
    assert (
        groups.text([engine[1], Unit("least_squares", "float64")]) == "the interpreter and the least-squares solver for float64"
    )
    assert groups.text(groups.needed("float64", "least_squares", "linalg")) == (
        "the interpreter, the least-squares solver and linear algebra for float64"
    )
    assert (
        groups.text([*engine, Unit("linalg", "float32")])
        == "the interpreter for float32 and float64, linear algebra for float32"
    )


def test_a_curve_needs_one_wait() -> None:
    """What it needs that others do not is asked for first, so that the rest is compiled at once with it."""
    code = """
from jitgrad.vm import native
asked, load = [], native._load
native._load = lambda *names: (asked.append(names), load(*names))[1]
from jitgrad.curvefit import curve_fit
curve_fit("a * exp(b * x)", [1.0, 2.0, 4.0], [1.0, 1.8, 8.5], [1.1, 0.5])
assert asked[0] == ("least_squares", "float64"), asked
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_function_is_in_one_group_and_has_a_file_of_its_own() -> None:
    files = [file for unit in groups.UNITS for _, file in unit.files()]
    assert len(files) == len(set(files))
    assert all(groups.unit_of(name, unit.dtype) == unit for unit in groups.UNITS for name, _ in unit.files())


def test_who_waits_for_a_process_that_is_killed_compiles(tmp_path: Path) -> None:
    environment = os.environ | {"JITGRAD_CACHE_DIR": str(tmp_path)}
    hold = "import time; from jitgrad.vm import cache\n"
    hold += "with cache.alone('engine-float32', print): print(flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", hold], env=environment, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    waiter = subprocess.Popen([sys.executable, "-c", LOAD], env=environment, stderr=subprocess.PIPE, text=True)
    assert waiter.stderr is not None
    assert waiter.stderr.readline() == f"{WAITING}\n"
    holder.kill()
    holder.communicate()
    begun, ended = waiter.communicate()[1].splitlines()
    assert begun.startswith(BEGUN) and ended.startswith(ENDED)
    assert waiter.returncode == 0


@pytest.mark.parametrize(("number", "status", "says"), [(signal.SIGINT, 1, "Interrupted"), (signal.SIGTERM, -15, "")])
def test_warmup_that_is_interrupted_ends_its_workers_at_once(tmp_path: Path, number: int, status: int, says: str) -> None:
    environment = os.environ | {"JITGRAD_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "jitgrad.cli.main", "warmup"]
    warmup = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert warmup.stderr is not None
    assert "compiling" in warmup.stderr.readline()
    warmup.send_signal(number)
    started = time.perf_counter()
    said = warmup.communicate()[1]  # until nobody has the pipe open any more
    assert time.perf_counter() - started < 5
    assert warmup.returncode == status
    assert says in said
    assert "Traceback" not in said


def test_warmup_says_what_it_does(tmp_path: Path) -> None:
    """Linear algebra is compiled, the rest is taken from this process's cache."""
    place = cache.directory()
    assert place is not None
    shutil.copytree(place, tmp_path / place.name)
    for dtype in ("float32", "float64"):
        for _, file in Unit("linalg", dtype).files():
            (tmp_path / place.name / file).unlink()
    environment = os.environ | {"JITGRAD_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "jitgrad.cli.main", "warmup"]
    said = [subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr for _ in range(2)]
    first, *units, last = said[0].splitlines()
    assert re.fullmatch(r"jitgrad: compiling for \S+ in (one process|2 processes); this takes about \d+ s", first)
    assert sorted(re.sub(r"^ +\d+\.\d s  ", "", line) for line in units) == [
        "linear algebra for float32",
        "linear algebra for float64",
    ]
    kept = rf"in {tmp_path / place.name} \(\d+\.\d MB\)"
    assert re.fullmatch(rf"jitgrad: compiled in \d+\.\d s and stored {kept}", last)
    assert re.fullmatch(rf"jitgrad: all code is already compiled for \S+, {kept}\n", said[1])


@pytest.mark.slow
def test_everything_compiles_in_ten_seconds(tmp_path: Path) -> None:
    started = time.perf_counter()
    units = [tuple(unit) for unit in groups.UNITS]
    done = python(f"from jitgrad.vm import compiling, groups; compiling.ensure(*[groups.Unit(*u) for u in {units}])", tmp_path)
    assert done.returncode == 0, done.stderr
    assert time.perf_counter() - started < 10
    done = python("import jitgrad; print(float(jitgrad.exp(0.0)))", tmp_path)
    assert (done.stdout, done.stderr) == ("1.0\n", "")
