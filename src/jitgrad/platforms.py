"""The platforms on which jitgrad runs."""

from __future__ import annotations

import platform
import sys

TESTED = "Linux on x86-64"


def check() -> None:
    """Raise ImportError on a platform where jitgrad cannot run."""
    if sys.platform in ("win32", "cygwin", "emscripten", "wasi"):
        raise ImportError(
            f"jitgrad does not run on {platform.system() or sys.platform}: it needs Linux or macOS. "
            "On Windows, use the Windows Subsystem for Linux (WSL)."
        )


def is_tested() -> bool:
    """Return whether the test suite is run on this platform."""
    return sys.platform == "linux" and platform.machine() in ("x86_64", "AMD64")
