"""ROC curves and calibration of class probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.pictures.canvas import BLUE, ORANGE, plain
from jitgrad.pictures.thinning import shown

_CURVES = 8
"""The largest number of curves. With more classes, those with the most rows are drawn."""
_GROUPS = 10
_CORNERS = 400
"""The largest number of corners of a curve."""


def roc(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the receiver operating characteristic.

    Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve", 1982.

    Parameters
    ----------
    positive : ndarray of bool, shape (n,)
        Which rows belong to the class.
    score : ndarray, shape (n,)
        The predicted probabilities, or any increasing function of them.
    weights : ndarray, shape (n,)
        Frequency weights.

    Returns
    -------
    false_rate, true_rate : ndarray, shape (k,)
        False and true positive rates from 0 to 1, with a corner for each distinct score.
    area : float
        The area under the curve: the probability that a positive row has a higher score than a negative one, with ties
        counted as one half.
    """
    order = np.argsort(-score, kind="stable")
    score, positive, weights = score[order], positive[order], weights[order]
    ends = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    hits, misses = (np.cumsum(np.where(of, weights, 0))[ends] for of in (positive, ~positive))
    true_rate, false_rate = (np.concatenate([[0.0], counts / (counts[-1] or 1)]) for counts in (hits, misses))
    return false_rate, true_rate, float(np.sum(np.diff(false_rate) * (true_rate[1:] + true_rate[:-1]) / 2))


def draw_roc(axis: Any, y: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, classes: Sequence[str]) -> None:
    """Draw the ROC curve of the second of two classes, or of each of several classes against the rest.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Where to draw.
    y : ndarray, shape (n,)
        The indices of the true classes.
    probabilities : ndarray, shape (n, classes)
        The predictions.
    weights : ndarray, shape (n,)
        Frequency weights.
    classes : sequence of str
        The names of the classes.
    """
    counts = np.bincount(y.astype(np.int64), weights, len(classes))
    frequent = np.sort(np.argsort(-counts, kind="stable")[:_CURVES])
    axis.plot([0, 1], [0, 1], color="0.5", linewidth=1)
    for number, k in enumerate([1] if len(classes) == 2 else frequent.tolist()):
        if not 0 < counts[k] < counts.sum():
            continue
        false_rate, true_rate, area = roc(y == k, probabilities[:, k], weights)
        seen = shown(np.abs(np.diff(np.diff(true_rate, prepend=0), prepend=0)), _CORNERS)
        seen = np.unique(np.concatenate([[0], seen, [len(true_rate) - 1]]))
        look = {"color": BLUE if len(classes) == 2 else f"C{number}", "linewidth": 1.6}
        axis.plot(false_rate[seen], true_rate[seen], **look, label=f"{plain(classes[k], 20)}, area {area:.3f}")
    axis.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    if axis.get_legend_handles_labels()[1]:
        axis.legend(loc="lower right", frameon=False, fontsize=9)


def draw_calibration(
    figure: Any, y: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, classes: Sequence[str]
) -> None:
    """Draw observed frequencies against predicted probabilities, in ten groups of equal size, above a histogram.

    The probability is for the second of two classes, or for the predicted class if there are more. Error bars are
    Wilson's 95% intervals ("Probable inference, the law of succession, and statistical inference", 1927).
    """
    if len(classes) == 2:
        said, happened = probabilities[:, 1], y == 1
        names = f"probability of {plain(classes[1], 20)}", "observed frequency"
    else:
        said, happened = probabilities.max(1), probabilities.argmax(1) == y
        names = "probability of the predicted class", "fraction correct"
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot([0, 1], [0, 1], color="0.5", linewidth=1)
    order = np.argsort(said, kind="stable")
    before = np.cumsum(weights[order]) - weights[order] / 2
    edges = np.unique(np.interp(np.linspace(0, weights.sum(), _GROUPS + 1), before, said[order]))
    group = np.searchsorted(edges[1:-1], said, side="right")
    counts = np.bincount(group, weights)
    used = counts > 0
    mean, share = (np.bincount(group, weights * values)[used] / counts[used] for values in (said, happened))
    counts = counts[used]
    low, high = wilson(share, counts)
    upper.errorbar(mean, share, [share - low, high - share], fmt="o-", color=BLUE, markersize=4.5, linewidth=1.2)
    bins = np.linspace(0, 1, 21)
    kinds = [(said[of], weights[of]) for of in (happened, ~happened)]
    lower.hist(
        [x for x, _ in kinds],
        bins,
        weights=[w for _, w in kinds],
        stacked=True,
        color=(BLUE, ORANGE),
        alpha=0.8,
        label=("it is", "it is not"),
    )
    lower.legend(frameon=False, fontsize=8, ncols=2, loc="upper center", handlelength=1)
    lower.set(xlabel=names[0], ylabel="rows")
    lower.margins(y=0.35)
    upper.set(ylabel=names[1], xlim=(-0.02, 1.02), ylim=(-0.03, 1.03))
    figure.align_ylabels()


def wilson(share: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of Wilson's 95% intervals of proportions."""
    z = 1.959963984540054
    middle = (share + z**2 / (2 * counts)) / (1 + z**2 / counts)
    half = z / (1 + z**2 / counts) * np.sqrt(share * (1 - share) / counts + z**2 / (4 * counts**2))
    return np.minimum(middle - half, share), np.maximum(middle + half, share)
