"""Where compiled code is kept, and under which key.

The key is a hash of every source of this package and of the op table, whose texts are compiled, of the versions of what
compiles them and of the processor: an edited kernel, another LLVM or another machine finds nothing and compiles anew. A file
is written aside and renamed, so that it is whole or not there, and it carries a digest; what does not match it is compiled
anew too. It is machine code that is run, so it is read only from folders where nobody else can put any (``folders.py``).
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from jitgrad.errors import ArgumentError
from jitgrad.vm import objects
from jitgrad.vm.folders import Folder, UnsafeError, open_folder
from jitgrad.vm.processor import processor

_VARIABLE = "JITGRAD_CACHE_DIR"
_PATIENCE = 300.0  # seconds that another process may take to compile what this one needs


@functools.cache
def key() -> str:
    """What the compiled code depends on, as a hash."""
    made_for = processor()
    facts = [version("llvmlite"), sys.version, made_for.name, made_for.flags()]
    return hashlib.sha256("\0".join([*facts, objects.sources()]).encode()).hexdigest()[:20]


class _Candidate(NamedTuple):
    """Where code may be kept: the folder that all versions and processors share, and the permissions to make it with."""

    root: Path
    mode: int
    chosen: bool = False


def _candidates() -> Iterator[_Candidate]:
    """The folders to try: ``JITGRAD_CACHE_DIR``, the user's cache folder, and a private one among temporary files."""
    chosen = os.environ.get(_VARIABLE)
    if chosen:
        root = os.path.expanduser(chosen)
        if root.startswith("~"):
            raise ArgumentError(f"{_VARIABLE} is {chosen!r}, but there is no such home folder. Give an absolute path.")
        yield _Candidate(Path(root), 0o755, chosen=True)
    user = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(user):
        user = os.path.expanduser("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")
    if os.path.isabs(user):  # else the user has no home
        yield _Candidate(Path(user) / "jitgrad", 0o755)
    with contextlib.suppress(FileNotFoundError):  # there is no folder for temporary files
        yield _Candidate(Path(tempfile.gettempdir()) / f"jitgrad-{os.geteuid()}", 0o700)


def _opened(candidate: _Candidate) -> Folder | None:
    """The folder of this key's code in a candidate; None, with a warning unless it is common, where it cannot be used."""
    try:
        return open_folder(candidate.root / key(), candidate.mode)
    except UnsafeError as error:
        if candidate.chosen:
            raise ArgumentError(f"{_VARIABLE} is not safe. {error}") from None
        warnings.warn(f"jitgrad keeps no code in {candidate.root}. {error}", RuntimeWarning, stacklevel=2)
    except OSError as error:
        if candidate.chosen:
            warnings.warn(
                f"{_VARIABLE} has no code for this version and processor, and none can be kept in {candidate.root}: "
                f"{error.strerror or error}. Set {_VARIABLE} to a directory that can be written.",
                RuntimeWarning,
                stacklevel=2,
            )
    return None


def folders() -> Iterator[Folder]:
    """The folders of compiled code, open, in the order in which they are read; the first that can be written is the last.

    They are opened each time: what a process once opened, it may close, as those do that go to the background.
    """
    for candidate in _candidates():
        folder = _opened(candidate)
        if folder is not None:
            with folder:
                yield folder
                if folder.writable:
                    return


@contextlib.contextmanager
def writable() -> Iterator[Folder | None]:
    """The folder that compiled code is written to, made if need be; None, with a warning, where there is none."""
    for folder in folders():
        if folder.writable:
            yield folder
            return
    warnings.warn(
        f"jitgrad found no directory to keep compiled code in, so that each process compiles anew. "
        f"Set {_VARIABLE} to a directory that can be written.",
        RuntimeWarning,
        stacklevel=3,
    )
    yield None


def directory() -> Path | None:
    """The path of the folder that compiled code is written to; None, with a warning, where there is none."""
    with writable() as folder:
        return folder.path if folder else None


class Kept(NamedTuple):
    """What was found: in which folder, and what."""

    place: Path
    compiled: objects.ObjectCode


def find(name: str) -> Kept | None:
    """What is kept under ``name``; None where there is nothing, or it is damaged."""
    for folder in folders():
        content = folder.read(name)
        if content is None:
            continue
        compiled = objects.decode(content)
        if compiled is not None:
            return Kept(folder.path, compiled)
    return None


def write(name: str, compiled: objects.ObjectCode) -> None:
    """Keep compiled code under ``name``. A full disk is no error: the next process compiles again."""
    with writable() as folder:
        if folder is None:
            return
        try:
            folder.write(name, objects.encode(compiled))
        except OSError as error:
            warnings.warn(
                f"Compiled code could not be kept in {folder.path}: {error.strerror}. "
                f"Make room there, or set {_VARIABLE} to another directory.",
                RuntimeWarning,
                stacklevel=2,
            )


@contextlib.contextmanager
def alone(name: str, waiting: Callable[[], object]) -> Iterator[None]:
    """No other process is in here for ``name`` meanwhile; ``waiting`` is called where one is.

    It goes on all the same where files cannot be locked, or another process has the lock for too long: it may be stopped.
    """
    with contextlib.ExitStack() as after:
        file = _lock_file(name)
        if file is not None:
            after.callback(os.close, file)
            if _wait(file, waiting):
                after.callback(fcntl.flock, file, fcntl.LOCK_UN)  # a forked process may have the file open still
        yield


def _lock_file(name: str) -> int | None:
    """The file that is locked for ``name``, open; None where none can be made.

    The system releases the lock of a process that ends. The file stays: after a removal, two processes could lock two files.
    """
    with writable() as folder:
        try:
            return folder and folder.create(f"{name}.lock")
        except OSError:  # the disk is full, say
            return None


def _wait(file: int, waiting: Callable[[], object]) -> bool:
    """Lock a file, and call ``waiting`` if another process has it; False where it could not be had."""
    started, waits = time.monotonic(), False
    while time.monotonic() < started + _PATIENCE:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if not waits:
                waiting()
            waits = True
            time.sleep(0.05)
        except OSError:  # a file system without locks
            return False
    return False
