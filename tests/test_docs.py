"""The code of docs/ runs as it stands, and prints what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_docs import Block, alike, run, sections

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "many_fits.md").read_text()
SECTIONS = dict(sections(PAGE))


@pytest.mark.parametrize("title", SECTIONS)
def test_a_section_runs(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = SECTIONS[title]
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    for module in ("dask", "pandas", "xarray"):
        if any(f"import {module}" in block.code for block in blocks):
            pytest.importorskip(module, reason=f"{module} is not installed")
    monkeypatch.chdir(tmp_path)
    for block, printed in zip(blocks, run(blocks, tmp_path), strict=True):
        assert block.place is not None or not printed, f"the page does not say what this prints:\n{block.code}"
        assert alike(printed, block.printed), printed


def test_the_pictures_of_the_page_are_there() -> None:
    for part in PAGE.split("](pictures/")[1:]:
        assert (ROOT / "docs" / "pictures" / part.split(")")[0]).is_file()


def test_blocks_and_what_they_print() -> None:
    page = "# t\n```python\nskipped\n```\n## a\n```python\nx = 1\n```\n\n```\n1\n```\n\n```sh\njitgrad models\n```\n## b\n"
    ((title, (first, second)),) = sections(page)
    assert title == "a" and page[slice(*first.place or ())] == "1\n"
    assert (first[:3], second) == (("python", "x = 1\n", "1\n"), Block("sh", "jitgrad models\n", "", None))


@pytest.mark.parametrize(
    ("printed", "said", "same"),
    [
        ("a 1.0001 b\n", "a 1.0002 b", True),
        ("a 1.1", "a 1.2", False),
        ("a 1", "b 1", False),
        ("12 rows, 3.5 s", "12 rows, 0.1 s", True),
        ("1,234 rows", "1,235 rows", True),
        ("1 2", "1", False),
    ],
)
def test_texts_that_are_alike(printed: str, said: str, same: bool) -> None:
    assert alike(printed, said) is same
