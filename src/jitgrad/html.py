"""HTML for notebooks and reports: tables, sentences, whole pages, and figures.

No text or background colors are set, so the output adapts to light and dark themes. A page is a single
file without scripts or external resources.
"""

from __future__ import annotations

import hashlib
import math
import re
import warnings
from collections.abc import Collection, Sequence
from html import escape as _escape
from io import StringIO
from typing import Any

from jitgrad.errors import printable

_STYLE = """
.jitgrad table {border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9em; margin: 0}
.jitgrad caption {text-align: left; font-weight: 600; padding: .3em .7em .3em 0}
.jitgrad th, .jitgrad td {padding: .2em .7em; text-align: right; white-space: nowrap; border: 0; background: none}
.jitgrad th:first-child, .jitgrad td:first-child {padding-left: 0}
.jitgrad .text {text-align: left}
.jitgrad tbody th {font-weight: normal}
.jitgrad thead tr {border-bottom: 1px solid rgba(128, 128, 128, .6)}
.jitgrad tbody tr {border-bottom: 1px solid rgba(128, 128, 128, .2)}
.jitgrad .scroll {overflow-x: auto; margin: .6em 0}
.jitgrad p {margin: .5em 0; line-height: 1.45; max-width: 60em; overflow-wrap: anywhere}
.jitgrad svg {max-width: 100%; height: auto}
""".strip()
_PAGE_STYLE = """
:root {color-scheme: light dark}
body {font-family: system-ui, sans-serif; margin: 0 auto; padding: 1.2rem clamp(.8rem, 3vw, 2rem); max-width: 72rem}
h1 {font-size: 1.45rem; line-height: 1.25; margin: .2em 0 .5em; overflow-wrap: anywhere}
h2 {font-size: 1.1rem; margin: 1.8em 0 .5em; padding-top: .6em; border-top: 1px solid rgba(128, 128, 128, .35)}
pre {overflow-x: auto; padding: .7em .9em; border: 1px solid rgba(128, 128, 128, .35); border-radius: .3em; font-size: .85rem}
.figures {display: grid; gap: 1.4rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 23rem), 1fr))}
figure {margin: 0; min-width: 0}
figure svg {width: 100%; max-width: 36rem}
figcaption {font-size: .85rem; line-height: 1.4; max-width: 36rem; opacity: .85}
footer {margin-top: 2.5em; font-size: .85rem; opacity: .75}
""".strip()
_SPARK = 120, 18
"""The width and the height, in pixels."""
_INK = ("#000000", "#333333", "#4c4c4c")
"""The colors of matplotlib that are replaced by the color of the text: black, "0.2" and "0.3"."""


class Markup(str):
    """Text that is already HTML."""


def escape(text: str) -> str:
    """Return a text as HTML, without control characters; Markup is returned unchanged."""
    return text if isinstance(text, Markup) else _escape(printable(text))


def sentence(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    """Return the title of a notebook output."""
    return f"<p><strong>{escape(text)}</strong></p>" if text else ""


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "", texts: Collection[int] = ()) -> str:
    """Return a table in a box that scrolls if it is wider than the page.

    Parameters
    ----------
    columns : sequence of str
        The headings. The first column contains names, the others contain right-aligned numbers.
    rows : sequence of sequences of str
        The cells, text or Markup.
    title : str, optional
        The caption.
    texts : collection of int, optional
        The indices of further columns with text, which are left-aligned.
    """

    def cell(tag: str, k: int, text: str, scope: str = "") -> str:
        look = (f' scope="{scope}"' if scope else "") + (' class="text"' if k == 0 or k in texts else "")
        return f"<{tag}{look}>{escape(text)}</{tag}>"

    caption = f"<caption>{escape(title)}</caption>" if title else ""
    head = "".join(cell("th", k, name, "col") for k, name in enumerate(columns))
    lines = [cell("th", 0, row[0], "row") + "".join(cell("td", k, row[k]) for k in range(1, len(columns))) for row in rows]
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="scroll"><table>{caption}<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'


