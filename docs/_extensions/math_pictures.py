"""Draw formulas when the site is built, as SVG in the color of the text: pages need neither a network nor JavaScript."""

from __future__ import annotations

import functools
from html import escape
from typing import Any

from docutils import nodes
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

_SIZE = 10.0
_FONT = FontProperties(family="serif", math_fontfamily="cm", size=_SIZE)
_COMMANDS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C", Path.CLOSEPOLY: "Z"}


@functools.cache
def _svg(latex: str) -> str:
    """Return a formula as an ``svg`` element whose sizes are in em and whose baseline is the line's."""
    text = "$" + " ".join(latex.replace(r"\displaystyle", "").split()) + "$"
    try:
        box = MathTextParser("path").parse(text, dpi=72, prop=_FONT)
    except ValueError as error:
        raise ExtensionError(f"matplotlib cannot draw the formula {latex!r}: {error}") from None
    width, height, depth = box[0], box[1], box[2]
    data = "".join(
        _COMMANDS[code] + ("" if code == Path.CLOSEPOLY else " ".join(f"{value:.2f}" for value in _flipped(points)))
        for points, code in TextPath((0, 0), text, prop=_FONT).iter_segments()
    )
    above = height - depth + 1
    em = 1.15 / _SIZE
    return (
        f'<svg role="img" aria-label="{escape(latex, quote=True)}" class="formula" xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 {-above:.2f} {width:.2f} {height + 2:.2f}" style="width:{width * em:.3f}em;'
        f'height:{(height + 2) * em:.3f}em;vertical-align:{-(depth + 1) * em:.3f}em">'
        f'<path fill="currentColor" d="{data}"/></svg>'
    )


def _flipped(points: Any) -> list[float]:
    return [-value if i % 2 else value for i, value in enumerate(points.tolist())]


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(_svg(node.astext()))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append("<br/>".join(_svg(part) for part in _lines(node)) + "</div>\n")
    raise nodes.SkipNode


def _lines(node: nodes.math_block) -> list[str]:
    return node.astext().replace(r"\frac", r"\dfrac").split(r"\\")


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the renderer, named ``pictures``."""
    app.add_html_math_renderer("pictures", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
