"""What people are told on stderr."""

from __future__ import annotations

import contextlib
import sys


def say(text: str) -> None:
    """Say a line. It is lost where stderr is closed or full: nothing fails for that."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(f"jitgrad: {text}", file=sys.stderr, flush=True)
