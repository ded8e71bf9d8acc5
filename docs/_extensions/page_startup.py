"""What a kernel runs before the cells of a page: it moves to a directory of the page, and sets how pictures look."""


def _start() -> None:
    import os
    import sys
    import tempfile

    place = tempfile.mkdtemp(dir=os.environ["JITGRAD_DOCS_WORK"])
    os.symlink(os.environ["JITGRAD_DOCS_DATA"], os.path.join(place, "data"))
    os.chdir(place)
    sys.stdout.flush_interval = 600  # seconds: a cell's output in one piece, for myst-nb puts line ends between pieces
    sys.path.append(os.environ["JITGRAD_DOCS_EXTENSIONS"])
    get_ipython().run_line_magic("xmode", "Minimal")  # noqa: F821
    try:
        import matplotlib
        from matplotlib.figure import Figure
        from matplotlib_inline.config import InlineBackend
    except ImportError:
        return
    from theme_svg import STYLE, inline_svg

    matplotlib.rcParams.update(STYLE)
    InlineBackend.instance(parent=get_ipython()).figure_formats = set()  # noqa: F821
    Figure._repr_html_ = inline_svg  # a registered formatter would be dropped when the inline backend is loaded


_start()
del _start
