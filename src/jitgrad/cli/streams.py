"""Standard input, output and error, which may be closed, full or a broken pipe."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

import click

from jitgrad.errors import printable

FAULTS = (errno.EBADF, errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors when writing to standard output, for which Python reports no file name."""


def open_closed() -> None:
    """Reopen closed standard streams, because otherwise the next file opened would take their place and receive the output.

    Reading from and writing to a reopened stream still fails, and output to standard error is lost.
    """
    for number, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, flags), number)  # opens the lowest free descriptor, which is this one
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # some encodings lack characters


def say(text: str) -> None:
    """Print a message to standard error."""
    with suppress(OSError):  # if standard error is closed
        click.echo(printable(text), err=True)


def close() -> None:
    """Flush the streams. Discard output that cannot be written, because Python would try again at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, stream.fileno())
            os.close(nothing)
            stream.flush()
