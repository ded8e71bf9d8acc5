"""Standard input, output and error, which may be closed, full, or read by nobody any more."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

import click

from jitgrad.errors import printable

FAULTS = (errno.EBADF, errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What writing can end with. Python does not say of which file; one that is written by name has been named before."""


def open_closed() -> None:
    """Open those that are closed, or the next file that is opened gets the place of one, and what is printed.

    Reading and writing them fails as before. What goes to standard error is lost.
    """
    for number, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, flags), number)  # the lowest number is free, so it is this one
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # of an encoding that does not have every character


def say(text: str) -> None:
    """A text for people to standard error."""
    with suppress(OSError):  # there is nobody to tell
        click.echo(printable(text), err=True)


def close() -> None:
    """Write what is left. What cannot be written is given up: Python would try once more at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, stream.fileno())
            os.close(nothing)
            stream.flush()
