"""The command, as a process or, which takes a tenth of the time, within this one."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from jitgrad.cli.main import main


def process(*arguments: Any, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command as users do."""
    command = [sys.executable, "-m", "jitgrad.cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def jitgrad(*arguments: Any, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in this process: its exit code and what it prints."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    given = ["jitgrad", *map(str, arguments)]
    with (
        chdir(cwd or Path.cwd()), patch.object(sys, "argv", given), redirect_stdout(out), redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):  # fmt: skip
        main()
    said = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(given, int(ended.value.code or 0), *said)
