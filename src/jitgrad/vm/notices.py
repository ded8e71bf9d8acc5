"""Notices on stderr."""

from __future__ import annotations

import contextlib
import sys


def say(text: str) -> None:
    """Print a line. If stderr is closed or full, the line is lost without an error.

    The buffer is bypassed, because a line that cannot be written would remain in it and make the process fail at exit.
    """
    stream, line = sys.stderr, f"jitgrad: {text}\n"
    if stream is None:
        return
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    with contextlib.suppress(OSError, ValueError):
        if raw is None:  # an unbuffered or custom stream
            stream.write(line)
            stream.flush()
        else:
            stream.flush()
            raw.write(line.encode(stream.encoding, "backslashreplace"))
