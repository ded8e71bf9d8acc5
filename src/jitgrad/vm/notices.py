"""What people are told on stderr."""

from __future__ import annotations

import contextlib
import sys


def say(text: str) -> None:
    """Say a line. It is lost where stderr is closed or full: nothing fails for that."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"jitgrad: {text}\n")  # in one, so that no part of it waits in a buffer for the process to end
            sys.stderr.flush()
