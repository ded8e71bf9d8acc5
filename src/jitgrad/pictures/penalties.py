"""Penalized fits: coefficient paths and cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.pictures.canvas import BLUE, ORANGE, plain

_MARGIN = 1.15
"""The range beyond the smallest strength, so that a line there stays visible."""
_NAMED = 8
"""The number of named lines: the features with the largest coefficients at the chosen strength."""


def draw_path(axis: Any, alphas: np.ndarray, coefficients: np.ndarray, names: Sequence[str], chosen: float, unit: str) -> None:
    """Draw the path of each coefficient that is ever nonzero, from the strongest penalty on the left to the weakest.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Where to draw.
    alphas : ndarray, shape (m,)
        The penalty strengths.
    coefficients : ndarray, shape (m, n)
        The standardized coefficients.
    names : sequence of str
        The names of the n features.
    chosen : float
        The chosen strength, marked by a line.
    unit : str
        The label of the y axis.
    """
    largest = np.abs(coefficients[np.abs(np.log(alphas / chosen)).argmin()])
    named = [k for k in np.argsort(-largest, kind="stable")[:_NAMED].tolist() if largest[k] > 0]
    others = np.flatnonzero(coefficients.any(0))
    others = others[~np.isin(others, named)]
    axis.axhline(0, color="0.5", linewidth=1)
    axis.plot(alphas, coefficients[:, others], color="0.6", linewidth=0.7, rasterized=len(others) > 200)
    for number, k in enumerate(named):
        axis.plot(alphas, coefficients[:, k], color=f"C{number}", linewidth=1.5, label=plain(names[k], 20))
    axis.axvline(chosen, color="0.4", linewidth=1, linestyle="--")
    _penalty_axis(axis, alphas)
    axis.set_ylabel(unit)
    if named:
        axis.legend(frameon=False, fontsize=8, loc="best")


def draw_cross_validation(axis: Any, alphas: np.ndarray, mean: np.ndarray, error: np.ndarray, marked: dict[str, int]) -> None:
    """Draw the cross-validated deviance with its standard error for each penalty strength.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Where to draw.
    alphas, mean, error : ndarray, shape (m,)
        The strengths, and the mean deviance per row with its standard error.
    marked : dict of str to int
        The indices of strengths that are marked by a line, by label.
    """
    axis.fill_between(alphas, mean - error, mean + error, color="0.5", alpha=0.25, linewidth=0)
    axis.plot(alphas, mean, color=BLUE, linewidth=1.6)
    for number, (said, k) in enumerate(marked.items()):
        color, style = ((ORANGE, "--"), ("0.5", ":"))[number % 2]
        axis.axvline(alphas[k], color=color, linewidth=1.2, linestyle=style, label=said)
    _penalty_axis(axis, alphas)
    axis.set_ylabel("cross-validated deviance per row")
    axis.legend(frameon=False, fontsize=8, loc="best")


def _penalty_axis(axis: Any, alphas: np.ndarray) -> None:
    axis.set_xscale("log")
    axis.set_xlim(alphas.max(), alphas.min() / _MARGIN)
    axis.set_xlabel("penalty strength alpha")
