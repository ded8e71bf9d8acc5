"""Fit a model to each of many small data sets."""

from jitgrad.groupfit.fit import fit_groups
from jitgrad.groupfit.result import GroupFits

__all__ = ["GroupFits", "fit_groups"]
