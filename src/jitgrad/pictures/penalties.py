"""Fits with a penalty: how coefficients come in as it is relaxed, and which penalty predicts best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.pictures.canvas import BLUE, ORANGE, plain

_MARGIN = 1.15
"""Beyond the smallest strength, so that a line at it is seen."""
_NAMED = 8
"""Features whose lines have names: those with the largest coefficients where the penalty was chosen."""


def draw_path(axis: Any, alphas: np.ndarray, coefficients: np.ndarray, names: Sequence[str], chosen: float, unit: str) -> None:
    """A line for each coefficient that is ever other than 0, from the strongest penalty at the left to the weakest.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Where to draw.
    alphas : ndarray of shape (m,)
        The strengths of the penalty.
    coefficients : ndarray of shape (m, n)
        In units that compare.
    names : sequence of str
        Of the features, n.
    chosen : float
        The strength that was chosen, which has a line of its own.
    unit : str
        Of the coefficients.
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
    """The deviance of rows that were left out, with its standard error, for each strength of the penalty.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Where to draw.
    alphas, mean, error : ndarray of shape (m,)
        Strengths, and the deviance of a row with its standard error.
    marked : dict of str to int
        The numbers of strengths that have a line, by what is said of them.
    """
    axis.fill_between(alphas, mean - error, mean + error, color="0.5", alpha=0.25, linewidth=0)
    axis.plot(alphas, mean, color=BLUE, linewidth=1.6)
    for number, (said, k) in enumerate(marked.items()):
        color, style = ((ORANGE, "--"), ("0.5", ":"))[number % 2]
        axis.axvline(alphas[k], color=color, linewidth=1.2, linestyle=style, label=said)
    _penalty_axis(axis, alphas)
    axis.set_ylabel("deviance of a row left out")
    axis.legend(frameon=False, fontsize=8, loc="best")


def _penalty_axis(axis: Any, alphas: np.ndarray) -> None:
    axis.set_xscale("log")
    axis.set_xlim(alphas.max(), alphas.min() / _MARGIN)
    axis.set_xlabel("alpha, the strength of the penalty")