def sparkline(values: Sequence[float]) -> Markup:
    """Return the finite numbers as a small line plot, on a logarithmic scale if all are positive.

    If there are more numbers than pixels, they are thinned evenly; the first and the last are kept.
    """
    if len(values) > _SPARK[0]:
        values = [values[round(k * (len(values) - 1) / (_SPARK[0] - 1))] for k in range(_SPARK[0])]
    logarithmic = all(value > 0 for value in values if math.isfinite(value))
    points = [(k, math.log(y) if logarithmic else y) for k, y in enumerate(values) if math.isfinite(y)]
    least, most = min((y for _, y in points), default=0.0), max((y for _, y in points), default=0.0)
    across, down = _SPARK[0] / max(len(values) - 1, 1), _SPARK[1] / ((most - least) or 1.0)
    line = " ".join(f"{1 + across * k:.4g},{1 + down * (most - y):.4g}" for k, y in points)
    size = f'width="{_SPARK[0] + 2}" height="{_SPARK[1] + 2}"'
    return Markup(
        f'<svg role="img" aria-label="by epoch" {size}><polyline points="{line}" fill="none" stroke="currentColor"/></svg>'
    )


def section(title: str, *parts: str) -> str:
    """Return a section of a page, with a heading if there is a title."""
    head = f"<h2>{escape(title)}</h2>" if title else ""
    return "\n".join([f"<section>{head}", *parts, "</section>"])


def code(text: str) -> str:
    """Return lines of code."""
    return "<pre>" + "\n".join(map(escape, text.splitlines())) + "</pre>"


def fragment(*parts: str) -> str:
    """Return the output of a notebook cell: parts in HTML with their style."""
    return "\n".join([f'<div class="jitgrad"><style>{_STYLE}</style>', *parts, "</div>"])


def page(title: str, *parts: str) -> str:
    """Return a whole document: parts in HTML below a heading."""
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>\n<style>\n{_PAGE_STYLE}\n{_STYLE}\n</style>\n</head>",
            f'<body class="jitgrad">\n<h1>{escape(title)}</h1>',
            *parts,
            "</body>\n</html>\n",
        ]
    )


def svg(figure: Any, label: str) -> str:
    """Return a matplotlib figure as an SVG element of a page. The same figure always gives the same text.

    The background is transparent, and black becomes the color of the page's text. Identifiers are derived from the content, so
    the identifiers of several figures on a page differ.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    label : str
        A description for screen readers.
    """
    from matplotlib import rc_context

    content = StringIO()
    with rc_context({"svg.hashsalt": "jitgrad", "svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # the browser uses its own fonts
        figure.savefig(content, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = content.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", text, count=1, flags=re.DOTALL)
    text = _own_identifiers(re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL))
    text = re.sub(r' (d|x|y)="([^"]*)"', _rounded, text)
    for ink in _INK:
        text = text.replace(ink, "currentColor")
    text = re.sub(r"\n\s+", "\n", _MARKS.sub(_gathered, text))
    start = f'<svg role="img" aria-label="{escape(label)}" style="fill: currentColor; stroke-linejoin: round"'
    return start + text.removeprefix("<svg")


_MARKS = re.compile(r'(?:<use ([^>]*?) style="([^"]*)"/>\s*)(?:<use [^>]*? style="\2"/>\s*)+')
"""Consecutive marks with the same style."""


def _gathered(found: re.Match[str]) -> str:
    """Return consecutive marks as a group that states their style once, which halves their size."""
    style = f' style="{found[2]}"'
    return f"<g{style}>{found[0].replace(style, '')}</g>"


def _own_identifiers(text: str) -> str:
    """Return the SVG with short unique identifiers, and without unused ones."""
    own = hashlib.sha256(text.encode()).hexdigest()[:8]
    used = dict.fromkeys(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
    short = {name: f"j{own}{k}" for k, name in enumerate(used)}
    text = re.sub(r' id="([^"]*)"', lambda found: f' id="{short[found[1]]}"' if found[1] in short else "", text)
    return re.sub(r'(url\(|href=")#([^)"]+)', lambda found: f"{found[1]}#{short[found[2]]}", text)


def _rounded(found: re.Match[str]) -> str:
    """Return coordinates rounded to a hundredth of a point."""
    short = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), found[2])
    return f' {found[1]}="{" ".join(short.split())}"'
