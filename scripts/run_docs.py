"""Run the code of a page of docs/, and compare what it prints with what the page says.

Run: python scripts/run_docs.py [--write] docs/many_fits.md

A block of Python, or of lines of shell that begin with jitgrad, may be followed by a block without a language: what it
prints. The code of a heading of the second level runs in a namespace of its own, in a directory with data/ in it. Numbers
may differ in their last digits, and a time altogether. With --write the page gets what is printed, and docs/pictures the
pictures that are written.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```\n(?:\n```\n(.*?)^```\n)?", re.M | re.S)
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
_NEAR = 2e-3


class Block(NamedTuple):
    """Code, its language, what it prints, and where that stands in the page: None where it prints nothing."""

    language: str
    code: str
    printed: str
    place: tuple[int, int] | None


def sections(page: str) -> Iterator[tuple[str, list[Block]]]:
    """The headings of a page, and the blocks below each."""
    starts = [match.start() for match in re.finditer(r"^## ", page, re.M)]
    for start, stop in zip(starts, [*starts[1:], len(page)], strict=True):
        title = page[start + 3 : page.index("\n", start)]
        found = [
            Block(match[1], match[2], match[3] or "", None if match[3] is None else match.span(3))
            for match in _BLOCK.finditer(page, start, stop)
        ]
        if found:
            yield title, found


def run(blocks: list[Block], place: Path) -> list[str]:
    """What each block prints, run one after the other in the directory ``place``."""
    (place / "data").symlink_to(ROOT / "data")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    return [_python(block.code, namespace) if block.language == "python" else _shell(block.code, place) for block in blocks]


def _python(code: str, namespace: dict[str, Any]) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "docs", "exec"), namespace)
    return printed.getvalue()


def _shell(code: str, place: Path) -> str:
    command = f"jitgrad() {{ '{sys.executable}' -m jitgrad.cli.main \"$@\"; }}\n{code}"
    environment = os.environ | {"COLUMNS": "120", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(["bash", "-ec", command], cwd=place, capture_output=True, text=True, check=False, env=environment)
    assert not done.returncode, done.stderr
    return done.stdout


def alike(printed: str, said: str) -> bool:
    """Whether two texts are the same but for the last digits of numbers, and for times in seconds."""
    printed, said = (re.sub(r"\d[\d.]* m?s\b", "0 s", text.rstrip()) for text in (printed, said))
    words = [[word.rstrip() for word in _NUMBER.sub("#", text).split("\n")] for text in (printed, said)]
    numbers = [[float(number.replace(",", "")) for number in _NUMBER.findall(text)] for text in (printed, said)]
    if words[0] != words[1]:
        return False
    return all(abs(a - b) <= _NEAR * max(abs(a), abs(b)) for a, b in zip(*numbers, strict=True))


def _trimmed(text: str) -> str:
    """A text without spaces at the ends of its lines, and without empty lines before and after."""
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n") + "\n"


def _write(path: Path) -> None:
    page = path.read_text()
    for title, _ in list(sections(page)):
        blocks = dict(sections(page))[title]
        with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
            printed = run(blocks, Path(place))
            for picture in Path(place).glob("*.png"):
                PICTURES.mkdir(exist_ok=True)
                shutil.copy(picture, PICTURES / picture.name)
        for block, text in reversed(list(zip(blocks, printed, strict=True))):
            if block.place is not None:
                page = page[: block.place[0]] + _trimmed(text) + page[block.place[1] :]
    path.write_text(page)


def main() -> None:
    names = [name for name in sys.argv[1:] if name != "--write"]
    for name in names:
        path = Path(name).resolve()
        if "--write" in sys.argv:
            _write(path)
            continue
        for title, blocks in sections(path.read_text()):
            with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
                for block, printed in zip(blocks, run(blocks, Path(place)), strict=True):
                    if block.place is not None and not alike(printed, block.printed):
                        sys.exit(f"{title}: the page says\n{block.printed}\nand this is printed:\n{printed}")


if __name__ == "__main__":
    main()
