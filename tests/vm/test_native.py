"""Compiled code: kept, found again, never stale; and nothing is compiled for a model."""

from __future__ import annotations

import errno
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from llvmlite import binding

import jitgrad
from jitgrad import Variable
from jitgrad.vm import cache, compiling, groups
from jitgrad.vm.groups import GROUPS, Unit

PACKAGE = Path(jitgrad.__file__).parent


def python(code: str, kept: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run Python code with a cache of its own."""
    environment = os.environ | {"JITGRAD_CACHE_DIR": str(kept)} | more
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of code of its own, in this process."""
    monkeypatch.setenv("JITGRAD_CACHE_DIR", str(tmp_path))
    return tmp_path / cache.key()


# An engine that is compiled in no time, and a function of it.
SMALL = """
import numpy as np
from jitgrad.vm import compiling, groups, native
from jitgrad.vm.groups import GROUPS, Unit
engine = GROUPS["engine"]
GROUPS["engine"] = engine._replace(functions={name: engine.functions[name] for name in ("assist", "train")})
"""
LOAD = SMALL + "native.load('assist', np.dtype('float32'))\n"

BEGUN = "jitgrad: compiling the engine for float32, once per machine; this takes about "
ENDED = "jitgrad: compiled in "
WAITING = "jitgrad: waiting for another process, which compiles the engine for float32"


def test_a_second_process_loads_what_the_first_compiled(tmp_path: Path) -> None:
    first = python(LOAD, tmp_path)
    assert first.returncode == 0, first.stderr
    begun, ended = first.stderr.splitlines()
    assert begun.startswith(BEGUN) and ended.startswith(ENDED)
    again = python(LOAD + "import sys; assert 'numba' not in sys.modules", tmp_path)
    assert (again.returncode, again.stderr) == (0, "")


def test_an_edited_kernel_is_never_served_from_a_stale_cache(tmp_path: Path) -> None:
    """The edit is in a function that the cached one calls, which Numba's own cache does not notice."""
    shutil.copytree(PACKAGE, tmp_path / "copy" / "jitgrad")
    kept = tmp_path / "kept"
    order = (
        "import numpy as np, jitgrad; w = jitgrad.Variable(np.float32(0));"
        "h = jitgrad.fit(lambda x: jitgrad.sum(jitgrad.square(x - w)), np.arange(4.0), jitgrad.optimizers.SGD(1e-6),"
        " batch_size=1, seed=0, epochs=3); print(h.loss.tolist())"
    )
    # only small functions are compiled anew: the interpreter is taken from this process's cache by its file
    place = cache.directory()
    assert place is not None
    texts = []
    for edit in (False, True):
        file = tmp_path / "copy" / "jitgrad" / "vm" / "train.py"
        if edit:
            text = file.read_text()
            changed = re.sub(r"losses\[epoch\] \+= float\(loss\)", "losses[epoch] += 7 + float(loss)", text)
            assert changed != text
            file.write_text(changed)
        key = python("from jitgrad.vm import cache; print(cache.directory())", kept, PYTHONPATH=str(tmp_path / "copy"))
        shutil.copy(place / "execute-float32", key.stdout.strip())
        done = python(order, kept, PYTHONPATH=str(tmp_path / "copy"))
        assert done.returncode == 0, done.stderr
        texts.append(done.stdout)
    assert texts[0] != texts[1]
    assert len(list(kept.iterdir())) == 2


def test_damaged_files_are_compiled_anew(tmp_path: Path) -> None:
    python(LOAD, tmp_path)
    (file,) = tmp_path.rglob("assist-float32")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    done = python(LOAD, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "compiling" in done.stderr
    assert file.read_bytes() == whole


def test_damage_anywhere_is_found(kept: Path) -> None:
    compiled = cache.ObjectCode("symbol", ["sin", "cos"], bytes(range(60)))
    cache.write("f", compiled)
    assert cache.find("f") == (kept, compiled)
    whole = (kept / "f").read_bytes()
    for i in range(len(whole)):
        for damaged in (
            whole[:i],
            whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :],
            whole[:i] + b"\0" * (len(whole) - i - 1),
        ):
            (kept / "f").write_bytes(damaged)
            assert cache.find("f") is None, i
    (kept / "f").write_bytes(whole + b"\0")
    assert cache.find("f") is None


def at_once(code: str, kept: Path, count: int) -> list[str]:
    """What processes that run the same code at once say on stderr."""
    environment = os.environ | {"JITGRAD_CACHE_DIR": str(kept)}
    command = [sys.executable, "-c", code]
    running = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(count)]
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0] * count, said
    return said


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
compiling.cores = lambda: 2
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
    begun = "jitgrad: compiling the engine and linear algebra for float32, once per machine; this takes about"
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
    assert "compiling the engine and linear algebra" in process.stderr.readline()
    time.sleep(0.7)
    process.send_signal(number)
    process.communicate(timeout=60)  # until nobody has the pipe open any more: a worker has it, too
    assert process.returncode == -number


