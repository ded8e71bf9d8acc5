"""Folders of code that this process may run: nobody but the user and root can put anything there.

A path is walked from its root, each level opened relative to the one before it, so that what was looked at is what is used.
Symbolic links are followed only where nobody else can change them.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import secrets
import stat
from collections import deque
from pathlib import Path
from typing import NamedTuple

# To open a folder on the way, it need not be readable.
_LEVEL = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40


class UnsafeError(Exception):
    """Another user can write somewhere on the path: the message says where, and how to change it."""


class Folder(NamedTuple):
    """An open folder; a ``with`` statement closes it.

    Attributes:
        path: what it was opened by.
        opened: its file descriptor; what is in it is opened relative to that.
        writable: whether this process can write there.
    """

    path: Path
    opened: int
    writable: bool

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self.opened)

    def read(self, name: str) -> bytes | None:
        """The content of a file; None where there is none, or none that is safe to use."""
        try:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.opened)
        except OSError:
            return None
        try:
            state = os.fstat(file)
            if not stat.S_ISREG(state.st_mode) or state.st_uid not in _trusted() or _others_write(state):
                return None
            with open(file, "rb", closefd=False) as content:
                return content.read()
        finally:
            os.close(file)

    def write(self, name: str, content: bytes) -> None:
        """Write a file aside and rename it, so that it is whole or not there."""
        aside = f"{name}.{secrets.token_hex(8)}"
        with open(self.create(aside, os.O_EXCL), "wb") as file:
            try:
                file.write(content)
                file.flush()
                os.replace(aside, name, src_dir_fd=self.opened, dst_dir_fd=self.opened)
            except BaseException:
                os.unlink(aside, dir_fd=self.opened)
                raise

    def create(self, name: str, *flags: int) -> int:
        """Open a file to write, made if need be."""
        how = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, how | sum(flags), 0o644, dir_fd=self.opened)


def open_folder(path: Path, mode: int) -> Folder:
    """Open a folder, and make it and those above it where they are missing, with permissions ``mode``.

    Raises:
        UnsafeError: where somebody else than the user and root can write into a level of the path, or replace it.
        OSError: where it is not there and cannot be made.
    """
    parts, links = deque(path.absolute().parts), 0
    here = os.open(parts.popleft(), _LEVEL)
    seen = Path(path.anchor or "/")
    try:
        _check(seen, os.fstat(here), last=not parts)
        while parts:
            part = parts.popleft()
            target = _link(seen / part, here)
            if target is not None:
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(f"{path} has too many symbolic links")
                parts.extendleft(reversed(target.parts))
                if not target.is_absolute():
                    continue
                part, seen = parts.popleft(), Path(target.anchor)
            else:
                seen = seen / part
            below = _opened(part, here, mode)
            os.close(here)
            here = below
            _check(seen, os.fstat(here), last=not parts)
        return Folder(path, here, os.access(".", os.W_OK | os.X_OK, dir_fd=here))
    except BaseException:
        os.close(here)
        raise


def _link(path: Path, above: int) -> Path | None:
    """Where a symbolic link leads; None of what is no link."""
    try:
        state = os.stat(path.name, dir_fd=above, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISLNK(state.st_mode):
        return None
    if state.st_uid not in _trusted():
        raise UnsafeError(f"{path} is a symbolic link of {_user(state)}, who can make it lead elsewhere. Use another path.")
    return Path(os.readlink(path.name, dir_fd=above))


def _opened(part: str, above: int, mode: int) -> int:
    """A folder in the folder ``above``."""
    try:
        return os.open(part, _LEVEL, dir_fd=above)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):  # another process was faster
            os.mkdir(part, mode, dir_fd=above)
        return os.open(part, _LEVEL, dir_fd=above)


def _check(path: Path, state: os.stat_result, last: bool) -> None:
    """Refuse a level that others can write into.

    Where only owners may delete (``/tmp``), others may write on the way, but not at the end.
    """
    if state.st_uid not in _trusted():
        raise UnsafeError(
            f"{path} belongs to {_user(state)}, who could put code there. Use a folder of your own, or change its owner."
        )
    if _others_write(state) and (last or not state.st_mode & stat.S_ISVTX):
        raise UnsafeError(
            f"Other users can write into {path} (mode {stat.S_IMODE(state.st_mode):o}) and could put code there. "
            f"Use a folder of your own, or `chmod go-w {path}`."
        )


def _trusted() -> tuple[int, int]:
    """Whose files may be run: the user's and root's."""
    return os.geteuid(), 0


def _others_write(state: os.stat_result) -> bool:
    by_group = state.st_mode & stat.S_IWGRP and not _is_private(state.st_gid)
    return bool(by_group or state.st_mode & stat.S_IWOTH)


def _is_private(group: int) -> bool:
    """Whether a group is the user's alone, as many systems give one to each user, with a umask that lets it write."""
    try:
        user, members = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return group == user.pw_gid != 0 and members.gr_name == user.pw_name and set(members.gr_mem) <= {user.pw_name}


def _user(state: os.stat_result) -> str:
    try:
        return f"the user {pwd.getpwuid(state.st_uid).pw_name}"
    except KeyError:
        return f"user {state.st_uid}"
