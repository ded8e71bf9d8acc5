"""Fitting a table: columns to numbers, a linear model or a multilayer perceptron, how well it fits, and how certain it is."""

from jitgrad.tabular.curves import CurveModel, CurveTableFit, compare_curves, fit_curve
from jitgrad.tabular.fit import TableFit, fit_table
from jitgrad.tabular.inference import Inference
from jitgrad.tabular.model import TableModel
from jitgrad.tabular.settings import MODELS, Settings

__all__ = [
    "MODELS",
    "CurveModel",
    "CurveTableFit",
    "Inference",
    "Settings",
    "TableFit",
    "TableModel",
    "compare_curves",
    "fit_curve",
    "fit_table",
]