def test_what_can_be_kept_nowhere_is_compiled_once_a_process(tmp_path: Path) -> None:
    """The disk is full: the limit of a file's size says so."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    code = limit + SMALL + "f = np.dtype('float32')\n"
    done = python(code + "native.load('assist', f), native.load('train', f)", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(BEGUN) == 1
    assert "could not be kept" in done.stderr and "Make room there" in done.stderr
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and file.stat().st_size]


@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full"])
def test_nothing_fails_where_nobody_can_be_told(tmp_path: Path, stderr: str) -> None:
    environment = os.environ | {"JITGRAD_CACHE_DIR": str(tmp_path), "CODE": LOAD + "print('done')"}
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
    assert groups.text(engine) == "the engine for float32 and float64"
    assert groups.text([engine[1], Unit("least_squares", "float64")]) == "the engine and least squares for float64"
    assert groups.text(groups.needed("float64", "least_squares", "linalg")) == (
        "the engine, least squares and linear algebra for float64"
    )
    assert groups.text([*engine, Unit("linalg", "float32")]) == "the engine for float32 and float64, linear algebra for float32"


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


def test_a_lock_that_another_has_for_too_long_is_not_waited_for(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_PATIENCE", 0.2)
    waits: list[str] = []
    with cache.alone("f", lambda: waits.append("f")), cache.alone("g", lambda: waits.append("g")):
        assert waits == []
        with cache.alone("f", lambda: waits.append("f")):
            assert waits == ["f"]
    with cache.alone("f", lambda: waits.append("f")):
        assert waits == ["f"]


def test_the_lock_of_a_process_that_is_killed_is_free(kept: Path) -> None:
    code = (
        "import time; from jitgrad.vm import cache\nwith cache.alone('f', print): print('locked', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    holder.kill()
    holder.communicate()
    with cache.alone("f", lambda: pytest.fail("it is not")):
        pass


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


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL])
def test_where_files_cannot_be_locked_it_goes_on(kept: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    def flock(file: int, how: int) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(cache.fcntl, "flock", flock)
    with cache.alone("f", lambda: pytest.fail("there is nothing to wait for")):
        pass


FORK = """
import os, sys, threading, time, warnings
import numpy as np
from jitgrad.vm import native
import logging
warnings.simplefilter("ignore")  # newer Pythons warn of forks beside threads
begun, load = threading.Event(), native._load
def slowly(*names):
    begun.set()
    time.sleep(0.5)
    logging.getLogger("late")  # takes a lock that a fork takes, too
    return load(*names)
native._load = slowly
thread = threading.Thread(target=native.load, args=("assist", np.dtype("float32")))
thread.start()
begun.wait()
child = os.fork()
native._load = load
native.load("train", np.dtype("float32"))
if child == 0:
    os._exit(7)
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


FORK_IN_AN_IMPORT = """
import os, sys, threading, time, warnings
import jitgrad
warnings.simplefilter("ignore")
begun = threading.Event()
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "llvmlite":
            begun.set()
            time.sleep(0.5)
sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=lambda: float(jitgrad.tensor(2.0) * 3))
thread.start()
begun.wait()
child = os.fork()
value = float(jitgrad.tensor(2.0) + 5)
if child == 0:
    os._exit(int(value))
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("code", [FORK, FORK_IN_AN_IMPORT])
def test_a_fork_while_another_thread_loads_code_leaves_the_child_able_to(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr
    assert "Exception" not in done.stderr


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
    assert re.fullmatch(r"jitgrad: compiling for \S+, by (one process|2 processes at once); this takes about \d+ s", first)
    assert sorted(re.sub(r"^ +\d+\.\d s  ", "", line) for line in units) == [
        "linear algebra for float32",
        "linear algebra for float64",
    ]
    kept = rf"kept in {tmp_path / place.name} \(\d+\.\d MB\)"
    assert re.fullmatch(rf"jitgrad: compiled in \d+\.\d s, and {kept}", last)
    assert re.fullmatch(rf"jitgrad: everything is compiled for \S+ already, and {kept}\n", said[1])


def test_a_directory_that_cannot_be_made_is_worked_around(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    done = python(LOAD, occupied)
    assert done.returncode == 0, done.stderr
    assert "Set JITGRAD_CACHE_DIR" in done.stderr


@pytest.mark.slow
def test_what_models_need_compiles_in_twenty_seconds(tmp_path: Path) -> None:
    """All but least squares."""
    started = time.perf_counter()
    units = [tuple(unit) for unit in groups.UNITS if unit.group != "least_squares"]
    done = python(f"from jitgrad.vm import compiling, groups; compiling.ensure(*[groups.Unit(*u) for u in {units}])", tmp_path)
    assert done.returncode == 0, done.stderr
    assert time.perf_counter() - started < 20
    done = python("import jitgrad; print(jitgrad.exp(0.0))", tmp_path)
    assert (done.stdout, done.stderr) == ("1.0\n", "")


def mlp_step(widths: list[int]) -> float:
    """Seconds from the Python code of a new network to its first finished training step."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, widths[0])), rng.normal(size=(16, widths[-1]))
    started = time.perf_counter()
    layers = [
        (Variable(rng.normal(0, 0.1, (m, n)).astype(np.float32)), Variable(np.zeros(n, np.float32)))
        for m, n in itertools.pairwise(widths)
    ]

    def network(h: object) -> object:
        for w, b in layers[:-1]:
            h = jitgrad.relu(h @ w + b)
        return h @ layers[-1][0] + layers[-1][1]

    jitgrad.fit(
        lambda xs, ys: jitgrad.losses.mean_squared_error(ys, network(xs)), (x, y), jitgrad.optimizers.Adam(), batch_size=16
    )
    return time.perf_counter() - started


@pytest.mark.usefixtures("unverified")
def test_a_new_model_of_ten_layers_compiles_nothing_and_takes_20_ms(monkeypatch: pytest.MonkeyPatch) -> None:
    mlp_step([3, 4, 1])  # the interpreter is loaded
    monkeypatch.setattr(binding, "parse_assembly", None)  # nothing can be compiled from here on
    seconds = [mlp_step([7, *range(k, k + 18, 2), 2]) for k in range(20, 30)]
    assert min(seconds) < 0.020, seconds
