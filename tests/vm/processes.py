"""Processes with a cache of their own, and an engine for them that is compiled in no time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def python(code: str, kept: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run Python code with a cache of its own."""
    environment = os.environ | {"JITGRAD_CACHE_DIR": str(kept)} | more
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def at_once(code: str, kept: Path, count: int) -> list[str]:
    """What processes that run the same code at once say on stderr."""
    environment = os.environ | {"JITGRAD_CACHE_DIR": str(kept)}
    command = [sys.executable, "-c", code]
    running = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(count)]
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0] * count, said
    return said


# An engine that is compiled in no time, and a function of it.
SMALL = """
import numpy as np
from jitgrad.vm import compiling, groups, native
from jitgrad.vm.groups import GROUPS, Unit
engine = GROUPS["engine"]
GROUPS["engine"] = engine._replace(functions={name: engine.functions[name] for name in ("assist", "train")})
"""
LOAD = SMALL + "native.load('assist', np.dtype('float32'))\n"

BEGUN = "jitgrad: compiling the interpreter for float32, once per machine; this takes about "
ENDED = "jitgrad: compiled in "
WAITING = "jitgrad: waiting for another process that compiles the interpreter for float32"
