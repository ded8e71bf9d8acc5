"""Links from pages to files of the repository outside ``docs/`` lead to the pages that show these files."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

PAGES = {
    "README.md": "/index.md",
    "CHANGELOG.md": "/changelog.md",
    "CONTRIBUTING.md": "/contributing.md",
    "data/README.md": "/data.md",
    "perf/RESULTS.md": "/results.md",
}
_LINK = re.compile(r"\]\((?:\.\./)*(" + "|".join(map(re.escape, PAGES)) + r")(#[^)]*)?\)")
_DOCS = re.compile(r"\]\((?:\.\./)*docs/([^)]*)\)")


def rewritten(text: str) -> str:
    """Return a page's text with the links of the site."""
    text = _LINK.sub(lambda match: f"]({PAGES[match[1]]}{match[2] or ''})", text)
    return _DOCS.sub(r"](/\1)", text)


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    source[0] = rewritten(source[0])


def _include(app: Sphinx, path: Any, parent: str, source: list[str]) -> None:
    source[0] = rewritten(source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Rewrite pages and the files that they include."""
    app.connect("source-read", _read)
    app.connect("include-read", _include)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
