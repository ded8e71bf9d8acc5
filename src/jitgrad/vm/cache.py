"""The cache of compiled code, and its keys.

The key is a hash of all sources of this package and of the op table, whose texts are compiled, of the versions of the
compilers, and of the processor. An edited kernel, another version of LLVM or another machine misses the cache and compiles
again. Files are written under a temporary name and renamed, so they are complete or absent, and each contains a digest. A file
that does not match its digest is compiled again. Because the files are machine code, they are only read from folders that no
one else can write to (``folders.py``).
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
from pathlib import Path
from typing import NamedTuple

from llvmlite import __version__ as llvmlite_version

from jitgrad.errors import ArgumentError
from jitgrad.vm import objects
from jitgrad.vm.folders import Folder, UnsafeError, open_folder
from jitgrad.vm.processor import processor

_VARIABLE = "JITGRAD_CACHE_DIR"
_PATIENCE = 300.0  # seconds that another process may take to compile a unit


@functools.cache
def key() -> str:
    """Return a hash of everything that compiled code depends on."""
    made_for = processor()
    facts = [llvmlite_version, sys.version, made_for.name, made_for.flags()]
    return hashlib.sha256("\0".join([*facts, objects.sources()]).encode()).hexdigest()[:20]


class _Candidate(NamedTuple):
    """A location for compiled code: a folder shared by all versions and processors, and its permissions when it is created."""

    root: Path
    mode: int
    chosen: bool = False


def _candidates() -> Iterator[_Candidate]:
    """Return the folders to try: ``JITGRAD_CACHE_DIR``, the user's cache folder, and a private temporary folder."""
    chosen = os.environ.get(_VARIABLE)
    if chosen:
        root = os.path.expanduser(chosen)
        if root.startswith("~"):
            raise ArgumentError(f"{_VARIABLE} is {chosen!r}, but this home folder does not exist. Use an absolute path.")
        yield _Candidate(Path(root), 0o755, chosen=True)
    user = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(user):
        user = os.path.expanduser("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")
    if os.path.isabs(user):  # otherwise the user has no home
        yield _Candidate(Path(user) / "jitgrad", 0o755)
    with contextlib.suppress(FileNotFoundError):  # there is no folder for temporary files
        yield _Candidate(Path(tempfile.gettempdir()) / f"jitgrad-{os.geteuid()}", 0o700)


def _opened(candidate: _Candidate) -> Folder | None:
    """Open the folder of this key in a candidate. Return None if it cannot be used, with a warning if this is unexpected."""
    try:
        return open_folder(candidate.root / key(), candidate.mode)
    except UnsafeError as error:
        if candidate.chosen:
            raise ArgumentError(f"{_VARIABLE} is not safe. {error}") from None
        warnings.warn(f"jitgrad does not cache code in {candidate.root}. {error}", RuntimeWarning, stacklevel=2)
    except OSError as error:
        if candidate.chosen:
            warnings.warn(
                f"{_VARIABLE} has no code for this version and processor, and {candidate.root} is not writable: "
                f"{error.strerror or error}. Set {_VARIABLE} to a writable directory.",
                RuntimeWarning,
                stacklevel=2,
            )
    return None


def folders() -> Iterator[Folder]:
    """Open the folders of compiled code in the order in which they are read. The last one is the first that is writable.

    They are opened on each call, because daemons close all files that they inherit.
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
    """Return the folder for compiled code, creating it if needed; return None, with a warning, if there is none."""
    for folder in folders():
        if folder.writable:
            yield folder
            return
    warnings.warn(
        f"jitgrad found no directory to cache compiled code in, so each process compiles again. "
        f"Set {_VARIABLE} to a writable directory.",
        RuntimeWarning,
        stacklevel=3,
    )
    yield None


def directory() -> Path | None:
    """Return the path of the folder for compiled code; return None, with a warning, if there is none."""
    with writable() as folder:
        return folder.path if folder else None


class Kept(NamedTuple):
    """A cached item: its folder and its content."""

    place: Path
    compiled: objects.ObjectCode


def find(name: str) -> Kept | None:
    """Return the code cached under ``name``, or None if it is missing or damaged."""
    for folder in folders():
        content = folder.read(name)
        if content is None:
            continue
        compiled = objects.decode(content)
        if compiled is not None:
            return Kept(folder.path, compiled)
    return None


def write(name: str, compiled: objects.ObjectCode) -> None:
    """Cache compiled code under ``name``. A full disk is not an error; the next process compiles again."""
    with writable() as folder:
        if folder is None:
            return
        try:
            folder.write(name, objects.encode(compiled))
        except OSError as error:
            warnings.warn(
                f"Compiled code could not be cached in {folder.path}: {error.strerror}. "
                f"Free space there, or set {_VARIABLE} to another directory.",
                RuntimeWarning,
                stacklevel=2,
            )


@contextlib.contextmanager
def alone(name: str, waiting: Callable[[], object]) -> Iterator[None]:
    """Exclude other processes from compiling ``name``; call ``waiting`` if another process holds the lock.

    Proceed without the lock if files cannot be locked, or if another process, which may hang, holds the lock for too long.
    """
    with contextlib.ExitStack() as after:
        file = _lock_file(name)
        if file is not None:
            after.callback(os.close, file)
            if _wait(file, waiting):
                after.callback(fcntl.flock, file, fcntl.LOCK_UN)  # a forked process may still have the file open
        yield


def _lock_file(name: str) -> int | None:
    """Open the lock file of ``name``, or return None if it cannot be created.

    The system releases locks when a process ends. The file is never deleted, because two processes could then lock different
    files.
    """
    with writable() as folder:
        try:
            return folder and folder.create(f"{name}.lock")
        except OSError:  # for example, the disk is full
            return None


def _wait(file: int, waiting: Callable[[], object]) -> bool:
    """Lock a file, calling ``waiting`` if another process holds it. Return False if the lock is not available."""
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
        except OSError:  # the file system does not support locks
            return False
    return False
