"""Atomic writing of files: a file is complete or unchanged, even if the process ends or others write to it concurrently.

The content is written to a file without a name. When it is complete, it receives a name and replaces the old file.
"""

from __future__ import annotations

import errno
import os
import secrets
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, BinaryIO, cast

from jitgrad.errors import DataError

Path = str | os.PathLike[str]

_ADVICE = {
    errno.EBADF: "It is closed. Open it, or give a file.",
    errno.ENOTDIR: "Part of its path is a file. Give another path.",
    errno.ELOOP: "Its symbolic links form a loop. Give another path.",
    errno.EISDIR: "Give a file in it.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ENOSPC: "Free some space, or give a file elsewhere.",
    errno.EDQUOT: "Free some space, or give a file elsewhere.",
    errno.EFBIG: "Raise the file size limit, or give a file elsewhere.",
}


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically. Raise the errors of ``written_aside``."""
    with written_aside(path) as file:
        file.write(content)


@contextmanager
def written_aside(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces ``path`` when it is complete; after an exception, nothing has changed.

    Directories are created. If ``path`` is a symbolic link, its target is replaced. The mode of an existing file is preserved.

    Raise DataError if ``path`` exists and is not a regular file, and OSError if it cannot be written.
    """
    target = os.path.realpath(path)
    mode = _mode_of(target)
    folder = os.path.dirname(target)
    os.makedirs(folder, exist_ok=True)
    with unnamed_file(folder) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
        with _opened_folder(folder) as at, _signals_wait():
            _put(file, os.path.basename(target), at, mode)


def unwritable(name: str, error: OSError) -> DataError:
    """Return the exception for a file that cannot be written."""
    advice = _ADVICE.get(error.errno or 0, "Check its permissions, or give another file.")
    return DataError(f"{name} cannot be written: {error.strerror or error}. {advice}")


def _mode_of(target: str) -> int | None:
    """Return the permissions of a file, or None if it does not exist."""
    try:
        found = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    if not stat.S_ISREG(found):
        raise DataError(f"{target} is a device or a pipe. Give a regular file.")
    return stat.S_IMODE(found)


def unnamed_file(folder: Path | None) -> BinaryIO:
    """Open a new file in ``folder``, or in the temporary directory, that vanishes with the process.

    Raise OSError if it cannot be created.
    """
    try:
        if folder is not None:
            return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "w+b")
    except (AttributeError, OSError):  # not supported by the system or the file system: create a file and remove its name
        pass
    import tempfile

    return cast(BinaryIO, tempfile.TemporaryFile(dir=folder))


def name_of_open(file: BinaryIO) -> str:
    """Return a path by which others in this process can open a file that is open."""
    return f"/dev/fd/{file.fileno()}"


@contextmanager
def _opened_folder(folder: str) -> Iterator[int]:
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield at
    finally:
        os.close(at)


def _put(file: BinaryIO, name: str, at: int, mode: int | None) -> None:
    """Replace ``name`` in the directory ``at`` with ``file``."""
    aside = f".{secrets.token_hex(8)}.part"
    try:
        try:
            os.link(f"/proc/self/fd/{file.fileno()}", aside, dst_dir_fd=at)
        except OSError:  # the name was removed, or there is no /proc
            _copy(file, aside, at)
        if mode is not None:
            os.chmod(aside, mode, dir_fd=at)
        os.replace(aside, name, src_dir_fd=at, dst_dir_fd=at)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(aside, dir_fd=at)
        raise
    try:
        os.fsync(at)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # the file system cannot sync directories
            raise


def _copy(file: BinaryIO, name: str, at: int) -> None:
    import shutil

    with os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=at), "wb") as to:
        file.seek(0)
        shutil.copyfileobj(file, to)
        to.flush()
        os.fsync(to.fileno())


_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Defer signals that would end the process, so that no temporary name is left behind.

    This is possible only in the main thread. Signals for which the user has installed handlers are not affected.
    """
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)

    main = threading.current_thread() is threading.main_thread()
    deadly: list[Any] = [s for s in _ENDING if signal.getsignal(s) is signal.SIG_DFL] if main else []
    for number in deadly:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number in deadly:
            signal.signal(number, signal.SIG_DFL)
        for number in came:
            signal.raise_signal(number)
