"""What a kernel runs before the cells of a page: it moves to a directory of the page, and sets how pictures look."""


def _start() -> None:
    import os
    import tempfile

    place = tempfile.mkdtemp(dir=os.environ["JITGRAD_DOCS_WORK"])
    os.symlink(os.environ["JITGRAD_DOCS_DATA"], os.path.join(place, "data"))
    os.chdir(place)
    try:
        import matplotlib
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    set_matplotlib_formats("svg")
    gray = "#888888"
    matplotlib.rcParams.update(
        {
            "figure.figsize": (6.4, 3.6),
            "figure.facecolor": "none",
            "axes.facecolor": "none",
            "savefig.facecolor": "none",
            "axes.edgecolor": gray,
            "axes.labelcolor": gray,
            "axes.titlecolor": gray,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "xtick.color": gray,
            "ytick.color": gray,
            "text.color": gray,
            "legend.frameon": False,
            "svg.fonttype": "none",
            "font.family": "sans-serif",
        }
    )


_start()
del _start
