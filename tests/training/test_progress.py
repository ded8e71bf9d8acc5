"""What a fit shows while it runs: the course of its loss, and as much as there is room for."""

from __future__ import annotations

import fcntl
import math
import os
import re
import struct
import subprocess
import sys
import termios
from io import StringIO
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import jitgrad
from jitgrad.callbacks import EarlyStopping
from jitgrad.layers import Dense
from jitgrad.training.line import FitProgress, line
from jitgrad.training.sparkline import BLOCKS, sparkline

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("values", "width", "expected"),
    [
        ([], 8, ""),
        ([3.0], 8, "▄"),
        ([0.0, 0.0], 8, "▄▄"),
        ([0.25, 0.25, 0.25], 8, "▄▄▄"),
        ([1.0, 1.0 + 1e-12], 8, "▄▄"),  # rounding
        ([-5.0, -5.0], 8, "▄▄"),
        (list(range(1, 9)), 8, "▁▃▅▆▇▇██"),
        ([10.0**-k for k in range(8)], 8, "█▇▆▅▄▃▂▁"),
        ([10.0**k for k in range(8)], 8, "▁▂▃▄▅▆▇█"),
        ([1e-300, 1e300], 8, "▁█"),
        ([3.0, 2.0, 1.0, 0.0, -1.0], 8, "█▇▅▃▁"),  # no logarithms
        ([1e308, -1e308], 8, "█▁"),
        ([NAN], 8, " "),
        ([NAN, INF, -INF], 8, "   "),
        ([4.0, NAN, 1.0, INF], 8, "█ ▁ "),
        ([10.0**-k for k in range(64)], 8, "█▇▆▅▄▃▂▁"),
        ([1.0, *[5.0] * 1000, 9.0], 3, "▁▆█"),
        (np.array([2.0, 1.0], np.float32), 1, "▄"),
    ],
)
def test_sparkline(values: Any, width: int, expected: str) -> None:
    assert sparkline(values, width) == expected


def test_sparkline_takes_the_whole_course(draw: np.random.Generator) -> None:
    values = np.exp(draw.normal(size=12345))
    shown = sparkline(values, 20)
    assert len(shown) == 20 and set(shown) <= set(BLOCKS)
    assert shown == sparkline(values[np.linspace(0, 12344, 20).round().astype(int)], 20)


FIGURES = {"loss": 0.123456, "accuracy": 1.0, "val_loss": 3.2e-7, "val_accuracy": 0.5, "confusion": np.eye(2)}


def shown(width: int, metrics: Any = FIGURES, losses: Any = (100.0, 1.0, 1e-4), ascii_only: bool = False) -> str:
    """The line of a fit, its bar as one character again and again."""
    progress, console = FitProgress(), Console(width=width, file=StringIO(), force_terminal=True, color_system="standard")
    task = progress.add_task("", total=100, completed=12.7, metrics=metrics, losses=losses)
    with console.capture() as capture:
        console.print(line(progress.tasks[task], width, ascii_only))
    return plain(capture.get()).rstrip("\n").replace("╸", "━").replace("╺", "━")


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


COUNT, COURSE = "epoch  12/100", "█▆▁" + 13 * " "


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (200, f"{COUNT} {40 * '━'} 13% {COURSE} loss 0.1235 accuracy 1.000 val_loss 3.200e-07 val_accuracy 0.5000 --:--"),
        (109, f"{COUNT} {6 * '━'} {COURSE} loss 0.1235 accuracy 1.000 val_loss 3.200e-07 val_accuracy 0.5000 --:--"),
        (80, f"{COUNT} {8 * '━'} 13% {COURSE} loss 0.1235 val_loss 3.200e-07 --:--"),
        (73, f"{COUNT} 13% {COURSE} loss 0.1235 val_loss 3.200e-07 --:--"),
        (50, f"{COUNT} {COURSE} loss 0.1235 --:--"),
        (40, f"{COUNT} {8 * '━'} loss 0.1235 --:--"),
        (31, f"{COUNT} loss 0.1235 --:--"),
        (25, f"{COUNT} loss 0.1235"),
        (24, f"{COUNT} 13% --:--"),
        (13, COUNT),
    ],
)
def test_what_matters_least_is_left_out(width: int, expected: str) -> None:
    assert shown(width) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ascii_only": True}, f"{COUNT} {10 * '━'} 13% loss 0.1235 accuracy 1.000 val_loss 3.200e-07 --:--"),
        ({"metrics": {"loss": 4321.2}}, f"{COUNT} {29 * '━'} 13% {COURSE} loss 4321 --:--"),
        ({"metrics": {}, "losses": ()}, f"{COUNT} {39 * '━'} 13% {16 * ' '} --:--"),
        (
            {"losses": np.geomspace(1, 1e-3, 999)},
            f"{COUNT} {8 * '━'} 13% ██▇▇▆▆▅▅▄▄▃▃▂▂▁▁ loss 0.1235 val_loss 3.200e-07 --:--",
        ),
    ],
)
def test_lines_of_80_characters(options: dict[str, Any], expected: str) -> None:
    assert shown(80, **options) == expected


