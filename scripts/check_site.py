"""Check the links of a built site: each leads to a file of the site, and to an element if it has an anchor.

Run: python scripts/check_site.py docs/_build/html
"""

from __future__ import annotations

import functools
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, and the names that links may have as anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = {""}
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            if name in ("href", "src") and value:
                self.links.append(value)


page_at = functools.cache(Page)


def broken(site: Path, path: Path) -> list[str]:
    """Return the links of a page that lead nowhere, or to another server for something that the page loads."""
    found = []
    for link in page_at(path).links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        target = target / "index.html" if target.is_dir() else target
        exists = target.is_file() and site in target.parents
        if not exists or (target.suffix == ".html" and unquote(parts.fragment) not in page_at(target).anchors):
            found.append(link)
    return found


def main() -> None:
    """Check all pages of a site."""
    site = Path(sys.argv[1]).resolve()
    pages = sorted(page for page in site.rglob("*.html") if "_static" not in page.parts)
    lines = [f"{page.relative_to(site)}: {link}" for page in pages for link in broken(site, page)]
    if lines:
        sys.exit("\n".join(["These links lead nowhere:", *lines]))
    print(f"The links of {len(pages)} pages lead to pages and anchors of the site.")


if __name__ == "__main__":
    main()
