"""The configuration of the site: ``sphinx-build -W --keep-going -b html docs docs/_build/html``.

``JITGRAD_DOCS_ONLY="howto/nan.md,internals/*"`` builds only these pages and the front page, which takes seconds.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jitgrad

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_extensions"), str(DOCS.parent)]

project = "jitgrad"
author = "the jitgrad developers"
project_copyright = "the jitgrad developers"
version = release = jitgrad.__version__
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinxcontrib.programoutput",
    "curve_gallery",
    "math_pictures",
    "optional_cells",
    "page_directory",
    "public_api",
    "repository_links",
    "tutorial_cards",
]
exclude_patterns = ["_build", "_extensions", "_static", "_templates", "**/_cards.md", "**.ipynb_checkpoints"]
templates_path = ["_templates"]
root_doc = "index"
nitpicky = False

only = [pattern.strip() for pattern in os.environ.get("JITGRAD_DOCS_ONLY", "").split(",") if pattern.strip()]
if only:
    include_patterns = ["index.md", *only]
    suppress_warnings = ["toc", "ref", "myst.xref_missing", "autosummary"]

# Pages are Markdown. Their cells run when the site is built, and their output is cached until the text of the page changes.
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(DOCS / "_build" / "jupyter_cache")
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 120
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "image/svg+xml", 5)]
programoutput_prompt_template = "$ {command}\n{output}"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"

# Docstrings
pages = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.glob("reference/*.rst"))
autosummary_generate = pages if not only or any("reference" in pattern for pattern in only) else False
autosummary_context = {  # whose members are on their own pages, or belong to other libraries
    "documented_bases": "ABC, BaseEstimator, Callback, Exception, JitgradError, Layer, Metric, Optimizer, Schedule, dict, tuple"
}
autodoc_typehints = "none"
autodoc_member_order = "groupwise"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
numpydoc_validation_checks: set[str] = set()

# Appearance
html_math_renderer = "pictures"
html_theme = "pydata_sphinx_theme"
html_title = "jitgrad"
html_static_path = ["_static"]
html_css_files = ["jitgrad.css", "figures.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {page: [] for page in ("index", "first_minute", "command_line", "search", "genindex")}
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
