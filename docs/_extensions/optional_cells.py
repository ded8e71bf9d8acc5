"""Cells that need a package which is not installed are shown without being run.

A cell tagged `needs-dask` runs if `dask` can be imported. Otherwise the page shows its code, and says that it was not run.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any

from sphinx.application import Sphinx

_CELL = re.compile(r"^```\{code-cell\}[^\n]*\n:tags: \[needs-(\w+)\]\n(.*?)^```$", re.M | re.S)


def _without_missing(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace cells whose package is missing by blocks of code."""
    source[0] = _CELL.sub(_shown, source[0])


def _shown(match: re.Match[str]) -> str:
    if find_spec(match[1]) is not None:
        return match[0]
    remark = f"*(Not run when this page was built, because {match[1]} was not installed.)*"
    return f"```{{code-block}} python\n{match[2]}```\n\n{remark}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx."""
    app.connect("source-read", _without_missing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
