"""Draw a small picture of each tutorial for the cards of their index, before the site is built."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import polars as pl
from matplotlib.figure import Figure
from sphinx.application import Sphinx
from theme_svg import STYLE, inline_svg

import jitgrad as jg

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "data"
TUTORIALS = HERE.parent / "tutorials"
SIZE = (3.6, 1.7)


def _axes() -> tuple[Figure, Any]:
    """Return a small figure and its axes, without ticks."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axis = figure.subplots()
    axis.set(xticks=[], yticks=[])
    return figure, axis


def line() -> Figure:
    """Draw the path of gradient descent on the contours of a loss."""
    iris = pl.read_csv(DATA / "iris.csv")
    x, y = iris["petal_length"].to_numpy(), iris["petal_width"].to_numpy()
    figure, axis = _axes()
    a, b = np.meshgrid(np.linspace(-0.6, 0.4, 80), np.linspace(0, 0.6, 80))
    loss = np.mean((y - (a[..., None] + b[..., None] * x)) ** 2, axis=-1)
    axis.contour(a, b, loss, np.geomspace(loss.min() * 1.05, loss.max(), 10), colors="C0", linewidths=0.8, alpha=0.6)
    path = [np.zeros(2)]
    for _ in range(150):
        residual = y - path[-1][0] - path[-1][1] * x
        path.append(path[-1] + 0.06 * np.array([residual.mean(), (residual * x).mean()]))
    axis.plot(*np.array(path).T, "C1.-", markersize=4, linewidth=1)
    return figure


def curves() -> Figure:
    """Draw a curve with its bands."""
    treated = pl.read_csv(DATA / "puromycin.csv").filter(treated=1)
    fit = jg.curve_fit("vmax * concentration / (km + concentration)", treated, "rate")
    figure, axis = _axes()
    x = np.linspace(0.01, 1.15, 200)
    at = {"concentration": x}
    axis.fill_between(x, *fit.band(at, prediction=True), color="C0", alpha=0.12, linewidth=0)
    axis.fill_between(x, *fit.band(at), color="C0", alpha=0.35, linewidth=0)
    axis.plot(x, fit.predict(at), color="C0")
    axis.plot(treated["concentration"], treated["rate"], "o", color="0.3", markersize=3.5)
    return figure


def network() -> Figure:
    """Draw the training and validation loss of a network that overfits."""
    diabetes = pl.read_csv(DATA / "diabetes.csv", infer_schema_length=None)
    fit = jg.fit_table(diabetes, "progression", hidden=[32, 16], epochs=200, validation_split=0.2, verbose=False)
    assert fit.history is not None
    figure, axis = _axes()
    axis.plot(fit.history.loss, color="C0")
    axis.plot(fit.history.metrics["val_loss"], color="C1", linewidth=1.4)
    axis.set_ylim(0, 1)
    return figure


def many_fits() -> Figure:
    """Draw some of the fits of a plate."""
    plate = pl.read_csv(DATA / "plate.csv")
    model = "bottom + (top - bottom) / (1 + (dose / ec50)**hill)"
    fits = jg.fit_groups(model, plate, "signal", by="compound", bounds={"hill": (0, None)})
    figure = Figure(figsize=SIZE, layout="constrained")
    chosen = np.flatnonzero(fits.converged)[:15]
    for axis, k in zip(figure.subplots(3, 5, sharex=True, sharey=True).flat, chosen, strict=True):
        (columns, y), x = fits.rows(int(k)), np.geomspace(0.04, 110, 60)
        axis.plot(columns["dose"], y, ".", color="0.4", markersize=2)
        axis.plot(x, fits[int(k)].predict({"dose": x}), color="C0", linewidth=1)
        axis.set(xscale="log", xticks=[], yticks=[])
        axis.minorticks_off()
    return figure


def differential_equations() -> Figure:
    """Draw predator and prey."""
    figure, axis = _axes()
    h, states = 0.02, [np.log([34.6, 5.84])]
    for _ in range(1000):
        k = np.zeros(2)
        total = np.zeros(2)
        for weight, share in ((1, 0.0), (2, 0.5), (2, 0.5), (1, 1.0)):
            u, v = np.exp(states[-1] + share * h * k)
            k = np.array([0.54 - 0.0272 * v, 0.0237 * u - 0.797])
            total += weight * k / 6
        states.append(states[-1] + h * total)
    axis.plot(np.exp(states))
    return figure


DRAWN: list[Callable[[], Figure]] = [line, curves, network, many_fits, differential_equations]


def _write_pictures(app: Sphinx) -> None:
    """Write the pictures, unless they are as new as this file."""
    key = hashlib.sha256(Path(__file__).read_bytes() + (HERE / "theme_svg.py").read_bytes()).hexdigest()
    stamp = TUTORIALS / ".stamp"
    paths = {draw: TUTORIALS / f"_{draw.__name__}.svg" for draw in DRAWN}
    if stamp.exists() and stamp.read_text() == key and all(path.exists() for path in paths.values()):
        return
    with matplotlib.rc_context(STYLE):
        for draw, path in paths.items():
            path.write_text(inline_svg(draw(), str(draw.__doc__), "100%"), encoding="utf-8")
    stamp.write_text(key)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx."""
    app.connect("builder-inited", _write_pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
