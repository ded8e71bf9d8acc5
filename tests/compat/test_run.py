"""Programs that are run as they are: what Python does for a program, and whose names ``tensorflow`` and ``torch`` are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jitgrad.compat.run import uses_sessions

COMPAT = [sys.executable, "-m", "jitgrad.compat"]
COMMAND = [sys.executable, "-m", "jitgrad.cli.main", "run"]


def run(command: list[str], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, *arguments], capture_output=True, text=True, cwd=cwd, check=False)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


ABOUT = """
import sys, helper
print(__name__, sys.argv, sys.path[0], __file__, __spec__ and __spec__.name, __package__, __doc__, __cached__)
print(sys.modules["__main__"].__dict__ is globals(), helper.name, sorted(globals()))
sys.exit(len(sys.argv))
"""


@pytest.mark.parametrize("command", [COMPAT, COMMAND], ids=["module", "command"])
@pytest.mark.parametrize("arguments", [[], ["--v1", "-m", "x y"]])
def test_a_file_is_run_as_python_runs_it(write: Any, tmp_path: Path, command: list[str], arguments: list[str]) -> None:
    write("inner/program.py", ABOUT)
    write("inner/helper.py", "name = __name__")
    wanted = run([sys.executable], "inner/program.py", *arguments, cwd=tmp_path)
    made = run(command, "inner/program.py", *arguments, cwd=tmp_path)
    assert made.returncode == wanted.returncode == 1 + len(arguments), made.stderr
    assert made.stdout == wanted.stdout


@pytest.mark.parametrize("command", [COMPAT, COMMAND], ids=["module", "command"])
@pytest.mark.parametrize("name", ["package.program", "package"])
def test_a_module_is_run_as_python_runs_it(write: Any, tmp_path: Path, command: list[str], name: str) -> None:
    write("package/__init__.py", "print('first', __name__)")
    write("package/program.py", ABOUT.replace("import sys, helper", "import sys; from . import helper"))
    write("package/__main__.py", ABOUT.replace("import sys, helper", "import sys; from . import helper"))
    write("package/helper.py", "name = __name__")
    wanted = run([sys.executable], "-m", name, "--here", cwd=tmp_path)
    made = run(command, "-m", name, "--here", cwd=tmp_path)
    assert (made.returncode, made.stdout) == (wanted.returncode, wanted.stdout), made.stderr
    assert made.returncode == 2


@pytest.mark.parametrize(
    "text",
    [
        "import sys; sys.exit('bye')",
        "raise SystemExit",
        "def f(n):\n    return 1 / n\ntry:\n    f(0)\nexcept ZeroDivisionError as error:\n    raise ValueError from error",
        "x = = 1",
        "import sys\nsys.excepthook = lambda kind, error, trace: print('mine', error)\nraise ValueError('no')",
        "import missing_module_of_nobody",
        "import atexit, threading, time\natexit.register(print, 'end')\n"
        "threading.Thread(target=lambda: (time.sleep(0.05), print('late', __name__))).start()",
        "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)",
        "raise BaseException('odd')",
    ],
)
def test_the_end_is_that_of_python(write: Any, tmp_path: Path, text: str) -> None:
    write("program.py", text)
    wanted = run([sys.executable], "program.py", cwd=tmp_path)
    made = run(COMPAT, "program.py", cwd=tmp_path)
    assert (made.returncode, made.stdout, made.stderr) == (wanted.returncode, wanted.stdout, wanted.stderr)


def test_an_interrupt_ends_the_process_by_its_signal(write: Any, tmp_path: Path) -> None:
    write("program.py", f"import os\nprint('begun', flush=True)\nos.kill(os.getpid(), {int(signal.SIGINT)})\n")
    for command in ([sys.executable], COMPAT, COMMAND):
        made = run(command, "program.py", cwd=tmp_path)
        assert made.returncode == -signal.SIGINT
        assert made.stdout == "begun\n" and made.stderr.endswith("KeyboardInterrupt\n")


NAMES = """
import tensorflow as tf, keras, torch, torch.nn.functional as F
import tensorflow.compat.v1 as v1
from tensorflow.keras import layers
from tensorflow import keras as inner
print(tf.__name__, keras.__name__, torch.__name__, F.__name__, v1.__name__, layers.__name__, inner is keras)
"""


@pytest.mark.parametrize(
    ("more", "flags", "tensorflow"),
    [
        ("", [], "jitgrad.compat.tensorflow"),
        ("", ["--v1"], "jitgrad.compat.tensorflow.v1"),
        ("if 0: tf.Session()", [], "jitgrad.compat.tensorflow.v1"),
    ],
)
def test_whose_the_names_are(write: Any, tmp_path: Path, more: str, flags: list[str], tensorflow: str) -> None:
    write("program.py", NAMES + more)
    wanted = (
        f"{tensorflow} jitgrad.compat.keras jitgrad.compat.torch jitgrad.compat.torch.nn.functional "
        f"jitgrad.compat.tensorflow.v1 jitgrad.compat.keras.layers True\n"
    )
    for command in (COMPAT, COMMAND):
        made = run(command, *flags, "program.py", cwd=tmp_path)
        assert (made.returncode, made.stdout) == (0, wanted), made.stderr


LOOKING = """
import importlib.metadata, importlib.util, sys
import tensorflow as tf, keras, torch
import matplotlib.pyplot as plt, numpy as np, polars
import scipy.cluster.vq, scipy.integrate, scipy.optimize, scipy.signal, scipy.stats
for name in ("tensorflow", "keras", "torch"):
    assert importlib.util.find_spec(name) is not None and sys.modules[name].__name__.startswith("jitgrad.compat.")
