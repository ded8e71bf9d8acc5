"""Folders with code that this process may run: only the user and root can write to them.

A path is walked from the root. Each level is opened relative to the previous one, so the folders that are used are the folders
that were checked. Symbolic links are followed only if no one else can change them.
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

# A folder on the path need not be readable to be opened.
_LEVEL = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40


class UnsafeError(Exception):
    """Another user can write to a folder of the path. The message names the folder and the remedy."""


class Folder(NamedTuple):
    """An open folder; a ``with`` statement closes it.

    Attributes
    ----------
    path : str
        The path that was opened.
    opened : int
        Its file descriptor. Files in the folder are opened relative to it.
    writable : bool
        Whether this process can write to it.
    """

    path: Path
    opened: int
    writable: bool

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self.opened)

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None if it does not exist or is not safe to use."""
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
        """Write a file under a temporary name and rename it, so that it is complete or absent."""
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
        """Open a file for writing, creating it if needed."""
        how = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, how | sum(flags), 0o644, dir_fd=self.opened)


def open_folder(path: Path, mode: int) -> Folder:
    """Open a folder, creating it and its parents with permissions ``mode`` if needed.

    Raises
    ------
    UnsafeError
        If someone other than the user and root can write to a level of the path, or replace it.
    OSError
        If it does not exist and cannot be created.
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
    """Return the target of a symbolic link, or None if it is not a link."""
    try:
        state = os.stat(path.name, dir_fd=above, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISLNK(state.st_mode):
        return None
    if state.st_uid not in _trusted():
        raise UnsafeError(f"{path} is a symbolic link owned by {_user(state)}, who can change its target. Use another path.")
    return Path(os.readlink(path.name, dir_fd=above))


def _opened(part: str, above: int, mode: int) -> int:
    """Open a folder in the folder ``above``."""
    try:
        return os.open(part, _LEVEL, dir_fd=above)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):  # another process created it first
            os.mkdir(part, mode, dir_fd=above)
        return os.open(part, _LEVEL, dir_fd=above)


def _check(path: Path, state: os.stat_result, last: bool) -> None:
    """Raise UnsafeError if another user can write to a folder of the path.

    Other users may be able to write to a parent folder in which only owners can delete files, such as ``/tmp``.
    """
    if state.st_uid not in _trusted():
        raise UnsafeError(
            f"{path} belongs to {_user(state)}, who could place code there. Use a folder that you own, or change its owner."
        )
    if _others_write(state) and (last or not state.st_mode & stat.S_ISVTX):
        raise UnsafeError(
            f"Other users can write to {path} (mode {stat.S_IMODE(state.st_mode):o}) and could place code there. "
            f"Use a folder that only you can write to, or run `chmod go-w {path}`."
        )


def _trusted() -> tuple[int, int]:
    """Return the owners whose files may be run: the user and root."""
    return os.geteuid(), 0


def _others_write(state: os.stat_result) -> bool:
    by_group = state.st_mode & stat.S_IWGRP and not _is_private(state.st_gid)
    return bool(by_group or state.st_mode & stat.S_IWOTH)


def _is_private(group: int) -> bool:
    """Return whether a group has no other members. Many systems create such a group, with write access, for each user."""
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
