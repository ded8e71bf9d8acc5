"""Files that are whole or as they were before, whoever else writes them and however the process ends.

The content has no name until it is complete. It then gets one of its own, which takes the place of the old file.
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
    errno.EBADF: "It is closed: open it, or give a file.",
    errno.ENOTDIR: "A part of its path is a file. Give another path.",
    errno.ELOOP: "Its symbolic links lead in a circle. Give another path.",
    errno.EISDIR: "Name a file in it.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ENOSPC: "Make room, or give a file elsewhere.",
    errno.EDQUOT: "Make room, or give a file elsewhere.",
    errno.EFBIG: "Raise the limit on the size of files, or give a file elsewhere.",
}


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is whole or as it was before. Raises as ``written_aside``."""
    with written_aside(path) as file:
        file.write(content)


@contextmanager
def written_aside(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of ``path`` at the end; after an exception nothing has changed.

    Directories are made. A symbolic link stays, and what it leads to is written. A file that was there keeps its mode.

    Raises DataError for what is there and is not a regular file, and OSError where it cannot be written.
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
    """What to raise for a file that the system does not let us write."""
    advice = _ADVICE.get(error.errno or 0, "Check its permissions, or give another file.")
    return DataError(f"{name} cannot be written: {error.strerror or error}. {advice}")


def _mode_of(target: str) -> int | None:
    """The permissions of a file that is there."""
    try:
        found = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    if not stat.S_ISREG(found):
        raise DataError(f"{target} is a device or a pipe. Name a file.")
    return stat.S_IMODE(found)


def unnamed_file(folder: Path | None) -> BinaryIO:
    """A new file in ``folder``, or in the system's for temporary files, that vanishes with the process.

    Raises OSError where there can be none.
    """
    try:
        if folder is not None:
            return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "w+b")
    except (AttributeError, OSError):  # of a system or a file system that has no such files: made, and its name removed
        pass
    import tempfile

    return cast(BinaryIO, tempfile.TemporaryFile(dir=folder))


def name_of_open(file: BinaryIO) -> str:
    """A path by which others in this process open a file that is open."""
    return f"/dev/fd/{file.fileno()}"


@contextmanager
def _opened_folder(folder: str) -> Iterator[int]:
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield at
    finally:
        os.close(at)


def _put(file: BinaryIO, name: str, at: int, mode: int | None) -> None:
    """Let ``file`` take the place of ``name`` in the folder ``at``."""
    aside = f".{secrets.token_hex(8)}.part"
    try:
        try:
            os.link(f"/proc/self/fd/{file.fileno()}", aside, dst_dir_fd=at)
        except OSError:  # its name was removed, or there is no /proc
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
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system whose folders cannot be synced
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
    """Signals that would end the process at once come afterwards, so that no name is left behind.

    Only the main thread may say so. Where the user has a handler, it runs as ever.
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
