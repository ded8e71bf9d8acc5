"""Files are whole or as they were before: with several writers, after exceptions and signals, whatever is there already."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jitgrad.errors import DataError
from jitgrad.files import unwritable, write_whole, written_aside


@pytest.fixture(params=["unnamed", "without O_TMPFILE", "without /proc"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way in which a file gets its name."""
    if request.param == "without O_TMPFILE":
        opened = os.open

        def unsupported(path: str, flags: int, *args: int, **kwargs: int) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
            return opened(path, flags, *args, **kwargs)

        monkeypatch.setattr(os, "open", unsupported)
    if request.param == "without /proc":

        def refuse(*_: object, **__: object) -> None:
            raise FileNotFoundError

        monkeypatch.setattr(os, "link", refuse)


@pytest.fixture(params=[0o022, 0o077, 0o027])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_mode_of_a_new_file_is_what_the_umask_leaves(umask: int, tmp_path: Path) -> None:
    write_whole(tmp_path / "f", b"new")
    assert mode(tmp_path / "f") == 0o666 & ~umask


@pytest.mark.parametrize("before", [0o600, 0o640, 0o666, 0o755, 0o400])
def test_the_mode_of_an_old_file_stays(before: int, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    path.chmod(before)
    write_whole(path, b"new")
    assert (mode(path), path.read_bytes(), names(tmp_path)) == (before, b"new", ["f"])


@pytest.mark.parametrize("length", [1, 251, 252, 255])
def test_names_as_long_as_the_system_takes(length: int, tmp_path: Path) -> None:
    for content in (b"1", b"2"):
        write_whole(tmp_path / ("n" * length), content)
        assert (tmp_path / ("n" * length)).read_bytes() == content
    assert names(tmp_path) == ["n" * length]


def test_directories_are_made(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b" / "f", b"new")
    assert (tmp_path / "a" / "b" / "f").read_bytes() == b"new"


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("to", ["other/f", "other/../other/f"])
def test_a_link_stays_and_its_target_is_written(there: bool, to: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    if there:
        (tmp_path / "other" / "f").write_bytes(b"old")
    (tmp_path / "second").symlink_to(to)
    (tmp_path / "first").symlink_to("second")
    write_whole(tmp_path / "first", b"new")
    assert (tmp_path / "first").is_symlink() and (tmp_path / "second").is_symlink()
    assert ((tmp_path / "other" / "f").read_bytes(), names(tmp_path / "other")) == (b"new", ["f"])


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links") as caught:
        write_whole(tmp_path / "a", b"new")
    assert "Its symbolic links form a loop" in str(unwritable("a", caught.value))


@pytest.mark.parametrize("old", [None, b"old"])
@pytest.mark.parametrize("fault", [KeyboardInterrupt, ValueError, SystemExit])
def test_after_an_exception_nothing_has_changed(old: bytes | None, fault: type[BaseException], tmp_path: Path) -> None:
    if old is not None:
        (tmp_path / "f").write_bytes(old)
    with pytest.raises(fault), written_aside(tmp_path / "f") as file:  # noqa: PT012
        file.write(b"new")
        raise fault
    assert names(tmp_path) == ([] if old is None else ["f"])
    assert old is None or (tmp_path / "f").read_bytes() == old


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_after_a_fault_of_the_system_nothing_has_changed(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_bytes(b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "f", b"new")
    assert (names(tmp_path), (tmp_path / "f").read_bytes()) == (["f"], b"old")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="is a device or a pipe"):
        write_whole(tmp_path / "pipe", b"new")
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path, b"new")
    with pytest.raises(NotADirectoryError):
        write_whole(tmp_path / "pipe" / "f", b"new")


WRITER = """
import sys
from jitgrad.files import write_whole
path, letter, times = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])
print("begun", flush=True)
for n in range(times):
    write_whole(path, letter * 200_000)
"""


def writer(path: Path, letter: str, times: int) -> subprocess.Popen[str]:
    made = subprocess.Popen([sys.executable, "-c", WRITER, str(path), letter, str(times)], stdout=subprocess.PIPE, text=True)
    assert made.stdout is not None
    assert made.stdout.readline() == "begun\n"
    return made


def test_a_reader_finds_one_of_the_writers_files(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if "unnamed" not in request.node.name:
        pytest.skip("other processes go the usual way")
    write_whole(tmp_path / "f", b"a" * 200_000)
    writers = [writer(tmp_path / "f", letter, 150) for letter in "abc"]
    reads = 0
    while any(w.poll() is None for w in writers):
        content = (tmp_path / "f").read_bytes()
        assert (len(content), len(set(content))) == (200_000, 1)
        reads += 1
    for w in writers:
        with w:
            assert w.wait() == 0
    assert (reads > 10, names(tmp_path)) == (True, ["f"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP], ids=lambda s: s.name)
def test_a_signal_leaves_nothing_behind(number: signal.Signals, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if "unnamed" not in request.node.name:
        pytest.skip("other processes go the usual way")
    for wait in (0.0, 0.003, 0.01, 0.02):
        with writer(tmp_path / "f", "a", 10**9) as process:
            time.sleep(wait)
            process.send_signal(number)
            assert process.wait() == -number
    left = names(tmp_path)
    assert left in ([], ["f"]) or number is signal.SIGKILL  # which no process can put off while a file gets its name


def test_signals_wait_while_a_file_gets_its_name() -> None:
    code = """
import os, signal
from jitgrad import files
replace = os.replace
def late(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGTERM)
    replace(*args, **kwargs)
os.replace = late
files.write_whole("f", b"new")
print("not reached")
"""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGTERM, "", "")
        assert (names(Path(folder)), (Path(folder) / "f").read_bytes()) == (["f"], b"new")
