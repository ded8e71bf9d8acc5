"""Compiled code: kept, found again, never stale; and nothing is compiled for a model."""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from llvmlite import binding

import jitgrad
from jitgrad import Variable
from jitgrad.errors import ProgramError
from jitgrad.vm import cache, symbols
from jitgrad.vm.objects import ObjectCode
from tests.vm.processes import BEGUN, ENDED, LOAD, python

PACKAGE = Path(jitgrad.__file__).parent


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of code of its own, in this process."""
    monkeypatch.setenv("JITGRAD_CACHE_DIR", str(tmp_path))
    return tmp_path / cache.key()


def test_a_second_process_loads_what_the_first_compiled(tmp_path: Path) -> None:
    first = python(LOAD, tmp_path)
    assert first.returncode == 0, first.stderr
    begun, ended = first.stderr.splitlines()
    assert begun.startswith(BEGUN) and ended.startswith(ENDED)
    again = python(LOAD + "import sys; assert 'numba' not in sys.modules", tmp_path)
    assert (again.returncode, again.stderr) == (0, "")


EDITS = [
    ("vm/train.py", "losses[epoch] += float(loss)", "losses[epoch] += 7 + float(loss)"),
    ("ops/elementwise.py", '"square", "x * x"', '"square", "x * x + 7"'),
]


def test_edited_code_is_never_served_from_a_stale_cache(tmp_path: Path) -> None:
    copy, kept = tmp_path / "copy", tmp_path / "kept"
    shutil.copytree(PACKAGE, copy / "jitgrad")
    order = (
        "import numpy as np, jitgrad; w = jitgrad.Variable(np.float32(0));"
        "h = jitgrad.fit(lambda x: jitgrad.sum(jitgrad.square(x - w)), np.arange(4.0), jitgrad.optimizers.SGD(1e-6),"
        " batch_size=1, seed=0, epochs=3); print(h.loss.tolist())"
    )
    losses = []
    for edit in (None, *EDITS):
        if edit is not None:
            file, before, after = edit
            text = (copy / "jitgrad" / file).read_text()
            assert before in text
            (copy / "jitgrad" / file).write_text(text.replace(before, after))
        done = python(order, kept, PYTHONPATH=str(copy))
        assert done.returncode == 0, done.stderr
        losses.append(json.loads(done.stdout))
    assert np.diff(losses, axis=0).min() > 6
    assert len(list(kept.iterdir())) == 3


def test_a_name_without_an_address_is_an_error() -> None:
    symbols.start_llvm()
    with pytest.raises(ProgramError, match="calls nobodys_function, which has no address"):
        symbols.check(["llvm.sqrt.f64", "expf", "nobodys_function"])


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
    compiled = ObjectCode("symbol", ["sin", "cos"], bytes(range(60)))
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


def test_a_directory_that_cannot_be_made_is_worked_around(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    done = python(LOAD, occupied)
    assert done.returncode == 0, done.stderr
    assert "Set JITGRAD_CACHE_DIR" in done.stderr


def mlp_step(widths: list[int]) -> float:
    """Seconds of the processor from the Python code of a new network to its first finished training step."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, widths[0])), rng.normal(size=(16, widths[-1]))
    started = time.process_time()
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
    return time.process_time() - started


def yardstick() -> float:
    """Seconds that plain Python takes for 100,000 squares: about 4 ms on the machine that the 20 ms are from."""
    started = time.process_time()
    sum(i * i for i in range(100_000))
    return time.process_time() - started


@pytest.mark.usefixtures("unverified")
def test_a_new_model_of_ten_layers_compiles_nothing_and_takes_20_ms(monkeypatch: pytest.MonkeyPatch) -> None:
    mlp_step([3, 4, 1])  # the interpreter is loaded
    monkeypatch.setattr(binding, "parse_assembly", None)  # nothing can be compiled from here on
    seconds = [(mlp_step([7, *range(k, k + 18, 2), 2]), yardstick()) for k in range(20, 30)]
    new, python_alone = (min(column) for column in zip(*seconds, strict=True))
    assert new < 5 * python_alone, seconds  # a ratio, since processors differ by more than a regression would
