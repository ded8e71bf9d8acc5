"""The pages of the site and the README: links lead somewhere, code runs, and the reference has every public name.

Sphinx executes the cells and commands of the pages and checks references when it builds the site (``.ci/run``). These tests
need neither Sphinx nor a network.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.printed import alike
from tests.public import public_names

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
HIDDEN = ("_build", "_templates", "generated")
GENERATED = set(DOCS.glob("gallery/*.md")) - {DOCS / "gallery" / "index.md"}  # by docs/_extensions/curve_gallery.py
PAGES = sorted(
    page for page in DOCS.rglob("*.md") if not set(HIDDEN) & set(page.relative_to(DOCS).parts) and page not in GENERATED
)
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "data" / "README.md", *PAGES]

STATIC = {
    "pip install": "needs a package index",
    "sbatch": "needs a cluster",
    "docker": "needs a container engine",
}
"""What a block of shell may begin with although it is not run, and why."""

_FENCE = re.compile(r"^(`{3,})(\S*)[^\n]*\n(.*?)^\1 *$", re.M | re.S)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(text: str) -> list[tuple[str, str]]:
    """The language and content of each fenced block."""
    return [(match[2], match[3]) for match in _FENCE.finditer(text)]


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and MyST make it."""
    text = re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


@pytest.mark.parametrize("page", TEXTS, ids=named)
def test_links_resolve(page: Path) -> None:
    text = _FENCE.sub("", page.read_text())
    for link in _LINK.findall(text):
        if link.startswith(("http://", "https://", "mailto:")):
            assert re.fullmatch(r"https?://[\w.-]+\.\w+(/[\w./~#?=&%+-]*)?", link), f"{link} is not a valid address"
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{link} does not exist"
        if anchor and target.suffix == ".md":
            headings = [slug(heading) for heading in re.findall(r"^#+ (.*)$", _FENCE.sub("", target.read_text()), re.M)]
            labels = re.findall(r"^\(([\w-]+)\)=$", target.read_text(), re.M)
            assert anchor in headings + labels, f"{link}: {named(target)} has no heading {anchor}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_code_on_a_page_is_executed(page: Path) -> None:
    """Python is in cells and shell in commands; a page with cells must say that it has some, or they are only displayed."""
    text = page.read_text()
    for language, content in blocks(text):
        assert language not in ("python", "py", "pycon", "ipython"), f"write this as a {{code-cell}}:\n{content}"
        if language in ("sh", "bash", "shell", "console"):
            for line in filter(None, content.splitlines()):
                assert line.startswith(tuple(STATIC)), f"write this as a {{command-output}}: {line}"
        if language == "{code-cell}":
            assert text.startswith("---\nfile_format: mystnb\n"), "the front matter of a page with cells is missing"


def test_the_reference_has_every_public_name() -> None:
    """Each is listed in an autosummary table of ``docs/reference``."""
    names: list[str] = []
    for page in sorted((DOCS / "reference").glob("*.rst")):
        module = ""
        for line in page.read_text().splitlines():
            if line.startswith(".. currentmodule:: "):
                module = line.split()[-1]
            elif re.fullmatch(r" {3}[\w.]+", line):
                names.append(f"{module}.{line.strip()}")
    assert len(set(names)) == len(names), "a name is listed twice"
    engines = ("jitgrad.distributed.", "jitgrad.sklearn.")  # which may not be installed
    listed = {id(resolved(name)) for name in names if not name.startswith(engines)}
    missing = [name for name, obj in public_names() if id(obj) not in listed and name not in names]
    assert not missing, f"add these to a page of docs/reference: {missing}"


def resolved(name: str) -> Any:
    """The object of a name in the reference, an attribute of a module."""
    first, *rest = name.split(".")
    found = importlib.import_module(first)
    for i, part in enumerate(rest, 1):
        if not hasattr(found, part):
            importlib.import_module(".".join([first, *rest[:i]]))
        found = getattr(found, part)
    return found


README = (ROOT / "README.md").read_text()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with ``data/`` in it."""
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_of_the_readme_run(place: Path) -> None:
    """Where a prompt precedes a command, what follows is what it prints."""
    for language, content in blocks(README):
        if language not in ("sh", "console", "text", ""):
            continue
        for command, output in re.findall(r"^(?:\$ )?(?:[^\n]*&& )?(jitgrad [^\n]*)\n?((?:(?!\$ )[^\n]*\n?)*)", content):
            printed = run(command, place)
            if content.startswith("$ "):
                assert alike(printed, output), printed


def run(command: str, place: Path) -> str:
    """What a line of shell prints, with ``jitgrad`` the command of these sources."""
    script = f"jitgrad() {{ '{sys.executable}' -m jitgrad.cli.main \"$@\"; }}\n{command}"
    environment = os.environ | {"COLUMNS": "80", "PYTHONPATH": str(ROOT / "src")}
    bash = shutil.which("bash") or "bash"
    done = subprocess.run([bash, "-ec", script], cwd=place, capture_output=True, text=True, check=False, env=environment)
    assert not done.returncode, f"{command}\n{done.stderr}"
    return done.stdout
