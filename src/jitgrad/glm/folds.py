"""Random assignment of rows to folds."""

from __future__ import annotations

import numpy as np

from jitgrad import random


def drawn_folds(y: np.ndarray, folds: int, seed: int, evenly: bool) -> np.ndarray:
    """Draw the fold of each row at random; ``evenly`` spreads equal targets over all folds."""
    order = random.generator(seed).permutation(len(y))
    if evenly:
        order = order[np.argsort(y[order], kind="stable")]
    fold = np.empty(len(order), np.int64)
    fold[order] = np.arange(len(order)) % folds
    return fold
