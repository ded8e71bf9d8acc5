"""Figures as inline SVG that follow the colors of the page, so one picture suits light and dark themes.

Black and gray become shades of the text color, and the colors of `COLORS` become CSS variables, which
`_static/figures.css` defines for each theme.
"""

from __future__ import annotations

import re
from html import escape
from io import StringIO
from typing import Any

COLORS = {
    "#0072b2": "blue", "#d55e00": "orange", "#009e73": "green", "#cc79a7": "pink", "#e69f00": "yellow", "#56b4e9": "sky",
    "#1f77b4": "blue", "#ff7f0e": "orange", "#2ca02c": "green",
}  # fmt: skip
"""Okabe and Ito's palette, and the first colors of matplotlib's default cycle."""
KEPT = {"#1a1a1a", "#ffffff"}
"""Grays of text that stands on a colored cell, whatever the page is."""
STYLE = {
    "figure.figsize": (6.4, 3.6), "figure.dpi": 100, "figure.constrained_layout.use": True,
    "font.size": 10, "axes.titlesize": 11, "legend.fontsize": 9, "legend.frameon": False, "lines.linewidth": 1.8,
    "axes.prop_cycle": "cycler('color', ['0072B2', 'D55E00', '009E73', 'CC79A7', 'E69F00', '56B4E9'])",
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "axes.edgecolor": "#808080", "xtick.color": "#808080", "ytick.color": "#808080",
    "xtick.labelcolor": "#4d4d4d", "ytick.labelcolor": "#4d4d4d",
    "scatter.edgecolors": "none",
}  # fmt: skip
"""The look of the documentation's figures."""

_READABLE = 560
"""Pixels to which a wide figure shrinks; on a narrower screen it scrolls."""
_HEX = re.compile(r"#[0-9a-f]{6}\b")
_IDS = re.compile(r' id="[A-Za-z0-9.]+_\d+"')
"""Names of artists, which repeat from figure to figure; nothing refers to them."""
_FONTS = re.compile(r"font: ([\d.]+px) [^;\"]*")


def inline_svg(figure: Any, label: str | None = None, width: str | None = None, text: str = "none") -> str:
    """Return a figure as an `<svg>` element for the body of a page.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure to draw.
    label : str, optional
        Alternative text. By default, the title of the figure, or what its axes show.
    width : str, optional
        Width in CSS units. By default, the width of the figure at 96 dots per inch, or the column if that is narrower.
    text : {"none", "path"}, default "none"
        Whether text stays text, in the font of the page, or becomes paths.

    Returns
    -------
    str
        The element.
    """
    from matplotlib import rc_context

    stream = StringIO()
    with rc_context({"svg.fonttype": text, "svg.hashsalt": "jitgrad"}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawn = stream.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn)
    assert box is not None
    natural = float(box[1]) * 96 / 72
    size = width or f"{natural:.0f}px"
    least = f" min-width: {_READABLE}px;" if not width and natural > _READABLE else ""
    head = (
        f'<svg class="jg-figure" role="img" aria-label="{escape(label or _described(figure))}" '
        f'viewBox="0 0 {box[1]} {box[2]}" fill="currentColor" '
        f'style="width: {size}; max-width: 100%;{least} height: auto;" xmlns="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    body = drawn[drawn.index(">") + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.S)
    body = _HEX.sub(lambda match: _themed(match[0]), _IDS.sub("", body))
    body = _FONTS.sub(r"font-size: \1", body)
    return re.sub(r"\n\s*", " ", re.sub(r">\s+<", "><", head + body)).strip()


def _described(figure: Any) -> str:
    """Return the title of a figure, or what its axes show."""
    if figure.get_suptitle():
        return str(figure.get_suptitle())
    shown = []
    for axis in figure.axes:
        against = " against ".join(filter(None, (axis.get_ylabel(), axis.get_xlabel())))
        shown.append(": ".join(filter(None, (axis.get_title(), against))))
    return "; ".join(dict.fromkeys(filter(None, shown))) or "Figure"


def _themed(color: str) -> str:
    """Return the CSS for a color of a figure."""
    if color in COLORS:
        return f"var(--jg-{COLORS[color]}, {color})"
    red, green, blue = color[1:3], color[3:5], color[5:7]
    if not red == green == blue or color in KEPT:
        return color
    shade = round(100 * (1 - int(red, 16) / 255))
    return "currentColor" if shade == 100 else f"color-mix(in srgb, currentColor {shade}%, transparent)"
