"""Many groups without starting values end where ``curve_fit`` does, for the price of some tens of fits."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jitgrad import curve_fit
from jitgrad.curvefit.least_squares import Solution
from jitgrad.curvefit.many import solve_many
from jitgrad.curvefit.status import converged
from jitgrad.errors import FitWarning
from jitgrad.groupfit.starts import search_groups
from tests.groupfit.families import FAMILIES, Family


def searched(family: Family, **options: Any) -> Solution:
    """The fits without starting values."""
    names = family.curve.names
    unknown = np.full((len(family.y), len(names)), np.nan)
    return search_groups(family.curve, range(len(names)), family.groups, unknown, shape=family.shape, **options)


def alone(family: Family, which: np.ndarray) -> np.ndarray:
    """The costs of ``curve_fit``'s fits without starting values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return np.array([curve_fit(family.formula, family.x, family.y[g]).cost for g in which.tolist()])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_search_ends_where_curve_fit_does(family: Callable[[int], Family]) -> None:
    made = family(60)
    found = searched(made)
    from_truth = solve_many(made.curve, range(made.truth.shape[1]), made.groups, made.truth)
    assert np.mean(found.costs <= from_truth.costs * (1 + 1e-6)) >= 0.99
    assert converged(found.status).mean() >= 0.99
    some = np.arange(0, 60, 20)
    assert (found.costs[some] <= alone(made, some) * (1 + 1e-6)).all()


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_search_ends_where_curve_fit_does_in_99_of_100_groups(family: Callable[[int], Family]) -> None:
    made = family(400)
    assert np.mean(searched(made).costs <= alone(made, np.arange(400)) * (1 + 1e-6)) >= 0.99
