"""What people are told on stderr."""

from __future__ import annotations

import contextlib
import sys


def say(text: str) -> None:
    """Say a line. It is lost where stderr is closed or full: nothing fails for that.

    It goes past the buffer, where a line that cannot be written would wait and make the process fail as it ends.
    """
    stream, line = sys.stderr, f"jitgrad: {text}\n"
    if stream is None:
        return
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    with contextlib.suppress(OSError, ValueError):
        if raw is None:  # without a buffer, or a stream of somebody else's
            stream.write(line)
            stream.flush()
        else:
            stream.flush()
            raw.write(line.encode(stream.encoding, "backslashreplace"))