x = np.arange(12.0).reshape(4, 3)
frame = polars.DataFrame(x, schema=["a", "b", "c"])
plt.plot(frame["a"], x[:, 1]), plt.hist(x[:, 0]), plt.imshow(x), plt.plot(torch.tensor([1.0, 2.0]), tf.constant([1.0, 2.0]))
print(scipy.stats.zscore(x)[0], scipy.signal.fftconvolve([1.0, 2.0], [1.0, 1.0]).round(3), scipy.cluster.vq.whiten(x).shape)
print(np.asarray(torch.tensor([1.0, 2.0])), np.asarray(tf.constant([1, 2])))
"""
LEARNING = """
import tensorflow, torch
import numpy as np, pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.preprocessing import StandardScaler
frame = pd.DataFrame({"a": np.arange(40.0), "b": np.tile([0.0, 1.0], 20)})
x, _, y, _ = train_test_split(StandardScaler().fit_transform(frame), (frame["a"] > 20).to_numpy(), random_state=0)
search = GridSearchCV(LogisticRegression(), {"C": [1.0, 10.0]}, cv=2).fit(x, y)
print(search.score(x, y), RandomForestClassifier(5).fit(x, y).predict(x).shape, frame.describe().shape)
"""


@pytest.mark.parametrize(
    ("text", "needed", "wanted"),
    [
        (LOOKING, [], "[-1.34164079 -1.34164079 -1.34164079] [1. 3. 2.] (4, 3)\n[1. 2.] [1 2]\n"),
        (LEARNING, ["sklearn", "pandas"], "1.0 (30,) (8, 2)\n"),
    ],
    ids=["scipy", "sklearn"],
)
def test_libraries_that_look_for_these(write: Any, tmp_path: Path, text: str, needed: list[str], wanted: str) -> None:
    for name in needed:
        pytest.importorskip(name, reason="a program that uses it is run")
    write("program.py", text)
    made = run([sys.executable, "-W", "ignore", "-m", "jitgrad.compat"], "program.py", cwd=tmp_path)
    assert (made.returncode, made.stdout) == (0, wanted), made.stderr


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("import tensorflow as tf\nx = tf.placeholder(tf.float32)", True),
        ("import tensorflow\nwith tensorflow.Session() as s: pass", True),
        ("import numpy, tensorflow as tf\ndef f():\n    return tf.InteractiveSession()", True),
        ("import tensorflow as tf\ntf.compat.v1.disable_eager_execution()", True),
        ("import tensorflow as tf\ns = tf.compat.v1.Session()", True),
        ("from tensorflow import placeholder as p", True),
        ("import tensorflow.compat.v1 as tf\ntf.placeholder(tf.float32)", False),
        ("import tensorflow as tf\n# tf.placeholder\nprint('tf.Session')", False),
        ("import tensorflow as tf, requests as r\nr.Session()", False),
        ("import tensorflow as tf\ntf.nn.placeholder", False),
        ("import tensorflow as tf\nf().tf.placeholder", False),
        ("tensorflow = =", False),
        ("import torch as tf\ntf.placeholder", False),
    ],
)
def test_tensorflow_1_is_noticed(text: str, wanted: bool) -> None:
    assert uses_sessions(text) is wanted


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.py"], "There is no file nowhere.py. Check the path"),
        (["."], ". is a folder. Name a Python program in it"),
        (["-m", "nowhere.at.all"], "There is no module nowhere. Check the name"),
        (["-m", "json.nowhere"], "There is no module json.nowhere."),
        (["-m", "math"], "The module math has no Python code to run."),
    ],
)
def test_what_cannot_be_run(tmp_path: Path, arguments: list[str], message: str) -> None:
    for command in (COMPAT, COMMAND):
        made = run(command, *arguments, cwd=tmp_path)
        assert made.returncode == 2
        assert made.stderr.startswith(f"jitgrad: {message}") and made.stderr.count("\n") == 1


def test_a_library_that_is_there_already(write: Any, tmp_path: Path) -> None:
    write("torch.py", "")
    code = "import torch; from jitgrad.compat import run; run.run(run.program('program.py'), [])"
    write("program.py", "")
    made = run([sys.executable], "-c", code, cwd=tmp_path)
    assert f"torch is imported already, from {tmp_path}{os.sep}torch.py. Start a new process" in made.stderr


def test_usage(tmp_path: Path) -> None:
    assert "jitgrad run train.py --epochs 10" in run(COMMAND, "--help", cwd=tmp_path).stdout
    assert run(COMPAT, "--help", cwd=tmp_path).stdout.startswith("Usage: python -m jitgrad.compat")
    for wrong in ([], ["--what"], ["-m"]):
        made = run(COMPAT, *wrong, cwd=tmp_path)
        assert made.returncode == 2 and made.stderr.startswith("Usage")
