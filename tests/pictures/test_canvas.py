"""Figures are written completely or not at all, and always the same; errors are reported."""

from __future__ import annotations

import errno
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

from jitgrad.errors import ArgumentError, DataError, MissingError
from jitgrad.pictures.canvas import check_path, new_figure, plain, written

pytest.importorskip("matplotlib", reason="matplotlib is not installed")


def figure(title: str = "") -> Any:
    made = new_figure(2, 1)
    made.subplots().set_title(title)
    return made


@pytest.mark.parametrize(("name", "mark"), [("p.png", b"\x89PNG"), ("p.SVG", b"<?xml"), ("p.pdf", b"%PDF")])
def test_the_ending_says_the_kind(name: str, mark: bytes, tmp_path: Path) -> None:
    written(figure(), tmp_path / name)
    first = (tmp_path / name).read_bytes()
    assert first.startswith(mark)
    written(figure(), tmp_path / name)
    assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize("name", ["p.bmpp", "p", "png"])
def test_an_unknown_kind(name: str, tmp_path: Path) -> None:
    for call in (check_path, lambda path: written(figure(), path)):
        with pytest.raises(ArgumentError, match=f"{name} does not have the extension of an image format. Use .png"):
            call(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    assert check_path("p.png") == "png" and check_path(None) == ""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("file/p.png", "file/p.png cannot be written: Not a directory. Part of its path is a file"),
        ("folder.png", "folder.png cannot be written: Is a directory. Give a file in it"),
        ("t" * 300 + ".png", "cannot be written: File name too long"),
    ],
)
def test_what_cannot_be_written(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DataError, match=message):
        written(figure(), tmp_path / name)
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_stays_as_it_was_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.png").write_text("before")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match=r"p.png cannot be written: No space left on device. Free some space"):
        written(figure(), tmp_path / "p.png")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("p.png", "before")]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "p.png")
    written(figure(), tmp_path / "link.png")
    assert (tmp_path / "link.png").is_symlink() and (tmp_path / "p.png").is_file()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a_1 ^ {b}", "a_1 ^ {b}"),
        ("$x$", r"\$x\$"),
        ("l" * 16 + "r" * 15, "l" * 15 + "…" + "r" * 14),
        ("$" * 31, r"\$" * 15 + "…" + r"\$" * 14),
    ],
)
def test_texts_are_no_formulas(text: str, shown: str) -> None:
    assert plain(text) == shown
    written(figure(plain("$\\frac{$")), None).draw_without_rendering()  # as a formula it would be wrong


@pytest.mark.parametrize("call", [lambda: new_figure(1, 1), lambda: check_path("p.png"), lambda: check_path(None)])
def test_without_matplotlib(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingError, match=r"Run: pip install 'jitgrad\[plot\]'"):
        call()


def test_a_notebook_displays_a_picture_without_pyplot() -> None:
    """IPython asks for this method; without it, a picture would be shown only after the inline backend was loaded."""
    picture = new_figure(2, 1)
    picture.subplots().plot([0, 1])
    assert picture._repr_png_().startswith(b"\x89PNG")
    assert pickle.loads(pickle.dumps(picture)).get_size_inches() == pytest.approx([2, 1])
