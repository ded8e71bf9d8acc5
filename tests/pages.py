"""Reading pages: whether they are well-formed, and what is on them."""

from __future__ import annotations

import re
from collections import defaultdict
from html.parser import HTMLParser

VOID = {"meta", "br", "img", "hr", "link", "input"}


class Reader(HTMLParser):
    """Holds that what is opened is closed, and keeps texts, by element, too, identifiers, and what is referred to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.within: dict[str, list[str]] = defaultdict(list)
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)

    def _seen(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("src", "href", "xlink:href", "action", "data", "srcset", "poster"):
                self.references.append(str(value))
            self.references += re.findall(r"url\(([^)]*)\)", str(value))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self.open:
            self.within[self.open[-1]].append(data)


def read(text: str) -> Reader:
    """A text that is well-formed, without scripts, whose references are all within it."""
    found = Reader(text)
    assert "script" not in found.tags
    assert len(set(found.ids)) == len(found.ids)
    for reference in found.references:
        assert reference.startswith("data:image/") or reference.removeprefix("#") in found.ids, reference
    assert not re.search(r"@import|expression\(", text)
    return found
