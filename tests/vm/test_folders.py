"""Only what nobody but the user and root can have put there is run."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from jitgrad.errors import ArgumentError
from jitgrad.vm import cache, folders
from jitgrad.vm.folders import UnsafeError, open_folder
from tests.vm.processes import LOAD, SMALL

SOMEBODY = 54321  # a user without an entry in the system's list, and without a home
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")


def opened(path: Path) -> Path:
    with open_folder(path, 0o755) as folder:
        return folder.path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder ``tmp_path/a/b/c``, of which nobody else may write anything."""
    made = tmp_path / "a" / "b" / "c"
    made.mkdir(parents=True)
    for level in (made, *made.parents[:2]):
        level.chmod(0o755)
    return made


def test_missing_levels_are_made_for_their_owner_to_write(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        opened(tmp_path / "x" / "y")
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("x", "x/y")] == [0o755, 0o755]


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755, 0o711])
def test_a_folder_that_others_may_only_read_is_safe(place: Path, level: int, mode: int) -> None:
    [place, *place.parents][level].chmod(mode)
    assert opened(place) == place


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757, 0o720, 0o702])
def test_a_level_that_others_can_write_is_not(place: Path, level: int, mode: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_is_private", lambda group: False)
    unsafe = [place, *place.parents][level]
    unsafe.chmod(mode)
    with pytest.raises(UnsafeError, match=rf"Other users can write to {unsafe} \(mode {mode:o}\).*`chmod go-w {unsafe}`"):
        opened(place)


@pytest.mark.parametrize(
    ("group", "name", "members", "private"),
    [
        (1000, "ann", [], True),
        (1000, "ann", ["ann"], True),
        (1000, "ann", ["ann", "bob"], False),
        (1000, "users", [], False),
        (1001, "ann", [], False),
        (0, "root", [], False),
    ],
)
def test_a_group_that_is_the_user_s_alone_may_write(
    place: Path, monkeypatch: pytest.MonkeyPatch, group: int, name: str, members: list[str], private: bool
) -> None:
    own = 0 if group == 0 else 1000
    monkeypatch.setattr(
        pwd, "getpwuid", lambda user: pwd.struct_passwd((name if own == 0 else "ann", "", own, own, "", "", ""))
    )
    monkeypatch.setattr(grp, "getgrgid", lambda asked: grp.struct_group((name, "", group, members)))
    assert folders._is_private(group) == private
    monkeypatch.setattr(folders, "_is_private", lambda asked: private)
    place.chmod(0o775)
    if private:
        assert opened(place) == place
    place.chmod(0o777)
    with pytest.raises(UnsafeError, match="can write to"):
        opened(place)


def test_where_only_owners_delete_others_may_write_on_the_way(place: Path) -> None:
    place.parent.chmod(0o1777)
    assert opened(place) == place
    place.chmod(0o1777)
    with pytest.raises(UnsafeError, match=rf"can write to {place} \(mode 1777\)"):
        opened(place)


@root
@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_level_of_somebody_else_is_not_safe(place: Path, level: int) -> None:
    unsafe = [place, *place.parents][level]
    os.chown(unsafe, SOMEBODY, SOMEBODY)
    with pytest.raises(UnsafeError, match=f"{unsafe} belongs to user {SOMEBODY}, who could place code there"):
        opened(place)


@pytest.mark.parametrize("target", ["{0}", "a/b/c", "./a/../a/b/c", "a/link"])
def test_links_of_one_s_own_are_followed(place: Path, tmp_path: Path, target: str) -> None:
    (tmp_path / "a" / "link").symlink_to("b/c")
    (tmp_path / "link").symlink_to(target.format(place))
    with open_folder(tmp_path / "link" / "new", 0o755) as folder:
        assert folder.writable
        folder.write("file", b"text")
    assert (place / "new" / "file").read_bytes() == b"text"


@root
def test_links_of_somebody_else_are_not(place: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(place)
    os.chown(tmp_path / "link", SOMEBODY, SOMEBODY, follow_symlinks=False)
    with pytest.raises(UnsafeError, match=f"{tmp_path / 'link'} is a symbolic link owned by user {SOMEBODY}"):
        opened(tmp_path / "link")


def test_a_link_s_target_is_looked_at_too(place: Path, tmp_path: Path) -> None:
    place.parent.chmod(0o777)
    (tmp_path / "link").symlink_to(place)
    with pytest.raises(UnsafeError, match=f"can write to {place.parent} "):
        opened(tmp_path / "link")


def test_links_in_a_circle_and_files_are_no_folders(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("link")
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "link", tmp_path / "link" / "x", tmp_path / "file", tmp_path / "file" / "x"):
        with pytest.raises(OSError, match=r"too many symbolic links|Not a directory"):
            opened(path)


def _link(path: Path) -> None:
    path.with_name("other").write_bytes(b"text")
    path.symlink_to("other")


def _with_mode(mode: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(b"text")
        path.chmod(mode)

    return make


def _of_somebody(path: Path) -> None:
    path.write_bytes(b"text")
    os.chown(path, SOMEBODY, SOMEBODY)


@pytest.mark.parametrize(
    ("make", "content"),
    [
        pytest.param(_with_mode(0o644), b"text", id="a file"),
        pytest.param(_with_mode(0o600), b"text", id="a private file"),
        pytest.param(_with_mode(0o666), None, id="a file that all can write"),
        pytest.param(_with_mode(0o664), None, id="a file that a group can write"),
        pytest.param(_link, None, id="a link"),
        pytest.param(os.mkfifo, None, id="a pipe"),
        pytest.param(Path.mkdir, None, id="a folder"),
        pytest.param(lambda path: None, None, id="nothing"),
        pytest.param(_of_somebody, None, id="a file of somebody else", marks=root),
    ],
)
def test_files_are_read_if_nobody_else_wrote_them(
    tmp_path: Path, make: Callable[[Path], None], content: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_is_private", lambda group: False)
    make(tmp_path / "file")
    with open_folder(tmp_path, 0o755) as folder:
        assert folder.read("file") == content


def test_an_open_folder_stays_the_one_that_was_looked_at(place: Path) -> None:
    with open_folder(place, 0o755) as folder:
        place.rename(place.with_name("moved"))
        place.mkdir()
        (place / "file").write_bytes(b"another's")
        assert folder.read("file") is None
        folder.write("file", b"ours")
    assert [p.name for p in place.with_name("moved").iterdir()] == ["file"]


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A home and a folder for temporary files of its own."""
    for name in ("JITGRAD_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path)
    return monkeypatch


TEMPORARY = f"tmp/jitgrad-{os.geteuid()}"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "home/Library/Caches/jitgrad" if sys.platform == "darwin" else "home/.cache/jitgrad"),
        ({"XDG_CACHE_HOME": "{0}/xdg"}, "xdg/jitgrad"),
        ({"XDG_CACHE_HOME": "relative"}, "home/.cache/jitgrad"),
        ({"JITGRAD_CACHE_DIR": "{0}/mine"}, "mine"),
        ({"JITGRAD_CACHE_DIR": "~/mine"}, "home/mine"),
        ({"JITGRAD_CACHE_DIR": "mine/../other"}, "other"),
        ({"HOME": "/dev/null"}, TEMPORARY),
    ],
)
def test_where_code_is_kept(fresh: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], expected: str) -> None:
    for name, value in variables.items():
        fresh.setenv(name, value.format(tmp_path))
    (tmp_path / "mine").mkdir()
    path = cache.directory()
    assert path is not None
    assert path.resolve() == tmp_path / expected / cache.key()
    assert [folder.path for folder in cache.folders()] == [path]


def test_a_user_without_a_home_keeps_it_among_temporary_files(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fresh.setattr(os.path, "expanduser", lambda path: path)
    assert cache.directory() == tmp_path / TEMPORARY / cache.key()
    assert (tmp_path / TEMPORARY).stat().st_mode & 0o777 == 0o700
    fresh.setenv("JITGRAD_CACHE_DIR", "~/mine")
    with pytest.raises(ArgumentError, match="JITGRAD_CACHE_DIR is '~/mine', but this home folder does not exist"):
        list(cache.folders())


def test_a_chosen_folder_that_is_not_safe_is_an_error(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine").chmod(0o777)
    fresh.setenv("JITGRAD_CACHE_DIR", "mine")
    for _ in range(2):
        with pytest.raises(ArgumentError, match=f"JITGRAD_CACHE_DIR is not safe.*chmod go-w {tmp_path / 'mine'}"):
            cache.find("train-float32")


def test_another_folder_that_is_not_safe_is_left_out_with_a_warning(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "home" / ".cache").mkdir()
    (tmp_path / "home" / ".cache").chmod(0o777)
    fresh.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / ".cache"))
    with pytest.warns(RuntimeWarning, match="does not cache code in .*jitgrad. Other users can write to .*.cache"):
        assert cache.directory() == tmp_path / TEMPORARY / cache.key()


@root
@pytest.mark.parametrize("level", ["", "key"])
def test_a_temporary_folder_that_somebody_made_first_is_refused(fresh: pytest.MonkeyPatch, tmp_path: Path, level: str) -> None:
    fresh.setenv("HOME", "/dev/null")
    theirs = tmp_path / TEMPORARY / (cache.key() if level else "")
    theirs.mkdir(parents=True)
    theirs.parent.chmod(0o755 if level else 0o1777)
    os.chown(theirs, SOMEBODY, SOMEBODY)
    with pytest.warns(RuntimeWarning) as said:
        assert cache.directory() is None
    assert [str(SOMEBODY) in str(said[0].message), "each process compiles again" in str(said[1].message)] == [True, True]


# Root reads as somebody else would. Python itself may be where that user cannot read: all is imported before.
READER = f"""
import os, sys
{SMALL}
key = compiling.cache.key()
if os.geteuid() == 0:
    os.setgroups([]), os.setgid(USER), os.setuid(USER)
native.load("assist", np.dtype("float32"))
assert "numba" not in sys.modules
print(*[folder.path for folder in compiling.cache.folders()])
"""


def test_a_folder_that_can_only_be_read_is_read(fresh: pytest.MonkeyPatch) -> None:
    """As in a container whose image was warmed up by root. What is not there yet is kept where it can be."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        kept, temporary = Path(name) / "kept", Path(name) / "tmp"
        kept.parent.chmod(0o755)
        temporary.mkdir()
        temporary.chmod(0o1777)
        for variable, value in {"JITGRAD_CACHE_DIR": kept, "HOME": "/dev/null", "TMPDIR": temporary}.items():
            fresh.setenv(variable, str(value))
        for code, said in ((LOAD, "compiling"), (READER.replace("USER", str(SOMEBODY)), "")):
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert bool(done.stderr) == bool(said), done.stderr
            for folder in (kept, kept / cache.key()):
                folder.chmod(0o555)
        user = SOMEBODY if os.geteuid() == 0 else os.geteuid()
        assert done.stdout.split() == [str(root / cache.key()) for root in (kept, temporary / f"jitgrad-{user}")]
        for folder in (kept, kept / cache.key()):
            folder.chmod(0o755)
