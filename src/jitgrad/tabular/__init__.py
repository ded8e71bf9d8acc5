"""Models of tables: encode the columns, fit a model, and report estimates, standard errors and scores.

`fit_table` fits generalized linear models and networks. `fit_curve` fits nonlinear formulas with parameters.
"""

from jitgrad.tabular.curve_model import CurveModel
from jitgrad.tabular.curves import CurveTableFit, compare_curves, fit_curve
from jitgrad.tabular.fit import fit_table
from jitgrad.tabular.inference import Inference
from jitgrad.tabular.model import TableModel
from jitgrad.tabular.result import TableFit
from jitgrad.tabular.settings import MODELS, Settings

__all__ = [
    "MODELS", "CurveModel", "CurveTableFit", "Inference", "Settings", "TableFit", "TableModel", "compare_curves", "fit_curve",
    "fit_table",
]  # fmt: skip