def test_a_terminal_too_narrow_for_anything() -> None:
    for width in range(1, 13):
        assert len(shown(width)) <= width


CODE = """
import numpy as np, jitgrad
from jitgrad import callbacks, layers
x = np.linspace(-1, 1, 64)[:, None].astype(np.float32)
model = jitgrad.Sequential([layers.Dense(4, "tanh"), layers.Dense(1)])
model.compile("adam", "mse", metrics=["mae"])
model.fit(x, x**2, epochs=60, validation_split=0.25, seed=1{more})
print("done")
"""


def in_terminal(columns: int, code: str = CODE.format(more=""), **environment: str) -> tuple[str, str]:
    """What a program in a terminal of so many columns writes to stderr there, and to a pipe as its output."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    cleared = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PYTHONIOENCODING", "PYTHONUTF8", "LC_ALL")
    kept = {name: value for name, value in os.environ.items() if name not in cleared}
    settings = kept | {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | environment
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, env=settings) as process:
        os.close(theirs)
        written = b""
        try:
            while part := os.read(ours, 65536):
                written += part
        except OSError:  # how Linux says that nobody has the other end any more
            pass
        assert process.stdout is not None
        output = process.stdout.read().decode()
    os.close(ours)
    assert process.returncode == 0
    return written.decode(), output


def frames(written: str) -> list[str]:
    """The lines that a terminal shows one after the other."""
    return [text for text in re.split(r"[\r\n]+", plain(written)) if text.strip()]


@pytest.mark.parametrize(
    ("columns", "environment", "pattern"),
    [
        (80, {}, r"epoch 60/60 ━+ (100% )?█[▁-█]{14}▁ loss \S+ (mae \S+ )?val_loss \S+ \d\d:\d\d"),
        (40, {}, r"epoch 60/60 (━+ )?loss \S+ \d\d:\d\d"),
        (80, {"NO_COLOR": "1"}, r"epoch 60/60 ━+ (100% )?█[▁-█]{14}▁ loss \S+ (mae \S+ )?val_loss \S+ \d\d:\d\d"),
        (80, {"PYTHONIOENCODING": "ascii"}, r"epoch 60/60 -+ (100% )?loss \S+ mae \S+ val_loss \S+ val_mae \S+ \d\d:\d\d"),
    ],
)
def test_in_a_terminal(columns: int, environment: dict[str, str], pattern: str) -> None:
    written, output = in_terminal(columns, **environment)
    lines = frames(written)
    assert output == "done\n"
    assert all(len(text.rstrip()) <= columns for text in lines)
    assert re.fullmatch(pattern, lines[-1].rstrip()), lines[-1]
    assert len(lines) >= 2 and written.count("\n") == 1  # one line, again and again
    assert written.endswith("\x1b[?25h")  # the cursor is back
    assert ("\x1b[38" in written or "\x1b[3" in written) == ("NO_COLOR" not in environment)


def test_a_dumb_terminal_gets_the_last_line_alone() -> None:
    written, _ = in_terminal(80, TERM="dumb")
    assert "\x1b" not in written
    assert [text.split()[:2] for text in frames(written)] == [["epoch", "60/60"]]


def test_a_fit_that_stops_early_shows_how_far_it_came() -> None:
    written, _ = in_terminal(80, CODE.format(more=", callbacks=callbacks.EarlyStopping('val_loss', min_delta=9.0, patience=3)"))
    assert frames(written)[-1].startswith("epoch  4/60")


def test_nothing_is_shown_where_there_is_no_terminal() -> None:
    done = subprocess.run([sys.executable, "-c", CODE.format(more="")], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_a_fit_that_goes_on_begins_its_course_there(capsys: pytest.CaptureFixture[str]) -> None:
    model = jitgrad.Sequential([Dense(1)])
    model.compile("adam", "mse")
    x = np.linspace(0, 1, 8)[:, None]
    model.fit(x, x, epochs=13, initial_epoch=10, verbose=1, callbacks=EarlyStopping("loss"))
    err = capsys.readouterr().err
    assert "epoch 13/13" in err and len(re.findall("[▁-█]+", err)[-1]) == 3
