"""Each page runs its code and its commands in a directory of its own, in which ``data/`` is the repository's.

A page may therefore write files, and read ``data/iris.csv``, without regard to other pages.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinxcontrib.programoutput import program_output

ROOT = Path(__file__).parents[2]
WIDTH = "80"
"""Columns of the terminal that commands and cells print to: what fits in a page's column."""


def _place_commands(app: Sphinx, doctree: Any) -> None:
    """Set the working directory of the page's commands."""
    commands = list(doctree.findall(program_output))
    if not commands:
        return
    place = Path(os.environ["JITGRAD_DOCS_WORK"], app.env.docname.replace("/", "-"))
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    (place / "data").symlink_to(ROOT / "data")
    for node in commands:
        node["working_directory"] = str(place)
    app.env.programoutput_cache.clear()


def setup(app: Sphinx) -> dict[str, Any]:
    """Prepare the environment of kernels and commands."""
    work = tempfile.mkdtemp(prefix="jitgrad-docs-")
    owner = os.getpid()
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(work, ignore_errors=True))
    os.environ |= {
        "JITGRAD_DOCS_WORK": work,
        "JITGRAD_DOCS_DATA": str(ROOT / "data"),
        "JITGRAD_DOCS_EXTENSIONS": str(Path(__file__).parent),
        "PYTHONSTARTUP": str(Path(__file__).with_name("page_startup.py")),
        "COLUMNS": WIDTH,
        "POLARS_FMT_TABLE_HIDE_DATAFRAME_SHAPE_INFORMATION": "1",
        "POLARS_FMT_TABLE_HIDE_COLUMN_DATA_TYPES": "1",
    }
    app.connect("doctree-read", _place_commands, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
